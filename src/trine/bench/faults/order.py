"""Find writes that stand before one which was acknowledged before they were sent."""

from __future__ import annotations

import math
from collections.abc import Sequence

from trine.bench.faults.clients import Record


def out_of_order(placed: Sequence[tuple[tuple[int, ...], Record]]) -> list[str]:
    """Name the records that stand before one which was acknowledged before they were sent.

    Where there are none, the order is one in which all writes could have happened at one moment
    each between request and answer: they are linearizable (Herlihy and Wing, 1990).

    Args:
        placed: Acknowledged records, each with where it stands.
    """
    found, done_s = [], math.inf
    for _, record in sorted(placed, key=lambda one: one[0], reverse=True):
        if done_s < record.sent_s:
            found.append(record.name)
        done_s = min(done_s, record.done_s)
    return sorted(found)
