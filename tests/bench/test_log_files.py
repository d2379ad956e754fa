"""Test that the measure of a large log makes that log, and reports all that its page has."""

from pathlib import Path

from trine.bench import log_files
from trine.services.evidence.objects import Folder
from trine.services.evidence.rows import EPOCH_ROWS
from trine.services.evidence.stored import StoredTree

ENTRIES = EPOCH_ROWS + 700
RECEIPT_BYTES_MAX = 2_048


def test_a_log_is_made_and_measured(tmp_path: Path) -> None:
    """Goal: figures of a log that is there. Method: a small one; read its last entries back."""
    told: list[str] = []
    report = log_files.measure(tmp_path, ENTRIES, told.append)
    assert report["entries"] == ENTRIES and told
    assert 0 < report["receipt_bytes_max"] <= RECEIPT_BYTES_MAX
    assert report["absence_proof_bytes"] > 0 and report["start_ms"] > 0
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert report["files"] == len(files)
    stored = StoredTree("sha256", Folder(tmp_path), log_files.PREFIX)
    number, width = divmod(ENTRIES, 256)
    assert len(stored.entries(number, width)) == width
