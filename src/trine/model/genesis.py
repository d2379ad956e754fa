"""Make the state at height 0 from the genesis document."""

from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trine.model.account import Account, Roles
from trine.model.document import GeneratedAccounts, GenesisDocument
from trine.model.hashing import current_suite, under
from trine.model.identifiers import PRIMARY_ASSET, Amount, AssetId, LogId, OrganisationId
from trine.model.keys import OF_SUITE, Algorithm, PublicKey
from trine.model.merkle import Frontier
from trine.model.modules.accounts import record_first_key
from trine.model.modules.actions import DEFAULT_LOG
from trine.model.records import Asset, Counters, Log, Organisation
from trine.model.sm2 import public_key_of
from trine.model.state import State
from trine.model.state_keys import (
    asset_key,
    asset_symbol_key,
    log_key,
    log_name_key,
    organisation_key,
    organisation_name_key,
    validators_key,
)


def genesis_state(document: GenesisDocument) -> State:
    """Return the state at height 0."""
    with under(document.suite):
        return _genesis_state(document)


def _genesis_state(document: GenesisDocument) -> State:
    state = State()
    _write_accounts(document, state)
    _write_organisations(document, state)
    _write_assets(document, state)
    state.counters = Counters(
        organisations=len(document.organisations),
        assets=len(document.assets),
        logs=len(document.organisations),
        proposals=0,
        parameters_version=0,
    )
    state.parameters = document.parameters
    state.write(validators_key(), document.validators)
    return state


def _write_accounts(document: GenesisDocument, state: State) -> None:
    for listed in document.accounts:
        account = Account.new(listed.organisation, listed.roles, listed.key)
        state.accounts[listed.key.address()] = replace(account, balance=listed.balance)
        record_first_key(listed.key.address(), listed.key, state)
    if document.generated_accounts is not None:
        _write_generated(document.generated_accounts, state)


def _write_generated(generated: GeneratedAccounts, state: State) -> None:
    """Write accounts without roles; an address that is listed too keeps what is listed."""
    for index in range(generated.count):
        key = _public_key(generated.secret(index))
        account = Account.new(generated.organisation, Roles.NONE, key)
        state.accounts.setdefault(key.address(), replace(account, balance=generated.balance))


def _public_key(secret: bytes) -> PublicKey:
    """Return the public key of a secret in the suite's algorithm."""
    algorithm = OF_SUITE[current_suite()]
    if algorithm is Algorithm.SM2:
        return PublicKey(algorithm, public_key_of(int.from_bytes(secret)))
    key = Ed25519PrivateKey.from_private_bytes(secret).public_key()
    return PublicKey(algorithm, key.public_bytes_raw())


def _write_organisations(document: GenesisDocument, state: State) -> None:
    """Write each organisation, its name, and its empty log, which has the organisation's number."""
    for number, name in enumerate(document.organisations):
        organisation = OrganisationId(number)
        administrators = sum(
            Roles.ADMINISTRATOR in account.roles
            for account in document.accounts
            if account.organisation == organisation
        )
        state.write(organisation_key(organisation), Organisation(name, administrators, 0, 0))
        state.write_number(organisation_name_key(name), organisation)
        log = LogId(number)
        state.write(log_key(log), Log(organisation, DEFAULT_LOG, Frontier()))
        state.write_number(log_name_key(organisation, DEFAULT_LOG), log)


def _write_assets(document: GenesisDocument, state: State) -> None:
    """Write each asset; all balances are of the primary asset, so they are its supply."""
    total = sum(account.balance for account in state.accounts.values())
    for number, asset in enumerate(document.assets, start=1):
        symbol = asset_symbol_key(asset.organisation, asset.symbol)
        supply = Amount(total if number == PRIMARY_ASSET else 0)
        record = Asset(asset.organisation, asset.symbol, asset.name, asset.decimals, supply)
        state.write(asset_key(AssetId(number)), record)
        state.write_number(symbol, number)
