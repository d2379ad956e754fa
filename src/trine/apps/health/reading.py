"""Read FHIR JSON strictly, one resource at a time and within named limits.

Three forms: one resource, a Bundle, and NDJSON as bulk exports write it (one resource a line, media
type `application/fhir+ndjson`). XML is refused: a reader that knows no declarations cannot be made
to fetch or expand anything. JSON is that of RFC 8259 in UTF-8 without a byte order mark; a name
twice in one object is refused, because readers differ in which they take.

Numbers keep every digit: a number with a point or an exponent becomes a `Decimal`.

>>> parse(b'{"value": 1.00}')
{'value': Decimal('1.00')}
>>> parse(b'{"id": "a", "id": "b"}')
Traceback (most recent call last):
    ...
trine.errors.health.DuplicateMember: an object names the member "id" twice
"""

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from io import BufferedIOBase
from pathlib import Path
from typing import Any, Final

from trine.apps.health.limits import (
    BUNDLE_BYTES_MAX,
    EXPONENT_MAX,
    NUMBER_CHARACTERS_MAX,
    RESOURCE_BYTES_MAX,
)
from trine.errors import UnreadableFile
from trine.errors.health import (
    DuplicateMember,
    FhirXml,
    NotJson,
    NumberOutOfRange,
    ResourceTooDeep,
    ResourceTooLarge,
)

NDJSON_SUFFIXES: Final = frozenset({".ndjson", ".jsonl"})
"""Ends of the names of files of lines; all others hold one resource or Bundle."""
GZIP_SUFFIX: Final = ".gz"
"""End of the names of compressed files (RFC 1952); the limits are those of what is inside."""
_NAME: Final = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,63}").fullmatch
_XML: Final = b"<"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Received:
    """A JSON value with the place it came from."""

    place: str
    """Such as `line 7`; empty where the input is one value."""
    value: Any


def read_file(path: Path) -> Iterator[Received]:
    """Read a file: lines if its name ends as one of lines, one value otherwise.

    A file whose name ends in `.gz` is decompressed as it is read; the name before that counts.

    Raises:
        UnreadableFile: The file cannot be opened or read, or is no gzip where its name says so.
        FhirXml, NotJson, DuplicateMember, NumberOutOfRange, ResourceTooDeep, ResourceTooLarge: As
            `parse` and `read_lines` say.
    """
    is_packed = path.suffix.lower() == GZIP_SUFFIX
    name = path.with_suffix("") if is_packed else path
    try:
        with gzip.open(path) if is_packed else path.open("rb") as file:
            if name.suffix.lower() in NDJSON_SUFFIXES:
                yield from read_lines(file)
            else:
                yield Received("", parse(file.read(BUNDLE_BYTES_MAX + 1), BUNDLE_BYTES_MAX))
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        message = f"{path} cannot be read: {reason}"
        raise UnreadableFile(message, instance=str(path)) from error


def read_lines(file: BufferedIOBase) -> Iterator[Received]:
    """Read NDJSON line by line, never more than one line in memory; empty lines are skipped.

    Raises:
        ResourceTooLarge: A line has more than `RESOURCE_BYTES_MAX` bytes.
        FhirXml, NotJson, DuplicateMember, NumberOutOfRange, ResourceTooDeep: As `parse` says; the
            message begins with the line's number.
    """
    number = 0
    while line := file.readline(RESOURCE_BYTES_MAX + 2):
        number += 1
        if line.isspace() and line.endswith(b"\n"):
            continue
        place = f"line {number}"
        yield Received(place, parse(line.rstrip(b"\r\n"), RESOURCE_BYTES_MAX, place))


def parse(content: bytes, bytes_max: int = RESOURCE_BYTES_MAX, place: str = "") -> Any:
    """Read one JSON value.

    Args:
        content: The bytes, in UTF-8.
        bytes_max: Most bytes that are read.
        place: Where it came from; it begins the message of an error.

    Raises:
        ResourceTooLarge: There are more than `bytes_max` bytes.
        FhirXml: It begins as XML does.
        NotJson: It is not JSON in UTF-8; NaN and infinities are none.
        DuplicateMember: An object names a member twice.
        NumberOutOfRange: A number is longer than `NUMBER_CHARACTERS_MAX` characters, as it stands
            or in canonical form, or its size is beyond 10 to the power of `EXPONENT_MAX`.
        ResourceTooDeep: It is nested deeper than the interpreter's own limit.
    """
    if len(content) > bytes_max:
        message = f"more than {bytes_max} bytes; split it, or keep large data outside of it"
        raise ResourceTooLarge(_at(place, message), instance=place or None)
    try:
        return _parse(content)
    except (FhirXml, NotJson, DuplicateMember, NumberOutOfRange, ResourceTooDeep) as error:
        raise type(error)(_at(place, str(error)), instance=place or None) from None


def _parse(content: bytes) -> Any:
    head = content[:64].lstrip()
    if head.startswith(_XML) or head.removeprefix(_BYTE_ORDER_MARK).lstrip().startswith(_XML):
        raise FhirXml("this is XML; FHIR JSON is expected (media type application/fhir+json)")
    if head.startswith(_BYTE_ORDER_MARK):
        raise NotJson("it begins with a byte order mark; expected JSON in UTF-8 without one")
    try:
        return _DECODER.decode(content.decode())
    except UnicodeDecodeError as error:
        raise NotJson(f"byte {error.start} is not UTF-8; JSON in UTF-8 is expected") from None
    except json.JSONDecodeError as error:
        message = f"it is not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        raise NotJson(message) from None
    except RecursionError:
        message = "lists or objects lie deeper inside each other than can be read"
        raise ResourceTooDeep(message) from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            break
        seen.add(name)
    shown = name if _NAME(name) else "…"
    raise DuplicateMember(f'an object names the member "{shown}" twice')


def _decimal(text: str) -> Decimal:
    _check_length(text)
    try:
        number = Decimal(text)
        is_in_range = abs(number.adjusted()) <= EXPONENT_MAX
    except InvalidOperation:
        is_in_range = False
    if not is_in_range:
        message = f"a number is beyond 10 to the power of {EXPONENT_MAX}, or as far below"
        raise NumberOutOfRange(message)
    # Its canonical form must be readable too.
    _check_length(str(number))
    return number


def _integer(text: str) -> int | Decimal:
    _check_length(text)
    # An integer has no minus zero; a decimal has, and keeps it.
    return Decimal(text) if text == "-0" else int(text)


def _check_length(text: str) -> None:
    if len(text) > NUMBER_CHARACTERS_MAX:
        message = f"a number has {len(text)} characters, at most {NUMBER_CHARACTERS_MAX} are read"
        raise NumberOutOfRange(message)


def _constant(name: str) -> Any:
    raise NotJson(f"{name} is no number of JSON")


def _at(place: str, message: str) -> str:
    return f"{place}: {message}" if place else message


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_float=_decimal,
    parse_int=_integer,
    parse_constant=_constant,
)
