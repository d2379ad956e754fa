"""Keep a permissioned chain of evidence, assets and proofs, and verify it offline.

The verbs of the package: `notarize` a file, `verify` it with its receipt, and talk to a node
through `Client` or `AsyncClient`. Every exception is in `trine.errors`, every type in
`trine.types`.

>>> import trine
>>> trine.Client("http://127.0.0.1:1").urls
('http://127.0.0.1:1',)
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trine.client import (
        AsyncClient,
        Client,
        Receipt,
        Sender,
        TransactionSummary,
        Verified,
        VerifiedProof,
        notarize,
        verify,
        verify_proof,
    )

__version__ = "0.1.0"

__all__ = [
    "AsyncClient",
    "Client",
    "Receipt",
    "Sender",
    "TransactionSummary",
    "Verified",
    "VerifiedProof",
    "__version__",
    "notarize",
    "verify",
    "verify_proof",
]


def __getattr__(name: str) -> object:
    """Import the client on first use: a program that only verifies starts faster without it."""
    if name in __all__:
        return getattr(import_module("trine.client"), name)
    raise AttributeError(f"module 'trine' has no attribute {name!r}")
