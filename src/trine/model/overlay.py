"""Copy large mappings for the price of what changed: a common base under each copy's changes.

A state is copied for every transaction, so that one that fails changes nothing. Copying all of it
each time would make a chain's replay slower the more the chain holds.

Example:
    >>> from trine.model.overlay import Overlay
    >>> before = Overlay({"a": 1, "b": 2})
    >>> after = before.copy()
    >>> after["c"] = 3
    >>> del after["a"]
    >>> sorted(before.items()), sorted(after.items())
    ([('a', 1), ('b', 2)], [('b', 2), ('c', 3)])
"""

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Final, TypeVar, cast

K = TypeVar("K")
V = TypeVar("V")

_REMOVED: Final = object()
"""Stands among the changes for a key that was removed."""


class Overlay(MutableMapping[K, V]):
    """A mapping that is a base, which nobody changes any more, and changes of its own."""

    def __init__(self, base: Mapping[K, V] | None = None) -> None:
        """Start with the entries of `base`."""
        self._base: dict[K, V] = dict(base or {})
        self._changes: dict[K, object] = {}
        self._count = len(self._base)

    def copy(self) -> "Overlay[K, V]":
        """Return a mapping that changes apart from this one.

        The price is the number of changes. When their square exceeds the number of entries they
        become part of a new base; so no copy costs more than the square root of what is there, and
        neither does a new base, spread over the copies since the last one.
        """
        if len(self._changes) ** 2 > self._count:
            self._base, self._changes = self._merged(), {}
        other: Overlay[K, V] = Overlay()
        other._base, other._changes = self._base, self._changes.copy()
        other._count = self._count
        return other

    def _merged(self) -> dict[K, V]:
        """Return base and changes as one."""
        merged = self._base.copy()
        for key, value in self._changes.items():
            if value is _REMOVED:
                merged.pop(key, None)
            else:
                merged[key] = cast(V, value)
        return merged

    def __getitem__(self, key: K) -> V:
        if key not in self._changes:
            return self._base[key]
        value = self._changes[key]
        if value is _REMOVED:
            raise KeyError(key)
        return cast(V, value)

    def __contains__(self, key: object) -> bool:
        if key in self._changes:
            return self._changes[key] is not _REMOVED
        return key in self._base

    def __setitem__(self, key: K, value: V) -> None:
        self._count += key not in self
        self._changes[key] = value

    def __delitem__(self, key: K) -> None:
        if key not in self:
            raise KeyError(key)
        self._count -= 1
        self._changes[key] = _REMOVED

    def __iter__(self) -> Iterator[K]:
        yield from (key for key in self._base if key not in self._changes)
        yield from (key for key, value in self._changes.items() if value is not _REMOVED)

    def __len__(self) -> int:
        return self._count
