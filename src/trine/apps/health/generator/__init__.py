"""Generate FHIR R4 resources that look like a region's records, the same for the same seed.

Patients of several countries, their practitioners, providers and insurers, visits with
observations, diagnoses, prescriptions and procedures, coverage and claims. Codes are real; people
are not. References point backwards only, so that a stream of any length is whole.

>>> from itertools import islice
>>> [resource["resourceType"] for resource in islice(generate(seed=1), 3)]
['Organization', 'Organization', 'Practitioner']
>>> bundle = next(generate_bundles(seed=1))
>>> bundle["type"], bundle["entry"][0]["resource"]["resourceType"]
('collection', 'Organization')
"""

from collections.abc import Iterator
from typing import Any, Final

from trine.apps.health.generator.clinical import Visit, make_build, visit_days
from trine.apps.health.generator.dice import Dice
from trine.apps.health.generator.finance import make_claim, make_coverage
from trine.apps.health.generator.people import Site, make_patient, make_site

PATIENTS_OF_SITE: Final = 200
"""Patients of one provider; about 10 resources a visit, 6 visits a patient."""
BASE_URL: Final = "http://example.org/fhir/"
"""Server that the entries of generated Bundles have their addresses on (RFC 2606)."""


def generate(seed: int) -> Iterator[dict[str, Any]]:
    """Make resources without end: take as many as are needed.

    Args:
        seed: Names the sequence; the same seed gives the same resources on every machine.

    Yields:
        Resources of FHIR R4, decimals as `Decimal`, each valid by `validation.validate`. What one
        points to came before it.
    """
    dice = Dice(seed)
    while True:
        site = make_site(dice)
        yield from site.resources
        for _ in range(PATIENTS_OF_SITE):
            yield from _of_patient(dice, site)


def generate_bundles(seed: int) -> Iterator[dict[str, Any]]:
    """Make Bundles without end, one a patient, with everything that its resources point to.

    Args:
        seed: Names the sequence.

    Yields:
        Bundles of type `collection`, each valid by `bundles.validate_bundle`.
    """
    dice = Dice(seed)
    while True:
        site = make_site(dice)
        for _ in range(PATIENTS_OF_SITE):
            resources = [*site.resources, *_of_patient(dice, site)]
            yield {
                "resourceType": "Bundle",
                "type": "collection",
                "entry": [
                    {"fullUrl": f"{BASE_URL}{one['resourceType']}/{one['id']}", "resource": one}
                    for one in resources
                ],
            }


def _of_patient(dice: Dice, site: Site) -> Iterator[dict[str, Any]]:
    patient = make_patient(dice, site)
    yield patient
    coverage = make_coverage(dice, site, patient)
    yield coverage
    build = make_build(dice)
    for day in visit_days(dice, patient):
        practitioner = dice.one(site.practitioners)
        visit = Visit(dice, site, patient, practitioner, dice.moment(day), build)
        yield from visit.resources()
        yield make_claim(visit, coverage)
