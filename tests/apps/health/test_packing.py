"""Test that what a page hands out is read strictly at home."""

import io
import zipfile
from pathlib import Path

import pytest

from tests.services.certificates import TRUST
from trine.apps.health.pages import packing
from trine.client import Trust
from trine.errors import TrineError

WHOLE = packing.pack(packing.HISTORY, b"x" * 999, bytes(64))


def compressed(method: int) -> bytes:
    """The same members, compressed."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as file:
        for name in (packing.HISTORY, packing.ENTRIES):
            file.writestr(name, b"x" * 999)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "unreadable_file"),
        (b"", "bad_disclosure"),
        (WHOLE[:-40], "bad_disclosure"),
        (WHOLE.replace(b"x" * 9, b"y" * 9, 1), "bad_disclosure"),
        (packing.pack("other", b"", b""), "bad_disclosure"),
        (compressed(zipfile.ZIP_DEFLATED), "bad_disclosure"),
        (compressed(zipfile.ZIP_LZMA), "bad_disclosure"),
        (compressed(zipfile.ZIP_BZIP2), "bad_disclosure"),
        (WHOLE, "bad_disclosure"),
    ],
)
def test_other_files_are_refused(content: bytes | None, code: str, tmp_path: Path) -> None:
    """Goal: a code for every file that is none. Method: no file, no ZIP, a cut one, an altered one,
    other members, compressed ones, and a ZIP whose history is none."""
    path = tmp_path / "history.zip"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TrineError) as caught:
        packing.check_pack(path, Trust.load(TRUST.read_bytes()), 2)
    assert caught.value.code == code
