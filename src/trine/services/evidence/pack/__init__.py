"""Make and check court packs: one ZIP with records, proofs, timestamps, a report and a verifier.

Whoever gets a pack needs neither Trine nor a network: `verify.py` inside it, fewer than 400 lines
of Python, checks all of it. `docs/reference/court-pack.md` says what stands where.
"""

from trine.services.evidence.pack.assembling import (
    Exhibit,
    Pack,
    Timestamps,
    assemble,
    prove_all,
    verifier,
)
from trine.services.evidence.pack.checking import Checked, Own, Step, check_pack, read_keys
from trine.services.evidence.pack.format import PACK_BYTES_MAX
from trine.services.evidence.pack.proving import Block, Keys, Proven, Stamp, blocks_of

__all__ = [
    "PACK_BYTES_MAX",
    "Block",
    "Checked",
    "Exhibit",
    "Keys",
    "Own",
    "Pack",
    "Proven",
    "Stamp",
    "Step",
    "Timestamps",
    "assemble",
    "blocks_of",
    "check_pack",
    "prove_all",
    "read_keys",
    "verifier",
]
