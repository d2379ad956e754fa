"""Hold receipts that people keep: what was given out before verifies with every later version.

`held/` has a receipt of a chain of the suite gm, as `trine evidence submit` wrote it; that of a
chain of the suite intl is among the vectors. They are never made anew: whoever cannot verify them
any more has broken what people hold.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

import pytest

from trine.client.verification import Trust, verify
from trine.errors import FileAltered
from trine.model.hashing import Suite, hash_bytes, under
from trine.model.proofs import FileFacts, read_trust, verify_receipt

FOLDER = Path(__file__).parent


class Held(NamedTuple):
    """A receipt that somebody keeps, its digest, and what it shows."""

    suite: Suite
    file: Path
    receipt: Path
    trust: Path
    digest: str
    height: int


HELD = [
    Held(
        Suite.INTL,
        FOLDER / "vectors/vector.txt",
        FOLDER / f"vectors/{name}.receipt",
        FOLDER / "vectors/trust.json",
        digest,
        height,
    )
    for name, digest, height in (
        ("vector", "d8c294ad0febe5fecd701c74f0d96bb5a9f9a7e588c0e78cba60082fc819ecf5", 4),
        ("handed-over", "512195acd2a3129c28f8ce0c1a988f23b8fb77522d4cc614e444de38aec64455", 17),
    )
]
HELD.append(
    Held(
        Suite.GM,
        FOLDER / "held/report.txt",
        FOLDER / "held/report.txt.receipt",
        FOLDER / "held/trust.json",
        "a92ce34cb0a445171aab5b15c52bf01d231d0fdd0935f6dbeab06e935cce093e",
        5,
    )
)


@pytest.mark.parametrize("held", HELD, ids=lambda held: held.receipt.stem)
def test_receipts_that_people_keep_still_verify(held: Held, tmp_path: Path) -> None:
    """Goal: a receipt outlives the version that wrote it. Method: bytes that were given out.

    Both verifiers take them, for their file and no other.
    """
    data = held.receipt.read_bytes()
    assert hashlib.sha256(data).hexdigest() == held.digest, "a held receipt was made anew"
    found = verify(held.file, held.receipt, Trust.load(held.trust))
    assert found.height == held.height
    content = held.file.read_bytes()
    with under(held.suite):
        facts = FileFacts(hash_bytes(content), len(content))
        trust = read_trust(held.trust.read_bytes())
        assert verify_receipt(data, trust, facts).proof.header.height == held.height
    other = tmp_path / "other"
    other.write_bytes(content.upper())
    with pytest.raises(FileAltered):
        verify(other, held.receipt, Trust.load(held.trust))
