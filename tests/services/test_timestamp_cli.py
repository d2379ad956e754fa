"""Test `trine timestamp` as a process: the whole way, and every exit status."""

import json
import os
from pathlib import Path

import pytest

from tests.cli.command import trine
from tests.services.stamping import openssl, vector
from trine.crypto.x509 import read_certificate


@pytest.mark.parametrize("kind", ["p256", "sm2"])
def test_the_whole_way(kind: str, tmp_path: Path) -> None:
    """Goal: a file is stamped and verified with four commands. Method: the documented ones."""
    file = tmp_path / "report.pdf"
    file.write_bytes(b"a report" * 300_000)
    ended = trine("timestamp", "found", "authority", "--alg", kind, "--json", cwd=tmp_path)
    assert ended.status == 0, ended.err
    assert (tmp_path / "authority" / "key.pem").stat().st_mode & 0o077 == 0
    words = ["timestamp", "request", file, "--out", tmp_path / "q.tsq"]
    asked = trine(*words, "--hash", "sm3" if kind == "sm2" else "sha256", "--json")
    assert asked.status == 0
    answer = ["timestamp", "answer", tmp_path / "q.tsq", "--authority", tmp_path / "authority"]
    assert trine(*answer, "--out", tmp_path / "t.tsr").status == 0
    verify = ["timestamp", "verify", file, "--token", tmp_path / "t.tsr"]
    verify += ["--roots", tmp_path / "authority" / "root.pem", "--request", tmp_path / "q.tsq"]
    ended = trine(*verify, "--json")
    assert ended.status == 0, ended.out
    assert ended.document["verified"] is True
    assert ended.document["digest"] == asked.document["digest"]
    assert not ended.document["revocation_checked"]
    assert trine(*verify).out.startswith(f"Verified: {file} existed at ")
    if kind == "p256":
        root = tmp_path / "authority" / "root.pem"
        done = openssl("ts", "-verify", "-in", tmp_path / "t.tsr", "-data", file, "-CAfile", root)
        assert b"Verification: OK" in done.stdout + done.stderr
    # Numbers go on, and an altered file is refused.
    assert trine(*answer, "--out", tmp_path / "u.tsr").status == 0
    verify[4] = tmp_path / "u.tsr"
    assert int(trine(*verify, "--json").document["serial"]) >> 64 == 2
    file.write_bytes(b"another")
    ended = trine(*verify, "--json")
    assert (ended.status, ended.code) == (1, "wrong_imprint")
    assert ended.document["verified"] is False


def test_exit_statuses(tmp_path: Path) -> None:
    """Goal: exit statuses as for every command. Method: the vectors, good and bad."""
    file, token, roots, leaf = (tmp_path / name for name in ("file", "token", "roots", "leaf"))
    file.write_bytes(b"hello")
    chain = vector("sigstage/ts_chain.pem")
    leaf.write_bytes(read_certificate(chain).to_pem())
    roots.write_bytes(chain)
    token.write_bytes(vector("sigstage/response-sha384.tsr"))
    verify = ["timestamp", "verify", file, "--token", token, "--roots", roots, "--json"]
    assert trine(*verify).status == 0
    token.write_bytes(vector("sigstage/response-no-embedded-cert.tsr"))
    ended = trine(*verify)
    assert (ended.status, ended.code) == (1, "timestamp_signer_missing")
    assert trine(*verify, "--certificates", leaf).status == 0
    token.write_bytes(vector("sigstage/response-invalid-signature.tsr"))
    ended = trine(*verify)
    assert (ended.status, ended.code) == (1, "timestamp_signature")
    token.write_bytes(b"no token")
    ended = trine(*verify)
    assert (ended.status, ended.code) == (5, "not_a_timestamp")
    token.write_bytes(bytes(70_000))
    ended = trine(*verify)
    assert (ended.status, ended.code) == (5, "timestamp_too_large")
    token.unlink()
    ended = trine(*verify)
    assert (ended.status, ended.code) == (5, "unreadable_file")
    assert trine("timestamp", "verify", file).status == 2


def test_keys_stay_private(tmp_path: Path) -> None:
    """Goal: a key is never replaced, and not used when others can read it. Method: try both."""
    found = ["timestamp", "found", tmp_path / "authority", "--json"]
    assert trine(*found).status == 0
    key = tmp_path / "authority" / "key.pem"
    content = key.read_bytes()
    ended = trine(*found)
    assert (ended.status, ended.code) == (4, "key_file_exists")
    assert key.read_bytes() == content
    query = tmp_path / "q.tsq"
    query.write_bytes(vector("test_tsa/request.der"))
    key.chmod(0o644)
    answer = ["timestamp", "answer", query, "--authority", tmp_path / "authority", "--json"]
    ended = trine(*answer, "--out", tmp_path / "t.tsr")
    assert (ended.status, ended.code) == (5, "bad_timestamp_authority")
    key.chmod(0o600)
    query.write_bytes(b"no request")
    ended = trine(*answer, "--out", tmp_path / "t.tsr")
    assert (ended.status, ended.code) == (1, "timestamp_not_granted")
    assert not (tmp_path / "t.tsr").exists()


def test_without_the_platform(tmp_path: Path) -> None:
    """Goal: a client without the platform's packages is told what to install. Method: hide one."""
    (tmp_path / "asn1crypto.py").write_text(
        "raise ModuleNotFoundError('no asn1crypto', name='asn1crypto')\n"
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    words = ["timestamp", "request", "README.md", "--out", tmp_path / "q.tsq"]
    ended = trine(*words, "--json", PYTHONPATH=path)
    assert ended.status == 4
    described = json.loads(ended.out)["error"]
    assert described["code"] == "unsupported"
    assert "pip install 'trine[platform]'" in described["detail"]
    assert trine("timestamp", "--help", PYTHONPATH=path).status == 0
