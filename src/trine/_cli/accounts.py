"""Create, show and freeze accounts."""

from pathlib import Path
from typing import Any

import click

from trine._cli.settings import (
    ADDRESS,
    ParsedType,
    Settings,
    common,
    facts,
    moment,
    signing,
)
from trine._cli.show import proof_option, save_proof
from trine.client.records import FinalTransaction
from trine.crypto import SigningKey
from trine.errors import BadArgument
from trine.types import AccountCreate, AccountFreeze, AccountUnfreeze, Address, Call, Roles
from trine.types.calls import PublicKey


def submit(settings: Settings, key: SigningKey, *calls: Call) -> FinalTransaction:
    """Submit one transaction and wait until it is final."""
    with settings.client(key) as client:
        return client.submit(*calls)


def landed(settings: Settings, found: FinalTransaction, done: str, **more: Any) -> None:
    """Say that a transaction did what it should."""
    document = {"transaction": str(found.id), "height": found.height, **more}
    settings.emit(document, [f"{done} (block {found.height}, transaction {found.id})"])


def read_roles(text: str) -> Roles:
    """Read roles separated by commas; empty for none."""
    return Roles.parse(part.strip() for part in text.split(",") if part.strip())


ROLES = ParsedType("roles", read_roles)


def resolve_key(settings: Settings, text: str) -> PublicKey:
    """Read a public key: the name of a key of the home, or its hexadecimal digits.

    Digits may follow the name of their algorithm and a colon, as in `p256:02ab…`; without it they
    are those of an Ed25519 key.

    Raises:
        BadArgument: It is neither.
    """
    if text in settings.home.keys.names():
        found = settings.home.keys.read(text)
        return PublicKey(found.algorithm, found.public_key)
    try:
        algorithm, _, digits = text.rpartition(":")
        return PublicKey(algorithm or "ed25519", bytes.fromhex(digits))
    except ValueError:
        expected = "expected the name of a key of the home, or ALGORITHM:HEXADECIMAL DIGITS"
        raise BadArgument(f"public key {text[:80]!r}, {expected}") from None


@click.group()
def account() -> None:
    """Create, show and freeze accounts.

    \b
    Examples:
      trine key new alice
      trine account create alice --roles notary
      trine account show ADDRESS
    """


@account.command()
@click.argument("address", type=ADDRESS)
@proof_option
@common
def show(settings: Settings, address: Address, proof_file: Path | None) -> None:
    """Show the account at ADDRESS.

    \b
    Examples:
      trine account show ADDRESS
      trine account show ADDRESS --proof account.proof
    """
    with settings.client() as client:
        found = client.account(address)
        lines = facts(address=address, organisation=found.document.get("organisation_name"))
        lines += facts(roles=", ".join(found.roles.names()) or "none")
        lines += facts(frozen="yes" if found.frozen else "no", balance=found.balance)
        lines += facts(key=found.document.get("key"), live_keys=found.document.get("live_keys"))
        quota = found.document.get("quota") or "as the chain sets it"
        lines += facts(next_nonce=found.nonce_base, quota=quota)
        if found.certificate is not None:
            lines += facts(certified_until=moment(found.certificate.expires_ms))
        if proof_file:
            lines += save_proof(client.proof(f"/v1/accounts/{address}"), proof_file)
    settings.emit(found.document, lines)


@account.command()
@click.argument("public_key", metavar="KEY")
@click.option(
    "--roles", type=ROLES, default="", help="administrator, notary, issuer, reader; by commas."
)
@common
@signing
def create(settings: Settings, key: SigningKey, public_key: str, roles: Roles) -> None:
    """Create an account in your organisation for KEY: a key of the home, or a public key.

    \b
    Examples:
      trine account create alice
      trine account create alice --roles notary,issuer
    """
    new = resolve_key(settings, public_key)
    found = submit(settings, key, AccountCreate(key=new, roles=roles))
    address = next(str(event.fields()["address"]) for event in found.outcome.events)
    landed(settings, found, f"Created account {address}", address=address)


@account.command()
@click.argument("address", type=ADDRESS)
@common
@signing
def freeze(settings: Settings, key: SigningKey, address: Address) -> None:
    """Freeze the account at ADDRESS, of your organisation.

    \b
    Example:
      trine account freeze ADDRESS
    """
    found = submit(settings, key, AccountFreeze(address=address))
    landed(settings, found, f"Froze account {address}", address=str(address))


@account.command()
@click.argument("address", type=ADDRESS)
@common
@signing
def unfreeze(settings: Settings, key: SigningKey, address: Address) -> None:
    """Unfreeze the account at ADDRESS, of your organisation.

    \b
    Example:
      trine account unfreeze ADDRESS
    """
    found = submit(settings, key, AccountUnfreeze(address=address))
    landed(settings, found, f"Unfroze account {address}", address=str(address))
