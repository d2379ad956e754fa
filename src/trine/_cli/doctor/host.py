"""Examine the machine: its disk, its memory, its clock, its limits."""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from trine import __version__
from trine._cli.doctor.finding import Finding, judged, ok

GIB: Final = 1 << 30
SYNCS: Final = 32
"""Writes of a block of the disk that are timed; a validator waits for several to vote once."""
SYNC_BYTES: Final = 4_096
SYNC_MS_WARNING: Final = 10.0
SYNC_MS_PROBLEM: Final = 50.0
FREE_BYTES_WARNING: Final = 10 * GIB
FREE_BYTES_PROBLEM: Final = GIB
"""A node does not start with less than 256 MiB, and stops when nothing is left."""
MEMORY_BYTES_WARNING: Final = GIB
HANDLES_WARNING: Final = 4_096
"""Open files: a node serves up to 2,048 connections beside its own files."""
CLOCK_SECONDS: Final = 5


def examine_host(folder: Path) -> Iterator[Finding]:
    """Examine the machine; `folder` is on the disk that nodes write to."""
    yield ok("version", f"trine {__version__}, Python {sys.version.split()[0]}")
    yield _disk_space(folder)
    yield _disk_speed(folder)
    yield from _memory()
    yield _handles()
    yield _clock()


def _disk_space(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    remedy = "free some space, or move the home to a larger disk: a node stops when it is full"
    return judged(
        "disk space",
        f"{free / GIB:,.1f} GiB free for {folder}",
        remedy,
        warning=free < FREE_BYTES_WARNING,
        problem=free < FREE_BYTES_PROBLEM,
    )


def _disk_speed(folder: Path) -> Finding:
    """Time writes that are on the disk when they return, as a validator makes them to vote."""
    path = folder / f".doctor-{os.getpid()}"
    times_ms = []
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            for place in range(SYNCS):
                started = time.perf_counter()
                os.pwrite(descriptor, bytes(SYNC_BYTES), place * SYNC_BYTES)
                os.fdatasync(descriptor)
                times_ms.append(1_000 * (time.perf_counter() - started))
        finally:
            os.close(descriptor)
            path.unlink()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        remedy = "let the user that runs the node write to its home"
        return judged("disk speed", f"{folder} cannot be written: {reason}", remedy, problem=True)
    median_ms = statistics.median(times_ms)
    remedy = (
        "put the home on a local SSD: each vote waits for the disk several times, so blocks take "
        "that much longer"
    )
    return judged(
        "disk speed",
        f"a synced write takes {median_ms:.1f} ms, at most {max(times_ms):.1f} of {SYNCS}",
        remedy,
        warning=median_ms > SYNC_MS_WARNING,
        problem=median_ms > SYNC_MS_PROBLEM,
    )


def _memory() -> Iterator[Finding]:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return
    kib = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    available = 1_024 * kib.get("MemAvailable", 0)
    remedy = "stop other programs, or give the host more: a node takes about 1 GiB under load"
    found = f"{available / GIB:,.1f} GiB available"
    yield judged("memory", found, remedy, warning=available < MEMORY_BYTES_WARNING)


def _handles() -> Finding:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = limit == resource.RLIM_INFINITY
    remedy = f"raise it to {HANDLES_WARNING}: `ulimit -n`, or LimitNOFILE= in the systemd unit"
    found = "no limit" if unlimited else f"{limit:,} open files allowed"
    return judged("open files", found, remedy, warning=not unlimited and limit < HANDLES_WARNING)


def _clock() -> Finding:
    """Ask the system whether it keeps its clock right."""
    remedy = (
        "run an NTP client, such as chrony: blocks carry the time, and others refuse wrong ones"
    )
    command = ["timedatectl", "show", "--property=NTPSynchronized", "--value"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=CLOCK_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ok("clock", "the system does not say whether it is synchronized")
    answer = done.stdout.strip()
    if done.returncode != 0 or answer not in ("yes", "no"):
        return ok("clock", "the system does not say whether it is synchronized")
    return judged(
        "clock",
        "synchronized" if answer == "yes" else "not synchronized",
        remedy,
        warning=answer == "no",
    )
