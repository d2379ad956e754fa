"""Test that a claim's file holds what it needs, within its limits, and nothing else."""

import io
import zipfile
from pathlib import Path

import pytest

from trine.apps.health.claim_files import CLAIM, ClaimFile
from trine.apps.health.claims import ProvenDisclosure, claim_for
from trine.apps.health.fields import Disclosure, Shown
from trine.apps.health.limits import CLAIM_BYTES_MAX, CLAIM_RECORDS_MAX
from trine.apps.health.uses import read_term
from trine.errors import BadArgument, TrineError, UnreadableFile
from trine.errors.health import BadDisclosure
from trine.model.identifiers import Digest

RECORDS = [Digest(bytes([number]) * 32) for number in range(3)]


def claim_file() -> ClaimFile:
    """A claim about three records."""
    field = Shown(0, "@type", '"Observation"', bytes(32), (bytes(32),))
    proven = [ProvenDisclosure(Disclosure(one, 2, (field,)), b"proof") for one in RECORDS]
    claim = claim_for("hospital", RECORDS, "2026-11", insured="77", policy="9")
    return ClaimFile(claim, tuple(proven))


def packed(members: dict[str, bytes]) -> bytes:
    """Write a ZIP."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return made.getvalue()


def test_files_are_read_as_written() -> None:
    """Goal: nothing is lost. Method: write, read, write again; any ZIP program sees the claim."""
    file = claim_file()
    assert ClaimFile.decode(file.encode()) == file
    assert ClaimFile.decode(file.encode()).encode() == file.encode()
    with zipfile.ZipFile(io.BytesIO(file.encode())) as opened:
        assert opened.namelist()[0] == CLAIM
        assert b'"resourceType":"Claim"' in opened.read(CLAIM)


GOOD = packed({CLAIM: b"{}"})
LARGE = packed({CLAIM: b"{}", "shown/aa": bytes(CLAIM_BYTES_MAX)})
MANY = packed({CLAIM: b"{}"} | {f"shown/{n}": b"" for n in range(CLAIM_RECORDS_MAX + 1)})


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "bad_disclosure"),
        (b"PK\x03\x04" + bytes(100), "bad_disclosure"),
        (GOOD[:-5], "bad_disclosure"),
        (claim_file().encode().replace(b'"use"', b'"usf"', 1), "bad_disclosure"),
        (packed({"shown/aa": b"x"}), "bad_disclosure"),
        (packed({CLAIM: b"{}", "other": b""}), "bad_disclosure"),
        (packed({CLAIM: b"{}", "shown/aa": b"x"}), "bad_disclosure"),
        (packed({CLAIM: b"<Claim/>"}), "fhir_xml"),
    ],
    ids=lambda one: str(one)[:20],
)
def test_other_files_are_refused(data: bytes, code: str) -> None:
    """Goal: a coded refusal, no traceback. Method: files that are none, too large, too many."""
    assert ClaimFile.decode(GOOD).proven == ()
    with pytest.raises(TrineError) as refused:
        ClaimFile.decode(data)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (LARGE, f"more than {CLAIM_BYTES_MAX} bytes"),
        (bytes(CLAIM_BYTES_MAX + 1), f"more than {CLAIM_BYTES_MAX} bytes"),
        (MANY, f"at most {CLAIM_RECORDS_MAX} records"),
    ],
    ids=["large inside", "large", "many"],
)
def test_limits_are_named(data: bytes, words: str) -> None:
    """Goal: nothing past a limit is unpacked. Method: files past each; the message says which."""
    with pytest.raises(BadDisclosure, match=words):
        ClaimFile.decode(data)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """Goal: the message names the file. Method: one that is not there."""
    with pytest.raises(UnreadableFile, match=r"nothing\.zip"):
        ClaimFile.read(tmp_path / "nothing.zip")


def test_terms_of_duo_are_read() -> None:
    """Goal: terms by id or abbreviation, with a value where they have one. Method: each form."""
    assert read_term("NPUNCU") == ("DUO_0000018", "")
    assert read_term("DUO_0000022=DE") == read_term("GS=DE") == ("DUO_0000022", "DE")
    for wrong in ("HMB=x", "GS", "GS=", "hmb", "", "DUO_9999999"):
        with pytest.raises(BadArgument):
            read_term(wrong)
