"""Read a JSON document strictly, and write it in its one canonical form.

Example:
    >>> from trine.model.json_fields import canonical_json, read_json
    >>> canonical_json(read_json(b'{ "b": 1, "a": [] }'))
    b'{"a":[],"b":1}'
"""

import json
from collections.abc import Callable
from typing import NoReturn, TypeVar

from trine.model.limits import U64_MAX

T = TypeVar("T")


class GenesisError(Exception):
    """A genesis document was refused; the message names the field and what was expected."""


def read_json(data: bytes) -> object:
    """Read JSON (RFC 8259) in UTF-8 whose numbers are integers of 64 bits, without a sign.

    Raises:
        GenesisError: A number is another, or a field stands twice in an object.
        ValueError: The bytes are not JSON.
    """
    return json.loads(
        data.decode(),
        object_pairs_hook=_unique,
        parse_int=_integer,
        parse_float=_refuse,
        parse_constant=_refuse,
    )


def canonical_json(value: object) -> bytes:
    """Write JSON in its canonical form: keys sorted, no spaces, nothing escaped needlessly.

    This is RFC 8785, except that an integer above 2^53 stands with all its digits.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.encode()


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise GenesisError("a field stands twice in an object")
    return fields


def _integer(text: str) -> int:
    if text.startswith("-"):
        _refuse(text)
    return int(text)


def _refuse(text: str) -> NoReturn:
    raise GenesisError(f"{text} is not an integer from 0 to {U64_MAX}")


class Fields:
    """Takes the fields of a JSON object, and keeps them as the canonical form has them."""

    def __init__(self, value: object, what: str) -> None:
        """Start with a JSON object; `what` names it in messages."""
        if not isinstance(value, dict):
            raise GenesisError(f"{what}: an object is expected")
        self._rest: dict[str, object] = dict(value)
        self._what = what
        self.canonical: dict[str, object] = {}

    def _take(self, name: str, default: object) -> object:
        if name not in self._rest and default is None:
            raise GenesisError(f"{self._what}: {name} is missing")
        value = self._rest.pop(name, default)
        self.canonical[name] = value
        return value

    def integer(self, name: str, most: int = U64_MAX, default: int | None = None) -> int:
        """Take an integer from 0 to `most`; without a default it must be there."""
        value = self._take(name, default)
        if type(value) is not int or not 0 <= value <= most:
            raise GenesisError(f"{self._what}: {name} is {value!r}, expected 0 to {most}")
        return value

    def text(self, name: str) -> str:
        """Take text; it must be there."""
        value = self._take(name, None)
        if not isinstance(value, str):
            raise GenesisError(f"{self._what}: {name} is {value!r}, expected text")
        value.encode()  # half of a surrogate pair is no text
        return value

    def optional_text(self, name: str) -> str | None:
        """Take text that need not be there; it then stays out of the canonical form too."""
        if self._rest.get(name) is None:
            self._rest.pop(name, None)
            return None
        return self.text(name)

    def items(self, name: str, default: list[object] | None = None) -> list[object]:
        """Take a list; without a default it must be there."""
        value = self._take(name, default)
        if not isinstance(value, list):
            raise GenesisError(f"{self._what}: {name} is {value!r}, expected a list")
        return value

    def objects(
        self, name: str, read: Callable[["Fields"], T], default: list[object] | None = None
    ) -> tuple[T, ...]:
        """Take a list of objects, each read by `read`."""
        items = [Fields(item, name) for item in self.items(name, default)]
        values = tuple(read(item) for item in items)
        self.canonical[name] = [item.finish() for item in items]
        return values

    def map(self, name: str) -> dict[str, object]:
        """Take an object with any keys, empty by default."""
        value = self._take(name, {})
        if not isinstance(value, dict):
            raise GenesisError(f"{self._what}: {name} is {value!r}, expected an object")
        return value

    def optional(self, name: str) -> "Fields | None":
        """Take an object that need not be there; it then stays out of the canonical form too."""
        value = self._rest.pop(name, None)
        return None if value is None else Fields(value, name)

    def finish(self) -> dict[str, object]:
        """Refuse fields that nobody took, and return the canonical form."""
        if self._rest:
            raise GenesisError(f"{self._what}: unknown field {min(self._rest)!r}")
        return self.canonical
