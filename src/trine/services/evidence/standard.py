"""Keep a SHA-256 log of the entries of an SM3 log beside it, for receipts that everybody reads.

Entries and their order are those of the log of the chain; only the hash function of the tree is
another (docs/reference/scitt.md, section 15). The checkpoints of both logs name each other's root,
and from time to time the chain records a statement with the newest checkpoint of this one.

>>> from trine.services.evidence import standard
>>> from trine.types import Digest
>>> root = standard.Beside("sha256", Digest(bytes(32)))
>>> standard.Beside.find([root.line()], "sha256") == root
True
"""

import base64
import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from trine.crypto import SecretKey
from trine.errors import TrineError
from trine.errors.services import BadNote, LogDiffers
from trine.services.evidence import cose, note, receipt, statement
from trine.services.evidence.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from trine.services.evidence.objects import Objects
from trine.services.evidence.published import CHECKPOINT, check_tree, open_published
from trine.services.evidence.receipt import SignedHead, TreeHead
from trine.services.evidence.stored import Known, StoredTree
from trine.services.evidence.tiles import TILE_WIDTH, View
from trine.services.evidence.tree import HashFunction
from trine.types import Digest
from trine.types.calls import PublicKey

FUNCTION: Final[HashFunction] = "sha256"
"""Hash function of the standard log."""
FOLDER: Final = "sha256/"
"""Where it lies below the prefix of the log of the chain."""
ANCHOR: Final = "anchor"
"""Name of the newest statement about it that the chain was asked to record."""
ANCHOR_TYPE: Final = "application/vnd.trine.checkpoint"
"""Content type of such statements: a checkpoint, which is a signed note."""
ANCHOR_S: Final = 3_600
"""Seconds between two of them, where anything was added."""
ANCHOR_ENTRIES: Final = 100_000
"""Entries after which there is one at once."""
ANY_TIME_S: Final = 1 << 62
"""Seconds by which times may be off in a statement that the service signed itself."""
BUNDLES_MAX: Final = 256
"""Bundles of entries that are read and hashed together."""

_LINE: Final = re.compile("trine-(sha256|sm3)/v1 ([A-Za-z0-9+/]{43}=)")

log = logging.getLogger(__name__)


class Beside(NamedTuple):
    """What a checkpoint says about the log beside it, at its own size.

    Attributes:
        function: Hash function of the log beside it.
        root: Root of that log.
    """

    function: HashFunction
    root: Digest

    def line(self) -> str:
        """Return the extension line of the checkpoint."""
        return f"{_word(self.function)} {base64.b64encode(self.root).decode()}"

    @classmethod
    def find(cls, extensions: Sequence[str], function: HashFunction) -> Self | None:
        """Find it among the extension lines of a checkpoint; nothing where there is none.

        Raises:
            BadNote: There is a line of this name that is none, or two.
        """
        lines = [line for line in extensions if line.split(" ", 1)[0] == _word(function)]
        if not lines:
            return None
        match = _LINE.fullmatch(lines[0])
        if match is None or len(lines) > 1:
            raise BadNote(f"the line {lines[0][:120]!r} names no root of a log")
        found = cls(function, Digest(base64.b64decode(match.group(2))))
        if found.line() != lines[0]:
            raise BadNote(f"the line {lines[0][:120]!r} is not in its one form")
        return found


def _word(function: HashFunction) -> str:
    return f"trine-{function}/v1"


def verifier_beside(key: note.VerifierKey) -> note.VerifierKey:
    """Return the key that verifies checkpoints of the standard log, from that of the other one.

    Both are signed with one secret key; the names, and so what is signed, are different.

    Args:
        key: Verifier key of the log of the chain.
    """
    return key._replace(name=f"{key.name}/{FOLDER.rstrip('/')}")


@dataclass(frozen=True)
class StandardSigner:
    """As whom receipts and checkpoints of a standard log are signed.

    Attributes:
        key: Key of an algorithm that every SCITT client knows: ES256 or Ed25519.
        issuer: The service, a URI.
        subject: What its receipts call the log.
        checkpoint_key: Key of Ed25519 that signs the checkpoints of the log of the chain too.
        origin: Name of the log of the chain.
    """

    key: SecretKey
    issuer: str
    subject: str
    checkpoint_key: SecretKey
    origin: str


class StandardLog:
    """The SHA-256 log beside one log of the chain. One thread writes at a time."""

    def __init__(
        self,
        objects: Objects,
        prefix: str,
        function: HashFunction,
        size: int,
        *,
        signer: StandardSigner,
        anchor_s: float = ANCHOR_S,
    ) -> None:
        """Go on where it was; `catch_up` makes what is missing.

        Args:
            objects: Where both logs are kept.
            prefix: Where in it the log of the chain is, such as `logs/7/`.
            function: Hash function of the log of the chain, and of its entries.
            size: Entries of the log of the chain whose places are known.
            signer: Who signs.
            anchor_s: Seconds between two statements about it in the log of the chain.

        Raises:
            FolderAltered: The checkpoint that is there is not of this log and key.
        """
        self._objects, self._prefix, self._function = objects, prefix + FOLDER, function
        self._signer, self._anchor_s = signer, anchor_s
        self._main = StoredTree(function, objects, prefix)
        self.tree = StoredTree(FUNCTION, objects, self._prefix)
        self.size = size if self.tree.has_entries(size) else 0
        self.signed: tuple[View, SignedHead] | None = None
        """The newest head that is signed, for receipts."""
        main_key = note.verifier_of(signer.checkpoint_key, signer.origin)
        self.verifier = verifier_beside(main_key)
        self._is_compared = False
        found = open_published(objects, self._prefix, self.verifier)
        self._before = None if found is None else found[0]
        self._note = b"" if found is None else found[1]
        self._anchored = self._size_of(objects.read(self._prefix + ANCHOR))
        self._next_anchor_s = time.monotonic() + anchor_s

    @property
    def key(self) -> PublicKey:
        """Key that verifies its receipts."""
        return cose.public_key(self._signer.key)

    @property
    def published_size(self) -> int:
        """Entries of its newest checkpoint."""
        return 0 if self._before is None else self._before.size

    def check_start(self) -> None:
        """Compare its files with what was published, before any is made from them.

        Raises:
            FolderAltered: A file is not what it was.
            LogDiffers: The files are of another log than the checkpoint.
        """
        before, known = self._before, None
        if before is not None and 0 < before.size <= self.size:
            known = Known(before.size, before.root)
            self._is_compared = True
        check_tree(self.tree, self.size, known)

    def catch_up(self, size: int) -> None:
        """Hash the first `size` entries of the log of the chain, as far as that was not done.

        Raises:
            BadTile: A bundle of them is missing.
        """
        if self.size < size:
            log.info("the SHA-256 log goes from %s to %s entries", self.size, size)
        while self.size < size:
            number, known = divmod(self.size, TILE_WIDTH)
            entries: list[bytes] = []
            for at in range(number, min(number + BUNDLES_MAX, -(-size // TILE_WIDTH))):
                entries += self._main.entries(at, min(TILE_WIDTH, size - at * TILE_WIDTH))
            self._append(entries[known:])

    def follow(self, first: int, entries: Sequence[bytes]) -> None:
        """Take entries that the log of the chain got, those before them included.

        Args:
            first: Index of the first.
            entries: The entries; those that this log has already are passed over.

        Raises:
            BadTile: A bundle of those before them is missing.
        """
        self.catch_up(first)
        fresh = entries[self.size - first :]
        if fresh:
            self._append(fresh)

    def _append(self, entries: Sequence[bytes]) -> None:
        self.tree.append(self.size, entries)
        self.size += len(entries)

    def sign(self, size: int) -> None:
        """Sign the head of a size, for receipts.

        Args:
            size: Entries; the log has as many at least.
        """
        view = self.tree.view(size)
        head = TreeHead(FUNCTION, size, view.root())
        signed = receipt.sign_head(
            head,
            key=self._signer.key,
            issuer=self._signer.issuer,
            subject=self._signer.subject,
            issued_at_s=int(time.time()),
            entry_function=self._function,
        )
        self.signed = view, signed

    def publish(self, size: int, root: Digest) -> Beside:
        """Publish a checkpoint of a size, durably, where there is none of it yet.

        Args:
            size: Entries, no fewer than `published_size`.
            root: Root of the log of the chain.

        Returns:
            What the checkpoint of the log of the chain must say.

        Raises:
            LogDiffers: What was published before is not how the log begins.
        """
        before = self._before
        if before is not None and not self._is_compared:
            if self.tree.view(before.size).root() != before.root:
                raise LogDiffers(
                    f"the SHA-256 checkpoint of {before.size} entries is of another log"
                )
            self._is_compared = True
        found = Beside(FUNCTION, self.tree.view(size).root())
        if before is None or size > before.size:
            lines = (Beside(self._function, root).line(),)
            made = Checkpoint(self.verifier.name, size, found.root, lines)
            data = sign_checkpoint(made, self._signer.checkpoint_key).encode()
            self._objects.write({self._prefix + CHECKPOINT: data})
            self._before, self._note, self._is_compared = made, data, True
        return found

    def anchor(self) -> bytes | None:
        """Return a statement for the chain to record, where it is time to; else nothing.

        It says the newest checkpoint. `anchored` is told once it is kept.
        """
        # The newest statement of this kind is an entry itself, after which nothing need follow.
        fresh = self.published_size - self._anchored - bool(self._anchored)
        is_time = fresh >= ANCHOR_ENTRIES or time.monotonic() >= self._next_anchor_s
        if fresh <= 0 or not is_time:
            return None
        return statement.sign_statement(
            self._note,
            key=self._signer.key,
            issuer=self._signer.issuer,
            subject=self.verifier.name,
            content_type=ANCHOR_TYPE,
            issued_at_s=int(time.time()),
        )

    def anchored(self, data: bytes | None) -> None:
        """Note that a statement of `anchor` is kept; nothing where the log takes no more."""
        self._next_anchor_s = time.monotonic() + self._anchor_s
        if data is not None:
            self._objects.write({self._prefix + ANCHOR: data})
            self._anchored = self._size_of(data)

    def _size_of(self, anchor: bytes | None) -> int:
        """Return which size a statement of `anchor` is about; 0 where there is none."""
        if anchor is None:
            return 0
        try:
            read = statement.read_statement(anchor, now_s=0, clock_skew_s=ANY_TIME_S)
            statement.verify_statement(read, self.key)
            return verify_checkpoint(read.payload, [self.verifier])[0].size
        except TrineError as error:
            log.warning("the file of the newest anchor cannot be read, so one follows: %s", error)
            return 0
