"""Test the algorithms of `trine.crypto` against other libraries and against each other."""

import hashlib
import subprocess
from pathlib import Path

import gmalg
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from trine import errors
from trine.crypto import (
    SecretKey,
    decrypt_sm2,
    encrypt_sm2,
    hash_many,
    open_sm4_gcm,
    public_key_from_pem,
    public_key_to_pem,
    recover_public_key,
    seal_sm4_gcm,
    sign_message,
    signature_from_der,
    signature_to_der,
    verify_batch,
    verify_message,
    verify_passkey,
)
from trine.crypto.sm2 import SM2_CIPHERTEXT_OVERHEAD_BYTES, SM2_PLAINTEXT_BYTES_MAX

ALGORITHMS = ("ed25519", "sm2", "p256", "secp256k1", "ml-dsa-65")
HINTED = ("sm2", "p256")
"""Algorithms whose signatures end with a byte that decides nothing."""

secrets = st.integers(1, 2**250).map(lambda number: number.to_bytes(32))
messages = st.binary(max_size=200)


def sm2_of(key: SecretKey) -> gmalg.SM2:
    """The same SM2 key in the other library."""
    x = int.from_bytes(key.public_key[1:])
    p = 2**256 - 2**224 - 2**96 + 2**64 - 1
    b = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
    y = pow(x**3 - 3 * x + b, (p + 1) // 4, p)
    y = y if y & 1 == key.public_key[0] & 1 else p - y
    point = b"\x04" + x.to_bytes(32) + y.to_bytes(32)
    return gmalg.SM2(key.expose(), b"1234567812345678", point)


@settings(max_examples=20)
@given(secrets, messages)
def test_sm2_agrees_with_another_library(secret: bytes, message: bytes) -> None:
    """Goal: SM2 is the standard's. Method: sign here and verify there, and the other way round."""
    key = SecretKey("sm2", secret)
    other = sm2_of(key)
    signature = sign_message(key, message)
    assert other.verify(message, signature[:32], signature[32:64])
    assert not other.verify(message + b"!", signature[:32], signature[32:64])
    # The other library leaves zeros at the front of a number away.
    theirs = b"".join(number.rjust(32, b"\0") for number in other.sign(message))
    assert verify_message("sm2", key.public_key, message, theirs)
    assert not verify_message("sm2", key.public_key, message + b"!", theirs)


@settings(max_examples=30)
@given(secrets, messages)
def test_openssl_agrees(secret: bytes, message: bytes) -> None:
    """Goal: Ed25519 and P-256 are OpenSSL's. Method: both directions, keys through PEM."""
    edwards = SecretKey("ed25519", secret)
    loaded = serialization.load_pem_private_key(edwards.to_pem(), None)
    assert isinstance(loaded, ed25519.Ed25519PrivateKey)
    assert loaded.sign(message) == sign_message(edwards, message)
    curve = SecretKey("p256", secret)
    loaded = serialization.load_pem_private_key(curve.to_pem(), None)
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)
    ecdsa, der = ec.ECDSA(hashes.SHA256()), signature_to_der("p256", sign_message(curve, message))
    loaded.public_key().verify(der, message, ecdsa)
    with pytest.raises(InvalidSignature):
        loaded.public_key().verify(der, message + b"!", ecdsa)
    theirs = signature_from_der("p256", loaded.sign(message, ecdsa))
    assert verify_message("p256", curve.public_key, message, theirs)


@settings(max_examples=30)
@given(
    st.sampled_from(ALGORITHMS[:4]),
    st.lists(st.tuples(st.integers(0, 3), messages, st.integers(0, 5)), max_size=40),
)
def test_a_batch_says_what_single_checks_say(
    algorithm: str, plan: list[tuple[int, bytes, int]]
) -> None:
    """Goal: one verdict a signature, in order. Method: good, altered, exchanged and cut ones."""
    keys = [SecretKey(algorithm, bytes([7 + number]) * 32) for number in range(4)]
    public, texts, signatures = [], [], []
    for signer, message, change in plan:
        signature = bytearray(sign_message(keys[signer], message))
        if change == 0:
            signature[len(message) % 64] ^= 1
        elif change == 1:
            signature[-1] ^= 1
        elif change == 2:
            del signature[-2:]
        public.append(keys[(signer + (change == 3)) % 4].public_key)
        texts.append(message)
        signatures.append(bytes(signature))
    mask = verify_batch(algorithm, public, texts, signatures)
    singles = [
        verify_message(algorithm, *one) for one in zip(public, texts, signatures, strict=True)
    ]
    assert [bool(verdict) for verdict in mask] == singles
    for (_, _, change), verdict in zip(plan, singles, strict=True):
        assert verdict == (change > 3 or (change == 1 and algorithm in HINTED))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_buffers_and_lists_are_the_same(algorithm: str) -> None:
    """Goal: any buffer serves. Method: bytes, bytearray and memoryview against lists."""
    count = 20
    keys = [SecretKey(algorithm, bytes([1 + number]) * 32) for number in range(count)]
    texts = [bytes([number]) * 32 for number in range(count)]
    signatures = [sign_message(*one) for one in zip(keys, texts, strict=True)]
    signatures[3] = signatures[4]
    public = [key.public_key for key in keys]
    expected = verify_batch(algorithm, public, texts, signatures)
    assert list(expected) == [number != 3 for number in range(count)]
    joined = b"".join(public), b"".join(texts), b"".join(signatures)
    assert verify_batch(algorithm, *joined) == expected
    assert verify_batch(algorithm, *map(bytearray, joined)) == expected
    assert verify_batch(algorithm, *map(memoryview, joined)) == expected
    assert verify_batch(algorithm, b"", b"", b"") == b""
    for spoiled in ((joined[0][:-1], *joined[1:]), (public, texts[1:], signatures)):
        with pytest.raises(errors.BadArgument):
            verify_batch(algorithm, *spoiled)
    with pytest.raises(errors.UnknownAlgorithm):
        verify_batch("rsa", *joined)


@given(st.lists(messages, max_size=40))
def test_hashes_agree_with_another_library(texts: list[bytes]) -> None:
    """Goal: many hashes at once are the hashes. Method: hashlib and another library of SM3."""
    assert hash_many("sha256", texts) == [hashlib.sha256(text).digest() for text in texts]
    for text, digest in zip(texts, hash_many("sm3", texts), strict=True):
        sm3 = gmalg.SM3()
        sm3.update(text)
        assert sm3.value() == digest
    with pytest.raises(errors.BadArgument):
        hash_many("md5", texts)


@given(st.binary(min_size=16, max_size=16), messages, messages)
def test_sm4_gcm_opens_what_it_sealed(key: bytes, text: bytes, associated: bytes) -> None:
    """Goal: nothing altered opens. Method: round trip, and every part altered once."""
    nonce = bytes(12)
    sealed = seal_sm4_gcm(key, nonce, text, associated)
    assert open_sm4_gcm(key, nonce, sealed, associated) == text
    assert open_sm4_gcm(key, nonce, sealed[:-1] + bytes([sealed[-1] ^ 1]), associated) is None
    assert open_sm4_gcm(key, nonce, sealed, associated + b"!") is None
    assert open_sm4_gcm(key, b"\1" * 12, sealed, associated) is None
    with pytest.raises(errors.BadArgument):
        seal_sm4_gcm(key[1:], nonce, text)


@settings(max_examples=20)
@given(secrets, st.binary(min_size=1, max_size=200))
def test_sm2_encryption_agrees_with_another_library(secret: bytes, text: bytes) -> None:
    """Goal: SM2 encryption is the standard's. Method: encrypt here and decrypt there, and back."""
    key = SecretKey("sm2", secret)
    other = sm2_of(key)
    encrypted = encrypt_sm2(key.public_key, text)
    assert len(encrypted) == len(text) + SM2_CIPHERTEXT_OVERHEAD_BYTES
    assert other.decrypt(encrypted) == text
    assert decrypt_sm2(key, other.encrypt(text)) == text
    assert encrypt_sm2(key.public_key, text) != encrypted


def test_only_the_key_decrypts_and_only_whole_ciphertexts() -> None:
    """Goal: nothing altered opens. Method: each bit flipped, each prefix, another key."""
    key = SecretKey("sm2", bytes([9]) * 32)
    encrypted = encrypt_sm2(key.public_key, b"a secret")
    assert decrypt_sm2(key, encrypted) == b"a secret"
    assert decrypt_sm2(SecretKey("sm2", bytes([8]) * 32), encrypted) is None
    for bit in range(8 * len(encrypted)):
        number = int.from_bytes(encrypted) ^ (1 << bit)
        assert decrypt_sm2(key, number.to_bytes(len(encrypted))) is None
    for end in range(len(encrypted)):
        assert decrypt_sm2(key, encrypted[:end]) is None
    assert decrypt_sm2(key, encrypted + b"\0") is None


def test_sm2_encryption_has_limits() -> None:
    """Goal: what cannot be encrypted has a code. Method: lengths, keys and algorithms at them."""
    key = SecretKey("sm2", bytes([9]) * 32)
    longest = bytes(SM2_PLAINTEXT_BYTES_MAX)
    assert decrypt_sm2(key, encrypt_sm2(key.public_key, longest)) == longest
    for text in (b"", longest + b"!"):
        with pytest.raises(errors.BadArgument):
            encrypt_sm2(key.public_key, text)
    off_the_curve = b"\x02" + b"\xff" * 32
    for public_key in (b"", key.public_key[1:], key.public_key + b"\0", off_the_curve):
        with pytest.raises(errors.BadPublicKey):
            encrypt_sm2(public_key, b"secret")
    with pytest.raises(errors.BadArgument, match="p256"):
        decrypt_sm2(SecretKey("p256", bytes([9]) * 32), encrypt_sm2(key.public_key, b"secret"))


def test_identifiers_are_signed() -> None:
    """Goal: SM2 under any identifier. Method: the other library under the same, and another."""
    key = SecretKey("sm2", bytes([9]) * 32)
    name = b"ALICE123@YAHOO.COM"
    signature = sign_message(key, b"text", identifier=name)
    assert verify_message("sm2", key.public_key, b"text", signature, identifier=name)
    assert not verify_message("sm2", key.public_key, b"text", signature)
    with pytest.raises(errors.BadArgument):
        sign_message(SecretKey("p256", bytes([9]) * 32), b"text", identifier=name)
    with pytest.raises(errors.BadArgument):
        sign_message(key, b"text", identifier=b"x" * 8192)


def test_what_a_chain_signs_is_not_signed() -> None:
    """Goal: no transaction is signed as a file. Method: the bytes that a transaction signs."""
    key = SecretKey("sm2", bytes([9]) * 32)
    with pytest.raises(errors.BadArgument):
        sign_message(key, b"\x13trine/transaction/1" + bytes(32))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_keys_survive_their_files(algorithm: str) -> None:
    """Goal: PEM in, PEM out. Method: round trip of both halves; damaged files have codes."""
    key = SecretKey(algorithm, bytes([5]) * 32)
    assert SecretKey.from_file(key.to_pem()).expose() == key.expose()
    pem = public_key_to_pem(algorithm, key.public_key)
    assert public_key_from_pem(pem) == (algorithm, key.public_key)
    for spoiled in (b"", b"nonsense", pem[:60], key.to_pem()[:80]):
        with pytest.raises(errors.BadInput):
            SecretKey.from_file(spoiled)
        with pytest.raises(errors.BadInput):
            public_key_from_pem(spoiled[:50])
    with pytest.raises(errors.BadPublicKey):
        public_key_to_pem(algorithm, b"short")


def test_encrypted_files_need_their_password(tmp_path: Path) -> None:
    """Goal: a wrong password is one error, not a loop. Method: a file of `openssl`."""
    plain, locked = tmp_path / "plain.pem", tmp_path / "locked.pem"
    plain.write_bytes(SecretKey("sm2", bytes([5]) * 32).to_pem())
    command = ["openssl", "pkcs8", "-topk8", "-in", plain, "-out", locked, "-passout", "pass:open"]
    subprocess.run(command, check=True, capture_output=True)
    content = locked.read_bytes()
    assert SecretKey.from_file(content, b"open").expose() == bytes([5]) * 32
    with pytest.raises(errors.PasswordNeeded):
        SecretKey.from_file(content)
    with pytest.raises(errors.WrongPassword):
        SecretKey.from_file(content, b"shut")


def test_keys_are_recovered() -> None:
    """Goal: secp256k1 gives its signer's key. Method: recover from a signature, and a bad one."""
    key = SecretKey("secp256k1", bytes([5]) * 32)
    signature = sign_message(key, b"text")
    digest = hashlib.sha256(b"text").digest()
    assert recover_public_key(digest, signature) == key.public_key
    assert recover_public_key(digest, signature[:-1] + b"\x09") is None
    r, s = decode_dss_signature(signature_to_der("secp256k1", signature))
    assert r.to_bytes(32) + s.to_bytes(32) == signature[:64]


def test_passkeys_are_checked() -> None:
    """Goal: an assertion passes, an altered one does not. Method: one that is made here."""
    key = SecretKey("p256", bytes([5]) * 32)
    party, origin = "city.example", "https://city.example"
    data = hashlib.sha256(party.encode()).digest() + bytes([0b101]) + (3).to_bytes(4)
    client = (
        b'{"type":"webauthn.get","challenge":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",'
        b'"origin":"https://city.example","crossOrigin":false}'
    )
    signed = sign_message(key, data + hashlib.sha256(client).digest())

    def check(challenge: bytes) -> tuple[bool, int]:
        return verify_passkey(
            key.public_key,
            authenticator_data=data,
            client_data_json=client,
            signature=signature_to_der("p256", signed),
            challenge=challenge,
            relying_party=party,
            origins=[origin],
        )

    assert check(bytes(32)) == (True, 3)
    with pytest.raises(errors.BadSignature):
        check(bytes([1]) * 32)
