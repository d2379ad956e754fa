"""Show organisations, and set the roles and quotas of their members."""

import click

from trine._cli.accounts import ROLES, landed, submit
from trine._cli.settings import ADDRESS, Settings, columns, common, signing
from trine.crypto import SigningKey
from trine.types import Address, QuotaSet, Roles, RolesSet


@click.group()
def organisation() -> None:
    """Show organisations, set roles and quotas.

    \b
    Examples:
      trine organisation list
      trine organisation set-roles ADDRESS notary
    """


@organisation.command("list")
@common
def list_(settings: Settings) -> None:
    """List the organisations of the chain.

    \b
    Example:
      trine organisation list
    """
    with settings.client() as client:
        found = client.organisations()
    documents = [
        {
            "id": one.id,
            "name": one.name,
            "administrators": one.administrators,
            "removed": one.removed,
        }
        for one in found
    ]
    rows = [
        (one.id, one.name, one.administrators, "removed" if one.removed else "") for one in found
    ]
    head = ("NUMBER", "NAME", "ADMINISTRATORS", "")
    settings.emit({"organisations": documents}, columns(head, rows))


@organisation.command()
@click.argument("address", type=ADDRESS)
@click.argument("roles", type=ROLES)
@common
@signing
def set_roles(settings: Settings, key: SigningKey, address: Address, roles: Roles) -> None:
    """Give the account at ADDRESS exactly ROLES, separated by commas; "" for none.

    \b
    Examples:
      trine organisation set-roles ADDRESS notary,issuer
      trine organisation set-roles ADDRESS ""
    """
    found = submit(settings, key, RolesSet(address=address, roles=roles))
    names = roles.names()
    done = f"Account {address} has the roles {', '.join(names) or 'none'}"
    landed(settings, found, done, address=str(address), roles=names)


@organisation.command()
@click.argument("address", type=ADDRESS)
@click.argument("quota", type=click.IntRange(0, 2**32 - 1))
@common
@signing
def set_quota(settings: Settings, key: SigningKey, address: Address, quota: int) -> None:
    """Let the account at ADDRESS use QUOTA units a window; 0 takes the chain's parameter.

    \b
    Example:
      trine organisation set-quota ADDRESS 5000
    """
    found = submit(settings, key, QuotaSet(address=address, quota=quota))
    landed(settings, found, f"Account {address} has quota {quota}", quota=quota)
