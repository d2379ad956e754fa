"""Build, sign and read transactions."""

from collections.abc import Sequence
from typing import Any

from trine._core.keys import SecretKey
from trine._core.token import TokenKey

__all__ = ["decode", "sign", "verify_signature"]

def sign(
    suite_name: str,
    chain_id: bytes,
    sender: bytes,
    key_index: int,
    key: SecretKey | TokenKey,
    drafts: Sequence[tuple[int, int, Sequence[bytes]]],
) -> list[tuple[bytes, bytes]]: ...
def decode(suite_name: str, transaction: bytes) -> dict[str, Any]: ...
def verify_signature(suite_name: str, transaction: bytes, public_key: bytes) -> bool: ...
