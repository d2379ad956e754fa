"""Say in readable Python what the chain allows: the reference of its rules, types and proofs.

Written to be read like a specification, and executed: property tests give the same blocks to this
model and to the Rust rules and compare every outcome, root and entry of the state. It depends on
nothing that it is compared with: only on the standard library and one library for Ed25519.

Read it in this order: `identifiers`, `codec`, `transaction`, `calls`, `outcome` (what travels);
`account`, `records`, `state_keys`, `parameters`, `overlay`, `state` (what is kept); `validity`,
`quotas`, `execution`, `modules` (what happens); `merkle`, `roots`, `header`, `validators` (what is
certified); `document`, `genesis`, `chain`, `block` (from the first block on). `proofs` checks what
a node answers.

Example:
    >>> import json
    >>> from trine.model import Chain
    >>> key = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    >>> chain = Chain.from_genesis(json.dumps({
    ...     "format": "trine-genesis-v1", "name": "example", "suite": "intl",
    ...     "time_ms": 1_700_000_000_000, "blocks_per_epoch": 8, "organisations": ["city"],
    ...     "validators": [
    ...         {"name": "one", "organisation": 0, "key": key, "address": "127.0.0.1:9000"}
    ...     ],
    ...     "accounts": [
    ...         {"organisation": 0, "algorithm": "ed25519", "key": key, "roles": ["administrator"]}
    ...     ],
    ... }).encode())
    >>> applied = chain.apply(height=1, time_ms=1_700_000_000_001, transactions=[])
    >>> applied.outcomes, applied.parameters_version
    ((), 0)
"""

from trine.model.block import Block, InvalidHeader, Replay
from trine.model.chain import Applied, Chain, InvalidBlock
from trine.model.document import GenesisDocument, read_genesis
from trine.model.json_fields import GenesisError
from trine.model.outcome import Event, Outcome
from trine.model.state import State
from trine.model.transaction import RawCall, Transaction, UnsignedTransaction

__all__ = [
    "Applied",
    "Block",
    "Chain",
    "Event",
    "GenesisDocument",
    "GenesisError",
    "InvalidBlock",
    "InvalidHeader",
    "Outcome",
    "RawCall",
    "Replay",
    "State",
    "Transaction",
    "UnsignedTransaction",
    "read_genesis",
]
