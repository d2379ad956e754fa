"""Write the Grafana dashboard: one panel a question that an operator asks."""

import json
import sys
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).parents[1] / "monitoring" / "dashboard.json"
VOTER: Final = "node_engine_orchestrator_consensus_engine_voter_state"
WIDTH: Final = 12
HEIGHT: Final = 8
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
        "panels": [panel(place, *fields) for place, fields in enumerate(PANELS)],
    }


def main() -> int:
    """Write the file."""
    FILE.write_text(json.dumps(dashboard(), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
