"""Hurt and heal nodes: what a program can do to other programs."""

from __future__ import annotations

import os
import shutil
import signal
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from trine.bench.faults.plan import Fault
from trine.client import Client
from trine.crypto import SigningKey


class Hosts(ABC):
    """The nodes of a network, and what can happen to them."""

    @property
    @abstractmethod
    def urls(self) -> Mapping[str, str]:
        """URLs by the names of the nodes."""

    @abstractmethod
    def pid(self, name: str) -> int | None:
        """Process of a node; none where it does not run."""

    @abstractmethod
    def start(self, name: str) -> None:
        """Start a node that does not run."""

    @abstractmethod
    def data(self, name: str) -> Path:
        """Folder of what the node stores."""

    @property
    def ca_file(self) -> Path | None:
        """Certificates that vouch for the nodes, where they have TLS."""
        return None

    def client(self, urls: Sequence[str], key: SigningKey | None = None) -> Client:
        """Open a client of these nodes."""
        return Client(urls, key=key, ca_file=self.ca_file)

    def hurt(self, fault: Fault) -> None:
        """Let a fault begin."""
        number = signal.SIGSTOP if fault.kind == "stop" else signal.SIGKILL
        for pid in [self.pid(name) for name in fault.targets]:
            if pid is not None:
                os.kill(pid, number)

    def heal(self, fault: Fault) -> None:
        """Let a fault end."""
        for name in fault.targets:
            pid = self.pid(name)
            if fault.kind == "stop" and pid is not None:
                os.kill(pid, signal.SIGCONT)
                continue
            if fault.kind == "lose-disk":
                self.clear(name)
            self.start(name)

    def clear(self, name: str) -> None:
        """Take away all that a node has stored."""
        shutil.rmtree(self.data(name))
