"""Hurt a network while clients write to it, and check that nothing is lost."""

import json
from collections.abc import Mapping
from pathlib import Path

import click

from trine._cli import local_network, processes
from trine._cli.load_network import check_files, out_option, png_option, suite_option
from trine._cli.settings import Settings, common
from trine.client.home import ADMIN_KEY, Home
from trine.errors import ExitCode

VALIDATORS_MIN = 4
BLOCKS_PER_EPOCH = 64
"""Who lost its disk votes again with the next epoch: before the next fault, which would be one too
many for four validators."""


class LocalHosts:
    """The nodes of a local network, as the faults see them."""

    def __init__(self, home: Home) -> None:
        """Take the nodes of a home."""
        self.home = home
        nodes, _ = processes.load(home)
        self.nodes = {node.name: node for node in nodes}

    @property
    def urls(self) -> Mapping[str, str]:
        """URLs by the names of the nodes."""
        return {name: node.url for name, node in self.nodes.items()}

    def pid(self, name: str) -> int:
        """Process of a node that runs."""
        return processes.load(self.home)[1][name]

    def start(self, name: str) -> None:
        """Start a node that does not run."""
        processes.start(self.home, {name})

    def data(self, name: str) -> Path:
        """Folder of what the node stores."""
        return self.nodes[name].folder / "data"


@click.command()
@click.option(
    "--validators",
    type=click.IntRange(VALIDATORS_MIN, 100),
    default=VALIDATORS_MIN,
    show_default=True,
    help="Validators of a network of its own.",
)
@click.option(
    "--duration",
    type=click.IntRange(1, 86_000),
    default=120,
    show_default=True,
    help="Seconds of load; every 15 seconds a fault comes.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Decides whom faults hit.")
@suite_option
@out_option
@png_option
@common
def faults(
    settings: Settings,
    validators: int,
    duration: int,
    seed: int,
    suite: str,
    out: Path | None,
    png: Path | None,
) -> None:
    """Kill, stop and rob nodes of a network under load, and check that nothing is lost.

    A writer for each organisation notes what was acknowledged. At the end, every node's whole
    chain is compared with these notes and with the others. Exit status 1 where something is wrong.

    \b
    Examples:
      trine bench faults --png faults.png
      trine bench faults --validators 7 --duration 600 --seed 7 --json
    """
    from trine.bench.faults import problems, run_faults  # noqa: PLC0415 - heavy
    from trine.bench.faults_show import draw_faults, faults_table  # noqa: PLC0415 - heavy
    from trine.bench.peers.processes import temporary_folder, undisturbed  # noqa: PLC0415 - heavy

    check_files(out, png)
    with temporary_folder("faults") as folder:
        home = Home(folder)
        settings.note(f"making a network of {validators} validators")
        local_network.create(home, validators, suite, None, blocks_per_epoch=BLOCKS_PER_EPOCH)
        try:
            processes.start(home)
            processes.wait_until_final(home, settings.note)
            names = (ADMIN_KEY, *local_network.ORGANISATIONS[1:])
            keys = {
                organisation: home.open_key(name)
                for organisation, name in zip(local_network.ORGANISATIONS, names, strict=True)
            }
            report = run_faults(LocalHosts(home), keys, duration, seed, settings.note)
        finally:
            with undisturbed():
                processes.stop(home)
    if out:
        out.write_text(json.dumps(report, indent=2) + "\n")
    if png:
        draw_faults(report, png)
    settings.show(report, faults_table(report))
    for problem in problems(report):
        settings.note(f"wrong: {problem}")
    if problems(report):
        click.get_current_context().exit(int(ExitCode.NEGATIVE))
