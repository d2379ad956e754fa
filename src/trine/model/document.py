"""Read the genesis document: the one JSON file from which a chain starts."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from trine.model.account import Roles
from trine.model.hashing import Suite, current_suite, tagged_hash, under
from trine.model.identifiers import (
    Amount,
    ChainId,
    Milliseconds,
    OrganisationId,
)
from trine.model.json_fields import Fields, GenesisError, canonical_json, read_json
from trine.model.keys import OF_SUITE, Algorithm, PublicKey, validator_key
from trine.model.limits import (
    ADDRESS_TEXT_BYTES_MAX,
    BLOCKS_PER_EPOCH_MAX,
    BLOCKS_PER_EPOCH_MIN,
    GENERATED_ACCOUNTS_MAX,
    GENESIS_BYTES_MAX,
    ORGANISATIONS_MAX,
    U64_MAX,
)
from trine.model.names import is_asset, is_name
from trine.model.parameters import PARAMETER_NUMBERS, Parameters, check_parameter
from trine.model.sm2 import SM2
from trine.model.validators import Validator, ValidatorSet
from trine.model.verdicts import ParameterOutOfRange, Undecodable

GENESIS_FORMAT: Final = "trine-genesis-v1"
"""Value of `format` in the document."""

ROLE_NAMES: Final = {
    "administrator": Roles.ADMINISTRATOR,
    "notary": Roles.NOTARY,
    "issuer": Roles.ISSUER,
    "reader": Roles.READER,
}
"""Roles by their names in the document."""


@dataclass(frozen=True)
class GenesisAccount:
    """An account in the genesis document."""

    organisation: OrganisationId
    """Organisation to which it belongs."""
    key: PublicKey
    """First key; the address follows from it."""
    roles: Roles
    """Roles in the organisation."""
    balance: Amount
    """Balance of the primary asset."""


@dataclass(frozen=True)
class GenesisAsset:
    """An asset in the genesis document; the first has number 1 and is the primary asset."""

    organisation: OrganisationId
    """Organisation that issues it."""
    symbol: str
    """Symbol."""
    name: str
    """Name for people."""
    decimals: int
    """Digits after the decimal point."""


@dataclass(frozen=True)
class GeneratedAccounts:
    """Accounts whose keys anyone can derive, for load tests; never on a chain that people trust."""

    organisation: OrganisationId
    """Organisation to which they belong."""
    seed: str
    """Text from which the keys follow."""
    count: int
    """Number of accounts."""
    balance: Amount
    """Balance of the primary asset of each."""

    def secret(self, index: int) -> bytes:
        """Return the secret of one account, in the suite's algorithm.

        It is `tagged_hash("trine/generated-account", seed || index as 64 bits || attempt)`, the
        attempt being no byte at first, then one byte from 1 on, until the number is in range.
        """
        parts = (self.seed.encode(), index.to_bytes(8, "big"))
        for attempt in (b"", *(bytes([number]) for number in range(1, 256))):
            secret = tagged_hash("trine/generated-account", *parts, attempt)
            if current_suite() is Suite.INTL or 0 < int.from_bytes(secret) < SM2.order - 1:
                return bytes(secret)
        raise AssertionError("none of 256 hashes is below the order")


@dataclass(frozen=True)
class GenesisDocument:
    """A genesis document that was checked."""

    name: str
    """Name of the chain."""
    suite: Suite
    """Suite of the chain."""
    time_ms: Milliseconds
    """Block time of genesis, in Unix milliseconds."""
    blocks_per_epoch: int
    """Blocks of an epoch; genesis is the first block of epoch 0."""
    organisations: tuple[str, ...]
    """Names of the organisations; the first has number 0."""
    validators: ValidatorSet
    """First validators."""
    accounts: tuple[GenesisAccount, ...]
    """First accounts."""
    assets: tuple[GenesisAsset, ...]
    """First assets."""
    parameters: Parameters
    """Parameters of the first block."""
    generated_accounts: GeneratedAccounts | None
    """Accounts for load tests."""
    canonical: bytes
    """Canonical form of the document."""

    def chain_id(self) -> ChainId:
        """Return `tagged_hash("trine/genesis", canonical form)`."""
        with under(self.suite):
            return ChainId(tagged_hash("trine/genesis", self.canonical))


def read_genesis(data: bytes) -> GenesisDocument:
    """Read and check a genesis document.

    Args:
        data: JSON (RFC 8259) in UTF-8; at most `GENESIS_BYTES_MAX`.

    Raises:
        GenesisError: The document is refused.
    """
    if len(data) > GENESIS_BYTES_MAX:
        raise GenesisError(f"{len(data)} bytes, at most {GENESIS_BYTES_MAX}")
    try:
        fields = Fields(read_json(data), "document")
        _expect("format", fields.text("format"), GENESIS_FORMAT)
        suite = _suite(fields.text("suite"))
        with under(suite):
            return _read_document(fields, suite)
    except (ValueError, RecursionError, Undecodable) as error:
        raise GenesisError(str(error)) from None


def _suite(name: str) -> Suite:
    if name not in list(Suite):
        raise GenesisError(f"suite {name!r}, expected one of {sorted(Suite)}")
    return Suite(name)


def _read_document(fields: Fields, suite: Suite) -> GenesisDocument:
    name = _name("name", fields.text("name"))
    time_ms = Milliseconds(fields.integer("time_ms"))
    blocks_per_epoch = fields.integer("blocks_per_epoch", BLOCKS_PER_EPOCH_MAX)
    if blocks_per_epoch < BLOCKS_PER_EPOCH_MIN:
        raise GenesisError(f"blocks_per_epoch {blocks_per_epoch}, at least {BLOCKS_PER_EPOCH_MIN}")
    organisations = _organisations(fields.items("organisations"))
    validators = ValidatorSet.of(fields.objects("validators", _validator))
    accounts = fields.objects("accounts", _account)
    assets = fields.objects("assets", _asset, [])
    parameters = _parameters(fields.map("parameters"))
    generated = _generated(fields)
    members = [
        *(validator.organisation for validator in validators.members),
        *(account.organisation for account in accounts),
        *(asset.organisation for asset in assets),
        *([generated.organisation] if generated else []),
    ]
    for organisation in members:
        if organisation >= len(organisations):
            raise GenesisError(f"organisation number {organisation} is not listed")
    _check_assets(assets, accounts, generated)
    canonical = canonical_json(fields.finish())
    return GenesisDocument(
        name=name,
        suite=suite,
        time_ms=time_ms,
        blocks_per_epoch=blocks_per_epoch,
        organisations=organisations,
        validators=validators,
        accounts=accounts,
        assets=assets,
        parameters=parameters,
        generated_accounts=generated,
        canonical=canonical,
    )


def _check_assets(
    assets: tuple[GenesisAsset, ...],
    accounts: tuple[GenesisAccount, ...],
    generated: GeneratedAccounts | None,
) -> None:
    if len({(asset.organisation, asset.symbol) for asset in assets}) != len(assets):
        raise GenesisError("an asset's symbol stands twice in an organisation")
    if len({account.key.address() for account in accounts}) != len(accounts):
        raise GenesisError("an account stands twice")
    total: int = sum(account.balance for account in accounts)
    if generated is not None:
        total += generated.count * generated.balance
    if total > U64_MAX:
        raise GenesisError(f"balances are {total} together, at most {U64_MAX}")
    if total > 0 and not assets:
        raise GenesisError("accounts have balances, but there is no asset")


def _expect(what: str, found: str, expected: str) -> None:
    if found != expected:
        raise GenesisError(f"{what} {found!r}, expected {expected!r}")


def _name(what: str, text: object) -> str:
    if not isinstance(text, str) or not is_name(text):
        raise GenesisError(f"{what} {text!r}, expected 1 to 32 of a-z, 0-9, -")
    return text


def _organisations(names: Iterable[object]) -> tuple[str, ...]:
    organisations = tuple(_name("organisation", name) for name in names)
    if not 1 <= len(organisations) <= ORGANISATIONS_MAX:
        raise GenesisError(f"{len(organisations)} organisations, 1 to {ORGANISATIONS_MAX}")
    if len(set(organisations)) != len(organisations):
        raise GenesisError("an organisation's name stands twice")
    return organisations


def _organisation(fields: Fields) -> OrganisationId:
    return OrganisationId(fields.integer("organisation", 2**32 - 1))


def _key(algorithm: Algorithm, text: str) -> PublicKey:
    if re.fullmatch(r"([0-9a-fA-F]{2})*", text) is None:
        raise GenesisError(f"{text!r} is not hexadecimal")
    key = PublicKey(algorithm, bytes.fromhex(text))
    if not key.is_well_formed():
        raise GenesisError(f"{text} is no public key of {algorithm.label}")
    return key


def _validator(fields: Fields) -> Validator:
    address = fields.text("address")
    if len(address.encode()) > ADDRESS_TEXT_BYTES_MAX:
        raise GenesisError(f"address {address!r}, at most {ADDRESS_TEXT_BYTES_MAX} bytes")
    label = fields.optional_text("algorithm")
    algorithm = OF_SUITE[current_suite()] if label is None else _algorithm(label)
    key = validator_key(_key(algorithm, fields.text("key")))
    if key is None:
        raise GenesisError("no validator of the suite signs with this algorithm")
    return Validator(
        key=key,
        organisation=_organisation(fields),
        name=_name("validator", fields.text("name")),
        address=address,
    )


def _algorithm(label: str) -> Algorithm:
    algorithms = {algorithm.label: algorithm for algorithm in Algorithm}
    if label not in algorithms:
        raise GenesisError(f"algorithm {label!r}, expected one of {sorted(algorithms)}")
    return algorithms[label]


def _account(fields: Fields) -> GenesisAccount:
    key = _key(_algorithm(fields.text("algorithm")), fields.text("key"))
    if not key.is_admitted():
        raise GenesisError(f"the suite admits no {key.algorithm.label} keys")
    roles = Roles.NONE
    for role in fields.items("roles"):
        if not isinstance(role, str) or role not in ROLE_NAMES:
            raise GenesisError(f"role {role!r}, expected one of {sorted(ROLE_NAMES)}")
        roles |= ROLE_NAMES[role]
    return GenesisAccount(
        organisation=_organisation(fields),
        key=key,
        roles=roles,
        balance=Amount(fields.integer("balance", default=0)),
    )


def _asset(fields: Fields) -> GenesisAsset:
    asset = GenesisAsset(
        organisation=_organisation(fields),
        symbol=fields.text("symbol"),
        name=fields.text("name"),
        decimals=fields.integer("decimals", 2**8 - 1),
    )
    if not is_asset(asset.symbol, asset.name, asset.decimals):
        raise GenesisError(f"asset {asset.symbol!r}: symbol, name or decimals are not allowed")
    return asset


def _parameters(values: dict[str, object]) -> Parameters:
    parameters = Parameters()
    for name, value in values.items():
        if name not in PARAMETER_NUMBERS:
            raise GenesisError(f"unknown parameter {name!r}")
        if type(value) is not int:
            raise GenesisError(f"{name} is {value!r}, expected an integer")
        try:
            check_parameter(PARAMETER_NUMBERS[name], value)
        except ParameterOutOfRange:
            raise GenesisError(f"{name} is {value}, outside its range") from None
        parameters = parameters.replaced(PARAMETER_NUMBERS[name], value)
    return parameters


def _generated(fields: Fields) -> GeneratedAccounts | None:
    generated = fields.optional("generated_accounts")
    if generated is None:
        return None
    accounts = GeneratedAccounts(
        organisation=_organisation(generated),
        seed=generated.text("seed"),
        count=generated.integer("count", GENERATED_ACCOUNTS_MAX),
        balance=Amount(generated.integer("balance")),
    )
    fields.canonical["generated_accounts"] = generated.finish()
    return accounts
