"""Hash files as streams and make the entries that logs of evidence hold."""

from collections.abc import Sequence
from os import PathLike

__all__ = ["entry", "hash_files"]

def hash_files(
    suite_name: str, paths: Sequence[str | PathLike[str]]
) -> list[tuple[bytes, int]]: ...
def entry(suite_name: str, salt: bytes, digest: bytes) -> bytes: ...
