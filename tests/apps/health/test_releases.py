"""Test that records of FHIR R4, R4B and R5 are taken in, each by the definitions of its own."""

import json
from pathlib import Path
from typing import Any

import pytest
from fhir.resources import get_fhir_model_class as of_r5
from fhir.resources.R4B import get_fhir_model_class as of_r4b

from tests.apps.health.samples import OBSERVATION
from tests.apps.health.world import World, run
from trine.apps.health.canonical import canonical
from trine.apps.health.definitions import Release, check_type
from trine.apps.health.fields import date_of_record
from trine.apps.health.reading import parse
from trine.apps.health.records import media_type
from trine.apps.health.validation import validate
from trine.errors import TrineError
from trine.errors.health import InvalidResource, UnknownElement, UnknownResource

ENCOUNTER: dict[str, Any] = {
    "resourceType": "Encounter",
    "status": "completed",
    "class": [{"coding": [{"code": "AMB"}]}],
    "subject": {"reference": "Patient/p-1"},
    "actualPeriod": {"start": "2026-11-27T08:00:00Z", "end": "2026-11-27T08:30:00Z"},
}
"""Of R5: `actualPeriod`, a list of classes, and this status are new in it."""
INGREDIENT: dict[str, Any] = {
    "resourceType": "Ingredient",
    "status": "active",
    "role": {"text": "active"},
    "substance": {"code": {"concept": {"text": "metformin"}}},
}
"""Of R4B and R5: R4 has no such resource."""


def by_package(model: Any, resource: dict[str, Any]) -> dict[str, Any]:
    """Write a resource by the package's own model, and read what it wrote."""
    made = model(resource["resourceType"]).model_validate_json(json.dumps(resource))
    found: dict[str, Any] = parse(made.model_dump_json(by_alias=True).encode())
    return found


def test_each_release_has_its_own_definitions() -> None:
    """Goal: a resource passes by the definitions of its release and by no older ones.

    Method: resources that the package wrote, under all three; the code of each refusal.
    """
    encounter, ingredient = by_package(of_r5, ENCOUNTER), by_package(of_r4b, INGREDIENT)
    assert validate(encounter, Release.R5).type_name == "Encounter"
    assert validate(ingredient, Release.R4B).type_name == "Ingredient"
    with pytest.raises(UnknownResource):
        validate(ingredient, Release.R4)
    for older in (Release.R4, Release.R4B):
        with pytest.raises(InvalidResource) as refused:
            validate(encounter, older)
        problems = {one["path"]: one["code"] for one in refused.value.details["problems"]}
        assert problems["Encounter.actualPeriod"] == "unknown_element"
        with pytest.raises(UnknownElement, match=r"Observation\.triggeredBy"):
            validate({**OBSERVATION, "triggeredBy": [{"type": "reflex"}]}, older)
    assert date_of_record(encounter) == "2026-11-27"
    old = {**OBSERVATION, "effectiveDateTime": "2026-11"}
    assert validate(old, Release.R5).type_name == "Observation"


def test_the_log_says_which_release(tmp_path: Path) -> None:
    """Goal: the media type of an entry is that of its record's release, also after a crash.

    Method: keep one of each release; then seal one of each in turns, as a crash would leave them,
    and publish what is left: each entry's media type is that of its document.
    """

    async def work() -> None:
        world = World(tmp_path)
        patient, log = await world.open_patient(), world.records_log
        given = {Release.R4: OBSERVATION, Release.R4B: INGREDIENT, Release.R5: ENCOUNTER}
        for release, resource in given.items():
            await world.custody.keep(patient, [validate(resource, release)], release)
        for release, resource in [*given.items()] * 3:
            world.custody.seal([(patient, validate(resource, release))], release)
        assert await world.custody.publish() == 9
        assert len(log.all) == 24
        for entry in world.custody.base.records.entries():
            at = log.all.index(entry)
            opened = world.custody.base.records.open(entry, world.custody.base.key)
            release = Release(parse(opened.document)["fhirVersion"])
            assert opened.facts.release == release.value
            assert canonical(given[release]) == opened.resource
            assert log.media_types[at : at + 2] == [media_type(release)] * 2

    run(work())


@pytest.mark.parametrize("name", ["Observations", "", "patient", "Resource", "x" * 100])
def test_types_that_are_none(name: str) -> None:
    """Goal: a count of a type that no release has is refused. Method: names that are none."""
    with pytest.raises(TrineError) as refused:
        check_type(name)
    assert refused.value.code == "unknown_resource"
    for known in ("Observation", "Ingredient", "SubscriptionStatus", "ActorDefinition"):
        check_type(known)
