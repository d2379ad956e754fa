"""Test the peers: their setting up, the arithmetic of their reports, and real short runs."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import gettempdir

import pytest

from tests.cli.command import trine
from trine.bench.load import SUMMARY_FIELDS
from trine.bench.peers import NODES, Load, System, cometbft, postgresql
from trine.bench.peers.postgresql_load import CONNECTIONS
from trine.bench.peers.processes import (
    Usage,
    free_ports,
    memory_mib,
    server,
    undisturbed,
    usage,
    wait_for,
)
from trine.bench.peers.report import Meter, Trip, quantile, report
from trine.errors import CannotReachNode, NodeStopped

LOAD = Load(rate_per_s=200, warmup_s=1, duration_s=2)


def present(system: System) -> System:
    """The system, or skip the test and say what is missing."""
    reason = system.missing()
    if reason is not None:
        pytest.skip(f"{system.title}: {reason}")
    return system


class FixedMeter(Meter):
    """Costs that are known: 2 s of CPU time, 8,000 bytes, of four nodes."""

    def __init__(self) -> None:
        super().__init__([0] * NODES, lambda: 0.0)
        self._ends = [(Usage(1.0, 1_000), 0.0), (Usage(3.0, 9_000), 0.5)]


def test_a_report_counts_the_window_only() -> None:
    """Goal: rates by arrival, latencies by due time. Method: trips across both ends."""
    trips = [
        Trip(0.9, 1.1, 0.0),  # due in the warm-up, final in the window
        Trip(1.0, 1.2, 0.0),
        Trip(1.5, 1.9, 0.3),  # sent late
        Trip(2.9, 3.3, 0.0),  # final after the window
        Trip(2.0, None, 0.0),
        Trip(2.1, None, 0.0, "mempool is full"),
    ]
    found = report(Load(2, 1, 2), trips, FixedMeter(), "1")
    assert found["finalized_per_s"] == 1.5
    assert found["offered_per_s"] == 2.5
    assert found["latency_ms"]["p50"] == pytest.approx(400)
    assert found["latency_ms"]["max"] == pytest.approx(400)
    assert (found["unfinished"], found["refused"]) == (1, {"mempool is full": 1})
    assert found["cpu_us_per_tx_validator"] == pytest.approx(2e6 / 3 / NODES)
    assert found["cpu_us_per_tx_loader"] == pytest.approx(0.5e6 / 3)
    assert found["disk_bytes_per_tx"] == pytest.approx(8_000 / 3 / NODES)
    assert set(found) == {*SUMMARY_FIELDS, "hardware", "version"}


def test_quantiles_are_of_the_values() -> None:
    """Goal: the nearest rank. Method: a hundred values, one, none."""
    values = [float(number) for number in range(1, 101)]
    assert [quantile(values, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert quantile([7.0], 0.5) == 7
    assert quantile([], 0.5) == 0


def test_usage_includes_descendants() -> None:
    """Goal: PostgreSQL's processes count with the first. Method: a shell whose child works."""
    work = f"{sys.executable} -c 'print(sum(range(10_000_000)))'; {sys.executable} -c 'input()'"
    command = ["/bin/sh", "-c", work]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert usage([process.pid]).cpu_s > 0
        assert memory_mib(process.pid) > 0
        process.communicate(b"\n")


def test_a_server_that_ends_is_reported(tmp_path: Path) -> None:
    """Goal: its own last words, no wait to the end. Method: a program that fails at once."""
    command = [sys.executable, "-c", "raise SystemExit('no such setting')"]
    log = tmp_path / "log"
    with (
        server(command, log) as process,
        pytest.raises(NodeStopped, match="no such setting"),
    ):
        wait_for(lambda: None, "nothing", [(process, log)])


def test_a_server_is_killed_that_does_not_stop(tmp_path: Path) -> None:
    """Goal: nothing stays behind. Method: a program that ignores the signal, a short limit."""
    ignore = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True)"
    command = [sys.executable, "-c", f"{ignore}; time.sleep(60)"]
    log = tmp_path / "log"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trine.bench.peers.processes.STOP_TIMEOUT_S", 0.2)
        with server(command, log) as process:
            wait_for(lambda: "up" in log.read_text() or None, "its word", [(process, log)])
    assert process.returncode == -9


def test_a_signal_waits_for_the_end_of_cleaning_up() -> None:
    """Goal: a second Ctrl-C leaves no half-removed folder. Method: a signal in the middle."""
    done = False
    with pytest.raises(KeyboardInterrupt):
        with undisturbed():
            signal.raise_signal(signal.SIGINT)
            done = True
        pytest.fail("the signal was lost")
    assert done


def test_ports_are_different() -> None:
    """Goal: no two servers on one port. Method: many at once."""
    assert len(set(free_ports(50))) == 50


def test_settings_are_put_in_their_tables() -> None:
    """Goal: a renamed setting is noticed. Method: one key in two tables, one that is unknown."""
    text = 'size = 1\n[rpc]\nsize = 2\n# size = 3\n[p2p]\nsize = 4\nname = "a"\n'
    found = cometbft.configure(text, {"size": "7", "p2p.size": "8"})
    assert found == 'size = 7\n[rpc]\nsize = 2\n# size = 3\n[p2p]\nsize = 8\nname = "a"\n'
    with pytest.raises(KeyError, match=r"rpc\.name"):
        cometbft.configure(text, {"rpc.name": "1"})


def test_nobody_at_the_address_is_reported() -> None:
    """Goal: our error, no group of others. Method: a port on which nothing listens."""
    pytest.importorskip("aiohttp", reason="pip install 'trine[bench]'")
    from trine.bench.peers.cometbft_load import Loader

    (port,) = free_ports(1)
    with pytest.raises(CannotReachNode):
        Loader([f"http://127.0.0.1:{port}"], [os.getpid()], "0").run(LOAD)


@pytest.mark.network
@pytest.mark.parametrize("make", [cometbft.system, postgresql.system])
def test_a_peer_runs(make: type[System]) -> None:
    """Goal: the recipe works, twice on the same nodes. Method: two seconds at a low rate."""
    system = present(make())
    before = set(Path(gettempdir()).glob(f"trine-{system.name}-*"))
    with system.network() as network:
        assert network.commands
        for _ in range(2):
            found = network.run(LOAD)
            assert set(found) == {*SUMMARY_FIELDS, "hardware", "version"}
            assert found["finalized_per_s"] > 0
            assert found["refused"] == {}
            assert found["unfinished"] == 0
            assert 0 < found["latency_ms"]["p50"] <= found["latency_ms"]["max"]
            assert found["cpu_us_per_tx_validator"] > 0
            assert found["disk_bytes_per_tx"] > 0
            assert found["rss_mib_max"] > 1
    assert set(Path(gettempdir()).glob(f"trine-{system.name}-*")) == before


@pytest.mark.network
@pytest.mark.parametrize("make", [cometbft.system, postgresql.system])
def test_a_peer_is_removed_when_the_run_fails(make: type[System]) -> None:
    """Goal: no process, no folder left. Method: raise while the nodes run."""
    system = present(make())
    before = set(Path(gettempdir()).glob(f"trine-{system.name}-*"))
    with pytest.raises(KeyboardInterrupt), system.network():
        (folder,) = set(Path(gettempdir()).glob(f"trine-{system.name}-*")) - before
        raise KeyboardInterrupt
    assert not folder.exists()
    running = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not any(os.fsencode(folder) in command for command in running)


@pytest.mark.network
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    """Goal: Ctrl-C stops servers and removes files. Method: interrupt the command under load."""
    present(cometbft.system())
    command = [sys.executable, "-m", "trine", "bench", "compare", "--peers", "cometbft"]
    variables = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=variables) as process:
        assert process.stderr is not None
        assert "a second offered" in process.stderr.readline()
        time.sleep(1)
        process.send_signal(number)
        rest = process.stderr.read()
    assert (process.returncode, rest.strip()) == (130, "trine: interrupted")
    assert list(tmp_path.iterdir()) == []
    running = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not any(os.fsencode(tmp_path) in command for command in running)


def test_a_missing_peer_is_skipped(tmp_path: Path) -> None:
    """Goal: a line that says what to install, status 0. Method: a machine without the program."""
    out = tmp_path / "out.json"
    words = ("bench", "compare", "--peers", "cometbft", "--out", out)
    ended = trine(*words, HOME=str(tmp_path), PATH=str(tmp_path))
    assert ended.status == 0
    assert "go install github.com/cometbft" in ended.err
    assert "CometBFT is skipped" in ended.out
    assert "install" in ended.out
    document = json.loads(out.read_text())
    assert document["systems"] == []
    assert document["skipped"][0]["name"] == "cometbft"
    assert document["command"].startswith("trine bench compare")


def test_every_setting_is_documented() -> None:
    """Goal: a recipe that says what was tuned. Method: look for each setting in the document."""
    text = (Path(__file__).parents[2] / "bench" / "peers" / "README.md").read_text()
    for name in (*cometbft.SETTINGS, *postgresql.SETTINGS, cometbft.MODULE):
        assert name in text
    assert str(CONNECTIONS) in text
