"""Make a network of validators that all run on this machine."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from trine._cli.node_files import administrator, configuration, cores, validator_key
from trine._cli.ports import free_ports
from trine._cli.processes import HOST, Node, save
from trine.client.card import Terms
from trine.client.founding import (
    BLOCKS_PER_EPOCH,
    encode_genesis,
    genesis_document,
    trust_document,
)
from trine.client.home import ADMIN_KEY, Home
from trine.crypto import SUITE_ALGORITHMS, SecretKey
from trine.types.calls import PublicKey

ORGANISATIONS: Final = ("city", "university", "hospital", "court")
"""Organisations of a local network; the first one's administrator is the key `admin`."""
CHAIN: Final = "local"
LOAD_BLOCK_TRANSACTIONS: Final = 16_384
"""Transactions in a block of a network under load: the most that the rules allow."""


def _load(generated: dict[str, Any]) -> dict[str, Any]:
    """Say what the genesis of a network under load has beside."""
    asset = {"organisation": 0, "symbol": "LOAD", "name": "Load test", "decimals": 0}
    return {
        "assets": [asset],
        "generated_accounts": generated,
        "parameters": {"block_transactions_max": LOAD_BLOCK_TRANSACTIONS},
    }


def create(
    home: Home,
    validators: int,
    suite: str,
    generated: dict[str, Any] | None,
    notaries: Sequence[SecretKey] = (),
    cache_mib: int | None = None,
    blocks_per_epoch: int = BLOCKS_PER_EPOCH,
) -> None:
    """Make keys, genesis and configurations of a new network.

    Interrupted halfway, it can be run again: `network.json` is written last.

    Args:
        home: Where it lies.
        validators: How many.
        suite: Algorithms of the chain.
        generated: Accounts that the genesis derives from a seed, for load.
        notaries: Keys of more notaries of the first organisation, for load.
        cache_mib: Page cache of each node, in MiB; the default of `node.toml` where `None`.
        blocks_per_epoch: Blocks after which validators may change.
    """
    nodes = _plan(home, validators)
    with ThreadPoolExecutor() as pool:
        names = [ADMIN_KEY, *ORGANISATIONS[1:]]
        administrators = list(pool.map(lambda name: administrator(home, name, suite), names))
    keys = [validator_key(node, SUITE_ALGORITHMS[suite]) for node in nodes]
    document = genesis_document(
        Terms(CHAIN, suite, time.time_ns() // 1_000_000, blocks_per_epoch),
        ORGANISATIONS,
        [
            {
                "name": node.name,
                "organisation": place % len(ORGANISATIONS),
                "key": key.public_key.hex(),
                "address": f"{HOST}:{node.p2p_port}",
            }
            for place, (node, key) in enumerate(zip(nodes, keys, strict=True))
        ],
        [PublicKey(key.algorithm, key.public_key) for key in administrators],
    )
    document["accounts"] += [
        {
            "organisation": 0,
            "algorithm": key.algorithm,
            "key": key.public_key.hex(),
            "roles": ["notary"],
        }
        for key in notaries
    ]
    if generated:
        document |= _load(generated)
    text, chain_id = encode_genesis(document)
    home.genesis.write_bytes(text)
    home.trust.write_bytes(trust_document(document, chain_id))
    # Threads beyond a node's share of the cores only take turns.
    share = max(1, cores() // len(nodes))
    for node in nodes:
        peers = {one.name: one.url for one in nodes if one is not node}
        p2p_listen = f"{HOST}:{node.p2p_port}"
        described = configuration(node, p2p_listen, CHAIN, share, peers, cache_mib)
        node.config.write_text(described)
    save(home, CHAIN, nodes, {})


def _plan(home: Home, validators: int) -> list[Node]:
    ports = free_ports(home, 2 * validators)
    nodes = []
    for place in range(validators):
        organisation = place % len(ORGANISATIONS)
        turn = place // len(ORGANISATIONS)
        name = ORGANISATIONS[organisation] + (f"-{turn + 1}" if turn else "")
        nodes.append(Node(name, ports[2 * place], ports[2 * place + 1], home.nodes / name))
    return nodes
