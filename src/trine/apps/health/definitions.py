"""Compile FHIR's definitions into tables that a check walks quickly.

The definitions are those that the package `fhir.resources` generated from HL7's StructureDefinition
resources. Its models are read here once for each type; its own validation is not used at run time:
it takes strings for numbers, unknown codes and long ids, and half a millisecond a resource. The
tests hold the two together.

R4 is read with the definitions of R4B: R4B added resources and left those of the clinical,
administrative and financial modules as they were (hl7.org/fhir/R4B, "R4B explanation"). The types
that R4 does not have are left out; those that R4B removed are not known.

>>> shape = resource_shape(Release.R4, "Patient")
>>> shape.elements["birthDate"].type_name, shape.elements["name"].is_list
('date', True)
"""

import re
import typing
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from types import ModuleType, NoneType
from typing import Any, Final, Self

from fhir import resources as r5
from fhir.resources import R4B
from fhir_core.fhirabstractmodel import FHIRAbstractModel
from fhir_core.types import FhirBase

from trine.apps.health.primitives import CHECKS, Check, one_of
from trine.errors.health import UnknownResource


class Release(StrEnum):
    """Release of FHIR, as `fhirVersion` of a media type writes it (R5, section 2.1.0.13)."""

    R4 = "4.0"
    R4B = "4.3"
    R5 = "5.0"


NEW_IN_R4B: Final = frozenset({
    "AdministrableProductDefinition",
    "Citation",
    "ClinicalUseDefinition",
    "EvidenceReport",
    "Ingredient",
    "ManufacturedItemDefinition",
    "MedicinalProductDefinition",
    "NutritionProduct",
    "PackagedProductDefinition",
    "RegulatedAuthorization",
    "SubscriptionStatus",
    "SubscriptionTopic",
    "SubstanceDefinition",
})  # fmt: skip
"""Resource types of R4B that R4 does not have (hl7.org/fhir/R4B, version history)."""
_NO_ELEMENTS: Final = frozenset({"fhir_comments", "resource_type"})
"""Fields of the package's models that FHIR JSON does not have."""
_ABSTRACT: Final = frozenset(
    {"Resource", "DomainResource", "CanonicalResource", "MetadataResource"}
)
_PACKAGES: Final[dict[Release, ModuleType]] = {
    Release.R4: R4B,
    Release.R4B: R4B,
    Release.R5: r5,
}
_TYPE_NAME: Final = re.compile(r"[A-Z][A-Za-z]{1,63}").fullmatch
_BY_TYPE: Final = {bool: "boolean", str: "string"}
_BY_MARK: Final = {"UuidVersion": "uuid", "Base64Binary": "base64Binary"}


@dataclass(slots=True)
class Element:
    """An element of a definition: what may stand under its name."""

    name: str
    """Name in JSON."""
    type_name: str
    """FHIR type; `Resource` for any resource."""
    is_list: bool
    check: Check | None = None
    """Check of a primitive value; nothing for objects."""
    targets: frozenset[str] | None = None
    """Types that a reference may point to; nothing where it may be any."""
    is_companion: bool = False
    """Whether it is `_x`: id and extensions of the primitive element `x`."""
    model: type[FhirBase] | None = None
    shape: "Shape | None" = None
    """Definition of an object; read at its first use, because definitions are circular."""

    def resolve(self) -> "Shape":
        """Return the definition of the objects of this element."""
        if self.shape is None:
            assert self.model is not None, f"{self.name} is primitive"
            self.shape = _shape_of(self.model.get_model_klass())
        return self.shape


@dataclass(slots=True)
class Shape:
    """The definition of a type: its elements, and which must be there."""

    name: str
    is_resource: bool
    elements: dict[str, Element] = field(default_factory=dict)
    """Elements by their names in JSON, with those of primitive elements' extensions."""
    required: tuple[str, ...] = ()
    """Names of elements that must be there; primitive ones may have an extension instead."""
    choices: tuple[tuple[str, bool, tuple[str, ...]], ...] = ()
    """Elements of which one at most may be there: name, whether one must, their names."""


def resource_shape(release: Release, type_name: object) -> Shape:
    """Return the definition of a resource type.

    Args:
        release: Release of FHIR.
        type_name: What stands under `resourceType`.

    Raises:
        UnknownResource: The release has no such resource type.
    """
    found = _find(release, type_name) if type(type_name) is str else None
    if found is None:
        shown = type_name if type(type_name) is str and _TYPE_NAME(type_name) else "this"
        raise UnknownResource(f"{shown} is no resource type of FHIR {release.name}")
    return found


def resource_types(release: Release) -> list[str]:
    """List the resource types of a release, in order."""
    from_names = (name.removesuffix("Type") for name in vars(_types(release)))
    return sorted(name for name in from_names if _find(release, name))


def check_type(type_name: str) -> None:
    """Check that some release of FHIR has a resource type.

    Raises:
        UnknownResource: None has it.
    """
    if not any(_find(release, type_name) for release in Release):
        shown = type_name if _TYPE_NAME(type_name) else "this"
        raise UnknownResource(f"{shown} is no resource type of FHIR R4, R4B or R5")


def _types(release: Release) -> Any:
    package = _PACKAGES[release]
    return __import__(f"{package.__name__}.fhirtypes", fromlist=["fhirtypes"])


_FOUND: Final[dict[tuple[Release, str], Shape]] = {}


def _find(release: Release, name: str) -> Shape | None:
    """Find a resource type; only found ones are remembered, so that no input fills memory."""
    known = _FOUND.get((release, name))
    if known is not None:
        return known
    if not _TYPE_NAME(name) or name in _ABSTRACT or (release is Release.R4 and name in NEW_IN_R4B):
        return None
    kind = getattr(_types(release), f"{name}Type", None)
    if not (isinstance(kind, type) and issubclass(kind, FhirBase)):
        return None
    model = kind.get_model_klass()
    if not model.has_resource_base():
        return None
    return _FOUND.setdefault((release, name), _shape_of(model))


@cache
def _shape_of(model: type[FHIRAbstractModel]) -> Shape:
    shape = Shape(model.get_resource_type(), model.has_resource_base())
    required: list[str] = []
    choices: dict[str, tuple[bool, tuple[str, ...]]] = {}
    for python_name, info in model.model_fields.items():
        name = info.alias or python_name
        extra: Any = info.json_schema_extra or {}
        is_companion = name.startswith("_")
        if name in _NO_ELEMENTS:
            continue
        shape.elements[name] = _element(name, info.annotation, extra, is_companion)
        if info.is_required() or extra.get("element_required"):
            required.append(name)
        if choice := extra.get("one_of_many"):
            must, names = choices.get(choice, (False, ()))
            must = must or extra["one_of_many_required"]
            choices[choice] = (must, (*names, name))
    shape.required = tuple(required)
    shape.choices = tuple((name, must, names) for name, (must, names) in choices.items())
    return shape


@dataclass(frozen=True)
class _Type:
    """What an annotation of a model says."""

    name: str = ""
    is_list: bool = False
    model: type[FhirBase] | None = None

    @classmethod
    def read(cls, annotation: Any) -> Self:
        """Take an annotation apart: optional, list, and the type inside."""
        origin = typing.get_origin(annotation)
        if origin is typing.Annotated:
            marks = [type(mark).__name__ for mark in annotation.__metadata__]
            known = [_BY_MARK.get(mark, mark[0].lower() + mark[1:]) for mark in marks]
            return cls(next(name for name in reversed(known) if name in CHECKS))
        arguments = [one for one in typing.get_args(annotation) if one is not NoneType]
        if origin is list:
            return cls(**{**vars(cls.read(arguments[0])), "is_list": True})
        if arguments:
            return cls.read(arguments[-1])
        if issubclass(annotation, FhirBase):
            return cls(model=annotation)
        return cls(_BY_TYPE[annotation])


def _element(name: str, annotation: Any, extra: Any, is_companion: bool) -> Element:
    found = _Type.read(annotation)
    if found.model is not None:
        type_name = found.model.__name__.removesuffix("Type")
        targets = frozenset(extra.get("enum_reference_types", ()))
        named = targets if targets and "Resource" not in targets else None
        return Element(name, type_name, found.is_list, None, named, is_companion, found.model)
    codes = extra.get("enum_values")
    check = one_of(codes) if codes and _is_whole(codes) else CHECKS[found.name]
    return Element(name, found.name, found.is_list, check)


def _is_whole(codes: list[str]) -> bool:
    """Say whether the package lists all codes of an element.

    A "+" at the end stands for more codes; media types are examples (extensible binding).
    """
    return "+" not in codes and not any("/" in code for code in codes)
