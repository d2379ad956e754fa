"""Examine this host and its nodes."""

from pathlib import Path

import click

from trine._cli.doctor.finding import Finding, Level
from trine._cli.doctor.host import examine_host
from trine._cli.doctor.node import examine_nodes
from trine._cli.settings import Settings, common
from trine.errors import ExitCode

MARKS = {
    Level.OK: ("ok", "green"),
    Level.WARNING: ("warn", "yellow"),
    Level.PROBLEM: ("BAD", "red"),
}


def _folder(path: Path) -> Path:
    """Give the folder, or the nearest above it that exists."""
    return next(one for one in (path, *path.parents) if one.is_dir())


def _line(finding: Finding, width: int) -> list[str]:
    mark, colour = MARKS[finding.level]
    lines = [f"{click.style(f'{mark:<4}', fg=colour)}  {finding.check:<{width}}  {finding.found}"]
    return [*lines, f"{'':<{width + 8}}{finding.remedy}"] if finding.remedy else lines


@click.command()
@common
def doctor(settings: Settings) -> None:
    """Examine this host and the nodes of the home, and say what to do.

    Looks at disk, memory, clock and limits of the machine; at files, ports, certificates and
    processes of the nodes; and at the chain: does it go on, who is behind, who cannot be reached.
    Changes nothing. Exit status 0 where nothing is bad, else 1.

    \\b
    Examples:
      trine doctor
      trine doctor --home ~/other --json
    """
    home = settings.home
    findings = list(examine_host(_folder(home.path.absolute())))
    if home.has_network():
        findings += examine_nodes(home)
    else:
        settings.note(f"{home.path} holds no network: only the machine is examined")
    counts = {level: sum(one.level is level for one in findings) for level in Level}
    width = max(len(one.check) for one in findings)
    bad, warned = counts[Level.PROBLEM], counts[Level.WARNING]
    settings.emit(
        {
            "healthy": bad == 0,
            "problems": bad,
            "warnings": warned,
            "findings": [one.document() for one in findings],
        },
        [
            *(line for one in findings for line in _line(one, width)),
            "",
            f"{len(findings)} looked at, {bad} bad, {warned} to watch.",
        ],
    )
    if bad:
        click.get_current_context().exit(int(ExitCode.NEGATIVE))
