"""Name the entries of the state beside the accounts.

A key is the number of the entry's table, then the first 31 bytes of
`tagged_hash("trine/state-key", table number || encoding of the parts)`.
"""

from trine.model.codec import U32, U64
from trine.model.hashing import tagged_hash
from trine.model.identifiers import (
    Address,
    AssetId,
    KeyIndex,
    LogId,
    OrganisationId,
    ProposalId,
    StateKey,
)


def _key(table: int, *parts: bytes) -> StateKey:
    number = bytes([table])
    return StateKey(number + tagged_hash("trine/state-key", number, *parts)[:31])


def _text(text: str) -> bytes:
    data = text.encode()
    return bytes([len(data)]) + data


def counters_key() -> StateKey:
    """Name the record `Counters`."""
    return _key(1)


def parameters_key() -> StateKey:
    """Name the record `Parameters`."""
    return _key(2)


def validators_key() -> StateKey:
    """Name the `ValidatorSet` of the epochs to come."""
    return _key(3)


def organisation_key(organisation: OrganisationId) -> StateKey:
    """Name the record `Organisation` of an organisation."""
    return _key(4, U32.write(organisation))


def organisation_name_key(name: str) -> StateKey:
    """Name the entry that holds an organisation's number, 32 bits, by its name."""
    return _key(5, _text(name))


def account_key_key(address: Address, index: KeyIndex) -> StateKey:
    """Name the record `AccountKey` of any key of an account but the first."""
    return _key(6, address, bytes([index]))


def log_key(log: LogId) -> StateKey:
    """Name the record `Log` of an evidence log."""
    return _key(7, U32.write(log))


def log_name_key(organisation: OrganisationId, name: str) -> StateKey:
    """Name the entry that holds a log's number, 32 bits, by organisation and name."""
    return _key(8, U32.write(organisation), _text(name))


def asset_key(asset: AssetId) -> StateKey:
    """Name the record `Asset` of an asset."""
    return _key(9, U32.write(asset))


def asset_symbol_key(organisation: OrganisationId, symbol: str) -> StateKey:
    """Name the entry that holds an asset's number, 32 bits, by organisation and symbol."""
    return _key(10, U32.write(organisation), _text(symbol))


def balance_key(address: Address, asset: AssetId) -> StateKey:
    """Name the entry that holds a balance, 64 bits, of an asset other than the primary."""
    return _key(11, address, U32.write(asset))


def transfer_key(sender: Address, reference: bytes) -> StateKey:
    """Name the record `Transfer` of a transfer, by sender and reference."""
    return _key(12, sender, bytes([len(reference)]), reference)


def proposal_key(proposal: ProposalId) -> StateKey:
    """Name the record `Proposal` of a proposal."""
    return _key(13, U64.write(proposal))


def certificate_registry_key(organisation: OrganisationId) -> StateKey:
    """Name the record `CertificateRegistry` of an organisation."""
    return _key(14, U32.write(organisation))


def member_certificate_key(address: Address) -> StateKey:
    """Name the record `MemberCertificate` of an account."""
    return _key(15, address)


def certified_member_key(organisation: OrganisationId, number: int) -> StateKey:
    """Name the entry that holds the address of an organisation's certified member, by number."""
    return _key(16, U32.write(organisation), U64.write(number))


def removed_organisations_key() -> StateKey:
    """Name the record `RemovedOrganisations`; there is none before the first leaves."""
    return _key(17)
