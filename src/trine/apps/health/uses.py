"""Compare a research project with the terms of DUO under which a patient's data may be used.

Source: GA4GH Data Use Ontology. A consent to research names at least one permission; one of its
permissions and all of its modifiers must be kept. Diseases are compared by their code alone: no
ontology of diseases is at hand, so a broader or narrower code is another one.

>>> study = ResearchUse("study-7", topics=frozenset({"health"}), is_commercial=False)
>>> allows({"DUO_0000006": "", "DUO_0000046": ""}, study, "", 0)
True
>>> allows({"DUO_0000006": "", "DUO_0000021": ""}, study, "", 0)
False
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from trine.apps.health.codes import USES, UseKind
from trine.errors import BadArgument
from trine.errors.health import BadHealthStatement
from trine.model.identifiers import Digest

TOPICS: Final = frozenset({"health", "ancestry", "methods", "other"})
"""What research is about: health and medicine, origins of populations, methods, anything else."""
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}").fullmatch
_TEXTS: Final = ("disease", "country", "institution", "ethics_approval", "ends_on")


@dataclass(frozen=True, slots=True)
class ResearchUse:
    """What a research project says of itself; whoever signs the request answers for it."""

    project: str
    topics: frozenset[str] = frozenset({"health"})
    """Of `TOPICS`; all of them must be allowed."""
    disease: str = ""
    """Code of the disease that is studied, such as `MONDO:0004992`."""
    is_genetic: bool = False
    is_commercial: bool = True
    is_for_profit: bool = True
    """Whether the organisation is one for profit."""
    country: str = ""
    """ISO 3166-1 alpha-2."""
    institution: str = ""
    ethics_approval: str = ""
    """Number of the approval."""
    ends_on: str = ""
    """Last day of use, such as `2027-12-31`."""
    promises: frozenset[str] = frozenset()
    """Terms of DUO that it will keep, with the value where one has it: `DUO_0000024=2027-01-01`."""

    def document(self) -> dict[str, Any]:
        """Return it for a signed request."""
        return {
            "project": self.project,
            "topics": sorted(self.topics),
            "isGenetic": self.is_genetic,
            "isCommercial": self.is_commercial,
            "isForProfit": self.is_for_profit,
            "promises": sorted(self.promises),
        } | {name: getattr(self, name) for name in _TEXTS if getattr(self, name)}

    @classmethod
    def read(cls, document: Any) -> "ResearchUse":
        """Read what `document` wrote.

        Raises:
            BadHealthStatement: It is nothing of the kind.
        """
        wrong = BadHealthStatement("a research use is not in the form that is read")
        if type(document) is not dict:
            raise wrong
        lists = [document.get(name) for name in ("topics", "promises")]
        flags = [document.get(name) for name in ("isGenetic", "isCommercial", "isForProfit")]
        texts = {name: document.get(name, "") for name in ("project", *_TEXTS)}
        if not all(type(one) is str for one in texts.values()) or not texts["project"]:
            raise wrong
        if not all(type(flag) is bool for flag in flags):
            raise wrong
        if not all(type(o) is list and all(type(text) is str for text in o) for o in lists):
            raise wrong
        topics, promises = (frozenset(one or []) for one in lists)
        if not topics or topics - TOPICS:
            raise wrong
        found = cls(
            topics=topics,
            is_genetic=flags[0] is True,
            is_commercial=flags[1] is True,
            is_for_profit=flags[2] is True,
            promises=promises,
            **texts,
        )
        if found.document() != document:
            raise wrong
        return found


def read_term(text: str) -> tuple[str, str]:
    """Read a term of DUO as people write it: its id or abbreviation, with a value where it has one.

    >>> read_term("HMB"), read_term("DUO_0000007=MONDO:0004992")
    (('DUO_0000006', ''), ('DUO_0000007', 'MONDO:0004992'))

    Raises:
        BadArgument: There is no such term, or its value is missing or one too many.
    """
    name, _, value = text.partition("=")
    term = next((id_ for id_, use in USES.items() if name in (id_, use.short)), None)
    if term is None:
        known = ", ".join(use.short for use in USES.values())
        raise BadArgument(f"{name[:40]!r} is no term of DUO: one of {known}, or its id")
    if USES[term].has_value != bool(value):
        wanted = f"{name}=VALUE" if USES[term].has_value else name
        raise BadArgument(f"{text[:80]!r}: expected {wanted} ({USES[term].label})")
    return term, value


class HasUse(Protocol):
    """A request that may be one for research."""

    @property
    def person(self) -> Digest:
        """Who asks."""

    @property
    def use(self) -> ResearchUse | None:
        """What the research is."""


def keeps_uses(uses: Mapping[str, str], request: HasUse, now_ms: int) -> bool:
    """Say whether a request for research keeps a consent's terms of DUO."""
    use = request.use
    return use is not None and allows(uses, use, request.person.hex(), now_ms)


def allows(uses: Mapping[str, str], use: ResearchUse, person: str, now_ms: int) -> bool:
    """Say whether a project keeps terms of DUO.

    Args:
        uses: Terms with their values.
        use: The project.
        person: Id of who asks, in hexadecimal.
        now_ms: Unix time in milliseconds.
    """
    permissions = [one for one in uses if USES[one].kind is UseKind.PERMISSION]
    if not any(_PERMISSIONS[one](use, uses[one]) for one in permissions):
        return False
    for term, value in uses.items():
        kind = USES[term].kind
        if kind is UseKind.RESTRICTION and not _is_kept(term, value, use, person, now_ms):
            return False
        promise = f"{term}={value}" if value else term
        if kind is UseKind.OBLIGATION and promise not in use.promises:
            return False
    return True


_PERMISSIONS: Final[dict[str, Callable[[ResearchUse, str], bool]]] = {
    "DUO_0000004": lambda _use, _value: True,
    "DUO_0000042": lambda _use, _value: True,
    "DUO_0000006": lambda use, _value: use.topics <= {"health"},
    "DUO_0000007": lambda use, value: use.topics <= {"health"} and use.disease == value,
    "DUO_0000011": lambda use, _value: use.topics <= {"ancestry"},
}

_RESTRICTIONS: Final[dict[str, Callable[[ResearchUse, str], bool]]] = {
    "DUO_0000012": lambda use, value: f"DUO_0000012={value}" in use.promises,
    "DUO_0000015": lambda use, _value: "methods" not in use.topics,
    "DUO_0000016": lambda use, _value: use.is_genetic,
    "DUO_0000018": lambda use, _value: not (use.is_commercial or use.is_for_profit),
    "DUO_0000021": lambda use, _value: bool(use.ethics_approval),
    "DUO_0000022": lambda use, value: use.country == value,
    "DUO_0000027": lambda use, value: use.project == value,
    "DUO_0000028": lambda use, value: use.institution == value,
    "DUO_0000043": lambda _use, _value: True,
    "DUO_0000044": lambda use, _value: "ancestry" not in use.topics,
    "DUO_0000045": lambda use, _value: not use.is_for_profit,
    "DUO_0000046": lambda use, _value: not use.is_commercial,
}


def _is_kept(term: str, value: str, use: ResearchUse, person: str, now_ms: int) -> bool:
    if term == "DUO_0000026":
        return person == value
    if term == "DUO_0000025":
        # Days compare as texts: both are of the form 2027-12-31.
        both = (use.ends_on, value)
        today = _day(now_ms)
        return all(map(_DATE, both)) and today <= value and use.ends_on <= value
    return _RESTRICTIONS[term](use, value)


def _day(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms // 1_000, UTC).date().isoformat()
