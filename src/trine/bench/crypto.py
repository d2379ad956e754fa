"""Measure signatures and hashes beside other libraries, in one run on one core.

Every figure is CPU time: the least of several repeats, so that other work on the machine matters
little. Ratios between figures of one run are what to rely on.

Example:
    >>> from trine.bench import Figure
    >>> Figure("sm2", "batch", "1000 keys", 8192, "trine, portable", 9.5).per_s
    105263
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from trine._core import load as core

REPEATS: Final = 5
"""Repeats of each figure, where the caller names no number."""
PEER_COUNT: Final = 64
"""Signatures of one run of a peer."""
OPENSSL_SECONDS: Final = 2
"""Seconds for which `openssl speed` measures each operation."""


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        algorithm: Algorithm or hash function.
        operation: `sign`, `verify` (one), `batch`, `exact` (many, without a random equation) or
            `hash`.
        case: What is particular: keys, wrong signatures, length.
        count: Items of one run.
        by: Whose code.
        us: CPU time of an item, in microseconds.
    """

    algorithm: str
    operation: str
    case: str
    count: int
    by: str
    us: float

    @property
    def per_s(self) -> int:
        """Items that one core does in a second."""
        return round(1e6 / self.us)


def measure_crypto(
    *,
    repeats: int = REPEATS,
    distinct_keys: int = 0,
    tell: Callable[[Figure], None] = lambda _: None,
) -> list[Figure]:
    """Measure every algorithm, and the peers that this machine has.

    Args:
        repeats: Repeats of each figure, of which the fastest counts.
        distinct_keys: Different keys of the longest case; 0 leaves it out. A million take minutes.
        tell: Called with each figure; may raise to stop the run.
    """

    def each(row: str) -> bool:
        tell(Figure(**json.loads(row)))
        return True

    figures = [
        Figure(**row) for row in json.loads(core.measure_crypto(repeats, distinct_keys, each))
    ]
    for figure in _peers(repeats):
        tell(figure)
        figures.append(figure)
    return figures


def report(figures: list[Figure], hardware: str) -> dict[str, Any]:
    """Put figures into a document: each with what one core does in a second."""
    rows = [{**asdict(figure), "per_s": figure.per_s} for figure in figures]
    return {"version": metadata.version("trine"), "hardware": hardware, "figures": rows}


def _peers(repeats: int) -> Iterator[Figure]:
    yield from _pyca(repeats)
    yield from _openssl_sm2()


def _least(repeats: int, run: Callable[[], None]) -> float:
    """Return the least CPU time of a run, in microseconds."""
    taken = []
    for _ in range(repeats):
        start = time.thread_time_ns()
        run()
        taken.append(time.thread_time_ns() - start)
    return min(taken) / 1e3


def _pyca(repeats: int) -> Iterator[Figure]:
    """Measure OpenSSL through the package `cryptography`."""
    version = metadata.version("cryptography")
    by = f"OpenSSL, cryptography {version}"
    messages = [bytes([number]) * 32 for number in range(PEER_COUNT)]
    edwards = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    curve = ec.derive_private_key(7, ec.SECP256R1())
    ecdsa = ec.ECDSA(hashes.SHA256())
    edwards_public, curve_public = edwards.public_key(), curve.public_key()
    signed = [(edwards.sign(message), curve.sign(message, ecdsa)) for message in messages]

    def verify_edwards() -> None:
        for message, (signature, _) in zip(messages, signed, strict=True):
            edwards_public.verify(signature, message)

    def verify_curve() -> None:
        for message, (_, signature) in zip(messages, signed, strict=True):
            curve_public.verify(signature, message, ecdsa)

    def sign_edwards() -> None:
        for message in messages:
            edwards.sign(message)

    def sign_curve() -> None:
        for message in messages:
            curve.sign(message, ecdsa)

    runs: tuple[tuple[str, str, Callable[[], None]], ...] = (
        ("ed25519", "verify", verify_edwards),
        ("ed25519", "sign", sign_edwards),
        ("p256", "verify", verify_curve),
        ("p256", "sign", sign_curve),
    )
    for algorithm, operation, run in runs:
        us = _least(repeats, run) / PEER_COUNT
        yield Figure(algorithm, operation, "one at a time", PEER_COUNT, by, us)


def _openssl_sm2() -> Iterator[Figure]:
    """Measure SM2 with the command `openssl`, where it is there: Python packages lack it."""
    command = shutil.which("openssl")
    if command is None:
        return
    version = subprocess.run(
        [command, "version"], capture_output=True, text=True, check=False
    ).stdout.split()
    speed = [command, "speed", "-mr", "-seconds", str(OPENSSL_SECONDS), "sm2"]
    done = subprocess.run(speed, capture_output=True, text=True, check=False)
    found = re.search(r":CurveSM2:([0-9.]+):([0-9.]+)", done.stdout)
    if found is None:
        return
    by = f"OpenSSL {version[1]}" if len(version) > 1 else "OpenSSL"
    for operation, rate in zip(("sign", "verify"), found.groups(), strict=True):
        yield Figure("sm2", operation, "one at a time", 1, by, 1e6 / float(rate))
