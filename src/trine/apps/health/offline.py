"""Write a hospital's files for whoever checks them with no node, and check them.

| In the folder | Who checks it |
|---|---|
| `trust.json` | everybody: which chain, and whom to believe about it |
| `documents/`, `receipts/` | whoever holds a record: `trine evidence verify` |
| `histories/PATIENT.history` | the patient |
| `report.cbor` | the regulator |
| `entries` | both: every entry of the log of histories, 32 bytes each |
| `export.json` | what is in the folder, and the number of the log |
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from trine.apps.health.hospital import Hospital
from trine.apps.health.log import HeldLog
from trine.apps.health.oversight import Oversight, Report, export_report, verify_report
from trine.apps.health.patient import (
    HistoryFile,
    VerifiedHistory,
    export_history,
    verify_among,
    verify_history,
)
from trine.apps.health.recording import export
from trine.client import Trust
from trine.errors import BadArgument, BadConfiguration, TrineError, UnreadableFile
from trine.errors.health import HistoryMismatch
from trine.model.identifiers import Digest

FORMAT: Final = "trine-hospital-export-v1"
HISTORIES, REPORT, ENTRIES, TRUST, INDEX = (
    "histories", "report.cbor", "entries", "trust.json", "export.json",
)  # fmt: skip
HISTORY_SUFFIX: Final = ".history"
FILE_BYTES_MAX: Final = 1_024 * 1_024 * 1_024
"""Bytes of a file of the export that is read: a log of 33 million entries."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    custodian: str
    histories_log: int
    """Number of the log of histories; whoever checks should know it from elsewhere too."""
    records: int
    histories: int

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what a folder says that it holds.

        Raises:
            UnreadableFile, BadConfiguration: It cannot be read, or is another file.
        """
        path = folder / INDEX
        try:
            document = json.loads(_read(path))
            if document.pop("format") != FORMAT:
                raise ValueError("another format")
            return cls(**document)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"{path} is no list of an export ({FORMAT}): {error}"
            raise BadConfiguration(message, instance=str(path)) from None


async def export_hospital(hospital: Hospital, trust: bytes, to: Path) -> Exported:
    """Write all records with their receipts, all histories and the report.

    The documents are content in the clear: the folder is for the hospital's own check, and single
    files of it for whom they concern.

    Args:
        hospital: The hospital.
        trust: Content of the trust file.
        to: New folder, which only its owner can read.

    Raises:
        BadArgument: There is something in the folder.
        RecordNotFound: A record has no proof yet; `Hospital.resume` fetches it.
        TrineError: No node answers, or it lies.
    """
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(to.iterdir()):
        message = f"{to} is not empty: name a new folder for the export"
        raise BadArgument(message, instance=str(to))
    count = export(hospital.records, hospital.store, hospital.records.entries(), hospital.key, to)
    report = await export_report(hospital.custody)
    patients = list(hospital.custody.patients())
    (to / HISTORIES).mkdir()
    for patient in patients:
        file = await export_history(hospital.custody, patient)
        (to / HISTORIES / f"{patient.hex()}{HISTORY_SUFFIX}").write_bytes(file.encode())
    size = hospital.log.head.size if hospital.log.head else 0
    (to / ENTRIES).write_bytes(hospital.log.entries(size))
    (to / REPORT).write_bytes(report.encode())
    (to / TRUST).write_bytes(trust)
    found = Exported(hospital.custodian, hospital.founding.histories_log, count, len(patients))
    document = {"format": FORMAT, **asdict(found)}
    (to / INDEX).write_text(json.dumps(document, indent=2) + "\n")
    return found


def check_report_file(folder: Path, log: int | None = None) -> Oversight:
    """Check the report in a folder. No network is needed.

    Args:
        folder: The folder.
        log: Number of the custodian's log of histories; what the folder says without one.

    Raises:
        UnreadableFile, BadConfiguration: A file is missing or damaged.
        HistoryIncomplete, HistoryMismatch and others: As `verify_report` says.
    """
    report = Report.decode(_read(folder / REPORT))
    entries = _read(folder / ENTRIES)[: report.head.size * Digest.LENGTH]
    return verify_report(report, entries, _trust(folder), _log(folder, log))


def check_history_file(folder: Path, patient: Digest, log: int | None = None) -> VerifiedHistory:
    """Check a patient's history in a folder. No network is needed.

    Raises:
        UnreadableFile, BadConfiguration: A file is missing or damaged.
        HistoryIncomplete, HistoryMismatch and others: As `verify_history` says.
    """
    path = folder / HISTORIES / f"{patient.hex()}{HISTORY_SUFFIX}"
    file = HistoryFile.decode(_read(path))
    if file.patient != patient:
        raise HistoryMismatch(f"{path.name} is the history of patient {file.patient.hex()}")
    entries = _read(folder / ENTRIES)[: file.head.size * Digest.LENGTH]
    return verify_history(file, entries, _trust(folder), _log(folder, log))


def check_history_files(
    folder: Path, log: int | None = None
) -> list[tuple[str, TrineError | None]]:
    """Check every history in a folder; the log is read and hashed once for all of them.

    Args:
        folder: The folder.
        log: Number of the custodian's log of histories; what the folder says without one.

    Returns:
        Each file's name, and why it was refused.

    Raises:
        UnreadableFile, BadConfiguration: The log, the trust file or the list of the folder is
            missing or damaged.
    """
    trust, number = _trust(folder), _log(folder, log)
    held = HeldLog(_read(folder / ENTRIES), trust)
    found: list[tuple[str, TrineError | None]] = []
    for path in sorted((folder / HISTORIES).glob(f"*{HISTORY_SUFFIX}")):
        error: TrineError | None = None
        try:
            shown = HistoryFile.decode(_read(path))
            if shown.patient.hex() != path.stem:
                raise HistoryMismatch(f"it is the history of patient {shown.patient.hex()}")
            verify_among(shown, held, trust, number)
        except TrineError as refused:
            error = refused
        found.append((path.name, error))
    return found


def _trust(folder: Path) -> Trust:
    return Trust.load(folder / TRUST)


def _log(folder: Path, log: int | None) -> int:
    return Exported.read(folder).histories_log if log is None else log


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise UnreadableFile(message, instance=str(path)) from error
    if len(content) > FILE_BYTES_MAX:
        message = f"{path} has more than {FILE_BYTES_MAX} bytes"
        raise UnreadableFile(message, instance=str(path))
    return content
