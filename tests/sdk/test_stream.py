"""Test that server-sent events are read as the standard says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trine.client import stream
from trine.client.stream import EventReader
from trine.errors import BadAnswer

document = st.dictionaries(st.text(max_size=5), st.integers(), min_size=1, max_size=3)


@given(st.lists(st.tuples(document, st.sampled_from(["block", "other", None])), max_size=8))
def test_block_events_come_whole_and_in_order(events: list[tuple[dict[str, int], str]]) -> None:
    """Goal: every block event and nothing else. Method: mix kinds, comments and split data."""
    reader = EventReader()
    lines: list[str] = []
    for data, kind in events:
        lines.append(": keep the connection")
        if kind:
            lines.append(f"event: {kind}")
        lines += [f"data: {part}" for part in json.dumps(data, indent=1).split("\n")]
        lines += ["id: 7", ""]
    read = [found for line in lines if (found := reader.feed(line)) is not None]
    assert read == [data for data, kind in events if kind == "block"]


def test_what_is_no_event_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: a node that is none is named. Method: no JSON, no object, no end."""
    for data in ("{", "[]"):
        reader = EventReader()
        reader.feed("event: block")
        reader.feed(f"data: {data}")
        with pytest.raises(BadAnswer):
            reader.feed("")
    monkeypatch.setattr(stream, "EVENT_CHARACTERS_MAX", 100)
    reader = EventReader()
    reader.feed("data: " + "x" * 94)
    with pytest.raises(BadAnswer):
        reader.feed("d")
