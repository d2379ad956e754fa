"""Publish a log: sign a checkpoint beside its tiles, and have witnesses cosign it.

The checkpoint is one that any verifier of C2SP tlog-checkpoint reads; it never goes back, and
never contradicts the one before it.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import httpx

from trine.crypto import SecretKey
from trine.errors.services import LogDiffers
from trine.services.evidence import note, witness
from trine.services.evidence.catalogue import Catalogue, Snapshot
from trine.services.evidence.checkpoint import Checkpoint, sign_checkpoint
from trine.services.evidence.mirror import Certified, Mirror
from trine.services.evidence.objects import Objects
from trine.services.evidence.published import CHECKPOINT, check_tree, open_published
from trine.services.evidence.rows import IndexHead
from trine.services.evidence.standard import StandardLog
from trine.services.evidence.stored import Known, StoredTree
from trine.services.evidence.tiles import View
from trine.types import Digest

CHECKPOINT_S: Final = 2.0
"""Seconds between two checkpoints, at least."""
WITNESS_S: Final = 4.0
"""Seconds for which witnesses may take to cosign a checkpoint; it appears without those that do
not."""
WITNESSES_MAX: Final = 16
"""Witnesses that a log asks: so many signatures must every reader of notes accept."""
ANSWER_BYTES_MAX: Final = note.NOTE_BYTES_MAX
"""Bytes of the answer of a witness."""

log = logging.getLogger(__name__)


class WitnessAt(NamedTuple):
    """A witness: where it is asked, and the key with which it cosigns."""

    url: str
    key: note.VerifierKey


@dataclass(frozen=True)
class Published:
    """What was published last: the note, the index that it commits to, and the chain's proof."""

    note: bytes
    checkpoint: Checkpoint
    index: Snapshot
    proof: bytes
    """Proof file of the last entry at this size: validators certified the log's root."""


class Publisher:
    """Publishes one log. All methods are for one event loop."""

    def __init__(
        self,
        objects: Objects,
        prefix: str,
        origin: str,
        key: SecretKey,
        witnesses: Sequence[WitnessAt] = (),
        *,
        standard: StandardLog | None = None,
    ) -> None:
        """Read what was published before.

        Args:
            objects: Where the tiles are.
            prefix: Where in it, such as `logs/7/`.
            origin: Name of the log: the URL below which it is served, without the scheme.
            key: Key of Ed25519 that signs checkpoints, and does nothing else.
            witnesses: Who is asked to cosign.
            standard: The SHA-256 log beside it, which is published with it.

        Raises:
            BadArgument: The origin cannot name a key.
            FolderAltered: The checkpoint that is there is not of this log and key.
        """
        self.verifier = note.verifier_of(key, origin)
        self._objects, self._prefix, self._key = objects, prefix, key
        self._witnesses = tuple(witnesses)
        self._standard = standard
        # What a witness saw last, as far as is known.
        self._seen = [0 for _ in self._witnesses]
        self._next_s = 0.0
        found = open_published(objects, prefix, self.verifier, [one.key for one in witnesses])
        self._before = None if found is None else found[0]
        self._is_compared = False
        """Whether what was published before the start was found in the files."""
        self.published: Published | None = None
        self.answered = 0
        """Witnesses that cosigned the newest checkpoint."""
        self.published_s: float | None = None
        """When it was published, by the monotonic clock."""

    def check_start(self, size: int) -> None:
        """Check that all that was published is still known, before any of it is made again.

        Rows of the index have the time when an entry was seen: made again, they are others.

        Args:
            size: Entries whose tiles and rows are here.

        Raises:
            LogDiffers: Fewer than were published.
        """
        before = self._before
        if before is None or IndexHead.find(before.extensions) is None or size >= before.size:
            return
        raise LogDiffers(
            f"{before.size} entries were published, and {size} of them are known here: the "
            "database or the folder is of another time"
        )

    def check_files(self, log: StoredTree, catalogue: Catalogue) -> None:
        """Compare the files that are here with what was published, before anybody is answered.

        Args:
            log: Tiles and bundles of the log.
            catalogue: Its index, of as many rows as the log has entries whose places are known.

        Raises:
            FolderAltered: A file is not what it was.
            LogDiffers: The files are of another log than the checkpoint.
        """
        before, size = self._before, catalogue.size
        root: Known | None = None
        rows: Known | None = None
        epochs: tuple[Digest, ...] = ()
        if before is not None and 0 < before.size <= size:
            root = Known(before.size, before.root)
            index = IndexHead.find(before.extensions)
            if index is not None:
                rows, epochs = root._replace(root=index.rows), index.epochs
            self._is_compared = True
        check_tree(log, size, root)
        check_tree(catalogue.tree, size, rows)
        catalogue.check_epochs(before.size if before and epochs else 0, epochs)

    async def publish(self, mirror: Mirror) -> None:
        """Publish the newest certified head, where it is time to.

        Raises:
            LogDiffers: What was published before is not how the log begins.
            TrineError: A tile is missing.
        """
        async with mirror.lock:
            certified = mirror.certified
            if certified is None or not self._is_due(certified, mirror):
                return
            index = await asyncio.to_thread(self._look, certified, mirror)
        self._next_s = time.monotonic() + CHECKPOINT_S
        head = certified.head
        extensions = index.head.lines()
        if self._standard is not None:
            beside = await asyncio.to_thread(self._standard.publish, head.size, head.root)
            extensions = (*extensions, beside.line())
        made = Checkpoint(self.verifier.name, head.size, head.root, extensions)
        signed = await asyncio.to_thread(sign_checkpoint, made, self._key)
        lines: list[note.SignatureLine] = []
        if self._witnesses:
            lines = await self._cosignatures(signed, certified.view)
            signed = signed._replace(signatures=(*signed.signatures, *lines))
        data = signed.encode()
        await asyncio.to_thread(self._objects.write, {self._prefix + CHECKPOINT: data})
        self._before, self._is_compared = made, True
        self.published = Published(data, made, index, head.proof)
        self.answered, self.published_s = len(lines), time.monotonic()

    @property
    def asked(self) -> int:
        """Witnesses that are asked to cosign."""
        return len(self._witnesses)

    def _is_due(self, certified: Certified, mirror: Mirror) -> bool:
        size = certified.head.size
        if mirror.size != size or time.monotonic() < self._next_s:
            return False
        if self._standard is not None and size < self._standard.published_size:
            return False
        before = self._before
        # After a start the index of the old checkpoint is not in memory: it is made once more.
        return (
            before is None or size > before.size or (size == before.size and self.published is None)
        )

    def _look(self, certified: Certified, mirror: Mirror) -> Snapshot:
        """Look at the index, and after a start compare the log with what was published."""
        before = self._before
        if before is not None and not self._is_compared:
            known = IndexHead.find(before.extensions)
            if mirror.tree.view(before.size).root() != before.root:
                raise LogDiffers(f"the checkpoint of {before.size} entries is of another log")
            rows = mirror.catalogue.tree.view(before.size).root()
            if known is not None and rows != known.rows:
                raise LogDiffers(
                    f"the index at {before.size} entries is not the one that was published: the "
                    "database or the folder is of another time"
                )
        return mirror.catalogue.snapshot()

    async def _cosignatures(self, signed: note.Note, view: View) -> list[note.SignatureLine]:
        """Ask all witnesses at once; those that do not answer in time are left out."""
        async with httpx.AsyncClient(timeout=WITNESS_S, trust_env=False) as http:
            asked = [
                self._ask(http, number, signed, view) for number in range(len(self._witnesses))
            ]
            found = await asyncio.gather(*asked)
        return [line for line in found if line is not None]

    async def _ask(
        self, http: httpx.AsyncClient, number: int, signed: note.Note, view: View
    ) -> note.SignatureLine | None:
        """Ask a witness, once more where it saw another size last (C2SP tlog-witness)."""
        one = self._witnesses[number]
        why = "its state is of another log"
        try:
            for _ in range(2):
                old = self._seen[number]
                path = await asyncio.to_thread(view.consistency_path, old) if old else []
                body = witness.write_request(old, path, signed.encode())
                answer = await http.post(f"{one.url}/add-checkpoint", content=body)
                content = answer.content[:ANSWER_BYTES_MAX]
                why = f"{answer.status_code} {content[:200].decode(errors='replace').strip()}"
                if answer.status_code == httpx.codes.OK:
                    line = witness.cosignature_in(content, signed.text, one.key)
                    if line is not None:
                        self._seen[number] = view.size
                        return line
                    why = "its cosignature does not hold"
                size = witness.read_size(content)
                if answer.status_code != httpx.codes.CONFLICT or size is None or size > view.size:
                    break
                self._seen[number] = size
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = str(error) or type(error).__name__
        log.warning("the witness %s did not cosign: %s", one.key.name, why)
        return None
