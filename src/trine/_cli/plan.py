"""Plan a network whose hosts one operator runs: a folder and a systemd unit for each."""

import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from trine._cli.founding import describe_network, network, network_document
from trine._cli.members import listen_address
from trine._cli.node_files import administrator, configuration, validator_key
from trine._cli.processes import Node, save
from trine._cli.serving import HOST, LOCAL, Serving, read_listen, together
from trine._cli.settings import Settings, common
from trine._core import registry
from trine.client.card import Terms
from trine.client.founding import BLOCKS_PER_EPOCH, encode_genesis, genesis_document, trust_document
from trine.client.home import ADMIN_KEY, Home
from trine.client.verification import read_file
from trine.crypto import SUITE_ALGORITHMS
from trine.errors import BadArgument, BadConfiguration, TrineError, UnreadableFile
from trine.model.limits import BLOCKS_PER_EPOCH_MAX, BLOCKS_PER_EPOCH_MIN
from trine.model.names import is_name, is_peer_address
from trine.types.calls import PublicKey

PLAN_BYTES_MAX: Final = 1_024 * 1_024
HTTP_PORT: Final = 8_645
"""Port of the HTTP API on a planned host, where nobody names another."""
FOLDER: Final = "/var/lib/trine"
USER: Final = "trine"
PROGRAM: Final = "/usr/local/bin/trine"
STOP_TIMEOUT_S: Final = 30
NO_WEIGHTS: Final = (
    "no weights: each validator has one vote, so that everybody counts a certificate alike; an "
    "organisation that should count for more has several [[hosts]]"
)


@dataclass(frozen=True)
class Host:
    """One host of a plan; the fields of its table.

    Attributes:
        organisation: Whose validator it runs.
        address: Where other hosts reach it, as `host:port`.
        name: Name of the validator.
        listen: Where it listens, as `ip:port`.
        http_port: Port of the HTTP API.
        folder: Where its folder will lie.
        user: Who runs it.
        program: Where `trine` is installed.
        serving: How it serves its HTTP API; the files are the host's, and the node checks them.
    """

    organisation: str
    address: str
    name: str
    listen: str
    http_port: int = HTTP_PORT
    folder: str = FOLDER
    user: str = USER
    program: str = PROGRAM
    serving: Serving = LOCAL


def unit(name: str, chain: str, folder: str, user: str, program: str) -> str:
    """Write the systemd unit of a node (systemd.service(5), systemd.exec(5)).

    Args:
        name: Name of the node.
        chain: Name of the chain.
        folder: Its home on the host.
        user: Who runs it.
        program: Where `trine` is installed.
    """
    lines = [
        "[Unit]",
        f"Description=Validator {name} of the chain {chain}",
        "After=network-online.target",
        "Wants=network-online.target",
        "",
        "[Service]",
        f"User={user}",
        f"ExecStart={program} node run --config {folder}/nodes/{name}/node.toml",
        "Restart=on-failure",
        "RestartSec=2",
        f"TimeoutStopSec={STOP_TIMEOUT_S}",
        "LimitNOFILE=65536",
        "UMask=0077",
        "NoNewPrivileges=yes",
        "PrivateTmp=yes",
        "ProtectHome=yes",
        "ProtectSystem=strict",
        f"ReadWritePaths={folder}",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return "\n".join(lines) + "\n"


class _Table:
    """A table of the plan, read field by field."""

    def __init__(self, file: Path, place: str, fields: Any) -> None:
        self.file, self.place = file, place
        if not isinstance(fields, dict):
            raise BadConfiguration(f"{file}: {place} is {type(fields).__name__}, expected a table")
        self.left = dict(fields)

    def _refuse(self, field: str, value: object, expected: str) -> TrineError:
        message = f"{self.file}: {self.place}.{field} is {value!r:.80}, expected {expected}"
        return BadConfiguration(message, instance=str(self.file))

    def text(self, field: str, default: str | None = None) -> str:
        value = self.left.pop(field, default)
        if not isinstance(value, str) or not value or "\n" in value:
            raise self._refuse(field, value, "text of one line")
        return value

    def name(self, field: str, default: str | None = None) -> str:
        value = self.text(field, default)
        if not is_name(value):
            raise self._refuse(field, value, "a-z, 0-9 and -, at most 32")
        return value

    def address(self, field: str) -> str:
        value = self.text(field)
        if not is_peer_address(value):
            raise self._refuse(field, value, "HOST:PORT")
        return value

    def path(self, field: str, default: str) -> str:
        value = self.text(field, default)
        if not value.startswith("/") or any(one in value for one in " %\\\"'"):
            raise self._refuse(field, value, "an absolute path without blanks, quotes and %")
        return value.rstrip("/")

    def number(self, field: str, default: int, least: int, most: int) -> int:
        value = self.left.pop(field, default)
        if type(value) is not int or not least <= value <= most:
            raise self._refuse(field, value, f"{least} to {most}")
        return value

    def end(self) -> None:
        """Refuse what no field is."""
        for field, value in self.left.items():
            expected = NO_WEIGHTS if field == "weight" else "no such field"
            raise self._refuse(field, value, expected)


def _host(file: Path, number: int, fields: Any) -> Host:
    table = _Table(file, f"hosts[{number}]", fields)
    organisation = table.name("organisation")
    address = table.address("address")
    listen = table.text("listen") if "listen" in table.left else None
    try:
        listen = listen_address(address, listen, f"{table.place}.listen")
    except BadArgument as error:
        raise BadConfiguration(f"{file}: {error}", instance=str(file)) from None
    serving = _serving(file, table)
    host = Host(
        organisation,
        address,
        table.name("name", organisation),
        listen,
        serving.port or table.number("http_port", HTTP_PORT, 1, 65_535),
        table.path("folder", FOLDER),
        table.name("user", USER),
        table.path("program", PROGRAM),
        serving,
    )
    table.end()
    return host


def _serving(file: Path, table: _Table) -> Serving:
    """Read how a host serves its API; `http_listen` takes the place of `http_port`."""
    fields = ("tls_certificate", "tls_key", "tls_client_authorities")
    paths = [table.path(one, "") if one in table.left else None for one in fields]
    listen = table.text("http_listen") if "http_listen" in table.left else None
    names = [f"{table.place}.{one}" for one in fields]
    try:
        host, port = read_listen(listen, f"{table.place}.http_listen") if listen else (HOST, None)
        together(host, dict(zip(names, paths, strict=True)))
    except BadArgument as error:
        raise BadConfiguration(f"{file}: {error}", instance=str(file)) from None
    return Serving(host, port, *paths)


def _parameters(file: Path, fields: Any) -> tuple[tuple[str, int], ...]:
    """Read the parameters of the chain that differ from their defaults."""
    table = _Table(file, "network.parameters", fields)
    found = tuple(
        (name, table.number(name, default, least, most))
        for name, default, least, most in sorted(registry.parameters())
        if name in table.left
    )
    table.end()
    return found


def read_plan(file: Path) -> tuple[Terms, list[Host]]:
    """Read hosts.toml.

    Raises:
        UnreadableFile: It cannot be read.
        BadConfiguration: It is no TOML, or a field is wrong.
    """
    try:
        document = tomllib.loads(read_file(file, PLAN_BYTES_MAX).decode())
    except ValueError as error:
        raise BadConfiguration(f"{file}: not TOML: {error}", instance=str(file)) from None
    whole = _Table(file, "the file", document)
    table = _Table(file, "network", whole.left.pop("network", {}))
    hosts = whole.left.pop("hosts", [])
    whole.end()
    suite = table.text("suite", "intl")
    if suite not in SUITE_ALGORITHMS:
        expected = " or ".join(SUITE_ALGORITHMS)
        raise BadConfiguration(f"{file}: network.suite is {suite!r:.40}, expected {expected}")
    terms = Terms(
        table.name("name"),
        suite,
        time.time_ns() // 1_000_000,
        table.number(
            "blocks_per_epoch", BLOCKS_PER_EPOCH, BLOCKS_PER_EPOCH_MIN, BLOCKS_PER_EPOCH_MAX
        ),
        _parameters(file, table.left.pop("parameters", {})),
    )
    table.end()
    if not isinstance(hosts, list) or not hosts:
        raise BadConfiguration(f"{file}: there is no [[hosts]], expected one for each host")
    return terms, [_host(file, number, fields) for number, fields in enumerate(hosts)]


def _write_host(
    home: Home, host: Host, node: Node, genesis: Mapping[str, Any], text: bytes, chain_id: bytes
) -> None:
    chain = str(genesis["name"])
    home.genesis.write_bytes(text)
    home.trust.write_bytes(trust_document(genesis, chain_id))
    node.config.write_text(configuration(node, host.listen, chain, None, {}, serving=host.serving))
    written = unit(host.name, chain, host.folder, host.user, host.program)
    (home.path / f"trine-{chain}.service").write_text(written)
    save(home, chain, [node], {})


@network.command("plan")
@click.argument("hosts", type=click.Path(path_type=Path, dir_okay=False), metavar="HOSTS.TOML")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default="plan",
    show_default=True,
    help="New folder for the folders of the hosts.",
)
@common
def plan(settings: Settings, hosts: Path, out: Path) -> None:
    """Make everything that the hosts of HOSTS.TOML need: a folder and a systemd unit for each.

    For one operator who runs all hosts: the keys of all are made here. Organisations that do not
    trust one machine with their keys use `trine network create` and `join`.

    HOSTS.TOML has a table [network] with name, and optionally suite and blocks_per_epoch;
    optionally a table [network.parameters] of the chain, such as approval_percent = 66; and for
    each host a table [[hosts]] with organisation and address (HOST:PORT), and optionally name (of
    the validator), listen (IP:PORT), http_port, folder, user and program. For an API that other
    hosts reach, http_listen (0.0.0.0:PORT, in place of http_port), tls_certificate, tls_key and
    tls_client_authorities; they name files of that host, which its node checks.

    \b
    Examples:
      trine network plan hosts.toml
      trine network plan hosts.toml --out folders --json
    """
    terms, listed = read_plan(hosts)
    _once(hosts, [host.name for host in listed], "name")
    _once(hosts, [host.address for host in listed], "address")
    homes = {host.name: Home(out / host.name) for host in listed}
    try:
        out.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise BadArgument(f"{out} exists already: name another folder with --out") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UnreadableFile(f"{out} cannot be made: {reason}", instance=str(out)) from None
    organisations = list(dict.fromkeys(host.organisation for host in listed))
    first = {host.organisation: homes[host.name] for host in reversed(listed)}
    nodes = {
        host.name: Node(
            host.name,
            host.http_port,
            int(host.listen.rpartition(":")[2]),
            homes[host.name].nodes / host.name,
        )
        for host in listed
    }
    keys = [administrator(first[name], ADMIN_KEY, terms.suite) for name in organisations]
    validators = [
        {
            "name": host.name,
            "organisation": organisations.index(host.organisation),
            "key": validator_key(nodes[host.name], SUITE_ALGORITHMS[terms.suite]).public_key.hex(),
            "address": host.address,
        }
        for host in listed
    ]
    administrators = [PublicKey(key.algorithm, key.public_key) for key in keys]
    genesis = genesis_document(terms, organisations, validators, administrators)
    text, chain_id = encode_genesis(genesis)
    for host in listed:
        _write_host(homes[host.name], host, nodes[host.name], genesis, text, chain_id)
    document = {**network_document(genesis, chain_id), "out": str(out)}
    settings.emit(
        document,
        [
            *describe_network(genesis, chain_id),
            "",
            f"Copy each folder of {out} to its host, owned by the user that runs the node, and",
            f"start it there: systemctl enable --now ./trine-{terms.name}.service",
        ],
    )


def _once(file: Path, values: list[str], field: str) -> None:
    """Refuse hosts that share a value."""
    for value in values:
        if values.count(value) > 1:
            raise BadConfiguration(f"{file}: two hosts have the {field} {value!r:.80}")
