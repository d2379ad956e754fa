"""Find out whose record a FHIR resource is.

A record belongs to the patient whom it names: by its `subject`, `patient` or `beneficiary`, or by
any other reference of its own. One that names no patient (an organisation, a medication) is the
hospital's own. Patients are named by their logical ids, which are the hospital's own ids.

>>> from trine.apps.health.definitions import Release
>>> from trine.apps.health.validation import validate
>>> patient = {"resourceType": "Patient", "id": "p-1", "active": True}
>>> whose(validate(patient, Release.R4), {})
'p-1'
>>> coverage = {"resourceType": "Basic", "code": {"text": "x"},
...     "subject": {"reference": "Patient/p-1"}}
>>> whose(validate(coverage, Release.R4), {})
'p-1'
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from trine.apps.health.validation import Checked, Reference

_OWN: Final = ("subject", "patient", "beneficiary")
"""Elements that say whose a record is, before all others."""
_PATIENT: Final = re.compile(
    r"(?:https?://.+/)?Patient/([A-Za-z0-9\-.]{1,64})(?:/_history/.+)?"
).fullmatch


def addresses(value: Any) -> dict[str, str]:
    """Name the patients of a Bundle by the addresses (`fullUrl`) of their entries.

    Args:
        value: A Bundle, or anything else, which has none.
    """
    found: dict[str, str] = {}
    if type(value) is not dict or value.get("resourceType") != "Bundle":
        return found
    for entry in value.get("entry", ()):
        resource, url = entry.get("resource", {}), entry.get("fullUrl")
        if url is not None and resource.get("resourceType") == "Patient":
            found[url] = resource.get("id") or url.rpartition("/")[2].rpartition(":")[2]
    return found


def whose(checked: Checked, known: Mapping[str, str]) -> str | None:
    """Return the id of the patient whose record it is; nothing where it is the hospital's own.

    Args:
        checked: The record.
        known: Ids of patients by addresses (`addresses`), for the Bundle that it came in.
    """
    if checked.type_name == "Patient":
        alone = next(iter(known.values())) if len(known) == 1 else None
        own: str | None = checked.resource.get("id", alone)
        return own
    named: list[tuple[str, str]] = []
    for reference in checked.references:
        id_ = _id_of(reference, known)
        if id_ is not None:
            named.append((reference.path, id_))
    for element in _OWN:
        begin = f"{checked.type_name}.{element}."
        for path, id_ in named:
            if path.startswith(begin):
                return id_
    return named[0][1] if named else None


def _id_of(reference: Reference, known: Mapping[str, str]) -> str | None:
    if reference.text in known:
        return known[reference.text]
    found = _PATIENT(reference.text)
    return found[1] if found else None
