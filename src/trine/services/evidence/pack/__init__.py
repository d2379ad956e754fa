"""Make and check court packs: one ZIP with records, proofs, timestamps, a report and a verifier.

Whoever gets a pack needs neither Trine nor a network: `verify.py` inside it, fewer than 400 lines
of Python, checks all of it. `docs/reference/court-pack.md` says what stands where.
"""

from trine.services.evidence.pack.assembling import (
    Exhibit,
    Pack,
    Timestamps,
    assemble,
    entries_of,
    prove_all,
    verifier,
)
from trine.services.evidence.pack.checking import Checked, Own, Step, check_pack, read_keys
from trine.services.evidence.pack.checkpoints import LogCheckpoint, take_checkpoint
from trine.services.evidence.pack.format import PACK_BYTES_MAX
from trine.services.evidence.pack.proving import Block, Keys, Proven, Stamp, blocks_of

__all__ = [
    "PACK_BYTES_MAX",
    "Block",
    "Checked",
    "Exhibit",
    "Keys",
    "LogCheckpoint",
    "Own",
    "Pack",
    "Proven",
    "Stamp",
    "Step",
    "Timestamps",
    "assemble",
    "blocks_of",
    "check_pack",
    "entries_of",
    "prove_all",
    "read_keys",
    "take_checkpoint",
    "verifier",
]
