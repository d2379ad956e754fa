"""Measure a hospital that records all it makes, beside four validators."""

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import click

from trine import Client
from trine._cli import local_network, processes
from trine._cli.load_network import check_files, out_option, png_option, suite_option
from trine._cli.settings import Settings, common
from trine._core import load as core_load
from trine.client.home import Home
from trine.errors import Unsupported
from trine.types import LogCreate

VALIDATORS: Final = 4
LOG: Final = "health"
CUSTODIAN: Final = "city hospital"
TELL: Final = 10_000
"""Records between two lines of progress."""


@click.command("health")
@click.option(
    "--resources",
    type=click.IntRange(1_000, 10_000_000),
    default=100_000,
    show_default=True,
    help="FHIR resources, made up.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Which ones.")
@suite_option
@out_option
@png_option
@common
def bench_health(
    settings: Settings, resources: int, seed: int, suite: str, out: Path | None, png: Path | None
) -> None:
    """Validate, encrypt and record FHIR resources, and verify all of them with every node off.

    Four validators and the hospital share this machine. The time runs from the first byte of the
    resources, which lie in a file, until each record has its proof; then documents and receipts are
    written into a folder, the network is stopped, and all are verified from there. Memory is looked
    at once a second while they are recorded.

    \b
    Examples:
      trine bench health --resources 5000
      trine bench health --out health.json --png health.png
    """
    try:
        from trine.apps.health import recording  # noqa: F401, PLC0415 - heavy
    except ImportError as error:
        message = f"this needs {error.name}: pip install 'trine[platform]'"
        raise Unsupported(message) from None
    from trine.bench.evidence_show import draw_health  # noqa: PLC0415
    from trine.bench.peers.processes import temporary_folder, undisturbed  # noqa: PLC0415

    check_files(out, png)
    with temporary_folder("health") as folder:
        home = Home(folder)
        lines = folder / "resources.ndjson"
        settings.note(f"making {resources:,} resources up")
        _write_lines(lines, seed, resources)
        settings.note(f"making a network of {VALIDATORS} validators")
        local_network.create(home, VALIDATORS, suite, None)
        try:
            processes.start(home)
            processes.wait_until_final(home, settings.note)
            report = asyncio.run(_record(settings, home, lines, suite))
        finally:
            with undisturbed():
                processes.stop(home)
        report |= {"suite": suite, "resources": resources} | _verify(settings, home, folder)
        report["hardware"] = core_load.hardware()
    if out:
        out.write_text(json.dumps(report, indent=2) + "\n")
    if png:
        draw_health(report, f"trine bench health, {resources:,} records, suite {suite}", png)
    settings.emit(report, _lines(report))


def _write_lines(path: Path, seed: int, count: int) -> None:
    from trine.apps.health.canonical import canonical  # noqa: PLC0415
    from trine.apps.health.generator import generate  # noqa: PLC0415

    with path.open("wb") as file:
        file.writelines(canonical(one) + b"\n" for one in islice(generate(seed), count))


async def _record(settings: Settings, home: Home, lines: Path, suite: str) -> dict[str, Any]:
    """Record everything; then export it."""
    from trine.apps.health.bundles import validate_all  # noqa: PLC0415
    from trine.apps.health.definitions import Release  # noqa: PLC0415
    from trine.apps.health.reading import read_file  # noqa: PLC0415
    from trine.apps.health.recipients import RecipientKey  # noqa: PLC0415
    from trine.apps.health.recording import Recorder, export  # noqa: PLC0415
    from trine.apps.health.records import Records  # noqa: PLC0415
    from trine.apps.health.store import FolderStore  # noqa: PLC0415
    from trine.bench.memory import EVERY_S, memory  # noqa: PLC0415
    from trine.bench.resources import Watch, cpu_s  # noqa: PLC0415
    from trine.client import AsyncClient  # noqa: PLC0415
    from trine.model.hashing import Suite  # noqa: PLC0415

    key = RecipientKey.generate(Suite(suite))
    folder = home.path / "records"

    def keep(store: Any) -> Iterator[Any]:
        records = Records(store, Suite(suite), CUSTODIAN)
        checked = (one for read in read_file(lines) for one in validate_all(read, Release.R4))
        return records.keep_all(checked, Release.R4, [key.recipient])

    done = {"kept": 0, "proven": 0}

    def tell(phase: str, count: int) -> None:
        if phase in done:
            done[phase] = count
        if count % TELL == 0:
            settings.note(f"{time.monotonic() - started:5.0f} s: {count:,} {phase}")

    with Client(home.urls(), key=home.open_key()) as client:
        client.submit(LogCreate(name=LOG))
        log = client.log(f"{local_network.ORGANISATIONS[0]}/{LOG}").id
    started, own_s = time.monotonic(), time.process_time()
    _, validators = processes.load(home)
    validators_s = cpu_s(validators.values())
    parts = {"hospital": (os.getpid(),), "validator": tuple(validators.values())}
    with Watch(memory(parts, lambda: done), EVERY_S) as watch:
        async with AsyncClient(home.urls(), key=home.open_key()) as nodes:
            recorder = Recorder(nodes, log, lambda: FolderStore(folder))
            count = await recorder.record(keep, Release.R4, tell)
    took_s, own_s = time.monotonic() - started, time.process_time() - own_s
    validators_s = cpu_s(validators.values()) - validators_s
    settings.note(f"writing {count:,} documents and receipts")
    began = time.monotonic()
    store = FolderStore(folder)
    records = Records(store, Suite(suite), CUSTODIAN)
    export(records, store, records.entries(), key, home.path / "export")
    return {
        "recorded": count,
        "record_s": round(took_s, 1),
        "recorded_per_s": round(count / took_s),
        "cpu_us_per_record": round(own_s * 1e6 / count),
        "cpu_us_per_record_validators": round(validators_s * 1e6 / count),
        "export_s": round(time.monotonic() - began, 1),
    } | _memory(watch.samples, parts)


def _memory(samples: list[dict[str, float]], parts: Iterable[str]) -> dict[str, Any]:
    """Say how the memory of parts developed while records were made."""
    from trine.bench.memory import PREFIX, development, warmup_s  # noqa: PLC0415 - heavy

    return {
        "rss_mib_max": max(sample[f"{PREFIX}hospital"] for sample in samples),
        "warmup_s": warmup_s(samples),
        "memory": {part: development(samples, part) for part in parts},
        "samples": samples,
    }


def _verify(settings: Settings, home: Home, folder: Path) -> dict[str, Any]:
    """Verify all from files, with every node off; then spoil some and see them named."""
    export = folder / "export"
    words = ["evidence", "verify", str(export / "documents"), "--receipt", str(export / "receipts")]
    words += ["--trust", str(home.trust), "--complete", "--json"]
    command = [sys.executable, "-m", "trine", *words]
    settings.note("verifying with every node off")
    started, used_s = time.monotonic(), _children_s()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    took_s, used_s = time.monotonic() - started, _children_s() - used_s
    found = json.loads(done.stdout)
    wrong = _spoil(export / "documents", export / "receipts")
    os.sync()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    named = [Path(one["file"]).name for one in json.loads(done.stdout)["failures"]]
    return {
        "verified": found["files"] - len(found["failures"]),
        "verify_s": round(took_s, 1),
        "cpu_us_per_record_verified": round(used_s * 1e6 / max(1, found["files"])),
        "wrong_are_named": sorted(named) == wrong,
    }


def _children_s() -> float:
    """Return the CPU time of the processes that ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _spoil(documents: Path, receipts: Path) -> list[str]:
    """Alter a document, swap two, remove one and add one; returns the names of all of them."""
    altered, first, second, removed = islice(documents.iterdir(), 4)
    content = bytearray(altered.read_bytes())
    content[len(content) // 2] ^= 1
    altered.write_bytes(content)
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)
    added = documents / "added.json"
    added.write_bytes(removed.read_bytes())
    receipt = receipts / f"{removed.name}.receipt"
    (receipts / f"{added.name}.receipt").write_bytes(receipt.read_bytes()[::-1])
    removed.unlink()
    return sorted(one.name for one in (altered, first, second, removed, added))


def _lines(report: dict[str, Any]) -> Iterator[str]:
    from trine.bench.memory import sentence  # noqa: PLC0415 - heavy

    yield f"trine bench health, {VALIDATORS} validators, suite {report['suite']}"
    yield ""
    pace = f"{report['recorded_per_s']:,} a second"
    yield f"Recorded    {report['recorded']:,} in {report['record_s']:,} s, {pace}"
    yield f"CPU time    {report['cpu_us_per_record']:,} us a record, the hospital's"
    yield f"            {report['cpu_us_per_record_validators']:,} us, all validators'"
    yield f"Memory      {report['rss_mib_max']:,} MiB at most, the hospital's"
    yield f"            {sentence(report, 'hospital')}"
    yield f"            {sentence(report, 'validator')}, of the largest validator"
    yield f"Exported    in {report['export_s']:,} s"
    yield f"Verified    {report['verified']:,} in {report['verify_s']:,} s, every node off"
    yield f"            {report['cpu_us_per_record_verified']:,} us of CPU a record"
    named = "named" if report["wrong_are_named"] else "NOT named"
    yield f"One altered, two swapped, one missing and one added are {named}"
