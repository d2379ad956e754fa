"""Verify proof files offline."""

from pathlib import Path
from typing import Any

import click

from trine._cli.settings import Settings, common, facts, moment
from trine.client.verification import VerifiedProof, verify_proof


def readable(value: Any) -> Any:
    """Write bytes as hexadecimal text."""
    return value.hex() if isinstance(value, bytes) else value


def document_of(shown: VerifiedProof) -> dict[str, Any]:
    """Write what a proof shows as JSON."""
    return {
        "verified": True,
        "chain": shown.chain,
        "height": shown.height,
        "time_ms": shown.time_ms,
        "block": shown.block.hex(),
        "signers": list(shown.signers),
        "fact": {name: readable(value) for name, value in shown.fact.items()},
    }


@click.group()
def proof() -> None:
    """Verify proofs offline.

    \b
    Example:
      trine proof verify block.proof --trust trust.json
    """


@proof.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--trust", "trust_file", type=click.Path(path_type=Path), required=True, help="Trust file."
)
@common
def verify(settings: Settings, file: Path, trust_file: Path) -> None:
    """Verify the proof in FILE with a trust file; no network is needed.

    Exit status 0: verified; 1: it does not match, and one sentence says what; 5: no proof.

    \b
    Examples:
      trine tx show ID --proof tx.proof
      trine proof verify tx.proof --trust trust.json
    """
    shown = verify_proof(file, trust_file)
    document = document_of(shown)
    fact = dict(document["fact"])
    kind = fact.pop("kind")
    lines = [f"Verified: a proof of kind {kind} on chain {shown.chain}"]
    lines += facts(block=shown.height, time=moment(shown.time_ms))
    lines += facts(certified_by=", ".join(shown.signers))
    lines += facts(**{name: value for name, value in fact.items() if value != ""})
    settings.emit(document, lines)
