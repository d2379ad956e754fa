"""Offer load to CometBFT validators through their JSON-RPC, and follow their blocks.

Transactions go out in batches, one HTTP request for all that became due since the last, to each
validator in turn. A socket announces new blocks; their transactions are fetched afterwards, so
that the time of finality is the time of the announcement.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import signal
import string
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from typing import Any, Final

import aiohttp

from trine.bench.peers.report import LATE_S, Meter, Trip, report
from trine.bench.peers.system import Load
from trine.errors import CannotReachNode

TRANSACTION_BYTES: Final = 150
"""Length of a transaction: a key, `=`, a value."""
KEY_DIGITS: Final = 11
"""Digits of the key; with `=` they fill whole groups of base64."""
VALUES: Final = 4_096
"""Different values, used by turns; keys are all different."""
TICK_S: Final = 0.01
"""Seconds between two batches."""
BATCH_MAX: Final = 1_000
"""Transactions of one request at most."""
IN_FLIGHT_MAX: Final = 128
"""Requests on their way at most, to all validators."""
DRAIN_MAX_S: Final = 15.0
"""Longest wait, after the last transaction, for those still on their way."""
REQUEST_TIMEOUT_S: Final = 30.0
"""Longest wait for an answer."""
HEAD: Final = 4 * (KEY_DIGITS + 1) // 3
"""Characters of base64 that hold the key and `=`."""
SUBSCRIBE: Final = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "subscribe",
    "params": {"query": "tm.event='NewBlockHeader'"},
}


@contextlib.contextmanager
def _ended_as_interrupted() -> Iterator[None]:
    """Let a request to end arrive as Ctrl-C, which asyncio hands to the main task and no other."""
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


class Loader:
    """Offers loads to one network, one after another; no key comes twice."""

    def __init__(self, urls: Sequence[str], pids: Sequence[int], version: str) -> None:
        """Prepare values.

        Args:
            urls: Where the validators serve their JSON-RPC.
            pids: Their processes.
            version: What they run, for the report.
        """
        self._urls = urls
        self._pids = pids
        self._version = version
        self._next_key = 0
        choose = random.Random(0)  # noqa: S311 - values to fill transactions
        letters = string.ascii_letters + string.digits
        length = TRANSACTION_BYTES - KEY_DIGITS - 1
        self._values = [
            b64encode("".join(choose.choices(letters, k=length)).encode()) for _ in range(VALUES)
        ]

    def run(self, load: Load) -> dict[str, Any]:
        """Run a load to its end and report.

        Raises:
            CannotReachNode: A validator does not answer.
        """
        try:
            with _ended_as_interrupted():
                return asyncio.run(self._run(load))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise CannotReachNode(f"CometBFT: {error}", instance=self._urls[0]) from None
        except ExceptionGroup as group:
            _, others = group.split((aiohttp.ClientError, TimeoutError))
            if others is not None:
                raise
            message = f"CometBFT: {group.exceptions[0]}"
            raise CannotReachNode(message, instance=self._urls[0]) from None

    async def _run(self, load: Load) -> dict[str, Any]:
        timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
            run = _Run(load, self._next_key)
            self._next_key += load.rate_per_s * load.total_s
            heights: asyncio.Queue[tuple[int, float]] = asyncio.Queue()
            async with http.ws_connect(f"{self._urls[0]}/websocket", max_msg_size=0) as socket:
                await socket.send_json(SUBSCRIBE)
                await socket.receive(REQUEST_TIMEOUT_S)
                meter = Meter(self._pids, time.process_time)
                async with asyncio.TaskGroup() as tasks:
                    following = tasks.create_task(_announcements(socket, run, heights))
                    reading = tasks.create_task(self._blocks(http, run, heights))
                    measuring = tasks.create_task(_measure(run, meter))
                    await self._send(http, run, tasks)
                    await run.drain()
                    await measuring
                    following.cancel()
                    reading.cancel()
        return report(load, run.trips(), meter, self._version)

    async def _send(self, http: aiohttp.ClientSession, run: _Run, tasks: asyncio.TaskGroup) -> None:
        """Send what is due, every `TICK_S`, until the last is sent or the time is over."""
        flights = asyncio.Semaphore(IN_FLIGHT_MAX)
        turn = 0
        while not run.is_sent():
            batch = run.take_due(BATCH_MAX)
            if batch:
                await flights.acquire()
                url = self._urls[turn % len(self._urls)]
                turn += 1
                sending = tasks.create_task(self._submit(http, url, run, batch))
                sending.add_done_callback(lambda _: flights.release())
            if len(batch) < BATCH_MAX:
                await asyncio.sleep(TICK_S)

    async def _submit(self, http: aiohttp.ClientSession, url: str, run: _Run, batch: range) -> None:
        body = b"[" + b",".join(map(self._request, (run.first_key + place for place in batch)))
        try:
            headers = {"content-type": "application/json"}
            async with http.post(url, data=body + b"]", headers=headers) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            for place in batch:
                run.refused[place] = "cannot_reach_node"
            return
        # An accepted transaction needs no reading of its answer.
        if b'"error"' not in content:
            return
        answers = json.loads(content)
        for one in answers if isinstance(answers, list) else [answers]:
            if "error" in one:
                run.refuse(one)

    def _request(self, key: int) -> bytes:
        head = b64encode(b"%0*d=" % (KEY_DIGITS, key))
        value = self._values[key % VALUES]
        return b'{"jsonrpc":"2.0","id":%d,"method":"broadcast_tx_async","params":{"tx":"%s%s"}}' % (
            key,
            head,
            value,
        )

    async def _blocks(
        self, http: aiohttp.ClientSession, run: _Run, heights: asyncio.Queue[tuple[int, float]]
    ) -> None:
        """Read the transactions of each announced block."""
        while True:
            height, at_s = await heights.get()
            async with http.get(f"{self._urls[0]}/block?height={height}") as answer:
                block = json.loads(await answer.read())
            for text in block["result"]["block"]["data"]["txs"]:
                run.finalize(int(b64decode(text[:HEAD])[:KEY_DIGITS]), at_s)


class _Run:
    """One load: what was due, sent, refused and final; places count from its first key."""

    def __init__(self, load: Load, first_key: int) -> None:
        self.load = load
        self.first_key = first_key
        self.refused: dict[int, str] = {}
        self._start = time.monotonic()
        self._sent_s: list[float] = []
        self._final_s: dict[int, float] = {}

    def now_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def is_sent(self) -> bool:
        """Say whether all is sent that will be: everything, or what the time allowed."""
        total = self.load.rate_per_s * self.load.total_s
        return len(self._sent_s) == total or self.now_s() > self.load.total_s + LATE_S

    def take_due(self, most: int) -> range:
        """Take what is due by now and not sent yet."""
        now_s, first = self.now_s(), len(self._sent_s)
        total = self.load.rate_per_s * self.load.total_s
        last = min(int(now_s * self.load.rate_per_s) + 1, total, first + most)
        self._sent_s += [now_s] * (last - first)
        return range(first, last)

    def refuse(self, answer: dict[str, Any]) -> None:
        """Note that a validator did not take a transaction."""
        error = answer["error"]
        self.refused[answer["id"] - self.first_key] = str(error.get("data") or error["message"])

    def finalize(self, key: int, at_s: float) -> None:
        """Note that a transaction is final; one of an earlier load counts nothing."""
        if key >= self.first_key:
            self._final_s[key - self.first_key] = at_s

    async def drain(self) -> None:
        """Wait for those still on their way."""
        until_s = self.now_s() + DRAIN_MAX_S
        while len(self._final_s) + len(self.refused) < len(self._sent_s):
            if self.now_s() > until_s:
                return
            await asyncio.sleep(TICK_S)

    def trips(self) -> list[Trip]:
        """List the way of every transaction."""
        step_s = 1 / self.load.rate_per_s
        return [
            Trip(
                due_s=place * step_s,
                final_s=self._final_s.get(place),
                delay_s=sent_s - place * step_s,
                refused=self.refused.get(place),
            )
            for place, sent_s in enumerate(self._sent_s)
        ]


async def _announcements(
    socket: aiohttp.ClientWebSocketResponse, run: _Run, heights: asyncio.Queue[tuple[int, float]]
) -> None:
    async for message in socket:
        at_s = run.now_s()
        header = json.loads(message.data)["result"]["data"]["value"]["header"]
        heights.put_nowait((int(header["height"]), at_s))


async def _measure(run: _Run, meter: Meter) -> None:
    for end_s in (run.load.warmup_s, run.load.total_s):
        await asyncio.sleep(end_s - run.now_s())
        meter.mark()
