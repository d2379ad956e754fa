"""Test that only recipients open a sealed record, and nobody opens an altered one."""

import hashlib
import hmac
from dataclasses import replace

import gmalg
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from tests.apps.health.samples import PATIENT
from trine.apps.health import sealing
from trine.apps.health.limits import RECIPIENTS_MAX
from trine.apps.health.recipients import HpkeWrap, Recipient, RecipientKey, unwrap, wrap
from trine.apps.health.sealing import (
    Facts,
    OpenedRecord,
    RecordKeys,
    SealedRecord,
    commitment,
    document_of,
    open_sealed,
    seal,
    share_keys,
)
from trine.crypto import hash_many
from trine.errors import BadArgument, BadPublicKey, BadSecretKey, TrineError
from trine.errors.health import DamagedRecord, NotARecipient, RecordMismatch
from trine.model.hashing import Suite, hash_bytes, under
from trine.model.proofs.receipt import entry_of

FACTS = Facts("4.0", "Patient", "1", "一院/hospital")
KEYS = {suite: [RecipientKey(bytes(range(at, at + 32)), suite) for at in (0, 1)] for suite in Suite}
"""Of a doctor and of a stranger."""
DOCTOR, STRANGER = KEYS[Suite.INTL]
SUITES = pytest.mark.parametrize("suite", list(Suite))


def sealed_bytes(suite: Suite = Suite.INTL) -> tuple[bytes, bytes]:
    """A record sealed for the doctor."""
    sealed, keys = seal(FACTS, PATIENT, [KEYS[suite][0].recipient], suite)
    return sealed.encode(), keys.encode()


@SUITES
def test_a_recipient_opens_what_was_sealed(suite: Suite) -> None:
    """Goal: what goes in comes out, and the entry is that of a file with the document's bytes.

    Method: seal for two, open as the second; recompute the entry as receipts do.
    """
    doctor, stranger = KEYS[suite]
    made, keys = seal(FACTS, PATIENT, [stranger.recipient, doctor.recipient], suite)
    opened = open_sealed(made.encode(), keys.encode(), doctor)
    assert (opened.resource, opened.facts, opened.entry) == (PATIENT, FACTS, made.entry)
    assert opened.document == document_of(FACTS, PATIENT)
    with under(suite):
        assert entry_of(opened.salt, hash_bytes(opened.document)) == made.entry


@SUITES
def test_nobody_else_opens_it(suite: Suite) -> None:
    """Goal: only named recipients open a record. Method: another key, of either suite; its own keys
    in place.
    """
    sealed, keys = sealed_bytes(suite)
    for stranger in (KEYS[suite][1], *(KEYS[other][0] for other in Suite if other is not suite)):
        with pytest.raises(NotARecipient):
            open_sealed(sealed, keys, stranger)
        held = RecordKeys.decode(keys)
        moved = {stranger.recipient.id: next(iter(held.wrapped.values()))}
        with pytest.raises(DamagedRecord):
            open_sealed(sealed, replace(held, wrapped=moved).encode(), stranger)


@SUITES
def test_every_flipped_bit_is_refused(suite: Suite) -> None:
    """Goal: no nearby second encoding. Method: flip each bit of the record and of its keys."""
    sealed, keys = sealed_bytes(suite)
    doctor, _ = KEYS[suite]
    for bit in range(8 * len(sealed)):
        with pytest.raises(DamagedRecord):
            open_sealed(flipped(sealed, bit), keys, doctor)
    for bit in range(8 * len(keys)):
        with pytest.raises(DamagedRecord):
            open_sealed(sealed, flipped(keys, bit), doctor)


def test_every_cut_and_addition_is_refused() -> None:
    """Goal: a record ends where it ends. Method: each prefix, and one byte more."""
    sealed, keys = sealed_bytes()
    for end in range(len(sealed)):
        with pytest.raises(DamagedRecord):
            open_sealed(sealed[:end], keys, DOCTOR)
    for end in range(len(keys)):
        with pytest.raises(DamagedRecord):
            open_sealed(sealed, keys[:end], DOCTOR)
    for longer in ((sealed + b"\0", keys), (sealed, keys + b"\0")):
        with pytest.raises(DamagedRecord):
            open_sealed(*longer, DOCTOR)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_with_a_code(content: bytes) -> None:
    """Goal: hostile bytes end in a code. Method: random ones, also behind a good beginning."""
    sealed, keys = sealed_bytes()
    for first, second in ((content, keys), (sealed, content), (sealed[:60] + content, keys)):
        with pytest.raises(TrineError):
            open_sealed(first, second, DOCTOR)


@SUITES
def test_flips_within_the_wrapped_key_are_refused(suite: Suite) -> None:
    """Goal: the digest of the keys is not the only guard.

    Method: flip each bit of the wrapped secret and write the digest anew.
    """
    sealed, keys = sealed_bytes(suite)
    held = RecordKeys.decode(keys)
    ((name, wrapped),) = held.wrapped.items()
    for bit in range(8 * len(wrapped)):
        altered = replace(held, wrapped={name: flipped(wrapped, bit)}).encode()
        with pytest.raises(DamagedRecord):
            open_sealed(sealed, altered, KEYS[suite][0])


@SUITES
def test_keys_of_another_record_are_refused(suite: Suite) -> None:
    """Goal: secrets stay with their record. Method: keys of a second record; its entry put in."""
    _, keys = sealed_bytes(suite)
    other, _ = sealed_bytes(suite)
    with pytest.raises(DamagedRecord, match="another record"):
        open_sealed(other, keys, KEYS[suite][0])
    moved = replace(RecordKeys.decode(keys), entry=SealedRecord.decode(other).entry)
    with pytest.raises(DamagedRecord, match="wrapped key"):
        open_sealed(other, moved.encode(), KEYS[suite][0])


def test_a_lying_custodian_is_found_out() -> None:
    """Goal: what opens is what was committed to.

    Method: encrypt another document under the entry of a first; name another custodian.
    """
    key, salt, nonce = bytes(32), bytes(32), bytes(12)
    entry = commitment(Suite.INTL, salt, document_of(FACTS, PATIENT))
    other = replace(FACTS, custodian="another")
    for facts, encrypted in ((FACTS, PATIENT + b" "), (other, PATIENT)):
        head = SealedRecord(Suite.INTL, entry, facts, nonce, b"")
        ciphertext = AESGCM(key).encrypt(nonce, document_of(FACTS, encrypted), head.head)
        wrapped = wrap(Suite.INTL, DOCTOR.recipient, key + salt, entry)
        keys = RecordKeys(Suite.INTL, entry, {DOCTOR.recipient.id: wrapped})
        with pytest.raises(RecordMismatch):
            open_sealed(replace(head, ciphertext=ciphertext).encode(), keys.encode(), DOCTOR)


@SUITES
def test_sharing_adds_a_recipient(suite: Suite) -> None:
    """Goal: access grows without touching what is sealed. Method: share, open as the new one."""
    sealed, keys = sealed_bytes(suite)
    doctor, stranger = KEYS[suite]
    with pytest.raises(NotARecipient):
        share_keys(sealed, keys, stranger, stranger.recipient)
    shared = share_keys(sealed, keys, doctor, stranger.recipient).encode()
    opened: list[OpenedRecord] = [open_sealed(sealed, shared, one) for one in (doctor, stranger)]
    assert opened[0] == opened[1]


def test_entries_tell_nothing() -> None:
    """Goal: equal records have unrelated entries, keys and ciphertexts. Method: seal one twice."""
    first, second = (seal(FACTS, PATIENT, [DOCTOR.recipient], Suite.INTL) for _ in range(2))
    assert first[0].entry != second[0].entry
    assert first[0].ciphertext != second[0].ciphertext
    assert PATIENT not in first[0].encode()


def test_recipients_have_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: nobody, too many and bad keys are refused. Method: one of each."""
    with pytest.raises(BadArgument):
        seal(FACTS, PATIENT, [], Suite.INTL)
    with pytest.raises(BadArgument):
        seal(FACTS, PATIENT, [DOCTOR.recipient] * (RECIPIENTS_MAX + 1), Suite.INTL)
    for public_key in (b"", bytes(31), bytes(32)):
        with pytest.raises(BadPublicKey):
            seal(FACTS, PATIENT, [Recipient(public_key)], Suite.INTL)
    off_the_curve = b"\x02" + b"\xff" * 32
    for public_key in (b"", DOCTOR.recipient.public_key, off_the_curve):
        with pytest.raises(BadPublicKey):
            seal(FACTS, PATIENT, [Recipient(public_key)], Suite.GM)
    with pytest.raises(BadPublicKey):
        seal(FACTS, PATIENT, [KEYS[Suite.GM][0].recipient], Suite.INTL)
    for secret, suite in (
        (bytes(31), Suite.INTL), (bytes(31), Suite.GM), (bytes(32), Suite.GM),
        (b"\xff" * 32, Suite.GM),
    ):  # fmt: skip
        with pytest.raises(BadSecretKey):
            RecipientKey(secret, suite)
    sealed, keys = sealed_bytes()
    monkeypatch.setattr(sealing, "RECIPIENTS_MAX", 1)
    with pytest.raises(BadArgument):
        share_keys(sealed, keys, DOCTOR, STRANGER.recipient)


def test_facts_have_limits() -> None:
    """Goal: texts fit their length byte. Method: at the limit, one past it, empty."""
    Facts("4.0", "Patient", "", "x" * 255)
    for custodian in ("x" * 256, "一" * 86, ""):
        with pytest.raises(BadArgument):
            Facts("4.0", "Patient", "", custodian)


def test_secrets_are_not_shown() -> None:
    """Goal: no log shows a key. Method: the text of keys that are exposed as they were given."""
    for suite in Suite:
        doctor = KEYS[suite][0]
        assert doctor.expose() == bytes(range(32))
        assert doctor.expose().hex() not in repr(doctor)
        assert str(list(doctor.expose()[:4])) not in repr(doctor)
        assert RecipientKey(RecipientKey.generate(suite).expose(), suite).suite is suite


def test_wrapping_is_hpke() -> None:
    """Goal: another program can unwrap. Method: HPKE written here from RFC 9180, base mode."""
    wrapped = HpkeWrap().seal(DOCTOR.recipient, b"secret", b"context")
    assert hpke_open(DOCTOR.expose(), wrapped, b"context") == b"secret"


def test_wrapping_is_sm2_encryption_on_gm_chains() -> None:
    """Goal: another program can unwrap, and wrap. Method: another library on both ends; it names
    another record, another recipient and nothing, which is refused.
    """
    doctor, stranger = KEYS[Suite.GM]
    entry, secret = bytes([7]) * 32, bytes(48)
    other = gmalg.SM2(doctor.expose(), pk=uncompressed(doctor.recipient.public_key))

    def named(record: bytes, recipient: bytes) -> bytes:
        return hash_many("sm3", [b"trine/health-record-key" + record + recipient])[0]

    name = doctor.recipient.id
    wrapped = wrap(Suite.GM, doctor.recipient, secret, entry)
    assert len(wrapped) == 177
    assert other.decrypt(wrapped) == named(entry, name) + secret
    theirs = other.encrypt(named(entry, name) + secret)
    assert unwrap(Suite.GM, doctor, theirs, entry) == secret
    assert unwrap(Suite.INTL, doctor, theirs, entry) is None
    for wrong in (
        named(bytes(32), name) + secret, named(entry, stranger.recipient.id) + secret, secret,
        named(entry, name)[:-1], b"x",
    ):  # fmt: skip
        assert unwrap(Suite.GM, doctor, other.encrypt(wrong), entry) is None


def uncompressed(key: bytes) -> bytes:
    """A point of SM2 with both coordinates (SEC 1, section 2.3.4)."""
    x = int.from_bytes(key[1:])
    p = 2**256 - 2**224 - 2**96 + 2**64 - 1
    b = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
    y = pow(x**3 - 3 * x + b, (p + 1) // 4, p)
    y = y if y & 1 == key[0] & 1 else p - y
    return b"\x04" + x.to_bytes(32) + y.to_bytes(32)


def hpke_open(secret: bytes, wrapped: bytes, info: bytes) -> bytes:
    """Open as RFC 9180, sections 4.1, 5.1 and 5.2 say: KEM 0x0020, KDF 0x0001, AEAD 0x0002."""
    private = X25519PrivateKey.from_private_bytes(secret)
    sent, public = wrapped[:32], private.public_key().public_bytes_raw()
    kem, suite = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02"
    shared = private.exchange(X25519PublicKey.from_public_bytes(sent))
    extracted = labelled_extract(kem, b"", b"eae_prk", shared)
    shared = labelled_expand(kem, extracted, b"shared_secret", sent + public, 32)
    names = [labelled_extract(suite, b"", name, text)
             for name, text in ((b"psk_id_hash", b""), (b"info_hash", info))]  # fmt: skip
    context = b"\x00" + b"".join(names)
    extracted = labelled_extract(suite, shared, b"secret", b"")
    key = labelled_expand(suite, extracted, b"key", context, 32)
    nonce = labelled_expand(suite, extracted, b"base_nonce", context, 12)
    return AESGCM(key).decrypt(nonce, wrapped[32:], b"")


def labelled_extract(suite: bytes, salt: bytes, label: bytes, text: bytes) -> bytes:
    """LabeledExtract of RFC 9180, section 4."""
    content = b"HPKE-v1" + suite + label + text
    return hmac.new(salt or bytes(32), content, hashlib.sha256).digest()


def labelled_expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """LabeledExpand of RFC 9180, section 4, of at most one block."""
    content = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info + b"\x01"
    return hmac.new(key, content, hashlib.sha256).digest()[:length]


def flipped(content: bytes, bit: int) -> bytes:
    """The bytes with one bit changed."""
    altered = bytearray(content)
    altered[bit // 8] ^= 1 << bit % 8
    return bytes(altered)
