"""Run a hospital: found it, enrol people, take records in, serve its pages, verify its proofs."""

import asyncio
import contextlib
import json
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import click

from trine._cli.evidence_parts import chain_client
from trine._cli.evidence_service import (
    certificate_key_option,
    certificate_option,
    listen_address,
    listener,
    serve_app,
)
from trine._cli.node_files import write_secret
from trine._cli.settings import ParsedType, Settings, columns, common, facts, moment
from trine.client.home import read_password
from trine.client.verification import Trust
from trine.crypto import SigningKey
from trine.errors import BadArgument, NoPassword, TrineError, Unsupported
from trine.errors.health import InvalidVcf
from trine.model.identifiers import Digest as OfModel
from trine.types import Digest

if TYPE_CHECKING:
    from fastapi import FastAPI

    from trine.apps.health.hospital import Hospital

FOLDER: Final = "hospital"
"""Folder of the hospital in the home."""
RECORDS, HISTORIES = "records", "histories"
"""Names of its logs."""
ROLES: Final = ("clinician", "reviewer", "researcher", "staff")
PASSWORD_BYTES: Final = 16
DELIVER_S: Final = 60.0
"""Seconds between two tries to deliver notices that wait."""

folder_option: Final = click.option(
    "--hospital",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the hospital.  [default: hospital in the home]",
)
key_option: Final = click.option(
    "--key",
    "key_name",
    help="Key of the home that records for the hospital.  [default: the one of its organisation]",
)
password_option: Final = click.option(
    "--hospital-password-file",
    "password_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File whose first line is the password of the hospital's keys.  "
    "[default: keys/records.password in its folder]",
)


@click.group("health")
def health() -> None:
    """Run a hospital: every record anchored, every access in the patient's history.

    \b
    Examples:
      trine health found hospital
      trine health enrol dr-li --title "Dr. Li" --role clinician
      trine health receive export.ndjson
      trine health serve
      trine health link dr-li
      trine health records p-1
    """


@health.command("found")
@click.argument("organisation")
@folder_option
@key_option
@password_option
@common
def found(
    settings: Settings,
    organisation: str,
    folder: Path | None,
    key_name: str | None,
    password_file: Path | None,
) -> None:
    """Found the hospital of an ORGANISATION of the chain: two logs, and a folder.

    The key that opens every record is encrypted with a password: of --hospital-password-file, or a
    new one in FOLDER/keys/records.password, for its owner alone.

    \b
    Examples:
      trine health found hospital
      trine health found city --key notary --hospital /srv/hospital
    """
    from trine.types import LogCreate  # noqa: PLC0415

    founding = _modules().Founding
    place = folder or settings.home.path / FOLDER
    if (place / "hospital.json").exists():
        raise BadArgument(f"{place} holds a hospital already", instance=str(place))
    key = settings.open_key(key_name or organisation, None)
    trust = Trust.load(settings.home.trust)
    with settings.client(key) as client:
        for name in (RECORDS, HISTORIES):
            with contextlib.suppress(TrineError):
                client.submit(LogCreate(name=name))
        logs = [client.log(f"{organisation}/{name}") for name in (RECORDS, HISTORIES)]
    for name, log in zip((RECORDS, HISTORIES), logs, strict=True):
        if log.size:
            message = (
                f"the log {organisation}/{name} has {log.size} entries: a hospital has its own"
            )
            raise BadArgument(message)
    numbers = [int(log.id) for log in logs]
    password = read_password(password_file) if password_file else _new_password(place / "keys")
    founding(organisation, trust.suite, *numbers).write(place, password)
    document = {"folder": str(place), "records_log": numbers[0], "histories_log": numbers[1]}
    settings.emit(document, facts(**document))


@health.command("enrol")
@click.argument("name")
@click.option("--title", required=True, help="Name of the person, as patients see it.")
@click.option(
    "--role", "roles", type=click.Choice(ROLES), multiple=True, help="What the person may do."
)
@click.option("--organisation", default="", help="Organisation.  [default: the hospital's]")
@folder_option
@password_option
@common
def enrol(
    settings: Settings,
    name: str,
    title: str,
    roles: tuple[str, ...],
    organisation: str,
    folder: Path | None,
    password_file: Path | None,
) -> None:
    """Make an account NAME for a person, with keys that stay in the hospital's folder.

    The account is encrypted with a new password in accounts/NAME.password beside it.

    \b
    Examples:
      trine health enrol dr-li --title "Dr. Li" --role clinician
      trine health enrol prof-chen --title "Prof. Chen" --role reviewer
    """

    async def work() -> dict[str, Any]:
        async with _opened(settings, folder, password_file) as hospital:
            accounts = hospital.folder / "accounts"
            if name in hospital.accounts.names():
                raise BadArgument(f"there is an account {name} already: name another")
            account = hospital.accounts.create(name, _new_password(accounts, name))
            from trine.apps.health.people import Role  # noqa: PLC0415

            person = hospital.enrol(account, title, *map(Role, roles), organisation=organisation)
            return {"account": name, "id": person.id.hex(), "roles": sorted(roles)}

    document = asyncio.run(work())
    settings.emit(document, facts(**document | {"roles": ", ".join(document["roles"]) or None}))


@health.command("receive")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--patient", metavar="ID", help="Whose files of variants (VCF) they are: the hospital's own id."
)
@folder_option
@key_option
@password_option
@common
def receive(
    settings: Settings,
    files: tuple[Path, ...],
    patient: str | None,
    folder: Path | None,
    key_name: str | None,
    password_file: Path | None,
) -> None:
    """Check FHIR FILES (R4; JSON or NDJSON), seal their records and anchor them.

    Files of genetic variants (VCF 4.3, .vcf) are checked and become a record of the patient.

    \b
    Examples:
      trine health receive export.ndjson bundle.json
      trine health receive exome.vcf.gz --patient p-1
    """

    async def work() -> int:
        key = settings.open_key(key_name or _organisation(settings, folder), None)
        async with _opened(settings, folder, password_file, key) as hospital:
            return sum([await _take(hospital, path, patient) for path in files])

    count = asyncio.run(work())
    settings.emit({"records": count}, [f"{count:,} records, each with the chain's proof"])


async def _take(hospital: "Hospital", path: Path, patient: str | None) -> int:
    """Take a file in; returns how many records it became."""
    from trine.apps.health import vcf  # noqa: PLC0415 - heavy

    if not vcf.is_vcf(path):
        return await hospital.receive_file(path)
    if patient is None:
        message = f"{path} names no patient: say whose it is with --patient ID"
        raise BadArgument(message, instance=str(path))
    try:
        resource = vcf.resource_of(vcf.read_vcf(path), patient)
    except InvalidVcf as error:
        raise InvalidVcf(f"{path}: {error}", instance=str(path)) from None
    return await hospital.receive(json.dumps(resource).encode())


@health.command("records")
@click.argument("patient", metavar="ID")
@folder_option
@password_option
@common
def list_records(
    settings: Settings, patient: str, folder: Path | None, password_file: Path | None
) -> None:
    """List the records of a patient by the hospital's own ID: types and dates, no content.

    \b
    Example:
      trine health records p-1
    """

    async def work() -> list[dict[str, Any]]:
        async with _opened(settings, folder, password_file) as hospital:
            found = hospital.list_records(hospital.admissions.find(patient))
            return [{**one._asdict(), "record": one.record.hex()} for one in found]

    listed = asyncio.run(work())
    rows = [(one["record"], one["type_name"], one["date"] or None) for one in listed]
    settings.emit({"records": listed}, columns(("RECORD", "TYPE", "DATE"), rows))


@health.command("erase")
@click.argument("record", type=ParsedType("record", Digest.parse))
@click.option("--yes", is_flag=True, help="Do not ask.")
@folder_option
@password_option
@common
def erase(
    settings: Settings, record: Digest, yes: bool, folder: Path | None, password_file: Path | None
) -> None:
    """Erase RECORD for good: its key, its salt and the record itself.

    Its entry stays in the log, which verifies as before, and says nothing any more. Copies that
    somebody opened, and backups, are beyond it.

    \b
    Example:
      trine health erase 5f0c8e... --yes
    """
    if not yes:
        if not sys.stdin.isatty():
            raise BadArgument("erasing is for good: say --yes where nobody can be asked")
        click.confirm(f"Erase {record} for good?", abort=True, err=True)

    async def work() -> None:
        async with _opened(settings, folder, password_file) as hospital:
            hospital.custody.erase(OfModel(bytes(record)))

    asyncio.run(work())
    settings.emit({"erased": str(record)}, [f"Erased {record}: its entry says nothing any more"])


@health.command("link")
@click.argument("name")
@click.option("--regulator", is_flag=True, help="NAME is a regulator, who needs no account.")
@click.option(
    "--url",
    default="http://127.0.0.1:8660",
    show_default=True,
    help="Where the pages are served.",
)
@folder_option
@password_option
@common
def link(
    settings: Settings,
    name: str,
    *,
    regulator: bool,
    url: str,
    folder: Path | None,
    password_file: Path | None,
) -> None:
    """Print a link with which NAME signs in to the pages: it works once, for 15 minutes.

    NAME is an account, or the hospital's own id of a patient whose key it keeps. Whoever has the
    link comes in: hand it over in person, or on a way that only they read.

    \b
    Examples:
      trine health link dr-li
      trine health link --regulator "Health Office"
    """

    async def work() -> str:
        async with _opened(settings, folder, password_file) as hospital:
            from trine.apps.health.hospital import now_ms  # noqa: PLC0415
            from trine.apps.health.pages import doors  # noqa: PLC0415
            from trine.apps.health.pages.links import Links  # noqa: PLC0415

            target = doors.regulator_target(name) if regulator else doors.target_of(hospital, name)
            return Links(hospital.store, now_ms).make(target)

    made = f"{url.rstrip('/')}/enter/{asyncio.run(work())}"
    settings.emit({"link": made}, [made])


@health.command("serve")
@click.option(
    "--listen", default="127.0.0.1:8660", show_default=True, metavar="IP:PORT", help="Where."
)
@certificate_option
@certificate_key_option
@click.option(
    "--time-zone",
    default="UTC",
    show_default=True,
    metavar="ZONE",
    help="Zone of the times on pages, such as Asia/Shanghai.",
)
@folder_option
@key_option
@password_option
@common
def serve(
    settings: Settings,
    listen: str,
    certificate: Path | None,
    certificate_key: Path | None,
    time_zone: str,
    folder: Path | None,
    key_name: str | None,
    password_file: Path | None,
) -> None:
    """Serve the hospital's pages for clinicians, reviewers, patients and regulators.

    Prints where it listens once it does, and runs until it is stopped. People sign in with links
    of `trine health link`; the server signs for them with the keys of their accounts.

    \b
    Examples:
      trine health serve
      trine health serve --time-zone Asia/Shanghai --listen 0.0.0.0:8660 \\
          --certificate pages.pem --certificate-key pages.key
    """
    host, port = listen_address(listen, certificate, certificate_key)
    zone = _zone(time_zone)
    place = folder or settings.home.path / FOLDER
    key = settings.open_key(key_name or _organisation(settings, folder), None)
    socket_there = listener(host, port)
    app = _application(settings, place, password_file, key, zone, is_safe=certificate is not None)
    serve_app(app, socket_there, certificate, certificate_key)


@health.command("verify")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--trust",
    "trust_file",
    required=True,
    type=click.Path(path_type=Path),
    help="Trust file of the chain, from its operators.",
)
@click.option(
    "--log",
    required=True,
    type=click.IntRange(0),
    help="Number of the hospital's log of histories, known from elsewhere.",
)
@common
def verify(settings: Settings, file: Path, trust_file: Path, log: int) -> None:
    """Verify a FILE that a page handed out, history.zip or report.zip. No network is needed.

    \b
    Examples:
      trine health verify history.zip --trust trust.json --log 2
    """
    _modules()
    from trine.apps.health.pages.packing import check_pack  # noqa: PLC0415
    from trine.apps.health.patient import VerifiedHistory  # noqa: PLC0415

    shown = check_pack(file, Trust.load(trust_file), log)
    if isinstance(shown, VerifiedHistory):
        document: dict[str, Any] = {
            "verified": True,
            "kind": "history",
            "chain": shown.chain,
            "complete_ms": shown.complete_ms,
            "events": len(shown.history.seen),
        }
        lines = [
            f"{moment(one.time_ms)}  {one.kind:<10}  {one.name}  {one.purpose}  {one.type_name}"
            for one in shown.history.seen
        ]
        last = f"complete until {moment(shown.complete_ms)}: {len(lines)} events, none missing"
        settings.emit(document, [*(line.rstrip() for line in lines), last])
        return
    totals: dict[str, int] = {}
    for (kind, _, _), count in shown.totals.items():
        totals[str(kind)] = totals.get(str(kind), 0) + count
    document = {"verified": True, "kind": "report", "totals": totals, "void": shown.void}
    settings.emit(document, [*facts(**totals), "every event of the log is in the report"])


def _modules() -> Any:
    """Load what needs more packages than the command line.

    Raises:
        Unsupported: One is not installed.
    """
    try:
        from trine.apps.health import hospital  # noqa: PLC0415
        from trine.apps.health.pages import app  # noqa: F401, PLC0415
    except ImportError as error:
        message = f"the hospital needs {error.name}: pip install 'trine[platform]'"
        raise Unsupported(message) from None
    return hospital


def _organisation(settings: Settings, folder: Path | None) -> str:
    """Name the organisation of the hospital, which names its key too."""
    place = folder or settings.home.path / FOLDER
    return str(_modules().Founding.read(place).custodian)


def _new_password(folder: Path, name: str = RECORDS) -> bytes:
    """Make a password and keep it beside the key that it opens."""
    password = secrets.token_hex(PASSWORD_BYTES).encode()
    write_secret(folder / f"{name}.password", password + b"\n")
    return password


def _hospital_password(place: Path, password_file: Path | None) -> bytes:
    """Read the password of the hospital's keys.

    Raises:
        NoPassword: No file holds it.
    """
    path = password_file or place / "keys" / f"{RECORDS}.password"
    if not path.exists():
        raise NoPassword(f"{path} is missing: name it with --hospital-password-file")
    return read_password(path)


def _account_password(place: Path, of_hospital: bytes) -> Callable[[str], bytes]:
    """Return what gives an account's password: the file beside it, else the hospital's."""

    def read(name: str) -> bytes:
        path = place / "accounts" / f"{name}.password"
        return read_password(path) if path.exists() else of_hospital

    return read


@contextlib.asynccontextmanager
async def _opened(
    settings: Settings,
    folder: Path | None,
    password_file: Path | None,
    key: SigningKey | None = None,
) -> AsyncIterator["Hospital"]:
    """Open the hospital for the time of a command."""
    modules = _modules()
    place = folder or settings.home.path / FOLDER
    modules.Founding.read(place)
    password = _hospital_password(place, password_file)
    async with chain_client(settings, key) as client:
        hospital = modules.Hospital(place, password, client, Trust.load(settings.home.trust))
        try:
            yield hospital
        finally:
            hospital.close()


def _application(
    settings: Settings,
    place: Path,
    password_file: Path | None,
    key: SigningKey,
    zone: ZoneInfo,
    *,
    is_safe: bool,
) -> "FastAPI":
    """Put the pages together; the hospital is opened here, in the thread that serves it."""
    modules = _modules()
    from trine.apps.health.pages.app import create_app  # noqa: PLC0415

    password = _hospital_password(place, password_file)
    client = chain_client(settings, key)
    hospital = modules.Hospital(place, password, client, Trust.load(settings.home.trust))

    @contextlib.asynccontextmanager
    async def lifespan(app: "FastAPI") -> AsyncIterator[None]:
        async with client:
            await hospital.resume()
            beside = [
                asyncio.create_task(_deliver(hospital)),
                asyncio.create_task(app.state.site.prepare()),
            ]
            yield
            for task in beside:
                task.cancel()
            app.state.site.close()
        hospital.close()

    passwords = _account_password(place, password)
    return create_app(hospital, passwords, zone, is_safe=is_safe, lifespan=lifespan)


async def _deliver(hospital: "Hospital") -> None:
    """Deliver notices that wait, now and then."""
    while True:
        await asyncio.sleep(DELIVER_S)
        try:
            await hospital.notices.deliver()
        except TrineError as error:
            click.echo(f"trine: notices wait: {error} [{error.code}]", err=True)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        message = f"--time-zone is {name!r:.60}, expected one such as UTC or Asia/Shanghai"
        raise BadArgument(message) from None
