"""Read the header of a file of variants strictly: what each field of its lines must be.

Source: The Variant Call Format Specification, VCFv4.3 (GA4GH, hts-specs), sections 1.2 to 1.5.

>>> pairs("INFO", 'ID=DP,Number=1,Type=Integer,Description="Depth, raw"', 3)["Description"]
'Depth, raw'
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from trine.errors.health import InvalidVcf

FORMATS: Final = tuple(f"##fileformat=VCFv4.{minor}" for minor in (1, 2, 3))
"""First lines; all are read by the rules of 4.3."""
COLUMNS: Final = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
"""Columns of every file; FORMAT and the names of samples may follow."""
INFO, FORMAT = "INFO", "FORMAT"
_NUMBER: Final = re.compile(r"[0-9]{1,9}|[ARG.]").fullmatch
_FIELD_ID: Final = re.compile(r"[A-Za-z_][0-9A-Za-z_.]*|1000G").fullmatch
_KEY: Final = re.compile(r"[A-Za-z0-9_.]+")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_LISTED: Final = re.compile(r"\[[^\]]*\]")
_PLAIN: Final = re.compile(r"[^,]+")
_META: Final = re.compile(r"##([^=]+)=(.+)").fullmatch
_URL: Final = re.compile(r"<?[A-Za-z][A-Za-z0-9+.-]*://[^\s<>]+>?").fullmatch
_TYPES: Final[Mapping[str, frozenset[str]]] = {
    INFO: frozenset({"Integer", "Float", "Flag", "Character", "String"}),
    FORMAT: frozenset({"Integer", "Float", "Character", "String"}),
    "META": frozenset({"Integer", "Float", "Character", "String"}),
}
_WITH_NUMBER: Final = ("ID", "Number", "Type", "Description")
_REQUIRED: Final[Mapping[str, Sequence[str]]] = {
    INFO: _WITH_NUMBER,
    FORMAT: _WITH_NUMBER,
    "META": ("ID", "Number", "Type", "Values"),
    "FILTER": ("ID", "Description"),
    "ALT": ("ID", "Description"),
    "contig": ("ID",),
    "SAMPLE": ("ID",),
    "PEDIGREE": ("ID",),
}
"""Kinds of lines that are structured, with what they must have."""
_URLS: Final = frozenset({"assembly", "pedigreeDB"})
"""Kinds of lines that name a place."""


class Definition(NamedTuple):
    """What the values of a field are.

    Attributes:
        number: How many: digits, `A` one for each alternative allele, `R` one for each allele, `G`
            one for each genotype, or `.` any number.
        type: `Integer`, `Float`, `Flag`, `Character` or `String`.
    """

    number: str
    type: str


def _reserved(text: str) -> dict[str, Definition]:
    rows = (row.split() for row in text.strip().splitlines())
    return {name: Definition(number, type_) for name, number, type_ in rows}


RESERVED: Final[Mapping[str, Mapping[str, Definition]]] = {
    INFO: _reserved("""
        AA 1 String
        AC A Integer
        AD R Integer
        ADF R Integer
        ADR R Integer
        AF A Float
        AN 1 Integer
        BQ 1 Float
        CIGAR A String
        DB 0 Flag
        DP 1 Integer
        END 1 Integer
        H2 0 Flag
        H3 0 Flag
        MQ 1 Float
        MQ0 1 Integer
        NS 1 Integer
        SOMATIC 0 Flag
        VALIDATED 0 Flag
        1000G 0 Flag
    """),
    FORMAT: _reserved("""
        AD R Integer
        ADF R Integer
        ADR R Integer
        DP 1 Integer
        EC A Integer
        FT 1 String
        GL G Float
        GP G Float
        GQ 1 Integer
        GT 1 String
        HQ 2 Integer
        MQ 1 Integer
        PL G Integer
        PQ 1 Integer
        PS 1 Integer
    """),
}
"""Fields whose meaning the specification fixes (sections 1.6.1 and 1.6.2)."""


@dataclass
class Header:
    """What a header says.

    Attributes:
        samples: Names of the samples.
        columns: How many columns each line has.
        fields: Definitions of INFO and FORMAT fields: those of the file, and the reserved ones.
    """

    samples: Sequence[str] = ()
    columns: int = len(COLUMNS)
    fields: dict[str, dict[str, Definition]] = field(
        default_factory=lambda: {kind: dict(known) for kind, known in RESERVED.items()}
    )


def fault(line: int, place: str, expected: str) -> InvalidVcf:
    """Say what is wrong with a line; never with the value, which is somebody's."""
    return InvalidVcf(f"line {line}, {place}: expected {expected}")


def read_header(lines: Sequence[str]) -> tuple[Header, int]:
    """Read the lines up to the one that names the columns.

    Returns:
        The header, and how many lines it has.

    Raises:
        InvalidVcf: A line is not as the specification has it; there is no line of columns.
    """
    if not lines or lines[0] not in FORMATS:
        raise fault(1, "fileformat", " or ".join(FORMATS))
    header, seen = Header(), set[tuple[str, str]]()
    for number, text in enumerate(lines[1:], 2):
        if not text.startswith("##"):
            _read_columns(header, text, number)
            return header, number
        _read_meta(header, text, number, seen)
    raise fault(len(lines) + 1, "columns", "a line that begins with #CHROM")


def _read_columns(header: Header, text: str, line: int) -> None:
    names = text.split("\t")
    if tuple(names[: len(COLUMNS)]) != COLUMNS:
        raise fault(line, "columns", " ".join(COLUMNS))
    more = names[len(COLUMNS) :]
    if more and (more[0] != FORMAT or len(more) == 1):
        raise fault(line, "columns", "FORMAT and the names of samples, or nothing, after INFO")
    header.samples = more[1:]
    header.columns = len(names)
    if len(set(header.samples)) < len(header.samples) or not all(header.samples):
        raise fault(line, "columns", "a name of its own for each sample")


def _read_meta(header: Header, text: str, line: int, seen: set[tuple[str, str]]) -> None:
    found = _META(text)
    if not found:
        raise fault(line, "header", "##key=value")
    kind, value = found.groups()
    if kind in _URLS and not _URL(value):
        raise fault(line, kind, "a URL")
    if not (value.startswith("<") and value.endswith(">")):
        if kind in _REQUIRED:
            raise fault(line, kind, "key=value pairs in <>")
        return
    if kind in _URLS:
        return
    named = pairs(kind, value[1:-1], line)
    for name in _REQUIRED.get(kind, ()):
        if name not in named:
            raise fault(line, kind, f"a value of {name}")
    id_ = named.get("ID", "")
    if id_ and (kind, id_) in seen:
        raise fault(line, kind, "an ID of its own")
    seen.add((kind, id_))
    if kind in _TYPES:
        _define(header, kind, id_, Definition(named["Number"], named["Type"]), line)


def _define(header: Header, kind: str, id_: str, definition: Definition, line: int) -> None:
    if not _NUMBER(definition.number):
        raise fault(line, f"{kind} Number", "a number, A, R, G or .")
    if definition.type not in _TYPES[kind]:
        raise fault(line, f"{kind} Type", ", ".join(sorted(_TYPES[kind])))
    if kind not in header.fields:
        return
    if not _FIELD_ID(id_):
        raise fault(line, f"{kind} ID", "letters, digits, _ and ., no digit first")
    known = RESERVED[kind].get(id_)
    if known is not None and known != definition:
        expected = f"Number={known.number} and Type={known.type}, as the specification has it"
        raise fault(line, f"{kind} {id_}", expected)
    header.fields[kind][id_] = definition


def pairs(kind: str, text: str, line: int) -> dict[str, str]:
    """Read the `key=value` pairs of a structured line; values may be in quotes or brackets.

    Raises:
        InvalidVcf: It is not such a list, a quotation mark is missing, or a key stands twice.
    """
    found: dict[str, str] = {}
    at = 0
    while True:
        key = _KEY.match(text, at)
        if not key or text[key.end() : key.end() + 1] != "=" or key[0] in found:
            raise fault(line, kind, "key=value pairs, each key once")
        at = key.end() + 1
        start = text[at : at + 1]
        form = {'"': _QUOTED, "[": _LISTED}.get(start, _PLAIN)
        value = form.match(text, at)
        if not value:
            raise fault(line, f"{kind} {key[0]}", "a value, with the mark that ends it")
        if key[0] == "Description" and start != '"':
            raise fault(line, f"{kind} Description", "text in quotation marks")
        found[key[0]] = value[1] if form is _QUOTED else value[0]
        at = value.end()
        if at == len(text):
            return found
        if text[at] != ",":
            raise fault(line, f"{kind} {key[0]}", "a comma after the value")
        at += 1
