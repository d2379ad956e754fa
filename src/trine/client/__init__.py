"""Talk to nodes and verify offline: what `trine` exports.

>>> from trine.client import Client
>>> Client("http://127.0.0.1:8645").urls
('http://127.0.0.1:8645',)
"""

from importlib import import_module
from typing import TYPE_CHECKING

from trine.client.verification import (
    Receipt,
    Trust,
    Verified,
    VerifiedProof,
    verify,
    verify_proof,
)

if TYPE_CHECKING:
    from trine.client.async_client import AsyncClient
    from trine.client.client import Client
    from trine.client.notary import notarize
    from trine.client.records import TransactionSummary
    from trine.client.sender import Sender

__all__ = [
    "AsyncClient",
    "Client",
    "Receipt",
    "Sender",
    "TransactionSummary",
    "Trust",
    "Verified",
    "VerifiedProof",
    "notarize",
    "verify",
    "verify_proof",
]

_LATER = {
    "AsyncClient": "async_client",
    "Client": "client",
    "Sender": "sender",
    "TransactionSummary": "records",
    "notarize": "notary",
}


def __getattr__(name: str) -> object:
    """Import what needs HTTP on first use: a program that only verifies starts faster."""
    if name in _LATER:
        return getattr(import_module(f"trine.client.{_LATER[name]}"), name)
    raise AttributeError(f"module 'trine.client' has no attribute {name!r}")
