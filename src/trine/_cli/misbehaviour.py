"""Show evidence of misbehaviour of validators, and save it as files that anyone can verify."""

from pathlib import Path

import click

from trine._cli.settings import ParsedType, Settings, columns, common, facts
from trine._cli.show import proof_option, save_proof
from trine.client.records import Misbehaviour
from trine.types import Digest

REASONS = {
    "two_notarizations": "it notarized two proposals of one view",
    "two_finalizations": "it finalized two proposals of one view",
    "nullification_and_finalization": "it gave a view up and finalized a proposal of it",
}


def lines_of(found: Misbehaviour) -> list[str]:
    """Describe a piece of evidence."""
    lines = facts(evidence=found.id, validator=found.validator, organisation=found.organisation)
    lines += facts(key=f"{found.algorithm} {found.key.hex()}", epoch=found.epoch, view=found.view)
    return lines + facts(conflict=REASONS.get(found.conflict, found.conflict))


@click.group()
def misbehaviour() -> None:
    """Show evidence against validators that signed votes which exclude each other.

    \b
    Examples:
      trine misbehaviour list
      trine misbehaviour show ID --proof n3.proof
    """


@misbehaviour.command("list")
@common
def list_misbehaviour(settings: Settings) -> None:
    """List the evidence that a node keeps.

    \b
    Example:
      trine misbehaviour list --node http://127.0.0.1:8645
    """
    with settings.client() as client:
        found = client.misbehaviour()
    rows = [(one.id, one.validator, one.epoch, one.view, one.conflict) for one in found]
    lines = ["The node keeps no evidence of misbehaviour."]
    if rows:
        lines = columns(("ID", "VALIDATOR", "EPOCH", "VIEW", "CONFLICT"), rows)
    settings.emit({"misbehaviour": [one.document for one in found]}, lines)


@misbehaviour.command("show")
@click.argument("id_", metavar="ID", type=ParsedType("id", Digest.parse))
@proof_option
@common
def show_misbehaviour(settings: Settings, id_: Digest, proof_file: Path | None) -> None:
    """Show the evidence ID; with --proof save it as a file that anyone can verify.

    The organisations can then propose to remove the validator, by its key.

    \b
    Examples:
      trine misbehaviour show ID --proof n3.proof
      trine proof verify n3.proof --trust trust.json
      trine proposal submit remove-validator KEY
    """
    with settings.client() as client:
        found = client.misbehaviour_by_id(id_)
        lines = lines_of(found)
        if proof_file:
            lines += save_proof(client.proof(f"/v1/misbehaviour/{id_}"), proof_file)
    settings.emit(found.document, lines)
