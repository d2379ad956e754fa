"""Measure a network under load."""

import json
from pathlib import Path
from typing import Final

import click

from trine._cli.bench_evidence import bench_evidence
from trine._cli.bench_health import bench_health
from trine._cli.bench_log import bench_log
from trine._cli.compare import compare
from trine._cli.faults import faults
from trine._cli.load_network import (
    ACCOUNTS,
    cache_option,
    check_files,
    describe,
    given_network,
    out_option,
    own_network,
    png_option,
    suite_option,
)
from trine._cli.membership import membership
from trine._cli.notes import check, write
from trine._cli.payments import payments
from trine._cli.recovery import recovery
from trine._cli.settings import Settings, common
from trine._cli.stages import stages
from trine._cli.sweep import sweep
from trine._core import load as core_load
from trine.errors import BadArgument

ENTRIES: Final = 100
SENDERS: Final = 1_000


@click.group()
def bench() -> None:
    """Measure a network under load, and the cryptography.

    \b
    Examples:
      trine bench load --validators 4 --rate 2000 --duration 30 --payload transfer
      trine bench payments --rate 2000 --duration 30
      trine bench sweep --png sweep.png
      trine bench compare --png compare.png
    """


bench.add_command(compare)
bench.add_command(payments)
bench.add_command(faults)
bench.add_command(bench_evidence)
bench.add_command(bench_log)
bench.add_command(bench_health)
bench.add_command(recovery)
bench.add_command(membership)
bench.add_command(write)
bench.add_command(check)
bench.add_command(sweep)
bench.add_command(stages)


@bench.command()
@click.option("--validators", type=click.IntRange(1, 100), help="Run a network of its own.")
@click.option("--rate", required=True, type=click.IntRange(1), help="Transactions a second.")
@click.option("--duration", required=True, type=click.IntRange(1), help="Seconds measured.")
@click.option("--warmup", type=click.IntRange(0), default=5, show_default=True, help="Seconds.")
@click.option(
    "--accounts",
    type=click.IntRange(1, 10_000_000),
    default=ACCOUNTS,
    show_default=True,
    help="Accounts of a network of its own.",
)
@click.option(
    "--payload", type=click.Choice(("transfer", "evidence")), required=True, help="What is sent."
)
@click.option("--entries", type=click.IntRange(1, 1_000), default=ENTRIES, show_default=True)
@click.option("--hostile", type=click.IntRange(0, 100), default=0, help="Hostile for each 100.")
@click.option(
    "--presign",
    is_flag=True,
    help="Sign everything before the load begins, at most 10,000,000 transactions: signing takes "
    "no time from validators on this machine.",
)
@cache_option
@suite_option
@out_option
@png_option
@common
def load(
    settings: Settings,
    validators: int | None,
    rate: int,
    duration: int,
    warmup: int,
    accounts: int,
    payload: str,
    entries: int,
    hostile: int,
    presign: bool,
    cache_mib: int | None,
    suite: str,
    out: Path | None,
    png: Path | None,
) -> None:
    """Send signed transactions at a fixed rate, and measure when they are final and durable.

    With --validators it runs a network of its own; with --node or --home it loads that one. There,
    evidence is signed with the key `admin` of the home, and transfers need accounts that the
    genesis generates.

    \b
    Examples:
      trine bench load --validators 4 --rate 2000 --duration 30 --payload transfer
      trine bench load --validators 4 --rate 2000 --duration 30 --payload transfer --suite gm
      trine bench load --home ~/.trine --rate 50 --duration 60 --payload evidence --json
    """
    from trine.bench import LoadPlan, draw, run_load, table  # noqa: PLC0415 - heavy
    from trine.bench.resources import Watch, largest  # noqa: PLC0415 - heavy
    from trine.bench.show import warning  # noqa: PLC0415

    check_files(out, png)
    if validators is not None and settings.node is not None:
        raise BadArgument("give --validators or --node, not both")
    network = (
        own_network(validators, accounts, suite, settings.note, cache_mib)
        if validators
        else given_network(settings)
    )

    with network as parts:
        plan = LoadPlan(
            rate_per_s=rate,
            duration_s=duration,
            warmup_s=warmup,
            entries=entries if payload == "evidence" else None,
            hostile_percent=hostile,
            presign=presign,
            **parts,
        )
        with Watch(largest(plan.validator_pids)) as watch:
            report = run_load(plan, lambda progress: settings.note(describe(progress)))
    report["resources"] = watch.samples
    title = f"trine bench load: {payload}, {rate} a second for {duration} s"
    if out:
        out.write_text(json.dumps(report, indent=2) + "\n")
    if png:
        draw(report, title, png)
    settings.show(report, table(report, title))
    caution = warning(report)
    if caution:
        settings.note(caution)


@bench.command()
@click.option("--validators", type=click.IntRange(1, 100), help="Run a network of its own.")
@click.option("--count", required=True, type=click.IntRange(1), help="Transactions.")
@click.option(
    "--senders",
    type=click.IntRange(1, 1_000_000),
    default=SENDERS,
    show_default=True,
    help="Accounts that send, each at most 128 at once.",
)
@suite_option
@out_option
@common
def submit(
    settings: Settings,
    validators: int | None,
    count: int,
    senders: int,
    suite: str,
    out: Path | None,
) -> None:
    """Submit many transfers from Python, and measure what the client costs.

    Transfers are built, encoded, signed and posted by one process with `AsyncClient.submit_many`,
    which also follows the blocks until each is final. Its CPU time tells how many a second one core
    submits, whatever the network bears.

    \b
    Examples:
      trine bench submit --validators 1 --count 100000
      trine bench submit --node URL --count 20000 --senders 500 --json
    """
    from trine.bench.submit import measure_submit  # noqa: PLC0415 - heavy

    if validators is not None and settings.node is not None:
        raise BadArgument("give --validators or --node, not both")
    network = (
        own_network(validators, max(senders, ACCOUNTS), suite, settings.note)
        if validators
        else given_network(settings)
    )
    told = 0

    def tell(done: int, total: int) -> None:
        nonlocal told
        if done - told >= total / 10:
            told = done
            settings.note(f"{done:,} of {total:,} are final")

    with network as parts:
        report = measure_submit(
            parts["genesis"], parts["nodes"], count=count, senders=senders, progress=tell
        )
    hardware = core_load.hardware()
    document = {**report.document(), "senders": senders, "hardware": hardware}
    if out:
        out.write_text(json.dumps(document, indent=2) + "\n")
    settings.emit(
        document,
        (
            f"{report.count:,} transfers final in {report.seconds:.1f} s: "
            f"{report.per_s:,.0f} a second",
            f"CPU of the client: {report.cpu_us_per_tx:.1f} µs a transaction, "
            f"{report.per_core_per_s:,.0f} a second on one core",
            *(f"{code}: {number:,}" for code, number in sorted(report.failed.items())),
            hardware,
        ),
    )


@bench.command("crypto")
@click.option(
    "--repeats", type=click.IntRange(1, 1_000), default=5, show_default=True, help="Fastest counts."
)
@click.option(
    "--distinct",
    type=click.IntRange(0, 4_000_000),
    default=0,
    show_default=True,
    help="Keys of the case in which no key comes twice; a million take minutes to make.",
)
@out_option
@png_option
@common
def crypto_(
    settings: Settings, repeats: int, distinct: int, out: Path | None, png: Path | None
) -> None:
    """Measure signatures and hashes on one core, beside other libraries in the same run.

    Figures are CPU time; single and in bulk, with few and with many keys, and under attack.

    \b
    Examples:
      trine bench crypto
      trine bench crypto --distinct 1000000 --out crypto.json --png crypto.png
    """
    from trine.bench.crypto import measure_crypto, report  # noqa: PLC0415 - heavy
    from trine.bench.crypto_show import crypto_table, draw_crypto  # noqa: PLC0415
    from trine.bench.figure import Figure  # noqa: PLC0415 - heavy

    check_files(out, png)

    def tell(figure: Figure) -> None:
        settings.note(
            f"{figure.algorithm} {figure.operation}, {figure.case} ({figure.count:,}), "
            f"{figure.by}: {figure.us:,.3f} µs"
        )

    figures = measure_crypto(repeats=repeats, distinct_keys=distinct, tell=tell)
    hardware = core_load.hardware()
    document = report(figures, hardware)
    if out:
        out.write_text(json.dumps(document, indent=2) + "\n")
    title = f"trine bench crypto, {hardware}"
    if png:
        draw_crypto(figures, title, png)
    settings.show(document, crypto_table(figures, title))
