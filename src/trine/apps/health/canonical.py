"""Write a FHIR resource in its one canonical form, byte for byte.

The form is that of RFC 8785 (JSON Canonicalization Scheme): no blanks, members sorted by the
UTF-16 code units of their names, the shortest escapes, UTF-8. One rule differs: FHIR's decimals
are significant to the last zero (data types, decimal: `0.010` is not `0.01`), and RFC 8785 makes
every number a double. A number keeps its sign, digits and exponent. A whole number is written in
digits; any other as the General Decimal Arithmetic specification's "to-scientific-string" writes
it, which is what `str(Decimal)` does. So `1.0` and `1.00` differ, and `1e2` and `1E+2` do not.

Nothing is left out and nothing is added: what was received is what is committed.

>>> from decimal import Decimal
>>> canonical({"value": Decimal("1.00"), "unit": "mmol/L"})
b'{"unit":"mmol/L","value":1.00}'
"""

from collections.abc import Callable
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, Final

from trine.errors.health import NotJson

_quote: Final[Callable[[str], str]] = encode_basestring


def canonical(value: Any) -> bytes:
    """Write a JSON value, as `reading.parse` reads it, in canonical form.

    Args:
        value: Objects, lists, strings, integers, `Decimal`, booleans, null.

    Raises:
        NotJson: A string holds half a surrogate pair, which UTF-8 cannot write.
    """
    parts: list[str] = []
    _write(value, parts.append)
    try:
        return "".join(parts).encode()
    except UnicodeEncodeError:
        raise NotJson("a string holds half a surrogate pair; expected whole characters") from None


def _write(value: Any, put: Callable[[str], None]) -> None:
    kind = type(value)
    if kind is str:
        put(_quote(value))
    elif kind is dict:
        opening = "{"
        for name in _in_order(value):
            put(f"{opening}{_quote(name)}:")
            _write(value[name], put)
            opening = ","
        put("}" if value else "{}")
    elif kind is list:
        opening = "["
        for item in value:
            put(opening)
            _write(item, put)
            opening = ","
        put("]" if value else "[]")
    elif value is True:
        put("true")
    elif value is False:
        put("false")
    elif value is None:
        put("null")
    else:
        assert kind is int or kind is Decimal, f"{kind.__name__} is no value of JSON"
        put(str(value))


def _in_order(value: dict[str, Any]) -> list[str]:
    """Sort names by their UTF-16 code units (RFC 8785, section 3.2.3)."""
    names = sorted(value)
    if not "".join(names).isascii():
        names.sort(key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    return names
