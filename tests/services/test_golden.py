"""Judge the golden files of evidence, which the verifier in JavaScript judges too."""

import hashlib
import json
import re
from typing import Any

from tests.services import certificates, golden
from trine.services.evidence import certificate

CASES = json.loads((golden.FOLDER / "cases.json").read_text())


def plain(one: dict[str, Any]) -> dict[str, Any]:
    """A case without its verdict and without compression, which differs between machines."""
    files = [hashlib.sha256(file).hexdigest() for file in golden.files_of(one)]
    return {**one, "data": files, "code": ""}


def test_golden_files_are_what_is_made() -> None:
    """Goal: nobody edits them by hand. Method: make them again, byte for byte, and the cases."""
    made = golden.files()
    for name, content in made.items():
        assert (golden.FOLDER / name).read_bytes() == content, name
    assert [plain(one) for one in CASES] == [plain(one) for one in golden.cases(made)]


def test_every_case_has_its_verdict() -> None:
    """Goal: both verifiers decide alike. Method: the same files with the same codes."""
    wrong = [
        (one["name"], one["code"], found)
        for one in CASES
        if (found := golden.judge(one)) != one["code"]
    ]
    assert wrong == []


def test_cases_reach_every_refusal() -> None:
    """Goal: no rule without a case. Method: every code of a verifier occurs."""
    found = set(re.findall(r"[a-z_]+", " ".join(one["code"] for one in CASES)))
    assert found >= {
        "verified",
        "unchained",
        "not_a_cose_message",
        "cose_truncated",
        "cose_encoding",
        "cose_too_large",
        "nested_too_deep",
        "trailing_bytes",
        "duplicate_label",
        "header_missing",
        "header_not_protected",
        "bad_header",
        "critical_header",
        "signature_algorithm",
        "detached_payload",
        "statement_not_yet_valid",
        "statement_expired",
        "cose_signature",
        "unknown_structure",
        "bad_receipt",
        "tree_mismatch",
        "receipt_missing",
        "file_differs",
        "not_a_certificate",
        "certificate_version",
        "proof_too_large",
        "unknown_issuer",
        "certificate_not_allowed",
        "certificate_signature",
        "certificate_expired",
        "certificate_not_yet_valid",
        "unsupported_certificate",
        "bad_certificate",
        "issuer_not_admitted",
        "issuer_key_not_admitted",
        "bad_argument",
        "file_altered",
        "wrong_trust",
        "proof_mismatch",
    }


def test_the_certificate_is_whole() -> None:
    """Goal: the golden page is a real one. Method: its page too is verified, here."""
    content = (golden.FOLDER / "certificate.pdf").read_bytes()
    trust = certificates.trust()
    found = certificate.verify_certificate(certificates.FILE, content, trust)
    assert found.name == "vector.txt"
