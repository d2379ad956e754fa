"""Encode and decode values canonically.

Integers are big-endian and of fixed width. A byte string or text has a length before it, a list a
count, an optional value a byte 0 or 1. A structure is its fields in order. Nothing may follow a
value, so a value has one encoding and decoding refuses every other.

A structure's fields say their format in their type: a class of this model encodes itself,
everything else is annotated with a format.

Example:
    >>> from dataclasses import dataclass
    >>> from typing import Annotated
    >>> from trine.model.codec import Structure, Text8, U16
    >>> @dataclass(frozen=True)
    ... class Place(Structure):
    ...     name: Annotated[str, Text8(8, "name")]
    ...     zip: Annotated[int, U16]
    >>> Place("Rome", 118).encode().hex()
    '04526f6d650076'
    >>> Place.from_bytes(bytes.fromhex("04526f6d650076"))
    Place(name='Rome', zip=118)
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from functools import cache
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    Self,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from trine.model.identifiers import FixedBytes
from trine.model.verdicts import Malformed, NonCanonical, TooLarge

T = TypeVar("T")
B = TypeVar("B", bound=FixedBytes)
V = TypeVar("V", bound="Value")


class Reader:
    """Reads encoded bytes from the front."""

    def __init__(self, data: bytes) -> None:
        """Start at the first byte of `data`."""
        self._data = data
        self._position = 0

    @property
    def position(self) -> int:
        """Number of bytes taken so far."""
        return self._position

    def take(self, length: int) -> bytes:
        """Take `length` bytes as they are.

        Raises:
            Malformed: Fewer are left.
        """
        end = self._position + length
        if end > len(self._data):
            raise Malformed("ends early")
        taken = self._data[self._position : end]
        self._position = end
        return taken

    def integer(self, width: int) -> int:
        """Take an unsigned big-endian integer of `width` bytes."""
        return int.from_bytes(self.take(width), "big")

    def finish(self) -> None:
        """Refuse bytes after the value.

        Raises:
            NonCanonical: Some are left.
        """
        if self._position != len(self._data):
            raise NonCanonical("bytes follow the value")


def check_limit(actual: int, limit: int, what: str) -> None:
    """Refuse a length or count over its limit.

    Raises:
        TooLarge: `actual` is larger than `limit`.
    """
    if actual > limit:
        raise TooLarge(f"{what} is {actual}, at most {limit} allowed")


class Format(ABC, Generic[T]):
    """One way to write values of a type as bytes."""

    @abstractmethod
    def write(self, value: T) -> bytes:
        """Return the encoding of `value`, which is within the format's range."""

    @abstractmethod
    def read(self, reader: Reader) -> T:
        """Take a value from the front, or raise a `Undecodable` verdict."""


@dataclass(frozen=True)
class Unsigned(Format[int]):
    """An unsigned big-endian integer."""

    width: int
    """Bytes."""

    def write(self, value: int) -> bytes:
        """Return `value` in the format's width."""
        return value.to_bytes(self.width, "big")

    def read(self, reader: Reader) -> int:
        """Take an integer."""
        return reader.integer(self.width)


U8: Final = Unsigned(1)
"""8 bits."""
U16: Final = Unsigned(2)
"""16 bits."""
U32: Final = Unsigned(4)
"""32 bits."""
U64: Final = Unsigned(8)
"""64 bits."""
U128: Final = Unsigned(16)
"""128 bits."""


class Flag(Format[bool]):
    """A byte 0 or 1."""

    def write(self, value: bool) -> bytes:
        """Return one byte."""
        return bytes([value])

    def read(self, reader: Reader) -> bool:
        """Take a flag; any other byte is not canonical."""
        byte = reader.integer(1)
        if byte > 1:
            raise NonCanonical("a flag is 0 or 1")
        return byte == 1


@dataclass(frozen=True)
class Bytes(Format[bytes]):
    """A byte string with its length before it."""

    prefix: int
    """Bytes of the length."""
    limit: int
    """Largest length allowed."""
    what: str
    """What the bytes are, for messages."""

    def write(self, value: bytes) -> bytes:
        """Return length and bytes."""
        return len(value).to_bytes(self.prefix, "big") + value

    def read(self, reader: Reader) -> bytes:
        """Take a byte string; the length is checked before the bytes are taken."""
        length = reader.integer(self.prefix)
        check_limit(length, self.limit, self.what)
        return reader.take(length)


@dataclass(frozen=True)
class Text8(Format[str]):
    """UTF-8 text (RFC 3629) with its length in bytes before it, as one byte."""

    limit: int
    """Largest length allowed, in bytes."""
    what: str
    """What the text is, for messages."""

    def write(self, value: str) -> bytes:
        """Return length and text."""
        return Bytes(1, self.limit, self.what).write(value.encode())

    def read(self, reader: Reader) -> str:
        """Take text; bytes that are not UTF-8 are malformed."""
        data = Bytes(1, self.limit, self.what).read(reader)
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise Malformed(f"{self.what} is not UTF-8") from None


@dataclass(frozen=True)
class Fixed(Format[bytes]):
    """A byte string of a length that is known, without a prefix."""

    length: int
    """Bytes."""

    def write(self, value: bytes) -> bytes:
        """Return the bytes."""
        if len(value) != self.length:
            raise ValueError(f"{len(value)} bytes, expected {self.length}")
        return value

    def read(self, reader: Reader) -> bytes:
        """Take the bytes."""
        return reader.take(self.length)


class Value(ABC):
    """A value with one encoding, which it knows itself."""

    @abstractmethod
    def encode(self) -> bytes:
        """Return the encoding."""

    @classmethod
    @abstractmethod
    def decode(cls, reader: Reader) -> Self:
        """Take a value from the front, or raise a `Undecodable` verdict."""

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a value that fills `data`.

        Raises:
            Undecodable: `data` is not the encoding of a value.
        """
        reader = Reader(data)
        value = cls.decode(reader)
        reader.finish()
        return value


@dataclass(frozen=True)
class Raw(Format[B]):
    """A byte string of the model with a class of its own, without a prefix."""

    kind: type[B]
    """The class; it knows the length."""

    def write(self, value: B) -> bytes:
        """Return the bytes."""
        return bytes(self.kind(value))

    def read(self, reader: Reader) -> B:
        """Take a byte string of the class."""
        return self.kind(reader.take(self.kind.LENGTH))


@dataclass(frozen=True)
class Nested(Format[V]):
    """A value in its own encoding."""

    kind: type[V]
    """Class of the value."""

    def write(self, value: V) -> bytes:
        """Return the value's own encoding."""
        return value.encode()

    def read(self, reader: Reader) -> V:
        """Take a value of the class."""
        return self.kind.decode(reader)


@dataclass(frozen=True)
class Optional(Format[T | None]):
    """A byte 0, or a byte 1 and a value."""

    item: Format[T]
    """Format of the value."""

    def write(self, value: T | None) -> bytes:
        """Return the encoding; `None` means that there is no value."""
        return b"\x00" if value is None else b"\x01" + self.item.write(value)

    def read(self, reader: Reader) -> T | None:
        """Take an optional value."""
        present = reader.integer(1)
        if present > 1:
            raise NonCanonical("an option starts with 0 or 1")
        return self.item.read(reader) if present else None


@dataclass(frozen=True)
class ListOf(Format[tuple[T, ...]]):
    """Items of one format with their count before them."""

    item: Format[T]
    """Format of an item."""
    limit: int
    """Largest count allowed."""
    what: str
    """What the items are, for messages."""
    prefix: int = 2
    """Bytes of the count."""
    least: int = 0
    """Smallest count allowed."""

    def write(self, value: tuple[T, ...]) -> bytes:
        """Return count and items."""
        count = len(value).to_bytes(self.prefix, "big")
        return count + b"".join(self.item.write(item) for item in value)

    def read(self, reader: Reader) -> tuple[T, ...]:
        """Take a list; too many items are refused before the first is read."""
        count = reader.integer(self.prefix)
        check_limit(count, self.limit, self.what)
        if count < self.least:
            raise Malformed(f"{self.what}: at least {self.least} expected")
        return tuple(self.item.read(reader) for _ in range(count))


class Structure(Value):
    """A dataclass whose encoding is that of its fields, in order."""

    def encode(self) -> bytes:
        """Return the encodings of the fields, joined."""
        return b"".join(form.write(getattr(self, name)) for name, form in field_formats(type(self)))

    @classmethod
    def decode(cls, reader: Reader) -> Self:
        """Take the fields in order."""
        return cls(**{name: form.read(reader) for name, form in field_formats(cls)})


@cache
def field_formats(structure: type[Structure]) -> tuple[tuple[str, Format[Any]], ...]:
    """List a structure's fields with their formats, as their types say."""
    hints = get_type_hints(structure, include_extras=True)
    names = [field.name for field in fields(structure)]  # type: ignore[arg-type]
    return tuple((name, _format_of(hints[name])) for name in names)


def _format_of(hint: object) -> Format[Any]:
    if get_origin(hint) is Annotated:
        form = get_args(hint)[1]
        if isinstance(form, Format):
            return form
    elif isinstance(hint, type) and issubclass(hint, FixedBytes):
        return Raw(hint)
    elif isinstance(hint, type) and issubclass(hint, Value):
        return Nested(hint)
    raise TypeError(f"{hint} names no format")
