"""Make what a node needs before it starts: keys, ports and configuration."""

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trine._cli.ports import free_ports
from trine._cli.processes import Node, is_free
from trine._cli.serving import LOCAL, Serving
from trine.client.home import Home
from trine.crypto import SUITE_ALGORITHMS, KeyFile, SecretKey
from trine.errors import PortInUse

THREADS: Final = ("verify_threads", "workers")
"""Fields of node.toml that say how many threads of a kind there are, without those that execute
blocks: they work in bursts, by turns with those of other nodes (docs/reference/configuration.md).
"""


@dataclass(frozen=True)
class Reader:
    """As whom a follower reads from its upstreams.

    Attributes:
        key: File of its secret key, beside the node's configuration.
        algorithm: Algorithm of the key.
        account: Address of the account whose first key it is.
    """

    key: Path
    algorithm: str
    account: str


def api_port(home: Home, serving: Serving) -> int:
    """Give the port on which a new node serves its API.

    Raises:
        PortInUse: Somebody listens on the port that was named.
    """
    if serving.port is None:
        [port] = free_ports(home, 1)
        return port
    if not is_free(serving.port):
        raise PortInUse(f"port {serving.port} is in use: name another with --http-listen")
    return serving.port


def administrator(home: Home, name: str, suite: str) -> KeyFile:
    """Read or make the key of an organisation's administrator, with its password beside it."""
    keys = home.keys
    if name in keys.names():
        return keys.read(name)
    password = secrets.token_hex(16).encode()
    write_secret(keys.folder / f"{name}.password", password + b"\n")
    return keys.create(name, SecretKey.generate(SUITE_ALGORITHMS[suite]), password, suite)


def validator_key(node: Node, algorithm: str) -> SecretKey:
    """Read or make the key with which a node votes."""
    path = node.folder / "validator.key"
    if path.exists():
        return SecretKey(algorithm, bytes.fromhex(path.read_text().strip()))
    key = SecretKey.generate(algorithm)
    write_secret(path, key.expose().hex().encode() + b"\n")
    return key


def reader_key(node: Node, key: SecretKey, suite: str) -> Reader:
    """Write the key with which a follower reads from its upstreams, for the node alone.

    It is a file of its own beside the node's configuration.
    """
    path = node.config.with_suffix(".read-key")
    write_secret(path, key.expose().hex().encode() + b"\n")
    return Reader(path, key.algorithm, key.address(suite).hex())


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, in a folder that only its owner can open."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def configuration(
    node: Node,
    p2p_listen: str,
    chain: str,
    share: int | None,
    peers: Mapping[str, str],
    cache_mib: int | None = None,
    serving: Serving = LOCAL,
) -> str:
    """Write node.toml (docs/reference/configuration.md).

    Args:
        node: The node.
        p2p_listen: Address and port on which peers connect.
        chain: Name of the chain, for people.
        share: Cores that are the node's own; the node's defaults where `None`.
        peers: URLs by the names of the other validators, as far as they are known.
        cache_mib: Page cache in MiB; the default where `None`.
        serving: How the node serves its API, at its port.
    """
    # As many threads of these kinds as cores are the node's own: more would only take turns.
    engine = [f"{kind} = {share}" for kind in THREADS] if share else []
    engine += [] if cache_mib is None else [f"cache_mib = {cache_mib}"]
    lines = [
        f"# Configure the node {node.name} of the chain {chain}.",
        f'name = "{node.name}"',
        'genesis = "../../genesis.json"',
        'data_dir = "data"',
        'validator_key = "validator.key"',
        f'p2p_listen = "{p2p_listen}"',
        f'http_listen = "{serving.host}:{node.http_port}"',
        "",
        *_tls_lines(serving),
        *(["[engine]", *engine, ""] if engine else []),
        "[log]",
        'file = "node.log"',
        "",
        "# Where the other validators serve their API; for the list of who is behind.",
        "[peers]",
        *[f'{name} = "{url}"' for name, url in peers.items()],
    ]
    return "\n".join(lines) + "\n"


def follower_configuration(
    node: Node,
    chain: str,
    genesis: str,
    upstreams: Sequence[str],
    authorities: Path | None,
    client: tuple[str | None, str | None],
    late_start: bool = False,
    reader: Reader | None = None,
    serving: Serving = LOCAL,
) -> str:
    """Write the configuration of a node that follows others.

    Args:
        node: The node.
        chain: Name of the chain, for people.
        genesis: Path of the genesis, from the node's folder.
        upstreams: URLs of the nodes to follow.
        authorities: Authorities of their certificates, beside those that the system trusts.
        client: Certificate and key with which the node names itself to them.
        late_start: Whether to begin with their state instead of the first block.
        reader: Key that signs what the node asks, where the chain is not read by anyone.
        serving: How the node serves its API, at its port.
    """
    certificate, key = (None if file is None else Path(file).absolute() for file in client)
    files = {
        "authorities": authorities and authorities.absolute(),
        "client_certificate": certificate,
        "client_key": key or certificate,
    }
    lines = [
        f"# Configure the node {node.name}, which follows the chain {chain}.",
        f'name = "{node.name}"',
        f"genesis = {_quoted(genesis)}",
        'data_dir = "data"',
        f'http_listen = "{serving.host}:{node.http_port}"',
        "",
        *_tls_lines(serving),
        "[follow]",
        f"upstreams = [{', '.join(map(_quoted, upstreams))}]",
        *[f"{name} = {_quoted(str(file))}" for name, file in files.items() if file],
        *(["late_start = true"] if late_start else []),
        "",
        *(_reader_lines(reader) if reader else []),
        "[log]",
        'file = "node.log"',
    ]
    return "\n".join(lines) + "\n"


def _reader_lines(reader: Reader) -> list[str]:
    fields = {"key": reader.key.name, "algorithm": reader.algorithm, "account": reader.account}
    return [
        "[follow.reader]",
        *[f"{name} = {_quoted(value)}" for name, value in fields.items()],
        "",
    ]


def _tls_lines(serving: Serving) -> list[str]:
    files = {
        "certificate": serving.certificate,
        "key": serving.key,
        "client_authorities": serving.client_authorities,
    }
    fields = [f"{name} = {_quoted(file)}" for name, file in files.items() if file]
    return ["[tls]", *fields, ""] if fields else []


def _quoted(text: str) -> str:
    """Write a text for TOML, whose strings are those of JSON."""
    return json.dumps(text, ensure_ascii=False)
