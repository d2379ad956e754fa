"""Describe what execution says about a transaction.

>>> from trine.types import Event
>>> event = Event("evidence", (), bytes.fromhex("02 00000003 0000000000000005 0002"))
>>> event.name, event.fields()
('evidence.appended', {'log': 3, 'first_index': 5, 'count': 2})
"""

import struct
from dataclasses import dataclass
from typing import Final

from trine.errors import TrineError, error_of
from trine.types.identifiers import Digest

# Fields that an event starts with, as in docs/reference/wire.md; what follows (a transfer's
# reference) is left out. A 20-byte address is "20s", a digest "32s".
_EVENTS: Final[dict[tuple[str, int], tuple[str, str, tuple[str, ...]]]] = {
    ("accounts", 1): ("created", "20sIB", ("address", "organisation", "roles")),
    ("accounts", 2): ("key_added", "20sB", ("address", "key_index")),
    ("accounts", 3): ("key_revoked", "20sB", ("address", "key_index")),
    ("accounts", 4): ("key_rotated", "20sB", ("address", "key_index")),
    ("accounts", 5): ("frozen", "20s", ("address",)),
    ("accounts", 6): ("unfrozen", "20s", ("address",)),
    ("accounts", 7): (
        "certificate_set",
        "20s32s32sQ",
        ("address", "fingerprint", "authority", "expires_ms"),
    ),
    ("organisations", 1): ("roles_set", "20sB", ("address", "roles")),
    ("organisations", 2): ("quota_set", "20sI", ("address", "quota")),
    ("organisations", 3): ("created", "I20s", ("organisation", "administrator")),
    ("organisations", 4): (
        "authority_registered",
        "I32sQ",
        ("organisation", "fingerprint", "expires_ms"),
    ),
    ("organisations", 5): ("authority_removed", "I32s", ("organisation", "fingerprint")),
    ("organisations", 6): ("removed", "I", ("organisation",)),
    ("proposals", 1): ("submitted", "QI", ("proposal", "organisation")),
    ("proposals", 2): ("approved", "QI", ("proposal", "organisation")),
    ("proposals", 3): ("rejected_by", "QI", ("proposal", "organisation")),
    ("proposals", 4): ("executed", "Q", ("proposal",)),
    ("proposals", 5): ("rejected", "Q", ("proposal",)),
    ("proposals", 6): ("parameter_set", "BQ", ("parameter", "value")),
    ("proposals", 7): ("validator_admitted", "34sI", ("key", "organisation")),
    ("proposals", 8): ("validator_removed", "34s", ("key",)),
    ("proposals", 9): ("validator_replaced", "34s34s", ("key_before", "key")),
    ("evidence", 1): ("log_created", "II", ("log", "organisation")),
    ("evidence", 2): ("appended", "IQH", ("log", "first_index", "count")),
    ("assets", 1): ("defined", "II", ("asset", "organisation")),
    ("assets", 2): ("issued", "I20sQ", ("asset", "to", "amount")),
    ("assets", 3): ("transferred", "IQ", ("asset", "amount")),
    ("assets", 4): ("burned", "IQ", ("asset", "amount")),
}


@dataclass(frozen=True)
class Event:
    """Something that happened in a call.

    Attributes:
        emitter: Name of the module, or a contract's address in hexadecimal.
        topics: Up to four values to search by.
        data: For a module: the event's number, then its fields.
    """

    emitter: str
    topics: tuple[Digest, ...]
    data: bytes

    @property
    def name(self) -> str:
        """Module and name, as in `assets.transferred`; the emitter alone where unknown."""
        known = _EVENTS.get((self.emitter, self.data[0] if self.data else 0))
        return f"{self.emitter}.{known[0]}" if known else self.emitter

    def fields(self) -> dict[str, int | str]:
        """Read the fields; bytes become hexadecimal text. Empty where unknown."""
        known = _EVENTS.get((self.emitter, self.data[0] if self.data else 0))
        if not known or len(self.data) < 1 + struct.calcsize(f">{known[1]}"):
            return {}
        values = struct.unpack_from(f">{known[1]}", self.data, 1)
        texts = (value.hex() if isinstance(value, bytes) else value for value in values)
        return dict(zip(known[2], texts, strict=True))


@dataclass(frozen=True)
class Outcome:
    """What execution said about a transaction.

    Attributes:
        code: Stable code; `ok` where every call succeeded.
        number: Number of the code on the wire.
        failed_call: Index of the call that failed; 0 where none did or none ran.
        gas_used: Quota units used.
        events: Events in order; none where the transaction failed.
    """

    code: str
    number: int
    failed_call: int
    gas_used: int
    events: tuple[Event, ...]

    @property
    def is_ok(self) -> bool:
        """Whether every call succeeded."""
        return self.code == "ok"

    def error(self, instance: str | None = None) -> TrineError | None:
        """Make the exception of a failed outcome; none where it succeeded."""
        if self.is_ok:
            return None
        meaning = (TrineError.by_code[self.code].__doc__ or "") if self.is_known() else ""
        message = f"call {self.failed_call} failed: {self.code}. {meaning}".strip()
        return error_of(self.code, message, instance=instance)

    def is_known(self) -> bool:
        """Whether this release knows the code."""
        return self.code in TrineError.by_code
