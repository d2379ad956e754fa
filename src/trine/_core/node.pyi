"""Run a node in this process."""

from os import PathLike

__all__ = ["run"]

def run(config: str | PathLike[str]) -> None: ...
