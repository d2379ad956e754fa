"""Run `submit_many` for programs without asyncio: an event loop in a thread of its own."""

import asyncio
import threading
from collections.abc import Callable, Sequence

from trine.client.async_client import AsyncClient
from trine.client.many import ManyResult, Progress
from trine.client.sender import Sender
from trine.types import Call


def submit_many(
    connect: Callable[[], AsyncClient],
    drafts: Sequence[Call | Sequence[Call]],
    senders: Sequence[Sender],
    timeout_s: float,
    progress: Progress,
) -> list[ManyResult]:
    """Submit with a client that `connect` makes; an interrupt of the caller ends it."""
    results: list[ManyResult] = []
    failures: list[BaseException] = []
    started = threading.Event()
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = []

    async def submit() -> None:
        task = asyncio.current_task()
        assert task is not None, "a coroutine that runs is a task"
        running.append((asyncio.get_running_loop(), task))
        started.set()
        async with connect() as client:
            results.extend(
                await client.submit_many(
                    drafts, senders=senders, timeout_s=timeout_s, progress=progress
                )
            )

    def work() -> None:
        try:
            asyncio.run(submit())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work, name="submit_many")
    thread.start()
    try:
        thread.join()
    except BaseException:
        started.wait()
        loop, task = running[0]
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        raise
    if failures:
        raise failures[0]
    return results
