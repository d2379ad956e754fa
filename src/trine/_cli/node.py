"""Run one node in this process."""

import signal
from pathlib import Path

import click

from trine._cli.settings import Settings, common
from trine._core import node as core


@click.group()
def node() -> None:
    """Run one node.

    \b
    Example:
      trine node run --config node.toml
    """


@node.command()
@click.option(
    "--config",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The node's configuration, node.toml.",
)
@common
def run(settings: Settings, config: Path) -> None:
    """Run the node that node.toml describes, until SIGTERM or Ctrl-C.

    \b
    Example:
      trine node run --config ~/.trine/nodes/city/node.toml
    """
    settings.note(f"running the node of {config}")
    # The node ends in order on these; Python's own handlers would call it an interruption.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    core.run(config)
