"""Run a network to put load on, in a folder that is removed afterwards."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from trine._cli import local_network
from trine.client.home import Home
from trine.crypto import SUITE_ALGORITHMS, SecretKey

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


def generated_accounts(count: int) -> dict[str, Any]:
    """Say which accounts a genesis generates for load."""
    return {"organisation": 0, "seed": "load", "count": count, "balance": BALANCE}


@contextmanager
def own_network(
    validators: int, accounts: int, suite: str, note: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    """Run a network of its own until the context ends.

    Args:
        validators: How many.
        accounts: Accounts that its genesis generates.
        suite: Algorithms of the chain.
        note: Tells progress.

    Yields:
        The fields of a `trine.bench.LoadPlan` that say where to send, and from whom.
    """
    from trine.bench.peers.processes import temporary_folder, undisturbed  # noqa: PLC0415 - heavy

    with temporary_folder("bench") as folder:
        home = Home(folder)
        note(f"making a network of {validators} validators and {accounts} accounts")
        notaries = [SecretKey.generate(SUITE_ALGORITHMS[suite]) for _ in range(NOTARIES)]
        local_network.create(home, validators, suite, generated_accounts(accounts), notaries)
        try:
            pids = local_network.start(home)
            local_network.wait_until_final(home, note)
            yield {
                "genesis": json.loads(home.genesis.read_bytes()),
                "nodes": home.urls(),
                "validator_pids": list(pids.values()),
                "notary_keys": [key.expose() for key in notaries],
            }
        finally:
            with undisturbed():
                local_network.stop(home)
