"""Commit to the fields of a record one by one, so that single ones can be shown and no others.

A field is a place in the resource (a JSON pointer, RFC 6901) and its value in canonical form; facts
about the record stand beside them under names that begin with `@`. Each is a salted leaf of a tree
(RFC 9162); its root and the record's entry make one more entry for the log. The salts come from the
record's own salt: who can open the record can check the tree, and erasing the record's salt leaves
leaves that nobody can guess. Specified in `docs/reference/health-access.md`, section 6.

>>> from trine.model.hashing import Suite
>>> facts = Facts("4.0", "Patient", "", "hospital")
>>> fields = Fields.of(facts, b'{"active":true}', bytes(32), Digest(bytes(32)), Suite.INTL)
>>> shown = fields.disclose(["@type"])
>>> check_fields(shown, Suite.INTL).values
{'@type': '"Patient"'}
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

from trine.apps.health.canonical import canonical
from trine.apps.health.limits import FIELDS_MAX
from trine.apps.health.reading import parse
from trine.apps.health.sealing import Facts, OpenedRecord
from trine.errors import BadArgument
from trine.errors.health import DisclosureMismatch
from trine.errors.services import TreeMismatch
from trine.model.hashing import Suite, tagged_hash, under
from trine.model.identifiers import Digest
from trine.services.evidence import tree
from trine.services.evidence.tree import FUNCTIONS

VERSION: Final = 1
"""Version of the form; it stands in the entry."""
CUSTODIAN, TYPE, RELEASE, MONTH = "@custodian", "@type", "@fhirVersion", "@month"
"""Names of the facts beside the fields."""
_SEED_TAG: Final = "trine/health-fields-seed"
_SALT_TAG: Final = "trine/health-field-salt"
_LEAF_TAG: Final = "trine/health-field"
_ENTRY_TAG: Final = "trine/health-fields"
_DATES: Final = (
    "effectiveDateTime", "effectivePeriod", "performedDateTime", "performedPeriod", "period",
    "occurrenceDateTime", "billablePeriod", "authoredOn", "recordedDate", "onsetDateTime",
    "started", "issued", "date", "created", "dateTime", "recorded", "actualPeriod",
)  # fmt: skip
"""Elements that date a record, the one that says most about what happened first."""


class Shown(NamedTuple):
    """One field with what shows it.

    Attributes:
        leaf_index: Number of its leaf.
        path: Its place.
        value: Its value in canonical form.
        salt: Salt of the leaf.
        siblings: Hashes from leaf to root.
    """

    leaf_index: int
    path: str
    value: str
    salt: bytes
    siblings: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Some fields of one record."""

    record: Digest
    """Entry of the record."""
    count: int
    """Fields of the record."""
    fields: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one record, each with its salt."""

    suite: Suite
    record: Digest
    names: tuple[str, ...]
    values: tuple[str, ...]
    salts: tuple[bytes, ...]

    @classmethod
    def of(cls, facts: Facts, resource: bytes, salt: bytes, record: Digest, suite: Suite) -> Self:
        """Take a record apart.

        Args:
            facts: Its public facts.
            resource: The resource in canonical form.
            salt: The record's salt.
            record: Its entry.
            suite: Suite of the chain.

        Raises:
            BadArgument: It has more than `FIELDS_MAX` fields.
        """
        content = parse(resource)
        beside = {
            CUSTODIAN: facts.custodian,
            TYPE: facts.type_name,
            RELEASE: facts.release,
            MONTH: month_of_record(content),
        }
        listed = [*_leaves(beside, ""), *sorted(_leaves(content, ""))]
        if len(listed) > FIELDS_MAX:
            raise BadArgument(f"a record of {len(listed)} fields, at most {FIELDS_MAX}")
        with under(suite):
            seed = tagged_hash(_SEED_TAG, salt)
            salts = [tagged_hash(_SALT_TAG, seed, _u32(at)) for at in range(len(listed))]
        names = tuple(name.removeprefix("/") if name[1] == "@" else name for name, _ in listed)
        return cls(suite, record, names, tuple(value for _, value in listed), tuple(salts))

    @classmethod
    def of_opened(cls, opened: OpenedRecord, suite: Suite) -> Self:
        """Take a record apart that somebody opened."""
        return cls.of(opened.facts, opened.resource, opened.salt, opened.entry, suite)

    @property
    def entry(self) -> Digest:
        """32 bytes for the log, beside the entry of the record."""
        return fields_entry(self.record, len(self.names), self._levels()[-1][0], self.suite)

    def disclose(self, names: Iterable[str]) -> Disclosure:
        """Show some fields.

        Args:
            names: Their places, such as `@type` or `/code/coding/0/code`.

        Raises:
            BadArgument: The record has no such field.
        """
        levels, shown = self._levels(), []
        for name in names:
            if name not in self.names:
                raise BadArgument(f"the record has no field {name}")
            at = self.names.index(name)
            path = _path(levels, at)
            shown.append(Shown(at, name, self.values[at], self.salts[at], path))
        return Disclosure(self.record, len(self.names), tuple(shown))

    def _levels(self) -> list[list[bytes]]:
        leaves = [
            leaf_of(salt, name, value, self.suite)
            for salt, name, value in zip(self.salts, self.names, self.values, strict=True)
        ]
        function = FUNCTIONS[self.suite]
        levels: list[list[bytes]] = [list(tree.leaf_hashes(function, leaves))]
        while len(levels[-1]) > 1:
            below = levels[-1]
            above = list(tree.parents(function, below))
            levels.append(above + below[len(above) * 2 :])
        return levels


def leaf_of(salt: bytes, name: str, value: str, suite: Suite) -> Digest:
    """Return what the tree holds of a field, before the hash of the leaf."""
    content = name.encode()
    with under(suite):
        return tagged_hash(_LEAF_TAG, salt, _u32(len(content)), content, value.encode())


def fields_entry(record: Digest, count: int, root: bytes, suite: Suite) -> Digest:
    """Return the entry that commits to a record's fields."""
    with under(suite):
        return tagged_hash(_ENTRY_TAG, bytes([VERSION]), record, _u32(count), root)


class CheckedFields(NamedTuple):
    """What a disclosure shows, if the log holds its entry.

    Attributes:
        values: The fields' values in canonical form, by their places.
        entry: Entry of the fields that the log must hold.
    """

    values: dict[str, str]
    entry: Digest


def check_fields(shown: Disclosure, suite: Suite) -> CheckedFields:
    """Check that fields are those of one tree; that the log holds its entry is yet to be checked.

    Args:
        shown: What was shown.
        suite: Suite of the chain.

    Raises:
        DisclosureMismatch: They are not, or one is there twice.
    """
    roots, function = set(), FUNCTIONS[suite]
    for field in shown.fields:
        leaf = leaf_of(field.salt, field.path, field.value, suite)
        try:
            hashed = tree.leaf_hashes(function, [leaf])[0]
            at = field.leaf_index, shown.count, field.siblings
            roots.add(bytes(tree.inclusion_root(function, hashed, *at)))
        except TreeMismatch as error:
            raise DisclosureMismatch(str(error)) from None
    values = {field.path: field.value for field in shown.fields}
    if len(roots) != 1 or len(values) != len(shown.fields):
        raise DisclosureMismatch("the fields are not those of one record, each once")
    return CheckedFields(values, fields_entry(shown.record, shown.count, roots.pop(), suite))


def date_of_record(resource: dict[str, Any]) -> str:
    """Return what dates a resource, to the day where it says one; empty where nothing does."""
    for name in _DATES:
        found = resource.get(name)
        if type(found) is dict:
            found = found.get("start", found.get("end"))
        if type(found) is str and len(found) >= len("2026-11"):
            return found[: len("2026-11-27")]
    return ""


def month_of_record(resource: dict[str, Any]) -> str:
    """Return the month that dates a resource, such as `2026-11`; empty where none does."""
    return date_of_record(resource)[: len("2026-11")]


def codings_of(value: Any) -> Iterator[str]:
    """List the `system|code` of every Coding inside a resource."""
    if type(value) is dict:
        system, code = value.get("system"), value.get("code")
        if type(system) is str and type(code) is str:
            yield f"{system}|{code}"
        for one in value.values():
            yield from codings_of(one)
    elif type(value) is list:
        for one in value:
            yield from codings_of(one)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if type(value) is dict:
        for name, one in value.items():
            escaped = name.replace("~", "~0").replace("/", "~1")
            yield from _leaves(one, f"{path}/{escaped}")
    elif type(value) is list:
        for at, one in enumerate(value):
            yield from _leaves(one, f"{path}/{at}")
    else:
        yield path, canonical(value).decode()


def _path(levels: Sequence[Sequence[bytes]], index: int) -> tuple[bytes, ...]:
    """Return the siblings of a leaf; a last one without a sibling moves up as it is."""
    path = []
    for level in levels[:-1]:
        if (beside := index ^ 1) < len(level):
            path.append(level[beside])
        index //= 2
    return tuple(path)


def _u32(number: int) -> bytes:
    return number.to_bytes(4, "big")
