"""Measure the evidence service beside four validators."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from trine import Client
from trine._cli import local_network, processes
from trine._cli.load_network import check_files, out_option, suite_option
from trine._cli.settings import Settings, common
from trine.client.home import Home
from trine.crypto import SUITE_ALGORITHMS, SecretKey
from trine.errors import NotFinalizing, Unsupported
from trine.types import LogCreate

VALIDATORS: Final = 4
LOG: Final = "statements"
BATCHED_FROM: Final = 1 << 40
"""Number of the first statement that comes in batches."""
START_S: Final = 30.0
"""Seconds in which the service must listen."""


@dataclass
class _Service:
    url: str
    pid: int
    validators: tuple[int, ...]

    def used_s(self) -> dict[str, float]:
        """Return the CPU time that each part has used, in seconds."""
        from trine.bench.resources import cpu_s  # noqa: PLC0415 - heavy

        parts = {"service": (self.pid,), "validators": self.validators, "load": (os.getpid(),)}
        return {name: cpu_s(pids) for name, pids in parts.items()}


@click.command("evidence")
@click.option(
    "--singles", type=click.IntRange(1, 100_000), default=500, show_default=True, help="A second."
)
@click.option(
    "--batched",
    type=click.IntRange(1, 1_000_000),
    default=10_000,
    show_default=True,
    help="Statements a second in batches of 1,000.",
)
@click.option(
    "--duration",
    type=click.IntRange(1, 3_600),
    default=30,
    show_default=True,
    help="Seconds of each of the two.",
)
@suite_option
@out_option
@common
def bench_evidence(
    settings: Settings, singles: int, batched: int, duration: int, suite: str, out: Path | None
) -> None:
    """Register statements with an evidence service: one by one, then in batches.

    Four validators, the service and the load share this machine. Each statement is signed before;
    the time of a receipt runs from sending its statement until the receipt is there. Every receipt
    is verified afterwards.

    \b
    Examples:
      trine bench evidence --singles 100 --batched 1000 --duration 5
      trine bench evidence --out evidence-service.json
    """
    try:
        from trine.bench import statements  # noqa: PLC0415 - heavy
    except ImportError as error:
        message = f"this needs {error.name}: pip install 'trine[bench,platform]'"
        raise Unsupported(message) from None
    check_files(out, None)
    key = SecretKey.generate(SUITE_ALGORITHMS[suite])
    report: dict[str, Any] = {"suite": suite}
    with _running(suite, key, settings) as service:
        for name, rate in (("singles", singles), ("batches", batched)):
            load = statements.Load(rate, duration, batched=name == "batches")
            settings.note(f"{name}: signing {rate * duration:,} statements")
            made = statements.make_statements(
                key, rate * duration, 0 if name == "singles" else BATCHED_FROM
            )
            settings.note(f"{name}: {rate:,} a second for {duration} s")
            report[name] = _one(service, load, made, suite)
    if out:
        out.write_text(json.dumps(report, indent=2) + "\n")
    settings.emit(report, _lines(report))


def _one(service: _Service, load: Any, made: list[bytes], suite: str) -> dict[str, Any]:
    from trine.bench import statements  # noqa: PLC0415
    from trine.bench.resources import rss_mib_max  # noqa: PLC0415
    from trine.services.evidence.tree import FUNCTIONS  # noqa: PLC0415

    used_s, started = service.used_s(), time.monotonic()
    results = statements.measure(service.url, load, made, FUNCTIONS[suite])
    took_s = time.monotonic() - started
    found = statements.summary(results, load, took_s)
    for part, after_s in service.used_s().items():
        found[f"cpu_us_{part}"] = round((after_s - used_s[part]) * 1e6 / len(made), 1)
    found["rss_mib_service"] = rss_mib_max(service.pid)
    found["receipt_bytes_max"] = statements.check(results, _service_key(service))
    return found


def _service_key(service: _Service) -> Any:
    import httpx  # noqa: PLC0415

    from trine.services.evidence.checking import read_key_set  # noqa: PLC0415

    answer = httpx.get(f"{service.url}/.well-known/scitt-keys", trust_env=False)
    return read_key_set(answer.content)[0]


@contextlib.contextmanager
def _running(suite: str, key: SecretKey, settings: Settings) -> Iterator[_Service]:
    """Run a network with a log and the service for it."""
    from trine.bench.peers.processes import temporary_folder, undisturbed  # noqa: PLC0415 - heavy
    from trine.bench.statements import ISSUER  # noqa: PLC0415

    with temporary_folder("evidence") as folder:
        home = Home(folder)
        settings.note(f"making a network of {VALIDATORS} validators")
        local_network.create(home, VALIDATORS, suite, None)
        try:
            processes.start(home)
            processes.wait_until_final(home, settings.note)
            with Client(home.urls(), key=home.open_key()) as client:
                client.submit(LogCreate(name=LOG))
            policy = folder / "policy.toml"
            name = f"{key.algorithm}:{key.public_key.hex()}"
            policy.write_text(f'[[issuers]]\nname = "{ISSUER}"\nkeys = ["{name}"]\n')
            with _service(home, policy) as service:
                yield service
        finally:
            with undisturbed():
                processes.stop(home)


@contextlib.contextmanager
def _service(home: Home, policy: Path) -> Iterator[_Service]:
    log = f"{local_network.ORGANISATIONS[0]}/{LOG}"
    words = ["evidence", "serve", "--home", str(home.path), "--log", log]
    words += ["--folder", str(home.path / "service"), "--policy", str(policy)]
    words += ["--name", "https://service.example", "--listen", f"{processes.HOST}:0"]
    command = [sys.executable, "-m", "trine", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("http"):
            raise NotFinalizing("the service did not start: its output stands above")
        _, validators = processes.load(home)
        yield _Service(line.split()[0], process.pid, tuple(validators.values()))
    finally:
        process.terminate()
        process.communicate()


def _lines(report: dict[str, Any]) -> Iterator[str]:
    yield f"trine bench evidence, {VALIDATORS} validators, suite {report['suite']}"
    yield ""
    for name in ("singles", "batches"):
        one = report[name]
        latency = one["receipt_ms"]
        times = f"{latency['p50']:,} / {latency['p95']:,} / {latency['p99']:,} / {latency['max']:,}"
        yield f"{name}: {one['registered_per_s']:,} a second of {one['offered_per_s']:,} offered"
        if one["refused"]:
            yield f"  refused, because too many waited       {one['refused']:,}"
        yield f"  receipt after (p50 / p95 / p99 / max)  {times} ms"
        yield f"  CPU of the service a statement         {one['cpu_us_service']:,} us"
        yield f"  of all validators / of the load        {one['cpu_us_validators']:,} / " + (
            f"{one['cpu_us_load']:,} us"
        )
        yield f"  memory of the service                  {one['rss_mib_service']:,} MiB"
        yield f"  longest receipt, without chain proof   {one['receipt_bytes_max']:,} bytes"
