"""Test that files of variants are taken or refused as the specification of VCF 4.3 says."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors_path import vectors
from trine.apps.health import vcf
from trine.apps.health.definitions import Release
from trine.apps.health.filing import whose
from trine.apps.health.limits import VCF_BYTES_MAX
from trine.apps.health.validation import validate
from trine.errors import UnreadableFile
from trine.errors.health import InvalidVcf, ResourceTooLarge

FOLDER = "health/hts-specs-vcf-4.3"
PASSED, FAILED = 25, 60
START = "##fileformat=VCFv4.3\n"
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tB\n"
LINE = "1\t100\trs1\tC\tT,<DEL>\t9.5\tPASS\tDP=7;AF=0.5,0\tGT:PL\t0|1:1,2,3,4,5,6\t2:1,2,3\n"
GOOD = START + COLUMNS + LINE


def files(verdict: str) -> list[Path]:
    """The files of a verdict."""
    return sorted((vectors(FOLDER) / verdict).glob("*.vcf"))


def test_published_files_are_taken() -> None:
    """Goal: good files are not refused. Method: all that GA4GH publishes as such."""
    found = files("passed")
    assert len(found) == PASSED
    for path in found:
        vcf.check_vcf(path.read_bytes())


def test_published_faults_are_refused() -> None:
    """Goal: bad files are refused. Method: all that GA4GH publishes as such."""
    found = files("failed")
    assert len(found) == FAILED
    taken = []
    for path in found:
        try:
            vcf.check_vcf(path.read_bytes())
        except InvalidVcf:
            continue
        taken.append(path.name)
    assert taken == []


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("VCFv4.3", "VCFv4.4", "line 1, fileformat"),
        (START, START + "##INFO=<ID=DP,Number=1>\n", "line 2, INFO"),
        (START, START + '##INFO=<ID=1X,Number=1,Type=Float,Description="">\n', "line 2, INFO ID"),
        (START, START + 2 * "##contig=<ID=1>\n", "line 3, contig"),
        (START, START + "##contig=<ID=1,ID=2>\n", "line 2, contig"),
        (START, START + "##assembly=here\n", "line 2, assembly"),
        ("INFO\tFORMAT\tA\tB", "INFO\tFORMAT", "line 2, columns"),
        ("\tA\tB\n", "\tA\tA\n", "line 2, columns"),
        ("\t2:1,2,3\n", "\n", "line 3, columns"),
        ("\t2:1,2,3\n", "\t2:1,2,3\n\n", "line 4, columns"),
        ("rs1", "r\x01s", "line 3, columns"),
        ("1\t100", "1*\t100", "line 3, CHROM"),
        ("\t100\t", "\t\t", "line 3, POS"),
        ("\t100\t", "\t99999999999999999999\t", "line 3, POS"),
        ("rs1", "rs 1", "line 3, ID"),
        ("\tC\t", "\tR\t", "line 3, REF"),
        ("T,<DEL>", "T,.", "line 3, ALT"),
        ("T,<DEL>", "T,C[1:9", "line 3, ALT"),
        ("9.5", "9,5", "line 3, QUAL"),
        ("PASS", "PASS;", "line 3, FILTER"),
        ("PASS", "0", "line 3, FILTER"),
        ("DP=7;", "DP=7;DP=7;", "line 3, INFO:"),
        ("DP=7;", "DP=;", "line 3, INFO DP"),
        ("AF=0.5,0", "AF=0.5,1.5", "line 3, INFO AF"),
        ("AF=0.5,0", "AF=0.5", "line 3, INFO AF"),
        ("AF=0.5,0", "END=99", "line 3, INFO END"),
        ("GT:PL", "PL:GT", "line 3, FORMAT"),
        ("0|1:", "0|3:", "line 3, sample 1 GT"),
        ("0|1:", "0|1|1:", "line 3, sample 1 PL"),
        ("2:1,2,3", "2:1,2,3:4", "line 3, sample 2:"),
        ("2:1,2,3", "/".join("2" * 65), "line 3, sample 2 GT"),
        (LINE, LINE + LINE.replace("\t100\t", "\t99\t"), "line 4, POS"),
        (LINE, LINE + LINE.replace("\tC\tT,", "\tCA\tTA,"), "line 4, ALT"),
    ],
)
def test_faults_are_named(old: str, new: str, place: str) -> None:
    """Goal: whoever sent the file finds the place, and reads no value of it. Method: one fault each
    in a good file."""
    assert vcf.check_vcf(GOOD.encode()) == vcf.Variants(("A", "B"), 1)
    assert old in GOOD
    with pytest.raises(InvalidVcf) as caught:
        vcf.check_vcf(GOOD.replace(old, new).encode())
    assert str(caught.value).startswith(place)


@given(st.binary(max_size=200), st.integers(0, len(GOOD)), st.integers(0, 20))
def test_any_bytes_are_taken_or_refused(content: bytes, at: int, left_out: int) -> None:
    """Goal: no input raises anything without a code. Method: random bytes, alone and in a file."""
    whole = GOOD.encode()
    for tried in (content, whole[:at] + content + whole[at + left_out :]):
        try:
            vcf.check_vcf(tried)
        except InvalidVcf as error:
            assert error.code == "invalid_vcf"


def test_the_size_is_limited() -> None:
    """Goal: the limit is where it is said to be. Method: a comment that fills a file up to it, and
    one byte more."""
    space = VCF_BYTES_MAX - len(GOOD) - len("##x=\n")
    full = (START + f"##x={'y' * space}\n" + COLUMNS + LINE).encode()
    assert len(full) == VCF_BYTES_MAX
    assert vcf.check_vcf(full).lines == 1
    validate(vcf.resource_of(full, "p-1"), Release.R4)
    with pytest.raises(ResourceTooLarge):
        vcf.check_vcf(full + b"\n")


def test_a_file_becomes_a_record_of_its_patient(tmp_path: Path) -> None:
    """Goal: it goes the way of every record. Method: as the file is and compressed: FHIR takes it,
    it belongs to the patient; a cut file, and none."""
    plain, packed = tmp_path / "a.vcf", tmp_path / "A.VCF.gz"
    plain.write_text(GOOD)
    packed.write_bytes(gzip.compress(GOOD.encode()))
    for path in (plain, packed):
        assert vcf.is_vcf(path)
        made = vcf.resource_of(vcf.read_vcf(path), "p-1")
        assert whose(validate(made, Release.R4), {}) == "p-1"
    assert not vcf.is_vcf(tmp_path / "a.json.gz")
    packed.write_bytes(packed.read_bytes()[:-4])
    for path in (packed, tmp_path / "none.vcf"):
        with pytest.raises(UnreadableFile):
            vcf.read_vcf(path)
