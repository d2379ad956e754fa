"""Tell patients of emergencies: an outbox that survives crashes, and whoever delivers.

A notice is stored in one transaction with the event that it is about, before the chain is asked to
record it. It is sent once the event has its place, at least once, and dropped where the event is
void.
"""

import logging
from dataclasses import dataclass
from typing import Final, Protocol, Self

from trine.apps.health.canonical import canonical
from trine.apps.health.custody import Custody
from trine.apps.health.events import Event
from trine.apps.health.reading import parse
from trine.apps.health.store import Store
from trine.errors import TrineError
from trine.model.identifiers import Digest

OUTBOX: Final = "outbox"
"""Folder of notices that wait."""
SENT: Final = "sent"
"""Folder of notices that were delivered."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """What a patient is told."""

    patient: Digest
    event: Digest
    """Entry of the event."""
    name: str
    """Name of the person."""
    organisation: str
    reason: str
    first_ms: int
    last_ms: int
    """Last millisecond at which the person may open records."""

    def encode(self) -> bytes:
        """Return the notice as it is stored."""
        return canonical({
            "patient": self.patient.hex(),
            "event": self.event.hex(),
            "name": self.name,
            "organisation": self.organisation,
            "reason": self.reason,
            "firstMs": self.first_ms,
            "lastMs": self.last_ms,
        })  # fmt: skip

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a notice that was stored."""
        found = parse(data)
        patient, event = (Digest(bytes.fromhex(found[name])) for name in ("patient", "event"))
        who = found["name"], found["organisation"], found["reason"]
        return cls(patient, event, *who, found["firstMs"], found["lastMs"])


class Sender(Protocol):
    """Whoever brings notices to patients: a message, a letter, the patient's page."""

    async def send(self, notice: Notice) -> None:
        """Deliver a notice; doing it again is fine.

        Raises:
            TrineError, OSError: It was not delivered; it is tried again later.
        """


class Letterbox:
    """A sender that leaves notices in the store, where the patient's page shows them."""

    def __init__(self, store: Store) -> None:
        """Leave them in a store."""
        self._store = store

    async def send(self, notice: Notice) -> None:
        """Leave a notice.

        Raises:
            DiskFull, ReadOnlyFolder: The store cannot be written.
        """
        self._store.put([(f"letters/{notice.patient.hex()}/{notice.event.hex()}", notice.encode())])

    def of(self, patient: Digest) -> list[Notice]:
        """List the notices to a patient, in the order of their times."""
        names = self._store.names(f"letters/{patient.hex()}")
        read = (Notice.decode(data) for name in names if (data := self._store.get(name)))
        return sorted(read, key=lambda one: one.first_ms)


def stored(notice: Notice) -> tuple[str, bytes]:
    """Return the object to store together with the event of a notice."""
    return f"{OUTBOX}/{notice.event.hex()}", notice.encode()


class Notices:
    """The outbox of one custodian."""

    def __init__(self, custody: Custody, sender: Sender) -> None:
        """Deliver with a sender."""
        self._custody, self._sender = custody, sender

    async def deliver(self) -> int:
        """Try to deliver what waits; call it at start, after each emergency, and now and then.

        Returns:
            How many notices still wait.

        Raises:
            TrineError: The log or the store cannot be read.
        """
        store = self._custody.base.store
        await self._custody.base.log.refresh()
        waiting = 0
        for name in list(store.names(OUTBOX)):
            data = store.get(name)
            if data is None:
                continue
            notice = Notice.decode(data)
            event = self._custody.event(notice.event)
            is_placed = self._custody.is_placed(event)
            if is_placed and await self._send(notice):
                store.put([(f"{SENT}/{notice.event.hex()}", self._receipt(event))])
                store.delete([name])
            elif is_placed is False:
                store.delete([name])
            else:
                waiting += 1
        return waiting

    async def _send(self, notice: Notice) -> bool:
        try:
            await self._sender.send(notice)
        except (TrineError, OSError) as error:
            log.warning("a notice to a patient is not delivered yet: %s", type(error).__name__)
            return False
        return True

    def _receipt(self, event: Event) -> bytes:
        """Say when a notice was delivered; Unix time in milliseconds."""
        return canonical({"event": event.entry.hex(), "sentMs": self._custody.base.clock()})

    def sent_ms(self, event: Digest) -> int | None:
        """Return when the notice of an event was delivered; nothing while it was not."""
        data = self._custody.base.store.get(f"{SENT}/{event.hex()}")
        return None if data is None else int(parse(data)["sentMs"])
