"""Check proofs and receipts, from the specification alone.

Written from `docs/reference/proofs.md` and `docs/reference/receipt.md`, independently of the
verifier in Rust; tests give both the same files, right and wrong, and compare the verdicts.

Read it in this order: `verdicts` (what is said), `cbor`, `envelope` (what a file is), `trust`,
`certified` (which block is final), `state_proof`, `statements` (what is shown about it), `proof`
and `receipt` (all together).

Example:
    >>> from trine.model.proofs import NotAProof, read_trust, verify_proof
    >>> trust = read_trust(b'''{
    ...     "format": "trine-trust-v1", "chain": "example", "suite": "intl", "epoch": 0,
    ...     "chain_id": "0000000000000000000000000000000000000000000000000000000000000000",
    ...     "validators": [{"name": "n0", "organisation": 0, "key":
    ...         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"}]}''')
    >>> try:
    ...     verify_proof(b"something else", trust)
    ... except NotAProof as error:
    ...     print(error)
    this is not a proof file
"""

from trine.model.proofs.proof import VerifiedProof, verify_proof
from trine.model.proofs.receipt import FileFacts, VerifiedReceipt, entry_of, verify_receipt
from trine.model.proofs.trust import Trust, TrustedValidator, read_trust
from trine.model.proofs.verdicts import BadInput, NotAProof, ProofError, Refused

__all__ = [
    "BadInput",
    "FileFacts",
    "NotAProof",
    "ProofError",
    "Refused",
    "Trust",
    "TrustedValidator",
    "VerifiedProof",
    "VerifiedReceipt",
    "entry_of",
    "read_trust",
    "verify_proof",
    "verify_receipt",
]
