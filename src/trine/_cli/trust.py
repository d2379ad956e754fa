"""Export the trust file, which says what a verifier believes."""

from pathlib import Path

import click

from trine._cli.settings import Settings, common
from trine.client.verification import Trust, read_file
from trine.types.limits import TRUST_BYTES_MAX


@click.group()
def trust() -> None:
    """Export what a verifier trusts: the chain's id and its validators' keys.

    \b
    Example:
      trine trust export --out trust.json
    """


@trust.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File to write.",
)
@common
def export(settings: Settings, out: Path) -> None:
    """Write the trust file of the network.

    From the home, or with --node from a node; compare the chain id of a node's answer with
    someone you trust before you rely on it.

    \b
    Examples:
      trine trust export --out trust.json
      trine trust export --node http://127.0.0.1:8645 --out trust.json
    """
    if settings.node is None and settings.home.trust.exists():
        content = read_file(settings.home.trust, TRUST_BYTES_MAX)
    else:
        with settings.client() as client:
            content = client.trust()
    found = Trust.load(content)
    out.write_bytes(content)
    document = {
        "out": str(out),
        "chain": found.chain,
        "chain_id": found.chain_id.hex(),
        "epoch": found.epoch,
    }
    settings.emit(document, [f"{out}: chain {found.chain}, id {found.chain_id.hex()}"])
