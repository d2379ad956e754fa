"""Say which faults hit which nodes, and when."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

FAULT_S: Final = 6.0
"""Seconds that a fault lasts."""
REST_S: Final = 9.0
"""Seconds from one fault's end to the next fault."""
CLOCK_STEP_S: Final = 30
"""Seconds by which a clock is stepped."""


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Attributes:
        what: What happens, in English.
        what_zh: The same in Chinese.
        group: Whom it hits: `one` node, a `few` (as many as may fail), `half` of them, or `all`.
        needs_hosts: Whether the nodes must be hosts of their own.
    """

    what: str
    what_zh: str
    group: str
    needs_hosts: bool = False


KINDS: Final = {
    "kill": Kind("kill -9, started again", "强制结束进程 (kill -9)，再启动", "few"),
    "stop": Kind("stopped (SIGSTOP), then continued", "暂停进程 (SIGSTOP)，再继续", "few"),
    "kill-all": Kind(
        "kill -9 of all at once, started again", "同时强制结束所有进程，再启动", "all"
    ),
    "lose-disk": Kind(
        "kill -9, its data removed, started again", "强制结束进程，删除数据，再启动", "one"
    ),
    "partition": Kind("cut off from all others", "与其他所有节点断开", "few", needs_hosts=True),
    "split": Kind("cut off from the other half", "与另一半节点断开", "half", needs_hosts=True),
    "one-way": Kind(
        "what it sends to others is lost", "发给其他节点的数据全部丢失", "few", needs_hosts=True
    ),
    "slow": Kind(
        "lines of 150±100 ms and 200 KB/s", "线路延迟 150±100 毫秒、带宽 200 KB/s", "few", True
    ),
    "full-disk": Kind("its disk is full", "磁盘写满", "one", needs_hosts=True),
    "clock-ahead": Kind(
        f"its clock is stepped {CLOCK_STEP_S} s ahead", f"时钟拨快 {CLOCK_STEP_S} 秒", "few", True
    ),
    "clock-behind": Kind(
        f"its clock is stepped {CLOCK_STEP_S} s back", f"时钟拨慢 {CLOCK_STEP_S} 秒", "few", True
    ),
}
"""Kinds of faults, in the order in which they come."""


@dataclass(frozen=True)
class Fault:
    """What happens to whom, and when.

    Attributes:
        kind: Key of `KINDS`.
        targets: Names of nodes.
        at_s: Seconds since the start of the load.
        seconds: How long it lasts.
    """

    kind: str
    targets: tuple[str, ...]
    at_s: float
    seconds: float

    @property
    def until_s(self) -> float:
        """When it ends, in seconds since the start of the load."""
        return self.at_s + self.seconds


@dataclass(frozen=True)
class Campaign:
    """Which faults come to a network, and how long it bears load.

    Attributes:
        duration_s: How long the load lasts; the last fault is over a rest before.
        seed: Decides whom each fault hits.
        kinds: Keys of `KINDS`, in the order in which they come.
    """

    duration_s: float
    seed: int
    kinds: Sequence[str]

    def faults(self, names: Sequence[str]) -> list[Fault]:
        """Say what happens to nodes when; the same campaign gives the same."""
        chance = random.Random(self.seed)  # noqa: S311 - a plan, no secret
        few = (len(names) - 1) // 3
        counts = {"one": 1, "few": few, "half": len(names) // 2, "all": len(names)}
        found: list[Fault] = []
        at_s = REST_S
        while at_s + FAULT_S + REST_S <= self.duration_s:
            kind = self.kinds[len(found) % len(self.kinds)]
            hit = set(chance.sample(list(names), counts[KINDS[kind].group]))
            targets = tuple(name for name in names if name in hit)
            found.append(Fault(kind, targets, at_s, FAULT_S))
            at_s += FAULT_S + REST_S
        return found


def duration_of(faults: int) -> float:
    """Say how many seconds of load so many faults take."""
    return REST_S + faults * (FAULT_S + REST_S)
