"""Replay an archive with every node off."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from trine._cli.pace import Pace, amount
from trine._cli.settings import Settings, common, facts
from trine.archive.audit import Audit, Tally
from trine.archive.reader import Archive
from trine.client.founding import fingerprint, is_fingerprint
from trine.errors import OtherFingerprint


@click.command()
@click.argument("archive", type=click.Path(path_type=Path, file_okay=False))
@click.option("--fingerprint", "expected", help="The network's fingerprint, as a member told you.")
@click.option("--until", type=click.IntRange(min=0), help="Last height to replay (default: all).")
@common
def audit(settings: Settings, archive: Path, expected: str | None, until: int | None) -> None:
    """Replay ARCHIVE block by block in the readable model; no node and no network is needed.

    Every transaction is executed again by the rules as Python says them, every header compared,
    every certificate checked against the validators whom the chain itself named. Exit status 0:
    everything holds; 1: something does not, and one sentence says what comes first; 5: no archive.

    What you trust is the fingerprint alone: compare it with the one that members know.

    \b
    Examples:
      trine audit chain
      trine audit chain --fingerprint "8c1f 02aa ..." --json
    """
    opened = Archive(archive)
    if expected is not None and not is_fingerprint(expected, opened.chain_id):
        message = f"the fingerprint is {fingerprint(opened.chain_id)}, not {expected!r:.60}"
        raise OtherFingerprint(message, instance=str(archive))
    pace, replay = Pace(settings), Audit(opened)
    last = min(opened.whole(), opened.whole() if until is None else until)

    def tell(tally: Tally) -> None:
        pace.tell(tally.blocks - 1, last, tally.blocks, tally.bytes, tally.transactions)

    replay.run(until, tell)
    document = _document(opened, replay, pace)
    settings.emit(document, _lines(document))


def _document(archive: Archive, replay: Audit, pace: Pace) -> dict[str, Any]:
    tally = replay.tally
    return {
        "verified": True,
        "chain": archive.document.name,
        "chain_id": archive.chain_id.hex(),
        "fingerprint": fingerprint(archive.chain_id),
        "height": replay.height,
        "digest": tally.digest.hex(),
        "certified_height": tally.certified,
        "epochs": tally.epoch + 1,
        "transactions": tally.transactions,
        "failed_transactions": tally.failed,
        "certificates": tally.certificates,
        "signatures": tally.signatures,
        "bytes": tally.bytes,
        "seconds": round(pace.seconds, 3),
        "blocks_per_s": round(tally.blocks / pace.seconds, 1),
        "transactions_per_s": round(tally.transactions / pace.seconds, 1),
    }


def _lines(document: dict[str, Any]) -> Iterator[str]:
    yield f"Everything holds: the chain {document['chain']} up to height {document['height']}."
    yield ""
    failed = f"{document['transactions']}, of which {document['failed_transactions']} failed"
    yield from facts(fingerprint=document["fingerprint"], last_block=document["digest"])
    yield from facts(epochs=document["epochs"])
    yield from facts(transactions=failed + " as they must")
    yield from facts(
        certificates=f"{document['certificates']}, {document['signatures']} signatures"
    )
    yield from facts(certified_height=document["certified_height"])
    rate = f"{document['blocks_per_s']:.0f} blocks/s, "
    rate += f"{document['transactions_per_s']:.0f} transactions/s"
    yield from facts(size=amount(document["bytes"]), rate=rate)
    yield ""
    yield "Compare fingerprint and last block with what members know (trine block show HEIGHT)."
