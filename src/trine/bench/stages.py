"""Measure each stage of a transaction's path alone, on the same blocks.

Every figure is CPU time of all threads, and allocations, of this process; nothing else runs in it
meanwhile.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
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
    """

    stage: str
    per: str
    us: float
    allocations: float
    allocated_bytes: float


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
