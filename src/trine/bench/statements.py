"""Measure an evidence service: statements one by one and in batches, until each has its receipt."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from http import HTTPStatus
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
_COSE: Final = {"content-type": "application/cose"}


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


@dataclass
class Results:
    """What came back.

    Attributes:
        latency_s: Seconds until each receipt was there.
        receipts: The receipts, by entry.
        refused: Statements that the service refused because too many waited.
    """

    latency_s: list[float]
    receipts: dict[Digest, bytes]
    refused: int = 0


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


def measure(url: str, load: Load, statements: list[bytes], function: HashFunction) -> Results:
    """Send statements at a fixed rate and wait until each has a receipt.

    Args:
        url: Where the service listens.
        load: How they are sent.
        statements: What is sent.
        function: Hash function of the log.

    Raises:
        NotFinalizing: A receipt did not come in time.
        BadAnswer: The service refused a statement, not because it was full.
    """
    try:
        return asyncio.run(_measure(url, load, statements, function))
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None


async def _measure(
    url: str, load: Load, statements: list[bytes], function: HashFunction
) -> Results:
    results = Results([], {})
    connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX)
    async with aiohttp.ClientSession(connector=connector) as session:
        size = BATCH if load.batched else 1
        started = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for at in range(0, len(statements), size):
                await asyncio.sleep(started + at / load.rate_per_s - time.monotonic())
                part = statements[at : at + size]
                work = _batch if load.batched else _one
                tasks.create_task(work(session, url, part, function, results))
    return results


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
    async with session.post(f"{url}/entries", data=data, headers=_COSE) as answer:
        content = await answer.read()
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            results.refused += 1
            return
        # One that took over 5 s was fetched where the first answer said that it will be.
        if answer.status not in {200, 201}:
            raise BadAnswer(f"{url} answered {answer.status}: {content[:200]!r}")
    results.latency_s.append(time.monotonic() - started)
    results.receipts[statement.entry_of(data, function)] = content


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
    results.latency_s += [time.monotonic() - started] * len(part)
    results.receipts.update(zip(map(Digest, entries), made, strict=True))


def check(results: Results, key: PublicKey) -> int:
    """Verify every receipt; return the bytes of the longest without the chain's proof.

    Raises:
        TreeMismatch, CoseSignature: One does not hold.
    """
    longest = 0
    for entry, data in results.receipts.items():
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
    ordered = sorted(results.latency_s)
    at = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    latency = {name: _ms(ordered[int(len(ordered) * share)]) for name, share in at.items()}
    return {
        "offered_per_s": load.rate_per_s,
        "batched": load.batched,
        "registered": len(ordered),
        "refused": results.refused,
        # The last batch is sent before the end of the time that it is offered for.
        "registered_per_s": round(len(ordered) / max(took_s, load.duration_s)),
        "receipt_ms": {**latency, "max": _ms(ordered[-1])},
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1_000, 1)
