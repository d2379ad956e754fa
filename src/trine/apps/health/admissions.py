"""Admit patients: keep which patient the hospital's own id names, and open each one's history.

A patient who brings a key is known by it. For one who brings none the hospital makes a key and
keeps it wrapped for itself, until the patient takes it over: up to then the hospital could sign
for the patient, and the patient's word is only as good as the hospital's.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from trine.apps.health.canonical import canonical
from trine.apps.health.custody import Custody
from trine.apps.health.history import Speaker, Speaks, patient_id, read_speakers
from trine.apps.health.reading import parse
from trine.apps.health.recipients import unwrap, wrap
from trine.crypto import SUITE_ALGORITHMS, SecretKey
from trine.errors.health import HistoryExists, HistoryNotFound, RecordErased
from trine.model.identifiers import Digest
from trine.services.evidence import cose

AT_ONCE: Final = 32
"""Histories that are opened at once."""


class Listing(NamedTuple):
    """By what people find a patient in a list.

    Attributes:
        id: The patient.
        local_id: The hospital's own id.
        name: As the Patient resource has it; empty where there is none, or it was erased.
        birth_date: As that has it too.
    """

    id: Digest
    local_id: str
    name: str
    birth_date: str


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient as the hospital's own people see one in a list."""

    id: Digest
    local_id: str
    """The hospital's own id."""
    name: str
    """As the Patient resource has it; empty where there is none, or it was erased."""
    birth_date: str
    records: int
    """Records that are kept."""


class Admissions:
    """The patients of one custodian."""

    def __init__(self, custody: Custody) -> None:
        """Admit patients to a custodian."""
        self._custody = custody
        self._open: dict[str, Digest] = {}

    @property
    def _algorithm(self) -> str:
        return SUITE_ALGORITHMS[self._custody.base.records.suite]

    async def admit(self, local_id: str, speakers: Sequence[Speaker] = ()) -> Digest:
        """Admit a patient, or find who was admitted before; the history is open on return.

        Args:
            local_id: The hospital's own id.
            speakers: Keys that sign the patient's consents; without any the hospital makes one.

        Raises:
            BadArgument: There are too many keys.
            Unsupported: The suite has no wrap of keys yet.
            TrineError: The chain cannot record it; doing it again is fine.
        """
        if local_id in self._open:
            return self._open[local_id]
        store = self._custody.base.store
        new = canonical(self._new(local_id, speakers))
        store.change(_local(local_id), lambda known: known or new)
        document = parse(store.get(_local(local_id)) or new)
        patient = Digest(bytes.fromhex(document["patient"]))
        store.change(_admitted(patient), lambda known: known or canonical({"localId": local_id}))
        with contextlib.suppress(HistoryExists):
            await self._custody.open_history(read_speakers(document["keys"]))
        self._open[local_id] = patient
        return patient

    async def admit_all(self, local_ids: Collection[str]) -> None:
        """Admit patients, some at once.

        Raises:
            TrineError: As `admit` says, for one of them.
        """
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(local_id: str) -> None:
            async with turn:
                await self.admit(local_id)

        await asyncio.gather(*(one(local_id) for local_id in set(local_ids)))

    def _new(self, local_id: str, speakers: Sequence[Speaker]) -> dict[str, Any]:
        secret = b""
        if not speakers:
            base = self._custody.base
            key, recipient = SecretKey.generate(self._algorithm), base.key.recipient
            secret = wrap(base.records.suite, recipient, key.expose(), local_id.encode())
            speakers = [Speaker(Speaks.PATIENT, cose.public_key(key))]
        keys = [
            {"role": str(one.role), "algorithm": one.key.algorithm, "key": one.key.key.hex()}
            for one in speakers
        ]
        patient = patient_id(speakers[0].key).hex()
        return {"localId": local_id, "patient": patient, "keys": keys, "secret": secret.hex()}

    def find(self, local_id: str) -> Digest:
        """Return the patient whom the hospital's own id names.

        Raises:
            HistoryNotFound: Nobody was admitted under it.
        """
        return Digest(bytes.fromhex(self._document(local_id)["patient"]))

    def key_of(self, local_id: str) -> SecretKey:
        """Return the key that the hospital made for a patient, to hand it over.

        Raises:
            HistoryNotFound: Nobody was admitted under the id, or the patient brought a key.
        """
        secret = bytes.fromhex(self._document(local_id)["secret"])
        base = self._custody.base
        found = unwrap(base.records.suite, base.key, secret, local_id.encode()) if secret else None
        if found is None:
            raise HistoryNotFound("the hospital keeps no key of this patient", instance=local_id)
        return SecretKey(self._algorithm, found)

    def forget_key(self, local_id: str) -> None:
        """Destroy the key that the hospital made for a patient, who has it now."""

        def without(known: bytes | None) -> bytes:
            document = self._document(local_id) if known is None else parse(known)
            return canonical({**document, "secret": ""})

        self._custody.base.store.change(_local(local_id), without)

    def name(self, patient: Digest, record: Digest) -> None:
        """Note which record holds a patient's name."""

        def noted(known: bytes | None) -> bytes:
            return canonical({**parse(known or b"{}"), "record": record.hex()})

        self._custody.base.store.change(_admitted(patient), noted)

    def everyone(self) -> Iterator[Patient]:
        """List the patients, in the order of their ids."""
        for patient in list(self.ids()):
            yield self.patient(patient)

    def patient(self, patient: Digest) -> Patient:
        """Return what the list says of a patient.

        Raises:
            HistoryNotFound: Nobody was admitted under this id.
        """
        found = self.listing(patient)
        count = sum(1 for _ in self._custody.records_of(patient))
        return Patient(*found, count)

    def fetched(self, patients: Iterable[Digest]) -> contextlib.AbstractAsyncContextManager[None]:
        """Fetch the records with the names of patients, while others go on (`Records.fetched`)."""
        store = self._custody.base.store
        known = (parse(store.get(_admitted(patient)) or b"{}") for patient in patients)
        named = (document.get("record", "") for document in known)
        entries = [Digest(bytes.fromhex(record)) for record in named if record]
        return self._custody.base.records.fetched(entries)

    def ids(self) -> Iterator[Digest]:
        """List the ids of the patients, in order."""
        for name in self._custody.base.store.names("admitted"):
            yield Digest(bytes.fromhex(name.rpartition("/")[2]))

    def count(self) -> int:
        """Count the patients; nobody who was admitted is removed."""
        return self._custody.base.store.count("admitted")

    def listing(self, patient: Digest) -> Listing:
        """Return by what a patient is found in a list.

        Raises:
            HistoryNotFound: Nobody was admitted under this id.
        """
        data = self._custody.base.store.get(_admitted(patient))
        if data is None:
            raise HistoryNotFound("no such patient was admitted", instance=patient.hex())
        document = parse(data)
        resource = self._resource(document.get("record", ""))
        born = str(resource.get("birthDate", ""))
        return Listing(patient, document["localId"], name_of(resource), born)

    def _resource(self, record: str) -> dict[str, Any]:
        base = self._custody.base
        if not record:
            return {}
        try:
            opened = base.records.open(Digest(bytes.fromhex(record)), base.key)
        except RecordErased:
            return {}
        found: dict[str, Any] = parse(opened.resource)
        return found

    def _document(self, local_id: str) -> dict[str, Any]:
        data = self._custody.base.store.get(_local(local_id))
        if data is None:
            raise HistoryNotFound("nobody was admitted under this id", instance=local_id)
        found: dict[str, Any] = parse(data)
        return found


def name_of(patient: dict[str, Any]) -> str:
    """Return the first name of a Patient resource as people write it; empty where it has none."""
    for name in patient.get("name", ()):
        parts = [*name.get("given", ()), name.get("family", "")]
        text = name.get("text") or " ".join(filter(None, parts))
        if text:
            return str(text)
    return ""


def _local(local_id: str) -> str:
    return f"localids/{hashlib.sha256(local_id.encode()).hexdigest()}"


def _admitted(patient: Digest) -> str:
    return f"admitted/{patient.hex()}"
