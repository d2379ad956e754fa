"""Check values of FHIR's primitive types as they stand in JSON.

Source: FHIR R4 and R5, data types, section 2.24.0.1 (primitive types), and the JSON format,
section 2.6.2: what is a JSON string, number or boolean. A check answers with what is wrong in
words that never show the value: records hold what nobody but their recipients may read.

>>> check_date("2024-02-29"), check_date("2023-02-29")
(None, 'no such day')
>>> check_boolean("true")
'a boolean is expected'
"""

import binascii
import calendar
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from trine.apps.health.limits import STRING_CHARACTERS_MAX

Check = Callable[[Any], str | None]
"""Says what is wrong with a value; nothing where it is right."""

_TEXT: Final = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f]+").fullmatch
_CODE: Final = re.compile(r"[^\s]+( [^\s]+)*").fullmatch
_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch
_URI: Final = re.compile(r"\S+").fullmatch
_OID: Final = re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+").fullmatch
_UUID: Final = re.compile(
    r"urn:uuid:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
).fullmatch
_YEAR: Final = r"(?!0000)([0-9]{4})"
_DAY: Final = rf"{_YEAR}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK: Final = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
_ZONE: Final = r"(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_DATE: Final = re.compile(rf"{_YEAR}(-(0[1-9]|1[0-2]))?|{_DAY}").fullmatch
_DATE_TIME: Final = re.compile(rf"{_YEAR}(-(0[1-9]|1[0-2]))?|{_DAY}(T{_CLOCK}{_ZONE})?").fullmatch
_INSTANT: Final = re.compile(rf"{_DAY}T{_CLOCK}{_ZONE}").fullmatch
_TIME: Final = re.compile(_CLOCK).fullmatch
_INTEGER64: Final = re.compile(r"0|-?[1-9][0-9]{0,18}").fullmatch
_DECLARATION: Final = re.compile(r"<!(?!--)|<\?|<\s*(?:/\s*)?script\b", re.IGNORECASE).search
_DIV: Final = re.compile(r"\s*<div\b.*>\s*", re.DOTALL).fullmatch
_SPACES: Final = str.maketrans("", "", " \t\r\n")
_SHORTEST_MONTH: Final = 28


def _text(name: str, pattern: Callable[[str], Any]) -> Check:
    """Make the check of a type whose values are strings of one pattern."""
    expected = f"{name} is expected"

    def check(value: Any) -> str | None:
        if type(value) is not str:
            return expected
        if len(value) > STRING_CHARACTERS_MAX:
            return f"{len(value)} characters, at most {STRING_CHARACTERS_MAX} are allowed"
        return None if pattern(value) else expected

    return check


def _day(name: str, pattern: Callable[[str], Any]) -> Check:
    """Make the check of a type whose values begin with a day, that the calendar must have."""
    expected = f"{name} is expected"

    def check(value: Any) -> str | None:
        if type(value) is not str or not pattern(value):
            return expected
        if len(value) < 10 or (day := int(value[8:10])) <= _SHORTEST_MONTH:
            return None
        last = calendar.monthrange(int(value[:4]), int(value[5:7]))[1]
        return None if day <= last else "no such day"

    return check


def _integer(name: str, least: int, most: int) -> Check:
    expected = f"{name} is expected: a whole number from {least} to {most}"

    def check(value: Any) -> str | None:
        return None if type(value) is int and least <= value <= most else expected

    return check


def check_boolean(value: Any) -> str | None:
    """Check a boolean: JSON's `true` or `false`, no string."""
    return None if type(value) is bool else "a boolean is expected"


def check_decimal(value: Any) -> str | None:
    """Check a decimal: any JSON number as it was read, with every digit."""
    return None if type(value) in {int, Decimal} else "a number is expected"


def check_integer64(value: Any) -> str | None:
    """Check an integer of 64 bits: in JSON it is a string (R5, data types)."""
    if type(value) is not str or not _INTEGER64(value) or not -(2**63) <= int(value) < 2**63:
        return "a whole number of 64 bits in a string is expected"
    return None


def check_base64(value: Any) -> str | None:
    """Check bytes in base64 (RFC 4648, section 4); blanks are allowed."""
    if type(value) is not str or not value:
        return "base64 is expected"
    try:
        binascii.a2b_base64(value.translate(_SPACES), strict_mode=True)
    except ValueError:
        return "base64 is expected"
    return None


def check_narrative(value: Any) -> str | None:
    """Check a narrative: a `div` of XHTML without declarations, instructions and scripts."""
    if type(value) is not str or not _DIV(value):
        return "a `div` of XHTML is expected"
    if _DECLARATION(value):
        return "a narrative has no declarations, processing instructions or scripts"
    return None


check_string: Final = _text("a string that is not empty and has no control characters", _TEXT)
check_date: Final = _day("a date", _DATE)

CHECKS: Final[dict[str, Check]] = {
    "base64Binary": check_base64,
    "boolean": check_boolean,
    "canonical": _text("a URL without blanks", _URI),
    "code": _text("a code", _CODE),
    "date": check_date,
    "dateTime": _day("a dateTime, with a zone where it has a time,", _DATE_TIME),
    "decimal": check_decimal,
    "id": _text("an id of 1 to 64 letters, digits, hyphens and dots", _ID),
    "instant": _day("an instant", _INSTANT),
    "integer": _integer("an integer", -(2**31), 2**31 - 1),
    "integer64": check_integer64,
    "markdown": check_string,
    "oid": _text("an OID as `urn:oid:`", _OID),
    "positiveInt": _integer("a positive integer", 1, 2**31 - 1),
    "string": check_string,
    "time": _text("a time of day", _TIME),
    "unsignedInt": _integer("an unsigned integer", 0, 2**31 - 1),
    "uri": _text("a URI without blanks", _URI),
    "url": _text("a URL without blanks", _URI),
    "uuid": _text("a UUID as `urn:uuid:`", _UUID),
    "xhtml": check_narrative,
}
"""The check of each primitive type, by the type's name."""


def one_of(codes: list[str]) -> Check:
    """Make the check of an element whose codes the definition lists (required binding)."""
    known = frozenset(codes)
    shown = ", ".join(sorted(known)[:8]) + (", …" if len(known) > 8 else "")
    expected = f"one of the codes {shown} is expected"

    def check(value: Any) -> str | None:
        return None if type(value) is str and value in known else expected

    return check
