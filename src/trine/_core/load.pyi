"""Run the load generator."""

from collections.abc import Callable

__all__ = ["run_load"]

def run_load(plan: bytes, progress: Callable[[float, float, int, int], bool]) -> bytes: ...
