"""Read CBOR (RFC 8949) in deterministic encoding, as far as proof files use it.

Example:
    >>> from trine.model.proofs.cbor import read_item
    >>> read_item(bytes.fromhex("a2006161018102"), "example")
    {0: 'a', 1: [2]}
"""

from typing import Final, cast

from trine.model.limits import PROOF_NESTING_MAX
from trine.model.proofs.verdicts import Malformed, UnknownKey

Item = int | bytes | str | list["Item"] | dict["int | bytes | str", "Item"]
"""A value: integers, byte strings, texts, arrays and maps occur."""

UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP = range(6)
"""Major types (RFC 8949, section 3.1)."""

_WIDTHS: Final = {24: 1, 25: 2, 26: 4, 27: 8}
"""Bytes of an argument that follows the initial byte, by the low five bits of that byte."""


class EndsEarly(Exception):
    """The item goes on after the last byte."""


class NotDeterministic(Exception):
    """The bytes are not one item in deterministic encoding; the message says why."""


class _Reader:
    """Reads items from the front."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, length: int) -> bytes:
        """Take `length` bytes."""
        end = self.position + length
        if end > len(self.data):
            raise EndsEarly
        taken = self.data[self.position : end]
        self.position = end
        return taken

    def peek(self) -> int:
        """Return the major type of the next item."""
        if self.position == len(self.data):
            raise EndsEarly
        return self.data[self.position] >> 5

    def head(self) -> tuple[int, bool]:
        """Take a head: its argument, and whether that stands in its shortest form."""
        low = self.take(1)[0] & 31
        if low < min(_WIDTHS):
            return low, True
        if low not in _WIDTHS:
            raise NotDeterministic("of no definite length")
        width = _WIDTHS[low]
        argument = int.from_bytes(self.take(width), "big")
        return argument, argument >= {1: 24, 2: 2**8, 4: 2**16, 8: 2**32}[width]

    def item(self, depth: int) -> Item:
        """Take an item that stands in `depth` arrays and maps."""
        major = self.peek()
        if major > MAP:
            raise NotDeterministic("a type that proof files do not use")
        argument, is_shortest = self.head()
        content = self.take(argument) if major in {BYTES, TEXT} else b""
        if not is_shortest:
            raise NotDeterministic("not in the shortest form")
        if major == UNSIGNED:
            return argument
        if major == NEGATIVE:
            return -1 - argument
        if major == BYTES:
            return content
        if major == TEXT:
            try:
                return content.decode()
            except UnicodeDecodeError:
                raise NotDeterministic("a text is not UTF-8") from None
        if depth == PROOF_NESTING_MAX:
            raise NotDeterministic("nested too deep")
        if major == ARRAY:
            return [self.item(depth + 1) for _ in range(argument)]
        return self.entries(argument, depth + 1)

    def entries(self, count: int, depth: int) -> dict[int | bytes | str, Item]:
        """Take the entries of a map, whose keys ascend as they are encoded."""
        entries: dict[int | bytes | str, Item] = {}
        last = b""
        for _ in range(count):
            start = self.position
            if self.peek() >= ARRAY:
                raise NotDeterministic("a key is no number and no string")
            key = cast(int | bytes | str, self.item(depth))
            encoded = self.data[start : self.position]
            if encoded <= last:
                raise NotDeterministic("keys are not in ascending order, each once")
            entries[key], last = self.item(depth), encoded
        return entries


def parse(data: bytes) -> Item:
    """Read one item that fills `data`.

    Raises:
        EndsEarly: The item goes on after the last byte.
        NotDeterministic: `data` is anything else but one item in its one encoding.
    """
    reader = _Reader(data)
    item = reader.item(0)
    if reader.position != len(data):
        raise NotDeterministic("bytes follow the item")
    return item


def read_item(data: bytes, part: str) -> Item:
    """Read one item that fills `data`; `part` names it in messages.

    Raises:
        Malformed: `data` is not one item in deterministic encoding.
    """
    try:
        return parse(data)
    except EndsEarly:
        raise Malformed(f"the {part} is malformed: it ends early") from None
    except NotDeterministic as error:
        raise Malformed(f"the {part} is malformed: {error}") from None


def fields(item: Item, count: int, part: str) -> list[Item]:
    """Take the values of the keys 0 to `count - 1` of a map.

    Negative keys are for later versions and ignored here; every other key is refused.

    Raises:
        UnknownKey: A key is `count` or larger.
        Malformed: `item` is no map of integer keys, or a key is missing.
    """
    if not isinstance(item, dict):
        raise Malformed(f"the {part} is malformed: expected a map")
    for key in item:
        if not isinstance(key, int):
            raise Malformed(f"the {part} is malformed: expected integer keys")
        if key >= count:
            raise UnknownKey(f"the {part} has an unknown field {key}")
    if any(key not in item for key in range(count)):
        raise Malformed(f"the {part} is malformed: expected the keys 0 to {count - 1}")
    return [item[key] for key in range(count)]


def unsigned(item: Item, part: str) -> int:
    """Take an unsigned integer."""
    if not isinstance(item, int) or item < 0:
        raise Malformed(f"the {part} is malformed: expected an unsigned integer")
    return item


def string(item: Item, part: str, *, length: int | None = None, most: int | None = None) -> bytes:
    """Take a byte string, of exactly `length` or at most `most` bytes where these are given."""
    if not isinstance(item, bytes):
        raise Malformed(f"the {part} is malformed: expected a byte string")
    if length is not None and len(item) != length:
        raise Malformed(f"the {part} is malformed: expected {length} bytes")
    if most is not None and len(item) > most:
        raise Malformed(f"the {part} is malformed: expected at most {most} bytes")
    return item


def text(item: Item, part: str) -> str:
    """Take a text."""
    if not isinstance(item, str):
        raise Malformed(f"the {part} is malformed: expected a text")
    return item


def items(item: Item, part: str, most: int) -> list[Item]:
    """Take an array of at most `most` items."""
    if not isinstance(item, list) or len(item) > most:
        raise Malformed(f"the {part} is malformed: expected an array of at most {most} items")
    return item


def pieces(item: Item, part: str, size: int, most: int) -> list[bytes]:
    """Take a byte string of at most `most` pieces of `size` bytes each."""
    data = string(item, part, most=size * most)
    if len(data) % size:
        raise Malformed(f"the {part} is malformed: expected pieces of {size} bytes")
    return [data[start : start + size] for start in range(0, len(data), size)]
