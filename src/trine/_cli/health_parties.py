"""Give consents, make and verify claims, count for research: what people beside clinicians do."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from trine._cli.health_parts import (
    FOLDER,
    account_password,
    folder_option,
    health_modules,
    hospital_password,
    key_option,
    opened,
    organisation_of,
    password_option,
    trust_option,
)
from trine._cli.node_files import write_secret
from trine._cli.settings import ParsedType, Settings, columns, common, facts, moment
from trine.client.verification import Trust
from trine.errors import BadArgument
from trine.model.identifiers import Digest as OfModel
from trine.types import Digest

if TYPE_CHECKING:
    from trine.apps.health.accounts import Account
    from trine.apps.health.hospital import Hospital
    from trine.apps.health.uses import ResearchUse

IDENTIFIER_BYTES: Final = 4
"""Random bytes of a consent's name, where none is given."""
TOPICS: Final = ("health", "ancestry", "methods", "other")


@click.command("consent")
@click.argument("patients", nargs=-1, required=True, metavar="ID...")
@click.option(
    "--to", "people", multiple=True, required=True, metavar="ACCOUNT", help="Who may; repeatable."
)
@click.option(
    "--purpose",
    "purposes",
    multiple=True,
    required=True,
    metavar="CODE",
    help="What for, of HL7's PurposeOfUse, such as TREAT, HPAYMT, HRESCH; repeatable.",
)
@click.option(
    "--type",
    "types",
    multiple=True,
    metavar="TYPE",
    help="Resource type; without: all; repeatable.",
)
@click.option(
    "--use",
    "uses",
    multiple=True,
    metavar="TERM[=VALUE]",
    help="For research: term of GA4GH DUO, such as HMB, NPUNCU, DS=MONDO:0004992; repeatable.",
)
@click.option("--last-day", metavar="YYYY-MM-DD", help="Last day, in UTC.  [default: no end]")
@click.option("--name", "identifier", help="Name of the consent.  [default: a random one]")
@folder_option
@key_option
@password_option
@common
def consent(
    settings: Settings,
    patients: tuple[str, ...],
    people: tuple[str, ...],
    purposes: tuple[str, ...],
    types: tuple[str, ...],
    uses: tuple[str, ...],
    last_day: str | None,
    identifier: str | None,
    folder: Path | None,
    key_name: str | None,
    password_file: Path | None,
) -> None:
    """Give a consent of the patient with the hospital's own ID, who is here and says so.

    It is signed with the key that the hospital keeps for the patient; who keeps the own key gives
    consents on the pages, or signs them elsewhere. Of several IDs each patient gives one; where one
    is refused, those before it are given.

    \b
    Examples:
      trine health consent p-1 --to insurer --purpose HPAYMT --last-day 2027-12-31
      trine health consent p-1 --to ms-novak --purpose HRESCH --use HMB --use NPUNCU
    """
    name = identifier or f"c-{secrets.token_hex(IDENTIFIER_BYTES)}"

    async def work() -> list[str]:
        key = settings.open_key(key_name or organisation_of(settings, folder), None)
        async with opened(settings, folder, password_file, key) as hospital:
            from trine.apps.health.accounts import account_of  # noqa: PLC0415
            from trine.apps.health.actions import Actions  # noqa: PLC0415
            from trine.apps.health.consent import Terms  # noqa: PLC0415
            from trine.apps.health.uses import read_term  # noqa: PLC0415

            actions, admissions = Actions(hospital), hospital.admissions
            open_account = _accounts(settings, folder, password_file, hospital)
            terms = Terms(
                name,
                admissions.find(patients[0]),
                hospital.custodian,
                frozenset(actions.person(open_account(one)).id for one in people),
                frozenset(_known_purposes(purposes)),
                frozenset(types),
                last_ms=_last_ms(last_day) if last_day else None,
                uses=dict(map(read_term, uses)),
            )
            entries = []
            for patient in patients:
                own = account_of(patient, admissions.key_of(patient), hospital.records.suite)
                theirs = replace(terms, patient=admissions.find(patient))
                entries.append((await actions.give_consent(own, theirs)).entry.hex())
            return entries

    made = [
        {"patient": patient, "entry": entry}
        for patient, entry in zip(patients, asyncio.run(work()), strict=True)
    ]
    rows = [(one["patient"], one["entry"]) for one in made]
    lines = [f"consent {name}", *columns(("PATIENT", "ENTRY"), rows)]
    settings.emit({"consent": name, "given": made}, lines)


@click.group("claim")
def claim() -> None:
    """Make a claim that names records, and verify one without seeing the records.

    \b
    Examples:
      trine health claim make 5f0c8e... --insurer insurer --insured 77 --policy 4711 \\
          --out claim.zip
      trine health claim verify claim.zip --trust trust.json --log 1
    """


@claim.command("make")
@click.argument(
    "records", nargs=-1, required=True, metavar="RECORD...", type=ParsedType("record", Digest.parse)
)
@click.option("--insurer", required=True, metavar="ACCOUNT", help="Account of the insurer here.")
@click.option("--insured", required=True, help="How the insurer names whom it is about.")
@click.option("--policy", required=True, help="How the insurer names the policy.")
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="POINTER",
    help="Also show this value, such as /code/coding/0/code; repeatable.",
)
@click.option(
    "--purpose",
    default="HPAYMT",
    show_default=True,
    metavar="CODE",
    help="What the insurer asks for.",
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="New file."
)
@folder_option
@key_option
@password_option
@common
def make(
    settings: Settings,
    records: tuple[Digest, ...],
    insurer: str,
    insured: str,
    policy: str,
    fields: tuple[str, ...],
    purpose: str,
    out: Path,
    folder: Path | None,
    key_name: str | None,
    password_file: Path | None,
) -> None:
    """Write a claim about RECORDS of one patient and month, with what proves it, for an insurer.

    Shown of each record are hospital, type, month and each --field, and nothing else. That the
    insurer asked is in the patient's history, and so is a refusal where no consent permits it.

    \b
    Examples:
      trine health claim make 5f0c8e... --insurer insurer --insured 77 --policy 4711 \\
          --out claim.zip
      trine health claim make 5f0c8e... --insurer insurer --insured 77 --policy 4711 \\
          --field /code/coding/0/code --out claim.zip
    """
    if out.exists():
        raise BadArgument(f"{out} exists: name a new file", instance=str(out))

    async def work() -> bytes:
        key = settings.open_key(key_name or organisation_of(settings, folder), None)
        async with opened(settings, folder, password_file, key) as hospital:
            from trine.apps.health.claim_files import Claimed, make_claim  # noqa: PLC0415

            wanted = Claimed(insurer, _known_purposes([purpose])[0], fields, insured, policy)
            open_account = _accounts(settings, folder, password_file, hospital)
            entries = [OfModel(bytes(one)) for one in records]
            return (await make_claim(hospital, entries, wanted, open_account)).encode()

    # It shows facts about a patient: for its owner alone, who hands it to the insurer.
    write_secret(out, asyncio.run(work()))
    settings.emit(
        {"file": str(out), "records": len(records)},
        [f"{out}: a claim about {len(records)} records"],
    )


@claim.command("verify")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@trust_option
@click.option(
    "--log",
    required=True,
    type=click.IntRange(0),
    help="Number of the hospital's log of records, known from elsewhere.",
)
@common
def verify(settings: Settings, file: Path, trust_file: Path, log: int) -> None:
    """Verify the claim in FILE: its records exist, are the hospital's, and of its time.

    No network is needed, and no record is seen. Whether another claim named a record before is for
    the insurer to remember: each is printed.

    \b
    Example:
      trine health claim verify claim.zip --trust trust.json --log 1
    """
    health_modules()
    from trine.apps.health.claim_files import ClaimFile  # noqa: PLC0415
    from trine.apps.health.fields import CUSTODIAN  # noqa: PLC0415

    trust = Trust.load(trust_file)
    shown = ClaimFile.read(file).check(trust, log)
    document: dict[str, Any] = {
        "verified": True,
        "chain": trust.chain,
        "custodian": shown[0].values[CUSTODIAN],
        "records": [{**one._asdict(), "record": one.record.hex()} for one in shown],
    }
    lines = [f"the records exist at {document['custodian']}, recorded by the time that is shown"]
    for one in shown:
        lines += ["", f"{one.record.hex()}  {moment(one.recorded_ms)}"]
        lines += facts(**{name: str(value) for name, value in one.values.items()})
    settings.emit(document, lines)


@click.command("count")
@click.argument("type_name", metavar="TYPE")
@click.option("--researcher", required=True, metavar="ACCOUNT", help="Account of who asks.")
@click.option("--project", required=True, help="Name of the project.")
@click.option("--code", default="", metavar="SYSTEM|CODE", help="Code that the record has.")
@click.option("--from", "first", default="", metavar="YYYY-MM", help="First month of the record.")
@click.option("--to", "last", default="", metavar="YYYY-MM", help="Last month.")
@click.option(
    "--topic",
    "topics",
    multiple=True,
    type=click.Choice(TOPICS),
    default=["health"],
    show_default=True,
    help="What it is about; repeatable.",
)
@click.option("--disease", default="", help="Code of the disease, such as MONDO:0004992.")
@click.option("--genetic", is_flag=True, help="It is a genetic study.")
@click.option("--not-commercial", is_flag=True, help="It is not commercial.")
@click.option("--not-for-profit", is_flag=True, help="Its organisation is not for profit.")
@click.option("--country", default="", metavar="CC", help="Where, such as DE.")
@click.option("--institution", default="", help="Of whom.")
@click.option("--ethics-approval", default="", help="Number of the approval.")
@click.option("--ends-on", default="", metavar="YYYY-MM-DD", help="Last day of use.")
@click.option(
    "--promise",
    "promises",
    multiple=True,
    metavar="TERM[=VALUE]",
    help="Term of DUO that it will keep, such as PUB or MOR=2027-01-01; repeatable.",
)
@folder_option
@key_option
@password_option
@common
def count(
    settings: Settings,
    type_name: str,
    researcher: str,
    code: str,
    first: str,
    last: str,
    folder: Path | None,
    key_name: str | None,
    password_file: Path | None,
    **project: Any,
) -> None:
    """Count the patients who consented to a project and have a record of a TYPE.

    What the project says of itself is signed by the researcher and compared with the terms of DUO
    of each consent. Each count is in the history of each patient who was counted. Fewer than 10 are
    not told.

    \b
    Examples:
      trine health count Observation --researcher ms-novak --project study-7 \\
          --not-commercial --not-for-profit
      trine health count Condition --researcher ms-novak --project study-7 \\
          --code "http://snomed.info/sct|44054006" --from 2025-01 --to 2026-12
    """

    async def work() -> dict[str, Any]:
        key = settings.open_key(key_name or organisation_of(settings, folder), None)
        async with opened(settings, folder, password_file, key) as hospital:
            from trine.apps.health.actions import Actions  # noqa: PLC0415
            from trine.apps.health.definitions import check_type  # noqa: PLC0415
            from trine.apps.health.limits import SMALL_CELL_MIN  # noqa: PLC0415

            check_type(type_name)
            account = _accounts(settings, folder, password_file, hospital)(researcher)
            found = await Actions(hospital).count(
                account, type_name, _use(**project), code, (first, last)
            )
            return {
                "type": type_name,
                "project": project["project"],
                "patients": found.patients,
                "told_from": SMALL_CELL_MIN,
                "consents": [one.hex() for one in found.consents],
                "counted": [one.hex() for one in found.counted],
            }

    document = asyncio.run(work())
    patients, least = document["patients"], document["told_from"]
    told = f"fewer than {least}: no number is told" if patients is None else f"{patients:,}"
    rows = [("PATIENTS", told), ("CONSENTS", str(len(document["consents"])) if patients else "-")]
    settings.emit(document, columns((type_name, "COUNT"), rows))


def _use(
    project: str, topics: tuple[str, ...], promises: tuple[str, ...], **said: Any
) -> "ResearchUse":
    """Put together what a project says of itself."""
    from trine.apps.health.uses import ResearchUse, read_term  # noqa: PLC0415

    kept = (read_term(one) for one in promises)
    return ResearchUse(
        project,
        topics=frozenset(topics),
        is_genetic=said.pop("genetic"),
        is_commercial=not said.pop("not_commercial"),
        is_for_profit=not said.pop("not_for_profit"),
        promises=frozenset(f"{term}={value}" if value else term for term, value in kept),
        **said,
    )


def _accounts(
    settings: Settings, folder: Path | None, password_file: Path | None, hospital: "Hospital"
) -> Callable[[str], "Account"]:
    """Return what opens an account of the hospital with the password in its folder."""
    place = folder or settings.home.path / FOLDER
    password_of = account_password(place, hospital_password(place, password_file))

    def open_account(name: str) -> "Account":
        from trine.errors.health import PersonUnknown  # noqa: PLC0415

        if name not in hospital.accounts.names():
            message = f"{name[:80]!r} is no account here: make one with trine health enrol"
            raise PersonUnknown(message)
        return hospital.accounts.open(name, password_of(name))

    return open_account


def _known_purposes(purposes: Sequence[str]) -> tuple[str, ...]:
    """Return purposes that are known.

    Raises:
        BadArgument: One is none.
    """
    from trine.apps.health.codes import PURPOSES  # noqa: PLC0415

    for one in purposes:
        if one not in PURPOSES:
            message = f"{one[:40]!r} is no purpose of use, expected one such as TREAT or HPAYMT"
            raise BadArgument(message)
    return tuple(purposes)


def _last_ms(text: str) -> int:
    """Return the last millisecond of a day, in UTC."""
    try:
        after = date.fromisoformat(text) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise BadArgument(f"--last-day is {text[:40]!r}, expected one such as 2027-12-31") from None
    return int(datetime.combine(after, time(), UTC).timestamp() * 1_000) - 1
