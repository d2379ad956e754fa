"""Join what a hospital needs in one folder: records, histories, people, accounts and desks.

A hospital is founded once, on two logs of its organisation; from then on it is opened with a client
of the chain. What is signed is signed with the keys of accounts, in memory, for the time of a call.

| In the folder | |
|---|---|
| `hospital.json` | custodian, suite, the numbers of its logs, where sealed records lie |
| `keys/records.json` | the custodian's own key, which can open every record |
| `accounts/NAME.json` | keys of people who have an account here |
| `store/` | records, their keys, histories, proofs: `docs/reference/health-access.md`, section 8 |
"""

import asyncio
import json
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, Self

from trine.apps.health.access import AccessDesk
from trine.apps.health.accounts import Account, Accounts
from trine.apps.health.admissions import Admissions
from trine.apps.health.breakglass import EmergencyDesk
from trine.apps.health.custody import Base, Custody
from trine.apps.health.definitions import Release
from trine.apps.health.intake import Intake, Owned, owned_of
from trine.apps.health.limits import BUNDLE_BYTES_MAX
from trine.apps.health.log import CertifiedLog
from trine.apps.health.notices import Letterbox, Notices, Sender
from trine.apps.health.people import People, Person, Role
from trine.apps.health.reading import Received, parse, read_file
from trine.apps.health.recording import PROOFS, Progress, Recorder, no_progress
from trine.apps.health.records import Records
from trine.apps.health.research import ResearchDesk
from trine.apps.health.sealed_records import open_place
from trine.apps.health.store import FolderStore, Store
from trine.client import AsyncClient, Trust
from trine.crypto import Keystore
from trine.errors import BadConfiguration, TrineError, UnreadableFile
from trine.model.hashing import Suite
from trine.model.identifiers import Digest
from trine.services.evidence.chain import ChainLog
from trine.types import LogId

FORMAT: Final = "trine-hospital-v1"
"""Format of `hospital.json`."""
FILE: Final = "hospital.json"
RECORDS_KEY: Final = "records"
"""Name of the custodian's own key in `keys`."""
FOLDER_MODE: Final = 0o700
FILE_BYTES_MAX: Final = 64 * 1_024
SENDING_MAX: Final = 4
"""Batches of records that are on their way to the chain at once."""


@dataclass(frozen=True, slots=True)
class Founding:
    """What a hospital is; written once."""

    custodian: str
    """Name of its organisation on the chain."""
    suite: str
    """Suite of the chain: `intl` or `gm`."""
    records_log: int
    """Number of its log of records."""
    histories_log: int
    """Number of its log of histories."""
    objects: str = field(default="", kw_only=True)
    """Where sealed records lie: `s3://BUCKET/PREFIX` or a folder; empty: in `store`."""

    def write(self, folder: Path, password: bytes) -> None:
        """Make the folder of a hospital, with a new custodian's key under a password.

        Raises:
            KeyFileExists: There is a hospital in the folder.
            BadArgument: The password is empty.
        """
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        Accounts(Keystore(folder / "keys"), Suite(self.suite)).create(RECORDS_KEY, password)
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=2) + "\n"
        descriptor = os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what the hospital in a folder is.

        Raises:
            UnreadableFile: There is none, or its file cannot be read.
            BadConfiguration: Its file is damaged.
        """
        path = folder / FILE
        try:
            with path.open("rb") as file:
                document = json.loads(file.read(FILE_BYTES_MAX))
            if document.pop("format") != FORMAT:
                raise ValueError("another format")
            found = cls(**document)
            Suite(found.suite)
            LogId(found.records_log), LogId(found.histories_log)
            if type(found.objects) is not str:
                raise ValueError("objects is no text")
        except OSError as error:
            message = f"{path} cannot be read: {error.strerror}"
            raise UnreadableFile(message, instance=str(path)) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"{path} describes no hospital ({FORMAT}): {error}"
            raise BadConfiguration(message, instance=str(path)) from None
        return found


class Listed(NamedTuple):
    """One line of the list of a patient's records: no content.

    Attributes:
        record: Entry of the record.
        type_name: Resource type.
        version: Version of the resource, or empty.
        date: What dates it, to the day; empty where nothing does.
        custodian: Who keeps it.
        release: Release of FHIR.
        is_proven: Whether the chain's proof of it lies in the store.
    """

    record: Digest
    type_name: str
    version: str
    date: str
    custodian: str
    release: str
    is_proven: bool


class Totals(NamedTuple):
    """What a hospital holds.

    Attributes:
        patients: Patients who were admitted.
        people: People whom it knows.
        records: Records that are kept.
        proven: Records with a proof of the chain.
        erased: Records that were erased.
        events: Events in the histories of all patients, as far as the log was read.
    """

    patients: int
    people: int
    records: int
    proven: int
    erased: int
    events: int


def now_ms() -> int:
    """Return the Unix time in milliseconds."""
    return time.time_ns() // 1_000_000


class Hospital:
    """One hospital, with a connection to the chain. All methods are for one event loop."""

    def __init__(
        self,
        folder: Path,
        password: bytes,
        client: AsyncClient,
        trust: Trust,
        *,
        sender: Sender | None = None,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        """Open the hospital in a folder.

        Args:
            folder: The folder that `Founding.write` made.
            password: Password of the custodian's key.
            client: Client with the key of a notary of the hospital's organisation.
            trust: Whom to believe about the chain.
            sender: Who brings notices to patients; the patients' pages without one.
            clock: Unix time in milliseconds.

        Raises:
            UnreadableFile, BadConfiguration: As `Founding.read` says, or the trust file is that of
                a chain of another suite.
            BadPassword, NotAKeystore: The custodian's key cannot be opened.
            ReadOnlyFolder, DamagedData: The store cannot be used.
            BadArgument: The place of its records is none, as `open_place` says.
        """
        founding = self.founding = Founding.read(folder)
        self.folder, self.trust = folder, trust
        if trust.suite != founding.suite:
            message = f"the chain is of suite {trust.suite}, the hospital of {founding.suite}"
            raise BadConfiguration(message, instance=str(folder))
        suite = Suite(founding.suite)
        self.accounts = Accounts(Keystore(folder / "accounts"), suite)
        self.key = Accounts(Keystore(folder / "keys"), suite).open(RECORDS_KEY, password).opening
        self._client = client
        self.store = FolderStore(folder / "store")
        self._objects = open_place(founding.objects)
        self.people = People(self.store)
        self.log, self.records_log = (
            CertifiedLog(ChainLog(client, trust, LogId(number)))
            for number in (founding.histories_log, founding.records_log)
        )
        base = Base(
            self.store,
            self.log,
            self.records_log,
            self._open_records(self.store),
            self.key,
            self.people,
            clock,
        )
        self.custody = Custody(base)
        self.records = base.records
        self.letters = Letterbox(self.store)
        self.notices = Notices(self.custody, sender or self.letters)
        self.desk = AccessDesk(self.custody)
        self.emergencies = EmergencyDesk(self.custody, self.notices)
        self.research = ResearchDesk(self.custody)
        self.admissions = Admissions(self.custody)
        self._recorder = Recorder(
            client, LogId(founding.records_log), lambda: FolderStore(folder / "store")
        )
        self._intake = Intake(lambda: FolderStore(folder / "store"), self._open_records, self.key)

    @property
    def custodian(self) -> str:
        """Name of the hospital's organisation on the chain."""
        return self.founding.custodian

    def _open_records(self, store: Store) -> Records:
        suite = Suite(self.founding.suite)
        return Records(store, suite, self.custodian, self._objects)

    def close(self) -> None:
        """Close the store; the client is its owner's."""
        self._intake.close()
        self._recorder.close()
        self.records.close()
        self.store.close()

    def enrol(self, account: Account, title: str, *roles: Role, organisation: str = "") -> Person:
        """Know somebody who has an account here; staff of the hospital unless told otherwise.

        Args:
            account: The person's account.
            title: Name of the person, as patients see it.
            roles: What the person may do.
            organisation: Organisation of the person.

        Raises:
            BadArgument: A name is empty or too long.
        """
        person = account.person(title, organisation or self.custodian, *roles)
        self.people.add(person)
        return person

    async def receive(
        self, content: bytes, release: Release = Release.R4, progress: Progress = no_progress
    ) -> int:
        """Read a FHIR resource or Bundle, seal it, anchor it and file it under its patients.

        Args:
            content: FHIR JSON.
            release: Release of FHIR whose definitions hold.
            progress: Told what is done.

        Returns:
            How many records were kept; each has the chain's proof.

        Raises:
            FhirXml, NotJson, InvalidResource, BrokenReference and others: It is refused, as
                `reading.parse` and `bundles.validate_all` say; nothing of it is kept.
            Unsupported: The suite has no wrap of keys yet.
            TrineError: The chain does not record or prove it; `resume` goes on with what is kept.
        """
        return await self._receive(_one(content), release, progress)

    async def receive_file(
        self, path: Path, release: Release = Release.R4, progress: Progress = no_progress
    ) -> int:
        """Do the same with a file; of a file of lines, what stands before a refused one is kept.

        Raises:
            UnreadableFile: It cannot be read.
            TrineError: As `receive` says.
        """
        return await self._receive(read_file(path), release, progress)

    async def _receive(
        self, received: Iterator[Received], release: Release, progress: Progress
    ) -> int:
        first = (await self._client.log(str(self.founding.records_log))).size
        stream = owned_of(received, release)
        kept: list[Digest] = []
        sending: set[asyncio.Task[int]] = set()
        try:
            while batch := await self._intake.read(stream):
                pairs = await self._seal(batch, release)
                kept += [entry for entry, _ in pairs]
                progress("kept", len(kept))
                if len(sending) >= SENDING_MAX:
                    done, sending = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
                    for one in done:
                        one.result()
                sending.add(asyncio.create_task(self.custody.send(pairs, release)))
        except TrineError:
            await self._prove(kept, sending, first, progress)
            raise
        return await self._prove(kept, sending, first, progress)

    async def _prove(
        self,
        kept: Sequence[Digest],
        sending: Collection[asyncio.Task[int]],
        first: int,
        progress: Progress,
    ) -> int:
        await asyncio.gather(*sending)
        progress("recorded", len(kept))
        return await self._recorder.prove(kept, first, progress)

    async def _seal(self, batch: list[Owned], release: Release) -> list[tuple[Digest, Digest]]:
        await self.admissions.admit_all({local_id for local_id, _ in batch if local_id})
        owned = [
            (self.admissions.find(local_id) if local_id else None, checked)
            for local_id, checked in batch
        ]
        sealed = await self._intake.seal(owned, release)
        for (patient, _), one in zip(owned, sealed, strict=True):
            if patient is not None and one.type_name == "Patient":
                self.admissions.name(patient, one.entry)
        return [(one.entry, one.fields) for one in sealed]

    async def resume(self) -> int:
        """Go on after a crash: record and prove what is kept, deliver notices that wait.

        Returns:
            How many records got a proof.

        Raises:
            TrineError: As `receive` says.
        """
        await self.custody.publish()
        left = await self._recorder.unproven()
        await self._recorder.prove(left)
        await self.notices.deliver()
        return len(left)

    def list_records(self, patient: Digest) -> Iterator[Listed]:
        """List a patient's records: types, dates, custodian, and no content.

        Raises:
            DamagedRecord: One is damaged.
        """
        for record in self.custody.records_of(patient):
            facts = self.records.facts(record)
            yield Listed(
                record,
                facts.type_name,
                facts.version,
                self.custody.date(patient, record),
                facts.custodian,
                facts.release,
                self.store.get(f"{PROOFS}/{record.hex()}") is not None,
            )

    def totals(self) -> Totals:
        """Count what the hospital holds."""
        folders = ("admitted", "people", "records", PROOFS, "erased")
        counts = {name: self.store.count(name) for name in folders}
        head = self.log.head
        events = head.size // 2 if head else 0
        return Totals(
            counts["admitted"],
            counts["people"],
            counts["records"],
            # The proof of an erased record stays: it says nothing of it.
            sum(1 for name in self.store.names(PROOFS) if not self._is_gone(name)),
            counts["erased"],
            events,
        )

    def _is_gone(self, name: str) -> bool:
        return self.store.get(f"erased/{name.rpartition('/')[2]}") is not None


def _one(content: bytes) -> Iterator[Received]:
    """Read one value; not before it is asked for."""
    yield Received("", parse(content, BUNDLE_BYTES_MAX))
