"""Test that each record is filed under the patient whom it is about."""

import json
from typing import Any

import pytest

from tests.apps.health.samples import bundle_files, bundles
from trine.apps.health.bundles import validate_bundle
from trine.apps.health.definitions import Release
from trine.apps.health.filing import addresses, whose
from trine.apps.health.validation import validate

OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"text": "weight"},
}


@pytest.mark.parametrize(
    ("reference", "patient"),
    [
        ("Patient/p-1", "p-1"),
        ("Patient/p-1/_history/2", "p-1"),
        ("https://hospital.example/fhir/Patient/p-1", "p-1"),
        ("urn:uuid:7b0c2f5e-6b0f-4f57-9f0e-0d4e6c1d2a10", "p-7"),
        ("urn:uuid:00000000-6b0f-4f57-9f0e-0d4e6c1d2a10", None),
        ("Group/g-1", None),
    ],
)
def test_subjects_name_the_patient(reference: str, patient: str | None) -> None:
    """Goal: every form of a reference to a patient is read. Method: one of each form."""
    known = {"urn:uuid:7b0c2f5e-6b0f-4f57-9f0e-0d4e6c1d2a10": "p-7"}
    resource = {**OBSERVATION, "subject": {"reference": reference}}
    assert whose(validate(resource, Release.R4), known) == patient


def test_the_subject_comes_before_others() -> None:
    """Goal: a record about one patient that names another is the first one's.

    Method: a performer and a focus who are patients too, before the subject and without it.
    """
    others = {
        "performer": [{"reference": "Patient/mother"}],
        "focus": [{"reference": "Patient/twin"}],
    }
    about = {**OBSERVATION, **others, "subject": {"reference": "Patient/child"}}
    assert whose(validate(about, Release.R4), {}) == "child"
    assert whose(validate({**OBSERVATION, **others}, Release.R4), {}) == "mother"
    assert whose(validate(OBSERVATION, Release.R4), {}) is None


def test_a_patient_is_its_own() -> None:
    """Goal: a Patient is filed under itself, whoever it is linked to. Method: with and without an
    id; alone and not alone in its Bundle.
    """
    linked = {"link": [{"type": "seealso", "other": {"reference": "Patient/other"}}]}
    patient: dict[str, Any] = {"resourceType": "Patient", **linked}
    assert whose(validate({**patient, "id": "p-1"}, Release.R4), {}) == "p-1"
    checked = validate(patient, Release.R4)
    assert whose(checked, {}) is None
    assert whose(checked, {"urn:uuid:1": "p-7"}) == "p-7"
    assert whose(checked, {"urn:uuid:1": "p-7", "urn:uuid:2": "p-8"}) is None


def test_published_bundles_are_filed_by_their_patient() -> None:
    """Goal: of real bundles, each record that mentions the patient's address is the patient's.

    Method: the text of each record of twelve Synthea bundles, searched for the address as text.
    """
    assert len(bundle_files()) >= 12
    for bundle, _ in zip(bundles(), range(12), strict=False):
        entries = bundle["entry"]
        [(url, id_)] = [
            (one["fullUrl"], one["resource"]["id"])
            for one in entries
            if one["resource"]["resourceType"] == "Patient"
        ]
        known = addresses(bundle)
        assert known == {url: id_}
        for checked in validate_bundle(bundle, Release.R4):
            text = json.dumps(checked.resource, default=str)
            is_theirs = url in text or checked.type_name == "Patient"
            assert whose(checked, known) == (id_ if is_theirs else None), checked.type_name
