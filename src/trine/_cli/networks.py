"""Gather the commands of `trine network`: a module adds its own when it is loaded."""

from trine._cli import following, plan
from trine._cli.founding import network

__all__ = ["following", "network", "plan"]
