"""Test timestamps against the files of rfc3161-client: three authorities, 15 files."""

import pytest

from tests.services.stamping import code_of, vector, vector_chain
from tests.vectors_path import vectors
from trine.crypto.x509 import Certificate
from trine.services.evidence.timestamp import Imprint, Request, Response, Timestamp, verify
from trine.services.evidence.timestamp.token import read_token

HELLO = b"hello"
DAY_MS = 86_400_000
FILES = {
    "sigstage/request.der",
    "sigstage/response-invalid-signature.tsr",
    "sigstage/response-no-embedded-cert.tsr",
    "sigstage/response-sha256.tsr",
    "sigstage/response-sha384.tsr",
    "sigstage/response-sha512.tsr",
    "sigstage/ts_chain.pem",
    "sigstore.mock/payload",
    "sigstore.mock/response-expired.tsr",
    "sigstore.mock/ts_chain.pem",
    "test_tsa/other_request.der",
    "test_tsa/other_response.tsr",
    "test_tsa/request.der",
    "test_tsa/response.tsr",
    "test_tsa/ts_chain.pem",
}


def checked(name: str, data: bytes = HELLO, **more) -> Timestamp:
    """Verify a response of the vectors with the chain beside it."""
    roots, others = vector_chain(name.split("/", maxsplit=1)[0])
    return verify(vector(name), data=data, roots=roots, certificates=others, **more)


def test_every_file_is_used() -> None:
    """Goal: no vector is forgotten. Method: list the files that this module names."""
    folder = vectors("rfc3161/rfc3161-client")
    found = {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}
    assert found - {"LICENSE.txt"} == FILES
    assert len(FILES) == 15


@pytest.mark.parametrize(
    ("name", "algorithm", "time_ms"),
    [
        ("sigstage/response-sha256.tsr", "sha256", 1_746_791_935_000),
        ("sigstage/response-sha384.tsr", "sha384", 1_746_791_935_000),
        ("sigstage/response-sha512.tsr", "sha512", 1_746_791_936_000),
        ("sigstage/response-no-embedded-cert.tsr", "sha256", 1_750_234_382_000),
        ("test_tsa/response.tsr", "sha512", 1_728_402_032_000),
    ],
)
def test_valid_responses(name: str, algorithm: str, time_ms: int) -> None:
    """Goal: what other authorities stamped verifies. Method: compare with `openssl ts -text`."""
    found = checked(name)
    assert (found.imprint.algorithm, found.time_ms) == (algorithm, time_ms)
    assert (found.accuracy_us, found.policy) == (1_000_000, "1.3.6.1.4.1.57264.2")
    assert not found.is_ordered
    # The same, with the token alone.
    token = Response.read(vector(name)).granted()
    roots, others = vector_chain(name.split("/", maxsplit=1)[0])
    assert verify(token, data=HELLO, roots=roots, certificates=others) == found


def test_requests() -> None:
    """Goal: requests of others are read. Method: write them again, compare bytes and nonces."""
    for name in ("sigstage/request.der", "test_tsa/request.der", "test_tsa/other_request.der"):
        asked = Request.read(vector(name))
        assert asked.imprint == Imprint.of_data(HELLO, "sha512")
        assert asked.wants_certificate
        assert asked.to_der() == vector(name)


def test_request_and_response_belong_together() -> None:
    """Goal: an answer to another request is refused. Method: the nonces of the vectors."""
    asked = Request.read(vector("test_tsa/request.der"))
    assert checked("test_tsa/response.tsr", nonce=asked.nonce).nonce == asked.nonce
    other = Request.read(vector("test_tsa/other_request.der"))
    assert code_of(lambda: checked("test_tsa/response.tsr", nonce=other.nonce)) == "wrong_nonce"


def test_invalid_signature() -> None:
    """Goal: a forged signature is refused as one. Method: the vector, beside its good twin."""
    name = "sigstage/response-invalid-signature.tsr"
    assert code_of(lambda: checked(name)) == "timestamp_signature"


def test_no_embedded_certificate() -> None:
    """Goal: without the signer's certificate there is no verdict. Method: give it, or not."""
    name = "sigstage/response-no-embedded-cert.tsr"
    roots, _ = vector_chain("sigstage")
    without = code_of(lambda: verify(vector(name), data=HELLO, roots=roots))
    assert without == "timestamp_signer_missing"
    assert checked(name).serial == 0x64B3984296E790704AC275D89F3F7315C39597F4


def test_expired_since() -> None:
    """Goal: a timestamp outlives its certificates. Method: check at its time, and later."""
    name = "sigstore.mock/response-expired.tsr"
    payload = vector("sigstore.mock/payload")
    found = checked(name, payload)
    assert (found.time_ms, found.serial) == (1_675_209_600_000, -0x21524111)
    later = {"at_ms": found.time_ms + 365 * DAY_MS}
    assert code_of(lambda: checked(name, payload, **later)) == "certificate_expired"
    earlier = {"at_ms": found.time_ms - 365 * DAY_MS}
    assert code_of(lambda: checked(name, payload, **earlier)) == "certificate_not_yet_valid"


def test_roots_of_others() -> None:
    """Goal: only the given root counts. Method: each response with each other chain."""
    responses = {
        "sigstage": "sigstage/response-sha256.tsr",
        "test_tsa": "test_tsa/response.tsr",
    }
    for own, name in responses.items():
        for other in ("sigstage", "test_tsa", "sigstore.mock"):
            if other == own:
                continue
            roots: list[Certificate] = vector_chain(other)[0]
            given = vector_chain(own)[1]
            code = code_of(
                lambda name=name, roots=roots, given=given: verify(
                    vector(name), data=HELLO, roots=roots, certificates=given
                )
            )
            assert code == "unknown_issuer"


def test_namesake() -> None:
    """Goal: a name is no trust. Method: an authority whose issuer has the chain's name, not key."""
    assert code_of(lambda: checked("test_tsa/other_response.tsr")) == "unknown_issuer"
    stated = read_token(Response.read(vector("test_tsa/other_response.tsr")).granted()).statement
    assert stated.time_ms == 1_730_381_504_000
    assert stated.imprint == Imprint.of_data(HELLO, "sha512")


def test_other_data() -> None:
    """Goal: a timestamp is of its data alone. Method: other data, and the hash under another."""
    assert code_of(lambda: checked("sigstage/response-sha256.tsr", b"hullo")) == "wrong_imprint"
    roots, others = vector_chain("sigstage")
    response = vector("sigstage/response-sha512.tsr")
    other = Imprint.of_data(HELLO, "sha256")
    refused = code_of(lambda: verify(response, imprint=other, roots=roots, certificates=others))
    assert refused == "wrong_imprint"
