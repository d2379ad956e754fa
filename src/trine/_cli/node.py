"""Run one node in this process, and make keys with which nodes vote."""

import signal
from pathlib import Path

import click

from trine._cli.node_files import write_secret
from trine._cli.settings import Settings, common, facts
from trine._core import node as core
from trine.crypto import SUITE_ALGORITHMS, SecretKey
from trine.errors import BadArgument


@click.group()
def node() -> None:
    """Run one node, or make the key with which one votes.

    \b
    Examples:
      trine node run --config node.toml
      trine node key new.key
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


@node.command("key")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--suite",
    type=click.Choice(tuple(SUITE_ALGORITHMS)),
    help="Suite of the chain (default: that of the home's network).",
)
@common
def make_key(settings: Settings, file: Path, suite: str | None) -> None:
    """Make a key with which a validator votes, in a new FILE for its owner alone.

    Prints its public half as proposals take it. The file takes the place of validator.key once the
    epoch has begun from which on the key counts.

    \b
    Example:
      trine node key new.key
      trine proposal submit replace-validator OLD_KEY NEW_KEY --organisation 2 --name harbour \\
          --address HOST:9000
    """
    if file.exists():
        message = f"{file} exists already: name another file, a key is never written over"
        raise BadArgument(message, instance=str(file))
    key = SecretKey.generate(SUITE_ALGORITHMS[suite or settings.home.suite])
    write_secret(file, key.expose().hex().encode() + b"\n")
    public_key = f"{key.algorithm}:{key.public_key.hex()}"
    document = {"file": str(file), "public_key": public_key}
    settings.emit(document, facts(**document))
