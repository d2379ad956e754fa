"""Load a network at one rate after the other."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from trine._cli.load_network import (
    accounts_option,
    check_files,
    describe,
    out_option,
    own_or_given_network,
    png_option,
    suite_option,
    validators_option,
)
from trine._cli.settings import ParsedType, Settings, common
from trine.errors import BadArgument

RATES: Final = "1,2500,5000,10000,15000,20000,25000,30000,45000"
"""Rates that are offered where nobody names others; at 1 a second the network is idle."""
RATE_MAX: Final = 1_000_000
"""Transactions a second that one loader may offer."""


def _rates(text: str) -> list[int]:
    """Read increasing rates with commas between them."""
    rates: list[int] = []
    for word in text.split(","):
        digits = word.strip()
        if not (digits.isascii() and digits.isdigit() and 1 <= int(digits) <= RATE_MAX):
            raise BadArgument(
                f"{digits!r} is no rate: give whole numbers from 1 to {RATE_MAX} with commas "
                "between them, as 1000,2000,5000"
            )
        if rates and int(digits) <= rates[-1]:
            raise BadArgument(f"{digits} follows {rates[-1]}: give the rates in rising order")
        rates.append(int(digits))
    return rates


@click.command()
@validators_option
@click.option(
    "--rates",
    type=ParsedType("rates", _rates),
    default=RATES,
    show_default=True,
    help="Transactions a second, rising.",
)
@click.option(
    "--duration",
    type=click.IntRange(1, 3_600),
    default=30,
    show_default=True,
    help="Seconds measured at each rate.",
)
@click.option(
    "--warmup",
    type=click.IntRange(0, 300),
    default=5,
    show_default=True,
    help="Seconds before each.",
)
@accounts_option
@suite_option
@out_option
@png_option
@common
def sweep(
    settings: Settings,
    validators: int | None,
    rates: list[int],
    duration: int,
    warmup: int,
    accounts: int,
    suite: str,
    out: Path | None,
    png: Path | None,
) -> None:
    """Load a network at rising rates: throughput against latency.

    One network bears all rates, one after the other; each run waits until what the one before sent
    is final. The table marks the highest rate at which the network keeps up: it finalizes 99 % of
    what is offered, 95 of 100 transactions within 500 ms. The rate 1 shows how long a transaction
    takes on an idle network.

    It runs a network of its own unless --node or --home names one, whose genesis must generate
    accounts.

    \b
    Examples:
      trine bench sweep
      trine bench sweep --rates 1,1000,2000,4000 --duration 10 --json
      trine bench sweep --suite gm --out sweep.json --png sweep.png
    """
    from trine.bench import LoadPlan, Progress  # noqa: PLC0415 - heavy
    from trine.bench.show import warning  # noqa: PLC0415
    from trine.bench.sweep import measure_sweep  # noqa: PLC0415
    from trine.bench.sweep_show import draw_sweep, sweep_table  # noqa: PLC0415

    check_files(out, png)

    def tell(rate: int, progress: Progress) -> None:
        settings.note(f"{rate:,} a second: {describe(progress)}")

    def each(row: Mapping[str, Any]) -> None:
        rate, latency = row["scheduled_per_s"], row["latency_ms"]
        settings.note(
            f"{rate:,.0f} a second: {row['finalized_per_s']:,.0f} final a second, "
            f"p50 {latency['p50']:,.0f} ms, p95 {latency['p95']:,.0f} ms"
        )
        caution = warning(row)
        if caution:
            settings.note(f"{rate:,.0f} a second: {caution}")

    with own_or_given_network(settings, validators, accounts, suite) as parts:
        plan = LoadPlan(rate_per_s=rates[0], duration_s=duration, warmup_s=warmup, **parts)
        report = measure_sweep(plan, rates, progress=tell, each=each)
        nodes = len(plan.nodes)
        chain_suite = plan.genesis["suite"]
    document = {"suite": chain_suite, "nodes": nodes, **report}
    title = f"trine bench sweep: {nodes} nodes, {chain_suite}, {duration} s a rate"
    if out:
        out.write_text(json.dumps(document, indent=2) + "\n")
    if png:
        draw_sweep(report, title, png)
    settings.show(document, sweep_table(report, title))
