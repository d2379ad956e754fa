"""Make authorities, tokens and OpenSSL's answers for the tests of timestamps."""

import functools
import os
import subprocess
from pathlib import Path

from rfc3161_client import VerifierBuilder, decode_timestamp_response

from tests.vectors_path import vectors
from trine.crypto.x509 import Certificate, read_certificates
from trine.errors import TrineError
from trine.services.evidence.timestamp import (
    Authority,
    Imprint,
    Request,
    made_up_authority,
)

NOW_MS = 1_790_000_000_123
DAY_MS = 86_400_000
DATA = b"a contract between two cities"
KINDS = ("p256", "p384", "rsa", "ed25519", "sm2")
LIBRARY_KINDS = ("p256", "p384", "rsa")
"""Kinds whose tokens OpenSSL's `ts` and rfc3161-client verify: both know no Ed25519 in PKCS#7."""

OPENSSL_SETTINGS = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
crypto_device = builtin
signer_digest = {digest}
default_policy = 1.2.3.4.1
other_policies = 1.2.3.4.5
digests = sha1, sha256, sha384, sha512, sm3
accuracy = secs:1, millisecs:500, microsecs:100
ordering = yes
tsa_name = yes
ess_cert_id_chain = {chain}
ess_cert_id_alg = {binding}
"""


@functools.cache
def stamper(kind: str) -> tuple[Authority, Certificate]:
    """Return an authority of a kind and its root, the same in all tests."""
    return made_up_authority(kind, now_ms=NOW_MS)


def stamp(kind: str = "p256", data: bytes = DATA, *, serial: int = 5, **request) -> bytes:
    """Return the answer of our authority to a request for data."""
    algorithm = "sm3" if kind == "sm2" else "sha256"
    request.setdefault("nonce", 77)
    asked = Request(Imprint.of_data(data, algorithm), **request)
    return stamper(kind)[0].answer(asked.to_der(), now_ms=NOW_MS, serial=serial)


def code_of(call) -> str:
    """Return the code of the error that a call raises, or nothing."""
    try:
        call()
    except TrineError as error:
        return error.code
    return ""


def openssl(*arguments: object, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    """Run OpenSSL with no file of settings of the machine."""
    command = ["openssl", *(str(one) for one in arguments)]
    environment = {**os.environ, "OPENSSL_CONF": "/dev/null"}
    return subprocess.run(command, capture_output=True, check=check, env=environment)


def openssl_verifies(folder: Path, answer: bytes, root: Certificate, data: bytes = DATA) -> str:
    """Ask `openssl ts -verify`: empty where it accepts, else what it says."""
    token, trusted, file = (folder / name for name in ("answer.tsr", "root.pem", "data"))
    token.write_bytes(answer)
    trusted.write_bytes(root.to_pem())
    file.write_bytes(data)
    command = ["ts", "-verify", "-in", token, "-data", file, "-CAfile", trusted]
    done = openssl(*command, "-attime", NOW_MS // 1_000, check=False)
    return "" if b"Verification: OK" in done.stdout + done.stderr else done.stderr.decode()


def openssl_answers(
    folder: Path, query: bytes, authority: Authority, *, binding: str = "sha256", chain: str = "yes"
) -> bytes:
    """Let `openssl ts -reply` answer a request with the key of an authority of ours."""
    (folder / "serial").write_text("0A\n")
    digest = authority.key.hash_name
    settings = OPENSSL_SETTINGS.format(folder=folder, digest=digest, binding=binding, chain=chain)
    (folder / "settings").write_text(settings)
    (folder / "query.tsq").write_bytes(query)
    (folder / "key.pem").write_bytes(authority.key.to_pem())
    (folder / "own.pem").write_bytes(authority.chain[0].to_pem())
    (folder / "chain.pem").write_bytes(b"".join(one.to_pem() for one in authority.chain[1:]))
    command = ["ts", "-reply", "-config", folder / "settings", "-queryfile", folder / "query.tsq"]
    command += ["-signer", folder / "own.pem", "-inkey", folder / "key.pem"]
    openssl(*command, "-chain", folder / "chain.pem", "-out", folder / "reply.tsr")
    return (folder / "reply.tsr").read_bytes()


def client_verifies(answer: bytes, root: Certificate, data: bytes = DATA, *, nonce: int) -> bool:
    """Ask rfc3161-client."""
    builder = VerifierBuilder().add_root_certificate(root.parsed).nonce(nonce)
    return builder.build().verify_message(decode_timestamp_response(answer), data)


def vector(name: str) -> bytes:
    """Read a file of rfc3161-client's vectors."""
    return (vectors("rfc3161/rfc3161-client") / name).read_bytes()


def vector_chain(folder: str) -> tuple[list[Certificate], list[Certificate]]:
    """Read a chain of the vectors: its roots, and the other certificates."""
    read = read_certificates(vector(f"{folder}/ts_chain.pem"))
    roots = [one for one in read if one.subject == one.issuer]
    return roots, [one for one in read if one not in roots]
