"""Find the parts of a CBOR item (RFC 8949) without decoding it, and bound it first.

Input of strangers goes through this scanner: it reads heads, never contents, allocates nothing of
the lengths that they announce, and gives the places of the parts in the bytes as they came. The
same bytes are hashed and verified later; nothing is encoded again.

Definite lengths in their shortest form are accepted (RFC 8949, section 4.2.1), keys in any order.

>>> from trine.services.evidence.cbor import map_slices
>>> data = bytes.fromhex("a2012604423131")
>>> entries, end = map_slices(data, 0, len(data), "example")
>>> {label: data[start:stop].hex() for label, (start, stop) in entries.items()}
{1: '26', 4: '423131'}
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from trine._core import statements as core
from trine.errors.services import (
    BadHeader,
    CoseEncoding,
    CoseTooLarge,
    CoseTruncated,
    DuplicateLabel,
    NestedTooDeep,
    TrailingBytes,
)

HEADERS_MAX: Final = 64
"""Entries of a map of headers, and of every map and array inside one."""
NESTING_MAX: Final = 8
"""Arrays, maps and tags inside each other."""

HEADS_CACHED_MAX: Final = 4_096
"""Heads that are remembered once they were encoded."""

UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
"""Major types (RFC 8949, section 3.1)."""

NULL: Final = 0xF6
"""Encoding of null."""

Label = int | str
"""Label of a header: a number or a text (RFC 9052, section 1.5)."""
Slice = tuple[int, int]
"""First byte of an encoded item and the byte after its last."""

_SIMPLES: Final = frozenset({20, 21, 22})
_FLOATS: Final = {25: 2, 26: 4, 27: 8}


def head(data: bytes, at: int, end: int, what: str) -> tuple[int, int, int]:
    """Read a head: major type, argument, and where its content begins.

    Raises:
        CoseTruncated: `data` ends at `end` inside the head.
        CoseEncoding: The length is indefinite, reserved, or not in its shortest form.
    """
    if at >= end:
        raise CoseTruncated(f"{what} ends early, at byte {at}")
    first = data[at]
    low = first & 31
    if low < 24:
        return first >> 5, low, at + 1
    if low == 24 and at + 1 < end and data[at + 1] >= 24:
        return first >> 5, data[at + 1], at + 2
    if low > 27:
        raise CoseEncoding(f"{what} has an indefinite or reserved length at byte {at}")
    width = 1 << low - 24
    stop = at + 1 + width
    if stop > end:
        raise CoseTruncated(f"{what} ends early, in the head at byte {at}")
    argument = int.from_bytes(data[at + 1 : stop])
    if first >> 5 != SIMPLE and argument < (24 if width == 1 else 1 << 4 * width):
        raise CoseEncoding(f"{what} has a length or number in a longer form at byte {at}")
    return first >> 5, argument, stop


def string_end(start: int, length: int, end: int, what: str) -> int:
    """Return where a string of `length` bytes ends.

    Raises:
        CoseTruncated: That is beyond `end`.
    """
    if length > end - start:
        raise CoseTruncated(f"{what} announces {length} bytes, {end - start} are left")
    return start + length


def skip(data: bytes, at: int, end: int, what: str, depth: int = 0) -> int:
    """Return where the item at `at` ends, checking everything in it.

    Args:
        data: Bytes that hold the item.
        at: Where it begins.
        end: Where the bytes end that may be read.
        what: Name of what holds it, for messages.
        depth: Arrays, maps and tags around the item.

    Raises:
        CoseTruncated: It ends early.
        CoseEncoding: It is not in its shortest form, a text is not UTF-8, or the type is reserved.
        CoseTooLarge: An array or a map has more than `HEADERS_MAX` entries.
        NestedTooDeep: It is nested deeper than `NESTING_MAX`.
        DuplicateLabel: A map holds a key twice.
        BadHeader: A key of a map is neither number nor text.
    """
    major, argument, start = head(data, at, end, what)
    if major <= NEGATIVE:
        return start
    if major <= TEXT:
        stop = string_end(start, argument, end, what)
        if major == TEXT:
            text(data, start, stop, what)
        return stop
    if major == SIMPLE:
        return _skip_simple(data, at, start, what)
    if depth >= NESTING_MAX:
        raise NestedTooDeep(f"{what} is nested deeper than {NESTING_MAX} at byte {at}")
    if major == MAP:
        return map_slices(data, at, end, what, depth)[1]
    for _ in range(_count(argument, what) if major == ARRAY else 1):
        start = skip(data, start, end, what, depth + 1)
    return start


def map_slices(
    data: bytes,
    at: int,
    end: int,
    what: str,
    depth: int = 0,
    *,
    maps: dict[Label, dict[Label, Slice]] | None = None,
) -> tuple[dict[Label, Slice], int]:
    """Find the values of the map at `at` by their labels, and where the map ends.

    Args:
        data: Bytes that hold the map.
        at: Where it begins.
        end: Where the bytes end that may be read.
        what: Name of the map, for messages.
        depth: Arrays, maps and tags around it.
        maps: Takes the places of the values of those values that are maps themselves.

    Raises:
        CoseEncoding: There is no map.
        CoseTruncated, CoseTooLarge, NestedTooDeep, DuplicateLabel, BadHeader: As `skip`.
    """
    major, count, at = head(data, at, end, what)
    if major != MAP:
        raise CoseEncoding(f"{what} is no map")
    entries: dict[Label, Slice] = {}
    for _ in range(_count(count, what)):
        label: Label
        # Nearly every label is one byte, and many values are: they cost no call.
        if at < end and data[at] < 24:
            label, start = data[at], at + 1
        else:
            label, start = _label(data, at, end, what)
        if label in entries:
            raise DuplicateLabel(f"{what} has the label {shown(label)} twice")
        if start < end and data[start] & 0b1101_1111 < 24:
            at = start + 1
        elif stop := _short_string_end(data, start, end):
            at = stop
        elif maps is not None and start < end and data[start] >> 5 == MAP:
            maps[label], at = map_slices(data, start, end, what, depth + 1)
        else:
            at = skip(data, start, end, what, depth + 1)
        entries[label] = (start, at)
    return entries, at


def _short_string_end(data: bytes, at: int, end: int) -> int:
    """Return where a byte string or ASCII text of up to 255 bytes ends; 0 where there is none.

    It is what most values are. `skip` knows the others, and what is wrong with them.
    """
    if at + 1 >= end:
        return 0
    first, start = data[at], at + 1
    length = first & 31
    if length == 24:
        length, start = data[start], start + 1
        if length < 24:
            return 0
    elif length > 24:
        return 0
    stop = start + length
    if stop > end:
        return 0
    major = first >> 5
    return stop if major == BYTES or (major == TEXT and data[start:stop].isascii()) else 0


def content_at(data: bytes, at: int) -> int:
    """Return where the content of the item at `at` begins, which was scanned before."""
    low = data[at] & 31
    return at + 1 if low < 24 else at + 1 + (1 << low - 24)


def _label(data: bytes, at: int, end: int, what: str) -> tuple[Label, int]:
    """Read the label at `at`; return it and where its value begins."""
    major, argument, start = head(data, at, end, what)
    if major == UNSIGNED:
        return argument, start
    if major == NEGATIVE:
        return -1 - argument, start
    if major != TEXT:
        raise BadHeader(f"{what} has a label that is neither a number nor a text")
    stop = string_end(start, argument, end, what)
    return text(data, start, stop, what), stop


def items(data: bytes, at: int, end: int, what: str, depth: int = 0) -> Iterator[Slice]:
    """Yield the places of the items of the array at `at`, which was scanned before.

    Raises:
        CoseEncoding: There is no array.
    """
    major, count, at = head(data, at, end, what)
    if major != ARRAY:
        raise CoseEncoding(f"{what} is no array")
    for _ in range(count):
        stop = skip(data, at, end, what, depth + 1)
        yield at, stop
        at = stop


def strings(data: bytes, what: str, *, count_max: int) -> list[bytes]:
    """Read an array of byte strings, which is all that there is.

    Raises:
        CoseTruncated: It ends before what it announces.
        CoseTooLarge: It has over `count_max` of them.
        CoseEncoding: It is something else.
        TrailingBytes: Something follows it.
    """
    whole = core.byte_strings(data, count_max)
    if whole is not None:
        return whole
    # Something is wrong with it: with what?
    end = len(data)
    major, count, at = head(data, 0, end, what)
    if major != ARRAY:
        raise CoseEncoding(f"{what} is no array")
    if count > count_max:
        raise CoseTooLarge(f"{what} has {count} items, at most {count_max}")
    found = []
    for _ in range(count):
        major, length, start = head(data, at, end, what)
        if major != BYTES:
            raise CoseEncoding(f"{what} has an item at byte {at} that is no byte string")
        at = string_end(start, length, end, what)
        found.append(data[start:at])
    if at != end:
        raise TrailingBytes(f"{end - at} bytes follow {what}")
    return found


def text(data: bytes, start: int, stop: int, what: str) -> str:
    """Decode UTF-8.

    Raises:
        CoseEncoding: The bytes are something else.
    """
    try:
        return data[start:stop].decode()
    except UnicodeDecodeError:
        raise CoseEncoding(f"{what} has a text that is not UTF-8 at byte {start}") from None


def shown(label: Label) -> str:
    """Show a label in a message, cut where it is long."""
    return str(label) if isinstance(label, int) else repr(label[:40])


@lru_cache(HEADS_CACHED_MAX)
def encode_head(major: int, argument: int) -> bytes:
    """Encode a head in its shortest form."""
    if argument < 24:
        return bytes([major << 5 | argument])
    for low, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << 8 * width:
            return bytes([major << 5 | low]) + argument.to_bytes(width)
    raise OverflowError(f"{argument} has more than 64 bits")


def encode_bytes(content: bytes) -> bytes:
    """Encode a byte string."""
    return encode_head(BYTES, len(content)) + content


def encode_integer(number: int) -> bytes:
    """Encode a number of at most 64 bits."""
    return encode_head(UNSIGNED, number) if number >= 0 else encode_head(NEGATIVE, -1 - number)


def encode_map(entries: Mapping[Label, bytes]) -> bytes:
    """Encode a map in the order of its labels; the values come encoded."""
    parts = [encode_head(MAP, len(entries))]
    for label, value in entries.items():
        if isinstance(label, int):
            parts.append(encode_integer(label))
        else:
            encoded = label.encode()
            parts.append(encode_head(TEXT, len(encoded)) + encoded)
        parts.append(value)
    return b"".join(parts)


def _count(count: int, what: str) -> int:
    if count > HEADERS_MAX:
        raise CoseTooLarge(f"{what} has {count} entries in a map or array, at most {HEADERS_MAX}")
    return count


def _skip_simple(data: bytes, at: int, start: int, what: str) -> int:
    low = data[at] & 31
    if low in _SIMPLES or low in _FLOATS:
        return start
    raise CoseEncoding(f"{what} has a reserved simple value at byte {at}")
