"""Open the envelope of a proof or receipt file.

Source: `docs/reference/proofs.md`, section 2.
"""

from typing import Final

from trine.model.hashing import tagged_hash
from trine.model.identifiers import Digest
from trine.model.limits import PROOF_BYTES_MAX
from trine.model.proofs import cbor
from trine.model.proofs.verdicts import (
    Damaged,
    Malformed,
    NotAProof,
    TooLarge,
    Truncated,
    UnknownVersion,
)

VERSION: Final = 1
"""Version of the format."""

STARTS: Final = {
    "proof": b"\xa4\x00\x6btrine-proof",
    "receipt": b"\xa4\x00\x6dtrine-receipt",
}
"""First bytes of each form of file: a map of four entries, key 0, a text."""


def seal_of(body: bytes) -> Digest:
    """Hash a body: tells a damaged file from a wrong one, and proves nothing."""
    return tagged_hash("trine/proof-file", body)


def open_envelope(form: str, file: bytes) -> bytes:
    """Return the body of a file whose seal matches.

    Args:
        form: `proof` or `receipt`.
        file: The whole file.

    Raises:
        BadInput: It is no such file, or only part of one.
        Refused: It is one, and was altered or is of a later version.
    """
    if len(file) > PROOF_BYTES_MAX:
        raise TooLarge(f"the file has {len(file)} bytes, at most {PROOF_BYTES_MAX} are read")
    start = STARTS[form]
    if not file or file[: len(start)] != start[: len(file)]:
        raise NotAProof(f"this is not a {form} file")
    try:
        item = cbor.parse(file)
    except cbor.EndsEarly:
        raise Truncated(f"this {form} file ends early: part of it is missing") from None
    except cbor.NotDeterministic as error:
        raise Malformed(f"the file is malformed: {error}") from None
    _, version, body, seal = cbor.fields(item, 4, "file")
    if cbor.unsigned(version, "version") != VERSION:
        raise UnknownVersion(f"the file has version {version!r}, this verifier knows {VERSION}")
    data = cbor.string(body, "body")
    if cbor.string(seal, "seal", length=32) != seal_of(data):
        raise Damaged("the file was altered or damaged: its seal does not match its contents")
    return data
