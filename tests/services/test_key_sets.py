"""Test that the key set of a service is read strictly."""

from pathlib import Path

import cbor2
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.command import trine
from tests.services.stamping import openssl
from trine.crypto import SecretKey, public_key_from_pem
from trine.errors.services import BadHeader
from trine.services.evidence import cose, keys
from trine.services.evidence.checking import read_key_set
from trine.types.calls import PublicKey


@given(st.binary(max_size=100))
def test_any_bytes_end_in_a_code(data: bytes) -> None:
    """Goal: a file that is no key set has a code. Method: random bytes, and a set cut short."""
    whole = keys.cose_key_set([PublicKey("ed25519", bytes(32))])
    assert read_key_set(whole) == [PublicKey("ed25519", bytes(32))]
    for wrong in (data, whole[:-1], whole[: len(data) % len(whole)]):
        with pytest.raises(BadHeader):
            read_key_set(wrong)


def made(*algorithms: str) -> list[PublicKey]:
    """Make keys."""
    return [cose.public_key(SecretKey(one, bytes(range(1, 33)))) for one in algorithms]


def test_the_command_writes_keys_for_others(tmp_path: Path) -> None:
    """Goal: programs that know no Trine get the key as they want it.

    Method: the keys of a service of a gm chain; pyca/cryptography and OpenSSL read the PEM file,
    and any CBOR reader the COSE key; without a choice it is the ES256 key.
    """
    sm2, p256 = found = made("sm2", "p256")
    (tmp_path / "keys").write_bytes(keys.cose_key_set(found))
    pem, single = tmp_path / "out" / "key.pem", tmp_path / "key.cose"
    words = ("evidence", "key", "--keys", tmp_path / "keys", "--json")
    done = trine(*words, "--pem", pem, "--cose", single)
    assert done.status == 0, done.err
    assert done.document["key"] == f"p256:{p256.key.hex()}"
    read = load_pem_public_key(pem.read_bytes())
    assert public_key_from_pem(pem.read_bytes()) == ("p256", p256.key)
    numbers = read.public_numbers()  # type: ignore[union-attr]
    document = cbor2.loads(single.read_bytes())
    assert keys.read_cose_key(document) == p256
    assert (document[1], document[3], document[-1]) == (2, -7, 1)
    assert document[-2] == numbers.x.to_bytes(32)
    shown = openssl("pkey", "-pubin", "-in", pem, "-text", "-noout").stdout
    assert b"prime256v1" in shown
    done = trine(*words, "--alg", "sm2", "--pem", pem)
    assert done.document["kid"] == sm2.key.hex()
    assert b"SM2" in openssl("pkey", "-pubin", "-in", pem, "-text", "-noout").stdout


def test_the_command_says_what_it_lacks(tmp_path: Path) -> None:
    """Goal: no key is guessed. Method: no such key, two of them, no source, two sources."""
    path = tmp_path / "keys"
    words = ("evidence", "key", "--keys", path, "--json")
    path.write_bytes(keys.cose_key_set(made("sm2")))
    assert trine(*words).code == "bad_argument"
    path.write_bytes(keys.cose_key_set(made("ed25519", "p256")))
    done = trine(*words)
    assert done.code == "bad_argument" and "2 keys" in done.out
    assert trine(*words, "--alg", "p256").status == 0
    assert trine("evidence", "key", "--json").code == "bad_argument"
    assert trine(*words, "--service", "http://127.0.0.1:1").code == "bad_argument"
    away = trine("evidence", "key", "--service", "http://127.0.0.1:1", "--json")
    assert away.code == "cannot_reach_node"
    path.write_bytes(b"no keys")
    assert trine(*words).code == "bad_header"
