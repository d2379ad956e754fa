"""Write a patient's consent as FHIR Consent, read it back, and decide by it.

A consent is a FHIR resource (R4 or R4B, Consent) that the patient or a guardian signs. Only what
can be kept to is read: an element that would narrow the consent and is not known here is refused,
never skipped. The form is specified in `docs/reference/health-access.md`, section 2.

>>> from trine.model.identifiers import Digest
>>> patient, doctor = Digest(bytes(32)), Digest(bytes([1]) * 32)
>>> terms = Terms("c-1", patient, "hospital", frozenset({doctor}), frozenset({"TREAT"}))
>>> read_terms(resource_of(terms)) == terms
True
>>> request = Request(doctor, "ETREAT", "Observation")
>>> decide([Given(0, terms)], request, 1_800_000_000_000).consent
'c-1'
>>> decide([Given(0, terms, withdrawn=3)], request, 1_800_000_000_000).reason.value
'withdrawn'
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final

from trine.apps.health import codes
from trine.apps.health.codes import USES, is_within
from trine.apps.health.definitions import Release
from trine.apps.health.limits import CONSENT_ITEMS_MAX
from trine.apps.health.uses import ResearchUse, keeps_uses
from trine.apps.health.validation import validate
from trine.errors.health import ConsentNotUnderstood
from trine.model.identifiers import Digest

CONSENT_TYPE: Final = "application/fhir+json; fhirVersion=4.0"
"""Media type of a signed consent and of its withdrawal."""
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch
_PERMIT, _DENY = "permit", "deny"
_NO_ENTRY: Final = Digest(bytes(32))
_KNOWN: Final = frozenset({
    "resourceType", "id", "meta", "text", "language", "status", "scope", "category", "patient",
    "dateTime", "performer", "organization", "policy", "policyRule", "identifier", "provision",
})  # fmt: skip
"""Elements of a Consent that are read, or that narrow nothing."""
_KNOWN_PROVISION: Final = frozenset({
    "id", "type", "period", "actor", "action", "purpose", "class", "code",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Terms:
    """What a consent says."""

    identifier: str
    """Name of the consent, unique for its patient."""
    patient: Digest
    custodian: str
    """Organisation whose records it is about."""
    recipients: frozenset[Digest] = frozenset()
    """Ids of those who may, or may not, open records; empty, with `denies` only: everybody."""
    purposes: frozenset[str] = frozenset()
    """Codes of PurposeOfUse; empty, with `denies` only: all of them."""
    types: frozenset[str] = frozenset()
    """Resource types; empty: all of them."""
    codes: frozenset[str] = frozenset()
    """`system|code` of which a record must have one; empty: any record."""
    first_ms: int | None = None
    """Unix time in milliseconds from which it holds."""
    last_ms: int | None = None
    """Last millisecond at which it holds."""
    uses: Mapping[str, str] = field(default_factory=dict)
    """Terms of DUO with their values, empty where a term has none."""
    denies: bool = False
    """Whether it forbids what it describes."""


@dataclass(frozen=True, slots=True)
class Given:
    """A consent with its place in the patient's history."""

    number: int
    terms: Terms
    entry: Digest = _NO_ENTRY
    """Entry of the event that holds it."""
    withdrawn: int | None = None
    """Number of the event that withdrew it."""


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants to open."""

    person: Digest
    """Id of the recipient."""
    purpose: str
    type_name: str
    """Resource type of the record."""
    codes: frozenset[str] = frozenset()
    """`system|code` of the record, at least those that some consent names."""
    use: ResearchUse | None = None
    """What the research is, where it is research."""


class Reason(StrEnum):
    """Why access is permitted or not; of several consents the one that came closest says it."""

    PERMITTED = "permitted"
    NO_CONSENT = "no_consent"
    """The patient has given none."""
    OTHER_RECIPIENT = "other_recipient"
    OTHER_PURPOSE = "other_purpose"
    OTHER_DATA = "other_data"
    """Type or codes of the record are not those of the consent."""
    USE_RESTRICTED = "use_restricted"
    """The research is not one that the consent's terms of DUO allow."""
    OUTSIDE_PERIOD = "outside_period"
    WITHDRAWN = "withdrawn"
    DENIED = "denied"
    """A consent forbids it, which outweighs every other."""


_CLOSENESS: Final = {reason: place for place, reason in enumerate(Reason)}


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request may be granted."""

    reason: Reason
    consent: str | None = None
    """Identifier of the consent that decided; nothing where there is none."""

    @property
    def is_permitted(self) -> bool:
        """Whether it may."""
        return self.reason is Reason.PERMITTED


def decide(consents: Iterable[Given], request: Request, now_ms: int) -> Decision:
    """Decide a request by a patient's consents; pure, and the same for everybody who repeats it.

    A consent that forbids outweighs those that permit. Of several that permit the earliest decides.

    Args:
        consents: Every consent of the patient, withdrawn ones too.
        request: Who wants to open what, and why.
        now_ms: Unix time in milliseconds.
    """
    permitted: str | None = None
    closest = Decision(Reason.NO_CONSENT)
    for given in sorted(consents, key=lambda one: one.number):
        verdict, name = _verdict(given, request, now_ms), given.terms.identifier
        if given.terms.denies:
            if verdict is Reason.PERMITTED:
                return Decision(Reason.DENIED, name)
        elif verdict is Reason.PERMITTED:
            permitted = permitted or name
        elif _CLOSENESS[verdict] > _CLOSENESS[closest.reason]:
            closest = Decision(verdict, name)
    return Decision(Reason.PERMITTED, permitted) if permitted else closest


def _verdict(given: Given, request: Request, now_ms: int) -> Reason:
    """Say whether a consent describes a request, or the first thing in which they differ."""
    terms = given.terms
    if request.person not in terms.recipients and (terms.recipients or not terms.denies):
        return Reason.OTHER_RECIPIENT
    is_meant = any(is_within(request.purpose, one) for one in terms.purposes)
    if not is_meant and (terms.purposes or not terms.denies):
        return Reason.OTHER_PURPOSE
    if terms.types and request.type_name not in terms.types:
        return Reason.OTHER_DATA
    if terms.codes and not terms.codes & request.codes:
        return Reason.OTHER_DATA
    is_research = is_within(request.purpose, codes.RESEARCH)
    if is_research and not terms.denies and not keeps_uses(terms.uses, request, now_ms):
        return Reason.USE_RESTRICTED
    if not (terms.first_ms or 0) <= now_ms:
        return Reason.OUTSIDE_PERIOD
    if terms.last_ms is not None and now_ms > terms.last_ms:
        return Reason.OUTSIDE_PERIOD
    return Reason.PERMITTED if given.withdrawn is None else Reason.WITHDRAWN


def resource_of(terms: Terms, *, status: str = "active") -> dict[str, Any]:
    """Write a consent as a FHIR R4 resource.

    Args:
        terms: What it says.
        status: `active`; `inactive` withdraws the consent of the same identifier.
    """
    is_research = any(is_within(one, codes.RESEARCH) for one in terms.purposes)
    scope = "research" if is_research else "patient-privacy"
    resource: dict[str, Any] = {
        "resourceType": "Consent",
        "identifier": [{"system": codes.CONSENT_SYSTEM, "value": terms.identifier}],
        "status": status,
        "scope": _concept(codes.SCOPE_SYSTEM, scope),
        "category": [_concept(codes.LOINC, codes.CONSENT_DOCUMENT)],
        "patient": identified(codes.PATIENT_SYSTEM, terms.patient.hex()),
        "organization": [identified(codes.CUSTODIAN_SYSTEM, terms.custodian)],
        "policyRule": _concept(codes.ACT_SYSTEM, "OPTOUT" if terms.denies else "OPTIN"),
    }
    if terms.uses:
        resource["policy"] = [_policy(term, value) for term, value in sorted(terms.uses.items())]
    if status == "active":
        resource["provision"] = _provision(terms)
    return resource


def _provision(terms: Terms) -> dict[str, Any]:
    provision: dict[str, Any] = {
        "type": _DENY if terms.denies else _PERMIT,
        "action": [_concept(codes.ACTION_SYSTEM, "access")],
    }
    period = {"start": terms.first_ms, "end": terms.last_ms}
    if any(at is not None for at in period.values()):
        provision["period"] = {name: text_of(at) for name, at in period.items() if at is not None}
    lists = {
        "actor": [_actor(one) for one in sorted(terms.recipients)],
        "purpose": [_coding(codes.PURPOSE_SYSTEM, one) for one in sorted(terms.purposes)],
        "class": [_coding(codes.TYPE_SYSTEM, one) for one in sorted(terms.types)],
        "code": [_concept(*one.split("|", 1)) for one in sorted(terms.codes)],
    }
    return provision | {name: found for name, found in lists.items() if found}


def read_terms(resource: Any) -> Terms:
    """Read a consent, or its withdrawal, of which identifier, patient and custodian count.

    Args:
        resource: As `reading.parse` reads it.

    Raises:
        ConsentNotUnderstood: It says something that could not be kept to.
        UnknownResource, UnknownElement, InvalidResource and others: As `validate` says.
    """
    checked = validate(resource, Release.R4)
    if checked.type_name != "Consent":
        raise ConsentNotUnderstood(f"a {checked.type_name}, expected a Consent")
    _refuse_others(resource, _KNOWN, "Consent")
    status = resource["status"]
    if status not in {"active", "inactive"}:
        raise ConsentNotUnderstood(f"Consent.status: {status}, expected active or inactive")
    identifier = _identified(resource.get("identifier"), codes.CONSENT_SYSTEM, "identifier")
    if not _IDENTIFIER(identifier):
        raise ConsentNotUnderstood("Consent.identifier: 1 to 64 letters, digits, - and .")
    patient = [resource.get("patient", {}).get("identifier")]
    owner = [one.get("identifier") for one in resource.get("organization", [])]
    named = (
        identifier,
        _digest(_identified(patient, codes.PATIENT_SYSTEM, "patient"), "patient"),
        _identified(owner, codes.CUSTODIAN_SYSTEM, "organization"),
    )
    if status == "inactive":
        return Terms(*named)
    return _read_provision(named, resource.get("provision", {}), _uses(resource))


def is_withdrawal(resource: Mapping[str, Any]) -> bool:
    """Say whether a resource that `read_terms` accepted withdraws a consent."""
    return bool(resource["status"] == "inactive")


def _read_provision(
    named: tuple[str, Digest, str], provision: dict[str, Any], uses: dict[str, str]
) -> Terms:
    _refuse_others(provision, _KNOWN_PROVISION, "Consent.provision")
    kind = provision.get("type")
    if kind not in {_PERMIT, _DENY}:
        raise ConsentNotUnderstood("Consent.provision.type: expected permit or deny")
    actions = [_one_code(one, codes.ACTION_SYSTEM, "action") for one in provision.get("action", [])]
    if set(actions) - {"access", "use", "disclose"}:
        raise ConsentNotUnderstood("Consent.provision.action: expected access, use or disclose")
    actors = [one.get("reference", {}).get("identifier") for one in provision.get("actor", [])]
    recipients = [
        _digest(_identified([one], codes.PERSON_SYSTEM, "provision.actor"), "provision.actor")
        for one in actors
    ]
    purposes = [_code(o, codes.PURPOSE_SYSTEM, "purpose") for o in provision.get("purpose", [])]
    types = [_code(one, codes.TYPE_SYSTEM, "class") for one in provision.get("class", [])]
    wanted = [_any_code(one) for one in provision.get("code", [])]
    if unknown := set(purposes) - codes.PURPOSES:
        raise ConsentNotUnderstood(f"Consent.provision.purpose: {min(unknown)} is no purpose")
    if kind == _PERMIT and not (recipients and purposes):
        raise ConsentNotUnderstood("a consent that permits names recipients and purposes")
    for found in (recipients, purposes, types, wanted):
        if len(found) > CONSENT_ITEMS_MAX:
            message = f"a list of {len(found)} in a consent, at most {CONSENT_ITEMS_MAX}"
            raise ConsentNotUnderstood(message)
    period = provision.get("period", {})
    _refuse_others(period, frozenset({"start", "end"}), "Consent.provision.period")
    first = instants(period["start"])[0] if "start" in period else None
    last = instants(period["end"])[1] if "end" in period else None
    return Terms(
        *named,
        recipients=frozenset(recipients),
        purposes=frozenset(purposes),
        types=frozenset(types),
        codes=frozenset(wanted),
        first_ms=first,
        last_ms=last,
        uses=uses,
        denies=kind == _DENY,
    )


def _uses(resource: dict[str, Any]) -> dict[str, str]:
    """Read the terms of DUO, which stand as policies of a consent."""
    found: dict[str, str] = {}
    for policy in resource.get("policy", []):
        _refuse_others(policy, frozenset({"uri", "extension"}), "Consent.policy")
        term = str(policy.get("uri", "")).removeprefix(codes.DUO)
        extensions, url = policy.get("extension", []), codes.USE_VALUE_URL
        values = [one.get("valueString", "") for one in extensions if one.get("url") == url]
        if term not in USES or term in found or len(values) != len(extensions):
            raise ConsentNotUnderstood("Consent.policy: a term of DUO, once, is expected")
        if len(values) != USES[term].has_value or "" in values:
            expected = "one value" if USES[term].has_value else "no value"
            raise ConsentNotUnderstood(f"Consent.policy: {term} has {expected}")
        found[term] = values[0] if values else ""
    if len(found) > CONSENT_ITEMS_MAX:
        raise ConsentNotUnderstood(f"more than {CONSENT_ITEMS_MAX} terms of DUO")
    return found


def _policy(term: str, value: str) -> dict[str, Any]:
    policy: dict[str, Any] = {"uri": codes.DUO + term}
    if value:
        policy["extension"] = [{"url": codes.USE_VALUE_URL, "valueString": value}]
    return policy


def instants(text: str) -> tuple[int, int]:
    """Return the first and the last millisecond that a FHIR dateTime stands for.

    A date without a time is that of UTC (FHIR R4, Period: the end is inclusive).

    >>> instants("2026-12-31")[1] - instants("2026-12")[0]
    2678399999

    Raises:
        ConsentNotUnderstood: There is no such moment.
    """
    try:
        if "T" in text:
            moment = datetime.fromisoformat(text)
            first = _milliseconds(moment)
            return first, first if "." in text else first + 999
        parts = [int(part) for part in text.split("-")]
        begin = date(*[*parts, 1, 1][:3])
        if len(parts) == 1:
            after = date(begin.year + 1, 1, 1)
        elif len(parts) == 2:
            after = (begin + timedelta(days=31)).replace(day=1)
        else:
            after = begin + timedelta(days=1)
    except (ValueError, OverflowError):
        raise ConsentNotUnderstood("a date and time that exist are expected") from None
    ends = [_milliseconds(datetime.combine(one, time(), UTC)) for one in (begin, after)]
    return ends[0], ends[1] - 1


def _milliseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def text_of(time_ms: int) -> str:
    """Write a time as a FHIR instant in UTC, with milliseconds."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def identified(system: str, value: str) -> dict[str, Any]:
    """Write a reference by an identifier."""
    return {"identifier": {"system": system, "value": value}}


def _actor(recipient: Digest) -> dict[str, Any]:
    role = _concept(codes.PARTICIPATION_SYSTEM, "IRCP")
    return {"role": role, "reference": identified(codes.PERSON_SYSTEM, recipient.hex())}


def _coding(system: str, code: str) -> dict[str, str]:
    return {"system": system, "code": code}


def _concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [_coding(system, code)]}


def _code(coding: Mapping[str, Any], system: str, where: str) -> str:
    if coding.get("system") != system or "code" not in coding:
        message = f"Consent.provision.{where}: a code of {system} is expected"
        raise ConsentNotUnderstood(message)
    return str(coding["code"])


def _one_code(concept: Mapping[str, Any], system: str, where: str) -> str:
    codings = concept.get("coding", [])
    if len(codings) != 1:
        raise ConsentNotUnderstood(f"Consent.provision.{where}: one code is expected")
    return _code(codings[0], system, where)


def _any_code(concept: Mapping[str, Any]) -> str:
    codings = concept.get("coding", [])
    if len(codings) != 1 or not {"system", "code"} <= set(codings[0]):
        raise ConsentNotUnderstood("Consent.provision.code: one code with its system is expected")
    return f"{codings[0]['system']}|{codings[0]['code']}"


def _identified(identifiers: Any, system: str, where: str) -> str:
    """Read the value of the one identifier."""
    if type(identifiers) is list and len(identifiers) == 1 and type(identifiers[0]) is dict:
        found = identifiers[0]
        if found.get("system") == system and found.get("value"):
            return str(found["value"])
    raise ConsentNotUnderstood(f"Consent.{where}: one identifier of {system} is expected")


def _digest(text: str, where: str) -> Digest:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ConsentNotUnderstood(f"Consent.{where}: 64 hexadecimal digits are expected")
    return Digest(bytes.fromhex(text))


def _refuse_others(found: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    if others := set(found) - known:
        message = f"{where}.{min(others)}: this would narrow the consent, and cannot be kept to"
        raise ConsentNotUnderstood(message)
