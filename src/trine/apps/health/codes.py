"""Hold the codes that consents and accesses are written with, and what follows from each.

Sources: HL7 v3 ActReason, value set PurposeOfUse (the codes and their order of specialisation);
GA4GH Data Use Ontology (DUO), `http://purl.obolibrary.org/obo/duo.owl`: five permissions, and
modifiers that narrow them.

>>> is_within("CLINTRCHPC", "HRESCH"), is_within("HRESCH", "CLINTRCH")
(True, False)
>>> USES["DUO_0000018"].short
'NPUNCU'
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PURPOSE_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
TYPE_SYSTEM: Final = "http://hl7.org/fhir/resource-types"
SCOPE_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/consentscope"
ACTION_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/consentaction"
ACT_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
PARTICIPATION_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
LOINC: Final = "http://loinc.org"
CONSENT_DOCUMENT: Final = "59284-0"
"""LOINC: patient consent."""
DUO: Final = "http://purl.obolibrary.org/obo/"
"""Begin of the address of a term of DUO."""

PATIENT_SYSTEM: Final = "tag:trine,2026:health/patient"
"""System of identifiers that are patients' ids (RFC 4151)."""
PERSON_SYSTEM: Final = "tag:trine,2026:health/person"
"""System of identifiers that are recipients' ids."""
ENTRY_SYSTEM: Final = "tag:trine,2026:health/entry"
"""System of identifiers that are entries of records and events."""
CONSENT_SYSTEM: Final = "tag:trine,2026:health/consent"
"""System of identifiers of consents."""
CUSTODIAN_SYSTEM: Final = "tag:trine,2026:health/custodian"
"""System of identifiers that are organisations' names on a chain."""
USE_VALUE_URL: Final = "tag:trine,2026:health/duo-value"
"""Extension of a consent's policy: the value of a modifier, such as a country."""

BREAK_GLASS: Final = "BTG"
RESEARCH: Final = "HRESCH"
PAYMENT: Final = "HPAYMT"
TREATMENT: Final = "TREAT"

_NARROWER: Final = {
    "HMARKT": "",
    "HOPERAT": (
        "CAREMGT DONAT FRAUD GOV HACCRED HCOMPL HDECD HDIRECT HDM HLEGAL HOUTCOMS HPRGRP HQUALIMP "
        "HSYSADMIN LABELING METAMGT MEMADMIN MILCDM PATADMIN PATSFTY PERFMSR RECORDMGT SYSDEV"
    ),
    "SYSDEV": "HTEST TRAIN",
    "HPAYMT": "CLMATTCH COVAUTH COVERAGE ELIGDTRM ELIGVER ENROLLM MILDCRG REMITADV",
    "HRESCH": "BIORCH CLINTRCH DSRCH POARCH TRANSRCH",
    "CLINTRCH": "CLINTRCHNPC CLINTRCHPC PRECLINTRCH",
    "PATRQT": "FAMRQT PWATRNY SUPNWK",
    "PUBHLTH": "DISASTER THREAT",
    "TREAT": "CLINTRL COC ETREAT POPHLTH",
    "ETREAT": "BTG ERTREAT",
}
BROADER: Final = {one: broad for broad, narrow in _NARROWER.items() for one in narrow.split()}
"""The purpose that each purpose is a special case of."""
PURPOSES: Final = frozenset(_NARROWER) | frozenset(BROADER)
"""Every purpose of use."""


def is_within(purpose: str, allowed: str) -> bool:
    """Say whether a purpose is another one or a special case of it."""
    at: str | None = purpose
    while at is not None and at != allowed:
        at = BROADER.get(at)
    return at is not None


class UseKind(StrEnum):
    """What a term of DUO does."""

    PERMISSION = "permission"
    """It says for which research data may be used."""
    RESTRICTION = "restriction"
    """It is kept or broken by what a request says of itself."""
    OBLIGATION = "obligation"
    """The researcher must promise something."""


@dataclass(frozen=True, slots=True)
class Use:
    """A term of DUO."""

    short: str
    """Its usual abbreviation."""
    label: str
    kind: UseKind
    has_value: bool = False
    """Whether it says nothing without a value, such as a disease, a country, a date."""


_P, _R, _O = UseKind.PERMISSION, UseKind.RESTRICTION, UseKind.OBLIGATION
USES: Final = {
    "DUO_0000004": Use("NRES", "no restriction", _P),
    "DUO_0000006": Use("HMB", "health or medical or biomedical research", _P),
    "DUO_0000007": Use("DS", "disease specific research", _P, has_value=True),
    "DUO_0000011": Use("POA", "population origins or ancestry research only", _P),
    "DUO_0000042": Use("GRU", "general research use", _P),
    "DUO_0000012": Use("RS", "research specific restrictions", _R, has_value=True),
    "DUO_0000015": Use("NMDS", "no general methods research", _R),
    "DUO_0000016": Use("GSO", "genetic studies only", _R),
    "DUO_0000018": Use("NPUNCU", "not for profit, non commercial use only", _R),
    "DUO_0000021": Use("IRB", "ethics approval required", _R),
    "DUO_0000022": Use("GS", "geographical restriction", _R, has_value=True),
    "DUO_0000025": Use("TS", "time limit on use", _R, has_value=True),
    "DUO_0000026": Use("US", "user specific restriction", _R, has_value=True),
    "DUO_0000027": Use("PS", "project specific restriction", _R, has_value=True),
    "DUO_0000028": Use("IS", "institution specific restriction", _R, has_value=True),
    "DUO_0000043": Use("CC", "clinical care use", _R),
    "DUO_0000044": Use("NPOA", "population origins or ancestry research prohibited", _R),
    "DUO_0000045": Use("NPU", "not for profit organisation use only", _R),
    "DUO_0000046": Use("NCU", "non-commercial use only", _R),
    "DUO_0000019": Use("PUB", "publication required", _O),
    "DUO_0000020": Use("COL", "collaboration required", _O),
    "DUO_0000024": Use("MOR", "publication moratorium", _O, has_value=True),
    "DUO_0000029": Use("RTN", "return to database or resource", _O),
}
"""The terms of DUO that a consent may name."""
