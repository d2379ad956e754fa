"""Run the evidence service: registration of signed statements over HTTP."""

import ipaddress
import os
import secrets
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from trine._cli.settings import Settings, common, signing
from trine.client.settings import client_files
from trine.client.verification import Trust, read_file
from trine.crypto import SUITE_ALGORITHMS, SecretKey, SigningKey
from trine.errors import BadArgument, BadConfiguration, PortInUse, Unsupported

if TYPE_CHECKING:
    from fastapi import FastAPI

    from trine.client import AsyncClient
    from trine.services.evidence.standard import StandardSigner

POLICY_BYTES_MAX: Final = 64 * 1_024 * 1_024
"""Bytes of a policy."""
KEY_FILE: Final = "service.key"
"""Secret key of the service, in its folder."""
CHECKPOINT_KEY_FILE: Final = "checkpoint.key"
"""Secret key that signs checkpoints, in its folder."""
STANDARD_KEY_FILE: Final = "standard.key"
"""Secret key of the service for standard receipts beside an SM3 log, in its folder."""
ANCHOR_S_MAX: Final = 7 * 86_400
"""Seconds between two anchors of a standard log, at most."""

certificate_option: Final = click.option(
    "--certificate",
    type=click.Path(path_type=Path, dir_okay=False),
    help="PEM file of the certificate with which it serves other hosts.",
)
"""Option of every command that serves over HTTP."""
certificate_key_option: Final = click.option(
    "--certificate-key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="PEM file of the certificate's key.",
)
"""The same."""


def listen_address(
    text: str, certificate: Path | None, certificate_key: Path | None
) -> tuple[str, int]:
    """Read IP:PORT; other hosts are served with a certificate only.

    Raises:
        BadArgument: It is none, or the certificate or its key is missing.
    """
    host, _, port = text.rpartition(":")
    try:
        ipaddress.ip_address(host.strip("[]"))
        number = int(port)
    except ValueError:
        raise BadArgument(f"--listen is {text!r:.80}, expected IP:PORT") from None
    if not 0 <= number < 1 << 16:
        raise BadArgument(f"--listen is {text!r:.80}, expected a port of 0 to 65535")
    host = host.strip("[]")
    if not ipaddress.ip_address(host).is_loopback and certificate is None:
        raise BadArgument(f"{host} is reached by other hosts: give --certificate too")
    if (certificate is None) != (certificate_key is None):
        raise BadArgument("give --certificate and --certificate-key, or neither")
    return host, number


@click.command("serve")
@click.option("--log", required=True, help="Log: its number, or organisation/name.")
@click.option(
    "--folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the service: its key, its database, the tiles of the log.",
)
@click.option(
    "--policy",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Who may register what, in TOML (docs/reference/scitt.md).",
)
@click.option("--name", required=True, metavar="URI", help="The service as receipts name it.")
@click.option(
    "--listen", default="127.0.0.1:8650", show_default=True, metavar="IP:PORT", help="Where."
)
@certificate_option
@certificate_key_option
@click.option(
    "--witness",
    "witnesses",
    type=(str, str),
    multiple=True,
    metavar="URL KEY",
    help="Witness that is asked to cosign checkpoints: where, and its verifier key.",
)
@click.option(
    "--database", metavar="URL", help="Database of SQLAlchemy.  [default: SQLite in the folder]"
)
@click.option(
    "--anchor-every",
    "anchor_s",
    type=click.IntRange(1, ANCHOR_S_MAX),
    default=3_600,
    show_default=True,
    help="gm: seconds after which the chain records the root of the SHA-256 log again.",
)
@click.option(
    "--trust",
    "trust_file",
    type=click.Path(path_type=Path),
    help="Trust file of the chain.  [default: that of the home]",
)
@common
@signing
def serve(
    settings: Settings,
    key: SigningKey,
    log: str,
    folder: Path,
    policy: Path,
    name: str,
    listen: str,
    certificate: Path | None,
    certificate_key: Path | None,
    witnesses: tuple[tuple[str, str], ...],
    database: str | None,
    anchor_s: int,
    trust_file: Path | None,
) -> None:
    """Register signed statements (RFC 9943, SCITT) in a log, and give receipts (RFC 9942).

    The key is that of a notary of the log's organisation. Prints where it listens once it does,
    and runs until it is stopped. What was taken before it stopped is recorded when it runs again.
    FOLDER/public/logs/N has the log's checkpoint and tiles: any web server may serve it too.
    On a chain of the suite gm a SHA-256 log of the same entries lies in its folder sha256, for
    receipts that every SCITT client verifies (GET /entries/ENTRY?standard=1).

    \b
    Examples:
      trine evidence serve --log city/statements --folder evidence --policy policy.toml \\
          --name https://log.city.example
      trine evidence serve --log 7 --folder evidence --policy policy.toml \\
          --name https://log.city.example --listen 0.0.0.0:8650 --certificate log.pem \\
          --certificate-key log.key --database postgresql+psycopg://trine@db/evidence
    """
    host, port = listen_address(listen, certificate, certificate_key)
    text = read_file(policy, POLICY_BYTES_MAX)
    trust = Trust.load(trust_file or settings.home.trust)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = database or f"sqlite:///{(folder / 'statements.db').absolute()}"
    with settings.client(key) as client:
        number = client.log(log).id
    socket_there = listener(host, port)
    app = _application(
        settings,
        key,
        trust,
        number,
        folder,
        text,
        (name, f"{trust.chain}/{log}"),
        database,
        witnesses,
        anchor_s,
    )
    serve_app(app, socket_there, certificate, certificate_key)


def _application(
    settings: Settings,
    key: SigningKey,
    trust: Trust,
    number: int,
    folder: Path,
    policy_text: bytes,
    names: tuple[str, str],
    database: str,
    witnesses: Sequence[tuple[str, str]],
    anchor_s: int,
) -> "FastAPI":
    """Put the service together.

    Raises:
        Unsupported: The packages that it needs are not installed.
        BadConfiguration: The policy is none.
    """
    try:
        from trine.api.evidence import create_app  # noqa: PLC0415 - heavy
        from trine.services.evidence import cose  # noqa: PLC0415
        from trine.services.evidence.chain import ChainLog  # noqa: PLC0415
        from trine.services.evidence.index import Index  # noqa: PLC0415
        from trine.services.evidence.note import VerifierKey  # noqa: PLC0415
        from trine.services.evidence.objects import Folder  # noqa: PLC0415
        from trine.services.evidence.policy import read_policy  # noqa: PLC0415
        from trine.services.evidence.publishing import (  # noqa: PLC0415
            WITNESSES_MAX,
            Publisher,
            WitnessAt,
        )
        from trine.services.evidence.registrar import (  # noqa: PLC0415
            Registrar,
            Signer,
            log_prefix,
        )
        from trine.services.evidence.standard import FUNCTION, StandardLog  # noqa: PLC0415
    except ImportError as error:
        message = f"the service needs {error.name}: pip install 'trine[platform]'"
        raise Unsupported(message) from None
    from trine.types import LogId  # noqa: PLC0415

    try:
        policy = read_policy(policy_text.decode())
    except UnicodeDecodeError:
        raise BadConfiguration("the policy is no UTF-8 text") from None
    asked = [WitnessAt(url.rstrip("/"), VerifierKey.parse(vkey)) for url, vkey in witnesses]
    if len(asked) > WITNESSES_MAX:
        raise BadArgument(f"{len(asked)} witnesses, at most {WITNESSES_MAX}")
    service_key = secret_key(folder / KEY_FILE, SUITE_ALGORITHMS[trust.suite])
    checkpoint_key = secret_key(folder / CHECKPOINT_KEY_FILE, "ed25519")
    objects = Folder(folder / "public")
    chain = ChainLog(chain_client(settings, key), trust, LogId(number))
    signer = Signer(service_key, *names)
    origin = names[0].partition("://")[2].rstrip("/") or names[0]
    index = Index(database)
    standard = None
    if chain.function != FUNCTION:
        standard = StandardLog(
            objects,
            log_prefix(chain.log),
            chain.function,
            index.open_log(str(chain.log)),
            signer=_standard_signer(folder, names, checkpoint_key, origin),
            anchor_s=anchor_s,
        )
    publisher = Publisher(
        objects, log_prefix(chain.log), origin, checkpoint_key, asked, standard=standard
    )
    registrar = Registrar(
        chain, index, objects, policy, signer=signer, publisher=publisher, standard=standard
    )
    return create_app(registrar, objects, cose.public_key(service_key))


def _standard_signer(
    folder: Path, names: tuple[str, str], checkpoint_key: SecretKey, origin: str
) -> "StandardSigner":
    """Say as whom the SHA-256 log beside an SM3 log is signed."""
    from trine.services.evidence.standard import StandardSigner  # noqa: PLC0415

    key = secret_key(folder / STANDARD_KEY_FILE, "p256")
    return StandardSigner(key, names[0], f"{names[1]}#sha256", checkpoint_key, origin)


def chain_client(settings: Settings, key: SigningKey | None = None) -> "AsyncClient":
    """Make a client of the nodes, for one event loop."""
    from trine.client import AsyncClient  # noqa: PLC0415

    certificate, certificate_key = client_files()
    return AsyncClient(
        settings.urls(),
        key=key,
        read_key=settings.open_read_key if key is None or settings.read_key else None,
        ca_file=os.environ.get("TRINE_CA_FILE"),
        client_certificate=certificate,
        client_key=certificate_key,
    )


def secret_key(path: Path, algorithm: str) -> SecretKey:
    """Read or make a key, in a file for its owner alone."""
    if path.exists():
        return SecretKey(algorithm, bytes.fromhex(path.read_text().strip()))
    made = SecretKey.generate(algorithm)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(made.expose().hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    return made


def listener(host: str, port: int) -> socket.socket:
    """Listen, before anything else takes the port.

    Raises:
        PortInUse: Something has it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise PortInUse(f"{host}:{port}: {error.strerror}: name another with --listen") from None
    return found


def serve_app(
    app: "FastAPI", there: socket.socket, certificate: Path | None, key: Path | None
) -> None:
    """Serve until the process is stopped, and print where once it does."""
    import uvicorn  # noqa: PLC0415 - heavy, and only for this

    class Server(uvicorn.Server):
        """Tells where it listens, once it does."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                host, port = there.getsockname()[:2]
                shown = f"[{host}]" if ":" in host else host
                click.echo(f"{'https' if certificate else 'http'}://{shown}:{port}")

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        server_header=False,
    )
    Server(config).run(sockets=[there])
