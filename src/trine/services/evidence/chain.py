"""Read and write one evidence log of a chain for the service."""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

import cbor2

from trine._core import proofs as core
from trine.client import AsyncClient, Trust
from trine.errors import BadAnswer, EntryNotFound, TrineError
from trine.model.hashing import Suite, under
from trine.model.proofs.envelope import open_envelope, seal_of
from trine.model.proofs.proof import Proof
from trine.services.evidence import tree
from trine.services.evidence.tree import FUNCTIONS
from trine.types import Digest, EvidenceAppend, LogId
from trine.types.limits import ENTRIES_MAX, RECEIPTS_MAX

MEDIA_TYPE: Final = "application/cose"
"""What the chain is told about entries that are those of statements."""
FETCH_MAX: Final = 65_536
"""Entries that a node gives at once."""
BODY, SEAL = 2, 3
"""Keys of a proof file (docs/reference/proofs.md, section 2)."""


class ProvenHead(NamedTuple):
    """A log as the chain's validators certified it.

    Attributes:
        size: Number of its entries.
        root: Root over them.
        height: Block at which it was so.
        time_ms: Time of that block, Unix time in milliseconds.
        proof: The proof file.
        entry_index: Index of the entry that the proof is about.
    """

    size: int
    root: Digest
    height: int
    time_ms: int
    proof: bytes
    entry_index: int


class ChainLog:
    """One log of a chain, through any of its nodes; nothing that they say is believed."""

    def __init__(
        self,
        client: AsyncClient,
        trust: Trust,
        log: LogId,
        *,
        media_type: str = MEDIA_TYPE,
        turn: asyncio.Lock | None = None,
    ) -> None:
        """Use the log with this number.

        Args:
            client: Client with the key of a notary of the log's organisation.
            trust: Whom to believe about the chain.
            log: The log.
            media_type: What the chain is told about the entries.
            turn: Held while entries are sent, by logs that share an account: one at a time uses
                its nonces.
        """
        self._turn = turn or asyncio.Lock()
        self._client = client
        self._trust = trust
        self._media_type = media_type
        self.suite = trust.suite
        self.log = log
        self.function = FUNCTIONS[trust.suite]

    async def size(self) -> int:
        """Return the number of entries that the asked node knows of."""
        return (await self._client.log(str(self.log))).size

    async def append(
        self, entries: Sequence[Digest], media_type: str | None = None
    ) -> list[TrineError]:
        """Ask the chain to record entries, and wait until it has.

        Args:
            entries: The entries.
            media_type: What the chain is told about these; what it is told about all without one.

        Returns:
            Why some of them may not be recorded, in no order.
        """
        calls = [
            EvidenceAppend(
                log=self.log,
                entries=tuple(entries[first : first + ENTRIES_MAX]),
                media_type=self._media_type if media_type is None else media_type,
            )
            for first in range(0, len(entries), ENTRIES_MAX)
        ]
        failures = []
        async with self._turn:
            results = await self._client.submit_many(calls)
        for result in results:
            try:
                if isinstance(result, TrineError):
                    raise result
                result.check()
            except TrineError as error:
                failures.append(error)
        return failures

    async def entries(self, first: int, count: int) -> list[Digest]:
        """Fetch up to `FETCH_MAX` entries, fewer where the log ends."""
        try:
            return await self._client.log_entries(
                self.log, first=first, count=min(count, FETCH_MAX)
            )
        except EntryNotFound:
            return []

    async def proofs(self, first: int, count: int) -> list[bytes]:
        """Fetch proofs of up to `RECEIPTS_MAX` entries, which are not verified here.

        Raises:
            EntryNotFound: The first is not under a certificate yet.
        """
        count = min(count, RECEIPTS_MAX)
        return await self._client.entry_proofs(self.log, first=first, count=count)

    async def prove(self, index: int) -> ProvenHead:
        """Fetch the proof of an entry and verify it; it shows the whole log's root.

        Raises:
            EntryNotFound: The log has no such entry under a certificate yet.
            BadAnswer: The proof is about something else.
            NegativeVerdict: It does not verify.
        """
        proof = await self._client.proof(f"/v1/logs/{self.log}/entries/{index}")
        return proven_head(self._trust, proof, self.log, index)


def proven_head(trust: Trust, proof: bytes, log: LogId, index: int) -> ProvenHead:
    """Verify the proof of an entry; it shows the root of the whole log. No network is needed.

    Args:
        trust: Whom to believe about the chain.
        proof: The proof file.
        log: The log that it must be about.
        index: Index of the entry that it must be about.

    Raises:
        BadAnswer: The proof is about something else.
        NegativeVerdict: It does not verify.
    """
    shown = core.verify_proof(trust.content, proof)
    fact = shown["fact"]
    found = (fact.get("kind"), fact.get("log"), fact.get("index"))
    if found != ("evidence", log, index):
        raise BadAnswer(f"a proof about {found}, expected entry {index} of log {log}")
    function, size = FUNCTIONS[trust.suite], int(fact["size"])
    leaf = tree.leaf_hashes(function, [fact["entry"]])[0]
    root = tree.inclusion_root(function, leaf, index, size, _path(proof))
    return ProvenHead(size, root, int(shown["height"]), int(shown["time_ms"]), proof, index)


def proof_of(
    suite: str, head: ProvenHead, entry: Digest, index: int, path: Sequence[bytes]
) -> bytes:
    """Make the proof of another entry under the same block, out of that of a head.

    Args:
        suite: Suite of the chain.
        head: The head, whose proof was verified.
        entry: The entry.
        index: Its index in the log.
        path: Its inclusion path, leaf to root, in the log of `head.size` entries.

    Returns:
        A proof file (docs/reference/proofs.md, section 6, kind 6).
    """
    assert 0 <= index < head.size, "the block has the entry"
    envelope = cbor2.loads(head.proof)
    body = cbor2.loads(envelope[BODY])
    body[1] |= {0: bytes(entry), 2: index, 4: b"".join(path)}
    envelope[BODY] = cbor2.dumps(body, canonical=True)
    with under(Suite(suite)):
        envelope[SEAL] = bytes(seal_of(envelope[BODY]))
    return cbor2.dumps(envelope, canonical=True)


def certified_header(suite: str, proof: bytes) -> bytes:
    """Return the encoded header that has the validators' certificate, out of a verified proof."""
    with under(Suite(suite)):
        return Proof.from_body(open_envelope("proof", proof)).chain.headers[-1].encode()


def _path(proof: bytes) -> list[bytes]:
    """Take the inclusion path out of a proof that was verified (docs/reference/proofs.md)."""
    body = cbor2.loads(cbor2.loads(proof)[BODY])
    joined: bytes = body[1][4]
    return [joined[at : at + Digest.LENGTH] for at in range(0, len(joined), Digest.LENGTH)]
