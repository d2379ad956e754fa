"""Make a node from an archive: it checks every certificate and replays every block itself."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click

from trine._cli import processes
from trine._cli.following import fill, make_follower
from trine._cli.founding import agree, network_document, node_name
from trine._cli.home_backup import put_back, read_keys
from trine._cli.network import command
from trine._cli.settings import Settings, common, facts
from trine.archive.reader import Archive
from trine.archive.server import ArchiveServer, serving
from trine.client.founding import read_genesis
from trine.client.home import Home
from trine.client.settings import node_urls
from trine.errors import ArchiveMismatch, BadArgument, BadKeysFile, NotReady

MARK: Final = ".restoring"
"""File of a home that is being restored: the next `trine restore` goes on."""
STALL_S: Final = 30.0
"""Seconds without progress after which the archive holds what the node refuses."""
ANSWER_S: Final = 60.0
"""Seconds in which restored nodes answer."""
NOBODY: Final = "http://upstream.invalid"
"""Upstream of a follower that was given none: a name that never exists (RFC 2606, section 2)."""


@click.command()
@click.argument("archive", type=click.Path(path_type=Path, file_okay=False))
@click.option("--fingerprint", "expected", help="The network's fingerprint, as a member told you.")
@click.option(
    "--keys",
    "keys_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File that `trine backup --keys` wrote: the home is again what it was.",
)
@click.option(
    "--upstream",
    "upstreams",
    multiple=True,
    metavar="URL",
    help="Node to follow from then on; may be given several times.",
)
@click.option(
    "--authority",
    type=click.Path(path_type=Path, dir_okay=False),
    help="PEM file of an authority of their certificates.",
)
@click.option(
    "--name", default="follower", show_default=True, callback=node_name, help="Name of your node."
)
@common
def restore(
    settings: Settings,
    archive: Path,
    expected: str | None,
    keys_file: Path | None,
    upstreams: Sequence[str],
    authority: Path | None,
    name: str,
) -> None:
    """Make a node in a new --home from ARCHIVE; no network is needed.

    The node believes nothing of the archive but the fingerprint that you confirm: it checks every
    certificate and executes every block. Without --keys it is a follower, which goes on with the
    nodes that --upstream names. With --keys the home gets back its keys and nodes; a validator
    votes again from the next epoch on, because it may have voted in this one before.

    Cut anywhere, the same command goes on.

    \b
    Examples:
      trine restore chain --home ~/copy --upstream https://city.example:8443
      trine restore chain --home ~/.trine --keys keys.tar --fingerprint "8c1f 02aa ..."
    """
    home = settings.home
    if keys_file is not None and upstreams:
        raise BadArgument("--upstream is for a follower; a node of --keys knows whom to ask")
    later = node_urls(upstreams) if upstreams else (NOBODY,)
    opened = Archive(archive)
    opened.whole()
    files = read_keys(keys_file) if keys_file else {}
    _, chain_id = read_genesis(files.get(home.genesis.name, opened.genesis))
    if chain_id != opened.chain_id:
        message = f"{keys_file} is of another chain than {archive}"
        raise BadKeysFile(message, instance=str(keys_file))
    with processes.locked(home):
        _check_home(home, opened)
        genesis, chain_id = read_genesis(opened.genesis)
        if not (home.path / MARK).exists():
            agree(settings, genesis, chain_id, expected)
            (home.path / MARK).touch()
        if not home.has_network():
            if files:
                put_back(home, files)
            else:
                make_follower(home, name, opened.genesis, later, authority)
        nodes, _ = processes.load(home)
        height = _fill(settings, nodes, opened)
        # From here on `trine up` is what starts the nodes, whatever happens.
        (home.path / MARK).unlink()
        processes.start(home)
        _wait(home, nodes, height)
    document = {
        **network_document(genesis, chain_id),
        "height": height,
        "nodes": [{"name": node.name, "url": node.url} for node in nodes],
    }
    settings.emit(document, _lines(settings, nodes, document, fed=bool(files or upstreams)))


def _check_home(home: Home, archive: Archive) -> None:
    """Make sure that nothing is overwritten.

    Raises:
        BadArgument: The home holds a network that this archive does not restore.
    """
    taken = home.genesis.exists() or home.network.exists() or home.keys.names()
    resumed = (home.path / MARK).exists()
    if resumed and home.genesis.exists():
        _, chain_id = read_genesis(home.genesis.read_bytes())
        if chain_id != archive.chain_id:
            message = f"{home.path} is being restored from another chain: name another --home"
            raise BadArgument(message, instance=str(home.path))
    elif taken and not resumed:
        message = f"{home.path} holds a network or keys already: name another --home"
        raise BadArgument(message, instance=str(home.path))


def _fill(settings: Settings, nodes: list[processes.Node], archive: Archive) -> int:
    """Let each node take the chain from the archive; returns their height."""
    height = archive.whole()
    for node in nodes:
        settings.note(f"{node.name} checks and executes the archive")
        with serving(archive) as (served, url):
            fill(settings, node, (url,), None, lambda: height, _stall(served, archive), 0)
    return height


def _stall(served: ArchiveServer, archive: Archive) -> Callable[[int], None]:
    """Make what ends the waiting for a node that does not get on.

    The function raises:
        DamagedArchive: A segment is damaged.
        ArchiveMismatch: The node refuses what comes next.
    """
    seen, since = (-1, -1), time.monotonic()

    def look(height: int) -> None:
        nonlocal seen, since
        if served.fault is not None:
            raise served.fault
        now = height, served.served
        if now != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > STALL_S:
            message = f"the node refuses what follows block {height} in {archive.path}"
            raise ArchiveMismatch(f"{message}: `trine audit` says why", instance=str(archive.path))

    return look


def _wait(home: Home, nodes: list[processes.Node], height: int) -> None:
    """Wait until restored nodes answer with what they have.

    Raises:
        NodeStopped: One ended.
        NotReady: One does not answer in time.
    """
    deadline = time.monotonic() + ANSWER_S
    with processes.opened(nodes) as http:
        for node in nodes:
            while not ((found := processes.probe(http, node.url)) and found.height >= height):
                processes.check_alive(home, nodes)
                if time.monotonic() > deadline:
                    message = f"node {node.name} does not answer; its output: {node.output}"
                    raise NotReady(message, instance=str(node.output))
                time.sleep(processes.POLL_S)


def _lines(
    settings: Settings, nodes: list[processes.Node], document: dict[str, Any], *, fed: bool
) -> Iterator[str]:
    names = ", ".join(node.name for node in nodes)
    yield f"Restored: {names}, with the chain up to height {document['height']}, all checked."
    voting = sum(node.p2p_port is not None for node in nodes)
    if voting:
        yield "A validator votes again from the epoch on that begins after this moment."
        if voting > (len(document["validators"]) - 1) // 3:
            yield "These are too many: without their votes the epoch that runs does not end, unless"
            yield "validators that have their data make a quorum. The chain can be read and proven."
    elif not fed:
        yield f"It follows nobody yet: name nodes as follow.upstreams in {nodes[0].config},"
        yield "then stop and start it."
    yield ""
    facts_of_nodes: dict[str, Any] = {node.name: node.url + "/" for node in nodes}
    yield from facts(**facts_of_nodes)
    yield ""
    yield "  " + command(settings, "status")
    yield "  " + command(settings, "down")
