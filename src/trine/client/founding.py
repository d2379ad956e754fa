"""Found a network from the cards of its members: everybody makes the same genesis from them."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from trine._core import genesis as core_genesis
from trine.client.card import Card, Terms
from trine.errors import BadCard, BadGenesis
from trine.types.calls import PublicKey

ADMINISTRATOR_ROLES: Final = ("administrator", "notary", "issuer")
"""Roles of an organisation's first account."""
BLOCKS_PER_EPOCH: Final = 512
"""Blocks after which validators may change, where nobody names another number."""
FINGERPRINT_DIGITS: Final = 40
"""Hexadecimal digits of a chain's id that people compare: to make another network with the same
ones takes 2^160 attempts, and 2^80 for somebody who chooses both."""
_GROUP: Final = 4


def fingerprint(chain_id: bytes) -> str:
    """Write what people compare to know that they found the same network.

    >>> fingerprint(bytes(range(32)))
    '0001 0203 0405 0607 0809 0a0b 0c0d 0e0f 1011 1213'
    """
    digits = chain_id.hex()[:FINGERPRINT_DIGITS]
    return " ".join(digits[at : at + _GROUP] for at in range(0, FINGERPRINT_DIGITS, _GROUP))


def is_fingerprint(text: str, chain_id: bytes) -> bool:
    """Say whether somebody wrote this chain's fingerprint, with or without its gaps."""
    return "".join(text.split()).lower() == chain_id.hex()[:FINGERPRINT_DIGITS]


def genesis_document(
    terms: Terms,
    organisations: Sequence[str],
    validators: Sequence[Mapping[str, Any]],
    administrators: Sequence[PublicKey],
) -> dict[str, Any]:
    """Write a genesis (docs/reference/wire.md).

    Args:
        terms: What the network is to be.
        organisations: Their names.
        validators: Name, number of the organisation, key and address of each.
        administrators: Key of the first account of each organisation.
    """
    document = {
        "format": "trine-genesis-v1",
        "name": terms.name,
        "suite": terms.suite,
        "time_ms": terms.time_ms,
        "blocks_per_epoch": terms.blocks_per_epoch,
        "organisations": list(organisations),
        "validators": list(validators),
        "accounts": [
            {
                "organisation": number,
                "algorithm": key.algorithm,
                "key": key.key.hex(),
                "roles": list(ADMINISTRATOR_ROLES),
            }
            for number, key in enumerate(administrators)
        ],
    }
    return document | ({"parameters": dict(terms.parameters)} if terms.parameters else {})


def encode_genesis(document: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Write a genesis as text; returns it with the chain's id.

    Raises:
        BadGenesis: The chain's rules refuse it.
    """
    text = json.dumps(document, indent=2).encode() + b"\n"
    return text, core_genesis.chain_id(text)


def trust_document(genesis: Mapping[str, Any], chain_id: bytes) -> bytes:
    """Write the trust file of a chain that begins with this genesis."""
    document = {
        "format": "trine-trust-v1",
        "chain": genesis["name"],
        "chain_id": chain_id.hex(),
        "suite": genesis["suite"],
        "epoch": 0,
        "validators": [
            {name: one[name] for name in ("name", "organisation", "key")}
            for one in genesis["validators"]
        ],
    }
    return json.dumps(document, indent=2).encode() + b"\n"


def found(cards: Sequence[Card]) -> dict[str, Any]:
    """Make the genesis of the network that these members found; their order does not matter.

    Raises:
        BadCard: Cards speak of different networks, or two members share what is one's own.
        BadGenesis: The chain's rules refuse the genesis.
    """
    members = sorted(cards, key=lambda card: card.organisation)
    terms = members[0].terms
    for card in members:
        if card.terms != terms:
            message = f"{card.organisation} and {members[0].organisation} plan different networks"
            raise BadCard(f"{message}: {_difference(card.terms, terms)}")
    _once(members, "name", lambda card: card.organisation)
    _once(members, "key of its validator", lambda card: card.validator.hex())
    _once(members, "address", lambda card: card.address)
    _once(members, "administrator", lambda card: card.administrator.key.hex())
    document = genesis_document(
        terms,
        [card.organisation for card in members],
        [
            {
                "name": card.organisation,
                "organisation": number,
                "key": card.validator.hex(),
                "address": card.address,
            }
            for number, card in enumerate(members)
        ],
        [card.administrator for card in members],
    )
    encode_genesis(document)
    return document


def _difference(one: Terms, other: Terms) -> str:
    """Name the first field that differs."""
    first, second = one.document(), other.document()
    name = next(name for name in {**first, **second} if first.get(name) != second.get(name))
    return f"{name} is {first.get(name)!r:.60} and {second.get(name)!r:.60}"


def _once(members: Sequence[Card], what: str, value: Callable[[Card], str]) -> None:
    """Refuse members that share a value."""
    [(most, count)] = Counter(map(value, members)).most_common(1)
    if count > 1:
        names = " and ".join(card.organisation for card in members if value(card) == most)
        raise BadCard(f"two cards have one {what} ({most[:80]}): {names}")


def read_genesis(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Read the genesis of a network that runs; returns it with the chain's id.

    Raises:
        BadGenesis: It is not one.
    """
    chain_id = core_genesis.chain_id(content)
    document = json.loads(content)
    if not isinstance(document, dict):
        raise BadGenesis("the genesis is no object")
    return document, chain_id
