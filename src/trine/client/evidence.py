"""Record files in an evidence log: hash, commit, wait, fetch one receipt a file.

The chain sees 32 bytes a file, a salted commitment. Each call holds up to 1,000 entries, each
transaction up to 64 KiB of calls; receipts come in batches of 1,000.
"""

import mimetypes
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trine._core import evidence as core_evidence
from trine._core import proofs as core
from trine.client import operations
from trine.client.submission import Result, Session, submit
from trine.client.transport import Operation, Pause, Request, checked
from trine.client.verification import Receipt, Trust, hash_files
from trine.errors import (
    BadAnswer,
    EntryNotFound,
    FileChanged,
    Internal,
    NothingToDo,
    Timeout,
    TrineError,
)
from trine.types import Digest, EvidenceAppend, Height, LogId
from trine.types.limits import (
    CALLS_MAX,
    ENTRIES_MAX,
    FILE_NAME_BYTES_MAX,
    MEDIA_TYPE_BYTES_MAX,
    RECEIPTS_MAX,
    TRANSACTION_BYTES_MAX,
)

Progress = Callable[[str, int, int], None]
"""Told of each step: the phase (`hash`, `record`, `receipts`), files done, files in all."""

TIMEOUT_S: Final = 600.0
"""Seconds in which recording files should end, whatever their number."""
HASH_BATCH: Final = 256
"""Files hashed between two reports of progress."""
SALT_BYTES: Final = 32
RECEIPT_PAUSE_S: Final = 0.1
"""Seconds between two tries for receipts: a node makes them against a certified block."""
DIGEST_BYTES: Final = 32
# Version, chain, sender, key index, nonce, time, count, algorithm, signature with its length:
# 137 bytes; an ML-DSA signature has 3,245 more.
_ENVELOPE_BYTES: Final = 3_400
# Module, method, length; log, two empty texts' lengths, count.
_CALL_BYTES: Final = 4 + 4 + 1 + 1 + 2


def no_progress(_phase: str, _done: int, _total: int) -> None:
    """Report nothing."""


@dataclass
class _File:
    """A file on its way into a log."""

    path: Path
    digest: Digest
    size: int
    media_type: str
    salt: bytes
    entry: Digest
    proof: bytes = b""


@dataclass(frozen=True)
class _Batch:
    """The files of one call, in the order of its entries."""

    media_type: str
    files: tuple[_File, ...]

    def bytes(self) -> int:
        """Bytes that the call takes in a transaction."""
        return _CALL_BYTES + len(self.media_type) + DIGEST_BYTES * len(self.files)


def notarize(
    session: Session,
    paths: Sequence[Path],
    log: str | None,
    timeout_s: float,
    progress: Progress,
) -> Operation[list[Receipt]]:
    """Record files and fetch their receipts, in the order of `paths`."""
    deadline = time.monotonic() + timeout_s
    if not paths:
        raise NothingToDo("no file to record")
    chain = yield from session.chain()
    log_id = yield from _find_log(session, log)
    files = _read_files(chain.suite, paths, progress)
    transactions = list(_pack(_batches(files)))
    done = 0
    placed: list[tuple[int, _Batch]] = []
    progress("record", 0, len(files))
    # A few at a time: progress is seen, and the nonce window never fills.
    for first in range(0, len(transactions), 8):
        part = transactions[first : first + 8]
        drafts = [[_append(log_id, batch) for batch in batches] for batches in part]
        results = yield from submit(session, drafts, deadline - time.monotonic())
        for batches, result in zip(part, results, strict=True):
            placed += _places(log_id, batches, result)
            done += sum(len(batch.files) for batch in batches)
            progress("record", done, len(files))
    trust = Trust.load((yield from operations.raw("/v1/trust")))
    progress("receipts", 0, len(files))
    done = 0
    for first_index, batch in placed:
        yield from _fetch_proofs(log_id, first_index, batch, deadline)
        done += len(batch.files)
        progress("receipts", done, len(files))
    return [_receipt(trust, file) for file in files]


def _find_log(session: Session, name: str | None) -> Operation[LogId]:
    if name is None:
        account = yield from operations.account(session.sender.address)
        name = f"{account.document.get('organisation_name') or account.organisation}/default"
    found = yield from operations.log(name)
    return found.id


def _read_files(suite: str, paths: Sequence[Path], progress: Progress) -> list[_File]:
    files = []
    progress("hash", 0, len(paths))
    for first in range(0, len(paths), HASH_BATCH):
        part = list(paths[first : first + HASH_BATCH])
        before = [_stamp(path) for path in part]
        hashed = hash_files(suite, part)
        for path, (digest, size), stamp in zip(part, hashed, before, strict=True):
            if stamp and _stamp(path) != stamp:
                message = f"{path} changed while it was read"
                raise FileChanged(message, instance=str(path))
            salt = secrets.token_bytes(SALT_BYTES)
            entry = Digest(core_evidence.entry(suite, salt, digest))
            files.append(_File(path, digest, size, _media_type(path), salt, entry))
        progress("hash", len(files), len(paths))
    return files


def _stamp(path: Path) -> tuple[int, int] | None:
    """Size and time of change; hashing reports a file that cannot be read."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _media_type(path: Path) -> str:
    guessed = mimetypes.guess_type(path.name, strict=True)[0] or ""
    return guessed if len(guessed) <= MEDIA_TYPE_BYTES_MAX else ""


def _batches(files: list[_File]) -> Iterator[_Batch]:
    """Group files by media type, since a call names one, in calls of up to 1,000."""
    groups: dict[str, list[_File]] = {}
    for file in files:
        groups.setdefault(file.media_type, []).append(file)
    for media_type, members in groups.items():
        for first in range(0, len(members), ENTRIES_MAX):
            yield _Batch(media_type, tuple(members[first : first + ENTRIES_MAX]))


def _pack(batches: Iterator[_Batch]) -> Iterator[list[_Batch]]:
    """Fill transactions with calls, within the limits of both."""
    part: list[_Batch] = []
    size = _ENVELOPE_BYTES
    for batch in batches:
        if part and (len(part) == CALLS_MAX or size + batch.bytes() > TRANSACTION_BYTES_MAX):
            yield part
            part, size = [], _ENVELOPE_BYTES
        part.append(batch)
        size += batch.bytes()
    if part:
        yield part


def _append(log: LogId, batch: _Batch) -> EvidenceAppend:
    entries = tuple(file.entry for file in batch.files)
    return EvidenceAppend(log=log, entries=entries, media_type=batch.media_type)


def _places(log: LogId, batches: list[_Batch], result: Result) -> list[tuple[int, _Batch]]:
    """Read from the events where the entries of each call lie."""
    if isinstance(result, TrineError):
        raise result
    events = [event.fields() for event in result.check().outcome.events]
    appended = [fields for fields in events if "first_index" in fields]
    counts = [fields["count"] for fields in appended if fields["log"] == log]
    if counts != [len(batch.files) for batch in batches]:
        raise BadAnswer(f"the events of transaction {result.id} do not fit its calls")
    indices = [int(fields["first_index"]) for fields in appended]
    return list(zip(indices, batches, strict=True))


def _fetch_proofs(log: LogId, first: int, batch: _Batch, deadline: float) -> Operation[None]:
    files = list(batch.files)
    place = 0
    while place < len(files):
        count = min(len(files) - place, RECEIPTS_MAX)
        path = f"/v1/logs/{log}/entries/{first + place}/proofs"
        answer = yield Request(path, {"count": count})
        proofs: list[bytes] = []
        try:
            proofs = core.split_sequence(checked(answer).content)
        except EntryNotFound:
            # Final already, but not yet under a certificate on this node.
            if time.monotonic() > deadline:
                message = f"no receipts for the entries of log {log} from {first + place} on yet"
                raise Timeout(message) from None
            yield Pause(RECEIPT_PAUSE_S)
        for file, proof in zip(files[place:], proofs, strict=False):
            file.proof = proof
        place += len(proofs)


def _receipt(trust: Trust, file: _File) -> Receipt:
    """Make the receipt, and verify it before anybody relies on it."""
    name = receipt_name(file.path.name)
    content = core.make_receipt(
        trust.suite, file.proof, file.salt, name, file.size, file.media_type
    )
    try:
        shown = core.verify_receipt(trust.content, content, file.digest, file.size)
    except TrineError as error:
        message = f"the node's receipt of {file.path} does not verify: {error}"
        raise Internal(message, instance=str(file.path)) from error
    return Receipt(name, content, file.digest, Height(shown["height"]))


def receipt_name(name: str) -> str:
    """Turn the name of a file into one that a receipt may carry (docs/reference/receipt.md)."""
    text = name.encode("utf-8", "replace").decode("utf-8")
    cleaned = "".join(c if c.isprintable() and c not in "/\\" else "_" for c in text)
    cleaned = cleaned.encode()[:FILE_NAME_BYTES_MAX].decode("utf-8", "ignore")
    return cleaned if core.is_receipt_name(cleaned) else "file"
