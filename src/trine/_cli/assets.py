"""Define, issue, transfer and burn assets, and show balances."""

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import click

from trine._cli.accounts import landed
from trine._cli.settings import ADDRESS, Settings, columns, common, signing
from trine.client.records import Asset
from trine.crypto import SigningKey
from trine.errors import AssetNotFound, BadArgument
from trine.types import (
    Address,
    Amount,
    AssetBurn,
    AssetDefine,
    AssetId,
    AssetIssue,
    AssetTransfer,
)

if TYPE_CHECKING:
    from trine.client import Client

AMOUNT_MAX = 2**64 - 1


def find_asset(client: "Client", text: str) -> Asset:
    """Find an asset by its number or its symbol.

    Raises:
        AssetNotFound: There is none.
        BadArgument: Several organisations have an asset with this symbol.
    """
    if text.isascii() and text.isdigit() and len(text) <= 10:
        return client.asset(AssetId(int(text)))
    found = [one for one in client.assets() if one.symbol == text]
    if not found:
        raise AssetNotFound(f"the chain has no asset {text[:40]!r}")
    if len(found) > 1:
        numbers = ", ".join(str(one.id) for one in found)
        raise BadArgument(f"{text} is the symbol of the assets {numbers}: give the number")
    return found[0]


def read_amount(text: str, asset: Asset) -> Amount:
    """Read an amount as people write it, such as 12.50, in units of the asset.

    Raises:
        BadArgument: It is no number, has too many decimals, or is out of range.
    """
    expected = f"expected a number with at most {asset.decimals} decimals"
    try:
        value = Decimal(text).scaleb(asset.decimals)
        units = int(value)
    except (InvalidOperation, ValueError, OverflowError):
        raise BadArgument(f"amount {text[:80]!r}, {expected}") from None
    if value != units or not 0 <= units <= AMOUNT_MAX:
        raise BadArgument(f"amount {text[:80]!r}, {expected}, from 0 to {show(AMOUNT_MAX, asset)}")
    return Amount(units)


def show(amount: int, asset: Asset) -> str:
    """Write an amount as people read it."""
    return f"{Decimal(amount).scaleb(-asset.decimals):f} {asset.symbol}"


@click.group()
def asset() -> None:
    """Define, issue, transfer and burn assets.

    An ASSET is named by its number or, where that is clear, its symbol.

    \b
    Examples:
      trine asset define --symbol CREDIT --name "City credit" --decimals 2
      trine asset issue CREDIT ADDRESS 1000
      trine asset transfer CREDIT ADDRESS 12.50 --key alice
    """


@asset.command("list")
@common
def list_(settings: Settings) -> None:
    """List the assets of the chain.

    \b
    Example:
      trine asset list
    """
    with settings.client() as client:
        found = client.assets()
    documents = [
        {
            "id": one.id,
            "organisation": one.organisation,
            "symbol": one.symbol,
            "name": one.name,
            "decimals": one.decimals,
            "supply": one.supply,
        }
        for one in found
    ]
    rows = [
        (one.id, one.symbol, one.name, one.organisation, show(one.supply, one)) for one in found
    ]
    head = ("NUMBER", "SYMBOL", "NAME", "ORGANISATION", "SUPPLY")
    settings.emit({"assets": documents}, columns(head, rows))


@asset.command()
@click.option("--symbol", required=True, help="1 to 12 of A-Z and 0-9, a letter first.")
@click.option("--name", required=True, help="Name for people, 1 to 32 bytes.")
@click.option("--decimals", type=click.IntRange(0, 18), default=0, show_default=True)
@common
@signing
def define(settings: Settings, key: SigningKey, symbol: str, name: str, decimals: int) -> None:
    """Define an asset of your organisation.

    \b
    Example:
      trine asset define --symbol CREDIT --name "City credit" --decimals 2
    """
    with settings.client(key) as client:
        found = client.submit(AssetDefine(symbol=symbol, name=name, decimals=decimals))
    number = next(event.fields()["asset"] for event in found.outcome.events)
    landed(settings, found, f"Defined asset {number}, {symbol}", asset=number, symbol=symbol)


@asset.command()
@click.argument("asset_name", metavar="ASSET")
@click.argument("to", type=ADDRESS)
@click.argument("amount")
@common
@signing
def issue(settings: Settings, key: SigningKey, asset_name: str, to: Address, amount: str) -> None:
    """Issue AMOUNT of an ASSET of your organisation to the account at TO.

    \b
    Example:
      trine asset issue CREDIT ADDRESS 1000
    """
    with settings.client(key) as client:
        which = find_asset(client, asset_name)
        units = read_amount(amount, which)
        found = client.submit(AssetIssue(asset=which.id, to=to, amount=units))
    landed(settings, found, f"Issued {show(units, which)} to {to}", asset=which.id, amount=units)


@asset.command()
@click.argument("asset_name", metavar="ASSET")
@click.argument("to", type=ADDRESS)
@click.argument("amount")
@click.option("--reference", help="16 to 64 bytes of text, to find and prove the transfer by.")
@common
@signing
def transfer(
    settings: Settings,
    key: SigningKey,
    asset_name: str,
    to: Address,
    amount: str,
    reference: str | None,
) -> None:
    """Transfer AMOUNT of an ASSET to the account at TO.

    \b
    Examples:
      trine asset transfer CREDIT ADDRESS 12.50
      trine asset transfer CREDIT ADDRESS 12.50 --reference invoice-2026-00017
    """
    text = reference.encode() if reference is not None else None
    with settings.client(key) as client:
        which = find_asset(client, asset_name)
        units = read_amount(amount, which)
        call = AssetTransfer(asset=which.id, to=to, amount=units, reference=text)
        found = client.submit(call)
    more = {"reference": text.hex()} if text else {}
    done = f"Transferred {show(units, which)} to {to}"
    landed(settings, found, done, asset=which.id, amount=units, **more)


@asset.command()
@click.argument("asset_name", metavar="ASSET")
@click.argument("amount")
@common
@signing
def burn(settings: Settings, key: SigningKey, asset_name: str, amount: str) -> None:
    """Burn AMOUNT of your own units of an ASSET.

    \b
    Example:
      trine asset burn CREDIT 5
    """
    with settings.client(key) as client:
        which = find_asset(client, asset_name)
        units = read_amount(amount, which)
        found = client.submit(AssetBurn(asset=which.id, amount=units))
    landed(settings, found, f"Burned {show(units, which)}", asset=which.id, amount=units)


@asset.command()
@click.argument("asset_name", metavar="ASSET")
@click.argument("address", type=ADDRESS)
@common
def balance(settings: Settings, asset_name: str, address: Address) -> None:
    """Show how much of an ASSET the account at ADDRESS holds.

    \b
    Example:
      trine asset balance CREDIT ADDRESS
    """
    with settings.client() as client:
        which = find_asset(client, asset_name)
        held = client.balance(address, which.id)
    document = {"address": str(address), "asset": which.id, "balance": held}
    settings.emit(document, [show(held, which)])
