"""Check genesis documents, and derive the accounts that they generate."""

from trine._core.keys import SecretKey

__all__ = ["chain_id", "generated_keys"]

def chain_id(document: bytes) -> bytes: ...
def generated_keys(document: bytes, count: int) -> list[SecretKey]: ...
