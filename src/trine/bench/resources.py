"""Watch what processes keep while they are measured: memory, open files, bytes stored."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SAMPLE_S: Final = 5.0
"""Seconds between two looks."""
KIB: Final = 1024
MIB: Final = 1024 * KIB

Look = Callable[[], Mapping[str, float] | None]
"""Looks once; gives figures by name, or nothing where there is nothing to see any more."""


class Watch(threading.Thread):
    """Looks again and again until it is left.

    Attributes:
        samples: `at_s` (seconds since the begin), and what was seen then.
    """

    def __init__(self, look: Look, every_s: float = SAMPLE_S) -> None:
        """Prepare; `with` begins and ends it.

        Args:
            look: What is looked at.
            every_s: Seconds between two looks.
        """
        super().__init__(name="resources", daemon=True)
        self.samples = list[dict[str, float]]()
        self._look, self._every_s = look, every_s
        self._over = threading.Event()

    def __enter__(self) -> Self:
        """Begin."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._over.set()
        self.join()

    def run(self) -> None:
        """Look now and then, and at the end."""
        started = time.monotonic()
        is_over = False
        while not is_over:
            is_over = self._over.is_set()
            at_s = time.monotonic() - started
            found = self._look()
            if found:
                self.samples.append({"at_s": round(at_s, 1), **found})
            if not is_over:
                self._over.wait(max(0.0, started + at_s + self._every_s - time.monotonic()))


def largest(pids: Iterable[int]) -> Look:
    """Look at processes of this machine, and see what the one has that has most of it.

    Gives `rss_mib`, `open_files` and `stored_mib`, what lies on the disk below its folder.
    """
    every = list(pids)

    def look() -> Mapping[str, float] | None:
        found = [one for pid in every if (one := _sample(pid))]
        return {name: max(one[name] for one in found) for name in found[0]} if found else None

    return look


def cpu_s(pids: Iterable[int]) -> float:
    """Return the CPU time that processes of this machine have used, user and system, in seconds."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def rss_mib_max(pid: int) -> float:
    """Return the most memory that a process had, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) / KIB, 1)
    return 0.0


def rss_mib(pid: int) -> float | None:
    """Return the memory that a process has now, in MiB; nothing where it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return None
    return round(pages * os.sysconf("SC_PAGE_SIZE") / MIB, 1)


def _sample(pid: int) -> dict[str, float] | None:
    """Look at one process; none where it has ended."""
    process = Path(f"/proc/{pid}")
    resident_mib = rss_mib(pid)
    try:
        files = len(list((process / "fd").iterdir()))
        stored = _stored_bytes(process / "cwd")
    except OSError:
        return None
    if resident_mib is None:
        return None
    return {
        "rss_mib": resident_mib,
        "open_files": files,
        "stored_mib": round(stored / MIB, 2),
    }


def _stored_bytes(folder: Path) -> int:
    """Count what the files below a folder take on the disk."""
    total = 0
    for place, _, names in os.walk(folder.resolve()):
        for name in names:
            try:
                total += 512 * os.lstat(os.path.join(place, name)).st_blocks
            except FileNotFoundError:
                continue  # It was removed since it was listed.
    return total


def draw_resources(axes: Sequence[Axes], report: Mapping[str, Any]) -> None:
    """Draw memory, open files, and what a transaction has left on the disk, over time."""
    samples = report["resources"]
    at_s = [sample["at_s"] for sample in samples]
    shown = (
        ("rss_mib", "MiB", "Memory of the largest validator"),
        ("open_files", "files", "Open files of a validator"),
    )
    for one, (name, unit, title) in zip(axes, shown, strict=False):
        one.plot(at_s, [sample[name] for sample in samples], color="tab:blue")
        one.set(xlabel="seconds", ylabel=unit, title=title)
        one.set_ylim(bottom=0)
    kept = stored_per_transaction(report)
    axes[2].plot([at for at, _ in kept], [count for _, count in kept], color="tab:blue")
    axes[2].set(xlabel="seconds", ylabel="bytes", title="Stored a transaction since the begin")
    axes[2].set_ylim(bottom=0)


def stored_per_transaction(report: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Say what a finalized transaction has left on a validator's disk.

    Returns:
        Seconds since the begin, and bytes a transaction until then.
    """
    finalized = [0]
    for second in report["seconds"]:
        finalized.append(finalized[-1] + second["finalized"])
    first, *rest = report["resources"]
    found = []
    for sample in rest:
        count = finalized[min(int(sample["at_s"]), len(finalized) - 1)]
        if count:
            grown = (sample["stored_mib"] - first["stored_mib"]) * MIB
            found.append((sample["at_s"], grown / count))
    return found
