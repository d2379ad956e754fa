"""Hold reading and checking to 60 published bundles, and to the package of the definitions."""

import copy
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from fhir import resources as r5
from fhir.resources import R4B

from tests.apps.health.samples import BUNDLES, RESOURCES, bundles, one_of_each_type
from trine.apps.health.bundles import validate_bundle
from trine.apps.health.canonical import canonical
from trine.apps.health.definitions import Release
from trine.apps.health.reading import parse
from trine.apps.health.validation import validate
from trine.errors import TrineError

_WRONG: tuple[Any, ...] = (
    None, "", " ", "x", "2020-02-30", "2020-01-01", "2020-01-01T00:00:00Z", 0, -1, 5,
    Decimal("1.5"), True, [], {}, ["x"], {"reference": "Patient/1"}, {"text": "x"},
    [{"text": "x"}], "true", "5", "http://a", "urn:uuid:1",
)  # fmt: skip


def test_every_resource_of_the_bundles_is_accepted() -> None:
    """Goal: real documents are not refused, and no digit is lost.

    Method: check all 60 bundles with their references; read each canonical form back.
    """
    count = seen = 0
    for bundle in bundles():
        checked = validate_bundle(bundle, Release.R4)
        assert all(parse(canonical(one.resource)) == one.resource for one in checked)
        count, seen = count + 1, seen + len(checked)
    assert (count, seen) == (BUNDLES, RESOURCES)


def test_the_package_refuses_none_of_them() -> None:
    """Goal: know which of the published resources `fhir.resources` itself refuses: none.

    Method: its own validation over one resource of each type, and over every tenth of all.
    """
    refused = []
    every_tenth = [e["resource"] for bundle in bundles() for e in bundle["entry"][::10]]
    for resource in (*one_of_each_type(), *every_tenth):
        try:
            model_of(resource).model_validate(resource)
        except ValueError as error:
            refused.append((resource["resourceType"], str(error)))
    assert refused == []


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("release", [Release.R4, Release.R5])
def test_what_is_accepted_is_accepted_by_the_package(release: Release, seed: int) -> None:
    """Goal: the compiled check is nowhere weaker than the models that it was compiled from.

    Method: break one place of a resource at random, 400 times; whatever passes must pass there.
    """
    chance, passed = random.Random(seed), 0
    whole = [one for one in one_of_each_type() if is_valid(one, release)]
    for _ in range(400):
        resource = broken(chance, copy.deepcopy(chance.choice(whole)))
        if is_valid(resource, release):
            passed += 1
            model_of(resource, release).model_validate(resource)
    assert 40 < passed < 320, "the breaking has become useless"


def is_valid(resource: dict[str, Any], release: Release) -> bool:
    """Whether our own check accepts a resource."""
    try:
        validate(resource, release)
    except TrineError:
        return False
    return True


def model_of(resource: dict[str, Any], release: Release = Release.R4) -> Any:
    """The package's model of a resource."""
    package = r5 if release is Release.R5 else R4B
    return package.get_fhir_model_class(resource["resourceType"])


def broken(chance: random.Random, resource: dict[str, Any]) -> dict[str, Any]:
    """Remove, rename or replace one element."""
    *above, last = chance.choice([path for path in paths(resource) if path != ("resourceType",)])
    parent: Any = resource
    for part in above:
        parent = parent[part]
    match chance.randrange(5):
        case 0:
            del parent[last]
        case 1 if isinstance(parent, dict):
            parent[f"{last}x"] = parent.pop(last)
        case _:
            parent[last] = chance.choice(_WRONG)
    return resource


def paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place inside a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for part, item in inside:
        yield (*above, part)
        if isinstance(item, dict | list):
            yield from paths(item, (*above, part))
