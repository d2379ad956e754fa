"""Write counts in the text format of Prometheus (version 0.0.4).

>>> print(write([Metric("trine_example_total", "counter", "examples", {(): 2})]), end="")
# HELP trine_example_total examples
# TYPE trine_example_total counter
trine_example_total 2
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]
"""Names and values of labels."""


class Metric(NamedTuple):
    """A metric with its values.

    Attributes:
        name: Its name.
        kind: `counter` or `gauge`.
        meaning: What it counts, with its unit.
        values: Value by labels.
    """

    name: str
    kind: str
    meaning: str
    values: Mapping[Labels, float]


def write(metrics: Iterable[Metric]) -> str:
    """Write metrics, each with its lines of meaning and kind."""
    lines = []
    for one in metrics:
        lines += [f"# HELP {one.name} {one.meaning}", f"# TYPE {one.name} {one.kind}"]
        for labels, value in one.values.items():
            named = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels)
            shown = str(value) if isinstance(value, int) else f"{value:.3f}"
            lines.append(f"{one.name}{{{named}}} {shown}" if named else f"{one.name} {shown}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
