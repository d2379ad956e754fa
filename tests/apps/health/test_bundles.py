"""Test what must hold between the entries of a Bundle."""

from typing import Any

import pytest

from tests.apps.health.samples import OBSERVATION
from trine.apps.health import bundles
from trine.apps.health.bundles import validate_all, validate_bundle
from trine.apps.health.definitions import Release
from trine.apps.health.reading import Received
from trine.errors import TrineError
from trine.errors.health import TooManyEntries

UUID = "urn:uuid:7b0c2f5e-6b0f-4f57-9f0e-0d4e6c1d2a10"
BASE = "http://example.org/fhir/"
PATIENT = {"resourceType": "Patient", "active": True}


def bundle(*entries: Any, kind: str = "collection") -> dict[str, Any]:
    """A Bundle with these entries."""
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def about(reference: str) -> dict[str, Any]:
    """An observation about what a reference points to."""
    return {**OBSERVATION, "subject": {"reference": reference}}


def entry(url: str, resource: Any) -> dict[str, Any]:
    """An entry with an address."""
    return {"fullUrl": url, "resource": resource}


@pytest.mark.parametrize(
    ("broken", "code", "place"),
    [
        (bundle(5), "bad_bundle", "Bundle.entry"),
        ({**bundle(), "entry": {}}, "bad_bundle", "Bundle.entry"),
        (bundle(kind="heap"), "invalid_resource", "Bundle.type"),
        (bundle({"xyz": 1}), "unknown_element", "Bundle.entry[0].xyz"),
        (bundle({"resource": {"resourceType": "X1"}}), "unknown_resource", "Bundle.entry[0]"),
        (bundle(entry(UUID, {**PATIENT, "id": "/"})), "invalid_resource", "entry[0]: Patient.id"),
        (bundle(entry(UUID, PATIENT), entry(UUID, PATIENT)), "bad_bundle", "entry[1].fullUrl"),
        (bundle({"resource": about(UUID)}), "broken_reference", "entry[0]: Observation.subject"),
        (bundle({"resource": about("urn:oid:1.2.3")}), "broken_reference", "entry[0]"),
        (
            bundle(entry(UUID, {"resourceType": "Organization", "name": "x"}),
                   {"resource": {"resourceType": "Condition", "subject": {"reference": UUID}}}),
            "broken_reference",
            "points to a Organization",
        ),
        (
            bundle(entry(BASE + "Observation/1", about("Patient/1")), kind="message"),
            "broken_reference",
            "entry[0]",
        ),
    ],
)  # fmt: skip
def test_each_breach_is_named(broken: dict[str, Any], code: str, place: str) -> None:
    """Goal: what breaks a Bundle has a code and a place. Method: one Bundle a breach."""
    with pytest.raises(TrineError) as caught:
        validate_bundle(broken, Release.R4)
    assert caught.value.code == code
    assert place in str(caught.value)


@pytest.mark.parametrize(
    "good",
    [
        bundle(entry(UUID, PATIENT), {"resource": about(UUID)}),
        bundle({"resource": about(f"{UUID}#part")}, entry(UUID, PATIENT)),
        bundle(entry(BASE + "Observation/1", about("Patient/1"))),
        bundle(
            entry(BASE + "Observation/1", about("Patient/1")),
            entry(BASE + "Patient/1", PATIENT),
            kind="message",
        ),
        bundle(
            entry(BASE + "Patient/1", {**PATIENT, "meta": {"versionId": "1"}}),
            entry(BASE + "Patient/1", {**PATIENT, "meta": {"versionId": "2"}}),
            kind="history",
        ),
        {"resourceType": "Bundle", "type": "collection"},
    ],
)
def test_what_fhir_allows_is_accepted(good: dict[str, Any]) -> None:
    """Goal: strict is not wrong. Method: references that resolve, or may point outside."""
    assert len(validate_bundle(good, Release.R4)) == len(good.get("entry", []))


def test_entries_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: too many entries are refused before they are looked at. Method: a limit of two."""
    monkeypatch.setattr(bundles, "ENTRIES_MAX", 2)
    held = {"resource": PATIENT}
    assert len(validate_bundle(bundle(held, held), Release.R4)) == 2
    with pytest.raises(TooManyEntries, match="3 entries, at most 2"):
        validate_bundle(bundle(held, held, held), Release.R4)


def test_both_forms_are_checked() -> None:
    """Goal: whoever reads need not know what comes. Method: a Bundle, a resource, with a place."""
    both = [Received("", bundle({"resource": PATIENT})), Received("line 1", PATIENT)]
    found = [one.type_name for received in both for one in validate_all(received, Release.R4)]
    assert found == ["Patient", "Patient"]
    with pytest.raises(TrineError, match=r"line 9: Bundle\.entry\[0\]"):
        list(validate_all(Received("line 9", bundle({"resource": about(UUID)})), Release.R4))
