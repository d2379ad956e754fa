"""Test that generated resources are valid, whole, varied and the same for the same seed."""

import hashlib
from collections import Counter
from itertools import islice
from typing import Any

from trine.apps.health.bundles import validate_bundle
from trine.apps.health.canonical import canonical
from trine.apps.health.definitions import Release
from trine.apps.health.generator import generate, generate_bundles
from trine.apps.health.validation import validate

COUNT = 6_000
SEED = 20_261_127
DIGEST = "ad1839b22edbf03e986c7b89b5b23e9a61002378b42094be7ad16c105d495d59"
"""Of the first resources of the seed; a change of it is a change of what benchmarks measure."""


def sample(seed: int = SEED, count: int = COUNT) -> list[dict[str, Any]]:
    """The first resources of a seed."""
    return list(islice(generate(seed), count))


def test_resources_are_valid_and_point_backwards() -> None:
    """Goal: whatever is generated is accepted, at any length. Method: check in order."""
    seen = set()
    for resource in sample():
        checked = validate(resource, Release.R4)
        for found in checked.references:
            assert found.text in seen, found
        seen.add(f"{resource['resourceType']}/{resource['id']}")
    assert len(seen) == COUNT


def test_bundles_are_valid_and_whole() -> None:
    """Goal: each Bundle can be read alone. Method: check 40, and each reference against them."""
    for bundle in islice(generate_bundles(SEED), 40):
        checked = validate_bundle(bundle, Release.R4)
        held = {f"{one.type_name}/{one.resource['id']}" for one in checked}
        assert {found.text for one in checked for found in one.references} <= held


def test_the_same_seed_gives_the_same() -> None:
    """Goal: runs can be compared, on any machine. Method: a digest written down; another seed."""
    digest = hashlib.sha256(b"\n".join(map(canonical, sample()))).hexdigest()
    assert digest == DIGEST
    assert sample(SEED + 1, 10) != sample(SEED, 10)


def test_there_is_variety() -> None:
    """Goal: a benchmark meets what real records hold. Method: count types, countries, scripts."""
    resources = sample()
    types = Counter(resource["resourceType"] for resource in resources)
    assert set(types) == {
        "Organization", "Practitioner", "Patient", "Coverage", "Encounter", "Condition",
        "Observation", "MedicationRequest", "Procedure", "Claim",
    }  # fmt: skip
    countries = Counter(
        one["address"][0]["country"] for one in resources if one["resourceType"] == "Patient"
    )
    assert len(countries) >= 3
    assert any(letter >= "\u4e00" for one in resources for letter in str(one.get("name")))
