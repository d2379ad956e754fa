"""Write the Grafana dashboard: one panel a question that an operator asks."""

import json
import sys
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).parents[1] / "monitoring" / "dashboard.json"
VOTER: Final = "node_engine_orchestrator_consensus_engine_voter_state"
WIDTH: Final = 12
HEIGHT: Final = 8
ROW: Final = 1_000
"""Where the numbers of rows begin, which are none of panels."""
# Title, unit, legend, expression; two panels a row.
PANELS: Final = (
    (
        "Blocks: is the chain going on?",
        "short",
        "{{instance}}",
        "rate(trine_blocks_total[1m])",
    ),
    (
        "Transactions that became final, a second",
        "short",
        "{{instance}}",
        "rate(trine_transactions_total[1m])",
    ),
    (
        "How far behind is each node? (blocks)",
        "short",
        "{{instance}}",
        "max(trine_height) - on() group_right() trine_height",
    ),
    (
        "Age of the newest block",
        "ms",
        "{{instance}}",
        "1000 * time() - trine_block_time_ms",
    ),
    (
        "Who is slow? Turns of leaders that timed out, a second",
        "short",
        "{{leader}} {{reason}}",
        f"sum by (leader, reason) (rate({VOTER}_timeouts_total[5m]))",
    ),
    (
        "What is full? Transactions that wait, of 131,072",
        "short",
        "{{instance}}",
        "trine_pending_transactions",
    ),
    (
        "Refused transactions a second, by code",
        "short",
        "{{code}}",
        "sum by (code) (rate(trine_refused_total[1m]))",
    ),
    (
        "Answers a second, by class of status",
        "short",
        "{{class}}",
        "sum by (class) (rate(trine_answers_total[1m]))",
    ),
    (
        "Who cheats? Conflicting votes kept as evidence",
        "short",
        "{{validator}}",
        "max by (validator) (trine_conflicting_votes)",
    ),
    ("Memory", "bytes", "{{instance}}", "runtime_process_rss"),
    (
        "Until the certificate ends",
        "s",
        "{{instance}}",
        "(trine_tls_certificate_expires_seconds > 0) - time()",
    ),
)
# The same of the evidence service, which is a job of its own.
EVIDENCE: Final = (
    (
        "Statements registered, a second",
        "short",
        "{{instance}} log {{log}}",
        "rate(trine_evidence_registered_total[1m])",
    ),
    (
        "Receipts given, a second",
        "short",
        "{{instance}}",
        "rate(trine_evidence_receipts_total[1m])",
    ),
    (
        "What is full? Statements that are not recorded yet, of 100,000",
        "short",
        "{{instance}} log {{log}}",
        "trine_evidence_waiting",
    ),
    (
        "Refused statements a second, by code",
        "short",
        "{{code}}",
        "sum by (code) (rate(trine_evidence_refused_total[1m]))",
    ),
    (
        "How far is it behind the chain's log?",
        "s",
        "{{instance}} log {{log}}",
        "trine_evidence_behind_seconds",
    ),
    (
        "Age of the newest checkpoint (a log that does not grow gets none)",
        "s",
        "{{instance}} log {{log}}",
        "trine_evidence_checkpoint_age_seconds",
    ),
    (
        "Who does not cosign? Witnesses that the newest checkpoint lacks",
        "short",
        "{{instance}} log {{log}}",
        "trine_evidence_witnesses - trine_evidence_witnesses_answered",
    ),
    (
        "Timestamps that wait for an authority, of 100,000",
        "short",
        "{{instance}}",
        "trine_evidence_timestamps_waiting",
    ),
)


def panel(place: int, title: str, unit: str, legend: str, expression: str) -> dict[str, Any]:
    """Write one panel."""
    row, column = divmod(place, 2)
    return {
        "id": place + 1,
        "type": "timeseries",
        "title": title,
        "datasource": {"type": "prometheus", "uid": "${source}"},
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [{"refId": "A", "expr": expression, "legendFormat": legend}],
    }


def row(place: int, title: str) -> dict[str, Any]:
    """Write the title of a group of panels, the first of which has a place."""
    at = {"x": 0, "y": place // 2 * HEIGHT, "w": 2 * WIDTH, "h": 1}
    return {"id": ROW + place, "type": "row", "title": title, "gridPos": at, "panels": []}


def panels() -> list[dict[str, Any]]:
    """Write all panels: those of nodes, and below a title those of the evidence service."""
    nodes = [panel(place, *fields) for place, fields in enumerate(PANELS)]
    first = len(PANELS) + len(PANELS) % 2
    service = [panel(place, *fields) for place, fields in enumerate(EVIDENCE, first)]
    for one in service:
        one["gridPos"]["y"] += 1
    return [*nodes, row(first, "Evidence service"), *service]


def dashboard() -> dict[str, Any]:
    """Write the dashboard, as Grafana imports it."""
    source = {"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    return {
        "title": "Trine",
        "uid": "trine",
        "tags": ["trine"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [source]},
        "panels": panels(),
    }


def main() -> int:
    """Write the file."""
    FILE.write_text(json.dumps(dashboard(), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
