"""Do together what is asked for one by one.

>>> async def double(numbers: list[int]) -> list[int]:
...     return [2 * number for number in numbers]
>>> async def main() -> list[int]:
...     gathered = Gathered(double, pause_s=0.001, count_max=10)
...     return await asyncio.gather(gathered.ask(1), gathered.ask(2))
>>> asyncio.run(main())
[2, 4]
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

A = TypeVar("A")
R = TypeVar("R")


class Gathered(Generic[A, R]):
    """Work on many things at once, for callers that have one each. For one event loop."""

    def __init__(
        self,
        work: Callable[[list[A]], Awaitable[Sequence[R | Exception]]],
        *,
        pause_s: float,
        count_max: int,
    ) -> None:
        """Gather calls of `work`.

        Args:
            work: Answers each of a list of things, or says why it cannot.
            pause_s: Seconds to wait for more after the first.
            count_max: Most things at once.
        """
        self._work = work
        self._pause_s = pause_s
        self._count_max = count_max
        self._pending: list[tuple[A, asyncio.Future[R]]] = []
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """Count what waits to be worked on."""
        return len(self._pending)

    async def ask(self, item: A) -> R:
        """Wait for the answer to one thing."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._pending.append((item, future))
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        """Work on what waits, one batch after the other: under load the next is the larger."""
        try:
            while self._pending:
                await asyncio.sleep(self._pause_s)
                batch = self._pending[: self._count_max]
                self._pending = self._pending[self._count_max :]
                await self._work_on(batch)
        finally:
            self._task = None

    async def _work_on(self, batch: list[tuple[A, asyncio.Future[R]]]) -> None:
        try:
            results = await self._work([item for item, _ in batch])
        except Exception as error:  # whatever it is, those who asked are told
            results = [error] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
