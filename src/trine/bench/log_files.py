"""Measure the files of a large log: how fast they are made, how large receipts and proofs are."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from trine.crypto import SecretKey, hash_many
from trine.services.evidence import receipt, searching
from trine.services.evidence.catalogue import Catalogue
from trine.services.evidence.checkpoint import Checkpoint, sign_checkpoint
from trine.services.evidence.note import verifier_of
from trine.services.evidence.objects import Folder
from trine.services.evidence.published import check_tree
from trine.services.evidence.rows import About
from trine.services.evidence.stored import Known, StoredTree
from trine.types import Digest

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH: Final = 65_536
"""Entries that are appended at once, as a service that catches up with a chain does."""
ISSUERS: Final = 100
"""Issuers, each of whom has every hundredth entry."""
RECEIPTS: Final = 2_000
"""Receipts that are made of entries drawn at random."""
PREFIX: Final = "logs/1/"
ISSUER: Final = "https://service.example"
SEED: Final = 7
MIB: Final = 1 << 20
_RSS_UNIT_BYTES: Final = 1_024


def _digests(words: str, first: int, count: int) -> list[Digest]:
    names = [b"%s-%d" % (words.encode(), number) for number in range(first, first + count)]
    return [Digest(one) for one in hash_many("sha256", names)]


def rss_mib() -> float:
    """Return the most memory that this process had, in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) * _RSS_UNIT_BYTES / MIB, 1)
    return 0.0


def measure(folder: Path, entries: int, note: Callable[[str], None]) -> dict[str, Any]:
    """Make a log with its index in a folder, then receipts and proofs of searches.

    Args:
        folder: An empty folder.
        entries: Entries of the log.
        note: Told how far it is.
    """
    objects = Folder(folder)
    log = StoredTree("sha256", objects, PREFIX)
    catalogue = Catalogue("sha256", objects, PREFIX, 0)
    issuers = _digests("issuer", 0, ISSUERS)
    kind = _digests("type", 0, 1)[0]
    cpu_s, started = time.process_time(), time.monotonic()
    tiles_s = 0.0
    for first in range(0, entries, BATCH):
        count = min(BATCH, entries - first)
        made = _digests("entry", first, count)
        about = [About(issuers[at % ISSUERS], kind, one) for at, one in enumerate(made, first)]
        before = time.monotonic()
        log.append(first, made)
        tiles_s += time.monotonic() - before
        catalogue.append(made, about, first)
        if first // BATCH % 16 == 0:
            note(f"{first + count:,} entries after {time.monotonic() - started:,.0f} s")
    took_s, used_s = time.monotonic() - started, time.process_time() - cpu_s
    return {
        "entries": entries,
        "append_s": round(took_s, 1),
        "append_cpu_us_per_entry": round(used_s / entries * 1e6, 2),
        "tiles_s": round(tiles_s, 1),
        "rss_mib": rss_mib(),
        **_stored(folder, entries),
        **_receipts(log, entries),
        **_searches(log, catalogue, entries),
        "start_ms": _start(log, objects, catalogue, entries),
    }


def _start(log: StoredTree, objects: Folder, catalogue: Catalogue, entries: int) -> float:
    """Compare the files with what was published, as a start does; returns the milliseconds."""
    index = catalogue.snapshot().head
    root = log.view(entries).root()
    started = time.monotonic()
    again = Catalogue("sha256", objects, PREFIX, entries)
    check_tree(log, entries, Known(entries, root))
    check_tree(again.tree, entries, Known(entries, index.rows))
    again.check_epochs(entries, index.epochs)
    return round((time.monotonic() - started) * 1_000, 1)


def _stored(folder: Path, entries: int) -> dict[str, Any]:
    sizes = [
        os.stat(Path(root) / name).st_size for root, _, names in os.walk(folder) for name in names
    ]
    return {"files": len(sizes), "bytes_per_entry": round(sum(sizes) / entries, 1)}


def _receipts(log: StoredTree, entries: int) -> dict[str, Any]:
    view = log.view(entries)
    key = SecretKey.generate("ed25519")
    head = receipt.TreeHead("sha256", entries, view.root())
    signed = receipt.sign_head(head, key=key, issuer=ISSUER, subject="log/1", issued_at_s=1)
    drawn = random.Random(SEED)  # noqa: S311 - which entries are looked at
    started, longest = time.monotonic(), 0
    for _ in range(RECEIPTS):
        at = drawn.randrange(entries)
        longest = max(longest, len(receipt.receipt_for(signed, at, view.inclusion_path(at))))
    took_s = time.monotonic() - started
    return {"receipt_bytes_max": longest, "receipt_us": round(took_s / RECEIPTS * 1e6)}


def _searches(log: StoredTree, catalogue: Catalogue, entries: int) -> dict[str, Any]:
    started = time.monotonic()
    index = catalogue.snapshot()
    snapshot_ms = round((time.monotonic() - started) * 1_000, 1)
    key = SecretKey.generate("ed25519")
    made = Checkpoint("log.example", entries, log.view(entries).root(), index.head.lines())
    data = sign_checkpoint(made, key).encode()
    nobody = _digests("nobody", 0, 1)[0]

    def fetch(first: int) -> bytes:
        return searching.digest_page(searching.Given(data), index, "issuer", nobody, first)

    started = time.monotonic()
    pages = list(searching.pages_of(fetch))
    proof_s = time.monotonic() - started
    started = time.monotonic()
    searching.verify_pages(pages, searching.Believed([verifier_of(key, "log.example")]))
    return {
        "index_of_checkpoint_ms": snapshot_ms,
        "absence_proof_bytes": sum(map(len, pages)),
        "absence_proof_s": round(proof_s, 2),
        "absence_verify_s": round(time.monotonic() - started, 2),
    }
