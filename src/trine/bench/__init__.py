"""Measure a network and show the figures as a table, as JSON and as a picture."""

from trine.bench.load import LoadPlan, Progress, run_load
from trine.bench.show import draw, table

__all__ = ["LoadPlan", "Progress", "draw", "run_load", "table"]
