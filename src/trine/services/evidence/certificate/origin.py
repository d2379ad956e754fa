"""Prove by whom an entry was recorded: which organisation, and which of its accounts.

Three proof files of the chain (docs/reference/proofs.md) together show it: the transaction that
appended the entry, the account that sent it, and the organisation's record. Each is certified by
the chain's validators, so that neither a node nor whoever shows them is believed.
"""

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

from trine.client import Client
from trine.client.verification import Trust, Verified, VerifiedProof, verify_proof
from trine.errors import TransactionNotFound, TrineError
from trine.errors.services import OriginMismatch
from trine.model.codec import Reader
from trine.model.hashing import Suite, under
from trine.model.identifiers import OrganisationId
from trine.model.outcome import Outcome
from trine.model.state_keys import organisation_key
from trine.types import Address, Height, LogId, TransactionId
from trine.types.calls import EvidenceAppend, PublicKey
from trine.types.transaction import Transaction

BLOCKS_SEARCHED_MAX: Final = 1_000
"""Blocks in which the transaction is looked for, from that of the receipt downward."""
PROOFS: Final = 3
"""Proof files: transaction, account, organisation."""

_LONG_KEYS: Final = frozenset({"ml-dsa-65"})
"""Algorithms of whose keys an account's record has a hash (docs/reference/wire.md, section 7)."""
_EVIDENCE: Final = bytes(19) + b"\x04"
"""Emitter of the events of module 4."""
_APPENDED: Final = struct.Struct(">BIQH")
"""Event 4.2: its number, log, first index, count (docs/reference/wire.md, section 6)."""


class Origin(NamedTuple):
    """By whom an entry was recorded.

    Attributes:
        organisation: Name of the organisation, as the chain's registry has it.
        number: Number of the organisation.
        account: The organisation's account that sent the transaction.
        key: First key of the account; nothing where another of its keys signed, or the key is
            longer than the account's record holds.
        key_index: Number of the key that signed.
        transaction: The transaction.
        height: Block of the transaction.
        known_height: Block at which key and name were as shown.
    """

    organisation: str
    number: int
    account: Address
    key: PublicKey | None
    key_index: int
    transaction: TransactionId
    height: Height
    known_height: Height


def prove_origin(proofs: Sequence[bytes], found: Verified, trust: Trust) -> Origin:
    """Check that three proofs show by whom a verified entry was recorded.

    Args:
        proofs: Proof files of the transaction, of its sender's account, and of the organisation.
        found: What the entry's receipt shows.
        trust: Trust file of the chain.

    Raises:
        OriginMismatch: One is about something else.
        ProofMismatch, WrongTrust, NotAProof, ProofTruncated, ProofTooLarge: One does not hold.
    """
    if len(proofs) != PROOFS:
        raise OriginMismatch(f"{len(proofs)} proofs, expected {PROOFS}")
    said, account, record = (verify_proof(one, trust) for one in proofs)
    sent = _appended(said, found, trust)
    if account.fact["kind"] != "account" or account.fact["address"] != bytes(sent.sender):
        raise OriginMismatch("the second proof is not about the account that sent the transaction")
    number = int(account.fact["organisation"])
    with under(Suite(trust.suite)):
        key = organisation_key(OrganisationId(number))
    if record.fact["kind"] != "state" or record.fact["key"] != bytes(key):
        raise OriginMismatch("the third proof is not about the organisation of the account")
    value: bytes = record.fact["value"]
    return Origin(
        organisation=value[1 : 1 + value[0]].decode(),
        number=number,
        account=sent.sender,
        key=_key(account, sent.key_index),
        key_index=sent.key_index,
        transaction=sent.id,
        height=said.height,
        known_height=account.height,
    )


def _key(account: VerifiedProof, index: int) -> PublicKey | None:
    """Return the account's first key, where that has the number of the one that signed."""
    algorithm = account.fact["algorithm"]
    if index != 0 or algorithm in _LONG_KEYS:
        return None
    return PublicKey(algorithm, account.fact["key"])


def _appended(said: VerifiedProof, found: Verified, trust: Trust) -> Transaction:
    """Read the transaction that recorded an entry, and check that it did.

    Raises:
        OriginMismatch: It is another transaction, failed, or appended other entries.
    """
    if said.fact["kind"] != "transaction" or said.fact["code"] != "ok":
        raise OriginMismatch("the first proof is not about a transaction that succeeded")
    try:
        sent = Transaction.decode(trust.suite, said.fact["transaction"])
    except TrineError as error:
        raise OriginMismatch(f"the transaction cannot be read: {error}") from None
    events = Outcome.decode(Reader(said.fact["outcome"])).events
    firsts = [
        _APPENDED.unpack(event.data)
        for event in events
        if bytes(event.emitter) == _EVIDENCE and event.data[0] == 2
    ]
    calls = [call for call in sent.calls if isinstance(call, EvidenceAppend)]
    for call, (_, log, first, count) in zip(calls, firsts, strict=True):
        at = found.index - first
        if log == found.log and 0 <= at < count and call.entries[at] == found.entry:
            return sent
    raise OriginMismatch(
        f"transaction {sent.id} did not append entry {found.index} of log {found.log}"
    )


def fetch_origin(
    client: Client, found: Verified, trust: Trust, transaction: TransactionId | None = None
) -> tuple[bytes, ...]:
    """Fetch the proofs that show by whom a verified entry was recorded; `prove_origin` checks them.

    Args:
        client: Of a node that has the blocks.
        found: What the entry's receipt shows.
        trust: Trust file of the chain.
        transaction: The transaction that appended the entry; looked for where it is not given.

    Raises:
        TransactionNotFound: It is not in the last `BLOCKS_SEARCHED_MAX` blocks up to the receipt's.
        CannotReachNode: No node answers.
    """
    id_ = transaction or _search(client, found)
    sender = client.transaction(id_).sender
    organisation = client.account(sender).organisation
    with under(Suite(trust.suite)):
        key = organisation_key(OrganisationId(organisation))
    paths = (f"/v1/transactions/{id_}", f"/v1/accounts/{sender}", f"/v1/state/{key.hex()}")
    return tuple(client.proof(path) for path in paths)


def _search(client: Client, found: Verified) -> TransactionId:
    """Find the transaction that appended an entry, from the receipt's block downward."""
    lowest = max(0, found.height - BLOCKS_SEARCHED_MAX)
    for height in range(found.height, lowest, -1):
        for id_ in client.block(Height(height)).transactions:
            for event in client.transaction(id_).outcome.events:
                if event.name == "evidence.appended" and _holds(event.fields(), found):
                    return id_
    raise TransactionNotFound(
        f"no transaction of the {found.height - lowest} blocks up to {found.height} appended entry "
        f"{found.index} of log {found.log}: name it"
    )


def _holds(fields: dict[str, int | str], found: Verified) -> bool:
    """Say whether an event is about the call that appended an entry."""
    log, first, count = (int(fields[name]) for name in ("log", "first_index", "count"))
    return LogId(log) == found.log and first <= found.index < first + count
