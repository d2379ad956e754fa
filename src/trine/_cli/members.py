"""Make a member of a network in a home: its keys, its card, its node."""

import ipaddress
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from trine._cli import processes
from trine._cli.node_files import administrator, api_port, configuration, cores, validator_key
from trine._cli.serving import LOCAL, Serving
from trine.client.card import CARD_BYTES_MAX, CODE_PREFIX, Card, Terms, read_card
from trine.client.founding import trust_document
from trine.client.home import ADMIN_KEY, Home
from trine.client.verification import read_file
from trine.crypto import SUITE_ALGORITHMS, SecretKey
from trine.errors import BadArgument, BadCard
from trine.model.names import is_peer_address
from trine.types.calls import PublicKey
from trine.types.limits import VALIDATORS_MAX

CARD_FILE: Final = "card.json"
"""The home's own card."""


def make_member(
    home: Home,
    terms: Terms,
    organisation: str,
    address: str,
    listen: str | None,
    serving: Serving = LOCAL,
) -> Card:
    """Make keys and configuration of this organisation, and its card."""
    if not is_peer_address(address):
        raise BadArgument(f"--address is {address!r:.80}, expected HOST:PORT")
    listen = listen_address(address, listen, "--listen")
    http_port = api_port(home, serving)
    port = int(listen.rpartition(":")[2])
    node = processes.Node(organisation, http_port, port, home.nodes / organisation)
    described = administrator(home, ADMIN_KEY, terms.suite)
    opened = home.open_key(ADMIN_KEY)
    if not isinstance(opened, SecretKey):
        raise BadArgument(f"the key {ADMIN_KEY!r} lives in a token, which signs no cards")
    votes = validator_key(node, SUITE_ALGORITHMS[terms.suite])
    key = PublicKey(described.algorithm, described.public_key)
    unsigned = Card(terms, organisation, key, votes.public_key, address)
    card = unsigned.signed(opened, votes)
    node.config.write_text(configuration(node, listen, terms.name, cores(), {}, serving=serving))
    return card


def listen_address(address: str, listen: str | None, option: str) -> str:
    """Say where to listen: where peers reach the host, unless told otherwise.

    Args:
        address: Where peers reach the host, as `host:port`.
        listen: What was told, as `ip:port`.
        option: Where that is told.

    Raises:
        BadArgument: It is no IP address with a port.
    """
    host, _, port = (listen or address).rpartition(":")
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        if listen is None:
            message = f"the address {address} names no IP: say where to listen as IP:PORT"
            raise BadArgument(f"{message} ({option})") from None
        raise BadArgument(f"{option} is {listen!r:.80}, expected IP:PORT") from None
    if not is_peer_address(f"host:{port}"):
        raise BadArgument(f"{option} is {listen!r:.80}, expected IP:PORT")
    return f"{host}:{port}"


def write_network(
    home: Home, organisation: str, genesis: dict[str, Any], text: bytes, chain_id: bytes
) -> None:
    """Write what the node needs; the file that makes a network of the home comes last."""
    folder = home.nodes / organisation
    fields = tomllib.loads((folder / "node.toml").read_text())
    http_port, p2p_port = (
        int(fields[name].rpartition(":")[2]) for name in ("http_listen", "p2p_listen")
    )
    home.genesis.write_bytes(text)
    home.trust.write_bytes(trust_document(genesis, chain_id))
    node = processes.Node(organisation, http_port, p2p_port, folder)
    processes.save(home, genesis["name"], [node], {})


def own_card(home: Home) -> Card:
    """Read the home's own card.

    Raises:
        BadArgument: It has none.
    """
    if not (home.path / CARD_FILE).exists():
        message = f"{home.path} has no card: begin with `trine network create` or `join`"
        raise BadArgument(message, instance=str(home.path))
    return read_card(read_file(home.path / CARD_FILE, CARD_BYTES_MAX))


def read_source(source: str, limit: int) -> bytes:
    """Give what a file holds, or the code itself."""
    if source.startswith(CODE_PREFIX):
        return source.encode(errors="replace")
    return read_file(Path(source), limit)


def read_cards(sources: Sequence[str]) -> list[Card]:
    """Read cards, each once.

    Raises:
        BadCard: One is none; the message names it.
    """
    cards = {}
    for source in sources:
        try:
            card = read_card(read_source(source, CARD_BYTES_MAX))
        except BadCard as error:
            raise BadCard(f"{source[:80]}: {error}", instance=source[:80]) from None
        cards[card.code()] = card
    if len(cards) > VALIDATORS_MAX:
        raise BadArgument(f"{len(cards)} cards, expected at most {VALIDATORS_MAX}")
    return list(cards.values())
