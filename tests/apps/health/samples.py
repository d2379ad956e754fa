"""Hold what several tests of the health application use: bundles, small resources."""

import gzip
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tests.vectors_path import vectors
from trine.apps.health.limits import BUNDLE_BYTES_MAX
from trine.apps.health.reading import parse

BUNDLES = 60
RESOURCES = 12_789

PATIENT = b'{"active":true,"birthDate":"1970-03-05","resourceType":"Patient"}'
"""In canonical form."""
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"text": "weight"},
}


def bundle_files() -> list[Path]:
    """Files of the Synthea bundles, in order."""
    return sorted(vectors("health/synthea-r4").glob("*.json.gz"))


def bundles() -> Iterator[dict[str, Any]]:
    """Read the Synthea bundles, one after the other."""
    for path in bundle_files():
        yield parse(gzip.decompress(path.read_bytes()), BUNDLE_BYTES_MAX)


@cache
def one_of_each_type() -> list[dict[str, Any]]:
    """Take the first resource of each type from the first twelve bundles."""
    found: dict[str, dict[str, Any]] = {}
    for path in bundle_files()[:12]:
        for entry in parse(gzip.decompress(path.read_bytes()), BUNDLE_BYTES_MAX)["entry"]:
            found.setdefault(entry["resource"]["resourceType"], entry["resource"])
    return list(found.values())
