"""Refuse bytes that are not strict DER, before any other parser sees them.

The parser that reads the structures afterwards accepts BER here and there. This scan does not: one
value has one encoding (X.690, sections 8 and 10), so that nobody can make a second file of one
timestamp. It walks without recursion and in time linear to the bytes.
"""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Final

from trine.errors import NotATimestamp, TimestampTooLarge
from trine.services.evidence.timestamp.limits import DEPTH_MAX, ELEMENTS_MAX

CONSTRUCTED: Final = 0x20
"""Bit of a tag whose content is elements."""
UNIVERSAL_CONSTRUCTED: Final = frozenset({0x08, 0x0B, 0x10, 0x11})
"""Universal types that are made of elements: EXTERNAL, EMBEDDED PDV, SEQUENCE, SET."""
SET: Final = 0x31
"""Tag of a SET or SET OF."""
LENGTH_BYTES_MAX: Final = 4
"""Bytes in which a length may stand."""
UTC_TIME: Final = re.compile(rb"\d{12}Z")
"""Form of a UTCTime in DER (X.690, section 11.8)."""
GENERALIZED_TIME: Final = re.compile(rb"\d{14}(\.\d*[1-9])?Z")
"""Form of a GeneralizedTime in DER (X.690, section 11.7)."""


def check_der(data: bytes, what: str, bytes_max: int) -> None:
    """Check that bytes are exactly one element in DER.

    Args:
        data: Bytes from somebody else.
        what: What they should be, for messages.
        bytes_max: Most bytes that it may have.

    Raises:
        TimestampTooLarge: It is longer, deeper or of more elements than the limits allow.
        NotATimestamp: It is not DER; the message names the byte.
    """
    if len(data) > bytes_max:
        raise TimestampTooLarge(f"{what} has {len(data)} bytes, at most {bytes_max}")
    # Each entry is the range of one list of elements and its depth.
    waiting = [(0, len(data), 0, 0x30)]
    seen = 0
    while waiting:
        at, end, depth, parent = waiting.pop()
        if depth > DEPTH_MAX:
            raise TimestampTooLarge(f"{what} nests elements deeper than {DEPTH_MAX}")
        siblings = []
        while at < end:
            seen += 1
            if seen > ELEMENTS_MAX:
                raise TimestampTooLarge(f"{what} has more than {ELEMENTS_MAX} elements")
            tag, start, after = _head(data, at, end, what)
            siblings.append(data[at:after])
            if tag & CONSTRUCTED:
                waiting.append((start, after, depth + 1, tag))
            else:
                _check_content(tag, data[start:after], at, what)
            at = after
        if depth == 0 and len(siblings) != 1:
            raise NotATimestamp(f"{what} has {len(siblings)} elements after another, expected one")
        if parent == SET and any(one > two for one, two in pairwise(siblings)):
            raise NotATimestamp(f"{what} has a SET whose elements are not in the order of DER")


def _head(data: bytes, at: int, end: int, what: str) -> tuple[int, int, int]:
    """Read tag and length at a place: tag, where the content starts, where it ends."""
    if at + 2 > end:
        raise _bad(what, at, "ends inside an element")
    tag, length, start = data[at], data[at + 1], at + 2
    if tag & 0x1F == 0x1F:
        raise _bad(what, at, "has a tag of several bytes")
    if tag < 0x40:
        number = tag & 0x1F
        if number == 0 or bool(tag & CONSTRUCTED) != (number in UNIVERSAL_CONSTRUCTED):
            raise _bad(what, at, f"has the tag {tag:#04x}, which DER does not have")
    if length >= 0x80:
        count = length - 0x80
        if not 1 <= count <= LENGTH_BYTES_MAX or start + count > end:
            raise _bad(what, at, f"has a length of {count} bytes or an indefinite one")
        length = int.from_bytes(data[start : start + count])
        if length < 0x80 or length >> (8 * (count - 1)) == 0:
            raise _bad(what, at, "has a length that is not in its shortest form")
        start += count
    if start + length > end:
        raise _bad(what, at, f"has an element of {length} bytes that does not fit")
    return tag, start, start + length


def _is_boolean(content: bytes) -> bool:
    return content in (b"\x00", b"\xff")


def _is_integer(content: bytes) -> bool:
    if len(content) < 2:
        return len(content) == 1
    return not (content[0] == 0 and content[1] < 0x80) and not (
        content[0] == 0xFF and content[1] >= 0x80
    )


def _is_bit_string(content: bytes) -> bool:
    if not content or content[0] > 7:
        return False
    unused = content[0]
    return not content[-1] & ((1 << unused) - 1) if len(content) > 1 else unused == 0


def _is_identifier(content: bytes) -> bool:
    if not content or content[-1] & 0x80:
        return False
    begins = [True, *(not byte & 0x80 for byte in content[:-1])]
    return not any(begin and byte == 0x80 for begin, byte in zip(begins, content, strict=True))


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


_RULES: Final[dict[int, Callable[[bytes], object]]] = {
    0x01: _is_boolean,
    0x02: _is_integer,
    0x03: _is_bit_string,
    0x05: lambda content: not content,
    0x06: _is_identifier,
    0x0A: _is_integer,
    0x0C: _is_text,
    0x17: UTC_TIME.fullmatch,
    0x18: GENERALIZED_TIME.fullmatch,
}
"""What each universal type holds in DER; the others are any bytes."""


def _check_content(tag: int, content: bytes, at: int, what: str) -> None:
    rule = _RULES.get(tag)
    if rule is not None and not rule(content):
        raise _bad(what, at, f"has a value of tag {tag:#04x} that is not in DER")


def _bad(what: str, at: int, why: str) -> NotATimestamp:
    return NotATimestamp(f"{what} is not in DER: at byte {at} it {why}")
