"""Show transactions and blocks, and fetch their proofs."""

from pathlib import Path
from typing import Any

import click

from trine._cli.settings import ParsedType, Settings, common, facts, moment
from trine.client.records import Block, FinalTransaction
from trine.errors import BadArgument
from trine.types import Height, TransactionId
from trine.types.limits import WAIT_MS_MAX

proof_option = click.option(
    "--proof",
    "proof_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the proof to this file; `trine proof verify` checks it offline.",
)


def save_proof(content: bytes, target: Path) -> list[str]:
    """Write a proof; returns the line that says so."""
    target.write_bytes(content)
    return [f"proof written to {target} ({len(content)} bytes)"]


def call_lines(call: dict[str, Any]) -> list[str]:
    """Describe one call of a transaction."""
    name = call.get("name") or f"module {call['module']}, method {call['method']}"
    lines = [f"call            {name}"]
    for field, value in (call.get("decoded") or {}).items():
        if isinstance(value, list) and len(value) > 4:
            shown: object = f"{len(value)} entries, the first {value[0]}"
        else:
            shown = value
        lines.append(f"  {field:<12}  {shown}")
    return lines


def transaction_lines(found: FinalTransaction) -> list[str]:
    """Describe a transaction."""
    lines = facts(transaction=found.id, block=f"{found.height}, place {found.index}")
    lines += facts(time=moment(found.time_ms), sender=found.sender, nonce=found.nonce)
    lines += facts(outcome=found.outcome.code, gas_used=found.outcome.gas_used)
    for call in found.document.get("calls", []):
        lines += call_lines(call)
    for event in found.outcome.events:
        fields = ", ".join(f"{name} {value}" for name, value in event.fields().items())
        lines.append(f"event           {event.name}: {fields}")
    return lines


def block_lines(found: Block) -> list[str]:
    """Describe a block."""
    lines = facts(block=found.height, digest=found.digest, time=moment(found.time_ms))
    lines += facts(epoch=found.epoch, proposer=found.document.get("proposer"))
    lines += facts(state_root=found.document.get("state_root"))
    lines += facts(evidence_root=found.document.get("evidence_root"))
    lines += facts(transactions=len(found.transactions))
    return lines + [f"  {one}" for one in found.transactions]


def parse_height(text: str) -> Height | None:
    """Read a height; `latest` gives none.

    Raises:
        BadArgument: It is neither.
    """
    if text == "latest":
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        raise BadArgument(f"height {text[:40]!r}, expected a number or latest")
    return Height(int(text))


@click.group()
def tx() -> None:
    """Show transactions.

    \b
    Example:
      trine tx show ID --proof tx.proof
    """


@tx.command("show")
@click.argument("id_", metavar="ID", type=ParsedType("id", TransactionId.parse))
@click.option("--wait", "wait_s", type=click.IntRange(0, 30), default=0, help="Seconds to wait.")
@proof_option
@common
def show_transaction(
    settings: Settings, id_: TransactionId, wait_s: int, proof_file: Path | None
) -> None:
    """Show the final transaction ID and its outcome.

    \b
    Examples:
      trine tx show ID
      trine tx show ID --proof tx.proof --json
    """
    with settings.client() as client:
        found = client.transaction(id_, wait_ms=min(1_000 * wait_s, WAIT_MS_MAX))
        lines = transaction_lines(found)
        if proof_file:
            lines += save_proof(client.proof(f"/v1/transactions/{id_}"), proof_file)
    settings.emit(found.document, lines)


@click.group()
def block() -> None:
    """Show blocks.

    \b
    Examples:
      trine block show latest
      trine block list
    """


@block.command("show")
@click.argument("height", type=ParsedType("height", lambda text: text))
@proof_option
@common
def show_block(settings: Settings, height: str, proof_file: Path | None) -> None:
    """Show the block of a HEIGHT, or the `latest`.

    \b
    Examples:
      trine block show 5
      trine block show latest --proof block.proof
    """
    wanted = parse_height(height)
    with settings.client() as client:
        found = client.block(wanted)
        lines = block_lines(found)
        if proof_file:
            lines += save_proof(client.proof(f"/v1/blocks/{found.height}"), proof_file)
    settings.emit(found.document, lines)


@block.command("list")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@common
def list_blocks(settings: Settings, limit: int) -> None:
    """List the latest blocks.

    \b
    Example:
      trine block list --limit 5
    """
    with settings.client() as client:
        found = client.blocks(limit=limit)
    documents = [
        {
            "height": one.height,
            "digest": str(one.digest),
            "time_ms": one.time_ms,
            "epoch": one.epoch,
            "transactions": one.transactions,
        }
        for one in found
    ]
    lines = [
        f"{one.height:>8}  {moment(one.time_ms)}  {one.transactions:>6} tx  {one.digest}"
        for one in found
    ]
    settings.emit({"blocks": documents}, lines)
