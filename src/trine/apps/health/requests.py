"""Say in signed form what people ask of a custodian: access, emergency, approval, review, count.

Each is the body of a statement (`statements`) with exactly the members that it has here, so that
nothing in it is skipped.

>>> from trine.apps.health.statements import read_said
>>> from trine.crypto import SecretKey
>>> key = SecretKey("ed25519", bytes(32))
>>> asked = AccessRequest("hospital", Digest(bytes(32)), Digest(bytes(32)), "TREAT")
>>> said = read_said(asked.sign(key, now_ms=0), now_ms=0)
>>> AccessRequest.read(said) == asked
True
"""

import re
from dataclasses import dataclass
from typing import Any, Final, Self

from trine.apps.health import codes
from trine.apps.health.limits import (
    EMERGENCY_MS_MAX,
    REASON_CHARACTERS_MAX,
    SHOWN_FIELDS_MAX,
)
from trine.apps.health.statements import SAID_TYPE, Said, sign_said
from trine.apps.health.uses import ResearchUse
from trine.crypto import SecretKey
from trine.errors.health import BadHealthStatement
from trine.model.identifiers import Digest

FINDINGS: Final = frozenset({"justified", "unjustified"})
"""What a review may find."""
_HEX: Final = re.compile(r"[0-9a-f]{64}").fullmatch
_MONTH: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])").fullmatch
_MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Somebody asks to open one record."""

    custodian: str
    patient: Digest
    record: Digest
    """Entry of the record."""
    purpose: str
    reason: str = ""
    """In words, for the patient."""
    use: ResearchUse | None = None
    fields: tuple[str, ...] = ()
    """Places of the fields that alone shall be shown; empty: the whole record."""

    def sign(self, key: SecretKey, *, now_ms: int) -> bytes:
        """Sign the request with the key of who asks."""
        body: dict[str, Any] = {
            "kind": "access",
            "custodian": self.custodian,
            "patient": self.patient.hex(),
            "record": self.record.hex(),
            "purpose": self.purpose,
            "reason": self.reason,
        }
        if self.use is not None:
            body["use"] = self.use.document()
        if self.fields:
            body["fields"] = list(self.fields)
        return sign_said(body, key, subject=self.patient.hex(), now_ms=now_ms)

    @classmethod
    def read(cls, said: Said) -> Self:
        """Read a request.

        Raises:
            BadHealthStatement: It is none.
        """
        names = {"custodian", "patient", "record", "purpose", "reason"}
        body = _body(said, "access", names, {"use", "fields"})
        if body["purpose"] not in codes.PURPOSES:
            raise BadHealthStatement(f"{body['purpose']!r:.40} is no purpose of use")
        if len(body["reason"]) > REASON_CHARACTERS_MAX:
            raise BadHealthStatement(f"a reason of over {REASON_CHARACTERS_MAX} characters")
        patient, record = _digest(body["patient"]), _digest(body["record"])
        use = ResearchUse.read(body["use"]) if "use" in body else None
        fields = body.get("fields", ["@type"])
        if type(fields) is not list or not 1 <= len(fields) <= SHOWN_FIELDS_MAX:
            raise BadHealthStatement(f"1 to {SHOWN_FIELDS_MAX} fields are shown at once")
        if not all(type(name) is str for name in fields) or len(set(fields)) != len(fields):
            raise BadHealthStatement("a field is named by a text, once")
        texts = body["custodian"], patient, record, body["purpose"], body["reason"]
        return cls(*texts, use, tuple(fields) if "fields" in body else ())


@dataclass(frozen=True, slots=True)
class EmergencyRequest:
    """A clinician asks to open a patient's records without consent for a time."""

    custodian: str
    patient: Digest
    reason: str
    length_ms: int
    """For how long, in milliseconds; whole minutes."""

    def sign(self, key: SecretKey, *, now_ms: int) -> bytes:
        """Sign the request with the clinician's key."""
        body = {
            "kind": "emergency",
            "custodian": self.custodian,
            "patient": self.patient.hex(),
            "reason": self.reason,
            "minutes": self.length_ms // _MINUTE_MS,
        }
        return sign_said(body, key, subject=self.patient.hex(), now_ms=now_ms)

    @classmethod
    def read(cls, said: Said) -> Self:
        """Read a request.

        Raises:
            BadHealthStatement: It is none, has no reason, or asks for more than
                `EMERGENCY_MS_MAX`.
        """
        body = _body(said, "emergency", {"custodian", "patient", "reason"}, {"minutes"})
        minutes, most = body.get("minutes"), EMERGENCY_MS_MAX // _MINUTE_MS
        if type(minutes) is not int or not 1 <= minutes <= most:
            raise BadHealthStatement(f"an emergency lasts 1 to {most} minutes")
        reason, patient = _words(body["reason"]), _digest(body["patient"])
        return cls(body["custodian"], patient, reason, minutes * _MINUTE_MS)


@dataclass(frozen=True, slots=True)
class Approval:
    """A second clinician agrees to an emergency."""

    request: Digest
    """Id of the request."""

    def sign(self, key: SecretKey, *, now_ms: int) -> bytes:
        """Sign the approval with the second clinician's key."""
        body = {"kind": "approval", "request": self.request.hex()}
        return sign_said(body, key, subject=self.request.hex(), now_ms=now_ms)

    @classmethod
    def read(cls, said: Said) -> Self:
        """Read an approval.

        Raises:
            BadHealthStatement: It is none.
        """
        return cls(_digest(_body(said, "approval", {"request"})["request"]))


@dataclass(frozen=True, slots=True)
class Review:
    """A reviewer judges an emergency."""

    emergency: Digest
    """Entry of the emergency's event."""
    finding: str
    """One of `FINDINGS`."""
    text: str

    def sign(self, key: SecretKey, *, now_ms: int) -> bytes:
        """Sign the review with the reviewer's key."""
        body = {
            "kind": "review",
            "emergency": self.emergency.hex(),
            "finding": self.finding,
            "text": self.text,
        }
        return sign_said(body, key, subject=self.emergency.hex(), now_ms=now_ms)

    @classmethod
    def read(cls, said: Said) -> Self:
        """Read a review.

        Raises:
            BadHealthStatement: It is none.
        """
        body = _body(said, "review", {"emergency", "finding", "text"})
        if body["finding"] not in FINDINGS:
            raise BadHealthStatement(f"a finding is one of {', '.join(sorted(FINDINGS))}")
        return cls(_digest(body["emergency"]), body["finding"], _words(body["text"]))


@dataclass(frozen=True, slots=True)
class CountRequest:
    """A researcher asks how many patients have a record of a kind."""

    custodian: str
    type_name: str
    purpose: str
    use: ResearchUse
    code: str = ""
    """`system|code` that the record has; empty: any record of the type."""
    first_month: str = ""
    """Month from which the record is, such as `2026-01`; empty: no bound."""
    last_month: str = ""

    def sign(self, key: SecretKey, *, now_ms: int) -> bytes:
        """Sign the request with the researcher's key."""
        body = {
            "kind": "count",
            "custodian": self.custodian,
            "type": self.type_name,
            "purpose": self.purpose,
            "code": self.code,
            "firstMonth": self.first_month,
            "lastMonth": self.last_month,
            "use": self.use.document(),
        }
        return sign_said(body, key, subject=self.use.project, now_ms=now_ms)

    @classmethod
    def read(cls, said: Said) -> Self:
        """Read a request.

        Raises:
            BadHealthStatement: It is none, or for another purpose than research.
        """
        names = {"custodian", "type", "purpose", "code", "firstMonth", "lastMonth"}
        body = _body(said, "count", names, {"use"})
        if not codes.is_within(body["purpose"], codes.RESEARCH):
            raise BadHealthStatement("a count is for research (HRESCH, or a special case of it)")
        months = body["firstMonth"], body["lastMonth"]
        if not all(not month or _MONTH(month) for month in months):
            raise BadHealthStatement("a month is of the form 2026-01")
        use = ResearchUse.read(body.get("use"))
        texts = body["custodian"], body["type"], body["purpose"]
        return cls(*texts, use, body["code"], *months)


def _body(
    said: Said, kind: str, texts: set[str], others: frozenset[str] | set[str] = frozenset()
) -> dict[str, Any]:
    """Return the body of a statement of a kind, with its members checked."""
    body = said.body
    if said.content_type != SAID_TYPE or body.get("kind") != kind:
        raise BadHealthStatement(f"the statement is no {kind}")
    if not texts <= body.keys() <= texts | others | {"kind"}:
        wrong = min((body.keys() ^ texts) - others - {"kind"})
        raise BadHealthStatement(f"the {kind} lacks the member {wrong}, or has one too many")
    if not all(type(body[name]) is str for name in texts):
        raise BadHealthStatement(f"a member of the {kind} is no text")
    return body


def _digest(text: str) -> Digest:
    if not _HEX(text):
        raise BadHealthStatement("64 hexadecimal digits are expected")
    return Digest(bytes.fromhex(text))


def _words(text: str) -> str:
    if not 1 <= len(text.strip()) <= len(text) <= REASON_CHARACTERS_MAX:
        raise BadHealthStatement(f"1 to {REASON_CHARACTERS_MAX} characters of words are expected")
    return text
