"""Test that dashboard, alert rules and their page name metrics that a node really serves."""

import json
import os
import re
import signal
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tools import dashboard

from tests.cli.command import ROOT, trine
from tests.suite import ONE_SUITE, SUITE
from trine.client.home import Home

pytestmark = [pytest.mark.network, ONE_SUITE]

ALERTS = ROOT / "monitoring" / "alerts.yaml"
PAGE = ROOT / "docs" / "reference" / "metrics.md"
METRIC = re.compile(r"\b(?:trine|node|runtime)_[a-z_]+\b")
# Appear with the first view that this node gave up, and that a quorum gave up.
STATE = "node_engine_orchestrator_consensus_engine_voter_state_"
LATE = (STATE + "timeouts_total{", STATE + "nullifications_total{")
# Metrics of the evidence service, which has a page of its own.
SERVICE = "trine_evidence_"
SECONDS_MAX = 60


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What a node of a network serves, one of whose others has died."""
    home = tmp_path_factory.mktemp("monitoring") / "home"
    started = trine("up", "--detach", "--suite", SUITE, "--home", home)
    assert started.status == 0, started.err
    try:
        nodes = Home(home).read_network()["nodes"]
        os.kill(nodes[-1]["pid"], signal.SIGKILL)
        deadline, found = time.monotonic() + SECONDS_MAX, ""
        while not all(name in found for name in LATE):
            assert time.monotonic() < deadline
            with urllib.request.urlopen(nodes[0]["url"] + "/metrics") as answer:
                found = answer.read().decode()
            time.sleep(0.2)
        yield found
    finally:
        trine("down", "--home", home)


def _served(text: str) -> set[str]:
    """Names of all metrics, also of those that have counted nothing yet."""
    values = {re.split(r"[{ ]", line)[0] for line in text.splitlines() if line[:1] not in ("#", "")}
    return values | set(re.findall(r"^# TYPE (trine_\S+) ", text, re.MULTILINE))


def _rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    assert [one["name"] for one in groups] == ["trine", "trine-evidence"]
    return [rule for one in groups for rule in one["rules"]]


def _panels() -> list[dict[str, Any]]:
    """All panels that show something."""
    found = json.loads(dashboard.FILE.read_text())["panels"]
    return [one for one in found if one["type"] != "row"]


def _expressions() -> list[str]:
    """All expressions of rules and panels."""
    targets = [target["expr"] for panel in _panels() for target in panel["targets"]]
    return [rule["expr"] for rule in _rules()] + targets


def _documented() -> set[str]:
    """Names of the metrics of the evidence service that the page has, which are those that it
    serves (tests/services/test_service_timestamps.py)."""
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `" + SERVICE)]
    return {name for row in rows for name in METRIC.findall(row.split("|")[1])}


def test_every_named_metric_is_served(text: str) -> None:
    """Goal: no alert and no panel looks at nothing. Method: names in the expressions of rules and
    panels, and in the tables of the page, among those of a node."""
    expressions = _expressions()
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    rows = [row for row in rows if not row.startswith("| `" + SERVICE)]
    named = [METRIC.findall(one) for one in (*expressions, *(row.split("|")[1] for row in rows))]
    # What Prometheus itself counts is no metric of ours.
    unnamed = [one for one, names in zip(expressions, named, strict=False) if not names]
    assert unnamed == ['up{job="trine"} == 0', 'up{job="trine-evidence"} == 0']
    served = _served(text) | _documented()
    assert {name for names in named for name in names} <= served


def test_the_page_has_every_metric_of_the_node(text: str) -> None:
    """Goal: one table documents all. Method: names that begin with the product's."""
    own = {name for name in _served(text) if name.startswith("trine_")}
    named = {name for name in METRIC.findall(PAGE.read_text()) if name.startswith("trine_")}
    assert own == {name for name in named if not name.startswith(SERVICE)}


def test_the_evidence_service_is_watched() -> None:
    """Goal: each of its metrics is of use to an operator.

    Method: every one of the page is in a panel, and in a rule where it says that something is
    wrong; the panels stand below a title of their own.
    """
    panels = {name for one in _panels() for name in METRIC.findall(one["targets"][0]["expr"])}
    assert _documented() <= panels
    rules = [rule for rule in _rules() if rule["alert"].startswith("TrineEvidence")]
    ruled = {name for rule in rules for name in METRIC.findall(rule["expr"])}
    assert _documented() - ruled == {"trine_evidence_receipts_total"}
    shown = dashboard.panels()
    [at] = [number for number, one in enumerate(shown) if one["type"] == "row"]
    for number, one in enumerate(shown):
        assert (number > at) == (SERVICE in str(one)), one["title"]
    places = [(one["gridPos"]["x"], one["gridPos"]["y"]) for one in shown]
    assert len(set(places)) == len(shown) == len({one["id"] for one in shown})


def test_rules_say_what_to_do() -> None:
    """Goal: whoever is woken knows what to do. Method: the fields of every rule."""
    rules = _rules()
    assert len({rule["alert"] for rule in rules}) == len(rules) > 12
    for rule in rules:
        assert rule["labels"]["severity"] in ("page", "look")
        assert set(rule["annotations"]) == {"summary", "action"}
        assert rule["expr"].count("(") == rule["expr"].count(")")


def test_the_dashboard_is_what_the_program_writes() -> None:
    """Goal: nobody edits the file by hand. Method: write it again."""
    assert json.loads(dashboard.FILE.read_text()) == dashboard.dashboard()
