"""Encode and decode the calls of every module, each as its name and its fields."""

from typing import Any

__all__ = ["decode", "encode"]

def encode(name: str, fields: dict[str, Any]) -> bytes: ...
def decode(call: bytes) -> tuple[str, dict[str, Any]]: ...
