"""Run the load generator."""

from collections.abc import Callable

def run_load(plan: bytes, progress: Callable[[float, float, int, int], bool]) -> bytes: ...
