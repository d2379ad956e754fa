"""Write what happened as FHIR AuditEvent, for whoever reads audit trails with other programs.

Sources: FHIR R4, AuditEvent; DICOM PS3.16, CID 401 (110127, Emergency Override Started).

>>> from trine.apps.health.people import Person, Role
>>> from trine.types.calls import PublicKey
>>> key = PublicKey("ed25519", bytes(32))
>>> doctor = Person("Dr. Li", "hospital", frozenset({Role.CLINICIAN}), key, bytes(32))
>>> event = audit_event(READ, doctor, Digest(bytes(32)), "hospital", 0, purpose="TREAT")
>>> event["recorded"], event["outcome"]
('1970-01-01T00:00:00.000Z', '0')
"""

from typing import Any, Final, NamedTuple

from trine.apps.health import codes
from trine.apps.health.consent import identified, text_of
from trine.apps.health.definitions import Release
from trine.apps.health.people import Person
from trine.apps.health.validation import validate
from trine.model.identifiers import Digest

_EVENT_TYPES: Final = "http://terminology.hl7.org/CodeSystem/audit-event-type"
_INTERACTIONS: Final = "http://hl7.org/fhir/restful-interaction"
_DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_OBJECT_ROLES: Final = "http://terminology.hl7.org/CodeSystem/object-role"


class What(NamedTuple):
    """A kind of audit event: its type, subtype and action."""

    type: dict[str, str]
    subtype: dict[str, str]
    action: str


def _coding(system: str, code: str) -> dict[str, str]:
    return {"system": system, "code": code}


_REST: Final = _coding(_EVENT_TYPES, "rest")
READ: Final = What(_REST, _coding(_INTERACTIONS, "read"), "R")
"""A record was asked for."""
SEARCH: Final = What(_REST, _coding(_INTERACTIONS, "search-type"), "E")
"""Records were counted."""
OVERRIDE: Final = What(_coding(_DICOM, "110113"), _coding(_DICOM, "110127"), "E")
"""Somebody broke the glass: security alert, emergency override started."""
REVIEWED: Final = What(_REST, _coding(_INTERACTIONS, "update"), "U")
"""An emergency was reviewed."""


def audit_event(
    what: What,
    person: Person,
    patient: Digest,
    custodian: str,
    time_ms: int,
    *,
    purpose: str = "",
    record: Digest | None = None,
    second: Person | None = None,
    refusal: str = "",
    text: str = "",
) -> dict[str, Any]:
    """Write an AuditEvent.

    Args:
        what: What happened.
        person: Who did it.
        patient: Whose records.
        custodian: Organisation that keeps them.
        time_ms: Unix time in milliseconds.
        purpose: Code of PurposeOfUse.
        record: Entry of the record.
        second: Who approved it.
        refusal: Why it was refused; empty where it was not.
        text: What the person says about it.
    """
    entities = [_entity(codes.PATIENT_SYSTEM, patient, "1")]
    if record is not None:
        entities.append(_entity(codes.ENTRY_SYSTEM, record, "4"))
    agents = [_agent(person, is_requestor=True)]
    if second is not None:
        agents.append(_agent(second, is_requestor=False))
    resource: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "type": what.type,
        "subtype": [what.subtype],
        "action": what.action,
        "recorded": text_of(time_ms),
        "outcome": "4" if refusal else "0",
        "agent": agents,
        "source": {"observer": identified(codes.CUSTODIAN_SYSTEM, custodian)},
        "entity": entities,
    }
    if purpose:
        coding = {"coding": [_coding(codes.PURPOSE_SYSTEM, purpose)]}
        resource["purposeOfEvent"] = [coding]
    if words := ": ".join(one for one in (refusal, text.strip()) if one):
        resource["outcomeDesc"] = words
    validate(resource, Release.R4)
    return resource


def _agent(person: Person, *, is_requestor: bool) -> dict[str, Any]:
    who = identified(codes.PERSON_SYSTEM, person.id.hex())
    return {"who": who, "name": person.name, "requestor": is_requestor}


def _entity(system: str, id_: Digest, role: str) -> dict[str, Any]:
    return {"what": identified(system, id_.hex()), "role": _coding(_OBJECT_ROLES, role)}
