"""Read the node's stream of final blocks: server-sent events (HTML standard, section 9.2).

>>> from trine.client.stream import EventReader
>>> reader = EventReader()
>>> lines = ["id: 5", "event: block", 'data: {"height": 5}', ""]
>>> [event for line in lines if (event := reader.feed(line))]
[{'height': 5}]
"""

import json
from typing import Any, Final

from trine.errors import BadAnswer

EVENT_CHARACTERS_MAX: Final = 4 * 1_024 * 1_024
"""Longest event that is read: a full block with the ids of its transactions."""


class EventReader:
    """Collect the lines of one connection into events."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._kind = ""
        self._data: list[str] = []
        self._length = 0

    def feed(self, line: str) -> dict[str, Any] | None:
        """Take one line; returns a block event once it is complete.

        Raises:
            BadAnswer: The event is no JSON object, or too long.
        """
        if not line:
            return self._complete()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        self._length += len(line)
        if self._length > EVENT_CHARACTERS_MAX:
            raise BadAnswer(f"an event of more than {EVENT_CHARACTERS_MAX} characters")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._kind = value
        return None

    def _complete(self) -> dict[str, Any] | None:
        kind, data = self._kind, self._data
        self._kind, self._data, self._length = "", [], 0
        if kind != "block" or not data:
            return None
        try:
            event = json.loads("\n".join(data))
        except ValueError as error:
            raise BadAnswer(f"an event that is no JSON: {error}") from None
        if not isinstance(event, dict):
            raise BadAnswer("an event that is no JSON object")
        return event
