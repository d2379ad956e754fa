"""Test that a resource which breaks its definition is refused, with each place and no value."""

import time
from decimal import Decimal
from typing import Any

import pytest

from tests.apps.health.samples import OBSERVATION
from trine.apps.health.definitions import NEW_IN_R4B, Release, resource_types
from trine.apps.health.limits import NESTING_MAX, PROBLEMS_MAX, STRING_CHARACTERS_MAX
from trine.apps.health.validation import validate
from trine.errors import TrineError
from trine.errors.health import InvalidResource, UnknownElement, UnknownResource

SECRET = "Zhang-Secret"


def patient(**elements: Any) -> dict[str, Any]:
    """A patient with these elements."""
    return {"resourceType": "Patient", **elements}


def observation(**elements: Any) -> dict[str, Any]:
    """An observation with these elements."""
    return {**OBSERVATION, **elements}


@pytest.mark.parametrize(
    ("resource", "code", "place"),
    [
        ([], "unknown_resource", "a resource is a JSON object"),
        ({}, "unknown_resource", "this is no resource type"),
        ({"resourceType": 5}, "unknown_resource", "this is no"),
        ({"resourceType": "Pateint"}, "unknown_resource", "Pateint is no"),
        ({"resourceType": "HumanName"}, "unknown_resource", "HumanName is no"),
        ({"resourceType": "DomainResource"}, "unknown_resource", "DomainResource is no"),
        ({"resourceType": f"{SECRET} "}, "unknown_resource", "this is no"),
        (patient(contained=[{"resourceType": "X1"}]), "unknown_resource", "Patient.contained[0]"),
        (patient(contained=[5]), "unknown_resource", "Patient.contained[0]"),
        (patient(nmae=[]), "unknown_element", "Patient.nmae: no such element"),
        (patient(**{SECRET: 1}), "unknown_element", "Patient.…: no such element"),
        (patient(fhir_comments="x"), "unknown_element", "Patient.…"),
        (patient(resource_type="Patient"), "unknown_element", "Patient.…"),
        (patient(name=[{"famly": "x"}]), "unknown_element", "Patient.name[0].famly"),
        (patient(name=[{"resourceType": "HumanName"}]), "unknown_element", "name[0].resourceType"),
        (patient(active="true"), "invalid_resource", "Patient.active: a boolean"),
        (patient(active=None), "invalid_resource", "Patient.active"),
        (patient(name={"family": "x"}), "invalid_resource", "Patient.name: a list"),
        (patient(name=[]), "invalid_resource", "Patient.name: a list"),
        (patient(name=[{}]), "invalid_resource", "Patient.name[0]: an object is never empty"),
        (patient(name=["x"]), "invalid_resource", "Patient.name[0]: an object"),
        (patient(name=[{"given": ["a", None]}]), "invalid_resource", "given[1]: null"),
        (patient(name=[{"given": ["a"], "_given": [None, None]}]), "invalid_resource", "equally"),
        (patient(name=[{"family": SECRET + "\0"}]), "invalid_resource", "name[0].family"),
        (patient(name=[{"family": ""}]), "invalid_resource", "name[0].family"),
        (
            patient(name=[{"family": "x" * (STRING_CHARACTERS_MAX + 1)}]),
            "invalid_resource",
            f"at most {STRING_CHARACTERS_MAX}",
        ),
        (patient(id="x" * 65), "invalid_resource", "Patient.id"),
        (patient(id="a_b"), "invalid_resource", "Patient.id"),
        (patient(gender="blue"), "invalid_resource", "Patient.gender: one of the codes"),
        (patient(birthDate="1970-02-30"), "invalid_resource", "birthDate: no such day"),
        (patient(birthDate="1900-02-29"), "invalid_resource", "birthDate: no such day"),
        (patient(birthDate="1970-1-1"), "invalid_resource", "birthDate: a date"),
        (patient(birthDate="1970-01-01\n"), "invalid_resource", "birthDate: a date"),
        (patient(birthDate="１９７０"), "invalid_resource", "birthDate: a date"),
        (patient(birthDate=19700101), "invalid_resource", "birthDate: a date"),
        (patient(multipleBirthInteger="2"), "invalid_resource", "multipleBirthInteger"),
        (patient(multipleBirthInteger=True), "invalid_resource", "multipleBirthInteger"),
        (patient(multipleBirthInteger=2**31), "invalid_resource", "multipleBirthInteger"),
        (
            patient(deceasedBoolean=True, deceasedDateTime="2020"),
            "invalid_resource",
            "Patient.deceased[x]: at most one",
        ),
        (patient(communication=[{"preferred": True}]), "invalid_resource", "language: is missing"),
        (patient(photo=[{"data": "!!!"}]), "invalid_resource", "photo[0].data: base64"),
        (patient(text={"status": "generated", "div": "x"}), "invalid_resource", "text.div"),
        (
            patient(text={"status": "generated", "div": "<div><!DOCTYPE x></div>"}),
            "invalid_resource",
            "declarations",
        ),
        (
            patient(text={"status": "generated", "div": "<div>< script>x</script></div>"}),
            "invalid_resource",
            "scripts",
        ),
        (patient(generalPractitioner=[{"reference": "Patient/1"}]), "invalid_resource", "one of"),
        (patient(link=[{"other": {"reference": "#x"}, "type": "refer"}]), "broken_reference", "#"),
        (
            {"resourceType": "Parameters", "parameter": [{"name": "x", "resource": patient(
                managingOrganization={"reference": "#o"})}]},
            "broken_reference",
            "Parameters.parameter[0].resource.managingOrganization",
        ),
        (observation(status=None), "invalid_resource", "Observation.status"),
        ({"resourceType": "Observation", "status": "final"}, "invalid_resource", "is missing"),
        (observation(issued="2020-01-01"), "invalid_resource", "Observation.issued: an instant"),
        (observation(effectiveDateTime="2020-01-01T10:00:00"), "invalid_resource", "zone"),
        (observation(effectiveDateTime="2020-01-01T24:00:00Z"), "invalid_resource", "dateTime"),
        (observation(valueQuantity={"value": "1.0"}), "invalid_resource", "value: a number"),
        (observation(subject={"reference": 5}), "invalid_resource", "subject.reference"),
        (observation(extension=[{"url": "http://a b"}]), "invalid_resource", "extension[0].url"),
    ],
)  # fmt: skip
def test_each_breach_is_named(resource: Any, code: str, place: str) -> None:
    """Goal: each breach has its code and place, and no message shows a value.

    Method: one resource a breach.
    """
    with pytest.raises(TrineError) as caught:
        validate(resource, Release.R4)
    assert caught.value.code == code
    assert place.replace("#", "") in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "resource",
    [
        patient(birthDate="2000-02-29", deceasedDateTime="2020-12-31T23:59:60+08:00"),
        patient(name=[{"given": [None, "a"], "_given": [{"id": "x"}, None], "text": "张　三"}]),
        patient(_birthDate={"extension": [{"url": "http://x", "valueCode": "unknown"}]}),
        patient(contained=[{"resourceType": "Organization", "id": "o", "name": "x"}],
                managingOrganization={"reference": "#o"}),
        patient(generalPractitioner=[{"reference": "https://other.example/fhir/Any/1"}]),
        patient(generalPractitioner=[{"display": "who"}]),
        {"resourceType": "Parameters", "parameter": [{"name": "x", "resource": patient(
            contained=[{"resourceType": "Organization", "id": "o", "name": "x"}],
            managingOrganization={"reference": "#o"})}]},
        patient(photo=[{"data": "QUJD\nRA=="}]),
        patient(text={"status": "generated", "div": "<div><!-- a --><p>b</p></div>"}),
        observation(valueQuantity={"value": Decimal("1.00")}),
        observation(valueQuantity={"value": 1}),
        {"resourceType": "Observation", "code": {"text": "x"},
         "_status": {"extension": [{"url": "http://x", "valueCode": "unknown"}]}},
        {"resourceType": "Encounter", "status": "entered-in-error", "class": {"code": "AMB"}},
    ],
)  # fmt: skip
def test_what_fhir_allows_is_accepted(resource: dict[str, Any]) -> None:
    """Goal: strict is not wrong. Method: what is unusual and allowed."""
    assert validate(resource, Release.R4).resource is resource


def test_all_problems_are_named_up_to_a_limit() -> None:
    """Goal: one refusal tells everything, within a limit. Method: two breaches; 50 breaches."""
    with pytest.raises(InvalidResource) as caught:
        validate(patient(active="x", xyz=1), Release.R4, "line 7")
    assert str(caught.value).startswith("line 7: Patient.active")
    assert caught.value.details["problems"] == [
        {"code": "invalid_resource", "path": "Patient.active", "problem": "a boolean is expected"},
        {"code": "unknown_element", "path": "Patient.xyz", "problem": "no such element"},
    ]
    with pytest.raises(UnknownElement) as caught:
        validate(patient(**{f"x{number}": 1 for number in range(50)}), Release.R4)
    problems = caught.value.details["problems"]
    assert isinstance(problems, list)
    assert len(problems) == PROBLEMS_MAX


@pytest.mark.parametrize("levels", [NESTING_MAX - 1, NESTING_MAX, NESTING_MAX + 1, 900])
def test_depth_has_a_limit(levels: int) -> None:
    """Goal: depth ends in a code, not in the interpreter. Method: extensions in extensions."""
    extension: dict[str, Any] = {"url": "http://x", "valueBoolean": True}
    for _ in range(levels - 2):
        extension = {"url": "http://x", "extension": [extension]}
    resource = patient(extension=[extension])
    if levels <= NESTING_MAX:
        validate(resource, Release.R4)
        return
    with pytest.raises(TrineError) as caught:
        validate(resource, Release.R4)
    assert caught.value.code == "resource_too_deep"


@pytest.mark.parametrize("filling", [" ", "<", "< ", "</", "/ ", "<div ", "-", "> "])
def test_long_texts_take_no_longer(filling: str) -> None:
    """Goal: no text makes a check slow. Method: a million characters of each kind, everywhere."""
    text = (filling * 1_000_000)[:1_000_000]
    resource = patient(
        id=text,
        birthDate=text,
        language=text,
        implicitRules=text,
        text={"status": "generated", "div": f"<div><{text}></div>"},
        managingOrganization={"reference": f"http://x/{text}"},
        photo=[{"data": text}],
    )
    begun = time.process_time()
    with pytest.raises(InvalidResource):
        validate(resource, Release.R4)
    assert time.process_time() - begun < 5


def test_releases_differ() -> None:
    """Goal: each release has its own definitions. Method: what one has and another has not."""
    encounter = {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"}}
    validate(encounter, Release.R4)
    with pytest.raises(InvalidResource):
        validate(encounter, Release.R5)
    validate({"resourceType": "Encounter", "status": "completed"}, Release.R5)
    with pytest.raises(UnknownResource):
        validate({"resourceType": "NutritionProduct", "status": "active"}, Release.R4)
    validate({"resourceType": "NutritionProduct", "status": "active"}, Release.R4B)


def test_every_type_of_every_release_compiles() -> None:
    """Goal: no definition fails at its first use. Method: an empty resource of each type."""
    for release in Release:
        types = resource_types(release)
        assert {"Patient", "Consent", "Claim", "Bundle"} <= set(types)
        assert bool(NEW_IN_R4B & set(types)) == (release is not Release.R4)
        for name in types:
            try:
                validate({"resourceType": name}, release)
            except InvalidResource as error:
                assert "is missing" in str(error)
