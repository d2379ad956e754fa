"""Issue and verify receipts: signed proofs about a log (RFC 9942, RFC 9943, section 7).

The service signs the root of its log once (`sign_head`); every receipt of that size carries this
signature with a proof of its own. The payload, the root, is detached: whoever verifies computes it
from the proof.

>>> from trine.crypto import SecretKey
>>> from trine.services.evidence import cose, receipt, tree
>>> from trine.types import Digest
>>> key = SecretKey("ed25519", bytes(32))
>>> entry, sibling = Digest(bytes(32)), Digest(bytes([1] * 32))
>>> leaves = tree.leaf_hashes("sha256", [entry, sibling])
>>> head = receipt.TreeHead("sha256", 2, tree.Frontier("sha256").extend(leaves).root())
>>> signed = receipt.sign_head(
...     head, key=key, issuer="https://log.example", subject="log 7", issued_at_s=1_800_000_000
... )
>>> data = receipt.receipt_for(signed, 0, [leaves[1]])
>>> read = receipt.read_receipt(data)
>>> receipt.verify_inclusion(read, entry, cose.public_key(key)) == head
True
>>> read.issuer, read.inclusions[0].leaf_index
('https://log.example', 0)
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from trine._core import statements as core
from trine.crypto import SecretKey
from trine.errors import BadArgument
from trine.errors.services import (
    BadHeader,
    BadReceipt,
    CoseSignature,
    TreeMismatch,
    UnknownStructure,
)
from trine.services.evidence import cbor, cose, tree
from trine.services.evidence.cbor import Label, Slice
from trine.services.evidence.statement import (
    ISSUED_AT,
    ISSUER,
    KEY_ID_BYTES_MAX,
    RECEIPT_BYTES_MAX,
    SUBJECT,
    claim_text,
    claims_of,
    required_claim,
    time_of,
)
from trine.services.evidence.tree import HashFunction
from trine.types import Digest
from trine.types.calls import PublicKey

STRUCTURE: Final = 395
"""Label of the verifiable data structure (RFC 9942, section 2)."""
PROOFS: Final = 396
"""Label of its proofs (the same)."""
INCLUSION: Final = -1
"""Label of inclusion proofs among the proofs (RFC 9942, section 4.2)."""
CONSISTENCY: Final = -2
"""Label of consistency proofs among the proofs (the same)."""
CHAIN_PROOF: Final = -65_600
"""Label of the chain's own proof of the root, a proof file (`docs/reference/proofs.md`).

It is not protected: the proof speaks for itself. The label is of the range for private use (RFC
9052, section 11.1)."""

SIZE: Final = -65_601
"""Label of the log's size among the protected headers, of the range for private use.

A root does not commit to the number of leaves, and the proof, where RFC 9942 has that number, is
not signed: without this header anybody could change it, between numbers with paths of one shape."""

RFC9162_SHA256: Final = 1
"""The tree of RFC 9162 with SHA-256 (RFC 9942, section 5)."""
RFC9162_SM3: Final = -65_600
"""The same with SM3. No number is registered: each hash function needs one of its own (RFC 9942,
section 4.3.1), and until then this is one that no registration can take."""
FUNCTION_OF_STRUCTURE: Final[dict[int, HashFunction]] = {
    RFC9162_SHA256: "sha256",
    RFC9162_SM3: "sm3",
}
STRUCTURE_OF_FUNCTION: Final[dict[HashFunction, int]] = {
    function: number for number, function in FUNCTION_OF_STRUCTURE.items()
}

HEADS_CACHED_MAX: Final = 16
"""Signed heads of which it is remembered what all receipts have."""
ENTRY_HASH: Final = -65_602
"""Label of the hash function of entries among the protected headers, of the range for private use.
It is there where that is not the function of the log: in the SHA-256 log beside an SM3 log."""
FUNCTION_OF_HASH: Final[dict[int, HashFunction]] = {-16: "sha256", -65_600: "sm3"}
"""Hash functions by their numbers in COSE: SHA-256 (RFC 9054, section 2.1), and SM3, which has
none, by one of the range for private use."""
HASH_OF_FUNCTION: Final[dict[HashFunction, int]] = {
    function: number for number, function in FUNCTION_OF_HASH.items()
}

PROOFS_MAX: Final = 16
"""Proofs of one kind in a receipt."""
UNDERSTOOD: Final[frozenset[Label]] = frozenset(
    {cose.ALGORITHM, cose.CRITICAL, cose.KEY_ID, cose.CWT_CLAIMS, STRUCTURE, SIZE, ENTRY_HASH}
)
"""Headers that a receipt may call critical."""

_WHAT: Final = "the receipt"
_PROOFS_OF: Final = {
    kind: cbor.encode_integer(PROOFS)
    + cbor.encode_head(cbor.MAP, 1)
    + cbor.encode_integer(kind)
    + cbor.encode_head(cbor.ARRAY, 1)
    for kind in (INCLUSION, CONSISTENCY)
}
_CHAIN_PROOF: Final = cbor.encode_integer(CHAIN_PROOF)
_HASH_HEAD: Final = cbor.encode_head(cbor.BYTES, Digest.LENGTH)


class TreeHead(NamedTuple):
    """A log at one size.

    Attributes:
        function: Hash function of the log.
        size: Number of leaves.
        root: Root over them.
    """

    function: HashFunction
    size: int
    root: Digest


class SignedHead(NamedTuple):
    """A tree head with the service's signature, from which receipts are made.

    Attributes:
        head: What is signed.
        protected: Content of the protected header.
        signature: Signature over it and the root.
    """

    head: TreeHead
    protected: bytes
    signature: bytes


class Inclusion(NamedTuple):
    """An inclusion proof (RFC 9942, section 5.2): leaf `leaf_index` of `size`, leaf to root."""

    size: int
    leaf_index: int
    path: tuple[bytes, ...]


class Consistency(NamedTuple):
    """A consistency proof (RFC 9942, section 5.3) from `old_size` leaves to `new_size`."""

    old_size: int
    new_size: int
    path: tuple[bytes, ...]


class Receipt(NamedTuple):
    """A receipt whose form is checked; what it shows is not, before it is verified.

    Attributes:
        message: The message as received.
        function: Hash function of the log.
        entry_function: Hash function of its entries.
        issuer: The service; nothing in a receipt of RFC 9942 alone.
        subject: What it is about; nothing in the same.
        key_id: Name of the service's key; nothing in the same.
        issued_at_s: Unix time in seconds at which the service signed; nothing where it is missing.
        size: Leaves of the log as the service signed them; nothing where only proofs name them.
        inclusions: Proofs that entries are in the log.
        consistencies: Proofs that the log only grew.
        chain_proof: The chain's own proof, a proof file; nothing where there is none.
    """

    message: cose.Sign1
    function: HashFunction
    entry_function: HashFunction
    issuer: str | None
    subject: str | None
    key_id: bytes | None
    issued_at_s: int | None
    size: int | None
    inclusions: tuple[Inclusion, ...]
    consistencies: tuple[Consistency, ...]
    chain_proof: bytes | None


def sign_head(
    head: TreeHead,
    *,
    key: SecretKey,
    issuer: str,
    subject: str,
    issued_at_s: int,
    key_id: bytes | None = None,
    entry_function: HashFunction | None = None,
) -> SignedHead:
    """Sign a log at one size; all its receipts share the signature.

    Args:
        head: The log.
        key: Key of the service.
        issuer: The service, by RFC 9943 a URI.
        subject: The log.
        issued_at_s: Unix time in seconds.
        key_id: Name of the key; by default the public key itself.
        entry_function: Hash function of the entries; by default that of the log.

    Raises:
        SignatureAlgorithm: The key is of an algorithm that signs no receipts.
    """
    headers: dict[Label, object] = {
        cose.ALGORITHM: cose.ALGORITHM_OF_KEY.get(key.algorithm),
        cose.KEY_ID: key.public_key if key_id is None else key_id,
        cose.CWT_CLAIMS: {ISSUER: issuer, SUBJECT: subject, ISSUED_AT: issued_at_s},
        STRUCTURE: STRUCTURE_OF_FUNCTION[head.function],
        SIZE: head.size,
    }
    if entry_function is not None and entry_function != head.function:
        headers[ENTRY_HASH] = HASH_OF_FUNCTION[entry_function]
    protected = cose.encode(headers)
    return SignedHead(head, protected, cose.sign(key, protected, head.root))


def receipt_for(
    signed: SignedHead, index: int, path: Sequence[bytes], *, chain_proof: bytes | None = None
) -> bytes:
    """Make the receipt of an entry.

    Args:
        signed: The log, signed.
        index: Number of the entry's leaf.
        path: Inclusion proof, leaf to root.
        chain_proof: Proof file with which the chain itself shows the root.

    Raises:
        BadArgument: The path holds something else than hashes.
    """
    return _write(signed, INCLUSION, (signed.head.size, index), path, chain_proof)


def receipts_for(
    signed: SignedHead, number: int, places: Sequence[int], tile: bytes, above: Sequence[bytes]
) -> list[bytes]:
    """Make the receipts of many entries below one full tile, as `receipt_for` makes each.

    Args:
        signed: The log, signed.
        number: Number of the tile.
        places: Places of the entries in it.
        tile: Hashes of its leaves.
        above: Path from the tile to the root.

    Raises:
        BadArgument: Tile or path have another length than they must.
    """
    before, behind = _around(signed)
    before += cbor.encode_head(cbor.MAP, 1) + _PROOFS_OF[INCLUSION]
    head, joined = signed.head, b"".join(above)
    return core.receipts(
        head.function, head.size, number, tile, bytes(places), joined, before, behind
    )


def consistency_receipt_for(
    signed: SignedHead, old_size: int, path: Sequence[bytes], *, chain_proof: bytes | None = None
) -> bytes:
    """Make the receipt that the log only grew since it had `old_size` leaves.

    Args:
        signed: The log, signed.
        old_size: Leaves that it had.
        path: Consistency proof.
        chain_proof: Proof file with which the chain itself shows the root.

    Raises:
        BadArgument: The path holds something else than hashes.
    """
    return _write(signed, CONSISTENCY, (old_size, signed.head.size), path, chain_proof)


def _write(
    signed: SignedHead,
    kind: int,
    numbers: tuple[int, int],
    path: Sequence[bytes],
    chain_proof: bytes | None,
) -> bytes:
    """Write the receipt with one proof: two numbers and a path."""
    if set(map(len, path)) - {Digest.LENGTH}:
        raise BadArgument(f"a path holds hashes of {Digest.LENGTH} bytes")
    first, second = numbers
    integer, head = cbor.encode_integer, cbor.encode_head
    hashes = head(cbor.ARRAY, len(path)) + _HASH_HEAD.join((b"", *path))
    proof = head(cbor.ARRAY, 3) + integer(first) + integer(second) + hashes
    # One map in the other, and in it an array of one.
    unprotected = head(cbor.MAP, 1 if chain_proof is None else 2) + _PROOFS_OF[kind]
    unprotected += cbor.encode_bytes(proof)
    if chain_proof is not None:
        unprotected += _CHAIN_PROOF + cbor.encode_bytes(chain_proof)
    before, behind = _around(signed)
    return before + unprotected + behind


@lru_cache(HEADS_CACHED_MAX)
def _around(signed: SignedHead) -> tuple[bytes, bytes]:
    """Return what stands around the unprotected header in all receipts of a head."""
    message = cose.write_sign1(signed.protected, cose.EMPTY_MAP, None, signed.signature)
    before = cose.TAG_AND_ARRAY + cbor.encode_bytes(signed.protected)
    return before, message[len(before) + len(cose.EMPTY_MAP) :]


def read_receipt(data: bytes, *, claims_required: bool = True) -> Receipt:
    """Read a receipt and check its form.

    Args:
        data: The receipt.
        claims_required: Whether issuer, subject and the name of the key must be there, as RFC 9943,
            section 6, demands; off for receipts of RFC 9942 alone.

    Raises:
        NotACoseMessage, CoseTruncated, CoseEncoding, CoseTooLarge, NestedTooDeep, TrailingBytes,
        DuplicateLabel: The bytes are not such a message.
        HeaderMissing, HeaderNotProtected, BadHeader, CriticalHeader: A header is not as required.
        SignatureAlgorithm: The algorithm is unknown.
        UnknownStructure: The receipt is about another structure than a tree of RFC 9162.
        BadReceipt: The payload is attached, or a proof is missing or malformed.
    """
    message = cose.read_sign1(data, _WHAT, bytes_max=RECEIPT_BYTES_MAX)
    cose.algorithm(message)
    cose.check_critical(message, UNDERSTOOD)
    function = _function(message)
    issuer, subject, issued_at_s = _claims(message, required=claims_required)
    if message.payload is not None:
        raise BadReceipt("the payload is attached: a receipt's root is computed from its proof")
    place = message.unprotected.get(PROOFS)
    if place is None or data[place[0]] >> 5 != cbor.MAP:
        raise BadReceipt(f"the receipt lacks a map of proofs ({PROOFS})")
    proofs, _ = cbor.map_slices(data, *place, "the proofs")
    if not proofs or not proofs.keys() <= {INCLUSION, CONSISTENCY}:
        raise BadReceipt(f"the proofs are not those of inclusion ({INCLUSION}) and consistency")
    return Receipt(
        message,
        function,
        _entry_function(message, function),
        issuer,
        subject,
        _key_id(message, required=claims_required),
        issued_at_s,
        _size(message),
        tuple(Inclusion(*each) for each in _proofs(data, proofs.get(INCLUSION))),
        tuple(Consistency(*each) for each in _proofs(data, proofs.get(CONSISTENCY))),
        _chain_proof(message),
    )


def _function(message: cose.Sign1) -> HashFunction:
    place = cose.required(message, STRUCTURE, "vds")
    number = cose.integer(message.protected, place, "the verifiable data structure")
    if number not in FUNCTION_OF_STRUCTURE:
        known = ", ".join(map(str, FUNCTION_OF_STRUCTURE))
        raise UnknownStructure(f"the data structure {number}, expected one of {known}")
    return FUNCTION_OF_STRUCTURE[number]


def _entry_function(message: cose.Sign1, default: HashFunction) -> HashFunction:
    place = message.headers.get(ENTRY_HASH)
    if place is None:
        return default
    number = cose.integer(message.protected, place, "the hash function of entries")
    if number not in FUNCTION_OF_HASH:
        known = ", ".join(map(str, FUNCTION_OF_HASH))
        raise UnknownStructure(f"entries by the hash function {number}, expected one of {known}")
    return FUNCTION_OF_HASH[number]


def _claims(message: cose.Sign1, *, required: bool) -> tuple[str | None, str | None, int | None]:
    if not required and cose.CWT_CLAIMS not in message.headers:
        return None, None, None
    claims, data = claims_of(message), message.protected
    issuer = claim_text(data, required_claim(claims, ISSUER, "issuer"), "the issuer")
    subject = claim_text(data, required_claim(claims, SUBJECT, "subject"), "the subject")
    return issuer, subject, time_of(data, claims, ISSUED_AT)


def _key_id(message: cose.Sign1, *, required: bool) -> bytes | None:
    if not required and cose.KEY_ID not in message.headers:
        return None
    place = cose.required(message, cose.KEY_ID, "key id")
    found = cose.string(message.protected, place, "the key id")
    if not 1 <= len(found) <= KEY_ID_BYTES_MAX:
        raise BadHeader(f"a key id of {len(found)} bytes, expected 1 to {KEY_ID_BYTES_MAX}")
    return found


def _size(message: cose.Sign1) -> int | None:
    place = message.headers.get(SIZE)
    return None if place is None else cose.integer(message.protected, place, "the size")


def _chain_proof(message: cose.Sign1) -> bytes | None:
    place = message.unprotected.get(CHAIN_PROOF)
    return None if place is None else cose.string(message.data, place, "the chain's proof")


def _proofs(data: bytes, place: Slice | None) -> list[tuple[int, int, tuple[bytes, ...]]]:
    """Read the proofs of one kind: each a byte string with two numbers and a path."""
    if place is None:
        return []
    places = cose.items(data, place, "the proofs of a kind")
    if not 1 <= len(places) <= PROOFS_MAX:
        raise BadReceipt(f"{len(places)} proofs of a kind, expected 1 to {PROOFS_MAX}")
    found = []
    for each in places:
        proof = cose.string(data, each, "a proof")
        stop = cbor.skip(proof, 0, len(proof), "a proof")
        parts = cose.items(proof, (0, stop), "a proof")
        if stop != len(proof) or len(parts) != 3:
            raise BadReceipt("a proof is not two numbers and a path")
        first, second = (cose.integer(proof, part, "a number of a proof") for part in parts[:2])
        path = cose.items(proof, parts[2], "the path of a proof")
        if min(first, second) < 0 or len(path) > tree.PATH_HASHES_MAX:
            raise BadReceipt(f"a proof with the numbers {first} and {second}, {len(path)} hashes")
        hashes = tuple(cose.string(proof, part, "a hash of a proof") for part in path)
        found.append((first, second, hashes))
    return found


def verify_inclusion(receipt: Receipt, entry: Digest, key: PublicKey) -> TreeHead:
    """Check that the service signed a log that holds an entry.

    The leaf is `H(0x00 || entry)`; one of the receipt's proofs must lead from it to the root that
    is signed.

    Args:
        receipt: The receipt.
        entry: Entry of the statement, `statement.entry_of`.
        key: Key of the service.

    Returns:
        The log as the service signed it. Its size is signed where the receipt has one
        (`Receipt.size`); in other receipts it is no more than the proof says.

    Raises:
        BadReceipt: It has no inclusion proof.
        SignatureAlgorithm: The key is of another algorithm.
        TreeMismatch: A proof does not fit its numbers, or is of another size than was signed.
        CoseSignature: The signature does not hold for the root: the receipt is of another entry,
            or was altered.
    """
    function = receipt.function
    (leaf,) = tree.leaf_hashes(function, [entry])
    heads = []
    for proof in receipt.inclusions:
        root = tree.inclusion_root(function, leaf, proof.leaf_index, proof.size, proof.path)
        heads.append(TreeHead(function, proof.size, root))
    return _signed(receipt, heads, key, "inclusion")


def place_of(receipt: Receipt, entry: Digest, head: TreeHead) -> Inclusion:
    """Return the proof that leads from an entry to a log that was verified.

    A receipt may hold others beside it, which show nothing.

    Args:
        receipt: The receipt.
        entry: Entry of the statement.
        head: What `verify_inclusion` returned for both.

    Raises:
        BadReceipt: No proof leads there: the head is of something else.
    """
    (leaf,) = tree.leaf_hashes(head.function, [entry])
    for proof in receipt.inclusions:
        place = (proof.leaf_index, proof.size, proof.path)
        if proof.size == head.size and (
            tree.inclusion_root(head.function, leaf, *place) == head.root
        ):
            return proof
    raise BadReceipt("no proof of the receipt leads from the entry to the log")


def verify_consistency(receipt: Receipt, old: TreeHead, key: PublicKey) -> TreeHead:
    """Check that the service signed a log that begins with the one that was known before.

    Args:
        receipt: The receipt.
        old: The log as it was known, at least one leaf.
        key: Key of the service.

    Returns:
        The log as the service signed it; see `verify_inclusion`.

    Raises:
        BadReceipt: It has no consistency proof.
        SignatureAlgorithm: The key is of another algorithm.
        TreeMismatch: A proof starts from another log than `old`, or is of another size than was
            signed.
        CoseSignature: The signature does not hold for the root.
    """
    function, heads = receipt.function, []
    for proof in receipt.consistencies:
        if (function, proof.old_size) != (old.function, old.size):
            raise TreeMismatch(f"the proof starts from {proof.old_size} leaves, not {old.size}")
        root = tree.consistency_root(function, old.size, proof.new_size, old.root, proof.path)
        heads.append(TreeHead(function, proof.new_size, root))
    return _signed(receipt, heads, key, "consistency")


def _signed(receipt: Receipt, heads: Sequence[TreeHead], key: PublicKey, kind: str) -> TreeHead:
    """Return the head whose root the service signed."""
    if not heads:
        raise BadReceipt(f"the receipt has no proof of {kind}")
    for head in heads:
        if receipt.size not in {None, head.size}:
            raise TreeMismatch(f"a proof of {head.size} leaves, {receipt.size} are signed")
        try:
            cose.verify_sign1(receipt.message, key, payload=head.root)
        except CoseSignature:
            continue
        return head
    raise CoseSignature(f"the signature holds for no root of a proof of {kind}")
