"""Verify one record by its receipt or statement, and say what that proves.

Nothing is written or believed here: `prove` takes bytes, the trust file and keys, and returns what
Trine's verifiers found. Timestamps over the certified headers are matched and verified in
`match_timestamps`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from trine.client.verification import Trust, Verified, VerifiedProof, verify_digest, verify_proof
from trine.crypto import hash_many
from trine.crypto.x509 import Certificate, MemberPath
from trine.errors import WrongImprint, WrongTimestampTime
from trine.errors.services import (
    BadHeader,
    CoseSignature,
    FileDiffers,
    PackTimestampMissing,
    ReceiptMissing,
    SignatureAlgorithm,
)
from trine.model.hashing import Suite, under
from trine.model.proofs.envelope import open_envelope
from trine.model.proofs.proof import Proof
from trine.model.proofs.receipt import Receipt
from trine.model.proofs.statements import EvidenceStatement
from trine.services.evidence import checking, issuing, receipt, statement, tree
from trine.services.evidence.pack import verify as stranger
from trine.services.evidence.receipt import TreeHead
from trine.services.evidence.timestamp import Imprint, Timestamp, stated_imprint, token_of, verify
from trine.services.evidence.timestamp.limits import SKEW_MS_MAX
from trine.services.evidence.tree import FUNCTIONS, HashFunction
from trine.types import Digest
from trine.types.calls import PublicKey

COSE: Final = b"\xd2\x84"
"""How a statement begins; a receipt file begins otherwise."""


@dataclass(frozen=True)
class Keys:
    """Keys that the filing party names, of whoever signs statements and receipts of services.

    Attributes:
        issuers: Name and key of each issuer.
        services: Keys of services.
        issuer_roots: Certificates that vouch for issuers whose own the statements bring.
    """

    issuers: tuple[tuple[str, PublicKey], ...] = ()
    services: tuple[PublicKey, ...] = ()
    issuer_roots: tuple[Certificate, ...] = ()


class Block(NamedTuple):
    """A block whose certificate was verified, to be stamped by an outside authority.

    Attributes:
        header: Encoded header that carries the certificate.
        height: Its height.
        time_ms: Its time in Unix milliseconds.
    """

    header: bytes
    height: int
    time_ms: int


class Said(NamedTuple):
    """Who signed a statement about a record, as the signature covers it.

    Attributes:
        issuer: Who says it.
        subject: What it is about.
        issued_at_s: Unix time in seconds at which the issuer says that it was made.
        service: Whose receipt it has.
        key: Key that signed it.
        path: Certificates by which the issuer is known; nothing where its key was given.
    """

    issuer: str
    subject: str
    issued_at_s: int | None
    service: str
    key: PublicKey
    path: MemberPath | None


@dataclass(frozen=True)
class Proven:
    """What a receipt or statement proves about a record.

    Attributes:
        name: Name of the file, for people.
        size: Bytes of the record.
        digest: Digest of the record, of the chain's suite.
        entry: Entry in the log.
        log: Number of the log.
        index: Index of the entry.
        height: Height of the block that commits to the log.
        time_ms: Time of that block.
        signers: Validators that certified it.
        certified: Block whose header has the certificate: that one, or one after it.
        head: The log as that block commits to it.
        hand_overs: Hand-overs from set to set of validators that the proof brings.
        said: The statement; nothing where a receipt file alone proves the record.
    """

    name: str
    size: int
    digest: bytes
    entry: bytes
    log: int
    index: int
    height: int
    time_ms: int
    signers: tuple[str, ...]
    certified: Block
    head: TreeHead
    hand_overs: int
    said: Said | None = field(default=None)


class Stamp(NamedTuple):
    """A verified timestamp over a certified header."""

    token: bytes
    shown: Timestamp
    block: Block


def is_statement(proof: bytes) -> bool:
    """Say whether bytes are a statement (COSE) rather than a receipt file."""
    return proof.startswith(COSE)


def prove(name: str, record: bytes, proof: bytes, trust: Trust, keys: Keys) -> Proven:
    """Verify a record by its receipt or transparent statement.

    Args:
        name: Name of the record's file.
        record: The record.
        proof: Receipt file (`receipt.md`) or transparent statement (`scitt.md`).
        trust: Whom to believe.
        keys: Keys of issuers and services, for statements.

    Raises:
        FileAltered, FileDiffers: The proof is about another file.
        ProofMismatch, WrongTrust: The proof does not hold under the trust file.
        CoseSignature, ReceiptMissing, TreeMismatch: The statement does not hold.
        UnknownIssuer and others: No root vouches for its issuer, as `issuing.path_of`.
        NotAProof, NotACoseMessage and others: The bytes are no proof.
    """
    if is_statement(proof):
        return _prove_statement(name, record, proof, trust, keys)
    (digest,) = hash_many(FUNCTIONS[trust.suite], [record])
    shown = verify_digest(Digest(digest), len(record), proof, trust)
    with under(Suite(trust.suite)):
        inner = Receipt.from_body(open_envelope("receipt", proof)).proof
    facts = {"log": shown.log, "index": shown.index, "entry": shown.entry}
    head = _head(inner, FUNCTIONS[trust.suite])
    return _proven((name, len(record), digest), shown, facts, (inner, head))


def _head(inner: Proof, function: HashFunction) -> TreeHead:
    """Compute the log to which the proof of an entry leads (proofs.md, section 6)."""
    said = inner.statement
    assert isinstance(said, EvidenceStatement), "the proof was verified as one of an entry"
    (leaf,) = tree.leaf_hashes(function, [said.entry])
    root = tree.inclusion_root(function, leaf, said.index, said.size, said.path)
    return TreeHead(function, said.size, root)


def _proven(
    record: tuple[str, int, bytes],
    shown: Verified | VerifiedProof,
    facts: Mapping[str, Any],
    proof: tuple[Proof, TreeHead],
    said: Said | None = None,
) -> Proven:
    inner, head = proof
    last = inner.chain.headers[-1]
    name, size, digest = record
    return Proven(
        name=name,
        size=size,
        digest=digest,
        entry=bytes(facts["entry"]),
        log=facts["log"],
        index=facts["index"],
        height=shown.height,
        time_ms=shown.time_ms,
        signers=shown.signers,
        certified=Block(last.encode(), last.height, last.time_ms),
        head=head,
        hand_overs=len(inner.hand_overs),
        said=said,
    )


def _prove_statement(name: str, record: bytes, data: bytes, trust: Trust, keys: Keys) -> Proven:
    proofs = [receipt.read_receipt(one).chain_proof for one in statement.receipts_of(data)]
    chain_proof = next((one for one in reversed(proofs) if one is not None), None)
    if chain_proof is None:
        raise ReceiptMissing("no receipt of the statement has the chain's proof: ask the service")
    shown = verify_proof(chain_proof, trust)
    # What counts is whether it was in force when it was recorded, not when a court reads it.
    now_s = shown.time_ms // 1_000
    read = statement.read_statement(data, now_s=now_s)
    _check_kinds(data)
    issuer_key = _issuer_key(read, keys)
    # In one order whatever the caller's: of two paths, a pack that is checked shows the same one.
    roots = sorted(keys.issuer_roots, key=lambda one: one.der)
    checked = checking.check(
        data,
        issuer_key=issuer_key,
        issuer_roots=roots if issuer_key is None else (),
        service_keys=keys.services,
        trust=trust,
        now_s=now_s,
    )
    _check_record(checked.statement, record)
    service = checked.receipts[0].receipt.issuer or ""
    key = issuer_key or PublicKey(*issuing.certificates_of(read)[0].key)
    said = Said(read.issuer, read.subject, read.issued_at_s, service, key, checked.path)
    with under(Suite(trust.suite)):
        inner = Proof.from_body(open_envelope("proof", chain_proof))
    (digest,) = hash_many(FUNCTIONS[trust.suite], [record])
    head = _head(inner, FUNCTIONS[trust.suite])
    return _proven((name, len(record), digest), shown, shown.fact, (inner, head), said)


def services_of(proofs: Sequence[bytes], keys: Keys) -> tuple[PublicKey, ...]:
    """Return which keys of services signed receipts of statements: a service may have more.

    Args:
        proofs: Receipt files and statements, all verified.
        keys: Keys of services, in the order in which they are returned.
    """
    said = [one for one in proofs if is_statement(one)]
    found = {
        receipt.read_receipt(one).key_id for data in said for one in statement.receipts_of(data)
    }
    return tuple(key for key in keys.services if key.key in found)


def roots_of(proven: Sequence[Proven]) -> tuple[Certificate, ...]:
    """Return which roots vouch for issuers, in a fixed order: other roots may be at hand."""
    paths = [one.said.path for one in proven if one.said is not None]
    found = {path.authority for path in paths if path is not None}
    return tuple(sorted(found, key=lambda one: one.der))


def _check_kinds(data: bytes) -> None:
    """Check that the stranger's verifier, which reads fewer kinds of headers, reads this one."""
    try:
        for one in (data, *statement.receipts_of(data)):
            stranger.read_message(one)
    except ValueError as error:
        raise BadHeader(f"a header has a value that verify.py does not read: {error}") from None
    for read in map(receipt.read_receipt, statement.receipts_of(data)):
        if read.entry_function != read.function:
            raise BadHeader(
                "a receipt is of the SHA-256 log beside the chain's, unknown to verify.py: "
                "ask the service for the statement without it"
            )


def _issuer_key(read: statement.Statement, keys: Keys) -> PublicKey | None:
    """Choose the key of the statement's issuer: the named one, else the first.

    Nothing is returned where roots must vouch for the key: the statement brings certificates, and
    no known key of its issuer signed it.
    """
    own = [key for name, key in keys.issuers if name in {read.issuer, ""}]
    if keys.issuer_roots and statement.X5CHAIN in read.message.headers:
        return next((key for key in own if _signed_by(read, key)), None)
    named = [key for key in own if key.key == read.key_id]
    if not own:
        raise CoseSignature(
            f"no key of the issuer {read.issuer} is given (--issuer-key), nor a root for a "
            "statement that brings certificates (--issuer-roots)"
        )
    return (named or own)[0]


def _signed_by(read: statement.Statement, key: PublicKey) -> bool:
    try:
        statement.verify_statement(read, key)
    except (CoseSignature, SignatureAlgorithm):
        return False
    return True


def _check_record(said: statement.Statement, record: bytes) -> None:
    content = record
    if said.payload_hash is not None:
        content = hashlib.new(checking.HASH_NAMES[said.payload_hash], record).digest()
    if content != said.payload:
        raise FileDiffers("the statement is about another file")


def blocks_of(proven: Sequence[Proven]) -> list[Block]:
    """Return every certified block once, by its height."""
    return sorted({one.certified for one in proven}, key=lambda block: block.height)


def match_timestamps(
    tokens: Sequence[bytes],
    blocks: Sequence[Block],
    *,
    roots: Sequence[Certificate],
    certificates: Sequence[Certificate] = (),
) -> list[Stamp]:
    """Verify timestamps, each over the header of one of the blocks.

    Args:
        tokens: Responses or tokens of RFC 3161.
        blocks: Blocks whose certificates were verified.
        roots: Roots of the authorities that are trusted.
        certificates: Certificates between, and signers' where the tokens lack them.

    Raises:
        WrongImprint: A token is over something else.
        WrongTimestampTime: A token's time lies before that of its block.
        TrineError: As `timestamp.verify`.
    """
    found = []
    for number, one in enumerate(tokens, 1):
        token = token_of(one)
        stated = stated_imprint(token)
        fitting = [b for b in blocks if Imprint.of_data(b.header, stated.algorithm) == stated]
        if not fitting:
            raise WrongImprint(f"timestamp {number} is over none of the certified headers")
        shown = verify(token, roots=roots, imprint=stated, certificates=certificates)
        if shown.time_ms <= fitting[0].time_ms - SKEW_MS_MAX:
            raise WrongTimestampTime(
                f"timestamp {number} states {shown.time_ms} Unix ms, before its block's "
                f"{fitting[0].time_ms}"
            )
        found.append(Stamp(token, shown, fitting[0]))
    return found


def require_stamped(blocks: Sequence[Block], stamps: Sequence[Stamp]) -> None:
    """Check that every block has a timestamp.

    Raises:
        PackTimestampMissing: One has none.
    """
    stamped = {one.block for one in stamps}
    missing = [str(block.height) for block in blocks if block not in stamped]
    if missing:
        raise PackTimestampMissing(
            f"no timestamp of an outside authority is over the header of block {missing[0]}: "
            "whoever steals old keys could make such a block at any later time; ask an authority "
            "(--tsa), give its token (--timestamp), or say --without-timestamp"
        )
