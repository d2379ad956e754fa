"""Expose the Rust core: bytes in, bytes out."""

from trine._core import calls as calls
from trine._core import crypto as crypto
from trine._core import durable as durable
from trine._core import evidence as evidence
from trine._core import genesis as genesis
from trine._core import keys as keys
from trine._core import load as load
from trine._core import memory_chain as memory_chain
from trine._core import node as node
from trine._core import proofs as proofs
from trine._core import registry as registry
from trine._core import statements as statements
from trine._core import token as token
from trine._core import transactions as transactions

__all__ = [
    "__version__",
    "calls",
    "crypto",
    "durable",
    "evidence",
    "genesis",
    "keys",
    "load",
    "memory_chain",
    "node",
    "proofs",
    "registry",
    "statements",
    "token",
    "transactions",
]

__version__: str
