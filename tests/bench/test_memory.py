"""Test how memory over time is seen, told and drawn, by processes and by made-up samples."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from tests.cli.command import trine
from tests.services.databases import KINDS, needs_postgresql
from tests.suite import SUITE
from trine.bench.evidence_show import draw_evidence, draw_health, rates
from trine.bench.memory import development, draw_memory, memory, sentence, warmup_s
from trine.bench.resources import Watch
from trine.bench.statements import Load, Results, seconds, summary
from trine.types import Digest

PNG_START = b"\x89PNG\r\n\x1a\n"
SECONDS_MAX = 280
PART = "rss_mib_service"


def followed(slopes: tuple[float, float], until_s: int = 600) -> list[dict[str, float]]:
    """Make samples that grow by so many MiB a minute in each half."""
    half, (first, second) = until_s / 2, slopes
    return [
        {"at_s": at, PART: 100 + min(at, half) / 60 * first + max(0, at - half) / 60 * second}
        for at in range(until_s + 1)
    ]


@given(first=st.floats(-5, 50), second=st.floats(-5, 50))
def test_growth_is_that_of_the_second_half(first: float, second: float) -> None:
    """Goal: caches that fill at the begin are no growth, a leak is. Method: any two slopes."""
    found = development(followed((first, second)), "service")
    assert found["grown_mib_per_min"] == pytest.approx(second, abs=0.06)
    assert found["early_mib"] == pytest.approx(100 + first)
    assert found["end_mib"] == pytest.approx(100 + 5 * first + 5 * second)


def test_growth_is_not_that_of_two_samples() -> None:
    """Goal: a jump at the very end is not a leak. Method: flat, and 10 MiB in the last second."""
    samples = followed((0, 0))
    samples[-1][PART] += 10
    grown = development(samples, "service")["grown_mib_per_min"]
    assert grown is not None and 0 < grown < 0.1


def test_what_was_not_seen_is_not_told() -> None:
    """Goal: no invented figure. Method: no sample, one, and those of another part."""
    nothing = {"early_mib": None, "end_mib": None, "grown_mib_per_min": None}
    assert development([], "service") == nothing
    assert development(followed((1, 1)), "validator") == nothing
    one = [{"at_s": 0.0, PART: 7.0}]
    assert development(one, "service")["grown_mib_per_min"] is None
    report = {"memory": {"service": development(one, "service")}, "warmup_s": 0.0}
    assert "too short" in sentence(report, "service")
    # A process that ended half-way has what was seen of it.
    ended = [one if one["at_s"] < 200 else {"at_s": one["at_s"]} for one in followed((6, 0))]
    found = development(ended, "service")
    assert found["end_mib"] == pytest.approx(100 + 199 / 10)
    assert found["grown_mib_per_min"] is None


def test_a_run_has_a_minute_to_warm_up() -> None:
    """Goal: short runs have half of it. Method: ten minutes, one minute."""
    assert warmup_s(followed((0, 0))) == 60
    assert warmup_s(followed((0, 0), 40)) == 20


def test_the_line_says_it() -> None:
    """Goal: begin, end and growth in one line. Method: 3 MiB a minute, then a minute less 2."""
    samples = followed((3, -2))
    report = {"memory": {"service": development(samples, "service")}, "warmup_s": 60.0}
    assert sentence(report, "service") == (
        "103 MiB after 60 s, 105 MiB at the end, -2.0 MiB a minute in the second half"
    )


def test_memory_of_the_largest_process_is_seen() -> None:
    """Goal: what the system says of the processes. Method: one that takes 64 MiB when told to."""
    words = "print(flush=True); input(); kept = b'x' * (64 << 20); print(flush=True); input()"
    command = [sys.executable, "-c", words]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as large, subprocess.Popen(command, **pipes) as small:
        assert large.stdin and large.stdout and small.stdout
        large.stdout.readline()
        small.stdout.readline()
        parts = {"both": [small.pid, large.pid], "small": [small.pid]}
        look = memory(parts, lambda: {"done": 7})
        before = look()
        large.stdin.write(b"\n")
        large.stdin.flush()
        large.stdout.readline()
        with Watch(look) as watch:
            pass
        large.communicate(b"\n")
        small.communicate(b"\n\n")
    after = watch.samples[-1]
    assert before is not None and before["done"] == after["done"] == 7
    assert after["rss_mib_both"] - before["rss_mib_both"] > 60
    assert abs(after["rss_mib_small"] - before["rss_mib_small"]) < 10
    assert look() == {"done": 7}


def test_receipts_are_kept_in_a_file(tmp_path: Path) -> None:
    """Goal: all that came, and when. Method: two at once, a late one, one that was refused."""
    results = Results(tmp_path / "receipts")
    given = [(Digest(bytes([at]) * 32), bytes(at) * 1_000) for at in range(3)]
    results.count_sent(4)
    results.take(results.started - 0.5, given[:2])
    results.started -= 2
    results.take(results.started, given[2:])
    results.refused = 1
    assert list(results.receipts()) == list(results.receipts()) == given
    results.close()
    shown = seconds(results)
    assert [one["at_s"] for one in shown] == [0, 1, 2]
    assert [one["registered"] for one in shown] == [2, 0, 1]
    assert [one["sent"] for one in shown] == [4, 0, 0]
    assert shown[0]["latency_ms"]["p99"] == pytest.approx(500, abs=100)
    assert "latency_ms" not in shown[1]
    found = summary(results, Load(2, 2, batched=False), 2.0)
    assert (found["registered"], found["refused"], found["registered_per_s"]) == (3, 1, 2)
    assert found["receipt_ms"]["max"] == pytest.approx(2_000, abs=100)


@given(each=st.integers(0, 5_000), gaps=st.lists(st.floats(0.5, 4), min_size=1, max_size=40))
def test_a_rate_is_taken_over_some_seconds(each: int, gaps: list[float]) -> None:
    """Goal: the rate, however far apart the looks were. Method: one that never changes."""
    at_s = [sum(gaps[:place]) for place in range(len(gaps) + 1)]
    samples = [{"at_s": at, "proven": at * each} for at in at_s]
    found = rates(samples, "proven")
    assert [at for at, _ in found] == at_s[1:]
    assert [rate for _, rate in found] == pytest.approx([each] * len(gaps))


def made_up(part: str) -> dict[str, Any]:
    """Make a report of one part."""
    samples = [one | {f"rss_mib_{part}": one[PART]} for one in followed((3, 0), 90)]
    times = {"p50": 20.0, "p95": 40.0, "p99": 60.0, "max": 61.0}
    every = [{"at_s": at, "sent": 500, "registered": 499, "latency_ms": times} for at in range(90)]
    every += [
        {"at_s": 90, "sent": 0, "registered": 0},
        {"at_s": 91, "sent": 0, "registered": 90, "latency_ms": times},
    ]
    return {"seconds": every, "samples": samples, "warmup_s": 45.0}


def test_pictures_are_drawn(tmp_path: Path) -> None:
    """Goal: a PNG of each bench, one row for each part. Method: made-up reports, their headers."""
    one = made_up("validator")
    sizes = []
    for number, parts in enumerate((["singles"], ["singles", "batches"])):
        report = {"hardware": "a machine", **dict.fromkeys(parts, one)}
        draw_evidence(report, "title", tmp_path / f"{number}.png")
        content = (tmp_path / f"{number}.png").read_bytes()
        assert content.startswith(PNG_START)
        sizes.append(int.from_bytes(content[20:24]))
    assert sizes[1] > 1.5 * sizes[0]
    health = made_up("hospital") | {"hardware": "a machine"}
    for sample in health["samples"]:
        sample |= {"kept": 200 * sample["at_s"], "proven": 100 * sample["at_s"]}
    draw_health(health, "title", tmp_path / "health.png")
    assert (tmp_path / "health.png").read_bytes().startswith(PNG_START)
    axes = Figure().subplots()
    draw_memory(axes, one, {"service": "service", "validator": "validator", "none": "none"})
    assert [len(line.get_xdata()) for line in axes.lines] == [91, 91, 2]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--singles", "0", "--batched", "0"), "bad_argument"),
        (("--batched", "1000000", "--duration", "11"), "bad_argument"),
        (("--png", "/nowhere/there.png"), "bad_argument"),
    ],
)
def test_what_cannot_be_measured_is_refused_at_once(words: tuple[str, ...], code: str) -> None:
    """Goal: no run that ends without a result. Method: no load, too much, no folder."""
    assert trine("bench", "evidence", *words, "--json").code == code


def checked(report: dict[str, Any], parts: tuple[str, ...], done: str, count: int) -> None:
    """Check the series of a report."""
    samples = report["samples"]
    assert samples[0]["at_s"] == 0 and len(samples) >= 2
    counted = [sample[done] for sample in samples]
    assert counted == sorted(counted) and 0 < counted[-1] <= count
    for part in parts:
        assert all(sample[f"rss_mib_{part}"] > 10 for sample in samples)
        assert report["memory"][part]["end_mib"] == samples[-1][f"rss_mib_{part}"]


@pytest.mark.network
@pytest.mark.parametrize("database", KINDS)
def test_the_service_is_followed(tmp_path: Path, database: str) -> None:
    """Goal: rate, times and memory of a real run, in report, text and picture.

    Method: a few seconds at low rates, in each database.
    """
    if database == "postgresql":
        needs_postgresql()
    out, png = tmp_path / "out.json", tmp_path / "out.png"
    words = ("--singles", "20", "--batched", "1000", "--duration", "4", "--suite", SUITE)
    words += ("--database", database, "--out", str(out), "--png", str(png), "--json")
    ended = trine("bench", "evidence", *words, seconds_max=SECONDS_MAX)
    assert ended.status == 0, ended.err
    report = ended.document
    for name, count in (("singles", 80), ("batches", 4_000)):
        one = report[name]
        checked(one, ("service", "validator"), "registered", count)
        assert one["registered"] == sum(each["registered"] for each in one["seconds"]) == count
        assert sum(each["sent"] for each in one["seconds"]) == count
        assert ("cpu_us_database" in one) == (database == "postgresql")
        assert one["receipt_bytes_max"] < 2_048
    assert png.read_bytes().startswith(PNG_START)
    assert out.read_text().count("\n") > 100


@pytest.mark.network
def test_the_hospital_is_followed(tmp_path: Path) -> None:
    """Goal: the same of the hospital. Method: few records; what is told as text has the line."""
    out, png = tmp_path / "out.json", tmp_path / "out.png"
    words = ("--resources", "1000", "--suite", SUITE, "--out", str(out), "--png", str(png))
    ended = trine("bench", "health", *words, "--json", seconds_max=SECONDS_MAX)
    assert ended.status == 0, ended.err
    checked(ended.document, ("hospital", "validator"), "kept", 1_000)
    assert ended.document["wrong_are_named"]
    assert png.read_bytes().startswith(PNG_START)
