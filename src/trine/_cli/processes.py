"""Start and stop the processes of a home's nodes, and look how they are."""

import contextlib
import fcntl
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from trine.client.home import NETWORK_FORMAT, Home
from trine.client.records import Status
from trine.client.settings import client_files, name_client, trust_file
from trine.errors import (
    BadConfiguration,
    ClockOff,
    FolderLocked,
    NodeStopped,
    NotFinalizing,
    PortInUse,
    TrineError,
    error_of,
)

HOST: Final = "127.0.0.1"
START_TIMEOUT_S: Final = 60.0
"""Seconds in which a network must finalize a block after its start."""
START_ACCOUNT_S: Final = 1e-4
"""Seconds more for each account that its genesis generates, which every node does for itself."""
STOP_TIMEOUT_S: Final = 20.0
"""Seconds that a node may take to stop before it is killed."""
POLL_S: Final = 0.1
CLOCK_BEHIND_MS_MAX: Final = 5_000
"""Milliseconds that the newest block's time may lie ahead of this machine's clock."""
PROBE_TIMEOUT_S: Final = 2.0
LOG_TAIL_BYTES: Final = 4_096
LOG_LINES: Final = 5


@dataclass(frozen=True)
class Node:
    """A node of this home.

    Attributes:
        name: Name of the node.
        http_port: Port of its API.
        p2p_port: Port on which peers connect; a follower has none.
        folder: Folder of everything that it has.
        config_name: Name of its configuration there.
    """

    name: str
    http_port: int
    p2p_port: int | None
    folder: Path
    config_name: str = "node.toml"

    @property
    def url(self) -> str:
        """Where the node serves its API on this host."""
        return f"{'https' if self.certificate else 'http'}://{HOST}:{self.http_port}"

    @property
    def certificate(self) -> Path | None:
        """The certificate of the node's API, where its configuration names one."""
        try:
            tls = tomllib.loads(self.config.read_text()).get("tls")
        except (OSError, ValueError):
            return None  # The node itself says what is wrong with it.
        named = tls.get("certificate") if isinstance(tls, dict) else None
        return self.folder / named if isinstance(named, str) else None

    @property
    def config(self) -> Path:
        """Configuration of the node."""
        return self.folder / self.config_name

    @property
    def ports(self) -> dict[str, int]:
        """The ports that it listens on, by the field of its configuration."""
        ports = {"http_listen": self.http_port, "p2p_listen": self.p2p_port}
        return {field: port for field, port in ports.items() if port is not None}

    @property
    def output(self) -> Path:
        """What the process prints, before its log is open and when it dies."""
        return self.folder / "output.log"


@contextlib.contextmanager
def locked(home: Home) -> Iterator[None]:
    """Keep other `up` and `down` commands out of the home.

    Raises:
        FolderLocked: One is at work.
    """
    home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home.path / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"another trine command starts or stops the network of {home.path}"
            raise FolderLocked(message, instance=str(home.path)) from None
        yield


def is_free(port: int) -> bool:
    """Say whether nobody listens on a port of the loopback address."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
    return True


def save(home: Home, chain: str, nodes: list[Node], pids: dict[str, int]) -> None:
    """Write which nodes the home has, and which of them run."""
    document = {
        "format": NETWORK_FORMAT,
        "chain": chain,
        "nodes": [
            {
                "name": node.name,
                "url": node.url,
                "http_port": node.http_port,
                "p2p_port": node.p2p_port,
                "pid": pids.get(node.name),
            }
            for node in nodes
        ],
    }
    partial = home.network.with_name("network.json.partial")
    partial.write_text(json.dumps(document, indent=2) + "\n")
    partial.replace(home.network)


def _note(home: Home, nodes: list[Node], pids: dict[str, int]) -> None:
    """Write which nodes run now."""
    save(home, str(home.read_network().get("chain")), nodes, pids)


def load(home: Home) -> tuple[list[Node], dict[str, int]]:
    """Read the nodes of the home, and the processes of those that run.

    Raises:
        NoNetwork, BadConfiguration: There is no network, or its file is damaged.
    """
    nodes, pids = [], {}
    try:
        for one in home.read_network()["nodes"]:
            name = str(one["name"])
            p2p_port = None if one["p2p_port"] is None else int(one["p2p_port"])
            node = Node(name, int(one["http_port"]), p2p_port, home.nodes / name)
            nodes.append(node)
            if one["pid"] is not None and is_process(int(one["pid"]), node):
                pids[name] = int(one["pid"])
    except (KeyError, TypeError, ValueError) as error:
        message = f"{home.network}: {type(error).__name__}: {error}"
        raise BadConfiguration(message, instance=str(home.network)) from None
    return nodes, pids


def is_process(pid: int, node: Node) -> bool:
    """Say whether the process is this node, not another one that got its number."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        if not command:
            # Between fork and the new program's first instruction there are no words; of a
            # process that ended and is not collected yet neither.
            state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
            return state not in (b"Z", b"X")
    except OSError:
        if Path("/proc/self").exists():
            return False
        with contextlib.suppress(OSError):
            os.kill(pid, 0)
            return True
        return False
    return os.fsencode(node.config) in command.split(b"\0")


def start(home: Home, names: Collection[str] | None = None) -> dict[str, int]:
    """Start every node that does not run, or those named; returns the processes by name.

    Raises:
        PortInUse: Another program listens on a node's port.
    """
    nodes, pids = load(home)
    for node in nodes:
        if node.name in pids or (names is not None and node.name not in names):
            continue
        pids[node.name] = spawn(node)
        _note(home, nodes, pids)
    return pids


def spawn(node: Node) -> int:
    """Start a node; returns its process.

    Raises:
        PortInUse: Another program listens on one of its ports.
    """
    for what, port in node.ports.items():
        if not is_free(port):
            message = f"port {port} of node {node.name} is in use ({what} in {node.config})"
            raise PortInUse(message, instance=str(port))
    command = [sys.executable, "-m", "trine", "node", "run", "--config", str(node.config)]
    with node.output.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=node.folder,
            start_new_session=True,
        )
    return process.pid


def opened(nodes: Iterable[Node]) -> httpx.Client:
    """Open a client for nodes of this home.

    A node with TLS is known by the certificate in its own folder, whatever name that has. Where
    nodes ask for one, $TRINE_CLIENT_CERTIFICATE names the client.

    Raises:
        UnreadableFile: A certificate cannot be read.
    """
    certificates = [node.certificate for node in nodes]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    for certificate in filter(None, certificates):
        trust_file(context, certificate)
    name_client(context, *client_files())
    return httpx.Client(timeout=PROBE_TIMEOUT_S, trust_env=False, verify=context)


def probe(http: httpx.Client, url: str) -> Status | None:
    """Ask a node for its status, once; none where it does not answer yet."""
    try:
        answer = http.get(url + "/v1/status")
        return Status.read(answer.json()) if answer.status_code == 200 else None
    except (httpx.TransportError, ValueError, KeyError, TypeError, TrineError):
        return None


def wait_until_final(home: Home, tell: Callable[[str], None]) -> dict[str, Status]:
    """Wait until every node has a new final block; returns their status.

    Raises:
        NodeStopped: A node ended; the end of its output says why.
        NotFinalizing: No block became final in time.
    """
    generated = json.loads(home.genesis.read_bytes()).get("generated_accounts") or {"count": 0}
    timeout_s = START_TIMEOUT_S + START_ACCOUNT_S * generated["count"]
    deadline = time.monotonic() + timeout_s
    first: int | None = None
    told = ""
    nodes, _ = load(home)
    with opened(nodes) as http:
        while time.monotonic() < deadline:
            found = {node.name: probe(http, node.url) for node in nodes}
            answered = {name: status for name, status in found.items() if status}
            heights = [status.height for status in answered.values()]
            _check_clock(answered)
            if len(answered) == len(nodes):
                first = max(heights) if first is None else first
                if min(heights) > first:
                    return answered
            line = f"{len(answered)} of {len(nodes)} nodes answer, height {max(heights, default=0)}"
            if line != told:
                told = line
                tell(line)
            check_alive(home, nodes)
            time.sleep(POLL_S)
    logs = ", ".join(str(node.output) for node in nodes)
    message = f"no new final block within {timeout_s:.0f} s; the nodes' output: {logs}"
    raise NotFinalizing(message, instance=str(home.path))


def _check_clock(found: dict[str, Status]) -> None:
    """Refuse to wait for blocks that cannot come before this machine's clock is right."""
    newest_ms = max((status.time_ms for status in found.values()), default=0)
    behind_ms = newest_ms - time.time_ns() // 1_000_000
    if behind_ms > CLOCK_BEHIND_MS_MAX:
        behind = f"{behind_ms / 1_000:.0f} s behind the newest block"
        raise ClockOff(f"this machine's clock is {behind}: no block can follow until it is right")


def check_alive(home: Home, nodes: list[Node]) -> None:
    """Make sure that nodes run.

    Raises:
        NodeStopped: One ended; the end of its output says why.
    """
    _reap()
    _, pids = load(home)
    for node in nodes:
        if node.name not in pids:
            raise _stopped(node)


def check_process(node: Node, pid: int) -> None:
    """Make sure that a node runs which this process started.

    Raises:
        NodeStopped: It ended; the end of its output says why.
    """
    _reap()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        raise _stopped(node) from None


def _reap() -> None:
    """Collect children that ended, so that they do not pass for running."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _stopped(node: Node) -> TrineError:
    """Make the error of a node that ended: its own, where its output names one."""
    try:
        tail = node.output.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")
    except OSError:
        tail = ""
    # A message may have several lines.
    named = re.findall(r"^trine: (.*?) \[([a-z_]+)\]$", tail, re.MULTILINE | re.DOTALL)
    for message, code in reversed(named):
        if code in TrineError.by_code:
            return error_of(code, f"node {node.name}: {message}", instance=str(node.folder))
    last = " / ".join(tail.splitlines()[-LOG_LINES:]) or "it printed nothing"
    return NodeStopped(f"node {node.name} ended: {last}", instance=str(node.output))


def stop(home: Home) -> tuple[list[str], list[str]]:
    """Stop every node that runs; returns the names of those stopped and of those killed."""
    nodes, pids = load(home)
    left = end(nodes, pids)
    _note(home, nodes, {})
    return [name for name in pids if name not in left], list(left)


def end(nodes: list[Node], pids: dict[str, int]) -> dict[str, int]:
    """End processes of nodes, by name; returns those that had to be killed."""
    for pid in pids.values():
        _signal(pid, signal.SIGTERM)
    left = _wait_gone(nodes, pids, STOP_TIMEOUT_S)
    for pid in left.values():
        _signal(pid, signal.SIGKILL)
    _wait_gone(nodes, left, STOP_TIMEOUT_S)
    return left


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _wait_gone(nodes: list[Node], pids: dict[str, int], seconds: float) -> dict[str, int]:
    """Wait until processes are gone; returns those that are not."""
    by_name = {node.name: node for node in nodes}
    deadline = time.monotonic() + seconds
    left = dict(pids)
    while left and time.monotonic() < deadline:
        _reap()
        left = {name: pid for name, pid in left.items() if is_process(pid, by_name[name])}
        if left:
            time.sleep(POLL_S)
    return left
