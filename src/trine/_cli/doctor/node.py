"""Examine the nodes of a home: their files, ports and certificates, and the chain they follow."""

import json
import socket
import stat
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final

from trine import __version__
from trine._cli import processes
from trine._cli.doctor.finding import Finding, Level, judged, ok
from trine._core import genesis as core_genesis
from trine.client.home import Home
from trine.client.records import Status
from trine.errors import TrineError

CERTIFICATE_DAYS_WARNING: Final = 30
CLOCK_MS_WARNING: Final = 1_000
CLOCK_MS_PROBLEM: Final = 5_000
"""A block whose time lies further ahead of a validator's clock waits."""
BLOCK_AGE_MS_PROBLEM: Final = 10_000
"""An idle chain makes a block a second."""
HEIGHTS_BEHIND_WARNING: Final = 16
CONNECT_TIMEOUT_S: Final = 2.0
SHARED: Final = stat.S_IRWXG | stat.S_IRWXO
"""Permissions of people other than the owner."""


def examine_nodes(home: Home) -> Iterator[Finding]:
    """Examine every node of a home, and what it knows of the others.

    Raises:
        BadConfiguration, UnreadableFile: `network.json` is damaged.
    """
    nodes, pids = processes.load(home)
    yield _chain(home)
    yield _secrets(home, nodes)
    statuses = {}
    for node in nodes:
        trouble = _configuration(node)
        if trouble:
            yield trouble
            continue
        yield from _certificate(node)
        status = _status(node)
        yield _process(node, pids.get(node.name), status)
        if status:
            statuses[node.name] = status
    if statuses:
        newest = max(statuses.values(), key=lambda status: status.height)
        yield _progress(newest)
        yield from _behind(newest)
        yield _versions(statuses)
        yield from _peers({node.name for node in nodes}, newest)


def _chain(home: Home) -> Finding:
    """Compare genesis and trust file."""
    remedy = "take both from the same member: a node of another chain follows nobody here"
    try:
        chain_id = core_genesis.chain_id(home.genesis.read_bytes()).hex()
        trusted = json.loads(home.trust.read_bytes())["chain_id"]
    except (OSError, ValueError, KeyError, TypeError, TrineError) as error:
        return judged("chain", f"{type(error).__name__}: {error}", remedy, problem=True)
    differs = trusted != chain_id
    found = f"{home.genesis} is of {chain_id[:16]}, {home.trust} of {str(trusted)[:16]}"
    return judged("chain", found if differs else f"chain {chain_id[:16]}", remedy, problem=differs)


def _secrets(home: Home, nodes: list[processes.Node]) -> Finding:
    """Look whether others may read keys."""
    files = [*home.keys.folder.glob("*"), *(node.folder / "validator.key" for node in nodes)]
    present = [path for path in files if path.is_file()]
    open_ones = [path for path in present if path.stat().st_mode & SHARED]
    if open_ones:
        listed = ", ".join(map(str, open_ones[:3]))
        found = f"others may read {len(open_ones)} of {len(present)} files: {listed}"
        return Finding("keys", Level.PROBLEM, found, f"chmod 600 {open_ones[0]}")
    return ok("keys", f"{len(present)} files, for their owner alone")


def _status(node: processes.Node) -> Status | None:
    try:
        with processes.opened([node]) as http:
            return processes.probe(http, node.url)
    except TrineError:
        return None  # What is wrong with its certificate is told beside.


def _configuration(node: processes.Node) -> Finding | None:
    """Say why node.toml cannot be read; nothing where it can."""
    try:
        tomllib.loads(node.config.read_text())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        remedy = "restore it from a backup, or write it anew: docs/reference/configuration.md"
        return judged(f"node {node.name}", f"{node.config}: {reason}", remedy, problem=True)
    return None


def _certificate(node: processes.Node) -> Iterator[Finding]:
    """Look when the certificate of the HTTP API expires."""
    path = node.certificate
    if path is None:
        return
    from cryptography import x509  # noqa: PLC0415 - heavy, and only for this

    check = f"certificate of {node.name}"
    remedy = "put a new certificate and key in place: the node takes them over while it runs"
    try:
        expires = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        yield judged(check, f"{path}: {error}", remedy, problem=True)
        return
    days = (expires - datetime.now(UTC)).total_seconds() / 86_400
    yield judged(
        check,
        f"expires on {expires:%Y-%m-%d}, in {days:,.0f} days",
        remedy,
        warning=days < CERTIFICATE_DAYS_WARNING,
        problem=days <= 0,
    )


def _process(node: processes.Node, pid: int | None, status: Status | None) -> Finding:
    check = f"node {node.name}"
    if status:
        return ok(check, f"runs, height {status.height}, {node.url}")
    if pid is not None:
        remedy = f"see what it does: {node.folder / 'node.log'}"
        return judged(check, f"runs (process {pid}) and does not answer", remedy, problem=True)
    taken = [port for port in node.ports.values() if not processes.is_free(port)]
    if taken:
        found = f"does not run, and another program has its port {taken[0]}"
        remedy = f"end that program, or name another port in {node.config}"
        return judged(check, found, remedy, problem=True)
    return judged(check, "does not run", "start it: trine up --detach", problem=True)


def _progress(newest: Status) -> Finding:
    """Compare the newest block's time with this machine's clock."""
    age_ms = time.time_ns() // 1_000_000 - newest.time_ms
    if age_ms < -CLOCK_MS_WARNING:
        remedy = "set the clock, and keep it right with NTP: nothing becomes final before"
        found = f"this machine's clock is {-age_ms / 1_000:.1f} s behind the newest block"
        return judged("blocks", found, remedy, warning=True, problem=-age_ms > CLOCK_MS_PROBLEM)
    remedy = "more than two thirds of the validators must run and reach each other: see below"
    return judged(
        "blocks",
        f"the newest final block, {newest.height}, is {age_ms / 1_000:,.1f} s old",
        remedy,
        problem=age_ms > BLOCK_AGE_MS_PROBLEM,
    )


def _behind(newest: Status) -> Iterator[Finding]:
    """Look who is behind, as far as the node can ask the others."""
    for one in newest.validators:
        if one.height is None:
            continue
        behind = newest.height - one.height
        remedy = "ask who runs it: its disk, its network or its clock may be slow"
        yield judged(
            f"validator {one.name}",
            f"height {one.height}" + (f", {behind} behind" if behind > 0 else ""),
            remedy,
            warning=behind > HEIGHTS_BEHIND_WARNING,
        )


def _versions(statuses: dict[str, Status]) -> Finding:
    running = {name: status.version for name, status in statuses.items()}
    others = {name: version for name, version in running.items() if version != __version__}
    if not others:
        return ok("versions", f"all run {__version__}")
    found = ", ".join(f"{name} runs {version}" for name, version in others.items())
    remedy = "restart the nodes with the installed version: trine down, trine up --detach"
    return judged("versions", f"{found}; {__version__} is installed", remedy, warning=True)


def _peers(own: set[str], newest: Status) -> Iterator[Finding]:
    """Connect to the addresses at which the epoch's validators of other hosts listen."""
    others = [one for one in newest.validators if one.name not in own]
    addresses = {one.name: one.address for one in others if one.address}
    with ThreadPoolExecutor() as pool:
        answers = pool.map(_connect, addresses.values())
        for (name, address), trouble in zip(addresses.items(), answers, strict=True):
            remedy = f"look whether {name} runs, and whether firewalls let {address} through"
            yield judged(
                f"peer {name}",
                f"{address} {trouble or 'answers'}",
                remedy,
                warning=trouble is not None,
            )


def _connect(address: str) -> str | None:
    """Say what is wrong with an address; nothing where somebody listens."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_TIMEOUT_S).close()
    except OSError as error:
        return f"cannot be reached: {(error.strerror or str(error)).lower()}"
    return None
