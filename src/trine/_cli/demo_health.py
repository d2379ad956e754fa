"""Show a hospital that anchors every record, and answers who opened what and why."""

import asyncio
import json
import secrets
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from trine._cli import local_network, processes
from trine._cli.load_network import suite_option
from trine._cli.network import command
from trine._cli.node_files import write_secret
from trine._cli.settings import Settings, columns
from trine.client.home import Home
from trine.errors import BadArgument, BadInput, Internal, TrineError, Unsupported
from trine.types import LogCreate

if TYPE_CHECKING:
    from trine.apps.health.hospital import Hospital
    from trine.apps.health.story import Step
    from trine.client import AsyncClient

STATE_FILE: Final = "demo.json"
"""File of the folder that says how far the demonstration came."""
STATE_FORMAT: Final = "trine-demo-health-v1"
BEGUN, DONE = "begun", "done"
MADE: Final = (
    "nodes", "keys", "authorities", "hospital", "input", "export", "genesis.json", "trust.json",
    "network.json", "network.json.partial", "pages.log",
)  # fmt: skip
"""What a demonstration makes in its folder."""
VALIDATORS: Final = 4
HOSPITAL: Final = "hospital"
"""Organisation of the network that the records belong to, and name of its key."""
RECORDS, HISTORIES = "records", "histories"
REGULATOR: Final = "Health Office"
FOLDER_DEFAULT: Final = "hospital-demo"
RECORDS_DEFAULT: Final = 1_500
RECORDS_MAX: Final = 100_000
SEED: Final = 1
FILES_MAX: Final = 10_000
"""Files of a folder that are read."""
FILES_AT_ONCE: Final = 4
REFUSED_SHOWN_MAX: Final = 10
"""Refused files that are named in the table; `--json` names them all."""
PASSWORD_BYTES: Final = 16
TELL_RECORDS: Final = 500
TABLE_CHARACTERS: Final = 80
"""Characters of a sentence in one line of the table."""


@dataclass
class Report:
    """What the demonstration did.

    Attributes:
        home: Folder of everything.
        suite: Algorithms of the chain.
        records: Records that were kept.
        patients: Patients whose records they are.
        refused: Files that were refused: name, code, what is wrong and where.
        steps: Steps of the story.
        offline: What was verified with every node off.
        seconds: How long it took.
    """

    home: str
    suite: str
    records: int = 0
    patients: int = 0
    refused: list[dict[str, str]] = field(default_factory=list)
    steps: "list[Step]" = field(default_factory=list)
    offline: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        """Return it for programs."""
        return {**vars(self), "steps": [step._asdict() for step in self.steps]}


@click.command("health")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option(
    "--records",
    type=click.IntRange(100, RECORDS_MAX),
    default=RECORDS_DEFAULT,
    show_default=True,
    help="FHIR resources that are made up, where no FOLDER is given.",
)
@click.option(
    "--patients", type=click.IntRange(1, RECORDS_MAX), help="Make up so many patients at most."
)
@suite_option
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=FOLDER_DEFAULT,
    show_default=True,
    help="New folder for the network, the hospital and what is exported.",
)
@click.option("--serve", is_flag=True, help="At the end let nodes and pages run, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def demo_health(
    folder: Path | None,
    records: int,
    patients: int | None,
    suite: str,
    home: Path,
    *,
    serve: bool,
    as_json: bool,
) -> None:
    """Run the whole story of a hospital: about a minute, on a network of its own.

    Four validators start. Records are made up, or read from the FHIR files in FOLDER (JSON, NDJSON,
    also with .gz); each is checked, encrypted, anchored. Then people act: consent, access, refusal,
    emergency, withdrawal, claim, research, erasure, oversight. At the end every node is stopped,
    and all is verified from exported files. With --serve, nodes and the hospital's pages run on
    then, with a link for each of the people. Where it was interrupted, it begins anew in the same
    folder. Needs the packages of trine[platform].

    \b
    Examples:
      trine demo health
      trine demo health --records 500 --home small-demo
      trine demo health exports/ --home real-demo --json
    """
    started = time.monotonic()
    settings = Settings(Home(home.expanduser().absolute()), None, as_json)
    files = None if folder is None else find_files(folder)
    _check_home(settings)
    _check_packages()
    report = Report(str(settings.home.path), suite)
    settings.note(f"1. Four organisations start a network of {VALIDATORS} validators")
    with _network(settings, suite):
        inputs = files or [_make_up(settings, records, patients)]
        asyncio.run(_act(settings, inputs, report))
    settings.note("4. The network is stopped; everything is verified from files")
    report.offline = _verify(settings)
    _note_state(settings.home, DONE)
    report.seconds = round(time.monotonic() - started, 1)
    settings.emit(report.document(), _lines(settings, report))
    if serve:
        _serve(settings)


def find_files(folder: Path) -> list[Path]:
    """List the files of a folder that are read, sorted; hidden ones are not.

    Raises:
        BadArgument: There is no such folder, no file in it, or there are more than `FILES_MAX`.
    """
    if not folder.is_dir():
        message = f"{folder} is no folder: name one that holds FHIR files (JSON, NDJSON)"
        raise BadArgument(message, instance=str(folder))
    found = sorted(
        path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")
    )
    if not found:
        message = f"{folder} holds no file: expected FHIR Bundles (JSON) or NDJSON"
        raise BadArgument(message, instance=str(folder))
    if len(found) > FILES_MAX:
        message = f"{folder} holds {len(found)} files, at most {FILES_MAX} are read"
        raise BadArgument(message, instance=str(folder))
    return found


def _check_home(settings: Settings) -> None:
    """Refuse a folder of anything else than a demonstration that was interrupted.

    Raises:
        BadArgument: The folder holds a demonstration that is finished, or other files.
    """
    path = settings.home.path
    state = _state(settings.home)
    if state == DONE:
        serve = command(settings, "health", "serve")
        up = command(settings, "up", "--detach")
        message = f"{path} holds a demonstration that is finished. To look at it: {up}, then"
        message += f" {serve}. For a new one name another --home, or remove the folder"
        raise BadArgument(message, instance=str(path))
    if state is None and path.exists() and any(path.iterdir()):
        message = f"{path} is not empty: name another --home, or remove it"
        raise BadArgument(message, instance=str(path))


def _state(home: Home) -> str | None:
    """Read how far the demonstration in a folder came; nothing where there is none."""
    try:
        document = json.loads((home.path / STATE_FILE).read_bytes())
        return str(document["state"]) if document["format"] == STATE_FORMAT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _note_state(home: Home, state: str) -> None:
    """Note how far it came, so that a further call knows what the folder holds."""
    text = json.dumps({"format": STATE_FORMAT, "state": state}) + "\n"
    (home.path / STATE_FILE).write_text(text)


def _begin(settings: Settings) -> None:
    """Note that a demonstration begins; what an interrupted one left is stopped and removed.

    Nothing is removed but what a demonstration makes.
    """
    home = settings.home
    if _state(home) is not None:
        settings.note(f"The demonstration in {home.path} was interrupted; it begins anew")
        if home.has_network():
            processes.stop(home)
        for name in MADE:
            path = home.path / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    _note_state(home, BEGUN)


def _check_packages() -> None:
    try:
        from trine.apps.health import story  # noqa: F401, PLC0415 - heavy
    except ImportError as error:
        message = f"this needs {error.name}: pip install 'trine[platform]'"
        raise Unsupported(message) from None


@contextmanager
def _network(settings: Settings, suite: str) -> Iterator[None]:
    """Run a new network in the home; it is stopped whatever happens."""
    from trine.bench.peers.processes import undisturbed  # noqa: PLC0415 - heavy

    home = settings.home
    with processes.locked(home):
        _begin(settings)
        local_network.create(home, VALIDATORS, suite, None)
        try:
            processes.start(home)
            processes.wait_until_final(home, settings.note)
            yield
        finally:
            with undisturbed():
                processes.stop(home)


def _make_up(settings: Settings, records: int, patients: int | None) -> Path:
    """Write records of made-up patients as a bulk export would."""
    from trine.apps.health.canonical import canonical  # noqa: PLC0415
    from trine.apps.health.generator import generate  # noqa: PLC0415

    path = settings.home.path / "input" / "records.ndjson"
    path.parent.mkdir(mode=0o700)
    seen = 0
    with path.open("wb") as file:
        for resource in islice(generate(SEED), records):
            seen += resource["resourceType"] == "Patient"
            if patients is not None and seen > patients:
                break
            file.write(canonical(resource) + b"\n")
    return path


async def _act(settings: Settings, files: list[Path], report: Report) -> None:
    """Found the hospital, give it the records, tell the story, and export everything."""
    from trine.apps.health.hospital import Founding, Hospital  # noqa: PLC0415
    from trine.apps.health.offline import export_hospital  # noqa: PLC0415
    from trine.apps.health.story import Story  # noqa: PLC0415
    from trine.client import AsyncClient, Trust  # noqa: PLC0415

    home = settings.home
    folder = home.path / HOSPITAL
    trust = Trust.load(home.trust)
    async with AsyncClient(home.urls(), key=home.open_key(HOSPITAL)) as client:
        logs = [await _new_log(client, name) for name in (RECORDS, HISTORIES)]
        password = _new_password(folder / "keys", RECORDS)
        Founding(HOSPITAL, trust.suite, *logs).write(folder, password)
        hospital = Hospital(folder, password, client, trust)
        settings.note("2. Records are checked, encrypted and anchored on the chain")
        await _fill(settings, hospital, files, report)
        settings.note("3. People work with them")
        story = Story(
            hospital,
            lambda name: _new_password(folder / "accounts", name),
            lambda line: settings.note(f"   {line}"),
        )
        report.steps = await story.run()
        settings.note("   All records, receipts and histories are exported")
        await export_hospital(hospital, home.trust.read_bytes(), home.path / "export")
        hospital.close()


async def _new_log(client: "AsyncClient", name: str) -> int:
    await client.submit(LogCreate(name=name))
    return int((await client.log(f"{HOSPITAL}/{name}")).id)


def _new_password(folder: Path, name: str) -> bytes:
    """Make a password and write it beside the key that it opens, for its owner alone."""
    password = secrets.token_hex(PASSWORD_BYTES).encode()
    write_secret(folder / f"{name}.password", password + b"\n")
    return password


async def _fill(
    settings: Settings, hospital: "Hospital", files: list[Path], report: Report
) -> None:
    """Give the hospital every file; those that it refuses are told, and the others go on."""
    turn = asyncio.Semaphore(FILES_AT_ONCE)
    told = 0

    def tell(phase: str, count: int) -> None:
        if phase == "kept" and len(files) == 1 and count % TELL_RECORDS == 0:
            settings.note(f"   {count:,} records are checked and encrypted")

    async def one(path: Path) -> None:
        nonlocal told
        async with turn:
            try:
                report.records += await hospital.receive_file(path, progress=tell)
            except BadInput as error:
                report.refused.append(_refusal(path, error))
                settings.note(f"   {path.name} is refused: {error} [{error.code}]")
        if report.records - told >= TELL_RECORDS:
            told = report.records
            settings.note(f"   {told:,} records are on the chain")

    await asyncio.gather(*map(one, files))
    totals = hospital.totals()
    report.records, report.patients = totals.records, totals.patients
    if not report.patients:
        raise _nothing(files, report)
    settings.note(f"   {report.records:,} records of {report.patients:,} patients, each with proof")


def _refusal(path: Path, error: TrineError) -> dict[str, str]:
    return {"file": path.name, "code": error.code, "detail": str(error)}


def _nothing(files: list[Path], report: Report) -> TrineError:
    """Say why there is no patient to tell a story of."""
    where = files[0].parent
    message = f"no file of {where} holds records of a patient"
    if report.refused:
        first = report.refused[0]
        message += f"; {len(report.refused)} of {len(files)} were refused, the first, "
        message += f"{first['file']}, because of {first['code']}: {first['detail']}"
    return BadArgument(message, instance=str(where))


def _verify(settings: Settings) -> dict[str, Any]:
    """Verify documents, histories and report with every node off; an altered one is named."""
    from trine.apps.health.offline import check_history_files, check_report_file  # noqa: PLC0415

    export = settings.home.path / "export"
    found = _verify_documents(export)
    if found["failures"]:
        raise Internal(f"documents do not verify: {found['failures'][0]['detail']}")
    settings.note(f"   {found['files']:,} records verify with their receipts")
    histories = check_history_files(export)
    failed = [f"{name}: {error}" for name, error in histories if error is not None]
    if failed:
        raise Internal(f"histories do not verify: {failed[0]}")
    events = sum(check_report_file(export).totals.values())
    settings.note(f"   {len(histories):,} histories and the report of {events:,} events verify")
    altered = sorted((export / "documents").iterdir())[0]
    content = altered.read_bytes()
    middle = len(content) // 2
    try:
        altered.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
        failures = _verify_documents(export)["failures"]
    finally:
        altered.write_bytes(content)
    named = [Path(one["file"]).name for one in failures]
    if named != [altered.name]:
        raise Internal(f"{altered.name} was altered, and {named} were named")
    settings.note(f"   one record was altered by one bit, and named: {altered.name[:16]}…")
    return {
        "records": found["files"],
        "histories": len(histories),
        "events": events,
        "altered_is_named": True,
    }


def _verify_documents(export: Path) -> dict[str, Any]:
    words = ["evidence", "verify", str(export / "documents"), "--receipt", str(export / "receipts")]
    program = [sys.executable, "-m", "trine", *words, "--trust", str(export / "trust.json")]
    done = subprocess.run([*program, "--json"], stdout=subprocess.PIPE, check=False)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _lines(settings: Settings, report: Report) -> Iterator[str]:
    home = settings.home.path
    yield ""
    rows = [("Records", f"{report.records:,} of {report.patients:,} patients, each with a proof")]
    if report.refused:
        rows.append(("Refused", f"{len(report.refused)} files"))
        rows += [
            ("", f"{one['file']}: {one['code']}") for one in report.refused[:REFUSED_SHOWN_MAX]
        ]
    rows += [(step.title, step.outcome) for step in report.steps]
    offline = report.offline
    shown = f"{offline['records']:,} records, {offline['histories']:,} histories, the report"
    rows.append(("Every node off", f"{shown}: all verified; one altered bit was found and named"))
    yield from columns(("WHAT", "WHAT HAPPENED"), _wrapped(rows))
    yield ""
    yield from columns(
        ("WHAT LIES THERE", "WHERE"),
        (
            ("the hospital: encrypted records, keys, accounts", home / HOSPITAL),
            ("records in the clear, receipts, histories, the report", home / "export"),
            ("the four validators, stopped", home / "nodes"),
        ),
    )
    yield ""
    yield f"It took {report.seconds:.0f} s. What you can do next:"
    yield ""
    verify = f"evidence verify {home}/export/documents --receipt {home}/export/receipts"
    yield "  " + command(settings, *verify.split(), "--trust", f"{home}/export/trust.json",
                         home=False)  # fmt: skip
    yield "  " + command(settings, "up", "--detach")
    yield "  " + command(settings, "health", "serve")
    yield "  " + command(settings, "health", "link", "dr-lin")
    yield "  " + command(settings, "down")


def _wrapped(rows: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Break long sentences into lines of the table."""
    for title, text in rows:
        first, *rest = textwrap.wrap(text, TABLE_CHARACTERS)
        yield title, first
        yield from (("", line) for line in rest)


def _serve(settings: Settings) -> None:
    """Start the nodes again, and the hospital's pages, and let them run until Ctrl-C."""
    from trine.bench.peers.processes import server, undisturbed, wait_for  # noqa: PLC0415 - heavy

    home = settings.home
    log = home.path / "pages.log"
    words = ["health", "serve", "--home", str(home.path), "--listen", f"{processes.HOST}:0"]
    try:
        with processes.locked(home):
            processes.start(home)
        processes.wait_until_final(home, settings.note)
        with server([sys.executable, "-m", "trine", *words], log) as pages:
            url = wait_for(lambda: _first_line(log), "the pages", [(pages, log)])
            _invite(settings, url)
            while True:
                time.sleep(processes.POLL_S)
                processes.check_alive(home, processes.load(home)[0])
    except KeyboardInterrupt:
        settings.note("\nstopping pages and network")
    finally:
        with undisturbed():
            processes.stop(home)


def _first_line(log: Path) -> str | None:
    """Read where the pages are served, once they say so."""
    found = [line for line in log.read_text(errors="replace").splitlines() if "http" in line]
    return found[0] if found else None


def _invite(settings: Settings, url: str) -> None:
    """Tell where pages and nodes are, with a link for each of the people."""
    from trine.apps.health.hospital import now_ms  # noqa: PLC0415
    from trine.apps.health.pages import doors  # noqa: PLC0415
    from trine.apps.health.pages.links import Links  # noqa: PLC0415
    from trine.apps.health.store import FolderStore  # noqa: PLC0415
    from trine.apps.health.story import PATIENT, PEOPLE  # noqa: PLC0415

    home = settings.home
    store = FolderStore(home.path / HOSPITAL / "store")
    links = Links(store, now_ms)
    people = [(title, name) for name, title, role, _ in PEOPLE if role in doors.PAGE_ROLES]
    targets = [(title, f"{doors.ACCOUNT}:{name}") for title, name in people]
    targets.append(("the patient", f"{doors.ACCOUNT}:{PATIENT}"))
    targets.append(("the regulator", doors.regulator_target(REGULATOR)))
    rows = [(who, f"{url}/enter/{links.make(target)}") for who, target in targets]
    rows += [(f"node {node.name}", f"{node.url}/") for node in processes.load(home)[0]]
    store.close()
    settings.note("")
    for line in columns(("WHOSE PAGE", "LINK (works once, for 15 minutes)"), rows):
        settings.note(line)
    settings.note("")
    settings.note("Pages and network run. Press Ctrl-C to stop them.")
