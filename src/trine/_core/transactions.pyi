"""Build, sign and read transactions."""

from collections.abc import Sequence
from typing import Any, Protocol

from trine._core.keys import SecretKey
from trine._core.token import TokenKey

__all__ = ["decode", "sign", "sign_many", "verify_signature"]

class _Signs(Protocol):
    algorithm: str
    def sign(self, namespace: bytes, message: bytes, /) -> bytes: ...

def sign(
    suite_name: str,
    chain_id: bytes,
    sender: bytes,
    key_index: int,
    key: SecretKey | TokenKey | _Signs,
    drafts: Sequence[tuple[int, int, Sequence[bytes]]],
) -> list[tuple[bytes, bytes]]: ...
def sign_many(
    suite_name: str,
    chain_id: bytes,
    signers: Sequence[tuple[SecretKey, bytes, int]],
    drafts: Sequence[tuple[int, int, int, Sequence[bytes]]],
) -> tuple[list[bytes], list[bytes]]: ...
def decode(suite_name: str, transaction: bytes) -> dict[str, Any]: ...
def verify_signature(suite_name: str, transaction: bytes, public_key: bytes) -> bool: ...
