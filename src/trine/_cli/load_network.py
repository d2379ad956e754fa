"""Run a network to put load on, in a folder that is removed afterwards."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from trine._cli import local_network, processes
from trine._cli.settings import Settings
from trine.client.home import ADMIN_KEY, Home
from trine.crypto import SUITE_ALGORITHMS, SecretKey
from trine.errors import BadArgument, Unsupported

if TYPE_CHECKING:
    from trine.bench import Progress

ACCOUNTS: Final = 10_000
"""Accounts that send transfers, where nobody names another number."""
BALANCE: Final = 1_000_000_000_000
NOTARIES: Final = 64
"""Accounts that send evidence. Each may have as many transactions on their way as its nonce window
is wide, so that they are enough for any rate."""


suite_option: Final = click.option(
    "--suite",
    type=click.Choice(tuple(SUITE_ALGORITHMS)),
    default="intl",
    show_default=True,
    help="Algorithms of a network of its own.",
)
"""Option of every command that makes a chain to measure."""
out_option: Final = click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Figures, as JSON."
)
"""Option of every command that measures."""
png_option: Final = click.option(
    "--png", type=click.Path(path_type=Path, dir_okay=False), help="Picture to draw."
)
"""Option of every command that can draw what it measured."""


validators_option: Final = click.option(
    "--validators",
    type=click.IntRange(1, 100),
    help="Validators of a network of its own.  [default: 4 where none is named]",
)
"""Option of the commands that run a network of their own unless another is named."""
cache_option: Final = click.option(
    "--cache-mib",
    type=click.IntRange(1, 1 << 20),
    help="Page cache of each node of a network of its own (engine.cache_mib).",
)
"""Option of the commands whose figures depend on what of the state is in memory."""
accounts_option: Final = click.option(
    "--accounts",
    type=click.IntRange(2, 10_000_000),
    default=100_000,
    show_default=True,
    help="Accounts of a network of its own.",
)
"""Option of the commands whose accounts send transfers only."""
VALIDATORS: Final = 4
"""Validators of a network of its own, where nobody names another number."""


def generated_accounts(count: int) -> dict[str, Any]:
    """Say which accounts a genesis generates for load."""
    return {"organisation": 0, "seed": "load", "count": count, "balance": BALANCE}


@contextmanager
def own_network(
    validators: int,
    accounts: int,
    suite: str,
    note: Callable[[str], None],
    cache_mib: int | None = None,
) -> Iterator[dict[str, Any]]:
    """Run a network of its own until the context ends.

    Args:
        validators: How many.
        accounts: Accounts that its genesis generates.
        suite: Algorithms of the chain.
        note: Tells progress.
        cache_mib: Page cache of each node, in MiB; the default of `node.toml` where `None`.

    Yields:
        The fields of a `trine.bench.LoadPlan` that say where to send, and from whom.
    """
    from trine.bench.peers.processes import temporary_folder, undisturbed  # noqa: PLC0415 - heavy

    with temporary_folder("bench") as folder:
        home = Home(folder)
        note(f"making a network of {validators} validators and {accounts} accounts")
        notaries = [SecretKey.generate(SUITE_ALGORITHMS[suite]) for _ in range(NOTARIES)]
        generated = generated_accounts(accounts)
        local_network.create(home, validators, suite, generated, notaries, cache_mib)
        try:
            pids = processes.start(home)
            processes.wait_until_final(home, note)
            yield {
                "genesis": json.loads(home.genesis.read_bytes()),
                "nodes": home.urls(),
                "validator_pids": list(pids.values()),
                "notary_keys": [key.expose() for key in notaries],
                "data_folders": [folder / "data" for folder in sorted(home.nodes.iterdir())],
            }
        finally:
            with undisturbed():
                processes.stop(home)


@contextmanager
def given_network(settings: Settings) -> Iterator[dict[str, Any]]:
    """Use the network of the node that was named; yields as `own_network`.

    Evidence is signed with the administrator's key of the home, where it has one.
    """
    with settings.client() as client:
        genesis = client.document("/v1/genesis")
    keys = [settings.home.open_key()] if ADMIN_KEY in settings.home.keys.names() else []
    yield {
        "genesis": genesis,
        "nodes": settings.urls(),
        "notary_keys": [key.expose() for key in keys if isinstance(key, SecretKey)],
        "fresh": False,
    }


def own_or_given_network(
    settings: Settings,
    validators: int | None,
    accounts: int,
    suite: str,
    cache_mib: int | None = None,
) -> AbstractContextManager[dict[str, Any]]:
    """Use the network that --node or --home names, else run one of its own.

    Raises:
        BadArgument: A network is named and --validators asks for another one.
    """
    source = click.get_current_context().get_parameter_source("home")
    named = settings.node is not None or source is ParameterSource.COMMANDLINE
    if not named:
        return own_network(validators or VALIDATORS, accounts, suite, settings.note, cache_mib)
    if validators is not None:
        raise BadArgument("give --validators, or --node or --home, not both")
    return given_network(settings)


def check_files(out: Path | None, png: Path | None, page: Path | None = None) -> None:
    """Refuse before the work what could not be written after it.

    Raises:
        BadArgument: A file lies in a folder that does not exist.
        Unsupported: A picture is asked for, and matplotlib is not installed.
    """
    from trine.bench import picture  # noqa: PLC0415 - heavy

    for file in (out, png, page):
        if file is not None and not file.absolute().parent.is_dir():
            folder = file.absolute().parent
            raise BadArgument(f"{file}: there is no folder {folder}; make it, or name another file")
    if png is not None and not picture.is_possible():
        raise Unsupported("pictures need matplotlib: pip install 'trine[bench]'")


def describe(progress: "Progress") -> str:
    """Say in one line how far a load is."""
    if progress.signed is not None:
        return f"{progress.signed:,} transactions signed"
    if progress.audited is not None:
        return f"audit: {progress.audited:,} payments looked up"
    return (
        f"{progress.elapsed_s:5.0f} of {progress.total_s:.0f} s: "
        f"{progress.finalized_per_s} final a second, {progress.waiting} wait"
    )
