"""Make organisations, practitioners and patients up."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from trine.apps.health.generator.codes import coding, hl7
from trine.apps.health.generator.dice import Dice
from trine.apps.health.generator.names import COUNTRIES, HOSPITALS, INSURERS, Country

NUMBERS: Final = "http://example.org/fhir/sid"
"""Where the systems of made-up identifiers lie (RFC 2606)."""
TODAY: Final = date(2026, 6, 30)
"""The last day on which anything happens: a fixed one, so that runs are the same."""
LAST_BIRTH: Final = date(1998, 6, 30)
"""Patients are adults at their first visit: ranges of measures are those of adults."""
_MARITAL: Final = (("M", "Married"), ("S", "Never Married"), ("W", "Widowed"))


def reference(resource: dict[str, Any], display: str = "") -> dict[str, str]:
    """Point to a resource by its type and id."""
    made = {"reference": f"{resource['resourceType']}/{resource['id']}"}
    return {**made, "display": display} if display else made


@dataclass(frozen=True)
class Site:
    """A provider in one city with its people and an insurer."""

    country: Country
    hospital: dict[str, Any]
    insurer: dict[str, Any]
    practitioners: tuple[dict[str, Any], ...]

    @property
    def resources(self) -> tuple[dict[str, Any], ...]:
        """Its resources; what is pointed to comes first."""
        return (self.hospital, self.insurer, *self.practitioners)


def make_site(dice: Dice) -> Site:
    """Make a provider up."""
    country = dice.one(COUNTRIES)
    state, city, postal = dice.one(country.cities)
    kind = dice.one(HOSPITALS[country.code])
    name = f"{city}{kind}" if country.is_family_first else f"{kind} {city}"
    hospital = _organisation(dice, name, "prov", "Healthcare Provider")
    hospital["address"] = [_address(dice, country, (state, city, postal))]
    insurer = _organisation(dice, INSURERS[country.code], "ins", "Insurance Company")
    people = tuple(_practitioner(dice, country) for _ in range(dice.whole(3, 6)))
    return Site(country, hospital, insurer, people)


def make_patient(dice: Dice, site: Site) -> dict[str, Any]:
    """Make a patient of a provider up."""
    country = site.country if dice.chance(0.9) else dice.one(COUNTRIES)
    gender = dice.one(("female", "male"))
    born = dice.day(date(1932, 1, 1), LAST_BIRTH)
    patient = {
        "resourceType": "Patient",
        "id": dice.id(),
        "meta": {"versionId": "1", "lastUpdated": "2026-06-30T18:00:00Z"},
        "identifier": [_identifier("patient", dice.digits(9))],
        "active": True,
        "name": [_name(dice, country, gender)],
        "telecom": [_telephone(dice, country)],
        "gender": gender,
        "birthDate": born.isoformat(),
        "address": [_address(dice, country, dice.one(country.cities))],
        "maritalStatus": hl7("v3-MaritalStatus", *dice.one(_MARITAL)),
        "communication": [{"language": {"coding": [coding("urn:ietf:bcp:47", country.language)]}}],
        "generalPractitioner": [reference(dice.one(site.practitioners))],
        "managingOrganization": reference(site.hospital),
    }
    if dice.chance(0.05):
        died = dice.day(max(born, date(2015, 1, 1)), TODAY)
        patient["deceasedDateTime"] = died.isoformat()
    return patient


def _organisation(dice: Dice, name: str, code: str, display: str) -> dict[str, Any]:
    return {
        "resourceType": "Organization",
        "id": dice.id(),
        "identifier": [_identifier("organisation", dice.digits(8))],
        "active": True,
        "type": [hl7("organization-type", code, display)],
        "name": name,
    }


def _practitioner(dice: Dice, country: Country) -> dict[str, Any]:
    gender = dice.one(("female", "male"))
    return {
        "resourceType": "Practitioner",
        "id": dice.id(),
        "identifier": [_identifier("practitioner", dice.digits(10))],
        "active": True,
        "name": [_name(dice, country, gender)],
        "gender": gender,
        "qualification": [{"code": hl7("v2-0360", "MD", "Doctor of Medicine")}],
    }


def _identifier(kind: str, value: str) -> dict[str, str]:
    return {"use": "official", "system": f"{NUMBERS}/{kind}", "value": value}


def _name(dice: Dice, country: Country, gender: str) -> dict[str, Any]:
    family = dice.one(country.families)
    given = dice.one(country.women if gender == "female" else country.men)
    text = f"{family}{given}" if country.is_family_first else f"{given} {family}"
    return {"use": "official", "text": text, "family": family, "given": [given]}


def _telephone(dice: Dice, country: Country) -> dict[str, str]:
    # 555-01xx is reserved for fiction in North America; elsewhere the zeros are nobody's.
    number = f"555-01{dice.digits(2)}" if country.code == "US" else f"000 0000 {dice.digits(4)}"
    return {"system": "phone", "value": number, "use": "mobile"}


def _address(dice: Dice, country: Country, city: tuple[str, str, str]) -> dict[str, Any]:
    state, town, postal = city
    street, number = dice.one(country.streets), dice.whole(1, 180)
    line = {"CN": f"{street}{number}号", "DE": f"{street} {number}"}
    return {
        "use": "home",
        "line": [line.get(country.code, f"{number} {street}")],
        "city": town,
        "state": state,
        "postalCode": postal + dice.digits(country.postal_digits - len(postal)),
        "country": country.code,
    }
