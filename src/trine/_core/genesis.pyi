"""Check genesis documents."""

__all__ = ["chain_id"]

def chain_id(document: bytes) -> bytes: ...
