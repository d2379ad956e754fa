"""Keep the records of one custodian: seal and store, open, share, withdraw, erase.

Records lie in a `Store` under their entries: `records/` holds what is sealed or where it lies
(`sealed_records`), `keys/` the secrets of each record wrapped for its recipients, `erased/` an
empty mark for each record that is gone. Backups of sealed records need no protection of their own;
those of `keys/` undo erasures, so they must be short-lived.

>>> from trine.apps.health.definitions import Release
>>> from trine.apps.health.recipients import RecipientKey
>>> from trine.apps.health.store import FolderStore
>>> from trine.apps.health.validation import validate
>>> import tempfile, pathlib
>>> records = Records(FolderStore(pathlib.Path(tempfile.mkdtemp())), Suite.INTL, "hospital")
>>> doctor = RecipientKey.generate()
>>> patient = validate({"resourceType": "Patient", "active": True}, Release.R4)
>>> kept = records.keep([patient], Release.R4, [doctor.recipient])
>>> records.open(kept[0].entry, doctor).resource
b'{"active":true,"resourceType":"Patient"}'
>>> records.erase(kept[0].entry)
>>> records.open(kept[0].entry, doctor)
Traceback (most recent call last):
    ...
trine.errors.health.RecordErased: the record was erased; its entry alone remains
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from trine.apps.health.canonical import canonical
from trine.apps.health.definitions import Release
from trine.apps.health.limits import RESOURCE_BYTES_MAX
from trine.apps.health.recipients import Recipient, RecipientKey
from trine.apps.health.sealed_records import RECORDS, SealedRecords
from trine.apps.health.sealing import (
    Facts,
    OpenedRecord,
    RecordKeys,
    SealedRecord,
    open_sealed,
    seal,
    share_keys,
)
from trine.apps.health.store import Store
from trine.apps.health.validation import Checked
from trine.errors.health import RecordErased, RecordNotFound, ResourceTooLarge
from trine.errors.services import StoreUnavailable
from trine.model.hashing import Suite
from trine.model.identifiers import Digest
from trine.services.evidence.objects import Objects

BATCH: Final = 1_000
"""Records that are stored together: as many as a call appends entries to a log."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A record that is stored, with what goes on the chain."""

    entry: Digest
    """32 bytes for the custodian's evidence log."""
    facts: Facts
    """What is public of it."""


def media_type(release: Release) -> str:
    """Name the media type that a log shows for entries of records (FHIR R5, section 2.1.0.13)."""
    return f"application/fhir+json; fhirVersion={release.value}"


class Records:
    """The records of one custodian, on one chain."""

    def __init__(
        self, store: Store, suite: Suite, custodian: str, objects: Objects | None = None
    ) -> None:
        """Use a store, and finish erasures that a crash cut short.

        The keys of what was erased are gone afterwards; an object in an S3 that does not answer
        now is removed at the next start.

        Args:
            store: Where the records lie.
            suite: Suite of the chain that their entries go to.
            custodian: Name of the organisation that keeps them.
            objects: Where sealed records lie instead, as objects.

        Raises:
            ReadOnlyFolder, DiskFull: An erasure cannot be finished.
        """
        self._store, self.suite, self.custodian = store, suite, custodian
        self._sealed = SealedRecords(store, objects)
        erased = (name.rpartition("/")[2] for name in store.names("erased"))
        left = [name for name in erased if any(store.get(at) is not None for at in _places(name))]
        if left:
            with suppress(StoreUnavailable):
                self._remove(*left)

    def keep(
        self, checked: Sequence[Checked], release: Release, recipients: Sequence[Recipient]
    ) -> list[Kept]:
        """Seal records and store them, all durably or none.

        Args:
            checked: Resources that `validate` accepted.
            release: The release under which it did.
            recipients: Who may open them, the custodian's own key among them.

        Returns:
            One for each resource, in their order.

        Raises:
            BadArgument, BadPublicKey: As `sealing.seal` says.
            NotJson: A string cannot be written in UTF-8.
            ResourceTooLarge: One has more than `RESOURCE_BYTES_MAX` bytes in canonical form.
            DiskFull, ReadOnlyFolder: The store cannot be written.
            StoreUnavailable: The S3 does not answer, or refuses.
        """
        kept: list[Kept] = []
        made: list[SealedRecord] = []
        held: list[tuple[str, bytes]] = []
        for one in checked:
            facts, resource = self._facts(one, release), canonical(one.resource)
            if len(resource) > RESOURCE_BYTES_MAX:
                message = f"a {one.type_name} of {len(resource)} bytes, at most "
                raise ResourceTooLarge(f"{message}{RESOURCE_BYTES_MAX} are kept")
            sealed, keys = seal(facts, resource, recipients, self.suite)
            made.append(sealed)
            held.append((_at("keys", sealed.entry.hex()), keys.encode()))
            kept.append(Kept(sealed.entry, facts))
        self._store.put([*self._sealed.write(made), *held])
        return kept

    def keep_all(
        self, checked: Iterable[Checked], release: Release, recipients: Sequence[Recipient]
    ) -> Iterator[list[Kept]]:
        """Keep a stream of records, `BATCH` at a time; each batch is durable when it is yielded.

        Raises:
            As `keep` says, and what `checked` raises: batches before it are kept, the one that it
            interrupts is not.
        """
        stream = iter(checked)
        while batch := list(islice(stream, BATCH)):
            yield self.keep(batch, release, recipients)

    def close(self) -> None:
        """End the threads that fetch records."""
        self._sealed.close()

    def fetched(self, entries: Iterable[Digest]) -> AbstractAsyncContextManager[None]:
        """Fetch records that lie beside the store, while others go on, and hold them.

        Who reads them while the context lasts waits for no S3.

        Raises:
            StoreUnavailable: Too much is being fetched. What else goes wrong is told to whoever
                reads.
        """
        return self._sealed.fetched([entry.hex() for entry in entries])

    def open(self, entry: Digest, key: RecipientKey) -> OpenedRecord:
        """Open a record.

        Raises:
            RecordErased: It was erased.
            RecordNotFound: The store does not hold it.
            NotARecipient, DamagedRecord, RecordMismatch: As `sealing.open_sealed` says.
            StoreUnavailable, BadConfiguration: As `SealedRecords.read` says.
        """
        return open_sealed(*self._read(entry), key)

    def facts(self, entry: Digest) -> Facts:
        """Return what is public of a record, without opening it.

        Raises:
            RecordErased, RecordNotFound, DamagedRecord: As `open` says.
        """
        self._refuse_erased(entry)
        facts = self._sealed.facts(entry.hex())
        if facts is None:
            raise _not_found(entry.hex())
        return facts

    def hand_out(
        self, entry: Digest, key: RecipientKey, recipient: Recipient
    ) -> tuple[bytes, bytes]:
        """Return a record as it is sealed, with keys for one recipient and nobody else.

        Nothing of it is kept: whoever asks again must be allowed again.

        Args:
            entry: Entry of the record.
            key: Key of somebody who can open it.
            recipient: Who shall be able to open what is returned.

        Raises:
            RecordErased, RecordNotFound, NotARecipient, DamagedRecord: As `open` says.
            BadPublicKey: As `sealing.share_keys` says.
        """
        sealed, keys = self._read(entry)
        held = RecordKeys.decode(keys)
        own = {name: one for name, one in held.wrapped.items() if name == key.recipient.id}
        shared = share_keys(sealed, replace(held, wrapped=own).encode(), key, recipient)
        only = {recipient.id: shared.wrapped[recipient.id]}
        return sealed, replace(shared, wrapped=only).encode()

    def share(self, entry: Digest, key: RecipientKey, recipient: Recipient) -> None:
        """Let one more recipient open a record; what is sealed stays as it is.

        Args:
            entry: Entry of the record.
            key: Key of somebody who can open it.
            recipient: Who shall be able to.

        Raises:
            RecordErased, RecordNotFound, NotARecipient, DamagedRecord: As `open` says.
            BadArgument, BadPublicKey: As `sealing.share_keys` says.
        """
        sealed, _ = self._read(entry)
        self._change_keys(entry, lambda keys: share_keys(sealed, keys, key, recipient))

    def withdraw(self, entry: Digest, recipient: Recipient) -> None:
        """Remove a recipient's wrapped key; who opened the record before may have kept it.

        Raises:
            RecordErased, RecordNotFound, DamagedRecord: As `open` says.
        """
        self._read(entry)
        self._change_keys(entry, lambda keys: RecordKeys.decode(keys).without(recipient))

    def erase(self, entry: Digest) -> None:
        """Destroy a record, its key and its salt; its entry on the chain then says nothing.

        Without the salt nobody can tell what the entry stood for, even with the document at hand.
        Doing it again is fine.

        Raises:
            RecordNotFound: The store never held it.
            ReadOnlyFolder, DiskFull: The store cannot be written.
            StoreUnavailable: The S3 does not answer. The key is gone, so nobody can open the
                record; its object is removed when this is done again, or at the next start.
        """
        name = entry.hex()
        if not self.is_erased(entry):
            if self._store.get(_at(RECORDS, name)) is None:
                raise _not_found(name)
            self._store.put([(_at("erased", name), b"")])
        self._remove(name)

    def is_erased(self, entry: Digest) -> bool:
        """Say whether a record was erased."""
        return self._store.get(_at("erased", entry.hex())) is not None

    def entries(self) -> Iterator[Digest]:
        """List the entries of all records that are kept, in order."""
        for name in self._store.names(RECORDS):
            yield Digest(bytes.fromhex(name.rpartition("/")[2]))

    def _facts(self, one: Checked, release: Release) -> Facts:
        version = one.resource.get("meta", {}).get("versionId", "")
        return Facts(release.value, one.type_name, version, self.custodian)

    def _read(self, entry: Digest) -> tuple[bytes, bytes]:
        self._refuse_erased(entry)
        name = entry.hex()
        keys = self._store.get(_at("keys", name))
        sealed = self._sealed.read(name)
        if sealed is None or keys is None:
            raise _not_found(name)
        return sealed, keys

    def _refuse_erased(self, entry: Digest) -> None:
        if self.is_erased(entry):
            message = "the record was erased; its entry alone remains"
            raise RecordErased(message, instance=entry.hex())

    def _change_keys(self, entry: Digest, update: Callable[[bytes], RecordKeys]) -> None:
        name = entry.hex()

        def updated(keys: bytes | None) -> bytes:
            if keys is None:
                raise RecordErased("the record was erased meanwhile", instance=name)
            return update(keys).encode()

        self._store.change(_at("keys", name), updated)
        if self.is_erased(entry):
            self._remove(name)

    def _remove(self, *names: str) -> None:
        # The keys first: from then on nobody can open the record, wherever it lies.
        self._store.delete([_at("keys", name) for name in names])
        self._sealed.delete(names)


def _not_found(name: str) -> RecordNotFound:
    return RecordNotFound(f"no record under entry {name}", instance=name)


def _places(name: str) -> tuple[str, str]:
    """Name what the store holds of a record."""
    return _at("keys", name), _at(RECORDS, name)


def _at(folder: str, name: str) -> str:
    return f"{folder}/{name}"
