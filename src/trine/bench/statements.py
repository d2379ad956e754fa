"""Measure an evidence service: statements one by one and in batches, until each has its receipt."""

from __future__ import annotations

import asyncio
import struct
import time
from array import array
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiohttp
import cbor2

from trine.crypto import SecretKey
from trine.errors import BadAnswer, NotFinalizing
from trine.services.evidence import receipt, statement
from trine.services.evidence.tree import HashFunction
from trine.types import Digest
from trine.types.calls import PublicKey

ISSUER: Final = "https://bench.example"
"""Who signs the statements."""
CONTENT_BYTES: Final = 32
"""Bytes of the content: a digest, as most statements have."""
BATCH: Final = 1_000
"""Statements of a batch."""
WAIT_S: Final = 5
"""Seconds for which the service waits for the receipts of a batch before it answers."""
PATIENCE_S: Final = 60.0
"""Seconds in which the last receipt must be there."""
CONNECTIONS_MAX: Final = 2_000
IDLE_S: Final = 2.0
"""Seconds after which a connection is not used again: a service closes it after 5."""
REDIRECTS_MAX: Final = 60
"""Answers that say no more than where the receipt will be; each takes the service up to 5 s."""
STATEMENTS_MAX: Final = 10_000_000
"""Statements of one part: they are signed before, and lie in memory."""
QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
"""Shares of the receipts, by the name of the time until which so many are there."""
_COSE: Final = {"content-type": "application/cose"}
_LENGTH: Final = struct.Struct(">I")


class Load(NamedTuple):
    """What is sent.

    Attributes:
        rate_per_s: Statements a second.
        duration_s: For so many seconds.
        batched: Whether in batches, else one by one.
    """

    rate_per_s: int
    duration_s: int
    batched: bool


class Results:
    """What came back; receipts lie in a file, so that a long run takes no more memory.

    Attributes:
        latency_s: Seconds until each receipt was there.
        arrived_s: Seconds after the begin at which it was.
        sent: Statements that were sent in each second.
        refused: Statements that the service refused because too many waited.
    """

    def __init__(self, file: Path) -> None:
        """Begin; receipts go to a new file."""
        self.latency_s, self.arrived_s = array("d"), array("d")
        self.sent: list[int] = []
        self.refused = 0
        self.started = time.monotonic()
        self._file = file.open("x+b")

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def count_sent(self, count: int) -> None:
        """Note that statements are being sent now."""
        second = int(time.monotonic() - self.started)
        self.sent += [0] * (second + 1 - len(self.sent))
        self.sent[second] += count

    def take(self, sent_s: float, receipts: Sequence[tuple[Digest, bytes]]) -> None:
        """Note receipts that are there now, each with its entry, of what was sent at a moment."""
        now_s = time.monotonic()
        for entry, data in receipts:
            self.latency_s.append(now_s - sent_s)
            self.arrived_s.append(now_s - self.started)
            self._file.write(entry + _LENGTH.pack(len(data)) + data)

    def receipts(self) -> Iterator[tuple[Digest, bytes]]:
        """Read every entry with its receipt, once all are there."""
        self._file.seek(0)
        while entry := self._file.read(Digest.LENGTH):
            (length,) = _LENGTH.unpack(self._file.read(_LENGTH.size))
            yield Digest(entry), self._file.read(length)


def make_statements(key: SecretKey, count: int, first: int = 0) -> list[bytes]:
    """Sign statements, each about something else."""
    return [
        statement.sign_statement(
            number.to_bytes(CONTENT_BYTES, "big"),
            key=key,
            issuer=ISSUER,
            subject=f"record-{number}",
            content_type="application/octet-stream",
        )
        for number in range(first, first + count)
    ]


def measure(
    url: str, load: Load, statements: list[bytes], function: HashFunction, results: Results
) -> None:
    """Send statements at a fixed rate and wait until each has a receipt.

    Args:
        url: Where the service listens.
        load: How they are sent.
        statements: What is sent.
        function: Hash function of the log.
        results: Takes what comes back, as it comes.

    Raises:
        NotFinalizing: A receipt did not come in time.
        BadAnswer: The service refused a statement, not because it was full.
    """
    try:
        asyncio.run(_measure(url, load, statements, function, results))
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None


async def _measure(
    url: str, load: Load, statements: list[bytes], function: HashFunction, results: Results
) -> None:
    connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX, keepalive_timeout=IDLE_S)
    async with aiohttp.ClientSession(connector=connector) as session:
        size = BATCH if load.batched else 1
        started = results.started = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for at in range(0, len(statements), size):
                await asyncio.sleep(started + at / load.rate_per_s - time.monotonic())
                part = statements[at : at + size]
                work = _batch if load.batched else _one
                results.count_sent(len(part))
                tasks.create_task(work(session, url, part, function, results))


async def _one(
    session: aiohttp.ClientSession,
    url: str,
    part: list[bytes],
    function: HashFunction,
    results: Results,
) -> None:
    """Register one statement; the answer is its receipt."""
    [data] = part
    started = time.monotonic()
    entries = f"{url}/entries"
    async with session.post(
        entries, data=data, headers=_COSE, max_redirects=REDIRECTS_MAX
    ) as answer:
        content = await answer.read()
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            results.refused += 1
            return
        # One that took over 5 s was fetched where the first answer said that it will be.
        if answer.status not in {200, 201}:
            raise BadAnswer(f"{url} answered {answer.status}: {content[:200]!r}")
    results.take(started, [(statement.entry_of(data, function), content)])


async def _batch(
    session: aiohttp.ClientSession,
    url: str,
    part: list[bytes],
    _function: HashFunction,
    results: Results,
) -> None:
    """Register a batch, and ask for its receipts until all are there."""
    started = time.monotonic()
    async with session.post(f"{url}/batches", data=cbor2.dumps(part)) as answer:
        entries = cbor2.loads(await answer.read())
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            results.refused += len(part)
            return
        if answer.status != 202 or not all(isinstance(one, bytes) for one in entries):
            raise BadAnswer(f"{url} answered {answer.status}: {str(entries)[:200]}")
    while True:
        asked = f"{url}/receipts?chain=0&wait={WAIT_S}"
        async with session.post(asked, data=cbor2.dumps(entries)) as answer:
            made = cbor2.loads(await answer.read())
        if all(isinstance(one, bytes) for one in made):
            break
        if time.monotonic() - started > PATIENCE_S:
            raise NotFinalizing(f"a batch has no receipts after {PATIENCE_S:.0f} s")
    results.take(started, list(zip(map(Digest, entries), made, strict=True)))


def check(results: Results, key: PublicKey) -> int:
    """Verify every receipt; return the bytes of the longest without the chain's proof.

    Raises:
        TreeMismatch, CoseSignature: One does not hold.
    """
    longest = 0
    for entry, data in results.receipts():
        read = receipt.read_receipt(data)
        receipt.verify_inclusion(read, entry, key)
        longest = max(longest, len(data) - len(read.chain_proof or b""))
    return longest


def summary(results: Results, load: Load, took_s: float) -> dict[str, Any]:
    """Say in figures how it went.

    Raises:
        NotFinalizing: Nothing was registered.
    """
    if not results.latency_s:
        raise NotFinalizing(f"nothing was registered, {results.refused} statements were refused")
    return {
        "offered_per_s": load.rate_per_s,
        "batched": load.batched,
        "registered": len(results.latency_s),
        "refused": results.refused,
        # The last batch is sent before the end of the time that it is offered for.
        "registered_per_s": round(len(results.latency_s) / max(took_s, load.duration_s)),
        "receipt_ms": _quantiles(results.latency_s),
    }


def seconds(results: Results) -> list[dict[str, Any]]:
    """Say of each second how many were sent, how many had their receipts, and after how long."""
    by_second: dict[int, list[float]] = {}
    for at_s, latency_s in zip(results.arrived_s, results.latency_s, strict=True):
        by_second.setdefault(int(at_s), []).append(latency_s)
    found = []
    for at_s in range(max([len(results.sent), *(second + 1 for second in by_second)])):
        times = by_second.get(at_s, [])
        one: dict[str, Any] = {"at_s": at_s, "registered": len(times)}
        one["sent"] = results.sent[at_s] if at_s < len(results.sent) else 0
        found.append(one | ({"latency_ms": _quantiles(times)} if times else {}))
    return found


def _quantiles(times_s: Sequence[float]) -> dict[str, float]:
    """Say until when which share was there, in milliseconds."""
    ordered = sorted(times_s)
    found = {name: ordered[int(len(ordered) * share)] for name, share in QUANTILES.items()}
    return {
        name: round(time_s * 1_000, 1) for name, time_s in (found | {"max": ordered[-1]}).items()
    }
