"""Copy the chain of a running node into an archive."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import httpx

from trine._cli.following import fetch_genesis
from trine._cli.home_backup import write_keys
from trine._cli.pace import Pace, amount
from trine._cli.settings import Settings, common, facts
from trine.archive.reader import Archive
from trine.archive.source import Source
from trine.archive.writer import Writer, opened
from trine.client.founding import fingerprint
from trine.client.settings import client_files, new_reading, node_urls, tls
from trine.errors import BadArgument, UnlinkedBlock

ANSWER_S: Final = 60.0
"""Seconds that a node may take for one answer."""


@click.command()
@click.argument("archive", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--keys",
    "keys_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the home's keys and configurations into this file too; it is secret.",
)
@common
def backup(settings: Settings, archive: Path, keys_file: Path | None) -> None:
    """Copy everything final of the chain into the folder ARCHIVE, while the node runs.

    The first time it copies the whole chain, later what is new. Cut anywhere, it leaves a usable
    archive, and goes on from there. The archive holds nothing secret; keys are in no backup unless
    you ask for them with --keys, which writes another file, for its owner alone.

    It checks that blocks and certificates belong together; `trine audit` checks everything else.

    \b
    Examples:
      trine backup chain
      trine backup chain --node https://city.example:8443
      trine backup chain --keys keys.tar
    """
    if keys_file is not None and archive.resolve() in keys_file.resolve().parents:
        message = f"{keys_file} lies in the archive, which is for anybody: name another file"
        raise BadArgument(message, instance=str(keys_file))
    urls = node_urls(settings.urls())
    verify = tls(os.environ.get("TRINE_CA_FILE"), *client_files())
    pace = Pace(settings)
    reading = new_reading(urls, None, settings.open_read_key)
    with httpx.Client(verify=verify, timeout=ANSWER_S, trust_env=False, auth=reading) as http:
        genesis = fetch_genesis(http, urls)
        source = Source(http, _answering(http, urls))
        with opened(archive, genesis) as writer:
            try:
                copy(source, writer, pace)
            except UnlinkedBlock as error:
                message = f"{source.url}: {error}; what was copied before it is sealed"
                raise UnlinkedBlock(message, instance=source.url) from None
    copied = write_keys(settings.home, keys_file) if keys_file else []
    document = _document(Archive(archive), writer, pace, keys_file, copied)
    settings.emit(document, _lines(document))


def _answering(http: httpx.Client, urls: tuple[str, ...]) -> str:
    """Find the first node that answers; the last one where none does."""
    for url in urls[:-1]:
        try:
            http.get(url + "/healthz")
        except httpx.TransportError:
            continue
        return url
    return urls[-1]


def copy(source: Source, writer: Writer, pace: Pace) -> None:
    """Add what a node has now and the archive has not.

    Raises:
        CannotReachNode, BadAnswer: The node stops answering, or answers something else.
        UnlinkedBlock: A block is not that of the chain.
    """
    first = writer.links.height + 1
    last = source.tip(max(first - 1, 0))
    # Of a chain without a certified block nothing is final but genesis.
    if last == 0:
        return
    for record in source.records(first, last):
        writer.append(record)
        pace.tell(writer.links.height, last, writer.added, writer.added_bytes)


def _document(
    archive: Archive, writer: Writer, pace: Pace, keys_file: Path | None, copied: list[str]
) -> dict[str, Any]:
    return {
        "archive": str(archive.path),
        "chain": archive.document.name,
        "chain_id": archive.chain_id.hex(),
        "fingerprint": fingerprint(archive.chain_id),
        "height": archive.height,
        "blocks": writer.added,
        "bytes": archive.bytes,
        "seconds": round(pace.seconds, 3),
        "blocks_per_s": round(writer.added / pace.seconds, 1),
        "keys": None if keys_file is None else str(keys_file),
        "key_files": copied,
    }


def _lines(document: dict[str, Any]) -> Iterator[str]:
    if document["height"] is None:
        yield "The chain has no certified block yet: run the command again later."
        return
    height, size = document["height"], amount(document["bytes"])
    yield f"{document['archive']} holds the chain {document['chain']} up to height {height}."
    yield ""
    new = f"{document['blocks']} blocks, {document['blocks_per_s']:.0f} blocks/s"
    yield from facts(fingerprint=document["fingerprint"], size=size, new=new)
    yield ""
    if document["keys"] is None:
        yield "It holds no keys: those of a home go into a file of their own with --keys FILE."
    else:
        yield f"{document['keys']} holds keys, passwords and configurations of the home: it is"
        yield "secret. Keep it apart from the archive."
