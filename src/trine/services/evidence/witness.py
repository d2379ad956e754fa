"""Cosign checkpoints of logs that only grow, as the chain's validators certify them.

The protocol is C2SP tlog-witness: a log sends `add-checkpoint` with the size that the witness saw
last, a proof of consistency and the checkpoint; the witness answers a cosignature (C2SP
tlog-cosignature). Beyond it this witness reads the entries from its own node, and cosigns nothing
that is not the log which the chain's validators certified.

>>> from trine.services.evidence import witness
>>> body = witness.write_request(3, [bytes(32)], b"a note")
>>> witness.read_request(body) == (3, [bytes(32)], b"a note")
True
"""

import asyncio
import base64
import binascii
import hashlib
import json
import logging
import re
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final, NamedTuple

from trine.crypto import SecretKey
from trine.errors import EntryNotFound, TrineError
from trine.errors.services import BadNote, LogDiffers, NoteUnverified, TreeMismatch
from trine.services.evidence import note, tree
from trine.services.evidence.chain import FETCH_MAX, ChainLog, ProvenHead
from trine.services.evidence.checkpoint import Checkpoint, verify_checkpoint
from trine.services.evidence.objects import Objects
from trine.services.evidence.tree import Frontier, HashFunction

PROOF_HASHES_MAX: Final = 63
"""Hashes of the proof in a request (C2SP tlog-witness, add-checkpoint)."""
REQUEST_BYTES_MAX: Final = note.NOTE_BYTES_MAX + 4_096
"""Bytes of a request."""
CERTIFIED_S: Final = 2.0
"""Seconds for which a witness waits until its own node has what it shall cosign."""
LOOK_S: Final = 0.05
"""Seconds between two looks meanwhile."""
REFUSED_MAX: Final = 64
"""Checkpoints of a log that are kept as evidence after they were refused."""
TEXT: Final = "text/plain; charset=utf-8"
SIZE_TEXT: Final = "text/x.tlog.size"

_OLD: Final = re.compile("old (0|[1-9][0-9]{0,18})")

log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """What is answered to a request."""

    status: HTTPStatus
    body: bytes
    media_type: str = TEXT


class Watched(NamedTuple):
    """A log that is cosigned: the key that signs its checkpoints, and where the chain has it."""

    key: note.VerifierKey
    chain: ChainLog


def write_request(old_size: int, path: Sequence[bytes], checkpoint: bytes) -> bytes:
    """Write the body of `add-checkpoint`."""
    lines = [f"old {old_size}", *(base64.b64encode(each).decode() for each in path), "", ""]
    return "\n".join(lines).encode() + checkpoint


def read_request(body: bytes) -> tuple[int, list[bytes], bytes]:
    """Read the body of `add-checkpoint`: size, proof and checkpoint.

    Raises:
        BadNote: It is none.
    """
    head, blank, checkpoint = body.partition(b"\n\n")
    try:
        first, *hashes = head.decode("ascii").split("\n")
        path = [base64.b64decode(each, validate=True) for each in hashes]
    except (UnicodeDecodeError, binascii.Error, ValueError):
        raise BadNote("the request has lines that are no hashes in base64") from None
    match = _OLD.fullmatch(first)
    if not blank or match is None or len(path) > PROOF_HASHES_MAX:
        raise BadNote("the request does not begin with the old size, and up to 63 hashes")
    return int(match.group(1)), path, checkpoint


async def check_certified(chain: ChainLog, edge: Frontier) -> ProvenHead:
    """Check that a log so far is how the one begins that the chain's validators certified.

    Returns:
        The certified head, at least as large.

    Raises:
        LogDiffers: It is not.
        TrineError: The node does not answer, lies, or has fewer entries under a certificate.
    """
    head = await chain.prove(edge.size - 1)
    while edge.size < head.size:
        edge = await _extend(chain, edge, head.size)
    if edge.size > head.size or edge.root() != head.root:
        raise LogDiffers(f"the root at {head.size} entries is {head.root} on the chain")
    return head


async def _extend(chain: ChainLog, edge: Frontier, size: int) -> Frontier:
    """Append what a node says comes next: true only where the root is certified in the end.

    Raises:
        LogDiffers: The node has no more entries.
    """
    entries = await chain.entries(edge.size, min(size - edge.size, FETCH_MAX))
    if not entries:
        raise LogDiffers(f"the chain has {edge.size} entries, the checkpoint {size}")
    return await asyncio.to_thread(lambda: edge.extend(tree.leaf_hashes(chain.function, entries)))


class Witness:
    """A witness of some logs. Its state is among objects, one writer at a time."""

    def __init__(
        self, objects: Objects, key: SecretKey, name: str, logs: Mapping[str, Watched]
    ) -> None:
        """Prepare.

        Args:
            objects: Where it keeps what it cosigned, durably.
            key: Key of Ed25519 that cosigns, and does nothing else.
            name: Name of the key, such as `witness.example/w1`.
            logs: The logs, by their origins.

        Raises:
            BadArgument: The name is none, or the key is of another algorithm.
        """
        self.verifier = note.verifier_of(key, name, note.SignatureType.COSIGNATURE)
        self._objects = objects
        self._key = key
        self._logs = dict(logs)
        self._locks = {origin: asyncio.Lock() for origin in logs}

    async def add(self, body: bytes) -> Answer:
        """Answer a request `add-checkpoint` (C2SP tlog-witness)."""
        try:
            old_size, path, data = read_request(body)
            origin = Checkpoint.read_text(note.read_note(data).text).origin
        except BadNote as error:
            return _refusal(HTTPStatus.BAD_REQUEST, error)
        watched = self._logs.get(origin)
        if watched is None:
            return Answer(HTTPStatus.NOT_FOUND, b"the origin is not known here\n")
        try:
            checkpoint, _ = verify_checkpoint(data, [watched.key])
        except NoteUnverified as error:
            return _refusal(HTTPStatus.FORBIDDEN, error)
        if old_size > checkpoint.size:
            return Answer(HTTPStatus.BAD_REQUEST, b"the old size is above that of the checkpoint\n")
        async with self._locks[origin]:
            return await self._judge(watched, checkpoint, data, old_size, path)

    async def _judge(
        self,
        watched: Watched,
        checkpoint: Checkpoint,
        data: bytes,
        old_size: int,
        path: Sequence[bytes],
    ) -> Answer:
        function = watched.chain.function
        edge = await asyncio.to_thread(self.seen, checkpoint.origin, function)
        if old_size != edge.size:
            return Answer(HTTPStatus.CONFLICT, f"{edge.size}\n".encode(), SIZE_TEXT)
        wrong: TreeMismatch | None = None
        try:
            _check_consistent(function, edge, checkpoint, path)
        except TreeMismatch as error:
            wrong = error
        if wrong is not None and old_size == checkpoint.size:
            if checkpoint.root != edge.root():
                await asyncio.to_thread(self._keep_refused, checkpoint.origin, data)
            return Answer(HTTPStatus.CONFLICT, f"{edge.size}\n".encode(), SIZE_TEXT)
        try:
            edge = await self._certified(watched.chain, edge, checkpoint)
        except LogDiffers as error:
            # A wrong proof shows nothing, for anyone may send one; another log does.
            await asyncio.to_thread(self._keep_refused, checkpoint.origin, data)
            return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, wrong or error)
        except TrineError as error:
            if wrong is None:
                return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, error)
        if wrong is not None:
            return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, wrong)
        # What is signed is remembered first: never two checkpoints that contradict each other.
        await asyncio.to_thread(self._keep, checkpoint, edge, data)
        line = note.cosign(checkpoint.text(), self._key, self.verifier.name, int(time.time()))
        return Answer(HTTPStatus.OK, f"{line}\n".encode())

    async def _certified(self, chain: ChainLog, edge: Frontier, checkpoint: Checkpoint) -> Frontier:
        """Read on to the checkpoint through the own node, and check the certificate."""
        if checkpoint.size == 0:
            return edge
        await _wait_for(chain, checkpoint.size)
        while edge.size < checkpoint.size:
            edge = await _extend(chain, edge, checkpoint.size)
        if edge.root() != checkpoint.root:
            at = f"at {checkpoint.size} entries"
            raise LogDiffers(f"the root {at} is {edge.root()} on the chain, not {checkpoint.root}")
        await check_certified(chain, edge)
        return edge

    def seen(self, origin: str, function: HashFunction) -> Frontier:
        """Return how far a log is cosigned; an empty one where it never was."""
        found = self._objects.read(_place(origin))
        if found is None:
            return Frontier(function)
        return Frontier.from_json(function, json.loads(found)["edge"])

    def _keep(self, checkpoint: Checkpoint, edge: Frontier, data: bytes) -> None:
        document = {
            "origin": checkpoint.origin,
            "edge": edge.to_json(),
            "checkpoint": data.decode(),
        }
        self._objects.write({_place(checkpoint.origin): json.dumps(document, indent=1).encode()})

    def _keep_refused(self, origin: str, data: bytes) -> None:
        """Keep a checkpoint that contradicts what was seen, or the chain: the log signed it."""
        log.error("a checkpoint of %s is not of the chain's log: it is kept as evidence", origin)
        for number in range(REFUSED_MAX):
            name = f"{_place(origin)}.refused.{number}"
            kept = self._objects.read(name)
            if kept == data:
                return
            if kept is None:
                self._objects.write({name: data})
                return


async def _wait_for(chain: ChainLog, size: int) -> None:
    """Wait until a node has so many entries under a certificate.

    Raises:
        EntryNotFound: It has not within `CERTIFIED_S`.
    """
    deadline = time.monotonic() + CERTIFIED_S
    while True:
        try:
            await chain.proofs(size - 1, 1)
        except EntryNotFound:
            if time.monotonic() > deadline:
                raise
        else:
            return
        await asyncio.sleep(LOOK_S)


def _check_consistent(
    function: HashFunction, edge: Frontier, checkpoint: Checkpoint, path: Sequence[bytes]
) -> None:
    """Check the proof of a request.

    Raises:
        TreeMismatch: It does not hold.
    """
    if edge.size:
        tree.check_consistency(
            function, edge.size, checkpoint.size, edge.root(), path, root=checkpoint.root
        )
    elif path:
        raise TreeMismatch(f"a proof of {len(path)} hashes from the empty log, expected none")
    elif checkpoint.size == 0 and checkpoint.root != tree.empty_root(function):
        raise TreeMismatch("the root of an empty log is the hash of nothing")


def _place(origin: str) -> str:
    return f"seen/{hashlib.sha256(origin.encode()).hexdigest()}"


def _refusal(status: HTTPStatus, error: TrineError) -> Answer:
    return Answer(status, f"{error.code}: {error}\n".encode())


def read_size(answer: bytes) -> int | None:
    """Read the size in an answer 409; nothing where there is none."""
    text = answer.strip()
    return int(text) if text.isdigit() and len(text) < 20 else None


def cosignature_in(answer: bytes, text: str, key: note.VerifierKey) -> note.SignatureLine | None:
    """Find the cosignature of a witness in its answer; nothing where it does not hold.

    Args:
        answer: Body of the answer.
        text: Text of the checkpoint.
        key: Key of the witness.
    """
    try:
        found = note.read_note(text.encode() + b"\n" + answer)
        [verified] = note.verify(found, [key])
    except (BadNote, NoteUnverified, ValueError):
        return None
    lines = [one for one in found.signatures if (one.name, one.key_id) == (key.name, key.key_id)]
    return lines[0] if verified.key == key else None
