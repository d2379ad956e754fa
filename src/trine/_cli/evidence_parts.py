"""Put the evidence service together out of what its command is given."""

import asyncio
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from trine._cli.authorities import now_ms, read_all
from trine._cli.settings import Settings
from trine.client.settings import client_files, tls
from trine.client.verification import Trust
from trine.crypto import SUITE_ALGORITHMS, SecretKey, SigningKey
from trine.errors import BadArgument, BadConfiguration, Unsupported
from trine.types import LogId

if TYPE_CHECKING:
    from fastapi import FastAPI

    from trine.client import AsyncClient
    from trine.services.evidence.objects import Objects
    from trine.services.evidence.policy import Policy
    from trine.services.evidence.publishing import WitnessAt
    from trine.services.evidence.registrar import Signer
    from trine.services.evidence.stamping import Stamping
    from trine.services.evidence.standard import StandardLog
    from trine.services.evidence.succession import Line

KEY_FILE: Final = "service.key"
"""Secret key of the service, in its folder."""
CHECKPOINT_KEY_FILE: Final = "checkpoint.key"
"""Secret key that signs checkpoints, in its folder."""
STANDARD_KEY_FILE: Final = "standard.key"
"""Secret key of the service for standard receipts beside an SM3 log, in its folder."""
STAMPS_FILE: Final = "timestamps.db"
"""Timestamps, and what waits for them, in its folder."""


class Named(NamedTuple):
    """A log as the user named it, its number, and its policy, in TOML."""

    name: str
    number: int
    policy: bytes


class Given(NamedTuple):
    """What the command is given.

    Attributes:
        folder: Folder of the service.
        trust: Whom to believe about the chain.
        logs: Logs in the order in which they take statements.
        name: The service as receipts name it.
        database: URL of the database.
        objects: URL of a bucket; nothing where files lie in the folder.
        witnesses: URL and verifier key of each witness.
        tsa: Folder of the own timestamp authority.
        outside: URL and file of roots of each authority of others.
        every_s: Seconds between two headers that are stamped.
        anchor_s: Seconds between two anchors of a standard log.
    """

    folder: Path
    trust: Trust
    logs: Sequence[Named]
    name: str
    database: str
    objects: str | None
    witnesses: Sequence[tuple[str, str]]
    tsa: Path | None
    outside: Sequence[tuple[str, Path]]
    every_s: int
    anchor_s: int


def application(settings: Settings, key: SigningKey, given: Given) -> "FastAPI":
    """Put the service together.

    Raises:
        Unsupported: The packages that it needs are not installed.
        BadConfiguration: A policy is none.
        BadArgument: Too many witnesses, logs or authorities, or a URL that is none.
        StoreUnavailable, DatabaseUnavailable: The bucket or the database does not answer.
    """
    try:
        from trine.api.evidence import create_app  # noqa: PLC0415 - heavy
        from trine.services.evidence import cose  # noqa: PLC0415
    except ImportError as error:
        message = f"the service needs {error.name}: pip install 'trine[platform]'"
        raise Unsupported(message) from None
    service_key = secret_key(given.folder / KEY_FILE, SUITE_ALGORITHMS[given.trust.suite])
    objects = _objects(given)
    line = _line(settings, key, given, objects, service_key)
    stamping = _stamping(given)
    vouching = tls(os.environ.get("TRINE_CA_FILE"))
    return create_app(line, objects, cose.public_key(service_key), stamping, vouching)


def _line(
    settings: Settings, key: SigningKey, given: Given, objects: "Objects", service_key: SecretKey
) -> "Line":
    from trine.services.evidence.chain import ChainLog  # noqa: PLC0415
    from trine.services.evidence.index import Index  # noqa: PLC0415
    from trine.services.evidence.publishing import Publisher  # noqa: PLC0415
    from trine.services.evidence.registrar import (  # noqa: PLC0415
        Registrar,
        Signer,
        log_prefix,
    )
    from trine.services.evidence.succession import Line  # noqa: PLC0415

    witnesses = _witnesses(given)
    policies = [_policy(one) for one in given.logs]
    checkpoint_key = secret_key(given.folder / CHECKPOINT_KEY_FILE, "ed25519")
    index, client = Index(given.database), chain_client(settings, key)
    origin = given.name.partition("://")[2].rstrip("/") or given.name
    turn = asyncio.Lock()
    made: list[Registrar] = []
    for (name, number, _), policy in zip(given.logs, policies, strict=True):
        chain = ChainLog(client, given.trust, LogId(number), turn=turn)
        prefix = log_prefix(chain.log)
        # The origin is where the files are: those of the first log lie at the root too.
        own = f"{origin}/{prefix.rstrip('/')}" if made else origin
        signer = Signer(service_key, given.name, f"{given.trust.chain}/{name}")
        size = index.open_log(str(chain.log))
        standard = _standard(given, objects, (prefix, own, size), signer, checkpoint_key)
        registrar = Registrar(
            chain,
            index,
            objects,
            policy,
            signer=signer,
            publisher=Publisher(objects, prefix, own, checkpoint_key, witnesses, standard=standard),
            standard=standard,
            earlier=[one.chain.log for one in made],
        )
        made.append(registrar)
    return Line(made)


def _standard(
    given: Given,
    objects: "Objects",
    place: tuple[str, str, int],
    signer: "Signer",
    checkpoint_key: SecretKey,
) -> "StandardLog | None":
    """Make the SHA-256 log beside an SM3 log, whose prefix, origin and size are given."""
    from trine.services.evidence.standard import (  # noqa: PLC0415
        FUNCTION,
        StandardLog,
        StandardSigner,
    )
    from trine.services.evidence.tree import FUNCTIONS  # noqa: PLC0415

    function = FUNCTIONS[given.trust.suite]
    if function == FUNCTION:
        return None
    prefix, origin, size = place
    key = secret_key(given.folder / STANDARD_KEY_FILE, "p256")
    subject = f"{signer.subject}#sha256"
    as_whom = StandardSigner(key, signer.issuer, subject, checkpoint_key, origin)
    return StandardLog(objects, prefix, function, size, signer=as_whom, anchor_s=given.anchor_s)


def _policy(log: Named) -> "Policy":
    from trine.services.evidence.policy import read_policy  # noqa: PLC0415

    try:
        return read_policy(log.policy.decode())
    except UnicodeDecodeError:
        raise BadConfiguration(f"the policy of {log.name} is no UTF-8 text") from None
    except BadConfiguration as error:
        raise BadConfiguration(f"{log.name}: {error}") from None


def _witnesses(given: Given) -> "list[WitnessAt]":
    from trine.services.evidence.note import VerifierKey  # noqa: PLC0415
    from trine.services.evidence.publishing import WITNESSES_MAX, WitnessAt  # noqa: PLC0415

    asked = [WitnessAt(url.rstrip("/"), VerifierKey.parse(key)) for url, key in given.witnesses]
    if len(asked) > WITNESSES_MAX:
        raise BadArgument(f"{len(asked)} witnesses, at most {WITNESSES_MAX}")
    return asked


def _objects(given: Given) -> "Objects":
    from trine.services.evidence.objects import Folder  # noqa: PLC0415

    if given.objects is None:
        return Folder(given.folder / "public")
    from trine.services.evidence.bucket import Bucket, endpoint_of  # noqa: PLC0415
    from trine.services.evidence.remembered import Remembered  # noqa: PLC0415

    return Remembered(Bucket(given.objects, endpoint=endpoint_of(os.environ)))


def _stamping(given: Given) -> "Stamping":
    from trine.services.evidence.stamping import Stamping  # noqa: PLC0415
    from trine.services.evidence.timestamp import open_authority  # noqa: PLC0415
    from trine.services.evidence.timestamp.outside import Outside  # noqa: PLC0415

    own = None
    if given.tsa is not None:
        own = open_authority(given.tsa)
        own[0].check(now_ms())
    outside = [Outside(url, read_all([roots])) for url, roots in given.outside]
    return Stamping(
        given.folder / STAMPS_FILE,
        given.trust.suite,
        own=own,
        outside=outside,
        every_s=given.every_s,
    )


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
