"""Measure the files of a large evidence log."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from trine._cli.load_network import check_files, out_option
from trine._cli.settings import Settings, common
from trine.errors import Unsupported


@click.command("log")
@click.option(
    "--entries",
    type=click.IntRange(1, 1_000_000_000),
    default=1_000_000,
    show_default=True,
    help="Entries of the log.",
)
@out_option
@common
def bench_log(settings: Settings, entries: int, out: Path | None) -> None:
    """Make the tiles, bundles and index of a large log; then receipts and proofs of searches.

    One process, no chain: what a service does beside it. Every file is synced to the disk, below
    $TMPDIR.

    \b
    Examples:
      trine bench log --entries 10000000 --out log.json
    """
    try:
        from trine.bench import log_files  # noqa: PLC0415 - heavy
        from trine.bench.peers.processes import temporary_folder  # noqa: PLC0415
    except ImportError as error:
        message = f"this needs {error.name}: pip install 'trine[bench,platform]'"
        raise Unsupported(message) from None
    check_files(out, None)
    with temporary_folder("log") as place:
        report = log_files.measure(place, entries, settings.note)
    if out:
        out.write_text(json.dumps(report, indent=2) + "\n")
    settings.emit(report, _lines(report))


def _lines(report: dict[str, Any]) -> Iterator[str]:
    yield f"trine bench log, {report['entries']:,} entries"
    yield ""
    for name, value in report.items():
        if name != "entries":
            yield f"{name.replace('_', ' '):<28}  {value:,}"
