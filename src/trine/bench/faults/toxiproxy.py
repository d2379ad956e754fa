"""Slow the lines between hosts with Toxiproxy, where the kernel has no netem.

Every host runs a proxy for each of the others; its node connects to these instead.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Sequence
from typing import Any, Final

import httpx

from trine.bench.faults.namespaces import Host
from trine.errors import BadArgument, NodeStopped

PROGRAM: Final = "toxiproxy-server"
INSTALL: Final = "GOBIN=DIR go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0"
API_PORT: Final = 8474
PORT_FIRST: Final = 7_100
"""Port of the proxy for host 0; one more for each number."""
START_S: Final = 10.0
POLL_S: Final = 0.05
LATENCY_MS: Final = 150
JITTER_MS: Final = 100
RATE_KB: Final = 200
"""Kilobytes a second that a slow line carries, each way."""
TOXICS: Final[tuple[tuple[str, dict[str, int]], ...]] = (
    ("latency", {"latency": LATENCY_MS, "jitter": JITTER_MS}),
    ("bandwidth", {"rate": RATE_KB}),
)


def check_possible() -> None:
    """Make sure that the program is installed.

    Raises:
        BadArgument: It is not; the message says how.
    """
    if shutil.which(PROGRAM) is None:
        message = f"{PROGRAM!r} is not on the path: `{INSTALL}`, then rename `server` to {PROGRAM}"
        raise BadArgument(message, instance=PROGRAM)


class Proxies:
    """The proxies of all hosts."""

    def __init__(self, hosts: Sequence[Host], port: int) -> None:
        """Start them; nodes listen on `port` of each host."""
        self.hosts = list(hosts)
        self.http = httpx.Client(trust_env=False)
        self.processes = [self._serve(host) for host in self.hosts]
        for host in self.hosts:
            for other in self.others(host):
                self._send(
                    host,
                    "POST",
                    "/proxies",
                    {
                        "name": other.name,
                        "listen": self.address_of(other),
                        "upstream": f"{other.address}:{port}",
                    },
                )

    @staticmethod
    def address_of(other: Host) -> str:
        """Say where a host's node reaches another one."""
        return f"127.0.0.1:{PORT_FIRST + other.number}"

    def others(self, host: Host) -> list[Host]:
        """Name all hosts but one."""
        return [other for other in self.hosts if other is not host]

    def slow(self, hosts: Sequence[Host]) -> None:
        """Make all lines from and to hosts slow."""
        for at, to in self._lines(hosts):
            for kind, attributes in TOXICS:
                for stream in ("upstream", "downstream"):
                    toxic = {"name": f"{kind}-{stream}", "type": kind, "stream": stream}
                    document = {**toxic, "attributes": attributes}
                    self._send(at, "POST", f"/proxies/{to.name}/toxics", document)

    def hasten(self, hosts: Sequence[Host]) -> None:
        """Make their lines as fast as before."""
        for at, to in self._lines(hosts):
            for kind, _ in TOXICS:
                for stream in ("upstream", "downstream"):
                    self._send(at, "DELETE", f"/proxies/{to.name}/toxics/{kind}-{stream}")

    def stop(self) -> None:
        """End them."""
        for process in self.processes:
            process.kill()
            process.wait()
        self.http.close()

    def _lines(self, hosts: Sequence[Host]) -> list[tuple[Host, Host]]:
        """Name the proxies that hosts' connections go through: where each is, and to whom."""
        return [
            (at, to) for at in self.hosts for to in self.others(at) if at in hosts or to in hosts
        ]

    @staticmethod
    def _url(host: Host) -> str:
        return f"http://{host.address}:{API_PORT}"

    def _serve(self, host: Host) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            host.command(PROGRAM, "-host", host.address, "-port", str(API_PORT)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and process.poll() is None:
            try:
                self.http.get(self._url(host) + "/version").raise_for_status()
            except httpx.HTTPError:
                time.sleep(POLL_S)
            else:
                return process
        process.kill()
        raise NodeStopped(f"{PROGRAM} of host {host.name} does not answer {START_S:.0f} s")

    def _send(
        self, host: Host, method: str, path: str, document: dict[str, Any] | None = None
    ) -> None:
        try:
            answer = self.http.request(method, self._url(host) + path, json=document)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise NodeStopped(f"{PROGRAM} of host {host.name}: {error}") from None
