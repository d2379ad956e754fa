"""Follow logs as a monitor, and cosign their checkpoints as a witness."""

import asyncio
import fcntl
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO, TypeVar

import click
import httpx

from trine._cli.evidence_parts import chain_client, secret_key
from trine._cli.evidence_service import (
    certificate_key_option,
    certificate_option,
    listen_address,
    listener,
    serve_app,
)
from trine._cli.settings import Settings, common, facts
from trine._cli.statements import evidence_module
from trine.client.settings import tls
from trine.client.verification import Trust, read_file
from trine.errors import BadArgument, CannotReachNode, ExitCode, FolderLocked, TrineError

if TYPE_CHECKING:
    from trine.services.evidence import monitor as monitoring
    from trine.services.evidence.tree import Frontier, HashFunction

KEY_FILE: Final = "witness.key"
"""Secret key of a witness, in its folder."""
VERIFIER_FILE: Final = "witness.vkey"
"""Its verifier key, which others are given."""
INTERVAL_S_MAX: Final = 86_400
PATIENCE_S: Final = 60.0
"""Seconds for which a monitor that looks again and again bears what may pass by itself."""
PASSING: Final = frozenset({"note_unverified", "log_shrank", "tile_differs"})
"""Codes of that: a copy that lags behind or is being updated, a witness that came too late."""
WITNESSES_MAX: Final = 16
"""Witnesses that a monitor trusts."""
TIMEOUT_S: Final = 30.0

F = TypeVar("F", bound=Callable[..., object])


hash_option: Final = click.option(
    "--hash",
    "function",
    type=click.Choice(["sha256", "sm3"]),
    default="sha256",
    show_default=True,
    help="Hash function of the log.",
)
"""The option that names the hash function of a log."""


def witness_options(command: F) -> F:
    """Add the options that say whose cosignatures a checkpoint must have."""
    command = click.option(
        "--witnesses",
        type=click.IntRange(0, WITNESSES_MAX),
        default=0,
        show_default=True,
        help="How many of them must have cosigned.",
    )(command)
    return click.option(
        "--witness",
        "witness_keys",
        multiple=True,
        metavar="KEY",
        help="Verifier key of a witness that is trusted.",
    )(command)


@click.command("monitor")
@click.argument("url")
@click.option("--log-key", required=True, metavar="KEY", help="Verifier key of the log.")
@witness_options
@click.option(
    "--state",
    "state_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File in which it is remembered what was seen.",
)
@click.option(
    "--evidence",
    "evidence_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("log-evidence.json"),
    show_default=True,
    help="File for both checkpoints where the log contradicts itself.",
)
@click.option("--once", is_flag=True, help="Look once, instead of again and again.")
@click.option(
    "--every",
    type=click.IntRange(1, INTERVAL_S_MAX),
    default=10,
    show_default=True,
    help="Seconds between two looks.",
)
@click.option(
    "--statements", is_flag=True, help="Fetch every statement too, and compare it with the index."
)
@hash_option
@click.option(
    "--trust",
    "trust_file",
    type=click.Path(path_type=Path),
    help="Trust file of the chain: the log must be the one that its validators certified.",
)
@click.option("--log", help="With --trust: the log's number, or organisation/name.")
@click.option(
    "--ca-file", type=click.Path(path_type=Path), help="PEM file of who vouches for the server."
)
@common
def monitor(
    settings: Settings,
    url: str,
    log_key: str,
    witness_keys: tuple[str, ...],
    witnesses: int,
    state_file: Path | None,
    evidence_file: Path,
    once: bool,
    every: int,
    statements: bool,
    function: "HashFunction",
    trust_file: Path | None,
    log: str | None,
    ca_file: Path | None,
) -> None:
    """Follow a log below a URL (C2SP tlog-tiles), and end where it contradicts itself.

    Reads every entry and every tile, and hashes all anew. Ends with exit status 1 where the log
    was rewritten, shrank, serves other files than it signed, or has another index than it should;
    the file of evidence then has both checkpoints, signed by the log. A SHA-256 log beside an SM3
    log is read too, and must have the same entries.

    \b
    Examples:
      trine evidence monitor https://log.city.example --log-key "$KEY" --state log.state --once
      trine evidence monitor https://log.city.example --log-key "$KEY" --state log.state \\
          --witness "$WITNESS" --witnesses 1 --trust trust.json --log city/statements --every 60
    """
    if (trust_file is None) != (log is None):
        raise BadArgument("give --trust and --log, or neither")
    if witnesses > len(witness_keys):
        raise BadArgument(f"--witnesses {witnesses} needs as many --witness KEY")
    module, note = evidence_module("monitor"), evidence_module("note")
    state = None
    if state_file is not None and state_file.exists():
        state = module.State.decode(read_file(state_file, module.STATE_BYTES_MAX), function)
    chain = None if trust_file is None or log is None else (Trust.load(trust_file), log)
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False, verify=tls(ca_file, None, None)) as http:
        follower = module.Monitor(
            evidence_module("source").HttpSource(url, http),
            note.VerifierKey.parse(log_key),
            witnesses=[note.VerifierKey.parse(key) for key in witness_keys],
            witnesses_min=witnesses,
            function=function,
            state=state,
            reads_statements=statements,
        )
        good_s = time.monotonic()
        while True:
            patient = not once and time.monotonic() - good_s < PATIENCE_S
            seen = _look(settings, follower, url, evidence_file, chain, once=once, patient=patient)
            if seen is not None:
                good_s = time.monotonic()
            if seen is not None and seen.is_new and state_file is not None:
                _keep(state_file, follower.state.encode())
            if once:
                break
            time.sleep(every)


def _look(
    settings: Settings,
    follower: "monitoring.Monitor",
    url: str,
    evidence_file: Path,
    chain: tuple[Trust, str] | None,
    *,
    once: bool,
    patient: bool,
) -> "monitoring.Seen | None":
    """Look once, and say what was seen; nothing where that is to be tried again."""
    try:
        seen = follower.look()
        height = None
        if chain is not None and (seen.is_new or once):
            height = _check_chain(settings, *chain, follower.state.leaves)
    except CannotReachNode as error:
        if once:
            raise
        settings.note(f"not now: {error}")
        return None
    except TrineError as error:
        if patient and error.code in PASSING:
            settings.note(f"not now: {error}")
            return None
        if error.exit_code == ExitCode.NEGATIVE:
            _keep_evidence(evidence_file, url, error, follower.state.note)
        raise
    one = seen.checkpoint
    document = {
        "origin": one.origin,
        "size": one.size,
        "root": str(one.root),
        "cosigned": seen.cosigned,
        "new": seen.is_new,
        "indexed": follower.state.rows is not None,
        "standard": follower.state.standard is not None,
        "height": height,
    }
    lines = [f"Holds: {one.origin} has {one.size:,} entries, and only grew"]
    lines += facts(root=one.root, cosigned_by=seen.cosigned, certified_block=height)
    if once:
        settings.emit(document, lines)
    elif seen.is_new:
        click.echo(json.dumps(document) if settings.as_json else lines[0])
    return seen


def _check_chain(settings: Settings, trust: Trust, log: str, edge: "Frontier") -> int:
    """Compare the log with the one that the chain's validators certified; returns the block."""
    chain, witness = evidence_module("chain"), evidence_module("witness")
    from trine.types import LogId  # noqa: PLC0415

    with settings.client() as client:
        number = LogId(client.log(log).id)

    async def check() -> int:
        async with chain_client(settings) as client:
            found = await witness.check_certified(chain.ChainLog(client, trust, number), edge)
        return int(found.height)

    return asyncio.run(check()) if edge.size else 0


def _keep_evidence(path: Path, url: str, error: TrineError, known: str) -> None:
    """Write both checkpoints of a log that contradicts itself, durably."""
    document = {
        "what": error.code,
        "detail": str(error),
        "url": url,
        "seen_at_s": int(time.time()),
        "first": error.details.get("first", known),
        "second": error.details.get("second"),
    }
    _keep(path, json.dumps(document, indent=2).encode() + b"\n")
    error.details["evidence"] = str(path)


def _keep(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, durably."""
    place = path.absolute()
    evidence_module("objects").Folder(place.parent).write({place.name: content})


@click.command("witness")
@click.option("--log", required=True, help="Log of the chain: its number, or organisation/name.")
@click.option("--log-key", required=True, metavar="KEY", help="Verifier key of the log.")
@click.option(
    "--folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the witness: its key, and what it cosigned.",
)
@click.option("--name", required=True, help="Name of the witness, such as witness.example/w1.")
@click.option(
    "--listen", default="127.0.0.1:8651", show_default=True, metavar="IP:PORT", help="Where."
)
@certificate_option
@certificate_key_option
@click.option(
    "--trust",
    "trust_file",
    type=click.Path(path_type=Path),
    help="Trust file of the chain.  [default: that of the home]",
)
@common
def witness(
    settings: Settings,
    log: str,
    log_key: str,
    folder: Path,
    name: str,
    listen: str,
    certificate: Path | None,
    certificate_key: Path | None,
    trust_file: Path | None,
) -> None:
    """Cosign a log's checkpoints (C2SP tlog-witness) that only grow, as the chain certified them.

    For an organisation with a node of its own, which is asked for every entry. The log is told
    where (`trine evidence serve --witness URL KEY`); FOLDER/witness.vkey has the key for it and for
    monitors. Prints where it listens once it does, and runs until it is stopped.

    \b
    Examples:
      trine evidence witness --log city/statements --log-key "$KEY" --folder witness \\
          --name witness.province.example/w1 --node http://127.0.0.1:8645 --trust trust.json
    """
    host, port = listen_address(listen, certificate, certificate_key)
    core, note, chain = (
        evidence_module("witness"),
        evidence_module("note"),
        evidence_module("chain"),
    )
    from trine.api.witness import create_app  # noqa: PLC0415 - heavy
    from trine.types import LogId  # noqa: PLC0415

    trust = Trust.load(trust_file or settings.home.trust)
    key = note.VerifierKey.parse(log_key)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        _lock(file, folder)
        objects = evidence_module("objects").Folder(folder)
        with settings.client() as client:
            number = LogId(client.log(log).id)
        chain_log = chain.ChainLog(chain_client(settings), trust, number)
        made = core.Witness(
            objects,
            secret_key(folder / KEY_FILE, "ed25519"),
            name,
            {key.name: core.Watched(key, chain_log)},
        )
        objects.write({VERIFIER_FILE: f"{made.verifier}\n".encode()})
        serve_app(create_app(made), listener(host, port), certificate, certificate_key)


def _lock(file: TextIO, folder: Path) -> None:
    """Let no second witness write there.

    Raises:
        FolderLocked: One does.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        message = f"another witness uses {folder}"
        raise FolderLocked(message, instance=str(folder)) from None
