"""Note what a network acknowledged, and compare a node's chain with the notes.

The notes are a JSON file, so that the check can be made on other hosts than the writing.
"""

from __future__ import annotations

import functools
import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from trine.bench.faults.check import check_records, missing_logs, read_chain
from trine.bench.faults.clients import Record, Writer
from trine.client import Client
from trine.crypto import SigningKey
from trine.errors import BadArgument, NotFinalizing

FORMAT: Final = "trine-notes-v1"
NOTES_BYTES_MAX: Final = 256 * 1024 * 1024
SETTLE_S: Final = 60.0
"""Seconds in which a node must have what was acknowledged."""
POLL_S: Final = 0.2
TELL_S: Final = 1.0
"""Seconds between two lines of progress."""


def write_records(
    urls: list[str],
    organisation: str,
    key: SigningKey,
    seconds: float | None,
    tell: Callable[[str], None],
) -> list[Record]:
    """Write one record after the other until the time is over or Ctrl-C, and note each.

    Args:
        urls: Nodes; another one is taken where one does not answer.
        organisation: Name of the organisation whose key signs.
        key: Key of one of its administrators.
        seconds: How long; until Ctrl-C where `None`.
        tell: Gets a line of progress each second.
    """
    started, stop = time.monotonic(), threading.Event()
    opened = functools.partial(Client, urls, key=key)
    writer = Writer(organisation, opened, started, stop, prefix=f"note-{time.time_ns():x}")
    writer.start()
    try:
        while seconds is None or time.monotonic() - started < seconds:
            # An interrupted `join` would take the thread for ended, though it still writes.
            time.sleep(TELL_S)
            done = sum(record.id is not None for record in list(writer.records))
            tell(f"{time.monotonic() - started:.0f} s: {done} acknowledged")
    except KeyboardInterrupt:
        tell("the last record is on its way")
    stop.set()
    writer.join()
    return writer.records


def save_notes(records: list[Record], organisation: str, to: Path) -> None:
    """Write notes to a file."""
    document = {
        "format": FORMAT,
        "organisation": organisation,
        "records": [asdict(record) for record in records],
    }
    to.write_text(json.dumps(document, indent=1) + "\n")


def load_notes(content: bytes) -> tuple[str, list[Record]]:
    """Read notes; gives the organisation and the records.

    Raises:
        BadArgument: They are no notes.
    """
    try:
        document = json.loads(content)
        if document["format"] != FORMAT:
            raise BadArgument(f"the notes have format {document['format']!r:.40}, not {FORMAT}")
        return str(document["organisation"]), [_record(one) for one in document["records"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        message = "the file holds no notes as `trine bench write --notes FILE` writes them"
        raise BadArgument(message) from None


def _record(fields: dict[str, Any]) -> Record:
    record = Record(**fields)
    acknowledged = isinstance(record.id, str) and type(record.height) is int
    refused = record.id is None and record.height is None and isinstance(record.code, str)
    if not isinstance(record.name, str) or not (acknowledged or refused):
        raise BadArgument(f"the notes have a record that is none: {fields!r:.80}")
    return record


def check_notes(client: Client, organisation: str, records: list[Record]) -> dict[str, Any]:
    """Compare a node's whole chain and its state with the notes.

    Returns:
        `acknowledged`, `unknown` (codes of what was not), `lost`, `doubled`, `missing` (of
        `looked_up` records in the state), and `height` with `digest`, which must be the same on
        every node.

    Raises:
        NotFinalizing: The node does not get as far as what was acknowledged.
    """
    top = max((record.height or 0 for record in records), default=0)
    deadline = time.monotonic() + SETTLE_S
    while int(client.status().height) < top:
        if time.monotonic() > deadline:
            raise NotFinalizing(f"the node has no block {top}, in which a record was acknowledged")
        time.sleep(POLL_S)
    chain = read_chain(client, top)
    report = check_records(records, {"node": chain})
    found = [record.name for record in records if record.id]
    looked_up, missing = missing_logs(client, organisation, found)
    digest = chain.digests[-1] if chain.digests else None
    kept = ("acknowledged", "unknown", "lost", "doubled")
    return {
        **{name: report[name] for name in kept},
        "looked_up": looked_up,
        "missing": missing,
        "height": top,
        "digest": digest,
    }
