"""Start and stop the servers of a peer, and read what they cost."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from trine.errors import NodeStopped, NotFinalizing

HOST: Final = "127.0.0.1"
"""Where every server listens."""
COMMAND_TIMEOUT_S: Final = 120.0
"""Seconds that a command which prepares files may take."""
START_TIMEOUT_S: Final = 60.0
"""Seconds in which servers must be ready after their start."""
STOP_TIMEOUT_S: Final = 10.0
"""Seconds that a server may take to stop before it is killed."""
POLL_S: Final = 0.05
"""Seconds between two looks at something that is waited for."""
TAIL_CHARACTERS: Final = 500
"""Characters of a server's last output that an error shows."""

Found = TypeVar("Found")


@dataclass(frozen=True)
class Usage:
    """What processes have used since they started.

    Attributes:
        cpu_s: CPU time of all their threads, in seconds.
        written_bytes: Bytes that they had written to storage.
    """

    cpu_s: float
    written_bytes: int


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Hold back Ctrl-C and the request to end until what is being cleaned up is clean."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def temporary_folder(name: str) -> Iterator[Path]:
    """Make a folder whose name begins with `trine-NAME-`; remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix=f"trine-{name}-"))
    try:
        yield folder
    finally:
        with undisturbed():
            shutil.rmtree(folder)


def free_ports(count: int) -> list[int]:
    """Find ports on which nothing listens; the system gives each once."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((HOST, 0))
        return [int(one.getsockname()[1]) for one in sockets]


def run(command: Sequence[str], *, user: str | None = None, text: str | None = None) -> str:
    """Run a command to its end and return what it printed.

    Args:
        command: Program and arguments.
        user: Whose rights it has, where this process may choose.
        text: What it reads.

    Raises:
        NodeStopped: It failed, or took longer than `COMMAND_TIMEOUT_S`.
    """
    try:
        done = subprocess.run(
            command,
            input=text or "",
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
            cwd="/",
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
    except subprocess.TimeoutExpired:
        message = f"{command[0]} took longer than {COMMAND_TIMEOUT_S:.0f} s"
        raise NodeStopped(message, instance=command[0]) from None
    if done.returncode:
        said = _tail(done.stderr or done.stdout)
        message = f"{command[0]} ended with status {done.returncode}: {said}"
        raise NodeStopped(message, instance=command[0])
    return done.stdout


@contextlib.contextmanager
def server(
    command: Sequence[str],
    log: Path,
    *,
    user: str | None = None,
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """Keep a server running; it is stopped, or killed after `STOP_TIMEOUT_S`.

    Args:
        command: Program and arguments.
        log: File that takes what it prints.
        user: Whose rights it has, where this process may choose.
        stop: Signal that asks it to stop.
    """
    with log.open("wb") as output:
        # A session of its own: Ctrl-C at the terminal reaches this process alone, which stops
        # the servers in order.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
    try:
        yield process
    finally:
        with undisturbed():
            _stop(process, stop)


def _stop(process: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    process.send_signal(stop)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(
    ask: Callable[[], Found | None],
    what: str,
    servers: Sequence[tuple[subprocess.Popen[bytes], Path]],
) -> Found:
    """Wait until `ask` returns something.

    Args:
        ask: Called again and again; returns `None` while it is too early.
        what: What is waited for, for the error.
        servers: Processes that must live on, each with its log.

    Raises:
        NodeStopped: A server ended; the end of its log says why.
        NotFinalizing: Nothing came within `START_TIMEOUT_S`.
    """
    until = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until:
        found = ask()
        if found is not None:
            return found
        for process, log in servers:
            if process.poll() is not None:
                said = _tail(log.read_text(errors="replace"))
                raise NodeStopped(f"{process.args!r} ended: {said}", instance=str(log))
        time.sleep(POLL_S)
    said = "; ".join(f"{log.name}: {_tail(log.read_text(errors='replace'))}" for _, log in servers)
    raise NotFinalizing(f"{what} did not come within {START_TIMEOUT_S:.0f} s; {said}")


def _tail(text: str) -> str:
    return " / ".join(text[-TAIL_CHARACTERS:].split("\n")).strip() or "it printed nothing"


def usage(pids: Sequence[int]) -> Usage:
    """Sum what processes and their descendants have used; one that is gone counts nothing.

    A descendant that ended counts with its parent, to which the kernel adds it.
    """
    cpu_s, written = 0.0, 0
    ticks_per_s = os.sysconf("SC_CLK_TCK")
    for pid in _with_descendants(pids):
        with contextlib.suppress(OSError):
            # Own and collected children's user and system time: fields 14 to 17 of proc(5).
            fields = _stat(pid)[11:15]
            cpu_s += sum(map(int, fields)) / ticks_per_s
            written += _field(pid, "io", "write_bytes:")
    return Usage(cpu_s, written)


def memory_mib(pid: int) -> float:
    """Return the memory of a node: of its process, or of its processes, shared pages once."""
    pids = _with_descendants([pid])
    kib = 0
    for one in pids:
        with contextlib.suppress(OSError):
            alone = len(pids) == 1
            kib += _field(one, "status", "VmRSS:") if alone else _field(one, "smaps_rollup", "Pss:")
    return kib / 1_024


def _stat(pid: int) -> list[str]:
    """Read `/proc/PID/stat` after the name, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _field(pid: int, file: str, name: str) -> int:
    for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0


def _with_descendants(pids: Sequence[int]) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                children.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
    found = list(pids)
    for pid in found:
        found += children.get(pid, [])
    return found
