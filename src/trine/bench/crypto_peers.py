"""Measure the signatures and hashes of other libraries, each where this machine has it.

`pip install trine[bench]` brings those that are Python packages; the command `openssl` is used
where it is found.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from importlib import import_module, metadata
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from trine.bench.figure import Figure

PEER_COUNT: Final = 64
"""Signatures of one run of a peer."""
SLOW_COUNT: Final = 4
"""Signatures of one run of a peer that takes milliseconds for each."""
OPENSSL_SECONDS: Final = 2
"""Seconds for which `openssl speed` measures each operation."""
HASHED_BYTES: Final = (64, 1_024)
"""Lengths of the hashed messages."""
SEALED_BYTES: Final = 1_024
"""Length of the encrypted text."""
SIGNER_ID: Final = b"1234567812345678"
"""Identifier of an SM2 signer who has agreed on no other (GB/T 35276-2017, section 10)."""
SECRET: Final = bytes(range(1, 33))
"""Secret of the keys that sign."""

Run = tuple[str, str, str, int, Callable[[bytes], object]]
"""Algorithm, operation, case, items of a run, and what is done with the message of each."""


def measure_peers(repeats: int) -> Iterator[Figure]:
    """Measure each library that is there.

    Args:
        repeats: Repeats of each figure, of which the fastest counts.
    """
    for package, by, runs in (
        ("cryptography", "OpenSSL, cryptography", _openssl),
        ("gmssl_pyx", "GmSSL, gmssl-pyx", _gmssl),
        ("gmalg", "gmalg", _gmalg),
        ("coincurve", "libsecp256k1, coincurve", _libsecp256k1),
    ):
        try:
            module = import_module(package)
        except ImportError:
            continue
        name = f"{by} {metadata.version(package)}"
        for algorithm, operation, case, count, run in runs(module):
            us = _least(repeats, count, run)
            yield Figure(algorithm, operation, case, count, name, us)
    yield from _openssl_command()


def _least(repeats: int, count: int, run: Callable[[bytes], object]) -> float:
    """Return the least CPU time of an item, in microseconds."""
    taken = []
    for _ in range(repeats):
        start = time.thread_time_ns()
        for number in range(count):
            run(_message(number))
        taken.append(time.thread_time_ns() - start)
    return min(taken) / count / 1e3


def _message(number: int) -> bytes:
    return bytes([number]) * 32


def _signed(sign: Callable[[bytes], Any], count: int) -> dict[bytes, Any]:
    return {_message(number): sign(_message(number)) for number in range(count)}


def _check(verified: bool) -> None:
    """Refuse a figure of what did not verify."""
    if not verified:
        raise AssertionError("a peer refuses its own signature")


def _one(algorithm: str, operation: str, count: int, run: Callable[[bytes], object]) -> Run:
    return algorithm, operation, "one at a time", count, run


def _openssl(_: Any) -> Iterator[Run]:
    edwards = ed25519.Ed25519PrivateKey.from_private_bytes(SECRET)
    curve = ec.derive_private_key(7, ec.SECP256R1())
    ecdsa = ec.ECDSA(hashes.SHA256())
    edwards_public, curve_public = edwards.public_key(), curve.public_key()
    by_edwards = _signed(edwards.sign, PEER_COUNT)
    by_curve = _signed(lambda message: curve.sign(message, ecdsa), PEER_COUNT)

    def verify_edwards(message: bytes) -> None:
        edwards_public.verify(by_edwards[message], message)

    def verify_curve(message: bytes) -> None:
        curve_public.verify(by_curve[message], message, ecdsa)

    yield _one("ed25519", "verify", PEER_COUNT, verify_edwards)
    yield _one("ed25519", "sign", PEER_COUNT, edwards.sign)
    yield _one("p256", "verify", PEER_COUNT, verify_curve)
    yield _one("p256", "sign", PEER_COUNT, lambda message: curve.sign(message, ecdsa))


def _hash(hashed: Callable[[bytes], object], length: int) -> Callable[[bytes], object]:
    message = bytes(length)
    return lambda _: hashed(message)


def _gmssl(gmssl: Any) -> Iterator[Run]:
    public, secret = gmssl.sm2_key_generate()

    def sign(message: bytes) -> Any:
        return gmssl.sm2_sign(secret, public, message, signer_id=SIGNER_ID)

    signed = _signed(sign, PEER_COUNT)

    def verify(message: bytes) -> None:
        _check(gmssl.sm2_verify(public, message, signed[message], signer_id=SIGNER_ID))

    yield _one("sm2", "verify", PEER_COUNT, verify)
    yield _one("sm2", "sign", PEER_COUNT, sign)
    key, nonce, text = bytes(16), bytes(12), bytes(SEALED_BYTES)

    def seal(_: bytes) -> object:
        return gmssl.sm4_gcm_encrypt(key, nonce, b"", text)

    yield "sm4-gcm", "seal", f"{SEALED_BYTES} bytes", PEER_COUNT, seal
    for length in HASHED_BYTES:
        yield "sm3", "hash", f"{length} bytes", PEER_COUNT, _hash(gmssl.sm3_hash, length)


def _gmalg(gmalg: Any) -> Iterator[Run]:
    secret, public = gmalg.SM2().generate_keypair()
    signer = gmalg.SM2(secret, SIGNER_ID, public)
    signed = _signed(signer.sign, SLOW_COUNT)

    def verify(message: bytes) -> None:
        _check(signer.verify(message, *signed[message]))

    yield _one("sm2", "verify", SLOW_COUNT, verify)
    yield _one("sm2", "sign", SLOW_COUNT, signer.sign)


def _libsecp256k1(coincurve: Any) -> Iterator[Run]:
    key = coincurve.PrivateKey(SECRET)
    signed, recoverable = _signed(key.sign, PEER_COUNT), _signed(key.sign_recoverable, PEER_COUNT)

    def verify(message: bytes) -> None:
        _check(key.public_key.verify(signed[message], message))

    def recover(message: bytes) -> object:
        return coincurve.PublicKey.from_signature_and_message(recoverable[message], message)

    yield _one("secp256k1", "verify", PEER_COUNT, verify)
    yield _one("secp256k1", "sign", PEER_COUNT, key.sign)
    yield _one("secp256k1", "recover", PEER_COUNT, recover)


def _openssl_command() -> Iterator[Figure]:
    """Measure SM2 and SM3 with the command `openssl`: Python packages lack the first."""
    command = shutil.which("openssl")
    if command is None:
        return

    def output(*words: str) -> str:
        done = subprocess.run([command, *words], capture_output=True, text=True, check=False)
        return done.stdout

    version = output("version").split()
    by = f"OpenSSL {version[1]}" if len(version) > 1 else "OpenSSL"
    speed = ("speed", "-mr", "-seconds", str(OPENSSL_SECONDS))
    found = re.search(r":CurveSM2:([0-9.]+):([0-9.]+)", output(*speed, "sm2"))
    if found is not None:
        for operation, rate in zip(("sign", "verify"), found.groups(), strict=True):
            yield Figure("sm2", operation, "one at a time", 1, by, 1e6 / float(rate))
    for length in HASHED_BYTES:
        rate_line = output(*speed, "-bytes", str(length), "-evp", "sm3")
        found = re.search(r":sm3:([0-9.]+)", rate_line)
        if found is not None:
            us = 1e6 * length / float(found[1])
            yield Figure("sm3", "hash", f"{length} bytes", 1, by, us)
