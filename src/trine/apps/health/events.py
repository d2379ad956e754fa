"""Write the events of a patient's history: what goes on the chain, and what stays beside it.

An event has a *head* (kind, custodian, purpose, month, and a commitment to the body) and a *body*
(patient, number, the event before it, and what happened). The entry commits to the head, so that a
regulator can be shown heads and no bodies. Before each entry stands a *marker*, which only those
who know the patient's history key can tell from chance: whatever the log holds under a patient's
markers is the patient's whole history. Specified in `docs/reference/health-access.md`, section 1.

>>> from trine.model.hashing import Suite
>>> about = Position(Digest(bytes(32)), 0, Digest(bytes(32)))
>>> event = make_event("review", about, {"finding": "justified"}, "hospital", 0, suite=Suite.INTL)
>>> read = Event.decode(event.encode(), Suite.INTL)
>>> read.entry == event.entry, read.kind.value, read.content["finding"]
(True, 'review', 'justified')
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, NamedTuple, Self

import cbor2

from trine.apps.health.canonical import canonical
from trine.apps.health.limits import RESOURCE_BYTES_MAX
from trine.apps.health.reading import parse
from trine.apps.health.sealing import SALT_BYTES, commitment
from trine.errors import TrineError
from trine.errors.health import BadDisclosure
from trine.model.hashing import Suite, tagged_hash, under
from trine.model.identifiers import Digest

VERSION: Final = 1
"""Version of the form of events."""
NO_EVENT: Final = Digest(bytes(32))
"""What the first event of a history names as the one before it."""
KEY_BYTES: Final = 32
"""Bytes of a history key."""
_MARKER_TAG: Final = "trine/health-history"


class Kind(StrEnum):
    """What an event is."""

    OPENING = "opening"
    """The history begins; names the keys of patient and guardians."""
    CONSENT = "consent"
    WITHDRAWAL = "withdrawal"
    ACCESS = "access"
    """A record may be opened; nothing is, before this is final."""
    REFUSAL = "refusal"
    """A request was not granted, or not any more."""
    EMERGENCY = "emergency"
    """Somebody may open the patient's records without consent for a time."""
    REVIEW = "review"
    """An emergency was judged."""
    COUNT = "count"
    """The patient's records were counted for research."""


class Position(NamedTuple):
    """Where an event stands in a history."""

    patient: Digest
    number: int
    previous: Digest
    """Entry of the event before it."""


class HeadOpening(NamedTuple):
    """What shows the head of an event and nothing of its body."""

    salt: bytes
    head: bytes


@dataclass(frozen=True)
class Event:
    """An event with its salts, as custodian and patient keep it."""

    suite: Suite
    head_salt: bytes
    head: bytes
    body_salt: bytes
    body: bytes

    @cached_property
    def entry(self) -> Digest:
        """32 bytes for the log, after the event's marker."""
        return commitment(self.suite, self.head_salt, self.head)

    @cached_property
    def facts(self) -> "Head":
        """The head, read."""
        return read_head(self.head)

    @cached_property
    def content(self) -> dict[str, Any]:
        """The body, read; its commitment and its position were checked by `decode`."""
        found: dict[str, Any] = parse(self.body)
        return found

    @property
    def kind(self) -> Kind:
        """What it is."""
        return self.facts.kind

    @property
    def time_ms(self) -> int:
        """Unix time in milliseconds by the custodian's clock."""
        return int(self.content["timeMs"])

    @property
    def position(self) -> Position:
        """Where it stands."""
        patient, previous = (bytes.fromhex(self.content[name]) for name in ("patient", "previous"))
        return Position(Digest(patient), int(self.content["number"]), Digest(previous))

    @property
    def opening(self) -> HeadOpening:
        """What shows the head alone."""
        return HeadOpening(self.head_salt, self.head)

    def encode(self) -> bytes:
        """Return the event with its salts, in CBOR."""
        parts = [VERSION, self.head_salt, self.head, self.body_salt, self.body]
        return cbor2.dumps(parts, canonical=True)

    @classmethod
    def decode(cls, data: bytes, suite: Suite) -> Self:
        """Read an event, and check that head and body belong together.

        Raises:
            BadDisclosure: It is none.
        """
        version, *parts = read_array(data, 5, "an event")
        if version != VERSION or not all(type(part) is bytes for part in parts):
            raise BadDisclosure(f"an event of another form than version {VERSION}")
        event = cls(suite, *parts)
        if {len(event.head_salt), len(event.body_salt)} != {SALT_BYTES}:
            raise BadDisclosure(f"salts of an event have {SALT_BYTES} bytes")
        if commitment(suite, event.body_salt, event.body) != event.facts.body:
            raise BadDisclosure("the body of an event is not the one that its head names")
        try:
            content = event.content
            is_whole = event.position.number >= 0 and event.time_ms >= 0
            is_canonical = canonical(content) == event.body
        except (TrineError, KeyError, TypeError, ValueError, AttributeError):
            is_whole = is_canonical = False
        if not is_whole or not is_canonical or event.facts.month != month_of(event.time_ms):
            raise BadDisclosure("the body of an event is not in the form that is read")
        return event


def read_opening(data: bytes, entry: Digest, suite: Suite) -> HeadOpening:
    """Read what shows the head of a stored event; its body is not looked at.

    Args:
        data: As `Event.encode` wrote it.
        entry: Entry that the log has.
        suite: Suite of the chain.

    Raises:
        BadDisclosure: It is no event, or that of another entry.
    """
    version, salt, head, _, _ = read_array(data, 5, "an event")
    is_whole = version == VERSION and type(salt) is bytes and type(head) is bytes
    if not is_whole or commitment(suite, salt, head) != entry:
        raise BadDisclosure("an event of another form or entry")
    return HeadOpening(salt, head)


@dataclass(frozen=True, slots=True)
class Head:
    """What a regulator may know of an event."""

    kind: Kind
    custodian: str
    purpose: str
    """Code of PurposeOfUse; empty where the event is no use."""
    month: str
    """Such as `2026-11`, in UTC."""
    body: Digest
    """Commitment to the body."""


def make_event(
    kind: str,
    position: Position,
    content: dict[str, Any],
    custodian: str,
    time_ms: int,
    *,
    suite: Suite,
    purpose: str = "",
) -> Event:
    """Write an event with new salts.

    Args:
        kind: One of `Kind`.
        position: Where it stands.
        content: What happened, beside position and time.
        custodian: Name of the organisation.
        time_ms: Unix time in milliseconds.
        suite: Suite of the chain.
        purpose: Code of PurposeOfUse, where there is one.
    """
    body = canonical({
        **content,
        "patient": position.patient.hex(),
        "number": position.number,
        "previous": position.previous.hex(),
        "timeMs": time_ms,
    })  # fmt: skip
    if len(body) > RESOURCE_BYTES_MAX:
        raise BadDisclosure(f"an event of {len(body)} bytes, at most {RESOURCE_BYTES_MAX}")
    salts = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(SALT_BYTES)
    head = canonical({
        "body": commitment(suite, salts[1], body).hex(),
        "custodian": custodian,
        "event": str(Kind(kind)),
        "month": month_of(time_ms),
        "purpose": purpose,
        "version": VERSION,
    })  # fmt: skip
    return Event(suite, salts[0], head, salts[1], body)


def read_head(data: bytes) -> Head:
    """Read the head of an event.

    Raises:
        BadDisclosure: It is none.
    """
    try:
        found = parse(data)
        texts = found["custodian"], found["purpose"], found["month"]
        head = Head(Kind(found["event"]), *texts, Digest(bytes.fromhex(found["body"])))
        is_whole = found["version"] == VERSION and len(found) == 6 and canonical(found) == data
    except (TrineError, KeyError, TypeError, ValueError):
        is_whole = False
    if not is_whole or not all(type(text) is str for text in texts):
        raise BadDisclosure("the head of an event is not in the form that is read")
    return head


def month_of(time_ms: int) -> str:
    """Name the month of a time in UTC."""
    try:
        return datetime.fromtimestamp(time_ms // 1_000, UTC).strftime("%Y-%m")
    except (ValueError, OverflowError, OSError):
        raise BadDisclosure("the time of an event is none") from None


def marker_of(key: bytes, number: int, suite: Suite) -> Digest:
    """Return the marker of a history's event; to whoever lacks the key it looks random.

    Args:
        key: History key of the patient.
        number: Number of the event, from 0.
        suite: Suite of the chain.
    """
    with under(suite):
        return tagged_hash(_MARKER_TAG, key, number.to_bytes(8, "big"))


def read_array(data: bytes, length: int, what: str) -> list[Any]:
    """Read a CBOR array of one length.

    Raises:
        BadDisclosure: It is none, or not in the one encoding that is accepted.
    """
    wrong = f"{what} is an array of {length} in CBOR"
    try:
        found = cbor2.loads(data)
        is_canonical = cbor2.dumps(found, canonical=True) == data
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError):
        raise BadDisclosure(wrong) from None
    if type(found) is not list or len(found) != length or not is_canonical:
        raise BadDisclosure(wrong)
    listed: list[Any] = found
    return listed
