"""Test consents: as FHIR and back, and what follows from them."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trine.apps.health import codes
from trine.apps.health.codes import PURPOSES, USES, is_within
from trine.apps.health.consent import (
    Given,
    Reason,
    Request,
    Terms,
    decide,
    instants,
    is_withdrawal,
    read_terms,
    resource_of,
    text_of,
)
from trine.apps.health.definitions import Release
from trine.apps.health.uses import ResearchUse, allows
from trine.apps.health.validation import validate
from trine.errors import TrineError
from trine.errors.health import BadHealthStatement, ConsentNotUnderstood
from trine.model.identifiers import Digest

PATIENT, DOCTOR, NURSE = (Digest(bytes([number]) * 32) for number in range(3))
NOW_MS = 1_800_000_000_000
STUDY = ResearchUse("study-7", is_commercial=False, is_for_profit=False)
RESEARCH = Request(DOCTOR, "HRESCH", "Observation", use=STUDY)

people = st.sampled_from([DOCTOR, NURSE, Digest(bytes([7]) * 32)])
purposes = st.sampled_from(["TREAT", "ETREAT", "HPAYMT", "HRESCH", "CLINTRCH", "PATRQT"])
types = st.sampled_from(["Observation", "Condition", "Claim"])
codings = st.sampled_from(["http://loinc.org|29463-7", "http://snomed.info/sct|38341003"])
times = st.one_of(st.none(), st.integers(NOW_MS - 3, NOW_MS + 3))
used = st.dictionaries(st.sampled_from(sorted(USES)), st.just(""), max_size=3)


@st.composite
def some_terms(draw: st.DrawFn) -> Terms:
    """Terms of any kind, of those that can be written."""
    denies = draw(st.booleans())
    least = 0 if denies else 1
    return Terms(
        draw(st.from_regex(r"\A[A-Za-z0-9\-.]{1,12}\Z")),
        PATIENT,
        "hospital",
        draw(st.frozensets(people, min_size=least, max_size=3)),
        draw(st.frozensets(purposes, min_size=least, max_size=3)),
        draw(st.frozensets(types, max_size=2)),
        draw(st.frozensets(codings, max_size=2)),
        draw(times),
        draw(times),
        {term: "x" if USES[term].has_value else "" for term in draw(used)},
        denies,
    )


@st.composite
def some_consents(draw: st.DrawFn) -> list[Given]:
    """Consents of one patient, some of them withdrawn."""
    drawn = draw(st.lists(some_terms(), max_size=5))
    return [
        Given(number, replace(terms, identifier=f"c-{number}"), withdrawn=draw(
            st.one_of(st.none(), st.just(99))))
        for number, terms in enumerate(drawn)
    ]  # fmt: skip


requests = st.builds(
    Request, people, purposes, types, st.frozensets(codings), st.one_of(st.none(), st.just(STUDY))
)


@given(some_terms())
def test_terms_are_fhir_and_back(terms: Terms) -> None:
    """Goal: what is signed says the terms and nothing else. Method: write, validate, read."""
    resource = resource_of(terms)
    assert validate(resource, Release.R4).type_name == "Consent"
    assert read_terms(resource) == terms
    assert not is_withdrawal(resource)
    ended = resource_of(terms, status="inactive")
    assert is_withdrawal(ended)
    assert read_terms(ended) == Terms(terms.identifier, PATIENT, "hospital")


def literally(given: Given, request: Request, now_ms: int) -> bool:
    """Say whether a consent describes a request, written as docs/reference/health-access.md is."""
    terms = given.terms
    research = any(is_within(request.purpose, one) for one in ("HRESCH",))
    return all((
        given.withdrawn is None,
        request.person in terms.recipients or (terms.denies and not terms.recipients),
        any(is_within(request.purpose, one) for one in terms.purposes)
        or (terms.denies and not terms.purposes),
        not terms.types or request.type_name in terms.types,
        not terms.codes or bool(terms.codes & request.codes),
        terms.first_ms is None or terms.first_ms <= now_ms,
        terms.last_ms is None or now_ms <= terms.last_ms,
        terms.denies or not research or (
            request.use is not None
            and allows(terms.uses, request.use, request.person.hex(), now_ms)
        ),
    ))  # fmt: skip


@given(some_consents(), requests)
def test_decisions_are_those_of_the_specification(consents: list[Given], request: Request) -> None:
    """Goal: the decision is that of the three rules. Method: the rules written out a second time;
    the order in which consents come changes nothing.
    """
    meant = [given for given in consents if literally(given, request, NOW_MS)]
    found = decide(consents, request, NOW_MS)
    assert decide(list(reversed(consents)), request, NOW_MS) == found
    if any(given.terms.denies for given in meant):
        assert found.reason is Reason.DENIED
    elif meant:
        assert (found.reason, found.consent) == (Reason.PERMITTED, meant[0].terms.identifier)
    else:
        assert not found.is_permitted


@given(some_consents(), requests, st.data())
def test_withdrawing_never_opens_anything(
    consents: list[Given], request: Request, data: st.DataObject
) -> None:
    """Goal: a withdrawal takes away only. Method: withdraw one that permits."""
    permits = [at for at, given in enumerate(consents) if not given.terms.denies]
    if permits and not decide(consents, request, NOW_MS).is_permitted:
        at = data.draw(st.sampled_from(permits))
        consents[at] = replace(consents[at], withdrawn=100)
        assert not decide(consents, request, NOW_MS).is_permitted


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, Reason.PERMITTED),
        ({"recipients": frozenset({NURSE})}, Reason.OTHER_RECIPIENT),
        ({"purposes": frozenset({"HPAYMT"})}, Reason.OTHER_PURPOSE),
        ({"purposes": frozenset({"ETREAT"})}, Reason.OTHER_PURPOSE),
        ({"types": frozenset({"Claim"})}, Reason.OTHER_DATA),
        ({"codes": frozenset({"a|b"})}, Reason.OTHER_DATA),
        ({"first_ms": NOW_MS + 1}, Reason.OUTSIDE_PERIOD),
        ({"last_ms": NOW_MS - 1}, Reason.OUTSIDE_PERIOD),
        ({"first_ms": NOW_MS, "last_ms": NOW_MS}, Reason.PERMITTED),
        ({"denies": True}, Reason.DENIED),
    ],
)
def test_each_difference_has_its_reason(change: dict[str, Any], reason: Reason) -> None:
    """Goal: who is refused is told why. Method: one difference at a time."""
    base = Terms("c", PATIENT, "hospital", frozenset({DOCTOR}), frozenset({"TREAT"}))
    request = Request(DOCTOR, "TREAT", "Observation")
    assert decide([Given(0, replace(base, **change))], request, NOW_MS).reason is reason


def test_the_earliest_consent_decides() -> None:
    """Goal: everybody names the same consent. Method: three that permit, in each order."""
    base = Terms("c", PATIENT, "hospital", frozenset({DOCTOR}), frozenset({"TREAT"}))
    three = [Given(number, replace(base, identifier=f"c-{number}")) for number in range(3)]
    request = Request(DOCTOR, "TREAT", "Observation")
    for order in (three, three[::-1], [three[1], three[0], three[2]]):
        assert decide(order, request, NOW_MS).consent == "c-0"
    assert decide([replace(three[0], withdrawn=9), *three[1:]], request, NOW_MS).consent == "c-1"


def test_without_consents_nothing_is_permitted() -> None:
    """Goal: no access by default. Method: no consent, and one that was withdrawn."""
    request = Request(DOCTOR, "TREAT", "Observation")
    assert decide([], request, NOW_MS).reason is Reason.NO_CONSENT
    terms = Terms("c", PATIENT, "hospital", frozenset({DOCTOR}), frozenset({"TREAT"}))
    assert decide([Given(0, terms, withdrawn=1)], request, NOW_MS).reason is Reason.WITHDRAWN


KEEPS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "DUO_0000004": ("", {}, {}),
    "DUO_0000042": ("", {"topics": frozenset({"other"})}, {}),
    "DUO_0000006": ("", {}, {"topics": frozenset({"health", "ancestry"})}),
    "DUO_0000007": ("MONDO:1", {"disease": "MONDO:1"}, {"disease": "MONDO:2"}),
    "DUO_0000011": ("", {"topics": frozenset({"ancestry"})}, {}),
    "DUO_0000012": ("x", {"promises": frozenset({"DUO_0000012=x"})}, {}),
    "DUO_0000015": ("", {}, {"topics": frozenset({"methods"})}),
    "DUO_0000016": ("", {"is_genetic": True}, {}),
    "DUO_0000018": ("", {}, {"is_for_profit": True}),
    "DUO_0000021": ("", {"ethics_approval": "e-1"}, {}),
    "DUO_0000022": ("CN", {"country": "CN"}, {"country": "SG"}),
    "DUO_0000025": ("2027-12-31", {"ends_on": "2027-12-31"}, {"ends_on": "2028-01-01"}),
    "DUO_0000026": (DOCTOR.hex(), {}, {}),
    "DUO_0000027": ("study-7", {}, {"project": "study-8"}),
    "DUO_0000028": ("uni", {"institution": "uni"}, {}),
    "DUO_0000043": ("", {}, {}),
    "DUO_0000044": ("", {}, {"topics": frozenset({"ancestry"})}),
    "DUO_0000045": ("", {"is_commercial": True}, {"is_for_profit": True}),
    "DUO_0000046": ("", {"is_for_profit": True}, {"is_commercial": True}),
    "DUO_0000019": ("", {"promises": frozenset({"DUO_0000019"})}, {}),
    "DUO_0000020": ("", {"promises": frozenset({"DUO_0000020"})}, {}),
    "DUO_0000024": ("2027-01-01", {"promises": frozenset({"DUO_0000024=2027-01-01"})},
                    {"promises": frozenset({"DUO_0000024=2026-01-01"})}),
    "DUO_0000029": ("", {"promises": frozenset({"DUO_0000029"})}, {}),
}  # fmt: skip
"""For each term of DUO its value, a project that keeps it, and one that breaks it."""
ALWAYS = {"DUO_0000004", "DUO_0000042", "DUO_0000043", "DUO_0000026"}
"""Terms that the project itself cannot break."""


@pytest.mark.parametrize("term", sorted(USES))
def test_each_term_of_duo(term: str) -> None:
    """Goal: a term means what DUO says. Method: a project that keeps it, one that breaks it, next
    to a permission that allows both.
    """
    value, keeping, breaking = KEEPS[term]
    is_permission = USES[term].kind.value == "permission"
    uses = {term: value} | ({} if is_permission else {"DUO_0000042": ""})
    assert allows(uses, replace(STUDY, **keeping), DOCTOR.hex(), NOW_MS)
    if term not in ALWAYS:
        assert not allows(uses, replace(STUDY, **breaking), DOCTOR.hex(), NOW_MS)


def test_research_needs_a_permission() -> None:
    """Goal: modifiers alone allow nothing; a user's data go to nobody else; a limit passes.

    Method: no permission; another person; the day after the limit.
    """
    assert not allows({}, STUDY, DOCTOR.hex(), NOW_MS)
    assert not allows({"DUO_0000045": ""}, STUDY, DOCTOR.hex(), NOW_MS)
    only = {"DUO_0000042": "", "DUO_0000026": DOCTOR.hex()}
    assert not allows(only, STUDY, NURSE.hex(), NOW_MS)
    until = {"DUO_0000042": "", "DUO_0000025": "2027-01-15"}
    study = replace(STUDY, ends_on="2027-01-15")
    assert allows(until, study, "", NOW_MS)
    assert not allows(until, study, "", NOW_MS + 24 * 3_600_000)
    terms = Terms("c", PATIENT, "hospital", frozenset({DOCTOR}), frozenset({"HRESCH"}))
    assert decide([Given(0, terms)], RESEARCH, NOW_MS).reason is Reason.USE_RESTRICTED
    allowed = replace(terms, uses={"DUO_0000006": ""})
    assert decide([Given(0, allowed)], RESEARCH, NOW_MS).is_permitted
    nothing = replace(RESEARCH, use=None)
    assert decide([Given(0, allowed)], nothing, NOW_MS).reason is Reason.USE_RESTRICTED


GOOD = resource_of(
    Terms("c-1", PATIENT, "hospital", frozenset({DOCTOR}), frozenset({"TREAT"}),
          last_ms=NOW_MS, uses={"DUO_0000022": "CN"})
)  # fmt: skip


def at(*path: str | int) -> Callable[[Any, Any], None]:
    """Change what stands at a place."""

    def change(resource: Any, value: Any) -> None:
        for name in path[:-1]:
            resource = resource[name]
        resource[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "value"),
    [
        (at("provision", "provision"), [{"type": "deny"}]),
        (at("provision", "dataPeriod"), {"start": "2026-01-01"}),
        (at("provision", "securityLabel"), [{"system": "a", "code": "R"}]),
        (at("provision", "data"), [{"meaning": "instance", "reference": {"display": "x"}}]),
        (at("provision", "extension"), [{"url": "a", "valueString": "b"}]),
        (at("provision", "period", "extension"), [{"url": "a", "valueString": "b"}]),
        (at("modifierExtension"), [{"url": "a", "valueString": "b"}]),
        (at("verification"), [{"verified": False}]),
        (at("contained"), [{"resourceType": "Patient", "active": True}]),
        (at("status"), "draft"),
        (at("identifier"), [{"system": "other", "value": "c-1"}]),
        (at("identifier", 0, "value"), "a b"),
        (at("patient"), {"reference": "Patient/1"}),
        (at("patient", "identifier", "value"), "00"),
        (at("organization"), [{"display": "hospital"}]),
        (at("provision", "actor"), []),
        (at("provision", "purpose"), [{"system": codes.PURPOSE_SYSTEM, "code": "FUN"}]),
        (at("provision", "purpose"), [{"system": "other", "code": "TREAT"}]),
        (at("provision", "class"), [{"system": "other", "code": "Claim"}]),
        (at("provision", "code"), [{"text": "weight"}]),
        (at("provision", "action"), [{"coding": [{"system": codes.ACTION_SYSTEM, "code": "x"}]}]),
        (at("provision", "period", "end"), "2026-02-30"),
        (at("policy", 0, "uri"), codes.DUO + "DUO_0009999"),
        (at("policy", 0, "extension"), [{"url": "a", "valueString": "b"}]),
        (at("policy", 0), {"uri": codes.DUO + "DUO_0000022"}),
        (at("policy", 0, "authority"), "http://a.example"),
        (at("resourceType"), "Patient"),
    ],
)
def test_what_cannot_be_kept_to_is_refused(change: Callable[[Any, Any], None], value: Any) -> None:
    """Goal: no restriction of a patient is skipped. Method: one element at a time that narrows a
    consent, or is not right.
    """
    assert read_terms(GOOD).uses == {"DUO_0000022": "CN"}
    resource = copy.deepcopy(GOOD)
    change(resource, value)
    with pytest.raises(TrineError) as caught:
        read_terms(resource)
    known = {"consent_not_understood", "invalid_resource", "unknown_element", "unknown_resource"}
    assert caught.value.code in known


def test_times_of_consents() -> None:
    """Goal: both ends belong to a period. Method: times of each precision, and none."""
    assert instants("2026-11-27T10:00:00Z") == (1795773600000, 1795773600999)
    assert instants("2026-11-27T10:00:00.5+01:00")[0] == 1795770000500
    assert instants("2026-11-27") == (1795737600000, 1795737600000 + 24 * 3_600_000 - 1)
    assert instants("2026-12")[1] + 1 == instants("2027")[0]
    for wrong in ("2026-13", "x", "2026-11-27T25:00:00Z", "0000"):
        with pytest.raises(ConsentNotUnderstood):
            instants(wrong)
    assert instants(text_of(NOW_MS)) == (NOW_MS, NOW_MS)


def test_purposes_are_a_hierarchy() -> None:
    """Goal: a purpose includes its special cases and no others. Method: all pairs."""
    assert len(PURPOSES) == 59
    for one in PURPOSES:
        assert is_within(one, one)
        broader = [other for other in PURPOSES if is_within(one, other)]
        assert len(broader) <= 3, one
    assert not is_within("nothing", "TREAT")


@pytest.mark.parametrize("value", [None, [], {}, {"project": ""}, {"topics": ["x"]}])
def test_other_documents_are_no_research_use(value: Any) -> None:
    """Goal: what a project says has one form. Method: others, and a member too many."""
    good = replace(STUDY, disease="MONDO:1", promises=frozenset({"DUO_0000019"})).document()
    assert ResearchUse.read(good).document() == good
    wrong = value if not value else {**good, **value}
    for each in (wrong, {**good, "extra": 1}):
        with pytest.raises(BadHealthStatement):
            ResearchUse.read(each)
