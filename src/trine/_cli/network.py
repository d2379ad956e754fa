"""Start, stop and show a network."""

import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from trine._cli import local_network, processes
from trine._cli.settings import Settings, columns, common, facts, moment
from trine.client.home import default_home
from trine.client.records import Status
from trine.crypto import SUITE_ALGORITHMS
from trine.errors import BadArgument, CannotReachNode, NoNetwork, TrineError
from trine.types.limits import VALIDATORS_MAX

SHOW_S: Final = 1.0
"""Seconds between two lines of a network in the foreground."""


def command(settings: Settings, *words: str, home: bool = True) -> str:
    """Write a command that the reader can paste; with `home`, for this home."""
    program = sys.argv[0] if Path(sys.argv[0]).name == "trine" else "trine"
    found = shutil.which("trine")
    if found and Path(found).resolve() == Path(program).resolve():
        program = "trine"
    path = settings.home.path
    is_default = path == default_home().expanduser().absolute()
    where = ["--home", str(path)] if home and not is_default else []
    return " ".join([shlex.quote(program), *words, *map(shlex.quote, where)])


def example(settings: Settings) -> list[str]:
    """Write the worked example: notarize a folder, switch the network off, verify."""
    verify = "evidence verify papers/contract.txt --receipt receipts/contract.txt.receipt"
    return [
        "Try it: notarize a folder, switch the network off, verify.",
        "",
        '  mkdir -p papers && echo "We agree." > papers/contract.txt',
        "  " + command(settings, "evidence submit papers --out receipts"),
        "  " + command(settings, "trust export --out trust.json"),
        "  " + command(settings, "down"),
        "  " + command(settings, verify, "--trust trust.json", home=False),
        "",
    ]


def _document(settings: Settings, found: dict[str, Status], seconds: float) -> dict[str, Any]:
    nodes, pids = processes.load(settings.home)
    some = next(iter(found.values()))
    return {
        "home": str(settings.home.path),
        "chain": some.chain,
        "chain_id": str(some.chain_id),
        "height": max(status.height for status in found.values()),
        "seconds": round(seconds, 1),
        "nodes": [
            {"name": node.name, "url": node.url, "pid": pids.get(node.name)} for node in nodes
        ],
    }


def _follow(settings: Settings) -> None:
    """Show the network until Ctrl-C, then stop it."""
    nodes, _ = processes.load(settings.home)
    settings.note("Press Ctrl-C to stop the network.")
    try:
        with settings.client() as client:
            while True:
                time.sleep(SHOW_S)
                try:
                    status = client.status()
                except TrineError as error:
                    settings.note(f"{error}")
                    continue
                healthy = sum(one.healthy for one in status.validators)
                rate = status.document.get("transactions_per_s", 0)
                line = f"height {status.height}, {healthy} of {len(nodes)} healthy, {rate:.0f} tx/s"
                click.echo(f"\r{line:<60}" if sys.stderr.isatty() else line, nl=False, err=True)
                if not sys.stderr.isatty():
                    click.echo(err=True)
    except KeyboardInterrupt:
        settings.note("\nstopping the network")
    _stop(settings)


@click.command()
@click.option(
    "--validators",
    type=click.IntRange(1, VALIDATORS_MAX),
    default=4,
    show_default=True,
    help="Validators of a new network.",
)
@click.option(
    "--suite",
    type=click.Choice(tuple(SUITE_ALGORITHMS)),
    help="Algorithms of a new network: intl (the default), or gm for SM2 and SM3.",
)
@click.option("--detach", is_flag=True, help="Return once blocks are final; the nodes go on.")
@common
def up(settings: Settings, validators: int, suite: str | None, detach: bool) -> None:
    """Start or resume a local network of validators, and wait until it finalizes.

    The first time, it makes keys, genesis and configurations in the home. Later it goes on with
    the state it had. Without --detach it shows the network until Ctrl-C, which stops it.

    \b
    Examples:
      trine up --detach
      trine up --home ~/other --validators 7
      trine up --home ~/national --suite gm
    """
    started = time.monotonic()
    home = settings.home
    with processes.locked(home):
        if home.has_network():
            if home.genesis.exists() and suite not in (None, home.suite):
                message = f"the network of {home.path} has suite {home.suite}, not {suite}"
                raise BadArgument(f"{message}: leave --suite out, or name another --home")
            settings.note(f"resuming the network of {home.path}")
        else:
            settings.note(f"making a network of {validators} validators in {home.path}")
            local_network.create(home, validators, suite or "intl", None)
        processes.start(home)
        found = processes.wait_until_final(home, settings.note)
    settings.emit(
        _document(settings, found, time.monotonic() - started),
        _welcome(settings, found, time.monotonic() - started),
    )
    if not detach:
        _follow(settings)


def _welcome(settings: Settings, found: dict[str, Status], seconds: float) -> Iterator[str]:
    nodes, _ = processes.load(settings.home)
    some = next(iter(found.values()))
    height = max(status.height for status in found.values())
    yield ""
    yield f"The chain {some.chain} finalizes blocks: height {height}, after {seconds:.1f} s."
    yield ""
    yield from columns(
        ("VALIDATOR", "STATUS PAGE AND API"), [(node.name, node.url + "/") for node in nodes]
    )
    yield ""
    yield from example(settings)


def _stop(settings: Settings) -> tuple[list[str], list[str]]:
    with processes.locked(settings.home):
        return processes.stop(settings.home)


@click.command()
@common
def down(settings: Settings) -> None:
    """Stop the local network; its state stays.

    \b
    Examples:
      trine down
      trine down --home ~/other
    """
    if not settings.home.has_network():
        raise NoNetwork(f"{settings.home.path} holds no network")
    stopped, killed = _stop(settings)
    lines = [f"Stopped {', '.join(stopped)}"] if stopped else []
    lines += [f"Killed {', '.join(killed)}, which did not stop in time"] if killed else []
    settings.emit({"stopped": stopped, "killed": killed}, lines or ["Nothing was running"])


def _status_lines(status: Status) -> Iterator[str]:
    document = status.document
    yield from facts(chain=status.chain, chain_id=status.chain_id, suite=status.suite)
    yield from facts(height=status.height, epoch=status.epoch, time=moment(status.time_ms))
    blocks = document.get("blocks_per_s", 0.0)
    transactions = document.get("transactions_per_s", 0.0)
    yield from facts(rate=f"{blocks:.1f} blocks/s, {transactions:.0f} transactions/s")
    pending = document.get("pending") or {}
    yield from facts(pending=f"{pending.get('transactions', 0)} transactions")
    yield from facts(version=status.version)
    if upstream := document["node"].get("upstream"):
        yield from facts(follows=upstream)
    yield ""
    rows = [
        (one.name, one.height, "healthy" if one.healthy else "behind or down", one.url)
        for one in status.validators
    ]
    yield from columns(("VALIDATOR", "HEIGHT", "STATE", "URL"), rows)


@click.command()
@common
def status(settings: Settings) -> None:
    """Show chain, height and validators.

    \b
    Examples:
      trine status
      trine status --node http://127.0.0.1:8645 --json
    """
    try:
        with settings.client() as client:
            found = client.status()
            # A node does not name its own address: it is the one that was asked.
            url = client.url
    except CannotReachNode as error:
        if settings.node is None:
            message = f"the network of {settings.home.path} is down: start it with `trine up`"
            raise CannotReachNode(message, instance=error.instance) from None
        raise
    for validator in found.document["validators"]:
        if validator["url"] is None and validator["key"] == found.document["node"]["key"]:
            validator["url"] = url
    settings.emit(found.document, _status_lines(Status.read(found.document)))
