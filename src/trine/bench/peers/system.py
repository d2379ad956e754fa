"""Describe a system that is measured: what it is, how it starts, how a load runs on it.

Example:
    >>> from trine.bench.peers import Load
    >>> load = Load(rate_per_s=1_000, warmup_s=2, duration_s=5)
    >>> load.total_s
    7
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

NODES: Final = 4
"""Nodes of every system: as many as tolerate one dishonest validator."""


class Load(NamedTuple):
    """An open loop: transactions are due at a fixed rate, whatever the system does.

    Attributes:
        rate_per_s: Transactions a second that are due.
        warmup_s: Seconds before the measured window.
        duration_s: Seconds of the window.
    """

    rate_per_s: int
    warmup_s: int
    duration_s: int

    @property
    def total_s(self) -> int:
        """Seconds in which transactions are due."""
        return self.warmup_s + self.duration_s


class Network(NamedTuple):
    """Nodes that run, until the context that gave them ends.

    Attributes:
        run: Runs a load and returns a report with the fields of `trine.bench.run_load`.
        commands: How the nodes were started, for the document.
    """

    run: Callable[[Load], dict[str, Any]]
    commands: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class System:
    """A system that can be measured.

    Attributes:
        name: Name on the command line.
        title: Name in tables and pictures.
        signed: Whether transactions are signed, and verified by the nodes.
        about: One sentence: what is sent, what counts as final.
        missing: What this machine lacks and how to install it; `None` where nothing is missing.
        version: Version of the software; asked for only where nothing is missing.
        network: Starts the nodes; stops them and removes their files at the end.
    """

    name: str
    title: str
    signed: bool
    about: str
    missing: Callable[[], str | None]
    version: Callable[[], str]
    network: Callable[[], AbstractContextManager[Network]]
