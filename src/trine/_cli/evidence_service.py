"""Run the evidence service: registration of signed statements over HTTP."""

import gc
import ipaddress
import logging
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from trine._cli.evidence_parts import Given, Named, application
from trine._cli.settings import Settings, common, signing
from trine.client.verification import Trust, read_file
from trine.crypto import SigningKey
from trine.errors import BadArgument, PortInUse

if TYPE_CHECKING:
    from fastapi import FastAPI

POLICY_BYTES_MAX: Final = 64 * 1_024 * 1_024
"""Bytes of a policy."""
ANCHOR_S_MAX: Final = 7 * 86_400
"""Seconds between two anchors of a standard log, at most."""
SHUTDOWN_S: Final = 10
"""Seconds that requests have to end when the service does."""

OBJECTS: Final = 50_000
"""Objects that are made before the collector of cycles looks at them."""

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


_OPTIONS: Final = (
    click.option("--log", required=True, help="Log: its number, or organisation/name."),
    click.option(
        "--next",
        "following",
        multiple=True,
        metavar="LOG",
        help="Log in which it goes on where the one before is full; give several in order.",
    ),
    click.option(
        "--folder",
        required=True,
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of the service: its key, its database, the tiles of the log.",
    ),
    click.option(
        "--objects",
        metavar="URL",
        help="Bucket for tiles, index and checkpoints: s3://BUCKET/PREFIX; keys, region and "
        "endpoint come from the environment (AWS_...).  [default: FOLDER/public]",
    ),
    click.option(
        "--policy",
        required=True,
        type=click.Path(path_type=Path, dir_okay=False),
        help="Who may register what, in TOML (docs/reference/scitt.md).",
    ),
    click.option(
        "--policy-of",
        "policies",
        type=(str, click.Path(path_type=Path, dir_okay=False)),
        multiple=True,
        metavar="LOG FILE",
        help="The same for one log of --log and --next, which has a policy of its own.",
    ),
    click.option("--name", required=True, metavar="URI", help="The service as receipts name it."),
    click.option(
        "--listen", default="127.0.0.1:8650", show_default=True, metavar="IP:PORT", help="Where."
    ),
    certificate_option,
    certificate_key_option,
    click.option(
        "--witness",
        "witnesses",
        type=(str, str),
        multiple=True,
        metavar="URL KEY",
        help="Witness that is asked to cosign checkpoints: where, and its verifier key.",
    ),
    click.option(
        "--tsa",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of the service's own timestamp authority (`trine timestamp found`).",
    ),
    click.option(
        "--timestamp-from",
        "outside",
        type=(str, click.Path(path_type=Path, exists=True, dir_okay=False)),
        multiple=True,
        metavar="URL ROOTS",
        help="Timestamp authority of others, and the PEM file of the roots that are trusted.",
    ),
    click.option(
        "--timestamp-every",
        type=int,
        default=600,
        show_default=True,
        metavar="SECONDS",
        help="Seconds between two certified headers that are stamped.",
    ),
    click.option(
        "--anchor-every",
        type=click.IntRange(1, ANCHOR_S_MAX),
        default=3_600,
        show_default=True,
        help="gm: seconds after which the chain records the root of the SHA-256 log again.",
    ),
    click.option(
        "--database",
        metavar="URL",
        envvar="TRINE_DATABASE",
        help="Database of the index: postgresql://USER@HOST/NAME or sqlite:////FILE; with a "
        "password better in $TRINE_DATABASE, which nobody else sees.  "
        "[default: SQLite in the folder]",
    ),
    click.option(
        "--trust",
        "trust_file",
        type=click.Path(path_type=Path),
        help="Trust file of the chain.  [default: that of the home]",
    ),
)


def _options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options of the service."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.command("serve")
@_options
@common
@signing
def serve(settings: Settings, key: SigningKey, **options: Any) -> None:
    """Register signed statements (RFC 9943, SCITT) in a log, and give receipts (RFC 9942).

    The key is that of a notary of the log's organisation. Prints where it listens once it does,
    and runs until it is stopped. What was taken before it stopped is recorded when it runs again.
    It stops itself with an error where the chain's log is not the one that it has (log_differs).
    FOLDER/public/logs/N has the log's checkpoint and tiles: any web server may serve it too.
    On a chain of the suite gm a SHA-256 log of the same entries lies in its folder sha256, for
    receipts that every SCITT client verifies (GET /entries/ENTRY?standard=1).

    With --tsa it answers requests for timestamps (RFC 3161); with --tsa or --timestamp-from it
    also has certified headers stamped, and records that are asked for.

    \b
    Examples:
      trine evidence serve --log city/statements --folder evidence --policy policy.toml \\
          --name https://log.city.example
      trine evidence serve --log 7 --folder evidence --policy policy.toml \\
          --name https://log.city.example --listen 0.0.0.0:8650 --certificate log.pem \\
          --certificate-key log.key --database postgresql://trine@db/evidence
      trine evidence serve --log city/2026 --next city/2027 --folder evidence \\
          --policy policy.toml --policy-of city/2027 policy-2027.toml \\
          --name https://log.city.example --objects s3://evidence/logs \\
          --tsa authority --timestamp-from https://tsa.example/ tsa-root.pem
    """
    certificate, certificate_key = options["certificate"], options["certificate_key"]
    host, port = listen_address(options["listen"], certificate, certificate_key)
    names = [options["log"], *options["following"]]
    texts = _policies(names, options["policy"], options["policies"])
    trust = Trust.load(options["trust_file"] or settings.home.trust)
    folder: Path = options["folder"]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with settings.client(key) as client:
        logs = [Named(name, client.log(name).id, texts[name]) for name in names]
    given = Given(
        folder,
        trust,
        logs,
        options["name"],
        options["database"] or f"sqlite:///{(folder / 'statements.db').absolute()}",
        options["objects"],
        options["witnesses"],
        options["tsa"],
        options["outside"],
        options["timestamp_every"],
        options["anchor_every"],
    )
    there = listener(host, port)
    serve_app(application(settings, key, given), there, certificate, certificate_key)


def _policies(
    names: Sequence[str], path: Path, others: Sequence[tuple[str, Path]]
) -> dict[str, bytes]:
    """Read the policy of each log.

    Raises:
        BadArgument: A policy is for a log that is not named, or a log has two.
        UnreadableFile: A file cannot be read.
    """
    found = dict.fromkeys(names, read_file(path, POLICY_BYTES_MAX))
    for name, count in Counter(name for name, _ in others).items():
        if name not in found or count > 1:
            known = ", ".join(names)
            raise BadArgument(f"--policy-of {name[:80]}: expected each of {known} at most once")
    return found | {name: read_file(own, POLICY_BYTES_MAX) for name, own in others}


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


def collect_seldom() -> None:
    """Let the collector of cycles look seldom, and never at what was loaded before.

    Thousands of objects of one batch live at a time, and nearly none is in a cycle: with the usual
    threshold the collector costs as much as reading them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS, *gc.get_threshold()[1:])


def serve_app(
    app: "FastAPI", there: socket.socket, certificate: Path | None, key: Path | None
) -> None:
    """Serve until the process is stopped, and print where once it does.

    Raises:
        TrineError, OSError: The work of the application ended with it (`app.state.end`).
    """
    import uvicorn  # noqa: PLC0415 - heavy, and only for this

    from trine.api.bounded import Bounded, tell_nobody  # noqa: PLC0415

    tell_nobody(app)
    collect_seldom()

    class Server(uvicorn.Server):
        """Tells where it listens, once it does; ends with the error of the application."""

        failure: BaseException | None = None

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                host, port = there.getsockname()[:2]
                shown = f"[{host}]" if ":" in host else host
                click.echo(f"{'https' if certificate else 'http'}://{shown}:{port}")

        def end(self, error: BaseException) -> None:
            """Stop; before it listens, by what stands for a start that failed."""
            self.failure = error
            self.should_exit = self.lifespan.should_exit = True

    config = uvicorn.Config(
        app,
        http=Bounded,
        ws="none",
        log_level="warning",
        access_log=False,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    server = Server(config)
    app.state.end = server.end
    # What ends the service is told once, in one sentence: not with how the server ended.
    logging.getLogger("uvicorn.error").addFilter(lambda _: server.failure is None)
    try:
        server.run(sockets=[there])
    except SystemExit:
        if server.failure is None:
            raise
    if server.failure is not None:
        raise server.failure
