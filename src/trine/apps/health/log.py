"""Follow an evidence log of the custodian: every entry, under the newest head that is certified.

What a node says is checked: entries are taken only where they hash to a root that the chain's
validators certified. All entries are held in memory, about 200 bytes each.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from trine.apps.health.entries import Entries, Part
from trine.apps.health.limits import WAIT_S_MAX
from trine.client import Trust
from trine.errors import EntryNotFound
from trine.errors.health import HistoryBusy, HistoryMismatch
from trine.errors.services import LogDiffers
from trine.model.hashing import Suite
from trine.model.identifiers import Digest
from trine.services.evidence import tree
from trine.services.evidence.chain import FETCH_MAX, ChainLog, ProvenHead, proven_head
from trine.services.evidence.tree import FUNCTIONS
from trine.types import Digest as ChainDigest
from trine.types import LogId

HASHED_AT_ONCE: Final = 4_096
"""Entries that are hashed before others get their turn."""
POLL_S: Final = 0.02
"""Seconds between two looks while an entry is final and not yet under a certified head."""


class CertifiedHead(NamedTuple):
    """A log as the chain's validators certified it.

    Attributes:
        log: Number of the log.
        size: Number of its entries.
        time_ms: Time of the block, Unix time in milliseconds.
        proof: Proof file of the last entry.
    """

    log: int
    size: int
    time_ms: int
    proof: bytes


class EventLog(Protocol):
    """A log that grows, and of which all entries are known."""

    suite: Suite

    async def append(self, entries: Sequence[Digest]) -> None:
        """Add entries, next to each other, and wait until they are final.

        Raises:
            TrineError: They may not be recorded, or it is not known.
        """

    async def refresh(self) -> None:
        """Learn of newer entries."""

    def first(self, entry: Digest) -> int | None:
        """Return the first index of an entry; nothing where the log has none."""

    def entry(self, index: int) -> Digest | None:
        """Return an entry; nothing past the end."""

    @property
    def head(self) -> CertifiedHead | None:
        """The newest head; nothing while the log is empty."""


async def settle(log: EventLog, entry: Digest) -> None:
    """Wait until the log shows an entry.

    Raises:
        HistoryBusy: It does not within `WAIT_S_MAX`.
    """
    try:
        async with asyncio.timeout(WAIT_S_MAX):
            while log.first(entry) is None:
                await log.refresh()
                await asyncio.sleep(0 if log.first(entry) is not None else POLL_S)
    except TimeoutError:
        message = f"no certified head shows the entry within {WAIT_S_MAX:.0f} s"
        raise HistoryBusy(message) from None


class CertifiedLog:
    """The event log of a chain, through one of its nodes."""

    def __init__(self, chain: ChainLog) -> None:
        """Follow a log of a chain."""
        self._chain = chain
        self.suite = Suite.GM if chain.function == FUNCTIONS["gm"] else Suite.INTL
        self._entries = Entries()
        self._frontier = tree.Frontier(chain.function)
        self._head: ProvenHead | None = None
        self._busy = asyncio.Lock()

    @property
    def head(self) -> CertifiedHead | None:
        """The newest certified head that is known; nothing while the log is empty."""
        known = self._head
        if known is None:
            return None
        return CertifiedHead(self._chain.log, known.size, known.time_ms, known.proof)

    async def append(self, entries: Sequence[Digest]) -> None:
        """Have the chain record entries, and wait until they are final."""
        for failure in await self._chain.append([ChainDigest(one) for one in entries]):
            raise failure

    async def refresh(self) -> None:
        """Follow the chain to its newest certified head.

        Raises:
            LogDiffers: The certified root is not that of the entries.
            TrineError: A node does not answer, or lies.
        """
        async with self._busy:
            size = await self._chain.size()
            if size <= len(self._entries):
                return
            try:
                head = await self._chain.prove(size - 1)
            except EntryNotFound:
                return  # It is final, and its certificate is on the way.
            new: list[Digest] = []
            while len(self._entries) + len(new) < head.size:
                first = len(self._entries) + len(new)
                found = await self._chain.entries(first, min(head.size - first, FETCH_MAX))
                if not found:
                    return  # The node that answered is behind the one that gave the proof.
                new += (Digest(one) for one in found)
            await self._take(head, new)

    async def _take(self, head: ProvenHead, new: Sequence[Digest]) -> None:
        frontier = self._frontier
        for at in range(0, len(new), HASHED_AT_ONCE):
            part = new[at : at + HASHED_AT_ONCE]
            frontier = frontier.extend(tree.leaf_hashes(self._chain.function, part))
            await asyncio.sleep(0)
        if frontier.root() != head.root:
            at_size = f"at {head.size} entries of log {self._chain.log}"
            message = f"the root {at_size} is {head.root} on the chain, another of the entries"
            raise LogDiffers(message)
        self._frontier, self._head = frontier, head
        self._entries.extend(new)

    async def prove(self, entry: Digest) -> bytes:
        """Fetch the proof file of an entry, verified.

        Raises:
            EntryNotFound: No certified head that is known shows the entry.
            TrineError: A node does not answer, or lies.
        """
        index = self._entries.first(entry)
        if index is None:
            raise EntryNotFound("the log does not show the entry", instance=entry.hex())
        return (await self._chain.prove(index)).proof

    def first(self, entry: Digest) -> int | None:
        """Return the first index of an entry."""
        return self._entries.first(entry)

    def entry(self, index: int) -> Digest | None:
        """Return an entry."""
        return self._entries.entry(index)

    def entries(self, size: int) -> bytes:
        """Return the first entries, 32 bytes each, for who verifies offline."""
        return b"".join(self._entries.listed(size))

    def upto(self, size: int) -> Part:
        """Return the first entries; every one of them was under a head that was verified."""
        return self._entries.upto(size)


class HeldLog:
    """A log whose entries somebody holds: read and hashed once, for all that is checked in it."""

    def __init__(self, entries: bytes, trust: Trust) -> None:
        """Hash the entries of a log.

        Args:
            entries: The entries, 32 bytes each.
            trust: Whom to believe about the chain.
        """
        self._function, self._trust, width = FUNCTIONS[trust.suite], trust, Digest.LENGTH
        count = len(entries) // width
        found = [Digest(entries[at : at + width]) for at in range(0, count * width, width)]
        self._entries = Entries(found)
        self._levels: list[Sequence[bytes]] = [tree.leaf_hashes(self._function, found)]
        while len(self._levels[-1]) > 1:
            self._levels.append(tree.parents(self._function, self._levels[-1]))
        self._shown: set[CertifiedHead] = set()
        """Heads that were verified."""

    def upto(self, head: CertifiedHead) -> Part:
        """Return the entries of a certified head. No network is needed.

        Raises:
            HistoryMismatch: They are not those of the log, or the head says another size or time.
            ProofMismatch, WrongTrust, NotAProof and others: The proof does not verify.
        """
        if not 1 <= head.size <= len(self._entries):
            message = f"the log is held up to {len(self._entries)} entries, its head has"
            raise HistoryMismatch(f"{message} {head.size}")
        if head not in self._shown:
            shown = proven_head(self._trust, head.proof, LogId(head.log), head.size - 1)
            root = self._root(head.size)
            if (shown.size, shown.time_ms, shown.root) != (head.size, head.time_ms, root):
                message = "the entries are not those of the log that the proof is about"
                raise HistoryMismatch(message)
            self._shown.add(head)
        return self._entries.upto(head.size)

    def _root(self, size: int) -> ChainDigest:
        """Return the root over the first entries, out of subtrees that are hashed already."""
        peaks, first = list[bytes](), 0
        for level in reversed(range(size.bit_length())):
            if size >> level & 1:
                peaks.append(self._levels[level][first >> level])
                first += 1 << level
        return tree.join(self._function, peaks)


def check_log(entries: bytes, head: CertifiedHead, trust: Trust) -> Part:
    """Check that entries are all those of a certified log. No network is needed.

    Args:
        entries: The entries, 32 bytes each.
        head: The head, whose proof is verified here.
        trust: Whom to believe about the chain.

    Returns:
        The entries.

    Raises:
        HistoryMismatch: They are not those of the log, or the head says another size or time.
        ProofMismatch, WrongTrust, NotAProof and others: The proof does not verify.
    """
    width = Digest.LENGTH
    if len(entries) != head.size * width:
        raise HistoryMismatch(f"{len(entries)} bytes of entries, expected {head.size * width}")
    return HeldLog(entries, trust).upto(head)
