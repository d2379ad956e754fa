"""Pack what is checked at home into one ZIP, and check it: no network, no hospital.

| Member | Content |
|---|---|
| `history` or `report` | history file or report (`docs/reference/health-access.md`, section 7) |
| `entries` | every entry of the log of histories, 32 bytes each |
"""

import io
import zipfile
from pathlib import Path
from typing import Final

from trine.apps.health.oversight import Oversight, Report, verify_report
from trine.apps.health.patient import HistoryFile, VerifiedHistory, verify_history
from trine.client import Trust
from trine.errors import UnreadableFile
from trine.errors.health import BadDisclosure

HISTORY: Final = "history"
REPORT: Final = "report"
ENTRIES: Final = "entries"
MEMBER_BYTES_MAX: Final = 1 << 30
"""Bytes of one member that is read: entries of a log of 33 million."""
_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""Time of the members: the same content gives the same file."""


def pack(name: str, content: bytes, entries: bytes) -> bytes:
    """Write the ZIP.

    Args:
        name: `HISTORY` or `REPORT`.
        content: The file.
        entries: Entries of the log up to its head.
    """
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as file:
        for member, data in ((name, content), (ENTRIES, entries)):
            file.writestr(zipfile.ZipInfo(member, _TIME), data)
    return made.getvalue()


def check_pack(path: Path, trust: Trust, log: int) -> VerifiedHistory | Oversight:
    """Check a ZIP that a page handed out.

    Args:
        path: The ZIP.
        trust: Whom to believe about the chain.
        log: Number of the hospital's log of histories, known from elsewhere.

    Raises:
        BadDisclosure: It is no such ZIP.
        UnreadableFile: It cannot be read.
        HistoryIncomplete, HistoryMismatch and others: As `verify_history` and `verify_report` say.
    """
    try:
        with zipfile.ZipFile(path) as file:
            members = {name: _member(file, name) for name in file.namelist()[:2]}
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, RuntimeError) as error:
        raise BadDisclosure(f"{path} is no ZIP of a hospital's page: {error}") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UnreadableFile(f"{path} cannot be read: {reason}", instance=str(path)) from None
    entries = members.pop(ENTRIES, None)
    if entries is None or members.keys() not in ({HISTORY}, {REPORT}):
        message = f"{path} holds no history or report with the entries of its log"
        raise BadDisclosure(message)
    if HISTORY in members:
        return verify_history(HistoryFile.decode(members[HISTORY]), entries, trust, log)
    return verify_report(Report.decode(members[REPORT]), entries, trust, log)


def _member(file: zipfile.ZipFile, name: str) -> bytes:
    about = file.getinfo(name)
    if about.compress_type != zipfile.ZIP_STORED:
        raise BadDisclosure(f"{name[:40]!r} is compressed, as no page writes it")
    if about.file_size > MEMBER_BYTES_MAX:
        raise BadDisclosure(f"{name[:40]!r} has more than {MEMBER_BYTES_MAX} bytes")
    return file.read(name)
