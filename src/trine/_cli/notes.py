"""Write to a network and note what it acknowledges; check nodes against the notes."""

import json
from pathlib import Path

import click

from trine._cli.settings import Settings, common, facts, signing
from trine.client.verification import read_file
from trine.crypto import SigningKey
from trine.errors import ExitCode
from trine.types import Address


@click.command()
@click.option(
    "--notes",
    "to",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File for what was acknowledged.",
)
@click.option("--seconds", type=click.IntRange(1), help="How long; until Ctrl-C without it.")
@common
@signing
def write(settings: Settings, key: SigningKey, to: Path, seconds: int | None) -> None:
    """Write one record after the other, and note what the network acknowledges.

    Each record is a new log of your organisation. An account may be used by one writer at a time.

    \b
    Examples:
      trine bench write --notes notes.json --seconds 60
      trine bench write --notes notes.json
    """
    from trine.bench.notes import save_notes, write_records  # noqa: PLC0415 - heavy

    with settings.client(key) as client:
        account = client.account(Address(key.address(client.status().suite)))
        organisations = {one.id: one.name for one in client.organisations()}
    organisation = organisations[account.organisation]
    records = write_records(settings.urls(), organisation, key, seconds, settings.note)
    save_notes(records, organisation, to)
    done = sum(record.id is not None for record in records)
    document = {"notes": str(to), "acknowledged": done, "sent": len(records)}
    settings.emit(document, [f"{done:,} of {len(records):,} records acknowledged, noted in {to}"])


@click.command()
@click.argument("notes", type=click.Path(path_type=Path, dir_okay=False))
@common
def check(settings: Settings, notes: Path) -> None:
    """Compare a node's whole chain and its state with NOTES of `trine bench write`.

    Every acknowledged record must be final as it was acknowledged, once. The digest that is shown
    must be the same on every node. Exit status 1 where something is wrong.

    \b
    Example:
      trine bench check notes.json
    """
    from trine.bench.notes import (  # noqa: PLC0415 - heavy
        NOTES_BYTES_MAX,
        check_notes,
        load_notes,
    )

    organisation, records = load_notes(read_file(notes, NOTES_BYTES_MAX))
    with settings.client() as client:
        report = check_notes(client, organisation, records)
    wrong = {name: report[name] for name in ("lost", "doubled", "missing") if report[name]}
    lines = facts(acknowledged=report["acknowledged"])
    unknown = ", ".join(f"{code} {count}" for code, count in report["unknown"].items())
    lines += facts(unknown=unknown or "none", looked_up=report["looked_up"])
    lines += facts(height=report["height"], digest=report["digest"])
    lines += facts(wrong=json.dumps(wrong) if wrong else "nothing")
    settings.emit(report, lines)
    if wrong:
        click.get_current_context().exit(int(ExitCode.NEGATIVE))
