"""Run the load generator, and measure the cryptography."""

from collections.abc import Callable
from typing import final

__all__ = ["Loader", "hardware", "measure_crypto", "measure_stages"]

@final
class Loader:
    def __new__(cls, plan: bytes) -> Loader: ...
    def run(
        self,
        rate_per_s: int,
        progress: Callable[[float, float, int, int, int | None, int | None], bool],
    ) -> bytes: ...

def measure_crypto(repeats: int, distinct_keys: int, tell: Callable[[str], bool]) -> bytes: ...
def measure_stages(
    genesis: bytes, transactions: int, blocks: int, folder: str, tell: Callable[[int], bool]
) -> bytes: ...
def hardware() -> str: ...
