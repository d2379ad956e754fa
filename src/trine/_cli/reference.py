"""Write the reference of commands and errors: `python -m trine._cli.reference docs/reference`."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from trine._cli.explain import explanations
from trine._cli.main import trine
from trine.errors import ExitCode, TrineError

HELP_WIDTH = 96


def _commands(command: click.Command, path: list[str]) -> Iterator[tuple[list[str], str]]:
    with click.Context(command, info_name=" ".join(path), terminal_width=HELP_WIDTH) as context:
        yield path, command.get_help(context)
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                if inner is not None:
                    yield from _commands(inner, [*path, name])


def commands_page() -> str:
    """Write the page of all commands."""
    exits = {
        ExitCode.DONE: "done, or verified",
        ExitCode.NEGATIVE: "a negative verdict, or no such thing on the chain",
        ExitCode.USAGE: "the command line cannot be read",
        ExitCode.UNREACHABLE: "no node can be reached, or none is ready",
        ExitCode.REFUSED: "refused: by the chain (no right, quota), or by the machine",
        ExitCode.BAD_INPUT: "an input file cannot be used",
    }
    lines = [
        "# Commands",
        "",
        "Look up every command of `trine`. This page is written by",
        "`python -m trine._cli.reference docs/reference`; a test compares it with the program.",
        "",
        "Every command takes `--home DIR` or `--node URL`, and `--json`: exactly one JSON document",
        "on stdout, progress on stderr. An error is a member `error` with `code` and `detail`",
        "there, and one sentence on stderr; `trine explain CODE` says what to do.",
        "",
        "| Exit status | Meaning |",
        "|---|---|",
        *(f"| {int(code)} | {meaning} |" for code, meaning in exits.items()),
        "",
    ]
    for path, text in _commands(trine, ["trine"]):
        lines += [f"## {' '.join(path)}", "", "```text", text.rstrip(), "```", ""]
    return "\n".join(line.rstrip() for line in "\n".join(lines).split("\n")).rstrip() + "\n"


def errors_page() -> str:
    """Write the page of all errors."""
    known = explanations("en")
    lines = [
        "# Errors",
        "",
        "Look up every error: its code, its exception in `trine.errors`, its cause and remedy.",
        "This page is written by `python -m trine._cli.reference docs/reference`; a test compares",
        "it with the program. A code never changes its meaning.",
        "",
    ]
    groups: dict[type[TrineError], list[str]] = {}
    for code, kind in TrineError.by_code.items():
        base = kind.__mro__[1]
        row = f"| `{code}` | `{kind.__name__}` | {known[code]['cause']} | {known[code]['remedy']} |"
        groups.setdefault(base, []).append(row)
    for base, rows in groups.items():
        lines += [f"## {base.__name__}", "", f"{base.__doc__} Exit status {int(base.exit_code)}."]
        lines += ["", "| Code | Exception | Cause | Remedy |", "|---|---|---|---|", *rows, ""]
    return "\n".join(lines).rstrip() + "\n"


def pages() -> dict[str, str]:
    """Write every page, by the name of its file."""
    return {"cli.md": commands_page(), "errors.md": errors_page()}


if __name__ == "__main__":
    for page, content in pages().items():
        Path(sys.argv[1], page).write_text(content)
