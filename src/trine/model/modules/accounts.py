"""Create accounts, change their keys, freeze and unfreeze them."""

from dataclasses import replace
from typing import Final

from trine.model.account import Account, Roles
from trine.model.calls import (
    ACCOUNTS,
    AccountCreate,
    AccountEnrol,
    AccountFreeze,
    AccountUnfreeze,
    CertificateSet,
    KeyAdd,
    KeyRevoke,
    KeyRotate,
)
from trine.model.codec import U8, U32
from trine.model.context import Caller, Effects
from trine.model.identifiers import Address, KeyIndex, OrganisationId
from trine.model.keys import PublicKey
from trine.model.limits import ACCOUNT_KEYS_MAX
from trine.model.modules.authorities import check_certificate, count_member
from trine.model.outcome import Event
from trine.model.records import EVERY_MODULE, AccountKey, Organisation
from trine.model.state import State
from trine.model.state_keys import account_key_key, member_certificate_key, organisation_key
from trine.model.verdicts import (
    AccountExists,
    BadKey,
    FirstKey,
    KeyLimit,
    NoChange,
    NoRight,
    NoSuchKey,
    UnknownAccount,
)
from trine.model.x509 import MemberCertificate

CREATED: Final = 1
"""Event: an account was created. Fields: address, organisation, roles."""
KEY_ADDED: Final = 2
"""Event: a key was added. Fields: address, key index."""
KEY_REVOKED: Final = 3
"""Event: a key was revoked. Fields: address, key index."""
KEY_ROTATED: Final = 4
"""Event: a key was replaced. Fields: address, key index."""
FROZEN: Final = 5
"""Event: an account was frozen. Fields: address."""
UNFROZEN: Final = 6
"""Event: an account was unfrozen. Fields: address."""
CERTIFICATE_SET: Final = 7
"""Event: a certificate was recorded. Fields: address, certificate."""


def create(call: AccountCreate, caller: Caller, effects: Effects) -> None:
    """Create an account in the sender's organisation; it can act from the next block on.

    Raises:
        NoRight: The sender is no administrator.
        BadKey: The key is not well-formed.
        AccountExists: The key's address has an account.
    """
    sender = caller.require_role(Roles.ADMINISTRATOR, effects)
    _admit(call.key, call.roles, sender.organisation, effects)


def enrol(call: AccountEnrol, caller: Caller, effects: Effects) -> None:
    """Create an account in the sender's organisation for the holder of a certificate.

    Raises:
        NoRight: The sender is no administrator.
        UnknownAuthority, AuthorityExpired, ExpiryPassed: The certificate does not count.
        BadKey: The key is not well-formed.
        AccountExists: The key's address has an account.
    """
    organisation = caller.require_role(Roles.ADMINISTRATOR, effects).organisation
    check_certificate(call.certificate, organisation, caller, effects.state)
    address = _admit(call.key, call.roles, organisation, effects)
    _record_certificate(address, organisation, call.certificate, effects)


def set_certificate(call: CertificateSet, caller: Caller, effects: Effects) -> None:
    """Record a certificate of a member of the sender's organisation, its first or a renewal.

    Raises:
        NoRight: The sender is no administrator.
        UnknownAccount: The address has no account.
        OtherOrganisation: The account belongs to another organisation.
        UnknownAuthority, AuthorityExpired, ExpiryPassed: The certificate does not count.
    """
    caller.require_role(Roles.ADMINISTRATOR, effects)
    organisation = caller.require_member(call.address, effects).organisation
    check_certificate(call.certificate, organisation, caller, effects.state)
    _record_certificate(call.address, organisation, call.certificate, effects)


def _record_certificate(
    address: Address, organisation: OrganisationId, certificate: MemberCertificate, effects: Effects
) -> None:
    name = member_certificate_key(address)
    if name not in effects.state.values:
        count_member(organisation, address, effects.state)
    effects.state.write(name, certificate)
    fields = address + certificate.encode()
    effects.events.append(Event.of_module(ACCOUNTS, CERTIFICATE_SET, fields))


def _admit(key: PublicKey, roles: Roles, organisation: OrganisationId, effects: Effects) -> Address:
    """Create an account; who may do so is checked before.

    Raises:
        BadKey: The key is not well-formed.
        AccountExists: The key's address has an account.
    """
    check_key(key)
    address = key.address()
    if address in effects.state.accounts:
        raise AccountExists
    effects.state.accounts[address] = Account.new(organisation, roles, key)
    record_first_key(address, key, effects.state)
    if Roles.ADMINISTRATOR in roles:
        count_administrators(effects.state, organisation, 1)
    fields = address + U32.write(organisation) + U8.write(roles)
    effects.events.append(Event.of_module(ACCOUNTS, CREATED, fields))
    return address


def record_first_key(address: Address, key: PublicKey, state: State) -> None:
    """Write a first key beside its account, where the account's own record is too small for it."""
    if key.algorithm.is_recorded:
        state.write(account_key_key(address, KeyIndex(0)), AccountKey(key, EVERY_MODULE))


def add_key(call: KeyAdd, caller: Caller, effects: Effects) -> None:
    """Add a key to the sender's account; it can sign from the next block on.

    Raises:
        BadKey: The key is not well-formed.
        KeyLimit: The account was given `ACCOUNT_KEYS_MAX` keys already, revoked ones included.
    """
    check_key(call.key)
    account = caller.account(effects)
    if account.key_count == ACCOUNT_KEYS_MAX:
        raise KeyLimit
    index = KeyIndex(account.key_count)
    effects.state.accounts[caller.address] = replace(
        account, live_keys=account.live_keys | 1 << index, key_count=index + 1
    )
    key = AccountKey(call.key, call.modules)
    effects.state.write(account_key_key(caller.address, index), key)
    _emit_key(KEY_ADDED, caller.address, index, effects)


def revoke_key(call: KeyRevoke, caller: Caller, effects: Effects) -> None:
    """Revoke a key of the sender's account; it can still sign in this block.

    Raises:
        FirstKey: The first key is never revoked.
        NoSuchKey: No key with the index lives.
    """
    account = caller.account(effects)
    if call.key_index == 0:
        raise FirstKey
    if not account.has_key(call.key_index):
        raise NoSuchKey
    effects.state.accounts[caller.address] = replace(
        account, live_keys=account.live_keys & ~(1 << call.key_index)
    )
    del effects.state.values[account_key_key(caller.address, call.key_index)]
    _emit_key(KEY_REVOKED, caller.address, call.key_index, effects)


def rotate_key(call: KeyRotate, caller: Caller, effects: Effects) -> None:
    """Replace a key of the sender's account; the old one can still sign in this block.

    The address stays, and so do the modules that the key may call.

    Raises:
        NoSuchKey: No key with the index lives.
        BadKey: The new key is not well-formed.
    """
    account = caller.account(effects)
    if not account.has_key(call.key_index):
        raise NoSuchKey
    check_key(call.key)
    if call.key_index == 0:
        effects.state.accounts[caller.address] = account.with_first_key(call.key)
        if account.algorithm.is_recorded:
            del effects.state.values[account_key_key(caller.address, call.key_index)]
        record_first_key(caller.address, call.key, effects.state)
    else:
        name = account_key_key(caller.address, call.key_index)
        old = effects.state.require(name, AccountKey)
        effects.state.write(name, replace(old, key=call.key))
    _emit_key(KEY_ROTATED, caller.address, call.key_index, effects)


def freeze(call: AccountFreeze, caller: Caller, effects: Effects) -> None:
    """Freeze an account of the sender's organisation; it can receive, never act.

    Raises:
        NoRight: The sender is no administrator, or would freeze itself.
        UnknownAccount: The address has no account.
        OtherOrganisation: The account belongs to another organisation.
        NoChange: The account is frozen already.
    """
    caller.require_role(Roles.ADMINISTRATOR, effects)
    if call.address == caller.address:
        raise NoRight
    caller.require_member(call.address, effects)
    set_frozen(call.address, True, effects)


def unfreeze(call: AccountUnfreeze, caller: Caller, effects: Effects) -> None:
    """Unfreeze an account of the sender's organisation.

    Raises:
        NoRight: The sender is no administrator.
        UnknownAccount: The address has no account.
        OtherOrganisation: The account belongs to another organisation.
        NoChange: The account is not frozen.
    """
    caller.require_role(Roles.ADMINISTRATOR, effects)
    caller.require_member(call.address, effects)
    set_frozen(call.address, False, effects)


def set_frozen(address: Address, frozen: bool, effects: Effects) -> None:
    """Freeze or unfreeze any account; who may do so is checked before.

    Raises:
        UnknownAccount: The address has no account.
        NoChange: The account is in this state already.
    """
    account = effects.state.accounts.get(address)
    if account is None:
        raise UnknownAccount
    if account.frozen == frozen:
        raise NoChange
    effects.state.accounts[address] = replace(account, frozen=frozen)
    effects.events.append(Event.of_module(ACCOUNTS, FROZEN if frozen else UNFROZEN, address))


def check_key(key: PublicKey) -> None:
    """Check that a key that somebody brings can verify signatures.

    Raises:
        BadKey: The suite does not admit its algorithm; or it has another length than the
            algorithm's keys, or encodes no point.
    """
    if not (key.is_admitted() and key.is_well_formed()):
        raise BadKey


def count_administrators(state: State, organisation: OrganisationId, change: int) -> None:
    """Add to an organisation's number of administrators."""
    key = organisation_key(organisation)
    record = state.require(key, Organisation)
    state.write(key, replace(record, administrators=record.administrators + change))


def _emit_key(event: int, address: Address, index: KeyIndex, effects: Effects) -> None:
    effects.events.append(Event.of_module(ACCOUNTS, event, address + U8.write(index)))
