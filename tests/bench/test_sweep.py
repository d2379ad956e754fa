"""Test the load sweep: a real small network, and which rates count as borne."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.cli.command import trine
from tests.suite import SUITE
from trine.bench.sweep import FIELDS, keeps_up
from trine.bench.sweep_show import sweep_table, verdict

RATES = (1, 50, 100)


@pytest.mark.network
def test_rates_follow_each_other_on_one_network(tmp_path: Path) -> None:
    """Goal: each rate sends with fresh nonces on the network of the one before.

    Method: three rates, few accounts; nothing is refused, nothing fails.
    """
    out, png = tmp_path / "sweep.json", tmp_path / "sweep.png"
    options = ["--rates", "1, 50,100", "--duration", "2", "--warmup", "1", "--validators", "1"]
    options += ["--accounts", "20", "--suite", SUITE, "--out", str(out), "--png", str(png)]
    ended = trine("bench", "sweep", *options, "--json")
    assert ended.status == 0, ended.err
    document = json.loads(out.read_text())
    assert ended.document == document
    assert document["suite"] == SUITE
    rows = document["rates"]
    assert [row["scheduled_per_s"] for row in rows] == list(RATES)
    for row in rows:
        assert set(row) == {*FIELDS, "keeps_up"}
        assert (row["refused"], row["failed"], row["unfinished"]) == ({}, {}, 0)
        assert row["finalized_per_s"] > 0
    borne = [row["scheduled_per_s"] for row in rows if row["keeps_up"]]
    assert document["keeps_up_per_s"] == max(borne, default=None)
    assert png.read_bytes().startswith(b"\x89PNG")


def report(offered: float, finalized: float, p95_ms: float) -> dict[str, Any]:
    return {
        "offered_per_s": offered,
        "finalized_per_s": finalized,
        "latency_ms": {"p95": p95_ms},
    }


@pytest.mark.parametrize(
    ("offered", "finalized", "p95_ms", "expected"),
    [
        (1_000, 990, 499.9, True),
        (1_000, 989, 499.9, False),
        (1_000, 1_000, 500.0, False),
        # One of thirty may stand on the border; two may not.
        (1, 29 / 30, 50, True),
        (1, 28 / 30, 50, False),
    ],
)
def test_a_network_keeps_up_by_share_and_latency(
    offered: float, finalized: float, p95_ms: float, expected: bool
) -> None:
    """Goal: the rule is the one that the table states. Method: its limits and one past them."""
    assert keeps_up(report(offered, finalized, p95_ms), duration_s=30) is expected


def test_the_table_marks_the_highest_rate() -> None:
    """Goal: one row is marked, and the table fits a terminal. Method: three rates, the middle borne
    last; validators that run elsewhere in one of them.
    """
    figures = {"cpu_us_per_tx_validator": 24.1, "rss_mib_max": 1_080.0, "disk_bytes_per_tx": None}
    figures |= {"latency_ms": {"p50": 12_578, "p95": 13_293, "p99": 13_531}}
    rows = [
        {"scheduled_per_s": rate, "finalized_per_s": rate, "refused": {"busy": 700_000}, **figures}
        for rate in (100.0, 15_000.0, 45_000.0)
    ]
    console = Console(width=80, file=StringIO())
    with console.capture() as captured:
        console.print(sweep_table({"keeps_up_per_s": 15_000, "rates": rows}, "title"))
    text = captured.get()
    assert "…" not in text
    [marked] = [line for line in text.splitlines() if line.startswith("* 15,000 ")]
    assert "24.1" in marked
    assert " - " in marked
    assert "700,000" in marked


def test_the_verdict_names_the_highest_rate() -> None:
    """Goal: the sentence below the table says the rate, or that there is none. Method: both."""
    assert "15,000" in verdict({"keeps_up_per_s": 15_000})
    assert "none" in verdict({"keeps_up_per_s": None})


@pytest.mark.parametrize(
    ("rates", "expected"),
    [("5,x", "'x'"), ("5,", "''"), ("0", "'0'"), ("5,5", "rising"), ("9,5", "rising")],
)
def test_wrong_rates_are_told(rates: str, expected: str) -> None:
    """Goal: the message names the value and what is expected. Method: what people mistype."""
    ended = trine("bench", "sweep", "--rates", rates)
    assert ended.status == 2
    assert expected in ended.err
