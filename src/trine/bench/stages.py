"""Measure each stage of a transaction's path alone, on the same blocks.

Every figure is CPU time of all threads, and allocations, of this process; nothing else runs in it
meanwhile.
"""

from __future__ import annotations

import json
import multiprocessing
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from trine import __version__
from trine._core import load as core

BLOCKS: Final = 8
"""Blocks that are measured, where the caller names no number."""
TRANSACTIONS: Final = 4_096
"""Transactions of a block, where the caller names no number."""


@dataclass(frozen=True)
class Stage:
    """What one stage costs.

    Attributes:
        stage: What is done.
        per: `transaction` or `block`.
        us: CPU time of all threads, in microseconds.
        allocations: Allocations of memory.
        allocated_bytes: Bytes that they asked for.
        us_at_once: The same as `us` while other cores do the same; none where that was not
            measured.
        scaling: How many times the work of one core all of them do; none as above, and where the
            stage took no time that the clock shows.
    """

    stage: str
    per: str
    us: float
    allocations: float
    allocated_bytes: float
    us_at_once: float | None = None
    scaling: float | None = None


def measure_stages(
    genesis: Mapping[str, Any],
    *,
    transactions: int = TRANSACTIONS,
    blocks: int = BLOCKS,
    tell: Callable[[int], None] = lambda _: None,
) -> list[Stage]:
    """Measure every stage on blocks of transfers between the accounts that genesis generates.

    Args:
        genesis: Genesis document with generated accounts.
        transactions: Transactions of a block.
        blocks: Blocks that are measured; one more warms up.
        tell: Called with the number of each block before it is run; may raise to stop.

    Raises:
        BadArgument: The genesis does not serve.
    """

    def each(number: int) -> bool:
        tell(number)
        return True

    with tempfile.TemporaryDirectory(prefix="trine-stages-") as folder:
        document = json.dumps(dict(genesis)).encode()
        rows = core.measure_stages(document, transactions, blocks, folder, each)
    return [Stage(**row) for row in json.loads(rows)]


def add_scaling(
    stages: Sequence[Stage],
    genesis: Mapping[str, Any],
    cores: int,
    *,
    transactions: int = TRANSACTIONS,
    blocks: int = BLOCKS,
) -> list[Stage]:
    """Measure the stages again, in as many processes at once as there are cores to be used.

    Cores share caches, memory and the disk: where a stage takes as long on each of them as alone,
    it scales with their number.

    Args:
        stages: What `measure_stages` returned.
        genesis: As there.
        cores: Processes.
        transactions: As there.
        blocks: As there.

    Returns:
        The stages with `us_at_once` and `scaling`.
    """
    # Not forked: each process has an extension of its own, without the threads of this one.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(cores, mp_context=context) as processes:
        started = [
            processes.submit(measure_stages, genesis, transactions=transactions, blocks=blocks)
            for _ in range(cores)
        ]
        copies = [one.result() for one in started]
    found = []
    for stage, *others in zip(stages, *copies, strict=True):
        us = sum(other.us for other in others) / cores
        scaling = cores * stage.us / us if us else None
        found.append(replace(stage, us_at_once=us, scaling=scaling))
    return found


def report(stages: list[Stage], about: Mapping[str, Any], hardware: str) -> dict[str, Any]:
    """Put figures into a document, with what they are about and the sum a transaction."""
    total = sum(stage.us for stage in stages if stage.per == "transaction")
    return {
        "version": __version__,
        "hardware": hardware,
        **about,
        "us_per_tx": total,
        "stages": [asdict(stage) for stage in stages],
    }
