"""Measure a network, or the cryptography; show figures as a table, as JSON and as a picture."""

from trine.bench.crypto import measure_crypto
from trine.bench.crypto_show import crypto_table, draw_crypto
from trine.bench.figure import Figure
from trine.bench.load import Loader, LoadPlan, LookupPlan, Progress, run_load
from trine.bench.show import draw, table

__all__ = [
    "Figure",
    "LoadPlan",
    "Loader",
    "LookupPlan",
    "Progress",
    "crypto_table",
    "draw",
    "draw_crypto",
    "measure_crypto",
    "run_load",
    "table",
]
