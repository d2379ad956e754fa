"""Take records in while pages are served: read, check and seal them in a thread of their own.

What costs time (JSON, the definitions of FHIR, encryption, the tree of fields) is done in the
thread, some records at a time; only the chain is spoken to in the event loop. So a file of any
size, or a Bundle of the largest size, keeps nobody waiting who asks for a page meanwhile.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Final, NamedTuple, TypeVar

from trine.apps.health.bundles import validate_all
from trine.apps.health.custody import seal_owned
from trine.apps.health.definitions import Release
from trine.apps.health.fields import Fields
from trine.apps.health.filing import addresses, whose
from trine.apps.health.reading import Received
from trine.apps.health.recipients import RecipientKey
from trine.apps.health.records import BATCH, Records
from trine.apps.health.store import Store
from trine.apps.health.validation import Checked
from trine.model.hashing import Suite
from trine.model.identifiers import Digest

THREADS: Final = 1
"""Threads that read and seal; each has a store of its own, and more would wait for each other."""
AT_ONCE: Final = BATCH // 2
"""Records that are read and sealed at a time: each has two entries in the log."""

T = TypeVar("T")
Owned = tuple[str | None, Checked]
"""A record, with the hospital's own id of its patient; nothing where it is no patient's."""


class Sealed(NamedTuple):
    """A record that is stored, and not on the chain yet.

    Attributes:
        entry: Entry of the record.
        fields: Entry of its fields.
        type_name: Resource type.
    """

    entry: Digest
    fields: Digest
    type_name: str


class Intake:
    """Reads and seals for one custodian, in its thread."""

    def __init__(
        self, open_store: Callable[[], Store], suite: Suite, custodian: str, key: RecipientKey
    ) -> None:
        """Prepare.

        Args:
            open_store: Opens the store in which records are kept; called in the thread.
            suite: Suite of the chain.
            custodian: Name of the organisation that keeps the records.
            key: The custodian's own key.
        """
        self._open_store, self._key = open_store, key
        self._suite, self._custodian = suite, custodian
        self._held: tuple[Store, Records] | None = None
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="intake")

    def close(self) -> None:
        """Let go of the store and end the thread; what is under way is finished first."""

        def let_go() -> None:
            self._held = None

        self._threads.submit(let_go).result()
        self._threads.shutdown()

    async def read(self, stream: Iterator[Owned]) -> list[Owned]:
        """Read and check the next records of a stream; none where it has ended.

        Raises:
            TrineError: As `reading` and `bundles.validate_all` say.
        """
        return await self._run(lambda: list(islice(stream, AT_ONCE)))

    async def seal(
        self, owned: Sequence[tuple[Digest | None, Checked]], release: Release
    ) -> list[Sealed]:
        """Seal records, and store each under its patient.

        Raises:
            TrineError: As `Records.keep` says.
        """
        return await self._run(lambda: self._seal(owned, release))

    def _seal(
        self, owned: Sequence[tuple[Digest | None, Checked]], release: Release
    ) -> list[Sealed]:
        if self._held is None:
            store = self._open_store()
            self._held = store, Records(store, self._suite, self._custodian)
        store, records = self._held
        kept = seal_owned(store, records, self._key, owned, release)
        opened = (records.open(one.entry, self._key) for one in kept)
        fields = (Fields.of_opened(one, self._suite).entry for one in opened)
        return [
            Sealed(one.entry, entry, one.facts.type_name)
            for one, entry in zip(kept, fields, strict=True)
        ]

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def owned_of(received: Iterator[Received], release: Release) -> Iterator[Owned]:
    """Check what is read, and find out whose each record is."""
    for read in received:
        checked = list(validate_all(read, release))
        known = addresses(read.value)
        yield from ((whose(one, known), one) for one in checked)
