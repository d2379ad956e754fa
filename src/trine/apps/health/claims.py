"""Verify an insurance claim by facts about records, without seeing the records.

A claim (FHIR Claim or ExplanationOfBenefit) names records by their entries in `supportingInfo`. For
each the insurer holds a *proven disclosure*: some fields of the record, and the proof that the
custodian's log holds the commitment to them. `docs/reference/health-access.md`, section 6, says
what that shows and what it does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

import cbor2

from trine.apps.health import codes
from trine.apps.health.consent import identified, instants
from trine.apps.health.definitions import Release
from trine.apps.health.events import month_of, read_array
from trine.apps.health.fields import CUSTODIAN, MONTH, TYPE, Disclosure, Shown, check_fields
from trine.apps.health.limits import SHOWN_FIELDS_MAX
from trine.apps.health.reading import parse
from trine.apps.health.validation import validate
from trine.client import Trust
from trine.client.verification import verify_proof
from trine.errors.health import BadDisclosure, ClaimUnproven, DisclosureMismatch
from trine.model.hashing import Suite
from trine.model.identifiers import Digest

VERSION: Final = 1
"""Version of the form of proven disclosures."""
CLAIMS: Final = frozenset({"Claim", "ExplanationOfBenefit"})
"""Resource types that are read as claims."""


@dataclass(frozen=True, slots=True)
class ProvenDisclosure:
    """Some fields of one record, with the proof that the log holds their commitment."""

    shown: Disclosure
    proof: bytes
    """Proof file of the entry of the fields."""

    def encode(self) -> bytes:
        """Return it as a file, in CBOR."""
        fields = [
            [one.leaf_index, one.path, one.value, bytes(one.salt), [bytes(o) for o in one.siblings]]
            for one in self.shown.fields
        ]
        parts = [VERSION, bytes(self.shown.record), self.shown.count, fields, self.proof]
        return cbor2.dumps(parts, canonical=True)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read such a file; nothing of it is checked yet.

        Raises:
            BadDisclosure: It is none.
        """
        version, record, count, fields, proof = read_array(data, 5, "a disclosure")
        try:
            is_whole = version == VERSION and type(count) is int and type(proof) is bytes
            is_whole = is_whole and 1 <= len(fields) <= SHOWN_FIELDS_MAX
            shown = tuple(
                Shown(at, str(path), str(value), bytes(salt), tuple(map(bytes, siblings)))
                for at, path, value, salt, siblings in fields
            )
            is_whole = is_whole and all(type(one.leaf_index) is int for one in shown)
            found = cls(Disclosure(Digest(record), count, shown), proof)
        except (TypeError, ValueError):
            is_whole = False
        if not is_whole:
            raise BadDisclosure(f"a disclosure of another form than version {VERSION}")
        return found


class ProvenFields(NamedTuple):
    """What a proven disclosure shows.

    Attributes:
        record: Entry of the record.
        values: Values of the fields that were shown, by their places.
        recorded_ms: Time of a block by which they were recorded, Unix time in milliseconds.
        height: Height of that block.
    """

    record: Digest
    values: dict[str, Any]
    recorded_ms: int
    height: int


def verify_fields(proven: ProvenDisclosure, trust: Trust, log: int) -> ProvenFields:
    """Check that fields are those that a custodian committed to. No network is needed.

    Args:
        proven: What was shown.
        trust: Whom to believe about the chain.
        log: Number of the custodian's log of records.

    Raises:
        DisclosureMismatch: They are others, or the proof is about something else.
        ProofMismatch, WrongTrust and others: The proof does not verify.
    """
    checked = check_fields(proven.shown, Suite(trust.suite))
    shown = verify_proof(proven.proof, trust)
    fact = shown.fact
    found = fact.get("kind"), fact.get("log"), fact.get("entry")
    if found != ("evidence", log, checked.entry):
        raise DisclosureMismatch("the log holds another commitment than that to these fields")
    values = {name: parse(text.encode()) for name, text in checked.values.items()}
    return ProvenFields(proven.shown.record, values, shown.time_ms, shown.height)


def check_claim(
    claim: Any, proven: Sequence[ProvenDisclosure], trust: Trust, log: int
) -> list[ProvenFields]:
    """Check that every record that a claim names exists, is the provider's, and of its time.

    Args:
        claim: As `reading.parse` reads it; R4.
        proven: One disclosure for each record, with `@custodian`, `@type` and `@month` at least.
        trust: Whom to believe about the chain.
        log: Number of the provider's log of records.

    Returns:
        What is shown of each record, in the claim's order.

    Raises:
        ClaimUnproven: It names no record, one without a disclosure, or one that does not fit.
        DisclosureMismatch, ProofMismatch and others: As `verify_fields` says.
        InvalidResource and others: As `validate` says.
    """
    if validate(claim, Release.R4).type_name not in CLAIMS:
        raise ClaimUnproven(f"a {claim['resourceType']} is no claim")
    provider = claim.get("provider", {}).get("identifier", {})
    shown = {one.shown.record: one for one in proven}
    first, last = _months(claim.get("billablePeriod", {}))
    found: list[ProvenFields] = []
    for record in _records(claim):
        if record not in shown:
            raise ClaimUnproven("nothing was shown of a record", instance=record.hex())
        fields = verify_fields(shown[record], trust, log)
        named = [fields.values.get(name) for name in (CUSTODIAN, TYPE, MONTH)]
        if not all(type(one) is str for one in named):
            raise ClaimUnproven("custodian, type or month was not shown", instance=record.hex())
        if (provider.get("system"), provider.get("value")) != (codes.CUSTODIAN_SYSTEM, named[0]):
            raise ClaimUnproven("a record is not the provider's", instance=record.hex())
        if not first <= str(named[2]) <= last:
            raise ClaimUnproven("a record is of another time", instance=record.hex())
        found.append(fields)
    if not found:
        raise ClaimUnproven("the claim names no record")
    return found


def claim_for(
    custodian: str, records: Sequence[Digest], month: str, *, insured: str, policy: str
) -> dict[str, Any]:
    """Write a claim that names records of one month, as FHIR R4.

    Args:
        custodian: Name of the provider's organisation on the chain.
        records: Entries of the records.
        month: Such as `2026-11`; it is also when the claim was made.
        insured: How the insurer names whom it is about.
        policy: How the insurer names the policy.
    """
    return {
        "resourceType": "Claim",
        "status": "active",
        "type": {"text": "professional"},
        "use": "claim",
        "patient": {"display": insured},
        "created": month,
        "billablePeriod": {"start": month, "end": month},
        "provider": identified(codes.CUSTODIAN_SYSTEM, custodian),
        "priority": {"text": "normal"},
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"display": policy}}],
        "supportingInfo": [
            {
                "sequence": number,
                "category": {"text": "record"},
                "valueReference": identified(codes.ENTRY_SYSTEM, record.hex()),
            }
            for number, record in enumerate(records, 1)
        ],
    }


def _records(claim: dict[str, Any]) -> list[Digest]:
    """List the records that a claim names, each once.

    Raises:
        ClaimUnproven: One is there twice, or is none.
    """
    found: list[Digest] = []
    for info in claim.get("supportingInfo", []):
        identifier = info.get("valueReference", {}).get("identifier", {})
        if identifier.get("system") != codes.ENTRY_SYSTEM:
            continue
        try:
            record = Digest(bytes.fromhex(identifier.get("value", "")))
        except ValueError:
            raise ClaimUnproven("an entry has 64 hexadecimal digits") from None
        if record in found:
            raise ClaimUnproven("the claim names a record twice", instance=record.hex())
        found.append(record)
    return found


def _months(period: dict[str, str]) -> tuple[str, str]:
    """Return the months in which a record may be; without a period any that is known."""
    first = month_of(instants(period["start"])[0]) if "start" in period else "0000-00"
    last = month_of(instants(period["end"])[1]) if "end" in period else "9999-99"
    return first, last
