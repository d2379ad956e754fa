"""Run each node of a network on a host of its own, and hurt hosts, lines, disks and clocks."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from trine.bench.faults import clock, toxiproxy
from trine.bench.faults.certificates import self_signed
from trine.bench.faults.clock import Clock
from trine.bench.faults.hosts import Hosts
from trine.bench.faults.namespaces import Host
from trine.bench.faults.plan import CLOCK_STEP_S, Fault
from trine.bench.faults.toxiproxy import Proxies
from trine.errors import NodeStopped, NotFinalizing, TrineError

P2P_PORT: Final = 7_000
HTTP_PORT: Final = 8_000
START_S: Final = 60.0
"""Seconds in which the network must finalize a block after its start."""
STOP_S: Final = 20.0
"""Seconds that a node may take to end."""
POLL_S: Final = 0.1
TAIL_CHARACTERS: Final = 400
CLOCKS: Final = {"clock-ahead": CLOCK_STEP_S, "clock-behind": -CLOCK_STEP_S}
"""Seconds by which the faults of clocks step them."""


def check_possible(kinds: Sequence[str]) -> None:
    """Make sure that what the faults need is installed.

    Raises:
        BadArgument: Something is missing; the message says how to install it.
    """
    if "slow" in kinds:
        toxiproxy.check_possible()
    if CLOCKS.keys() & set(kinds):
        clock.library()


class HostNetwork(Hosts):
    """A network whose nodes run on hosts.

    The node NAME has its genesis document and its `validator.key` in a folder; its data lie on its
    host's disk.
    """

    def __init__(
        self,
        hosts: Mapping[str, Host],
        genesis: Path,
        folders: Mapping[str, Path],
        kinds: Sequence[str],
        threads: int,
    ) -> None:
        """Write what the nodes need; they do not run yet.

        Args:
            hosts: Hosts by the names of the nodes.
            genesis: Genesis document.
            folders: Folders of the nodes by name, each with `validator.key`.
            kinds: Kinds of faults that will come: what they need is prepared.
            threads: Threads of a kind that a node has.
        """
        self.hosts, self.genesis, self.folders = hosts, genesis, folders
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.proxies = Proxies(list(hosts.values()), P2P_PORT) if "slow" in kinds else None
        self.clocks: dict[str, Clock] = {}
        if CLOCKS.keys() & set(kinds):
            self.clocks = {name: Clock(folder / "clock") for name, folder in folders.items()}
        bundle = []
        for name, host in hosts.items():
            folder = folders[name]
            files = folder / "http.pem", folder / "http.key"
            bundle.append(self_signed(name, host.address, *files))
            (folder / "node.toml").write_text(self._configuration(name, threads))
        self._ca_file = genesis.with_name("hosts.pem")
        self._ca_file.write_bytes(b"".join(bundle))

    @property
    def urls(self) -> Mapping[str, str]:
        """URLs by the names of the nodes."""
        return {name: f"https://{host.address}:{HTTP_PORT}" for name, host in self.hosts.items()}

    @property
    def ca_file(self) -> Path:
        """Certificates of all nodes."""
        return self._ca_file

    def pid(self, name: str) -> int | None:
        """Process of a node; none where it does not run."""
        process = self.processes.get(name)
        return None if process is None or process.poll() is not None else process.pid

    def data(self, name: str) -> Path:
        """Folder of what the node stores: it is its host's disk."""
        return self.hosts[name].disk / "data"

    def start(self, name: str) -> None:
        """Start a node, where it does not run."""
        if self.pid(name) is not None:
            return
        words = (sys.executable, "-m", "trine", "node", "run", "--config", "node.toml")
        stepped = self.clocks.get(name)
        with (self.folders[name] / "output.log").open("ab") as output:
            self.processes[name] = subprocess.Popen(
                self.hosts[name].command(*words),
                cwd=self.folders[name],
                env={**os.environ, **(stepped.environment() if stepped else {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start_all(self, tell: Callable[[str], None]) -> None:
        """Start every node, and wait until a block becomes final.

        Raises:
            NodeStopped: A node ended.
            NotFinalizing: No block became final in time.
        """
        for name in self.hosts:
            self.start(name)
        deadline, first = time.monotonic() + START_S, None
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(self.client([url])) for url in self.urls.values()]
            while time.monotonic() < deadline:
                heights = []
                for client in clients:
                    with contextlib.suppress(TrineError):
                        heights.append(int(client.status().height))
                if len(heights) == len(clients):
                    first = max(heights) if first is None else first
                    if min(heights) > first:
                        return
                tell(f"{len(heights)} of {len(clients)} nodes answer")
                self._check_alive()
                time.sleep(POLL_S)
        raise NotFinalizing(f"no new final block within {START_S:.0f} s")

    def stop(self) -> None:
        """End every node and every proxy."""
        for process in self.processes.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        deadline = time.monotonic() + STOP_S
        for process in self.processes.values():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.proxies:
            self.proxies.stop()

    def hurt(self, fault: Fault) -> None:
        """Let a fault begin."""
        hit = [self.hosts[name] for name in fault.targets]
        if fault.kind in ("partition", "split"):
            for host in self.hosts.values():
                host.lose_way_to(self._beyond(host, hit))
        elif fault.kind == "one-way":
            for host in hit:
                host.lose_way_to([other for other in self.hosts.values() if other is not host])
        elif fault.kind == "slow" and self.proxies:
            self.proxies.slow(hit)
        elif fault.kind == "full-disk":
            for host in hit:
                host.fill_disk()
        elif fault.kind in CLOCKS:
            for name in fault.targets:
                self.clocks[name].step(CLOCKS[fault.kind])
        else:
            super().hurt(fault)

    def heal(self, fault: Fault) -> None:
        """Let a fault end. A node that ended of it is started again, as its operator would."""
        hit = [self.hosts[name] for name in fault.targets]
        if fault.kind in ("partition", "split"):
            for host in self.hosts.values():
                host.find_way_to(self._beyond(host, hit))
        elif fault.kind == "one-way":
            for host in hit:
                host.find_way_to([other for other in self.hosts.values() if other is not host])
        elif fault.kind == "slow" and self.proxies:
            self.proxies.hasten(hit)
        elif fault.kind == "full-disk":
            for name, host in zip(fault.targets, hit, strict=True):
                host.free_disk()
                self.start(name)
        elif fault.kind in CLOCKS:
            for name in fault.targets:
                self.clocks[name].step(0)
                self.start(name)
        else:
            super().heal(fault)

    def _beyond(self, host: Host, cut: Sequence[Host]) -> list[Host]:
        """Name the hosts on the other side of a cut around some."""
        inside = host in cut
        return [other for other in self.hosts.values() if (other in cut) != inside]

    def _configuration(self, name: str, threads: int) -> str:
        host = self.hosts[name]
        others = {other.name: other for other in self.hosts.values() if other is not host}
        reached = {
            name: Proxies.address_of(other) if self.proxies else f"{other.address}:{P2P_PORT}"
            for name, other in others.items()
        }
        engine = [f"{kind} = {threads}" for kind in ("threads", "verify_threads", "workers")]
        lines = [
            f'name = "{name}"',
            f'genesis = "{self.genesis}"',
            f'data_dir = "{self.data(name)}"',
            'validator_key = "validator.key"',
            f'p2p_listen = "{host.address}:{P2P_PORT}"',
            f'http_listen = "{host.address}:{HTTP_PORT}"',
            "[tls]",
            'certificate = "http.pem"',
            'key = "http.key"',
            "[engine]",
            *engine,
            "[log]",
            'file = "node.log"',
            "[p2p_peers]",
            *[f'{name} = "{address}"' for name, address in reached.items()],
        ]
        return "\n".join(lines) + "\n"

    def _check_alive(self) -> None:
        for name, process in self.processes.items():
            if process.poll() is not None:
                output = self.folders[name] / "output.log"
                tail = output.read_text(errors="replace").strip()[-TAIL_CHARACTERS:]
                raise NodeStopped(f"node {name} ended: {tail}", instance=str(output))
