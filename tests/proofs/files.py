"""Read the proof vectors, and alter them under a right seal."""

import json
from pathlib import Path
from typing import Any

from trine.model.hashing import hash_bytes
from trine.model.proofs import (
    BadInput,
    FileFacts,
    Refused,
    Trust,
    read_trust,
    verify_proof,
    verify_receipt,
)
from trine.model.proofs.envelope import seal_of

FOLDER = Path(__file__).parent / "vectors"

SEAL_BYTES = 3 + 32
"""Bytes of a file after its body: key, head and seal."""

PROOFS = sorted(path.name for path in FOLDER.glob("*.proof"))
RECEIPTS = sorted(path.name for path in FOLDER.glob("*.receipt"))


def read(name: str) -> bytes:
    """Read a vector."""
    return (FOLDER / name).read_bytes()


def table() -> dict[str, Any]:
    """Read what the proofs are about."""
    found: dict[str, Any] = json.loads(read("table.json"))
    return found


def trust() -> Trust:
    """Read the trust file of the vectors."""
    return read_trust(read("trust.json"))


def original() -> FileFacts:
    """Measure the file whose receipts are vectors."""
    file = read("vector.txt")
    return FileFacts(hash_bytes(file), len(file))


def verdict(name: str, file: bytes, trusted: Trust) -> str:
    """Verify a file of the kind that `name` says: `accepted`, `refused` or `bad_input`."""
    try:
        if name.endswith(".proof"):
            verify_proof(file, trusted)
        else:
            verify_receipt(file, trusted, original())
    except BadInput:
        return "bad_input"
    except Refused:
        return "refused"
    return "accepted"


def body_start(name: str) -> int:
    """Place of the body's first byte in a vector, whose body has 256 to 65,535 bytes."""
    text = b"trine-proof" if name.endswith(".proof") else b"trine-receipt"
    return 3 + len(text) + 2 + 1 + 3


def sealed(name: str, file: bytes) -> bytes:
    """Put the right seal under an altered body."""
    body = file[body_start(name) : -SEAL_BYTES]
    return file[:-32] + seal_of(body)


def uncovered(name: str) -> tuple[bytes, ...]:
    """Return the parts of a vector that no hash on the chain covers."""
    if name.endswith(".receipt"):
        return b"vector.txt", b"text/plain"
    if name.startswith("absence"):
        return (bytes.fromhex(table()[name]["about"]),)
    return ()
