"""Build COSE messages freely, right and wrong, for the tests of statements and receipts."""

from collections.abc import Iterator, Mapping
from typing import Any

import cbor2

from trine.crypto import SecretKey
from trine.services.evidence import cose

NOW_S = 1_800_000_000
KEY = SecretKey("ed25519", bytes(range(32)))
PUBLIC = cose.public_key(KEY)

HEADERS: dict[Any, Any] = {
    1: -8,
    3: "application/json",
    4: b"key",
    15: {1: "https://city.example", 2: "bridge 7", 6: NOW_S},
}
"""Headers that are accepted."""

REMOVED = object()
"""Value of a header that is left out."""


def headers(changes: Mapping[Any, Any] | None = None, **claims: Any) -> bytes:
    """Encode `HEADERS` with changes; claims by their number after a `c`, such as `c6`."""
    changed = {**HEADERS, 15: {**HEADERS[15], **{int(k[1:]): v for k, v in claims.items()}}}
    changed.update(changes or {})
    kept = {label: value for label, value in changed.items() if value is not REMOVED}
    if isinstance(kept.get(15), dict):
        kept[15] = {label: value for label, value in kept[15].items() if value is not REMOVED}
    return cbor2.dumps(kept)


def message(
    protected: bytes | None = None,
    *,
    unprotected: bytes = b"\xa0",
    payload: bytes | None = b"{}",
    key: SecretKey = KEY,
) -> bytes:
    """Sign whatever is given and put it together."""
    content = headers() if protected is None else protected
    signature = cose.sign(key, content, payload or b"")
    return cose.write_sign1(content, unprotected, payload, signature)


def flipped(data: bytes) -> Iterator[bytes]:
    """Yield the bytes once for each of their bits, with that bit flipped."""
    for place in range(8 * len(data)):
        changed = bytearray(data)
        changed[place // 8] ^= 1 << place % 8
        yield bytes(changed)
