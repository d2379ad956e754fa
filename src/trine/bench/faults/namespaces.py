"""Make hosts out of Linux network namespaces, and cut, slow and fill them.

Each node gets a namespace, which stands for a host: its own address on a bridge, its own routes, a
small disk in memory, and a clock that can be stepped. Only root can make them, and only one run at
a time: what an interrupted run has left is removed by the next.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trine.errors import BadArgument, FolderLocked, NodeStopped

LOCK: Final = Path("/run/trine-faults.lock")
BRIDGE: Final = "trine-faults"
NETWORK: Final = "198.18.0"
"""Begin of the hosts' addresses, of the range that RFC 2544 sets aside for benchmarks."""
GATEWAY: Final = f"{NETWORK}.254"
"""Address of this machine among the hosts."""
HOSTS_MAX: Final = 100
DISK_MIB: Final = 1_024
"""Size of a host's disk: memory is used as it fills."""
FILL_TRIES: Final = 50
"""Times that a disk is made as small as what it holds, while its node writes."""
NEEDED: Final = {"ip": "iproute2", "mount": "mount"}
"""Programs, and Debian's packages that have them."""


@dataclass(frozen=True)
class Host:
    """A host.

    Attributes:
        name: Name of its node.
        number: Its number, from 1 on.
        disk: Folder that is its disk.
    """

    name: str
    number: int
    disk: Path

    @property
    def namespace(self) -> str:
        """Name of its network namespace."""
        return f"{BRIDGE}-{self.number}"

    @property
    def address(self) -> str:
        """Its IPv4 address."""
        return f"{NETWORK}.{self.number}"

    def command(self, *words: str | Path) -> list[str]:
        """Give the command that runs another one on the host, as the same process."""
        return ["ip", "netns", "exec", self.namespace, *map(str, words)]

    def lose_way_to(self, others: Sequence[Host]) -> None:
        """Drop what the host sends to others."""
        for other in others:
            ip("-n", self.namespace, "route", "replace", "blackhole", f"{other.address}/32")

    def find_way_to(self, others: Sequence[Host]) -> None:
        """Send to others again."""
        for other in others:
            ip("-n", self.namespace, "route", "delete", "blackhole", f"{other.address}/32")

    def fill_disk(self) -> None:
        """Leave no space on the disk."""
        for left in reversed(range(FILL_TRIES)):
            used = os.statvfs(self.disk)
            kept = (used.f_blocks - used.f_bfree) * used.f_frsize
            try:
                _run(["mount", "-o", f"remount,size={kept}", str(self.disk)])
            except NodeStopped:
                # The node wrote meanwhile: what is there no longer fits.
                if not left:
                    raise
            else:
                return

    def free_disk(self) -> None:
        """Give the disk its space again."""
        _run(["mount", "-o", f"remount,size={DISK_MIB}m", str(self.disk)])


def check_possible() -> None:
    """Make sure that hosts can be made here.

    Raises:
        BadArgument: Somebody else than root asks, or a program is missing.
    """
    if os.geteuid() != 0:
        raise BadArgument("hosts are network namespaces, which only root can make: run as root")
    for program, package in NEEDED.items():
        if shutil.which(program) is None:
            message = f"the program {program!r} is missing: install the package {package}"
            raise BadArgument(message, instance=program)


@contextlib.contextmanager
def hosts(names: Sequence[str], folder: Path) -> Iterator[dict[str, Host]]:
    """Make hosts with disks below a folder; remove them at the end, with what runs there.

    Raises:
        BadArgument: As `check_possible`.
        FolderLocked: Another run has hosts.
        NodeStopped: The system refused something; the message has its words.
    """
    check_possible()
    made = {name: Host(name, place, folder / name) for place, name in enumerate(names, 1)}
    with LOCK.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderLocked("another run with hosts is at work", instance=str(LOCK)) from None
        _remove([f"{BRIDGE}-{number}" for number in range(1, HOSTS_MAX + 1)])
        try:
            _make(list(made.values()))
            yield made
        finally:
            _remove([host.namespace for host in made.values()])
            for host in made.values():
                subprocess.run(["umount", "--lazy", host.disk], capture_output=True, check=False)


def _make(made: Sequence[Host]) -> None:
    ip("link", "add", BRIDGE, "type", "bridge")
    ip("address", "add", f"{GATEWAY}/24", "dev", BRIDGE)
    ip("link", "set", BRIDGE, "up")
    for host in made:
        outside = f"trine-f{host.number}"
        ip("netns", "add", host.namespace)
        ip("link", "add", outside, "type", "veth", "peer", "eth0", "netns", host.namespace)
        ip("link", "set", outside, "master", BRIDGE, "up")
        ip("-n", host.namespace, "address", "add", f"{host.address}/24", "dev", "eth0")
        ip("-n", host.namespace, "link", "set", "eth0", "up")
        ip("-n", host.namespace, "link", "set", "lo", "up")
        host.disk.mkdir(parents=True)
        _run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=700", "tmpfs", str(host.disk)])


def _remove(namespaces: Sequence[str]) -> None:
    """Remove namespaces with what runs there, and the bridge; whatever of it there is."""
    there = subprocess.run(["ip", "netns", "list"], capture_output=True, check=False, text=True)
    known = {line.split()[0] for line in there.stdout.splitlines() if line}
    for namespace in known.intersection(namespaces):
        found = subprocess.run(
            ["ip", "netns", "pids", namespace], capture_output=True, check=False, text=True
        )
        for pid in found.stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        subprocess.run(["ip", "netns", "delete", namespace], capture_output=True, check=False)
    subprocess.run(["ip", "link", "delete", BRIDGE], capture_output=True, check=False)


def ip(*words: str) -> None:
    """Run `ip`.

    Raises:
        NodeStopped: It refused; the message has its words.
    """
    _run(["ip", *words])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    if done.returncode != 0:
        said = done.stderr.strip() or f"exit status {done.returncode}"
        raise NodeStopped(f"`{' '.join(command)}`: {said}")
