r"""Check files of genetic variants, and take one in as a FHIR resource.

Source: The Variant Call Format Specification, VCFv4.3 (GA4GH, hts-specs), section 1.6. Beside its
rules, one variant may not stand twice in a file, however it is written. A refusal names line and
column, and never a value.

>>> text = "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
>>> check_vcf((text + "1\t123\t.\tTC\tT\t.\tPASS\tDP=7\n").encode())
Variants(samples=(), lines=1)
>>> check_vcf((text + "1\t123\t.\tTC\tA T\t.\tPASS\tDP=7\n").encode())
Traceback (most recent call last):
    ...
trine.errors.health.InvalidVcf: line 3, ALT: expected bases, *, a symbol in <> or a breakend
"""

import base64
import gzip
import math
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from trine.apps.health.limits import VCF_BYTES_MAX
from trine.apps.health.vcf_header import (
    FORMAT,
    INFO,
    Definition,
    Header,
    fault,
    read_header,
)
from trine.errors import UnreadableFile
from trine.errors.health import InvalidVcf, ResourceTooLarge

MEDIA_TYPE: Final = "text/x-vcf"
"""Type of the content of the resource; none is registered."""
SUFFIX: Final = ".vcf"
GZIP_SUFFIX: Final = ".gz"
PLOIDY_MAX: Final = 64
"""Alleles of a genotype."""
INTEGER_MIN, INTEGER_MAX = -(2**31), 2**31 - 1
_CHROM: Final = r"(?:<[^\s<>,:*=]+>|[0-9A-Za-z!#$%&+./:;?@^_|~-]+)"
_BASES: Final = r"[ACGTNacgtn]+"
_END: Final = rf"[\[\]]{_CHROM}:[0-9]+[\[\]]"
_chrom: Final = re.compile(_CHROM).fullmatch
_bases: Final = re.compile(_BASES).fullmatch
_alternative: Final = re.compile(
    rf"\.|\*|<[^\s<>,]+>|\.?{_BASES}|{_BASES}\.|{_BASES}{_END}|{_END}{_BASES}|\.{_END}|{_END}\."
).fullmatch
_integer: Final = re.compile(r"[-+]?[0-9]{1,10}").fullmatch
_position: Final = re.compile(r"[0-9]{1,10}").fullmatch
_float: Final = re.compile(
    r"[-+]?(?:[0-9]+\.?[0-9]*(?:e[-+]?[0-9]+)?|\.[0-9]+(?:e[-+]?[0-9]+)?|inf|infinity|nan)",
    re.IGNORECASE,
).fullmatch
_name: Final = re.compile(r"[A-Za-z_][0-9A-Za-z_.]*|1000G").fullmatch
_word: Final = re.compile(r"[^\s;]+").fullmatch
_genotype: Final = re.compile(r"(?:\.|[0-9]{1,6})(?:[|/](?:\.|[0-9]{1,6}))*").fullmatch
_allele: Final = re.compile(r"[|/]").split
_cigar: Final = re.compile(r"(?:[0-9]+[MIDNSHPX=])+").fullmatch
_control: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]").search
_COUNTS: Final = frozenset({"AC", "AD", "ADF", "ADR", "AN", "DP", "END", "MQ0", "NS"})
"""INFO fields that count, and so are not negative."""


class Variants(NamedTuple):
    """What a file of variants holds.

    Attributes:
        samples: Names of its samples.
        lines: Number of its lines with variants.
    """

    samples: tuple[str, ...]
    lines: int


def read_vcf(path: Path) -> bytes:
    """Read a file of variants, decompressed where its name ends in `.gz`; it is not checked.

    Raises:
        UnreadableFile: It cannot be read, or is no gzip where its name says so.
        ResourceTooLarge: It has more than `VCF_BYTES_MAX` bytes.
    """
    is_packed = path.suffix.lower() == GZIP_SUFFIX
    try:
        with gzip.open(path) if is_packed else path.open("rb") as file:
            content = file.read(VCF_BYTES_MAX + 1)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        message = f"{path} cannot be read: {reason}"
        raise UnreadableFile(message, instance=str(path)) from error
    _check_size(content)
    return content


def is_vcf(path: Path) -> bool:
    """Say whether the name of a file is one of a file of variants."""
    name = path.with_suffix("") if path.suffix.lower() == GZIP_SUFFIX else path
    return name.suffix.lower() == SUFFIX


def resource_of(content: bytes, patient: str) -> dict[str, Any]:
    """Make the FHIR R4 resource that holds a file of variants: Binary, of one patient.

    Args:
        content: The file, which is checked first.
        patient: The hospital's own id of the patient.

    Raises:
        InvalidVcf, ResourceTooLarge: As `check_vcf` says.
    """
    check_vcf(content)
    return {
        "resourceType": "Binary",
        "contentType": MEDIA_TYPE,
        "securityContext": {"reference": f"Patient/{patient}"},
        "data": base64.b64encode(content).decode(),
    }


def check_vcf(content: bytes) -> Variants:
    """Check a file of variants.

    Raises:
        InvalidVcf: It is none of VCF 4.3; the message names line and column.
        ResourceTooLarge: It has more than `VCF_BYTES_MAX` bytes.
    """
    _check_size(content)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise InvalidVcf("the file is not in UTF-8") from None
    if not text.endswith("\n"):
        raise InvalidVcf("the file does not end with the end of a line")
    lines = [line.removesuffix("\r") for line in text[:-1].split("\n")]
    header, count = read_header(lines)
    last: dict[str, int] = {}
    seen: set[tuple[str, int, str, str]] = set()
    for number, line in enumerate(lines[count:], count + 1):
        _check_line(header, line, number, last, seen)
    return Variants(tuple(header.samples), len(lines) - count)


def _check_size(content: bytes) -> None:
    if len(content) > VCF_BYTES_MAX:
        raise ResourceTooLarge(f"the file has more than {VCF_BYTES_MAX} bytes")


def _check_line(
    header: Header,
    text: str,
    line: int,
    last: dict[str, int],
    seen: set[tuple[str, int, str, str]],
) -> None:
    columns = text.split("\t")
    if len(columns) != header.columns:
        raise fault(line, "columns", f"{header.columns} of them")
    if _control(text):
        raise fault(line, "columns", "no control characters")
    chrom, place, ids, reference, alternatives, quality, filters, info = columns[:8]
    position = _check_place(chrom, place, line, last)
    if ids != "." and not all(map(_word, ids.split(";"))):
        raise fault(line, "ID", "names with ; between them, or .")
    if not _bases(reference):
        raise fault(line, "REF", "bases: A, C, G, T, N")
    alleles = alternatives.split(",")
    if not all(map(_alternative, alleles)) or ("." in alleles and len(alleles) > 1):
        raise fault(line, "ALT", "bases, *, a symbol in <> or a breakend")
    if quality != "." and not _float(quality):
        raise fault(line, "QUAL", "a number, or .")
    if filters not in (".", "PASS") and not all(
        _word(one) and one != "0" for one in filters.split(";")
    ):
        raise fault(line, "FILTER", "PASS, names of filters with ; between them, or .")
    _check_info(header.fields[INFO], info, line, position, len(alleles))
    if header.samples:
        _check_samples(header, columns[8:], line, len(alleles))
    for allele in alleles:
        if _bases(allele):
            variant = (chrom, *_shortest(position, reference.upper(), allele.upper()))
            if variant in seen:
                raise fault(line, "ALT", "no variant that stands above, in these or other words")
            seen.add(variant)


def _check_place(chrom: str, place: str, line: int, last: dict[str, int]) -> int:
    if not _chrom(chrom):
        raise fault(line, "CHROM", "the name of a contig")
    if not _position(place) or int(place) > INTEGER_MAX:
        raise fault(line, "POS", "a whole number that is not negative")
    position = int(place)
    if position < last.get(chrom, 0):
        raise fault(line, "POS", "no position before that of the line above")
    last[chrom] = position
    return position


def _shortest(position: int, reference: str, allele: str) -> tuple[int, str, str]:
    """Write a variant without the bases that it does not change."""
    while len(reference) > 1 and len(allele) > 1 and reference[-1] == allele[-1]:
        reference, allele = reference[:-1], allele[:-1]
    while len(reference) > 1 and len(allele) > 1 and reference[0] == allele[0]:
        position, reference, allele = position + 1, reference[1:], allele[1:]
    return position, reference, allele


def _check_info(
    known: Mapping[str, Definition], text: str, line: int, position: int, alternatives: int
) -> None:
    if text == ".":
        return
    seen = set()
    for one in text.split(";"):
        key, has_value, value = one.partition("=")
        if not _name(key) or key in seen:
            raise fault(line, INFO, "fields with ; between them, each once")
        seen.add(key)
        if re.search(r"\s", value) or (has_value and not value):
            raise fault(line, f"INFO {key}", "a value without blanks")
        definition = known.get(key)
        if definition is None:
            continue
        if definition.type == "Flag":
            if has_value and value not in ("0", "1"):
                raise fault(line, f"INFO {key}", "no value: it is a flag")
            continue
        values = _check_values(definition, value, line, f"INFO {key}", _counts(alternatives))
        _check_meaning(key, values, line, position)


def _check_meaning(key: str, values: list[str], line: int, position: int) -> None:
    """Check what the specification says of single fields."""
    given = [one for one in values if one != "."]
    if key in _COUNTS and any(int(one) < 0 for one in given):
        raise fault(line, f"INFO {key}", "a number that is not negative")
    if key == "AF" and not all(0 <= float(one) <= 1 for one in given):
        raise fault(line, "INFO AF", "numbers from 0 to 1")
    if key == "END" and any(int(one) < position for one in given):
        raise fault(line, "INFO END", "a position that is not before POS")
    if key == "CIGAR" and not all(map(_cigar, given)):
        raise fault(line, "INFO CIGAR", "lengths, each with one of MIDNSHPX=")


def _counts(alternatives: int, ploidy: int | None = None) -> Mapping[str, int | None]:
    """Say how many values a number means that is none; of genotypes only for a sample."""
    genotypes = None if ploidy is None else math.comb(ploidy + alternatives, ploidy)
    return {"A": alternatives, "R": alternatives + 1, "G": genotypes, ".": None}


def _check_values(
    definition: Definition, text: str, line: int, place: str, counts: Mapping[str, int | None]
) -> list[str]:
    """Check type and number of values; returns them. A value in quotation marks is one."""
    whole = len(text) > 1 and text[0] == text[-1] == '"'
    values = [text] if whole else text.split(",")
    if text == ".":
        return values
    number = definition.number
    expected = counts[number] if number in counts else int(number)
    if expected is not None and len(values) != expected:
        raise fault(line, place, f"{expected} values")
    if not all(one == "." or _is_of(definition.type, one) for one in values):
        raise fault(line, place, f"values of the type {definition.type}")
    return values


def _is_of(type_: str, value: str) -> bool:
    match type_:
        case "Integer":
            return bool(_integer(value)) and INTEGER_MIN <= int(value) <= INTEGER_MAX
        case "Float":
            return bool(_float(value))
        case "Character":
            return len(value) == 1
        case _:
            return bool(value)


def _check_samples(header: Header, columns: list[str], line: int, alternatives: int) -> None:
    keys = columns[0].split(":")
    if not all(map(_name, keys)) or len(set(keys)) < len(keys):
        raise fault(line, FORMAT, "names of fields with : between them, each once")
    if "GT" in keys[1:]:
        raise fault(line, FORMAT, "GT as the first field")
    for sample, text in enumerate(columns[1:], 1):
        values = text.split(":")
        place = f"sample {sample}"
        if len(values) > len(keys) or re.search(r"\s", text) or not text:
            raise fault(line, place, f"at most {len(keys)} values without blanks")
        ploidy = 2
        if keys[0] == "GT":
            ploidy = _check_genotype(values[0], line, place, alternatives)
        counts = _counts(alternatives, ploidy)
        for key, value in zip(keys, values, strict=False):
            definition = header.fields[FORMAT].get(key)
            if definition is not None and key != "GT":
                _check_values(definition, value, line, f"{place} {key}", counts)


def _check_genotype(text: str, line: int, place: str, alternatives: int) -> int:
    """Check a genotype; returns its ploidy."""
    called = _allele(text)
    is_known = _genotype(text) and all(one == "." or int(one) <= alternatives for one in called)
    if not is_known or len(called) > PLOIDY_MAX:
        expected = f"up to {PLOIDY_MAX} numbers of alleles of this line, with | or / between"
        raise fault(line, f"{place} GT", expected)
    return len(called)
