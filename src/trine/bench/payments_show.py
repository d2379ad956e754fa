"""Show the report of a load of payments: a table for the terminal, a picture for a document."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from trine.bench.picture import blank, write_png
from trine.bench.show import (
    counts,
    draw_distribution,
    draw_latency,
    draw_rate,
    number,
    rows,
    two_columns,
)


def _times(times: Mapping[str, float]) -> str:
    """Write quantiles in milliseconds."""
    return " / ".join(f"{times[name]:,.1f}" for name in ("p50", "p95", "p99", "max")) + " ms"


def _lookup_rows(lookups: Mapping[str, Any]) -> list[tuple[str, str]]:
    due = f"{lookups['lookups_per_s']:,.0f} of {lookups['scheduled_per_s']:,.0f} a second"
    in_time = f"{lookups['proven_in_time']:,} of {lookups['lookups']:,}"
    wrong = f"{lookups['invalid_proofs']:,} / {lookups['different']:,}"
    found = [
        ("Lookups beside the load", due),
        ("  proven within 1 s of finality", in_time),
        ("  proven later / not found", f"{lookups['proven_late']:,} / {lookups['not_found']:,}"),
        ("  invalid proofs / other contents", wrong),
        ("  lookup p50 / p95 / p99 / max", _times(lookups["latency_ms"])),
        ("  finality to proof, the same", _times(lookups["final_to_proven_ms"])),
        ("  CPU of verifying a proof", number(lookups["verify_cpu_us"], "µs", 1)),
        ("  size of a proof", number(lookups["proof_bytes"], "bytes")),
        ("  asked again", counts(lookups["retries"])),
    ]
    if lookups["without_payment"] or lookups["not_started"]:
        left_out = f"{lookups['without_payment']:,} / {lookups['not_started']:,}"
        found.append(("  left out: no payment / too many", left_out))
    return found


def _audit_rows(audit: Mapping[str, Any]) -> list[tuple[str, str]]:
    proven = f"{audit['proven']:,} of {audit['lookups']:,}, {audit['lookups_per_s']:,.0f} a second"
    wrong = f"{audit['not_found']:,} / {audit['invalid_proofs']:,} / {audit['different']:,}"
    return [
        ("Audit after the load: proven", proven),
        ("  not found / invalid / other", wrong),
        ("  lookup p50 / p95 / p99 / max", _times(audit["latency_ms"])),
    ]


def _disk_rows(disk: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    if disk is None:
        return [("Disk use a payment and validator", number(None, ""))]
    parts = ", ".join(f"{name} {each:,.0f}" for name, each in disk["parts"].items())
    return [
        ("Disk use a payment and validator", f"{disk['bytes_per_payment']:,.0f} bytes: {parts}")
    ]


def payments_table(report: Mapping[str, Any], title: str) -> Table:
    """Make the table of a report.

    Args:
        report: What `run_payments` returned.
        title: Line above the table.
    """
    payments = report["payments"]
    *shown, hardware = rows(report)
    shown += _disk_rows(payments["disk"])
    shown += [*_lookup_rows(payments["lookups"]), *_audit_rows(payments["audit"]), hardware]
    return two_columns(shown, title)


def draw_payments(report: Mapping[str, Any], title: str, to: Path) -> None:
    """Draw rate and latency of the load, and how soon payments were proven, as a PNG.

    Args:
        report: What `run_payments` returned.
        title: Line above the picture.
        to: File to write.

    Raises:
        ImportError: matplotlib is not installed (`pip install trine[bench]`).
    """
    lookups = report["payments"]["lookups"]
    figure = blank(13, 8)
    (rate, latency), (final, proven) = figure.subplots(2, 2)
    draw_rate(rate, report)
    draw_latency(latency, report)
    draw_distribution(final, report["distribution"], "From due to final")
    found = lookups["final_to_proven_distribution"]
    draw_distribution(proven, found, "From final to found and proven", "tab:purple")
    if found:
        proven.axvline(1_000, color="tab:red", linewidth=0.8)
    for axes in (rate, latency, final, proven):
        axes.grid(visible=True, color="0.9")
    figure.suptitle(f"{title} ({report['hardware']})")
    write_png(figure, to)
