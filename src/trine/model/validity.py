"""Decide whether a transaction may stand in a block.

A block that holds one which may not is invalid, so builders leave such transactions out. Everything
else that can go wrong is an outcome: the transaction stands in the block and failed.

The sender and its keys are those of the state before the block, so that all signatures of a block
can be checked at once; nonces are those of the state after the block's earlier transactions.
"""

from trine.model.account import Account
from trine.model.codec import check_limit
from trine.model.identifiers import Address, ChainId, KeyIndex, Milliseconds
from trine.model.keys import PublicKey, verify
from trine.model.parameters import Parameters
from trine.model.records import EVERY_MODULE, AccountKey
from trine.model.state import State
from trine.model.state_keys import account_key_key
from trine.model.transaction import TRANSACTION_NAMESPACE, Transaction
from trine.model.verdicts import (
    AlgorithmNotAdmitted,
    BadSignature,
    Expired,
    RevokedKey,
    UnknownKey,
    UnknownSender,
    WrongChain,
)


def check_room(count: int, size: int, parameters: Parameters) -> None:
    """Check that a block can hold its transactions up to and with the one that is checked.

    Args:
        count: Number of the block's transactions, up to and with that one.
        size: Bytes of all these.
        parameters: Parameters in force when it is that one's turn.

    Raises:
        TooLarge: They are more than `block_transactions_max`, or have more bytes together than
            `block_bytes_max`.
    """
    check_limit(count, parameters["block_transactions_max"], "transactions of the block")
    check_limit(size, parameters["block_bytes_max"], "bytes of the block")


def signer_key(transaction: Transaction, chain_id: ChainId, parent: State) -> AccountKey:
    """Find the key that must have signed a transaction, with the modules that it may call.

    Args:
        transaction: Decoded transaction.
        chain_id: Chain of the block.
        parent: State before the block.

    Raises:
        WrongChain: The transaction is for another chain.
        UnknownSender: The sender had no account before the block.
        UnknownKey: The sender never had a key with the index.
        RevokedKey: The key was revoked before the block.
        AlgorithmNotAdmitted: The signature's algorithm is not the key's.
    """
    body = transaction.body
    if body.chain_id != chain_id:
        raise WrongChain
    account = parent.accounts.get(body.sender)
    if account is None:
        raise UnknownSender
    if body.key_index >= account.key_count:
        raise UnknownKey
    if not account.has_key(body.key_index):
        raise RevokedKey
    key = _key_of(body.sender, body.key_index, account, parent)
    if transaction.algorithm != key.key.algorithm:
        raise AlgorithmNotAdmitted
    return key


def check_validity(
    transaction: Transaction, key: PublicKey, current: State, *, time_ms: Milliseconds
) -> None:
    """Check the rest of what may not be wrong in a block.

    Args:
        transaction: Decoded transaction whose signer is known.
        key: Key that must have signed it.
        current: State after the block's earlier transactions.
        time_ms: Block time.

    Raises:
        NonceUsed: The nonce was used.
        NonceVoided: The nonce lies below the window.
        NonceTooFar: The nonce lies too far beyond the window.
        Expired: The transaction was valid until a time before the block's.
        BadSignature: The signature does not verify.
    """
    body = transaction.body
    current.accounts[body.sender].check_nonce(body.nonce)
    if body.valid_until_ms < time_ms:
        raise Expired
    if not verify(key, TRANSACTION_NAMESPACE, body.id(), transaction.signature):
        raise BadSignature


def _key_of(address: Address, index: KeyIndex, account: Account, parent: State) -> AccountKey:
    if index == 0 and not account.algorithm.is_recorded:
        return AccountKey(account.first_key, EVERY_MODULE)
    return parent.require(account_key_key(address, index), AccountKey)
