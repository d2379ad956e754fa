"""Find, make and use keys in hardware tokens."""

from os import PathLike
from typing import final

__all__ = ["Token", "TokenKey"]

@final
class Token:
    def __new__(
        cls,
        module: str | PathLike[str],
        *,
        label: str | None = None,
        serial: str | None = None,
        pin_file: str | PathLike[str] | None = None,
        pin_variable: str | None = None,
        sm2: tuple[int, int, int] | None = None,
        wait_ms: int | None = None,
    ) -> Token: ...
    def key(self, label: str, key_id: bytes | None = None) -> TokenKey: ...
    def generate(
        self, algorithm_name: str, label: str, key_id: bytes | None = None
    ) -> TokenKey: ...

@final
class TokenKey:
    @property
    def algorithm(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def id(self) -> bytes | None: ...
    def public_key(self) -> bytes: ...
    def sign(self, namespace: bytes, message: bytes) -> bytes: ...
    def health(self) -> int: ...
