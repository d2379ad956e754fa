"""Write many files that survive a crash."""

from collections.abc import Sequence
from os import PathLike

__all__ = ["write_files"]

def write_files(paths: Sequence[str | PathLike[str]], contents: Sequence[bytes]) -> None: ...
