"""Take Bundles apart, and check what holds between their entries.

Source: FHIR R4, Bundle, section 2.36.4 (references in Bundles) and rule bdl-7. A reference of the
form `urn:uuid:` or `urn:oid:` has a meaning inside its Bundle only, so an entry must have it as
`fullUrl`. In a document or message every relative reference must be found as well where the entry
has a REST address: what a document says may not depend on a server. Any other reference may point
outside. A reference that is found must point to a type that its element allows.

>>> from trine.apps.health.definitions import Release
>>> bundle = {"resourceType": "Bundle", "type": "collection", "entry": [
...     {"fullUrl": "urn:uuid:7b0c2f5e-6b0f-4f57-9f0e-0d4e6c1d2a10",
...      "resource": {"resourceType": "Patient", "active": True}}]}
>>> [checked.type_name for checked in validate_bundle(bundle, Release.R4)]
['Patient']
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from trine.apps.health.definitions import Release
from trine.apps.health.limits import ENTRIES_MAX
from trine.apps.health.reading import Received
from trine.apps.health.validation import Checked, Reference, validate
from trine.errors.health import BadBundle, BrokenReference, TooManyEntries

_INTERNAL: Final = ("urn:uuid:", "urn:oid:")
_SELF_CONTAINED: Final = frozenset({"document", "message"})
_REST_URL: Final = re.compile(r"(https?://.+/)[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}").fullmatch
_RELATIVE: Final = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}(/_history/.+)?").fullmatch


def validate_all(received: Received, release: Release) -> Iterator[Checked]:
    """Check what was read: the entries of a Bundle, or one resource.

    Raises:
        TooManyEntries, BadBundle, BrokenReference: As `validate_bundle` says.
        UnknownResource, UnknownElement, InvalidResource, ResourceTooDeep: As `validate` says.
    """
    value = received.value
    if type(value) is dict and value.get("resourceType") == "Bundle":
        yield from validate_bundle(value, release, received.place)
    else:
        yield validate(value, release, received.place)


def validate_bundle(bundle: dict[str, Any], release: Release, place: str = "") -> list[Checked]:
    """Check a Bundle and everything in it; nothing is returned unless all of it is right.

    Args:
        bundle: As `reading.parse` reads it.
        release: Release of FHIR whose definitions hold.
        place: Where it came from; it begins the message of an error.

    Returns:
        The resources of its entries, in their order.

    Raises:
        TooManyEntries: It has more than `ENTRIES_MAX` entries.
        BadBundle: Two entries have one `fullUrl` and one version, or an entry is no object.
        BrokenReference: A reference points to no entry where it must, or to another type.
        UnknownResource, UnknownElement, InvalidResource, ResourceTooDeep: As `validate` says.
    """
    entries = bundle.get("entry", [])
    if type(entries) is not list or not all(type(entry) is dict for entry in entries):
        raise BadBundle(_at(place, "Bundle.entry: a list of objects is expected"))
    if len(entries) > ENTRIES_MAX:
        message = f"Bundle.entry: {len(entries)} entries, at most {ENTRIES_MAX} are read"
        raise TooManyEntries(_at(place, message), instance=place or None)
    validate(_without_resources(bundle, entries), release, place)
    checked: list[Checked | None] = []
    for index, entry in enumerate(entries):
        where = _at(place, f"Bundle.entry[{index}]")
        held = "resource" in entry
        checked.append(validate(entry["resource"], release, where) if held else None)
    _check_references(bundle, entries, checked, place)
    return [one for one in checked if one is not None]


def _without_resources(bundle: dict[str, Any], entries: list[dict[str, Any]]) -> dict[str, Any]:
    if not entries:
        return bundle
    bare = [
        {name: item for name, item in entry.items() if name != "resource"} or {"id": "bare"}
        for entry in entries
    ]
    return {**bundle, "entry": bare}


def _check_references(
    bundle: dict[str, Any],
    entries: list[dict[str, Any]],
    checked: list[Checked | None],
    place: str,
) -> None:
    types = _types_by_url(entries, checked, place)
    must_resolve = bundle.get("type") in _SELF_CONTAINED
    for index, (entry, one) in enumerate(zip(entries, checked, strict=True)):
        if one is None:
            continue
        base = _REST_URL(entry.get("fullUrl", ""))
        for found in one.references:
            url = _absolute(found, base[1] if base else None)
            if url is None:
                continue
            held = types.get(url.split("/_history/")[0])
            where = f"Bundle.entry[{index}]: {found.path}"
            if held is None and (url.startswith(_INTERNAL) or must_resolve):
                message = f"{where}: no entry has this fullUrl"
            elif held is not None and found.targets is not None and held not in found.targets:
                message = f"{where}: it points to a {held}, expected {_either(found.targets)}"
            else:
                continue
            error = BrokenReference(_at(place, message), instance=place or None)
            error.details["path"] = f"Bundle.entry[{index}].resource.{found.path}"
            raise error


def _types_by_url(
    entries: list[dict[str, Any]], checked: list[Checked | None], place: str
) -> dict[str, str]:
    """Name the type under each `fullUrl` (rule bdl-7: one version of it once)."""
    types: dict[str, str] = {}
    seen: set[tuple[str, object]] = set()
    for index, (entry, one) in enumerate(zip(entries, checked, strict=True)):
        url = entry.get("fullUrl")
        if url is None or one is None:
            continue
        version = one.resource.get("meta", {}).get("versionId")
        if (url, version) in seen:
            message = f"Bundle.entry[{index}].fullUrl: an entry before it has the same one"
            raise BadBundle(_at(place, message), instance=place or None)
        seen.add((url, version))
        types[url] = one.type_name
    return types


def _absolute(found: Reference, base: str | None) -> str | None:
    """Return the URL that a reference stands for; nothing where it may point outside."""
    text = found.text
    if text.startswith(_INTERNAL):
        return text.split("#")[0]
    if base and _RELATIVE(text):
        return base + text
    return None


def _either(targets: frozenset[str]) -> str:
    return " or ".join(sorted(targets))


def _at(place: str, message: str) -> str:
    return f"{place}: {message}" if place else message
