"""Take statements of the form that most have apart in one pass.

That is what `statement.sign_statement` makes of content with a media type: the four protected
headers and the claims in the deterministic order, short texts in ASCII, nothing unprotected. Such
a statement is read to what `cose.read_sign1` and the checks of `statement.read_statement` give, at
a third of their cost; everything else is `None` here, and theirs to read or to refuse.

>>> from trine.services.evidence import common
>>> common.read(b"something else") is None
True
"""

from typing import Final, NamedTuple

from trine.services.evidence import cbor, cose
from trine.services.evidence.cbor import Label, Slice

_ALGORITHMS: Final = {
    cbor.encode_integer(number): len(cbor.encode_integer(number))
    for number in cose.KEY_OF_ALGORITHM
}
_TIME_S_MIN: Final = 1 << 16
"""Smallest number in a head of four bytes (RFC 8949, section 4.2.1)."""
BEGINS_MAX: Final = 8
"""Begins of headers that are remembered, those of last."""
_ISSUER, _SUBJECT, _ISSUED_AT = 1, 2, 6
"""Claims (RFC 8392, section 3.1)."""


Common = tuple[cose.Sign1, str, str, str, bytes, bytes, int | None]
"""Message, issuer, subject, content type, payload, name of the key, and the time of issue in
seconds where there is one."""


class _Begin(NamedTuple):
    """How the protected header begins: all but subject and time, the same for many statements.

    Attributes:
        prefix: The bytes; what follows from them alone stands below.
        places: Where content type, name of the key, claims and subject have their labels.
        content_type: Media type.
        key_id: Name of the key.
        issuer: Who says it.
        has_time: Whether the claims have the time of issue.
    """

    prefix: bytes
    places: tuple[int, int, int, int]
    content_type: str
    key_id: bytes
    issuer: str
    has_time: bool


class _Other(Exception):
    """It is of another form."""


_known: list[_Begin] = []


def read(data: bytes) -> Common | None:
    """Take a statement apart; nothing where it is of another form, or none."""
    try:
        return _read(data)
    except (_Other, IndexError):
        return None


def _read(data: bytes) -> Common:
    protected, end = _long(data, 2)
    if not data.startswith(cose.TAG_AND_ARRAY) or data[end] != cose.EMPTY_MAP[0]:
        raise _Other
    payload, at = _long(data, end + 1)
    # A signature of 64 bytes, and nothing after it.
    if not data.startswith(b"\x58\x40", at) or len(data) != at + 66:
        raise _Other
    for begin in _known:
        if protected.startswith(begin.prefix):
            break
    else:
        begin = _read_begin(protected)
        _known[:] = [begin, *_known[: BEGINS_MAX - 1]]
    _, (kind_at, key_at, claims_at, subject_at), content_type, key_id, issuer, has_time = begin
    length = len(protected)
    subject, stop = _text(protected, subject_at + 1)
    claims: dict[Label, Slice] = {
        _ISSUER: (claims_at + 3, subject_at),
        _SUBJECT: (subject_at + 1, stop),
    }
    issued_at_s = None
    if has_time:
        issued_at_s = int.from_bytes(protected[stop + 2 :])
        claims[_ISSUED_AT] = (stop + 1, stop + 6)
        is_time = protected.startswith(b"\x06\x1a", stop) and issued_at_s >= _TIME_S_MIN
        stop = stop + 6 if is_time else 0
    if stop != length:
        raise _Other
    headers: dict[Label, Slice] = {
        cose.ALGORITHM: (2, kind_at),
        cose.CONTENT_TYPE: (kind_at + 1, key_at),
        cose.KEY_ID: (key_at + 1, claims_at),
        cose.CWT_CLAIMS: (claims_at + 1, length),
    }
    maps: dict[Label, dict[Label, Slice]] = {cose.CWT_CLAIMS: claims}
    message = cose.Sign1(
        data, protected, headers, maps, {}, (end, end + 1), payload, data[at + 2 :]
    )
    return message, issuer, subject, content_type, payload, key_id, issued_at_s


def _read_begin(protected: bytes) -> _Begin:
    """Read all that comes before the subject, and its label."""
    kind_at = 2 + _algorithm_bytes(protected)
    content_type, key_at = _text(protected, kind_at + 1)
    key_id, claims_at = _short(protected, key_at + 1, cbor.BYTES)
    issuer, subject_at = _text(protected, claims_at + 3)
    labels = (protected[kind_at], protected[key_at], protected[subject_at])
    count = protected[claims_at + 1]
    begin = bytes((cose.CWT_CLAIMS, count, _ISSUER))
    wanted = (cose.CONTENT_TYPE, cose.KEY_ID, _SUBJECT)
    if labels != wanted or not protected.startswith(begin, claims_at) or count not in {0xA2, 0xA3}:
        raise _Other
    places = (kind_at, key_at, claims_at, subject_at)
    prefix = protected[: subject_at + 1]
    return _Begin(prefix, places, content_type, key_id, issuer, count == 0xA3)


def _algorithm_bytes(protected: bytes) -> int:
    """Check how the header begins; return the bytes of the algorithm's number."""
    if protected[:2] != b"\xa4\x01":
        raise _Other
    found = _ALGORITHMS.get(protected[2:3]) or _ALGORITHMS.get(protected[2:7])
    if found is None:
        raise _Other
    return found


def _long(data: bytes, at: int) -> tuple[bytes, int]:
    """Read a byte string of up to `PROTECTED_BYTES_MAX`; return it and where it ends."""
    first, start = data[at], at + 1
    if first == 0x58:
        length, start = data[start], at + 2
        if length < 24:
            raise _Other
    elif first == 0x59:
        length, start = data[start] << 8 | data[at + 2], at + 3
        if not 256 <= length <= cose.PROTECTED_BYTES_MAX:
            raise _Other
    elif 0x40 <= first < 0x58:
        length = first - 0x40
    else:
        raise _Other
    stop = start + length
    if stop > len(data):
        raise _Other
    return data[start:stop], stop


def _short(data: bytes, at: int, major: int) -> tuple[bytes, int]:
    """Read a string of 1 to 255 bytes; return it and where it ends."""
    first, start = data[at], at + 1
    length = first & 31
    if length == 24:
        length, start = data[start], at + 2
        if length < 24:
            raise _Other
    stop = start + length
    if first >> 5 != major or not 0 < length < 256 or first & 31 > 24 or stop > len(data):
        raise _Other
    return data[start:stop], stop


def _text(data: bytes, at: int) -> tuple[str, int]:
    content, stop = _short(data, at, cbor.TEXT)
    if not content.isascii():
        raise _Other
    return content.decode(), stop
