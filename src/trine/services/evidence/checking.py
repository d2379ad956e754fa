"""Check a transparent statement step by step, with keys that are at hand and no network.

Nothing is believed but the keys that are given: the issuer's, the service's, and the validators of
a trust file. Each step says what it showed.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import cbor2

from trine.client.verification import Trust, VerifiedProof, unreadable, verify_proof
from trine.crypto.x509 import Certificate, MemberPath
from trine.errors import BadArgument
from trine.errors.services import (
    BadHeader,
    BadReceipt,
    FileDiffers,
    ReceiptMissing,
    TreeMismatch,
)
from trine.services.evidence import issuing, keys, receipt, statement
from trine.services.evidence.receipt import Receipt, TreeHead
from trine.services.evidence.statement import Statement
from trine.services.evidence.tree import FUNCTIONS, HashFunction
from trine.types import Digest
from trine.types.calls import PublicKey

KEY_SET_BYTES_MAX: Final = 1_024 * 1_024
"""Bytes of a set of keys."""
KEYS_MAX: Final = 1_024
"""Keys of a set."""
HASH_NAMES: Final = {-16: "sha256", -43: "sha384", -44: "sha512"}
"""Functions of hash envelopes, by their numbers in COSE (RFC 9054, section 2)."""


class Shown(NamedTuple):
    """What one receipt shows.

    Attributes:
        receipt: The receipt.
        head: The log that the service signed.
        leaf_index: Index of the entry in it.
        chain: What the chain's own proof shows; nothing where there is none, or no trust file.
    """

    receipt: Receipt
    head: TreeHead
    leaf_index: int
    chain: VerifiedProof | None


class Checked(NamedTuple):
    """What a transparent statement shows.

    Attributes:
        statement: The statement, signed by its issuer.
        entries: What a log of each hash function holds of it.
        receipts: What each of its receipts shows.
        path: Certificates by which the issuer is known; nothing where its key was given.
    """

    statement: Statement
    entries: Mapping[HashFunction, Digest]
    receipts: tuple[Shown, ...]
    path: MemberPath | None


def check(
    data: bytes,
    *,
    issuer_key: PublicKey | None = None,
    issuer_roots: Sequence[Certificate] = (),
    service_keys: Sequence[PublicKey],
    trust: Trust | None,
    now_s: int,
) -> Checked:
    """Check the issuer's signature, every receipt, and the chain's proof in each.

    Args:
        data: Transparent statement.
        issuer_key: Key of the issuer; or give the next.
        issuer_roots: Certificates that vouch for the issuer, whose own the statement brings. They
            are checked at the time at which it was recorded: by the chain's proof, else by the
            receipt, else now.
        service_keys: Keys with which the service signs receipts.
        trust: Whom to believe about the chain; without it its proofs are left alone.
        now_s: Unix time in seconds.

    Raises:
        CoseSignature: A signature does not hold.
        BadArgument: Neither or both of key and roots are given.
        UnknownIssuer and others: No root vouches for the issuer, as `issuing.path_of`.
        ReceiptMissing: The statement has no receipt.
        TreeMismatch: A receipt is of another log or entry than it says.
        BadReceipt: No key of the service has the name that the receipt gives.
        ProofMismatch and others: The chain's proof does not verify.
        NotACoseMessage and others: The bytes are no statement.
    """
    if (issuer_key is None) == (not issuer_roots):
        raise BadArgument("give the key of the issuer, or the roots that vouch for it")
    read = statement.read_statement(data, now_s=now_s)
    own = issuer_key or PublicKey(*issuing.certificates_of(read)[0].key)
    statement.verify_statement(read, own)
    receipts = statement.receipts_of(data)
    if not receipts:
        raise ReceiptMissing("the statement has no receipt: it is not registered, or not yet")
    entries = {name: statement.entry_of(read, name) for name in FUNCTIONS.values()}
    shown = tuple(_check_receipt(one, entries, service_keys, trust) for one in receipts)
    path = None
    if issuer_roots:
        at_ms = _recorded_ms(shown)
        at_ms = now_s * 1_000 if at_ms is None else at_ms
        path = issuing.path_of(read, issuer_roots, at_ms=at_ms)
    return Checked(read, entries, shown, path)


def _recorded_ms(shown: Sequence[Shown]) -> int | None:
    """Say when a statement was recorded, as the chain proves it, or else as the service signed."""
    proven: list[int] = [one.chain.time_ms for one in shown if one.chain is not None]
    said = [one.receipt.issued_at_s for one in shown]
    return min(proven or [one * 1_000 for one in said if one is not None], default=None)


def _check_receipt(
    data: bytes,
    entries: Mapping[HashFunction, Digest],
    service_keys: Sequence[PublicKey],
    trust: Trust | None,
) -> Shown:
    read = receipt.read_receipt(data)
    key = next((one for one in service_keys if one.key == read.key_id), None)
    if key is None:
        name = "none" if read.key_id is None else read.key_id.hex()
        raise BadReceipt(f"the service's key {name:.80} is not among those given")
    entry = entries[read.entry_function]
    head = receipt.verify_inclusion(read, entry, key)
    index = receipt.place_of(read, entry, head).leaf_index
    if read.chain_proof is None or trust is None:
        return Shown(read, head, index, None)
    chain = verify_proof(read.chain_proof, trust)
    if (chain.fact.get("kind"), chain.fact.get("entry")) != ("evidence", entry):
        raise TreeMismatch("the chain's proof in the receipt is about something else")
    return Shown(read, head, index, chain)


def read_key_set(data: bytes) -> list[PublicKey]:
    """Read the COSE key set of a service, as `/.well-known/scitt-keys` answers it.

    Raises:
        BadHeader: It is no such set, or has a key of another kind.
    """
    wrong = "these are no COSE keys of a service"
    if len(data) > KEY_SET_BYTES_MAX:
        raise BadHeader(f"a set of keys of {len(data)} bytes, at most {KEY_SET_BYTES_MAX}")
    try:
        document = cbor2.loads(data)
    except (cbor2.CBORError, ValueError, RecursionError, OverflowError) as error:
        raise BadHeader(f"{wrong}: {error}") from None
    if not isinstance(document, list) or not 1 <= len(document) <= KEYS_MAX:
        raise BadHeader(wrong)
    return [keys.read_cose_key(one) for one in document]


def check_content(said: Statement, path: Path) -> None:
    """Check that a file is what a statement is about.

    Raises:
        FileDiffers: It is another one.
        UnreadableFile: It cannot be read.
    """
    name = "sha256" if said.payload_hash is None else HASH_NAMES[said.payload_hash]
    try:
        with path.open("rb") as source:
            digest = hashlib.file_digest(source, name).digest()
    except OSError as error:
        raise unreadable(path, error) from None
    expected = said.payload
    if said.payload_hash is None:
        expected = hashlib.sha256(said.payload).digest()
    if digest != expected:
        message = f"{path} has the {name} digest {digest.hex()}, the statement {expected.hex()}"
        raise FileDiffers(message, instance=str(path))
