"""Compare results with earlier ones, and Trine with other systems."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from trine._cli.load_network import (
    ACCOUNTS,
    check_files,
    out_option,
    own_network,
    png_option,
)
from trine._cli.settings import ParsedType, Settings, common
from trine.errors import BadArgument

if TYPE_CHECKING:
    from trine.bench.peers import Load, Network, System

SYSTEMS: Final = ("trine-intl", "trine-gm", "cometbft", "postgresql")
"""Systems that can be measured, in the order in which they are."""
DURATION_S: Final = 20


def _names(text: str) -> list[str]:
    """Read names with commas between them; each counts once, in the order of `SYSTEMS`."""
    given = {name.strip() for name in text.split(",")}
    unknown = sorted(given - set(SYSTEMS))
    if unknown:
        raise BadArgument(f"{unknown[0]!r} is none of {', '.join(SYSTEMS)}")
    return [name for name in SYSTEMS if name in given]


@click.command()
@click.argument("result", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--baseline",
    "baselines",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Earlier report to set RESULT against; may be given several times.",
)
@click.option(
    "--peers",
    "names",
    type=ParsedType("names", _names),
    default=",".join(SYSTEMS),
    show_default=True,
    help="What to measure; what this machine lacks is skipped.",
)
@click.option(
    "--duration",
    type=click.IntRange(1, 3_600),
    default=DURATION_S,
    show_default=True,
    help="Seconds measured at the peak, and at half of it.",
)
@out_option
@png_option
@common
def compare(
    settings: Settings,
    result: Path | None,
    baselines: tuple[Path, ...],
    names: list[str],
    duration: int,
    out: Path | None,
    png: Path | None,
) -> None:
    """Measure Trine and other systems side by side, or set a RESULT against earlier ones.

    Measuring runs each system with four nodes on this machine, finds the highest rate that it
    sustains, and measures there and at half of it; this takes three to four minutes a system. Other
    systems run where they are installed: bench/peers/README.md says how, and what is compared.

    With --baseline nothing is run: RESULT and the baselines are files of `trine bench load --out`
    or of `trine bench compare --out`, and every figure is shown with its ratio.

    \b
    Examples:
      trine bench compare
      trine bench compare --peers trine-intl,cometbft --duration 30 \\
          --out compare.json --png compare.png
      trine bench compare --baseline before.json after.json
    """
    if baselines:
        document, shown = _against(baselines, result, png)
    elif result is not None:
        raise BadArgument(f"{result} is compared with nothing: name an earlier file by --baseline")
    else:
        document, shown = _side_by_side(settings, names, duration, png)
    if out:
        out.write_text(json.dumps(document, indent=2) + "\n")
    settings.show(document, shown)


def _against(
    baselines: tuple[Path, ...], result: Path | None, png: Path | None
) -> tuple[dict[str, Any], Any]:
    """Set a result against earlier ones; returns the document and the table."""
    from trine.bench.compare_show import ratio_table  # noqa: PLC0415 - heavy
    from trine.bench.ratio import ratios, read_reports  # noqa: PLC0415

    if result is None:
        raise BadArgument("name the file to set against the baseline: --baseline OLD.json NEW.json")
    if png is not None:
        raise BadArgument("--png draws systems side by side; it has no picture of ratios")
    after = read_reports(result)
    found = {str(baseline): ratios(read_reports(baseline), after) for baseline in baselines}
    document = {
        "result": str(result),
        "baselines": {name: [row.to_json() for row in rows] for name, rows in found.items()},
    }
    return document, ratio_table(found, f"trine bench compare: {result}")


def _side_by_side(
    settings: Settings, names: list[str], duration: int, png: Path | None
) -> tuple[dict[str, Any], Any]:
    """Measure systems; returns the document and the table, and draws the picture."""
    from trine.bench.compare import compare as measure  # noqa: PLC0415 - heavy
    from trine.bench.compare_show import compare_table, draw_compare  # noqa: PLC0415

    # Said before minutes of measuring, not after them.
    check_files(None, png)
    command = " ".join(["trine", *sys.argv[1:]])
    systems = [_system(name, settings) for name in names]
    document = measure(systems, duration, command, settings.note)
    title = f"trine bench compare, {duration} s each"
    if png is not None:
        draw_compare(document, title, png)
    return document, compare_table(document, title)


def _system(name: str, settings: Settings) -> "System":
    from trine.bench.peers import cometbft, postgresql  # noqa: PLC0415 - only for this

    others = {"cometbft": cometbft.system, "postgresql": postgresql.system}
    return others[name]() if name in others else _trine(name, settings)


def _trine(name: str, settings: Settings) -> "System":
    """Describe a network of Trine, for measuring."""
    from trine import __version__  # noqa: PLC0415
    from trine.bench.peers import System  # noqa: PLC0415 - only for this

    suite = name.removeprefix("trine-")
    scheme = {"intl": "Ed25519", "gm": "SM2"}[suite]
    return System(
        name=name,
        title=f"Trine {suite}",
        signed=True,
        about=(
            f"transfers signed with {scheme}, verified and executed by every validator; final "
            "when a validator reports the block certified and on its disk"
        ),
        missing=lambda: None,
        version=lambda: __version__,
        network=lambda: _network(suite, settings),
    )


@contextmanager
def _network(suite: str, settings: Settings) -> Iterator["Network"]:
    from trine.bench import LoadPlan, run_load  # noqa: PLC0415 - heavy
    from trine.bench.peers import NODES, Network  # noqa: PLC0415

    with own_network(NODES, ACCOUNTS, suite, settings.note) as parts:
        fresh = True

        def run(load: "Load") -> dict[str, Any]:
            nonlocal fresh
            plan = LoadPlan(**load._asdict(), **parts, fresh=fresh)
            fresh = False
            return run_load(plan)

        yield Network(run, ["trine node run --config node.toml"])
