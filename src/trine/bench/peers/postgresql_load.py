"""Offer load to PostgreSQL with `pgbench`, and read the times that it logs.

`pgbench` is the loader that PostgreSQL brings; written in C, it takes a small part of the machine.
With `--rate` it is an open loop: due times are a Poisson process, and the logged time of a
transaction counts from the time at which it was due.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from trine.bench.peers.processes import server, usage
from trine.bench.peers.report import Meter, Trip, report
from trine.bench.peers.system import Load
from trine.errors import NodeStopped

CONNECTIONS: Final = 96
"""Transactions on their way at most: enough that one write to disk serves many."""
SCRIPT: Final = """
\\set payer random(1, {accounts})
\\set payee 1 + (:payer + random(0, {accounts} - 2)) % {accounts}
SELECT transfer(:payer, :payee, 1);
"""
"""One transfer between two different accounts."""
TRIES_MAX: Final = 10
"""Attempts of a transaction that met another one on the same accounts."""
LEAD_S: Final = 1.0
"""Seconds that `pgbench` has to connect, and that it runs longer."""
END_TIMEOUT_S: Final = 30.0
"""Longest wait for the transactions on their way at the end."""


def run_pgbench(
    command: Sequence[str],
    load: Load,
    *,
    folder: Path,
    accounts: int,
    pids: Sequence[int],
    version: str,
) -> dict[str, Any]:
    """Run a load to its end and report.

    Args:
        command: `pgbench` with the options that lead to the primary.
        load: What to offer.
        folder: Where script and logs may lie.
        accounts: Accounts numbered from 1.
        pids: First process of each server.
        version: Version of the servers, for the report.

    Raises:
        NodeStopped: `pgbench` gave up; the message says why.
    """
    script, log = folder / "transfer.sql", folder / "pgbench.log"
    script.write_text(SCRIPT.format(accounts=accounts))
    for old in folder.glob("trips.*"):
        old.unlink()
    words = ["-n", "-M", "prepared", "-f", str(script), "-R", str(load.rate_per_s)]
    words += ["-c", str(CONNECTIONS), "-j", "1", "-T", str(int(load.total_s + 2 * LEAD_S))]
    words += [f"--max-tries={TRIES_MAX}", "-l", f"--log-prefix={folder / 'trips'}", "postgres"]
    with server([*command, *words], log) as process:
        meter = Meter(pids, lambda: usage([process.pid]).cpu_s)
        time.sleep(LEAD_S)
        start_s = time.time()
        for end_s in (load.warmup_s, load.total_s):
            time.sleep(max(0.0, start_s + end_s - time.time()))
            if process.poll() is not None:
                break
            meter.mark()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_TIMEOUT_S)
    if process.returncode:
        said = " / ".join(log.read_text().splitlines()[-3:])
        raise NodeStopped(f"pgbench ended with status {process.returncode}: {said}")
    return report(load, list(_trips(folder, start_s)), meter, version)


def _trips(folder: Path, start_s: float) -> Iterator[Trip]:
    """Read the log: client, number, time in µs or what failed, script, seconds, µs, lag in µs."""
    for file in sorted(folder.glob("trips.*")):
        for line in file.read_text().splitlines():
            _, _, taken, _, seconds, microseconds, lag, *_ = line.split()
            ended_s = int(seconds) + int(microseconds) / 1e6 - start_s
            if not taken.isdigit():
                yield Trip(ended_s, None, 0.0, taken)
                continue
            yield Trip(ended_s - int(taken) / 1e6, ended_s, int(lag) / 1e6)
