"""Verify proof files offline."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from trine._cli.settings import ADDRESS, Settings, common, facts, moment
from trine.client.verification import Trust, VerifiedProof, verify_proof
from trine.errors import ProofMismatch
from trine.types import Address, MemberCertificate, StateKey


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


def certificate_of(fact: Mapping[str, Any], address: Address, suite: str) -> dict[str, Any]:
    """Read the record that a proof shows as the certificate of an account.

    Raises:
        ProofMismatch: The proof is about another thing.
    """
    key = StateKey.of_member_certificate(address, suite)
    if fact.get("kind") != "state" or fact.get("key") != key:
        raise ProofMismatch(
            f"the proof shows a {fact.get('kind')}, and not the certificate of account {address}"
        )
    found = MemberCertificate.decode(fact["value"])
    return {
        "kind": "certificate",
        "account": str(address),
        "fingerprint": str(found.fingerprint),
        "authority": str(found.authority),
        "expires_ms": found.expires_ms,
        "expires": moment(found.expires_ms),
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
@click.option(
    "--account", "address", type=ADDRESS, help="Account whose certificate the proof must show."
)
@common
def verify(settings: Settings, file: Path, trust_file: Path, address: Address | None) -> None:
    """Verify the proof in FILE with a trust file; no network is needed.

    Exit status 0: verified; 1: it does not match, and one sentence says what; 5: no proof.

    \b
    Examples:
      trine tx show ID --proof tx.proof
      trine proof verify tx.proof --trust trust.json
      trine proof verify certificate.proof --trust trust.json --account ADDRESS
    """
    shown = verify_proof(file, trust_file)
    document = document_of(shown)
    if address is not None:
        suite = Trust.load(trust_file).suite
        document["fact"] = certificate_of(shown.fact, address, suite)
    fact = dict(document["fact"])
    kind = fact.pop("kind")
    lines = [f"Verified: a proof of kind {kind} on chain {shown.chain}"]
    lines += facts(block=shown.height, time=moment(shown.time_ms))
    lines += facts(certified_by=", ".join(shown.signers))
    lines += facts(**{name: value for name, value in fact.items() if value != ""})
    settings.emit(document, lines)
