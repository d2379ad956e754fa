"""Keep sealed records in the hospital's store, or in a folder or any S3 beside it.

Without a place beside it a record lies in the store as it is sealed. With one the record is an
object there, and the store keeps a *reference*: the digest of the object, and what is public of the
record, so that lists ask nobody. Keys and histories never leave the store: erasing a key needs no
answer of anybody else. Specified in `docs/reference/health-records.md`, section 7.

>>> import pathlib, tempfile
>>> from trine.apps.health.recipients import RecipientKey
>>> from trine.apps.health.sealing import seal
>>> from trine.apps.health.store import FolderStore
>>> from trine.model.hashing import Suite
>>> folder = pathlib.Path(tempfile.mkdtemp())
>>> store = FolderStore(folder / "store")
>>> sealed_records = SealedRecords(store, open_place(str(folder / "objects")))
>>> facts, doctor = Facts("4.0", "Patient", "", "hospital"), RecipientKey.generate()
>>> record, _ = seal(facts, b'{"resourceType":"Patient"}', [doctor.recipient], Suite.INTL)
>>> store.put(sealed_records.write([record]))
>>> name = record.entry.hex()
>>> sealed_records.read(name) == record.encode(), store.get(f"records/{name}")[:8]
(True, b'TRINEREF')
"""

import hashlib
import os
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Final

from trine.apps.health.fetching import Fetches
from trine.apps.health.sealing import Facts, SealedRecord
from trine.apps.health.store import Store
from trine.errors import BadConfiguration, DamagedData, ReadOnlyFolder
from trine.errors.health import DamagedRecord, RecordNotFound
from trine.services.evidence.bucket import SCHEME, endpoint_of, open_objects
from trine.services.evidence.objects import Objects

RECORDS: Final = "records"
"""Folder of the records, in the store and in the place beside it."""
REFERENCE_MAGIC: Final = b"TRINEREF"
"""First bytes of a reference."""
PROBE: Final = "probe"
"""Name of an object that is there for a moment only."""
VERSION: Final = 1
_HEAD: Final = REFERENCE_MAGIC + bytes([VERSION])
_DIGEST_BYTES: Final = 32


class SealedRecords:
    """The sealed records of one store."""

    def __init__(self, store: Store, objects: Objects | None = None) -> None:
        """Use a store, and the place beside it where records are objects."""
        self._store, self._objects = store, objects
        self._fresh: dict[str, bytes] = {}
        """Objects of the newest batch: the first read of each asks nobody."""
        self._fetches = Fetches(self._fetch)

    def close(self) -> None:
        """End the threads that fetch."""
        self._fetches.close()

    def fetched(self, names: Iterable[str]) -> AbstractAsyncContextManager[None]:
        """Fetch what lies beside the store, while others go on; `read` then asks nobody.

        Raises:
            StoreUnavailable: Too much is being fetched. What else goes wrong is told by `read`.
        """
        if self._objects is None:
            return nullcontext()
        rows = {name: self._store.get(_row(name)) for name in names if name not in self._fresh}
        beside = (name for name, row in rows.items() if row and row.startswith(REFERENCE_MAGIC))
        return self._fetches.held(tuple(beside))

    def _fetch(self, name: str) -> bytes | None:
        """Read an object, in any thread."""
        assert self._objects is not None, "there is a place beside the store"
        return self._objects.read(object_name(name))

    def write(self, sealed: Sequence[SealedRecord]) -> list[tuple[str, bytes]]:
        """Write what lies beside the store, durably; return what the store must keep of each.

        An object whose reference is never stored is one whose key is never stored: nobody can open
        it.

        Raises:
            StoreUnavailable: The S3 does not answer, or refuses.
            DiskFull, ReadOnlyFolder: The folder cannot be written.
        """
        encoded = [(one.entry.hex(), one, one.encode()) for one in sealed]
        if self._objects is None:
            return [(_row(name), content) for name, _, content in encoded]
        self._objects.write({object_name(name): content for name, _, content in encoded})
        self._fresh = {name: content for name, _, content in encoded}
        return [(_row(name), _reference(one, content)) for name, one, content in encoded]

    def read(self, name: str) -> bytes | None:
        """Return a sealed record; nothing where the store knows none of this name.

        Raises:
            BadConfiguration: It lies beside the store, and no place is given.
            RecordNotFound: Its object is missing.
            DamagedRecord: Its object is another one.
            StoreUnavailable: The S3 does not answer, or refuses.
        """
        row = self._store.get(_row(name))
        if row is None or not row.startswith(REFERENCE_MAGIC):
            return row
        digest, _ = _take_apart(row, name)
        if self._objects is None:
            message = "the record lies beside the store; hospital.json must say where (objects)"
            raise BadConfiguration(message, instance=name)
        fresh = self._fresh.pop(name, None)
        if fresh is not None:
            content: bytes | None = fresh
        elif self._fetches.has(name):
            content = self._fetches.result(name)
        else:
            content = self._objects.read(object_name(name))
        if content is None:
            message = f"the object {object_name(name)} is missing: bring it back from a copy"
            raise RecordNotFound(message, instance=name)
        if hashlib.sha256(content).digest() != digest:
            raise DamagedRecord(f"the object {object_name(name)} is another one", instance=name)
        return content

    def facts(self, name: str) -> Facts | None:
        """Return what is public of a record, out of the store alone.

        Raises:
            DamagedRecord: It is damaged.
        """
        row = self._store.get(_row(name))
        if row is None:
            return None
        is_reference = row.startswith(REFERENCE_MAGIC)
        return SealedRecord.decode(_take_apart(row, name)[1] if is_reference else row).facts

    def delete(self, names: Iterable[str]) -> None:
        """Remove records for good, the objects first; a name without a record is fine.

        Raises:
            StoreUnavailable: The S3 does not answer; doing it again is fine.
            DiskFull, ReadOnlyFolder, DamagedData: The store cannot be written.
        """
        listed = list(names)
        for name in listed:
            self._fresh.pop(name, None)
        if self._objects is not None:
            self._objects.delete([object_name(name) for name in listed])
        self._store.delete([_row(name) for name in listed])


def object_name(name: str) -> str:
    """Return the name of a record's object: below a folder of its first byte.

    >>> object_name("5f0c8e")
    'records/5f/5f0c8e'
    """
    return f"{RECORDS}/{name[:2]}/{name}"


def open_place(place: str) -> Objects | None:
    """Open where a hospital's records lie; nothing where they lie in its store.

    Keys and endpoint of an S3 come from the environment.

    Args:
        place: `s3://BUCKET/PREFIX`, a folder, or empty.

    Raises:
        BadArgument: The URL names no bucket, or the endpoint is plain HTTP on another host.
        ReadOnlyFolder: The folder cannot be made.
    """
    if not place:
        return None
    if not place.startswith(f"{SCHEME}:"):
        try:
            Path(place).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            message = f"{place} cannot be written: {error.strerror}"
            raise ReadOnlyFolder(message, instance=place) from error
    return open_objects(place, endpoint=endpoint_of(os.environ))


def check_place(objects: Objects) -> None:
    """Keep something in a place for a moment, to see that it can be used.

    Raises:
        StoreUnavailable: The S3 does not answer, or refuses.
        DiskFull, ReadOnlyFolder: The folder cannot be written.
        DamagedData: What was read is not what was written.
    """
    objects.write({PROBE: PROBE.encode()})
    found = objects.read(PROBE)
    objects.delete([PROBE])
    if found != PROBE.encode():
        raise DamagedData("the place does not give back what is kept in it")


def _row(name: str) -> str:
    return f"{RECORDS}/{name}"


def _reference(sealed: SealedRecord, content: bytes) -> bytes:
    bare = replace(sealed, ciphertext=b"").encode()
    return b"".join((_HEAD, hashlib.sha256(content).digest(), bare))


def _take_apart(row: bytes, name: str) -> tuple[bytes, bytes]:
    """Take a reference apart: digest of the object, and the sealed record without ciphertext."""
    if not row.startswith(_HEAD):
        message = f"a reference of another version than {VERSION}"
        raise DamagedRecord(message, instance=name)
    at = len(_HEAD) + _DIGEST_BYTES
    return row[len(_HEAD) : at], row[at:]
