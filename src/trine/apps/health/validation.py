"""Check FHIR resources against their definitions, and name each place that breaks them.

Beyond `definitions.py`: no empty objects and lists, nulls only where the extensions of a list's
primitive values need them (FHIR JSON format, section 2.6.2), references into the same resource
resolve, and a reference that names a type names one that its element allows. Problems never show
a value.

>>> from trine.apps.health.definitions import Release
>>> patient = {"resourceType": "Patient", "birthDate": "1970-03", "name": [{"familly": "X"}]}
>>> validate(patient, Release.R4)
Traceback (most recent call last):
    ...
trine.errors.health.UnknownElement: Patient.name[0].familly: no such element
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from trine.apps.health.definitions import Element, Release, Shape, resource_shape
from trine.apps.health.limits import NESTING_MAX, PROBLEMS_MAX
from trine.errors.health import (
    BrokenReference,
    InvalidResource,
    ResourceTooDeep,
    UnknownElement,
    UnknownResource,
)

_RELATIVE: Final = re.compile(r"([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(/_history/.+)?").fullmatch
_REFERENCE: Final = "Reference"


_Path = tuple[Any, object]
"""A path as a chain: the one above, and a name or an index; written out for a problem only."""


def _write(path: _Path | None) -> str:
    parts: list[str] = []
    while path is not None:
        path, part = path
        parts.append(f"[{part}]" if type(part) is int else f".{part}")
    return "".join(reversed(parts)).removeprefix(".")


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference that a resource holds."""

    chain: _Path
    text: str
    """What it says, such as `Patient/7` or `urn:uuid:…`."""
    targets: frozenset[str] | None
    """Types that it may point to; nothing where it may be any."""

    @property
    def path(self) -> str:
        """Where it stands, such as `Observation.subject.reference`."""
        return _write(self.chain)


@dataclass(frozen=True, slots=True)
class Checked:
    """A resource that keeps its definition."""

    type_name: str
    resource: dict[str, Any]
    references: tuple[Reference, ...]
    """References of the resource and of what it contains."""


def validate(resource: Any, release: Release, place: str = "") -> Checked:
    """Check a resource.

    Args:
        resource: As `reading.parse` reads it: decimals are `Decimal`.
        release: Release of FHIR whose definitions hold.
        place: Where it came from, such as `line 7`; it begins the message.

    Raises:
        UnknownResource: It has no `resourceType` of this release, or something in it has not.
        UnknownElement: It has elements that its definition lacks, and breaks nothing else.
        InvalidResource: It breaks its definition otherwise.
        BrokenReference: A reference within it, and nothing else, is broken.
        ResourceTooDeep: Objects lie deeper inside each other than `NESTING_MAX`.
    """
    walk = _Walk(release)
    if type(resource) is not dict:
        raise UnknownResource(_at(place, "a resource is a JSON object"), instance=place or None)
    try:
        shape = resource_shape(release, resource.get("resourceType"))
    except UnknownResource as error:
        raise UnknownResource(_at(place, str(error)), instance=place or None) from None
    walk.object(resource, shape, (None, shape.name), 1)
    walk.check_local_references(resource)
    if walk.problems:
        raise walk.refusal(place)
    return Checked(shape.name, resource, tuple(walk.references))


def _at(place: str, message: str) -> str:
    return f"{place}: {message}" if place else message


_Kind = type[UnknownElement | UnknownResource | InvalidResource | BrokenReference]


@dataclass(slots=True)
class _Walk:
    """One walk through a resource, with what it found."""

    release: Release
    problems: list[tuple[_Kind, str, str]] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    local: list[Reference] = field(default_factory=list)
    """References into the resource at hand, such as `#1`."""

    def problem(self, path: _Path, text: str, kind: _Kind = InvalidResource) -> None:
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append((kind, _write(path), text))

    def refusal(self, place: str) -> UnknownElement | UnknownResource | InvalidResource | Any:
        """Make the error of what was found."""
        kinds = {kind for kind, _, _ in self.problems}
        kind = kinds.pop() if len(kinds) == 1 else InvalidResource
        text = "; ".join(f"{path}: {text}" for _, path, text in self.problems)
        error = kind(_at(place, text), instance=place or None)
        error.details["problems"] = [
            {"code": kind.code, "path": path, "problem": text} for kind, path, text in self.problems
        ]
        return error

    def object(self, value: Any, shape: Shape, path: _Path, depth: int) -> None:
        """Check an object against its definition."""
        if type(value) is not dict:
            self.problem(path, "an object is expected")
            return
        if not value:
            self.problem(path, "an object is never empty")
            return
        if depth > NESTING_MAX:
            message = f"{_write(path)}: objects lie deeper than {NESTING_MAX} inside each other"
            raise ResourceTooDeep(message)
        elements = shape.elements
        for name, item in value.items():
            element = elements.get(name)
            if element is not None:
                self.item(item, element, value, (path, name), depth)
            elif name != "resourceType" or not shape.is_resource:
                self.problem((path, _shown(name)), "no such element", UnknownElement)
        for name in shape.required:
            if name not in value and not _is_explained(value.get(f"_{name}")):
                self.problem((path, name), "is missing")
        for name, must, names in shape.choices:
            count = sum(one in value for one in names)
            if count > 1:
                self.problem((path, f"{name}[x]"), "at most one of the choices may be there")
            elif must and not count and not any(_is_explained(value.get(f"_{n}")) for n in names):
                self.problem((path, f"{name}[x]"), "is missing")

    def item(
        self, item: Any, element: Element, parent: dict[str, Any], path: _Path, depth: int
    ) -> None:
        """Check what stands under a name."""
        check = element.check
        if not element.is_list:
            if check is None:
                self.nested(item, element, path, depth)
            elif (wrong := check(item)) is not None:
                self.problem(path, wrong)
            return
        if type(item) is not list or not item:
            self.problem(path, "a list that is not empty is expected")
            return
        if check is None and not element.is_companion:
            for index, one in enumerate(item):
                self.nested(one, element, (path, index), depth)
            return
        self.aligned(item, element, parent, path, depth)

    def aligned(
        self, items: list[Any], element: Element, parent: dict[str, Any], path: _Path, depth: int
    ) -> None:
        """Check a list of primitive values, or that of their extensions, each beside the other."""
        other = parent.get(element.name[1:] if element.is_companion else f"_{element.name}")
        others = other if type(other) is list else [None] * len(items)
        if len(others) != len(items):
            self.problem(path, "values and their extensions are not equally many")
            return
        for index, (one, beside) in enumerate(zip(items, others, strict=True)):
            if one is None:
                if beside is None:
                    self.problem((path, index), "null stands only beside an extension")
            elif element.check is None:
                self.nested(one, element, (path, index), depth)
            elif (wrong := element.check(one)) is not None:
                self.problem((path, index), wrong)

    def nested(self, value: Any, element: Element, path: _Path, depth: int) -> None:
        """Check an object inside another."""
        shape = element.shape or element.resolve()
        if element.type_name != "Resource":
            self.object(value, shape, path, depth + 1)
            if element.type_name == _REFERENCE:
                self.reference(value, element.targets, path)
            return
        try:
            shape = resource_shape(
                self.release, value.get("resourceType") if type(value) is dict else None
            )
        except UnknownResource as error:
            self.problem(path, str(error), UnknownResource)
            return
        if element.name == "contained":
            self.object(value, shape, path, depth + 1)
            return
        above, self.local = self.local, []
        self.object(value, shape, path, depth + 1)
        self.check_local_references(value)
        self.local = above

    def reference(self, value: Any, targets: frozenset[str] | None, path: _Path) -> None:
        """Remember a reference; one that names a type names one that its element allows."""
        text = value.get("reference") if type(value) is dict else None
        if type(text) is not str:
            return
        named = _RELATIVE(text) if targets else None
        if targets and named and named[1] not in targets:
            self.problem(path, f"a reference to one of {', '.join(sorted(targets))} is expected")
        found = Reference((path, "reference"), text, targets)
        self.references.append(found)
        if text.startswith("#"):
            self.local.append(found)

    def check_local_references(self, resource: dict[str, Any]) -> None:
        """Check that each `#id` is the id of a contained resource; `#` is the resource itself."""
        if not self.local:
            return
        contained = resource.get("contained")
        held = contained if type(contained) is list else []
        ids = {f"#{one.get('id')}" for one in held if type(one) is dict} | {"#"}
        for found in self.local:
            if found.text not in ids:
                text = "the resource contains nothing with this id"
                self.problem(found.chain, text, BrokenReference)


_NAME: Final = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,63}").fullmatch


def _shown(name: str) -> str:
    """Name an unknown element; one that looks like no element's name may be a value: it is not."""
    return name if _NAME(name) else "…"


def _is_explained(companion: Any) -> bool:
    """Say whether an extension stands for a value that is missing (R4, section 2.4)."""
    return type(companion) is dict and bool(companion.get("extension"))
