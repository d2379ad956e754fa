"""Measure the stages of a transaction's path."""

import json
import tempfile
from pathlib import Path

import click

from trine._cli import local_network
from trine._cli.load_network import (
    check_files,
    generated_accounts,
    out_option,
    png_option,
    suite_option,
)
from trine._cli.settings import Settings, common
from trine._core import load as core_load
from trine.client.home import Home

VALIDATORS = 4
ACCOUNTS = 100_000


@click.command()
@click.option(
    "--transactions",
    type=click.IntRange(1, 16_384),
    default=4_096,
    show_default=True,
    help="Transactions of a block.",
)
@click.option("--blocks", type=click.IntRange(1, 1_000), default=8, show_default=True)
@click.option("--accounts", type=click.IntRange(2, 10_000_000), default=ACCOUNTS, show_default=True)
@click.option(
    "--cores",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Cores that do the same at once, after one did it alone: how the stages scale.",
)
@suite_option
@out_option
@png_option
@common
def stages(
    settings: Settings,
    transactions: int,
    blocks: int,
    accounts: int,
    cores: int,
    suite: str,
    out: Path | None,
    png: Path | None,
) -> None:
    """Measure each stage of a transaction's path alone: CPU time and allocations.

    Blocks of signed transfers between random accounts go through every part of a validator,
    one part after the other, with real databases in a folder of its own. No network runs.

    \b
    Examples:
      trine bench stages
      trine bench stages --suite gm --transactions 8192 --out stages.json --png stages.png
      trine bench stages --cores 2
    """
    from trine.bench.stages import add_scaling, measure_stages, report  # noqa: PLC0415 - heavy
    from trine.bench.stages_show import draw_stages, stages_table  # noqa: PLC0415

    check_files(out, png)
    settings.note(f"making a chain of {accounts} accounts")
    with tempfile.TemporaryDirectory(prefix="trine-bench-") as folder:
        home = Home(Path(folder))
        local_network.create(home, VALIDATORS, suite, generated_accounts(accounts))
        genesis = json.loads(home.genesis.read_bytes())

    def tell(number: int) -> None:
        settings.note(f"block {number} of {blocks}" if number else "a block to warm up")

    measured = measure_stages(genesis, transactions=transactions, blocks=blocks, tell=tell)
    if cores > 1:
        settings.note(f"the same on {cores} cores at once")
        measured = add_scaling(measured, genesis, cores, transactions=transactions, blocks=blocks)
    hardware = core_load.hardware()
    about = {"suite": suite, "transactions": transactions, "blocks": blocks, "accounts": accounts}
    about["cores"] = cores
    document = report(measured, about, hardware)
    if out:
        out.write_text(json.dumps(document, indent=2) + "\n")
    title = f"trine bench stages, {suite}, blocks of {transactions:,}, {hardware}"
    if png:
        draw_stages(measured, title, png)
    settings.show(document, stages_table(measured, title))
