"""Run a chain with an evidence service beside it."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.cli.command import trine
from tests.suite import SUITE
from trine import Client
from trine.client.home import Home
from trine.crypto import SUITE_ALGORITHMS, SecretKey
from trine.model.hashing import Suite
from trine.types import LogCreate

ISSUER = "https://city.example"
ADMIN = "https://admin.example"
SERVICE = "https://log.example"
SECONDS_MAX = 60


@dataclass
class Service:
    """A service that runs."""

    home: Home
    folder: Path
    key: SecretKey
    process: "subprocess.Popen[str]"
    url: str

    def kill(self) -> None:
        """End it at once."""
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


@contextlib.contextmanager
def chain(home: Home, validators: int = 1, suite: Suite = SUITE) -> Iterator[Home]:
    """Run a network with a log of its first organisation."""
    up = trine(
        "up", "--validators", str(validators), "--suite", suite, "--detach", "--home", home.path
    )
    assert up.status == 0, up.err
    try:
        with Client(home.urls(), key=home.open_key()) as client:
            client.submit(LogCreate(name="statements"))
        yield home
    finally:
        trine("down", "--home", home.path)


def write_policy(folder: Path, key: SecretKey) -> Path:
    """Write the policy that takes statements of one issuer."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "policy.toml"
    text = f'[[issuers]]\nname = "{ISSUER}"\nkeys = ["{key.algorithm}:{key.public_key.hex()}"]\n'
    path.write_text(text)
    return path


def issuer_key(suite: Suite = SUITE) -> SecretKey:
    """Make the key of the issuer."""
    return SecretKey.generate(SUITE_ALGORITHMS[suite])


def start(
    home: Home,
    folder: Path,
    key: SecretKey,
    *,
    witnesses: Sequence[tuple[str, str]] = (),
    head: str = "",
    options: Sequence[object] = (),
    variables: Mapping[str, str] | None = None,
) -> "subprocess.Popen[str]":
    """Start the service for the log of the chain; what it complains of goes to `service.err`.

    `head` are the first lines of its policy, `options` more of its options.
    """
    policy = write_policy(folder, key)
    policy.write_text(head + policy.read_text())
    command = [sys.executable, "-m", "trine", "evidence", "serve", "--home", str(home.path)]
    command += ["--log", "city/statements", "--folder", str(folder), "--policy", str(policy)]
    command += ["--name", SERVICE, "--listen", "127.0.0.1:0"]
    for one in witnesses:
        command += ["--witness", *one]
    command += map(str, options)
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", **(variables or {})}
    admin = home.open_key()
    with policy.open("a") as file:
        file.write(f'[[issuers]]\nname = "{ADMIN}"\n')
        file.write(f'keys = ["{admin.algorithm}:{admin.public_key.hex()}"]\n')
    with (folder / "service.err").open("a") as errors:
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
        )


@contextlib.contextmanager
def service(home: Home, folder: Path, key: SecretKey, **given: Any) -> Iterator[Service]:
    """Run the service until the context ends; more is given as to `start`."""
    process = start(home, folder, key, **given)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("http://"), (folder / "service.err").read_text()[-2_000:]
        yield Service(home, folder, key, process, line.split()[0])
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS_MAX)


def ended(process: "subprocess.Popen[str]", folder: Path) -> tuple[int, str, str]:
    """Wait until a service ends by itself; returns status, output and complaints."""
    try:
        out, _ = process.communicate(timeout=2 * SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return process.returncode, out, (folder / "service.err").read_text()


def http(running: Service) -> httpx.Client:
    """Return a client of the service."""
    return httpx.Client(base_url=running.url, timeout=SECONDS_MAX, trust_env=False)
