"""Hurt a network while clients write to it, and check that nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trine._cli import local_network, processes
from trine._cli.load_network import check_files, out_option, png_option, suite_option
from trine._cli.node_files import cores
from trine._cli.settings import Settings, common
from trine.client import Trust
from trine.client.home import ADMIN_KEY, Home
from trine.errors import BadArgument, ExitCode

if TYPE_CHECKING:
    from trine.bench.faults.hosts import Hosts

VALIDATORS_MIN = 4
DURATION_S_MIN = 24
"""Seconds that one fault takes, with the rests around it: without any, nothing is shown."""
BLOCKS_PER_EPOCH = 64
"""Who lost its disk votes again with the next epoch: before the next fault, which would be one too
many for four validators."""


@contextmanager
def _local(home: Home, settings: Settings) -> Iterator[Hosts]:
    """Run the nodes of a home on loopback."""
    from trine.bench.faults.hosts import Hosts  # noqa: PLC0415 - heavy
    from trine.bench.peers.processes import undisturbed  # noqa: PLC0415 - heavy

    nodes = {node.name: node for node in processes.load(home)[0]}

    class LocalHosts(Hosts):
        """The nodes of a local network, as the faults see them."""

        @property
        def urls(self) -> Mapping[str, str]:
            return {name: node.url for name, node in nodes.items()}

        def pid(self, name: str) -> int | None:
            return processes.load(home)[1].get(name)

        def start(self, name: str) -> None:
            processes.start(home, {name})

        def data(self, name: str) -> Path:
            return nodes[name].folder / "data"

    try:
        processes.start(home)
        processes.wait_until_final(home, settings.note)
        yield LocalHosts()
    finally:
        with undisturbed():
            processes.stop(home)


@contextmanager
def _on_hosts(home: Home, settings: Settings, kinds: Sequence[str]) -> Iterator[Hosts]:
    """Run each node of a home on a host of its own."""
    from trine.bench.faults import namespaces  # noqa: PLC0415 - heavy
    from trine.bench.faults.host_network import HostNetwork  # noqa: PLC0415 - heavy
    from trine.bench.peers.processes import undisturbed  # noqa: PLC0415 - heavy

    folders = {node.name: node.folder for node in processes.load(home)[0]}
    threads = max(1, cores() // len(folders))
    with namespaces.hosts(list(folders), home.path / "disks") as hosts:
        network = HostNetwork(hosts, home.genesis, folders, kinds, threads)
        try:
            network.start_all(settings.note)
            yield network
        finally:
            with undisturbed():
                network.stop()


def _choose(named: str | None, hosts: bool) -> list[str]:
    """Say which kinds of faults come."""
    from trine.bench.faults.plan import KINDS  # noqa: PLC0415 - heavy

    possible = [name for name, kind in KINDS.items() if hosts or not kind.needs_hosts]
    chosen = possible if named is None else [one.strip() for one in named.split(",")]
    for name in chosen:
        if name not in KINDS:
            message = f"fault {name!r}, expected some of {', '.join(KINDS)}"
            raise BadArgument(message, instance=name)
        if name not in possible:
            message = f"the fault {name!r} needs nodes on hosts of their own: --hosts"
            raise BadArgument(message, instance=name)
    return chosen


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
    type=click.IntRange(DURATION_S_MIN, 86_000),
    help="Seconds of load; every 15 seconds a fault comes.  [default: each fault once]",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Decides whom faults hit.")
@click.option(
    "--hosts",
    is_flag=True,
    help="Run each node on a host of its own, a network namespace (as root): more kinds of faults.",
)
@click.option("--kinds", help="Faults, separated by commas, in their order.  [default: all]")
@suite_option
@out_option
@png_option
@click.option(
    "--page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Report to write, as a web page.",
)
@common
def faults(
    settings: Settings,
    validators: int,
    duration: int | None,
    seed: int,
    hosts: bool,
    kinds: str | None,
    suite: str,
    out: Path | None,
    png: Path | None,
    page: Path | None,
) -> None:
    """Kill, stop and rob nodes of a network under load, and check that nothing is lost.

    A writer for each organisation creates evidence logs, appends entries to some and notes what
    was acknowledged; readers look for it on every node. At the end, every node's whole chain and
    all of its logs are compared with these notes and with the others. Exit status 1 where something
    is wrong.

    With --hosts, nodes are also cut off, their lines are slowed (toxiproxy-server), their disks
    filled and their clocks stepped (libfaketime).

    \b
    Examples:
      trine bench faults --png faults.png
      trine bench faults --hosts --validators 7 --seed 7 --page faults.html
      trine bench faults --hosts --kinds partition,one-way,split --duration 600 --json
    """
    from trine.bench.faults import host_network  # noqa: PLC0415 - heavy
    from trine.bench.faults.plan import Campaign, duration_of  # noqa: PLC0415 - heavy
    from trine.bench.faults.run import run_faults  # noqa: PLC0415 - heavy
    from trine.bench.peers.processes import temporary_folder  # noqa: PLC0415 - heavy

    check_files(out, png, page)
    chosen = _choose(kinds, hosts)
    if hosts:
        host_network.check_possible(chosen)
    seconds = duration_of(len(chosen)) if duration is None else duration
    with temporary_folder("faults") as folder:
        home = Home(folder)
        settings.note(f"making a network of {validators} validators")
        local_network.create(home, validators, suite, None, blocks_per_epoch=BLOCKS_PER_EPOCH)
        names = (ADMIN_KEY, *local_network.ORGANISATIONS[1:])
        keys = {
            organisation: home.open_key(name)
            for organisation, name in zip(local_network.ORGANISATIONS, names, strict=True)
        }
        trust = Trust.load(home.trust)
        opened = _on_hosts(home, settings, chosen) if hosts else _local(home, settings)
        with opened as network:
            campaign = Campaign(seconds, seed, chosen)
            report = run_faults(network, keys, trust, campaign, settings.note)
    _show(settings, {"suite": suite, **report}, out, png, page)


def _show(
    settings: Settings,
    report: Mapping[str, Any],
    out: Path | None,
    png: Path | None,
    page: Path | None,
) -> None:
    from trine.bench.faults.check import problems  # noqa: PLC0415 - heavy
    from trine.bench.faults.page import write_page  # noqa: PLC0415 - heavy
    from trine.bench.faults.show import draw_faults, faults_table  # noqa: PLC0415 - heavy

    if out:
        out.write_text(json.dumps(report, indent=2) + "\n")
    if png:
        draw_faults(report, png)
    if page:
        write_page(report, page)
    settings.show(dict(report), faults_table(report))
    for problem in problems(report):
        settings.note(f"wrong: {problem}")
    if problems(report):
        click.get_current_context().exit(int(ExitCode.NEGATIVE))
