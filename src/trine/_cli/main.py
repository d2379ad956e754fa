"""Start the command line: find the command, turn every error into one sentence."""

import json
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FrameType
from typing import Any, Final, NoReturn

import click

from trine import __version__
from trine.errors import DiskFull, ExitCode, Internal, NegativeVerdict, ReadOnlyFolder, TrineError

COMMANDS: Final = {
    "up": ("network", "Start or resume a local network."),
    "down": ("network", "Stop the local network."),
    "network": ("networks", "Found, join or follow a network of other organisations."),
    "status": ("network", "Show chain, height and validators."),
    "doctor": ("doctor.command", "Examine this host and its nodes."),
    "key": ("key_files", "Make, show and exchange keys; sign files."),
    "evidence": ("evidence", "Record files and verify their receipts."),
    "health": ("health", "Run a hospital: records, accesses, pages for everybody."),
    "timestamp": ("timestamps", "Ask for timestamps, verify and make them."),
    "trust": ("trust", "Export what a verifier trusts."),
    "proof": ("proof", "Verify proofs offline."),
    "tx": ("show", "Show transactions."),
    "block": ("show", "Show blocks."),
    "account": ("certificates", "Create, enrol, show and freeze accounts."),
    "organisation": ("authorities", "Show organisations, set roles, quotas and authorities."),
    "asset": ("assets", "Define, issue, transfer and burn assets."),
    "proposal": ("proposals", "Decide together with other organisations."),
    "statement": ("statements", "Sign statements, register and verify them."),
    "misbehaviour": ("misbehaviour", "Show evidence against validators."),
    "node": ("node", "Run one node."),
    "backup": ("backup", "Copy the chain of a running node into an archive."),
    "audit": ("audit", "Replay an archive with every node off."),
    "restore": ("restore", "Make a node from an archive."),
    "bench": ("bench", "Measure a network under load, and the cryptography."),
    "demo": ("demo", "Show a whole application on a network of its own."),
    "explain": ("explain", "Say what an error code means and what to do."),
}
"""Command: its module, its line in the list of commands. A module is loaded when it is needed."""

INTERRUPTED: Final = 130
"""Exit status after Ctrl-C, as shells expect it."""


class LazyGroup(click.Group):
    """The group of all commands; loads the module of one only when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order of a newcomer's day."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"trine._cli.{COMMANDS[cmd_name][0]}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command), f"{cmd_name} is a command"
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup)
@click.version_option(__version__, prog_name="trine")
def trine() -> None:
    """Keep a permissioned chain of evidence, assets and proofs.

    \b
    Examples:
      trine up --detach
      trine evidence submit report.pdf --out receipts
      trine evidence verify report.pdf --receipt receipts/report.pdf.receipt \\
          --trust trust.json
      trine down
    """


def report(error: TrineError, as_json: bool) -> None:
    """Print an error: one sentence on stderr, with `--json` a document on stdout."""
    if as_json:
        described: dict[str, Any] = {"code": error.code, "detail": str(error), **error.details}
        if error.instance:
            described["instance"] = error.instance
        verdict = {"verified": False} if isinstance(error, NegativeVerdict) else {}
        click.echo(json.dumps({**verdict, "error": described}, ensure_ascii=False))
    click.echo(f"trine: {error} [{error.code}]", err=True)
    if error.exit_code in (ExitCode.UNREACHABLE, ExitCode.REFUSED):
        click.echo(f"trine: `trine explain {error.code}` says what to do", err=True)


def of_system(error: OSError) -> TrineError:
    """Turn an error of the operating system into one of ours."""
    # A write names no file: the disk itself is what is full.
    place = os.fsdecode(error.filename) if error.filename is not None else "the disk"
    reason = (error.strerror or str(error)).lower()
    match error:
        case OSError(errno=28 | 122):
            return DiskFull(f"{place}: {reason}", instance=place)
        case PermissionError() | OSError(errno=30):
            return ReadOnlyFolder(f"{place}: {reason}", instance=place)
        case _:
            return Internal(f"{place}: {reason}", instance=place)


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def invoke(arguments: Sequence[str]) -> int:
    """Run a command and return its exit status."""
    as_json = "--json" in arguments
    try:
        # Commands return nothing: a number is the status that one of them left with.
        return int(trine.main(list(arguments), prog_name="trine", standalone_mode=False) or 0)
    except (click.Abort, KeyboardInterrupt):
        click.echo("trine: interrupted", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        if as_json:
            described = {"code": "usage", "detail": error.format_message()}
            click.echo(json.dumps({"error": described}, ensure_ascii=False))
        error.show()
        return int(ExitCode.USAGE)
    except TrineError as error:
        report(error, as_json)
        return int(error.exit_code)
    except BrokenPipeError:
        # The reader of the output went away; nothing is left to say to it.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - lives until the process ends
        return int(ExitCode.DONE)
    except OSError as system_error:
        fault = of_system(system_error)
        report(fault, as_json)
        return int(fault.exit_code)


def run() -> NoReturn:
    """Run the command of the process."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(invoke(sys.argv[1:]))
