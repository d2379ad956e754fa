"""Run a network of CometBFT validators with the key-value application that it contains.

The application checks the form of a transaction, never a signature, and keeps its state in
memory; blocks are written to disk by every validator before they count as final.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import httpx

from trine.bench.peers.processes import HOST, free_ports, run, server, temporary_folder, wait_for
from trine.bench.peers.system import NODES, Network, System

MODULE: Final = "github.com/cometbft/cometbft/cmd/cometbft@v0.38.26"
"""What `go install` installs."""
SETTINGS: Final[Mapping[str, str]] = {
    "proxy_app": '"kvstore"',
    "log_level": '"error"',
    # The defaults take 10 requests a batch and 1 MB a body.
    "rpc.max_request_batch_size": "0",
    "rpc.max_body_bytes": "100000000",
    # The defaults (100 ms, 5 MB/s) are for wide areas.
    "p2p.flush_throttle_timeout": '"10ms"',
    "p2p.send_rate": "512000000",
    "p2p.recv_rate": "512000000",
    "p2p.pex": "false",
    # Five thousand transactions are less than two blocks at the peak.
    "mempool.size": "100000",
    "mempool.cache_size": "200000",
    # The application would not change its mind about any transaction.
    "mempool.recheck": "false",
    # A block follows the one before as soon as there is something to put into it.
    "consensus.timeout_commit": '"0s"',
    "consensus.skip_timeout_commit": "true",
    "consensus.create_empty_blocks": "false",
    "consensus.peer_gossip_sleep_duration": '"5ms"',
    # Nobody asks for outcomes or searches transactions.
    "storage.discard_abci_responses": "true",
    "tx_index.indexer": '"null"',
}
"""What differs from the configuration that `cometbft testnet` writes, and why."""


def system() -> System:
    """Describe CometBFT."""
    return System(
        name="cometbft",
        title="CometBFT",
        signed=False,
        about=(
            "unsigned key-value pairs of 150 bytes, which its application kvstore keeps in memory "
            "and does not check; final when a validator announces the block, on its disk"
        ),
        missing=_missing,
        version=_version,
        network=_network,
    )


def _program() -> str | None:
    """Find the program: on the path, or where `go install` puts it."""
    folders = [os.environ.get("GOBIN"), str(Path.home() / "go" / "bin")]
    path = os.pathsep.join(filter(None, [os.environ.get("PATH"), *folders]))
    return shutil.which("cometbft", path=path)


def _missing() -> str | None:
    if _program() is None:
        return f"there is no program cometbft: go install {MODULE}"
    try:
        import aiohttp  # noqa: F401, PLC0415 - an extra
    except ImportError:
        return "its loader needs aiohttp: pip install 'trine[bench]'"
    return None


def _version() -> str:
    return run([_program() or "cometbft", "version"]).strip()


@contextlib.contextmanager
def _network() -> Iterator[Network]:
    from trine.bench.peers.cometbft_load import Loader  # noqa: PLC0415 - needs an extra

    program = _program() or "cometbft"
    with temporary_folder("cometbft") as folder:
        urls = _prepare(program, folder)
        with contextlib.ExitStack() as stack:
            servers = []
            commands = []
            for place in range(NODES):
                command = [program, "start", "--home", str(folder / f"node{place}")]
                log = folder / f"node{place}.log"
                servers.append((stack.enter_context(server(command, log)), log))
                commands.append(f"cometbft start --home node{place}")
            with httpx.Client(trust_env=False) as http:
                wait_for(lambda: _ready(http, urls), "the first block of CometBFT", servers)
            loader = Loader(urls, [process.pid for process, _ in servers], _version())

            yield Network(loader.run, [f"cometbft testnet --v {NODES}", *commands])


def _prepare(program: str, folder: Path) -> list[str]:
    """Write keys, genesis and configurations; returns where the nodes will serve."""
    run([program, "testnet", "--v", str(NODES), "--o", str(folder)])
    homes = [folder / f"node{place}" for place in range(NODES)]
    ports = free_ports(2 * NODES)
    rpc, p2p = ports[:NODES], ports[NODES:]
    ids = [run([program, "show-node-id", "--home", str(home)]).strip() for home in homes]
    for place, home in enumerate(homes):
        others = [
            f"{node}@{HOST}:{port}"
            for node, port in zip(ids, p2p, strict=True)
            if port != p2p[place]
        ]
        own = {
            "rpc.laddr": f'"tcp://{HOST}:{rpc[place]}"',
            "p2p.laddr": f'"tcp://{HOST}:{p2p[place]}"',
            "p2p.persistent_peers": f'"{",".join(others)}"',
        }
        file = home / "config" / "config.toml"
        file.write_text(configure(file.read_text(), {**SETTINGS, **own}))
    return [f"http://{HOST}:{port}" for port in rpc]


def configure(text: str, settings: Mapping[str, str]) -> str:
    """Replace values of a configuration, each named as `key` or `table.key`.

    Raises:
        KeyError: The configuration has no such key: another version may have renamed it.
    """
    left = dict(settings)
    table, lines = "", []
    for line in text.splitlines():
        if head := re.fullmatch(r"\[(\w+)\]\s*", line):
            table = f"{head[1]}."
        key = re.match(r"([\w-]+) = ", line)
        value = left.pop(table + key[1], None) if key else None
        lines.append(line if key is None or value is None else f"{key[1]} = {value}")
    if left:
        raise KeyError(f"the configuration has no {', '.join(left)}")
    return "\n".join(lines) + "\n"


def _ready(http: httpx.Client, urls: list[str]) -> bool | None:
    """Say whether every node has a block and is connected with all others."""
    try:
        for url in urls:
            status = http.get(f"{url}/status").json()["result"]
            peers = http.get(f"{url}/net_info").json()["result"]["n_peers"]
            if int(status["sync_info"]["latest_block_height"]) < 1 or int(peers) < NODES - 1:
                return None
    except (httpx.TransportError, ValueError, KeyError):
        return None
    return True
