"""Measure the evidence service beside four validators."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from trine import Client
from trine._cli import local_network, processes
from trine._cli.load_network import check_files, out_option, png_option, suite_option
from trine._cli.settings import Settings, common
from trine._core import load as core_load
from trine.client.home import Home
from trine.crypto import SUITE_ALGORITHMS, SecretKey
from trine.errors import BadArgument, NotFinalizing, Unsupported
from trine.types import LogCreate

VALIDATORS: Final = 4
LOG: Final = "statements"
SINGLES: Final = "singles"
BATCHES: Final = "batches"
"""Parts of the report."""
SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"
BATCHED_FROM: Final = 1 << 40
"""Number of the first statement that comes in batches."""


@dataclass
class _Service:
    url: str
    folder: Path
    pid: int
    validators: tuple[int, ...]
    database: int | None

    def used_s(self) -> dict[str, float]:
        """Return the CPU time that each part has used, in seconds."""
        from trine.bench.peers.processes import usage  # noqa: PLC0415 - heavy
        from trine.bench.resources import cpu_s  # noqa: PLC0415

        parts = {"service": (self.pid,), "validators": self.validators, "load": (os.getpid(),)}
        found = {name: cpu_s(pids) for name, pids in parts.items()}
        if self.database is not None:
            found["database"] = usage([self.database]).cpu_s
        return found


@click.command("evidence")
@click.option(
    "--singles",
    type=click.IntRange(0, 100_000),
    default=500,
    show_default=True,
    help="A second; 0 leaves them out.",
)
@click.option(
    "--batched",
    type=click.IntRange(0, 1_000_000),
    default=10_000,
    show_default=True,
    help="Statements a second in batches of 1,000; 0 leaves them out.",
)
@click.option(
    "--duration",
    type=click.IntRange(1, 3_600),
    default=30,
    show_default=True,
    help="Seconds of each of the two.",
)
@click.option(
    "--database",
    type=click.Choice((SQLITE, POSTGRESQL)),
    default=SQLITE,
    show_default=True,
    help="Where the service keeps its index; a server of PostgreSQL is started and removed.",
)
@suite_option
@out_option
@png_option
@common
def bench_evidence(
    settings: Settings,
    singles: int,
    batched: int,
    duration: int,
    database: str,
    suite: str,
    out: Path | None,
    png: Path | None,
) -> None:
    """Register statements with an evidence service: one by one, then in batches.

    Four validators, the service and the load share this machine. Each statement is signed before;
    the time of a receipt runs from sending its statement until the receipt is there. Every receipt
    is verified afterwards. Memory is looked at once a second; how it develops shows in minutes.

    \b
    Examples:
      trine bench evidence --singles 100 --batched 1000 --duration 5
      trine bench evidence --out evidence-service.json --png evidence-service.png
      trine bench evidence --batched 0 --duration 600 --png evidence-ten-minutes.png
      trine bench evidence --database postgresql
    """
    try:
        from trine.bench import statements  # noqa: PLC0415 - heavy
    except ImportError as error:
        message = f"this needs {error.name}: pip install 'trine[bench,platform]'"
        raise Unsupported(message) from None
    from trine.bench.evidence_show import draw_evidence  # noqa: PLC0415

    loads = {
        name: statements.Load(rate, duration, batched=name == BATCHES)
        for name, rate in ((SINGLES, singles), (BATCHES, batched))
        if rate
    }
    _check(loads, database, statements.STATEMENTS_MAX)
    check_files(out, png)
    key = SecretKey.generate(SUITE_ALGORITHMS[suite])
    report: dict[str, Any] = {"suite": suite, "database": database}
    report["hardware"] = core_load.hardware()
    with _running(suite, key, settings, database) as service:
        for name, load in loads.items():
            count = load.rate_per_s * duration
            settings.note(f"{name}: signing {count:,} statements")
            first = BATCHED_FROM if load.batched else 0
            made = statements.make_statements(key, count, first)
            settings.note(f"{name}: {load.rate_per_s:,} a second for {duration} s")
            report[name] = _one(service, load, made, suite)
    if out:
        out.write_text(json.dumps(report, indent=2) + "\n")
    if png:
        draw_evidence(report, f"trine bench evidence, suite {suite}, {database}", png)
    settings.emit(report, _lines(report))


def _check(loads: Mapping[str, Any], database: str, count_max: int) -> None:
    """Check what is asked for, before anything is made.

    Raises:
        BadArgument: Nothing is asked for, or too much.
        Unsupported: There is no PostgreSQL.
    """
    if not loads:
        raise BadArgument("--singles and --batched are both 0: give one of them")
    for name, load in loads.items():
        count = load.rate_per_s * load.duration_s
        if count > count_max:
            message = f"{count:,} statements ({name}), at most {count_max:,}"
            raise BadArgument(f"{message}: take a lower rate or a shorter --duration")
    if database == POSTGRESQL:
        from trine.bench.peers import postgresql_server  # noqa: PLC0415 - heavy

        reason = postgresql_server.missing()
        if reason is not None:
            raise Unsupported(f"--database {POSTGRESQL}: {reason}")


def _one(service: _Service, load: Any, made: list[bytes], suite: str) -> dict[str, Any]:
    from trine.bench import statements  # noqa: PLC0415
    from trine.bench.memory import EVERY_S, development, memory, warmup_s  # noqa: PLC0415
    from trine.bench.resources import Watch, rss_mib_max  # noqa: PLC0415
    from trine.services.evidence.tree import FUNCTIONS  # noqa: PLC0415

    name = BATCHES if load.batched else SINGLES
    parts = {"service": (service.pid,), "validator": service.validators}
    with contextlib.closing(statements.Results(service.folder / f"{name}.receipts")) as results:
        watch = Watch(memory(parts, lambda: {"registered": len(results.latency_s)}), EVERY_S)
        used_s, started = service.used_s(), time.monotonic()
        with watch:
            statements.measure(service.url, load, made, FUNCTIONS[suite], results)
        took_s = time.monotonic() - started
        found = statements.summary(results, load, took_s)
        for part, after_s in service.used_s().items():
            found[f"cpu_us_{part}"] = round((after_s - used_s[part]) * 1e6 / len(made), 1)
        found["rss_mib_service"] = rss_mib_max(service.pid)
        found["receipt_bytes_max"] = statements.check(results, _service_key(service))
        found["warmup_s"] = warmup_s(watch.samples)
        found["memory"] = {part: development(watch.samples, part) for part in parts}
        found["seconds"], found["samples"] = statements.seconds(results), watch.samples
    return found


def _service_key(service: _Service) -> Any:
    import httpx  # noqa: PLC0415

    from trine.services.evidence.checking import read_key_set  # noqa: PLC0415

    answer = httpx.get(f"{service.url}/.well-known/scitt-keys", trust_env=False)
    return read_key_set(answer.content)[0]


@contextlib.contextmanager
def _running(suite: str, key: SecretKey, settings: Settings, database: str) -> Iterator[_Service]:
    """Run a network with a log and the service for it."""
    from trine.bench.peers.processes import temporary_folder, undisturbed  # noqa: PLC0415 - heavy
    from trine.bench.statements import ISSUER  # noqa: PLC0415

    with temporary_folder("evidence") as folder, _database(database) as (url, database_pid):
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
            with _service(home, policy, url) as (at, pid):
                _, validators = processes.load(home)
                yield _Service(at, folder, pid, tuple(validators.values()), database_pid)
        finally:
            with undisturbed():
                processes.stop(home)


@contextlib.contextmanager
def _database(name: str) -> Iterator[tuple[str | None, int | None]]:
    """Run the database; gives its URL and process, nothing where it is a file of the service."""
    if name == SQLITE:
        yield None, None
        return
    from trine.bench.peers import postgresql_server  # noqa: PLC0415 - heavy

    with postgresql_server.new_server({}) as one, one.running() as process:
        one.wait(process)
        yield one.url(postgresql_server.USER), process.pid


@contextlib.contextmanager
def _service(home: Home, policy: Path, database: str | None) -> Iterator[tuple[str, int]]:
    """Run the service; gives its URL and process."""
    log = f"{local_network.ORGANISATIONS[0]}/{LOG}"
    words = ["evidence", "serve", "--home", str(home.path), "--log", log]
    words += ["--folder", str(home.path / "service"), "--policy", str(policy)]
    words += ["--name", "https://service.example", "--listen", f"{processes.HOST}:0"]
    words += [] if database is None else ["--database", database]
    command = [sys.executable, "-m", "trine", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("http"):
            raise NotFinalizing("the service did not start: its output stands above")
        yield line.split()[0], process.pid
    finally:
        process.terminate()
        process.communicate()


def _lines(report: dict[str, Any]) -> Iterator[str]:
    from trine.bench.memory import sentence  # noqa: PLC0415 - heavy

    yield f"trine bench evidence, {VALIDATORS} validators, suite {report['suite']}, " + (
        f"index in {report['database']}"
    )
    yield ""
    for name in (SINGLES, BATCHES):
        if name not in report:
            continue
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
        if "cpu_us_database" in one:
            yield f"  of the database                        {one['cpu_us_database']:,} us"
        yield f"  memory of the service, at most         {one['rss_mib_service']:,} MiB"
        yield f"    {sentence(one, 'service')}"
        yield f"  memory of the largest validator        {sentence(one, 'validator')}"
        yield f"  longest receipt, without chain proof   {one['receipt_bytes_max']:,} bytes"
