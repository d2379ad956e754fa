"""Draw progress on stderr."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.progress import TimeElapsedColumn as Elapsed


class Bars:
    """One bar for each phase of a piece of work."""

    def __init__(self, label: str) -> None:
        """Draw nothing until the first report; `label` names the work."""
        self._label = label
        console = Console(file=sys.stderr)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            Elapsed(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Report that `done` of `total` are through a phase."""
        task = self._tasks.get(phase)
        if task is None:
            task = self._progress.add_task(f"{self._label}: {phase}", total=total)
            self._tasks[phase] = task
        self._progress.update(task, completed=done, total=total)
