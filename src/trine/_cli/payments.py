"""Load a network with payments that are looked up and proven."""

import json
from pathlib import Path

import click

from trine._cli.load_network import (
    accounts_option,
    cache_option,
    check_files,
    describe,
    out_option,
    own_or_given_network,
    png_option,
    suite_option,
    validators_option,
)
from trine._cli.settings import Settings, common
from trine.errors import ExitCode


@click.command()
@validators_option
@click.option(
    "--rate",
    type=click.IntRange(1, 1_000_000),
    default=10_000,
    show_default=True,
    help="Payments a second.",
)
@click.option(
    "--duration",
    type=click.IntRange(1, 86_000),
    default=600,
    show_default=True,
    help="Seconds measured.",
)
@click.option(
    "--warmup", type=click.IntRange(0, 300), default=10, show_default=True, help="Seconds."
)
@click.option(
    "--lookups",
    type=click.IntRange(0, 100_000),
    default=500,
    show_default=True,
    help="Lookups a second while the load runs.",
)
@click.option(
    "--audit",
    type=click.IntRange(0, 1_000_000),
    default=10_000,
    show_default=True,
    help="Payments of the whole run looked up after it.",
)
@accounts_option
@cache_option
@suite_option
@out_option
@png_option
@common
def payments(
    settings: Settings,
    validators: int | None,
    rate: int,
    duration: int,
    warmup: int,
    lookups: int,
    audit: int,
    accounts: int,
    cache_mib: int | None,
    suite: str,
    out: Path | None,
    png: Path | None,
) -> None:
    """Send payments at a fixed rate; look them up by their UETR while the load runs, and after.

    Every payment is a signed transfer under a reference of its own, a random UETR (a UUID of
    version 4). Each lookup takes one that became final up to half a second ago, asks a node for it
    by the UETR, fetches its proof, verifies that with the genesis alone, and compares sender,
    receiver, amount and block with what was sent. Afterwards an audit does the same with payments
    of the whole run.

    It runs a network of its own unless --node or --home names one, whose genesis must generate
    accounts.

    Exit status 1: a payment was not found, or not proven as it was sent.

    \b
    Examples:
      trine bench payments --rate 2000 --duration 30
      trine bench payments --out payments.json --png payments.png
      trine bench payments --node URL --rate 500 --duration 60 --lookups 100 --json
    """
    from trine.bench import LoadPlan, LookupPlan  # noqa: PLC0415 - heavy
    from trine.bench.payments import problems, run_payments  # noqa: PLC0415
    from trine.bench.payments_show import draw_payments, payments_table  # noqa: PLC0415
    from trine.bench.show import warning  # noqa: PLC0415

    check_files(out, png)
    with own_or_given_network(settings, validators, accounts, suite, cache_mib) as parts:
        plan = LoadPlan(
            rate_per_s=rate,
            duration_s=duration,
            warmup_s=warmup,
            lookups=LookupPlan(lookups, audit),
            **parts,
        )
        report = run_payments(plan, lambda progress: settings.note(describe(progress)))
    title = (
        f"trine bench payments: {rate:,} a second for {duration} s, {lookups:,} lookups a second"
    )
    if out:
        out.write_text(json.dumps(report, indent=2) + "\n")
    if png:
        draw_payments(report, title, png)
    settings.show(report, payments_table(report, title))
    caution = warning(report)
    for line in [*([caution] if caution else []), *problems(report)]:
        settings.note(line)
    if problems(report, unproven_only=True):
        raise click.exceptions.Exit(int(ExitCode.NEGATIVE))
