"""Run a hospital: found it, enrol people, take records in, serve its pages, verify its proofs."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
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
from trine._cli.health_parties import claim, consent, count
from trine._cli.health_parts import (
    FOLDER,
    HISTORIES,
    RECORDS,
    account_password,
    folder_option,
    health_modules,
    hospital_password,
    key_option,
    new_password,
    opened,
    organisation_of,
    password_option,
    trust_option,
)
from trine._cli.settings import ParsedType, Settings, columns, common, facts, moment
from trine.client.home import read_password
from trine.client.verification import Trust
from trine.crypto import SigningKey
from trine.errors import BadArgument, TrineError
from trine.errors.health import InvalidVcf
from trine.model.identifiers import Digest as OfModel
from trine.types import Digest

if TYPE_CHECKING:
    from fastapi import FastAPI

    from trine.apps.health.definitions import Release
    from trine.apps.health.hospital import Hospital

ROLES: Final = ("clinician", "reviewer", "researcher", "staff")
DELIVER_S: Final = 60.0
"""Seconds between two tries to deliver notices that wait."""
RELEASES: Final = ("R4", "R4B", "R5")


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


for _command in (consent, claim, count):
    health.add_command(_command)


@health.command("found")
@click.argument("organisation")
@click.option(
    "--objects",
    default="",
    metavar="PLACE",
    help="Keep sealed records in a bucket, s3://BUCKET/PREFIX, or in a folder of their own; keys, "
    "region and endpoint of an S3 come from the environment (AWS_...).  [default: FOLDER/store]",
)
@folder_option
@key_option
@password_option
@common
def found(
    settings: Settings,
    organisation: str,
    objects: str,
    folder: Path | None,
    key_name: str | None,
    password_file: Path | None,
) -> None:
    """Found the hospital of an ORGANISATION of the chain: two logs, and a folder.

    The key that opens every record is encrypted with a password: of --hospital-password-file, or a
    new one in FOLDER/keys/records.password, for its owner alone. With --objects the records, as
    they are encrypted, lie there; every later command finds the place in FOLDER/hospital.json. Keys
    and histories stay in FOLDER.

    \b
    Examples:
      trine health found hospital
      trine health found city --key notary --hospital /srv/hospital
      trine health found city --key notary --objects s3://records/city
    """
    from trine.types import LogCreate  # noqa: PLC0415

    founding = health_modules().Founding
    place = folder or settings.home.path / FOLDER
    if (place / "hospital.json").exists():
        raise BadArgument(f"{place} holds a hospital already", instance=str(place))
    lies = _checked_place(objects)
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
    password = read_password(password_file) if password_file else new_password(place / "keys")
    founding(organisation, trust.suite, *numbers, objects=lies).write(place, password)
    document = {"folder": str(place), "records_log": numbers[0], "histories_log": numbers[1]}
    settings.emit(document | {"objects": lies}, facts(**document, objects=lies or None))


def _checked_place(objects: str) -> str:
    """Return where records shall lie, after something was kept there for a moment."""
    from trine.apps.health.sealed_records import check_place, open_place  # noqa: PLC0415

    lies = str(Path(objects).absolute()) if objects and ":" not in objects else objects
    opened_place = open_place(lies)
    if opened_place is not None:
        check_place(opened_place)
    return lies


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
        async with opened(settings, folder, password_file) as hospital:
            accounts = hospital.folder / "accounts"
            if name in hospital.accounts.names():
                raise BadArgument(f"there is an account {name} already: name another")
            account = hospital.accounts.create(name, new_password(accounts, name))
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
@click.option(
    "--release",
    "release_name",
    type=click.Choice(RELEASES),
    default="R4",
    show_default=True,
    help="Release of FHIR whose definitions hold.",
)
@folder_option
@key_option
@password_option
@common
def receive(
    settings: Settings,
    files: tuple[Path, ...],
    patient: str | None,
    release_name: str,
    folder: Path | None,
    key_name: str | None,
    password_file: Path | None,
) -> None:
    """Check FHIR FILES (JSON or NDJSON), seal their records and anchor them.

    Files are of R4 unless --release says otherwise; what its release does not define is refused.

    Files of genetic variants (VCF 4.3, .vcf) are checked and become a record of the patient.

    \b
    Examples:
      trine health receive export.ndjson bundle.json
      trine health receive export.ndjson --release R5
      trine health receive exome.vcf.gz --patient p-1
    """

    async def work() -> int:
        key = settings.open_key(key_name or organisation_of(settings, folder), None)
        async with opened(settings, folder, password_file, key) as hospital:
            from trine.apps.health.definitions import Release  # noqa: PLC0415

            release = Release[release_name]
            return sum([await _take(hospital, path, patient, release) for path in files])

    count = asyncio.run(work())
    settings.emit({"records": count}, [f"{count:,} records, each with the chain's proof"])


async def _take(hospital: "Hospital", path: Path, patient: str | None, release: "Release") -> int:
    """Take a file in; returns how many records it became."""
    from trine.apps.health import vcf  # noqa: PLC0415 - heavy

    if not vcf.is_vcf(path):
        return await hospital.receive_file(path, release)
    if patient is None:
        message = f"{path} names no patient: say whose it is with --patient ID"
        raise BadArgument(message, instance=str(path))
    try:
        resource = vcf.resource_of(vcf.read_vcf(path), patient)
    except InvalidVcf as error:
        raise InvalidVcf(f"{path}: {error}", instance=str(path)) from None
    return await hospital.receive(json.dumps(resource).encode(), release)


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
        async with opened(settings, folder, password_file) as hospital:
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
        async with opened(settings, folder, password_file) as hospital:
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
        async with opened(settings, folder, password_file) as hospital:
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
    key = settings.open_key(key_name or organisation_of(settings, folder), None)
    socket_there = listener(host, port)
    app = _application(settings, place, password_file, key, zone, is_safe=certificate is not None)
    serve_app(app, socket_there, certificate, certificate_key)


@health.command("verify")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@trust_option
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
    health_modules()
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
    for (kind, _, _), events in shown.totals.items():
        totals[str(kind)] = totals.get(str(kind), 0) + events
    document = {"verified": True, "kind": "report", "totals": totals, "void": shown.void}
    settings.emit(document, [*facts(**totals), "every event of the log is in the report"])


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
    modules = health_modules()
    from trine.apps.health.pages.app import create_app  # noqa: PLC0415

    password = hospital_password(place, password_file)
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

    passwords = account_password(place, password)
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
