"""Make the certificates that the tests look at, and validate them with the programs of others."""

import os
import shutil
import urllib.error
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from tools import verapdf

from trine.client.verification import Trust, hash_files, verify
from trine.services.evidence import certificate
from trine.services.evidence.certificate import document

VECTORS = Path(__file__).parents[1] / "proofs" / "vectors"
FILE = VECTORS / "vector.txt"
RECEIPT = VECTORS / "vector.receipt"
TRUST = VECTORS / "trust.json"


def trust() -> Trust:
    """Read the trust file of the vectors."""
    return Trust.load(TRUST)


@cache
def made(language: certificate.Language, receipt: Path = RECEIPT) -> bytes:
    """Make the certificate of the vectors' file."""
    ((digest, size),) = hash_files(trust().suite, [FILE])
    return certificate.write_certificate(
        receipt.read_bytes(), trust(), digest=digest, size=size, language=language
    )


def crowded(language: certificate.Language) -> bytes:
    """Make a certificate with long and strange names, which no receipt proves."""
    found = replace(
        verify(FILE, RECEIPT, trust()),
        name="合同（终版）\u202e\ufffe😀 العقد <b>&amp; ]]> — копия" + "x" * 150,
        chain="A chain 国家存证链 " + "y" * 100,
        signers=tuple(f"validator-{number} of 城市" for number in range(100)),
    )
    return document._write(RECEIPT.read_bytes(), trust(), found, language)


def needs(program: str, package: str) -> None:
    """Skip a test whose program is missing; with CI set it may not be."""
    if not shutil.which(program):
        leave(f"{program} is missing: install {package}")


def leave(reason: str) -> None:
    """Skip a test, or fail it where CI is set."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def validator() -> Path:
    """Return the validator of PDF/A."""
    needs("java", "default-jre-headless")
    try:
        return verapdf.fetch()
    except (OSError, urllib.error.URLError) as error:
        leave(f"veraPDF cannot be fetched: {error}")
        raise
