"""Take proofs of a log's entries apart, and put them together from what they share.

All proofs of one log against one header share their larger part: headers, certificate, hand-overs,
and the way from the log's head to the header. An entry's own are its digest, its index and its path
(`docs/reference/proofs.md`, section 6, kind 6). So one proof that was verified and the tree of the
log give the proofs of all entries, and many receipts are checked at the cost of their own parts.

A file of another form is nobody's error: it is `None`, and the core says what is wrong with it.

>>> from trine.services.evidence.entry_proof import EntryProof
>>> proof = EntryProof(bytes([0xA4, 0xA6]), bytes(32), 7, 0, 1, b"", bytes([5, 0x40]))
>>> EntryProof.read(proof.body()) == proof
True
"""

from typing import Final, NamedTuple, Self

from trine._core import proofs as core
from trine.errors.services import CoseEncoding, CoseTruncated
from trine.services.evidence import cbor
from trine.services.evidence.tree import HashFunction, hash_one
from trine.types import Digest
from trine.types.limits import MEDIA_TYPE_BYTES_MAX, PROOF_BYTES_MAX

_DIGEST: Final = Digest.LENGTH
_MAPS: Final = range(0xA0, 0xB8)
"""Heads of maps of up to 23 entries."""
_HASH: Final = cbor.encode_head(cbor.BYTES, _DIGEST)
_KEYS: Final = tuple(bytes([key]) for key in range(6))
_KIND: Final = b"\x00\x06\x01"
_ENTRY: Final = b"\x00" + _HASH
_PROOF: Final = b"\xa4\x00\x6btrine-proof\x01\x01\x02"
_RECEIPT: Final = b"\xa4\x00\x6dtrine-receipt\x01\x01\x02"
_SEAL: Final = b"\x03" + _HASH
_SEAL_TAG: Final = b"\x10trine/proof-file"
_ENTRY_TAG: Final = b"\x14trine/evidence-entry"
_SALT: Final = b"\xa5\x00" + _HASH


class EntryProof(NamedTuple):
    """The proof of an entry, taken apart; nothing of it is verified.

    Attributes:
        heads: Heads of the body's and the statement's map.
        entry: The entry.
        log: Number of the log.
        leaf_index: Index of the entry.
        size: Entries of the log.
        path: Inclusion path, leaf to root, joined.
        rest: What follows in the body, as it came: the way to the header and all that shows that
            this header is final.
    """

    heads: bytes
    entry: bytes
    log: int
    leaf_index: int
    size: int
    path: bytes
    rest: bytes

    @property
    def shared(self) -> tuple[bytes, int, int, bytes]:
        """What is the same in every proof of this log against this header."""
        return self.heads, self.log, self.size, self.rest

    def body(self) -> bytes:
        """Write the body of the proof."""
        integer = cbor.encode_integer
        return b"".join(
            (
                self.heads[:1],
                _KIND,
                self.heads[1:],
                _ENTRY,
                self.entry,
                b"\x01",
                integer(self.log),
                b"\x02",
                integer(self.leaf_index),
                b"\x03",
                integer(self.size),
                b"\x04",
                cbor.encode_bytes(self.path),
                self.rest,
            )
        )

    def file(self, function: HashFunction) -> bytes:
        """Write the proof file; `function` is that of the chain."""
        body = self.body()
        return _PROOF + cbor.encode_bytes(body) + _SEAL + hash_one(function, _SEAL_TAG + body)

    @classmethod
    def read(cls, body: bytes) -> Self | None:
        """Take the body of a proof apart; nothing where it is of another form."""
        end = len(body)
        if end < 39 or body[0] not in _MAPS or body[4] not in _MAPS:
            return None
        if body[1:4] != _KIND or body[5:8] != _ENTRY:
            return None
        try:
            log, at = _number(body, 40, 1, cbor.UNSIGNED)
            index, at = _number(body, at, 2, cbor.UNSIGNED)
            size, at = _number(body, at, 3, cbor.UNSIGNED)
            length, at = _number(body, at, 4, cbor.BYTES)
        except (CoseEncoding, CoseTruncated):
            return None
        stop = at + length
        if length % _DIGEST or stop > end:
            return None
        heads = body[:1] + body[4:5]
        return cls(heads, body[8:40], log, index, size, body[at:stop], body[stop:])

    @classmethod
    def read_file(cls, proof: bytes) -> Self | None:
        """Take a proof file apart that was verified; nothing where it is of another form."""
        if not proof.startswith(_PROOF):
            return None
        try:
            length, at = _number(proof, len(_PROOF) - 1, 2, cbor.BYTES)
        except (CoseEncoding, CoseTruncated):
            return None
        return cls.read(proof[at : at + length])


class EntryReceipt(NamedTuple):
    """A receipt file, taken apart: its seal holds, and nothing else is verified.

    Attributes:
        salt: Salt of the entry.
        size: Bytes of the file that it is about.
        proof: Proof of the entry.
    """

    salt: bytes
    size: int
    proof: EntryProof

    @classmethod
    def read(cls, function: HashFunction, receipt: bytes) -> Self | None:
        """Take a receipt apart (`docs/reference/receipt.md`); nothing where it is of another form.

        Args:
            function: Hash function of the chain.
            receipt: The file.
        """
        if len(receipt) > PROOF_BYTES_MAX or not receipt.startswith(_RECEIPT):
            return None
        try:
            length, at = _number(receipt, len(_RECEIPT) - 1, 2, cbor.BYTES)
            body, rest = receipt[at : at + length], receipt[at + length :]
            if len(rest) != len(_SEAL) + _DIGEST or not rest.startswith(_SEAL):
                return None
            if rest[len(_SEAL) :] != hash_one(function, _SEAL_TAG + body):
                return None
            return cls._of_body(body)
        except (CoseEncoding, CoseTruncated, UnicodeDecodeError):
            return None

    @classmethod
    def _of_body(cls, body: bytes) -> Self | None:
        if not body.startswith(_SALT):
            return None
        at = len(_SALT) + _DIGEST
        length, at = _number(body, at, 1, cbor.TEXT)
        name = body[at : at + length].decode()
        size, at = _number(body, at + length, 2, cbor.UNSIGNED)
        length, at = _number(body, at, 3, cbor.TEXT)
        body[at : at + length].decode()
        if length > MEDIA_TYPE_BYTES_MAX or not core.is_receipt_name(name):
            return None
        length, at = _number(body, at + length, 4, cbor.BYTES)
        proof = EntryProof.read(body[at:])
        if proof is None or at + length != len(body):
            return None
        return cls(body[len(_SALT) : len(_SALT) + _DIGEST], size, proof)

    def entry_of(self, function: HashFunction, digest: bytes) -> bytes:
        """Return the entry that commits to a file with a digest, under the salt."""
        return hash_one(function, _ENTRY_TAG + self.salt + digest)


def _number(data: bytes, at: int, key: int, major: int) -> tuple[int, int]:
    """Read a key, and the head that follows it: its argument, and where its content begins."""
    if not data.startswith(_KEYS[key], at):
        raise CoseEncoding(f"no key {key} at byte {at}")
    found, argument, stop = cbor.head(data, at + 1, len(data), "a proof")
    if found != major:
        raise CoseEncoding(f"another type at byte {at + 1}")
    return argument, stop
