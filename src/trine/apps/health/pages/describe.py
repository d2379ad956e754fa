"""Make a record readable: its name, code, value, unit and date, by its type.

What is not named here is in the whole record, which the page shows too. Nothing of a record is
markup here or on the page: texts are escaped where they are written.

>>> described = describe({
...     "resourceType": "Observation", "code": {"text": "Weight"},
...     "valueQuantity": {"value": 81, "unit": "kg"}, "effectiveDateTime": "2026-11-27",
... })
>>> described.title, described.when, described.lines[0].name, described.lines[0].texts
('Weight', '2026-11-27', 'result', ('81 kg',))
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

LINES_MAX: Final = 60
"""Lines of one record on its page; the whole record has the rest."""
TEXT_CHARACTERS_MAX: Final = 2_000
"""Characters of one text on the page."""
_NAMES: Final = {
    "http://loinc.org": "LOINC",
    "http://snomed.info/sct": "SNOMED CT",
    "http://hl7.org/fhir/sid/icd-10": "ICD-10",
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD-10-CM",
    "http://www.whocc.no/atc": "ATC",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RxNorm",
    "http://hl7.org/fhir/sid/cvx": "CVX",
}
"""Short names of code systems."""
WHEN: Final = (
    "effectiveDateTime", "effectivePeriod", "performedDateTime", "performedPeriod", "period",
    "occurrenceDateTime", "billablePeriod", "authoredOn", "onsetDateTime", "recordedDate",
    "started", "issued", "date", "created", "dateTime", "recorded",
)  # fmt: skip
"""Elements that say when a record is of; the first that it has."""


class Line(NamedTuple):
    """One fact of a record.

    Attributes:
        name: Name of its label; empty where `label` is the label.
        texts: What it says.
        label: Label that the record itself gives, such as the part of a panel.
        kind: `code` of a state, `when`, or empty for plain text.
    """

    name: str
    texts: tuple[str, ...]
    label: str = ""
    kind: str = ""


class Described(NamedTuple):
    """A record for people.

    Attributes:
        title: What it is about.
        codes: Its codes, such as `LOINC 29463-7`.
        when: Date or time of FHIR, empty where it has none.
        lines: Its facts.
    """

    title: str
    codes: tuple[str, ...]
    when: str
    lines: tuple[Line, ...]


def describe(resource: dict[str, Any]) -> Described:
    """Describe a resource as `reading.parse` reads it, valid or not."""
    about = next(filter(None, (_text(resource.get(name)) for name in _ABOUT)), "")
    lines = [line for line in _lines(resource) if any(line.texts)]
    titled = about or _names(resource) or str(resource.get("resourceType", ""))
    codes, first = tuple(_codes(resource)), tuple(lines[:LINES_MAX])
    return Described(_cut(titled), codes, when_of(resource), first)


def when_of(resource: dict[str, Any]) -> str:
    """Return the date or time of a resource, empty where it has none."""
    for name in WHEN:
        found = resource.get(name)
        if isinstance(found, dict):
            found = found.get("start") or found.get("end")
        if isinstance(found, str) and found:
            return found
    return ""


_ABOUT: Final = ("code", "medicationCodeableConcept", "vaccineCode", "type", "class")


def _lines(resource: dict[str, Any]) -> Iterator[Line]:
    yield Line("result", tuple(_values(resource)))
    for part in _dicts(resource.get("component")):
        yield Line("", tuple(_values(part)), _text(part.get("code")))
    for name, element, read, kind in _FACTS:
        found = resource.get(element)
        values = found if isinstance(found, list) else [found]
        texts = tuple(filter(None, map(_cut, map(read, values))))
        yield Line(name, texts, kind=kind)
    for element in ("performedPeriod", "period", "effectivePeriod"):
        period = resource.get(element)
        if isinstance(period, dict):
            yield Line("begin", (_plain(period.get("start")),), kind="when")
            yield Line("end", (_plain(period.get("end")),), kind="when")


def _values(holder: dict[str, Any]) -> Iterator[str]:
    """Read `value[x]`."""
    for name, value in holder.items():
        if name.startswith("value") and name[5:6].isupper():
            yield _cut(_text(value) or _quantity(value) or _plain(value))


def _text(value: Any) -> str:
    """Read a CodeableConcept or Coding."""
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, dict):
        return ""
    if isinstance(value.get("text"), str):
        return str(value["text"])
    for coding in (value, *_dicts(value.get("coding"))):
        shown = coding.get("display") or coding.get("code") if "value" not in coding else None
        if isinstance(shown, str):
            return shown
    return ""


def _codes(resource: dict[str, Any]) -> Iterator[str]:
    for name in _ABOUT:
        for holder in (resource.get(name), *_dicts(resource.get(name))):
            if isinstance(holder, dict):
                for coding in _dicts(holder.get("coding")):
                    system, code = str(coding.get("system", "")), coding.get("code")
                    if isinstance(code, str):
                        yield _cut(f"{_NAMES.get(system, '')} {code}".strip())


def _quantity(value: Any) -> str:
    """Read a quantity, money or range with the digits that it was written with."""
    if not isinstance(value, dict):
        return ""
    if "low" in value or "high" in value:
        return "–".join(_quantity(value.get(name)) for name in ("low", "high")).strip("–")
    unit = value.get("unit") or value.get("currency") or value.get("code") or ""
    amount = value.get("value")
    return f"{value.get('comparator', '')}{amount} {unit}".strip() if amount is not None else ""


def _plain(value: Any) -> str:
    if isinstance(value, dict | list) or value is None:
        return ""
    return {True: "yes", False: "no"}.get(value, "") if type(value) is bool else str(value)


def _shown(value: Any) -> str:
    """Read a reference, identifier, name, address, note or dose by the text that it has."""
    if not isinstance(value, dict):
        return _plain(value)
    for name in ("text", "display", "value", "reference"):
        if isinstance(value.get(name), str):
            return str(value[name])
    parts = [*_list(value.get("line")), value.get("city"), value.get("state"), value.get("country")]
    return ", ".join(str(one) for one in parts if isinstance(one, str))


def _performer(value: Any) -> str:
    actor = value.get("actor") if isinstance(value, dict) else None
    return _shown(actor if isinstance(actor, dict) else value)


def _range(value: Any) -> str:
    return _shown(value) or _quantity(value)


def _named(value: Any) -> str:
    """Read a HumanName, or the name of an organisation."""
    if not isinstance(value, dict) or isinstance(value.get("text"), str):
        return _shown(value)
    given = [one for one in _list(value.get("given")) if isinstance(one, str)]
    return " ".join([*given, str(value.get("family", ""))]).strip()


def _names(resource: dict[str, Any]) -> str:
    found = resource.get("name")
    first = found[0] if isinstance(found, list) and found else found
    return _named(first)


_FACTS: Final[tuple[tuple[str, str, Callable[[Any], str], str], ...]] = (
    ("name", "name", _named, ""),
    ("birth_date", "birthDate", _plain, "when"),
    ("died", "deceasedDateTime", _plain, "when"),
    ("gender", "gender", _plain, "code"),
    ("status", "status", _plain, "code"),
    ("status", "clinicalStatus", _text, "code"),
    ("verification", "verificationStatus", _text, "code"),
    ("category", "category", _text, ""),
    ("severity", "severity", _text, ""),
    ("interpretation", "interpretation", _text, ""),
    ("range", "referenceRange", _range, ""),
    ("dose", "dosageInstruction", _shown, ""),
    ("quantity", "doseQuantity", _quantity, ""),
    ("body_site", "bodySite", _text, ""),
    ("method", "method", _text, ""),
    ("reason", "reasonCode", _text, ""),
    ("conclusion", "conclusion", _plain, ""),
    ("end", "abatementDateTime", _plain, "when"),
    ("total", "total", _quantity, ""),
    ("insurer", "insurer", _shown, ""),
    ("performer", "performer", _performer, ""),
    ("performer", "requester", _shown, ""),
    ("place", "serviceProvider", _shown, ""),
    ("identifier", "identifier", _shown, ""),
    ("telecom", "telecom", _shown, ""),
    ("address", "address", _shown, ""),
    ("note", "note", _shown, ""),
)
"""Label, element, how it is read, and kind of each fact."""


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in _list(value) if isinstance(one, dict)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _cut(text: str) -> str:
    is_long = len(text) > TEXT_CHARACTERS_MAX
    return text[: TEXT_CHARACTERS_MAX - 1] + "…" if is_long else text
