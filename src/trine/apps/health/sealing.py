"""Seal one record: commit to it, encrypt it, wrap its secrets for each recipient, and open it.

The formats are specified in `docs/reference/health-records.md`. A record becomes two objects:

- the *sealed record*: public facts, then the ciphertext; every byte of the facts is authenticated
  with it, and it never changes;
- its *keys*: the record's own key and salt, wrapped once for each recipient; sharing adds one,
  erasing removes all of them.

What goes on the chain is the *entry* alone, the same salted commitment as a file's: any receipt of
it verifies with the tools for receipts, against the *document* that was encrypted.

>>> from trine.apps.health.recipients import RecipientKey
>>> doctor, facts = RecipientKey.generate(), Facts("4.0", "Patient", "", "hospital")
>>> sealed, keys = seal(facts, b'{"resourceType":"Patient"}', [doctor.recipient], Suite.INTL)
>>> opened = open_sealed(sealed.encode(), keys.encode(), doctor)
>>> opened.resource, len(sealed.entry)
(b'{"resourceType":"Patient"}', 32)
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from json.encoder import encode_basestring
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trine.apps.health.limits import CUSTODIAN_BYTES_MAX, RECIPIENTS_MAX, RESOURCE_BYTES_MAX
from trine.apps.health.recipients import Recipient, RecipientKey, unwrap, wrap
from trine.crypto import open_sm4_gcm, seal_sm4_gcm
from trine.errors import BadArgument
from trine.errors.health import DamagedRecord, NotARecipient, RecordMismatch
from trine.model.hashing import Suite, hash_bytes, tagged_hash, under
from trine.model.identifiers import Digest
from trine.model.proofs.receipt import entry_of

RECORD_MAGIC: Final = b"TRINEREC"
"""First bytes of a sealed record."""
KEYS_MAGIC: Final = b"TRINEKEY"
"""First bytes of a record's keys."""
VERSION: Final = 1
SALT_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
_KEY_BYTES: Final = {Suite.INTL: 32, Suite.GM: 16}
_SUITE_NUMBERS: Final = {Suite.INTL: 1, Suite.GM: 2}
_SUITES: Final = {number: suite for suite, number in _SUITE_NUMBERS.items()}
_SEAL_TAG: Final = "trine/health-keys"
_WRAPPED_BYTES_MAX: Final = 4_096
_DIGEST_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Facts:
    """What anybody may know of a record who holds it sealed."""

    release: str
    """Release of FHIR, such as `4.0`."""
    type_name: str
    """Resource type."""
    version: str
    """Version of the record (`meta.versionId`), or empty."""
    custodian: str
    """Who keeps the record: an organisation's name on the chain."""

    def __post_init__(self) -> None:
        """Check the lengths.

        Raises:
            BadArgument: A text is longer than its limit, or the custodian is empty.
        """
        for name in ("release", "type_name", "version", "custodian"):
            length = len(getattr(self, name).encode())
            if length > CUSTODIAN_BYTES_MAX or (name == "custodian" and not length):
                expected = f"expected 1 to {CUSTODIAN_BYTES_MAX}"
                raise BadArgument(f"{name} of {length} bytes, {expected}")

    def encode(self) -> bytes:
        """Return the texts, each with its length before it."""
        texts = (self.release, self.type_name, self.version, self.custodian)
        return b"".join(_short(text.encode()) for text in texts)


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """A record as it is stored: public facts and a ciphertext."""

    suite: Suite
    entry: Digest
    facts: Facts
    nonce: bytes
    ciphertext: bytes

    @property
    def head(self) -> bytes:
        """Bytes before the nonce; they are authenticated with the ciphertext."""
        return _head(RECORD_MAGIC, self.suite, self.entry) + self.facts.encode()

    def encode(self) -> bytes:
        """Return the bytes of the record."""
        length = len(self.ciphertext).to_bytes(4, "big")
        return b"".join((self.head, self.nonce, length, self.ciphertext))

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Take a sealed record apart.

        Raises:
            DamagedRecord: It is none.
        """
        cursor = _Cursor(content)
        suite, entry = cursor.head(RECORD_MAGIC)
        texts = [cursor.text() for _ in range(4)]
        nonce = cursor.take(NONCE_BYTES)
        length = cursor.number(4)
        if length > RESOURCE_BYTES_MAX * 2:
            raise cursor.damaged("its length is over the limit")
        ciphertext = cursor.take(length)
        cursor.end()
        try:
            facts = Facts(*texts)
        except BadArgument as error:
            raise cursor.damaged(str(error)) from None
        return cls(suite, entry, facts, nonce, ciphertext)


@dataclass(frozen=True, slots=True)
class RecordKeys:
    """A record's secrets, wrapped once for each recipient."""

    suite: Suite
    entry: Digest
    wrapped: dict[Digest, bytes]
    """Wrapped secrets by the recipient's id."""

    def encode(self) -> bytes:
        """Return the bytes: recipients in the order of their ids, then a digest of it all."""
        parts = [_head(KEYS_MAGIC, self.suite, self.entry), len(self.wrapped).to_bytes(2, "big")]
        for name, wrapped in sorted(self.wrapped.items()):
            parts += [name, len(wrapped).to_bytes(2, "big"), wrapped]
        with under(self.suite):
            return b"".join(parts) + tagged_hash(_SEAL_TAG, *parts)

    def without(self, recipient: Recipient) -> Self:
        """Return the keys without those of a recipient."""
        left = {name: one for name, one in self.wrapped.items() if name != recipient.id}
        return replace(self, wrapped=left)

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Take the keys of a record apart.

        Raises:
            DamagedRecord: They are none, or their digest differs.
        """
        cursor = _Cursor(content[:-_DIGEST_BYTES])
        suite, entry = cursor.head(KEYS_MAGIC)
        with under(suite):
            seal = tagged_hash(_SEAL_TAG, content[:-_DIGEST_BYTES])
        if seal != content[-_DIGEST_BYTES:]:
            raise cursor.damaged("its bytes are not those of its digest")
        wrapped: dict[Digest, bytes] = {}
        for _ in range(cursor.number(2)):
            name = Digest(cursor.take(_DIGEST_BYTES))
            wrapped[name] = cursor.take(cursor.number(2))
        cursor.end()
        return cls(suite, entry, wrapped)


@dataclass(frozen=True, slots=True)
class OpenedRecord:
    """A record as a recipient sees it, with what shows that it is the committed one."""

    entry: Digest
    facts: Facts
    resource: bytes
    """The resource in canonical form."""
    document: bytes
    """What the entry commits to; `salt` and these bytes show it to anybody."""
    salt: bytes


def document_of(facts: Facts, resource: bytes) -> bytes:
    """Write the document of a record: custodian, release and resource, in canonical form.

    Args:
        facts: Its public facts; type and version are in the resource itself.
        resource: The resource in canonical form.
    """
    custodian, release = encode_basestring(facts.custodian), encode_basestring(facts.release)
    head = f'{{"custodian":{custodian},"fhirVersion":{release},"resource":'
    return b"".join((head.encode(), resource, b"}"))


def seal(
    facts: Facts, resource: bytes, recipients: Sequence[Recipient], suite: Suite
) -> tuple[SealedRecord, RecordKeys]:
    """Commit to a record and encrypt it under a key of its own.

    Args:
        facts: Public facts.
        resource: The resource in canonical form.
        recipients: Who may open it; at least one, or nobody ever could.
        suite: Suite of the chain.

    Raises:
        BadArgument: There are no recipients, or more than `RECIPIENTS_MAX`.
        BadPublicKey: A recipient's key is none of the suite, or cannot be used.
    """
    if not 1 <= len(recipients) <= RECIPIENTS_MAX:
        raise BadArgument(f"{len(recipients)} recipients, expected 1 to {RECIPIENTS_MAX}")
    salt, key = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(_KEY_BYTES[suite])
    nonce = secrets.token_bytes(NONCE_BYTES)
    document = document_of(facts, resource)
    entry = commitment(suite, salt, document)
    wrapped = {one.id: wrap(suite, one, key + salt, entry) for one in recipients}
    record = SealedRecord(suite, entry, facts, nonce, b"")
    ciphertext = _encrypt(suite, key, nonce, document, record.head)
    return replace(record, ciphertext=ciphertext), RecordKeys(suite, entry, wrapped)


def commitment(suite: Suite, salt: bytes, document: bytes) -> Digest:
    """Return the entry that commits to a document; that of a file with the same bytes."""
    with under(suite):
        return entry_of(salt, hash_bytes(document))


def open_sealed(sealed: bytes, keys: bytes, key: RecipientKey) -> OpenedRecord:
    """Open a record, and check that it is the one its entry commits to.

    Args:
        sealed: Bytes of the sealed record.
        keys: Bytes of its keys.
        key: Key of a recipient.

    Raises:
        DamagedRecord: One of them is not what was written.
        NotARecipient: It was not sealed for this key.
        RecordMismatch: What was sealed is not what the entry commits to.
    """
    record, held = SealedRecord.decode(sealed), RecordKeys.decode(keys)
    secret = _unwrap(record, held, key)
    salt = secret[-SALT_BYTES:]
    document = _decrypt(record, secret[:-SALT_BYTES])
    begin = document_of(record.facts, b"")[:-1]
    is_committed = commitment(record.suite, salt, document) == record.entry
    if not is_committed or not document.startswith(begin) or not document.endswith(b"}"):
        raise RecordMismatch(f"entry {record.entry.hex()} commits to another document")
    return OpenedRecord(record.entry, record.facts, document[len(begin) : -1], document, salt)


def share_keys(sealed: bytes, keys: bytes, key: RecipientKey, recipient: Recipient) -> RecordKeys:
    """Wrap the secrets of a record for one more recipient.

    Args:
        sealed: Bytes of the sealed record.
        keys: Bytes of its keys.
        key: Key of somebody who can open it.
        recipient: Who shall be able to.

    Raises:
        DamagedRecord, NotARecipient, BadPublicKey: As `open_sealed` and `seal` say.
        BadArgument: There are `RECIPIENTS_MAX` recipients already.
    """
    record, held = SealedRecord.decode(sealed), RecordKeys.decode(keys)
    secret = _unwrap(record, held, key)
    if len(held.wrapped) >= RECIPIENTS_MAX and recipient.id not in held.wrapped:
        raise BadArgument(f"a record has at most {RECIPIENTS_MAX} recipients")
    added = wrap(record.suite, recipient, secret, record.entry)
    return replace(held, wrapped={**held.wrapped, recipient.id: added})


def _unwrap(record: SealedRecord, keys: RecordKeys, key: RecipientKey) -> bytes:
    if (record.suite, record.entry) != (keys.suite, keys.entry):
        raise DamagedRecord("the keys are those of another record")
    wrapped = keys.wrapped.get(key.recipient.id)
    if wrapped is None:
        raise NotARecipient(f"the record was not sealed for {key!r}")
    secret = unwrap(record.suite, key, wrapped, record.entry)
    if secret is None or len(secret) != _KEY_BYTES[record.suite] + SALT_BYTES:
        raise DamagedRecord("the wrapped key of this recipient is damaged")
    return secret


def _encrypt(suite: Suite, key: bytes, nonce: bytes, plaintext: bytes, head: bytes) -> bytes:
    if suite is Suite.GM:
        return seal_sm4_gcm(key, nonce, plaintext, head)
    return AESGCM(key).encrypt(nonce, plaintext, head)


def _decrypt(record: SealedRecord, key: bytes) -> bytes:
    nonce, ciphertext, head = record.nonce, record.ciphertext, record.head
    if record.suite is Suite.GM:
        opened = open_sm4_gcm(key, nonce, ciphertext, head)
    else:
        try:
            opened = AESGCM(key).decrypt(nonce, ciphertext, head)
        except InvalidTag:
            opened = None
    if opened is None:
        raise DamagedRecord("the record's facts or its ciphertext are damaged")
    return opened


def _head(magic: bytes, suite: Suite, entry: Digest) -> bytes:
    return magic + bytes((VERSION, _SUITE_NUMBERS[suite])) + entry


def _short(text: bytes) -> bytes:
    return bytes((len(text),)) + text


class _Cursor:
    """Read parts of an encoding in order; every shortfall is damage."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def take(self, count: int) -> bytes:
        part = self._content[self._at : self._at + count]
        if len(part) != count:
            raise self.damaged("it ends early")
        self._at += count
        return part

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def text(self) -> str:
        try:
            return self.take(self.number(1)).decode()
        except UnicodeDecodeError:
            raise self.damaged("a text is not UTF-8") from None

    def head(self, magic: bytes) -> tuple[Suite, Digest]:
        if self.take(len(magic)) != magic:
            raise self.damaged("it begins otherwise")
        version, suite = self.take(2)
        if version != VERSION or suite not in _SUITES:
            raise self.damaged(f"version {version} and suite {suite} are not known")
        return _SUITES[suite], Digest(self.take(_DIGEST_BYTES))

    def end(self) -> None:
        if self._at != len(self._content):
            raise self.damaged("bytes follow its end")

    @staticmethod
    def damaged(reason: str) -> DamagedRecord:
        return DamagedRecord(f"this is no sealed record, or it is damaged: {reason}")
