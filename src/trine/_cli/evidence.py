"""Record files and folders, and verify their receipts."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from trine._cli.evidence_service import serve
from trine._cli.settings import Settings, bar, common, facts, moment, signing
from trine.client.verification import Trust, Verified, verify
from trine.crypto import SigningKey
from trine.errors import (
    BadArgument,
    ExitCode,
    NothingToDo,
    TrineError,
    UnreadableFile,
)

SUFFIX: Final = ".receipt"
FAILURES_SHOWN_MAX: Final = 20


@click.group()
def evidence() -> None:
    """Record files in an evidence log, and verify their receipts offline.

    The chain sees a salted hash of each file, never the file.

    \b
    Examples:
      trine evidence submit contracts/ --out receipts
      trine evidence verify contracts/a.pdf --receipt receipts/a.pdf.receipt \\
          --trust trust.json
    """


evidence.add_command(serve)


def find_files(paths: tuple[Path, ...], out: Path) -> dict[Path, Path]:
    """Find every regular file below `paths`; returns the receipt's path for each.

    Folders are searched to any depth; symbolic links inside them, and the folder of receipts
    itself, are left out.

    Raises:
        UnreadableFile: A path does not exist or a folder cannot be read.
        BadArgument: Two files would get the same receipt.
        NothingToDo: There is no regular file.
    """
    found: dict[Path, Path] = {}
    taken: dict[Path, Path] = {}
    for path in paths:
        for file, relative in _walk(path, out.resolve()):
            receipt = out / relative.with_name(relative.name + SUFFIX)
            if file in found:
                continue
            if receipt in taken:
                message = f"{taken[receipt]} and {file} would both get the receipt {receipt}"
                raise BadArgument(f"{message}: submit them into different folders")
            found[file] = receipt
            taken[receipt] = file
    if not found:
        raise NothingToDo("no regular file among the given paths")
    return found


def _walk(path: Path, out: Path) -> Iterator[tuple[Path, Path]]:
    if path.is_file():
        yield path, Path(path.name)
        return
    if not path.is_dir():
        raise UnreadableFile(f"{path}: no such file or folder", instance=str(path))

    def refuse(error: OSError) -> None:
        raise UnreadableFile(f"{error.filename} cannot be read: {error.strerror}")

    for place, inner, names in os.walk(path, onerror=refuse):
        folder = Path(place)
        inner[:] = sorted(name for name in inner if (folder / name).resolve() != out)
        for name in sorted(names):
            file = folder / name
            if file.is_file() and not file.is_symlink():
                yield file, file.relative_to(path)


@evidence.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the receipts: DIR/<relative path>.receipt.",
)
@click.option("--log", help="Log to append to: its number, or organisation/name.")
@common
@signing
def submit(
    settings: Settings, key: SigningKey, paths: tuple[Path, ...], out: Path, log: str | None
) -> None:
    """Record every regular file of PATHS and write one receipt for each.

    \b
    Examples:
      trine evidence submit report.pdf --out receipts
      trine evidence submit contracts/ photos/ --out receipts --json
    """
    files = find_files(paths, out)
    out.mkdir(parents=True, exist_ok=True)
    with settings.client(key) as client, bar(settings, "evidence") as progress:
        receipts = client.notarize(list(files), log=log, progress=progress)
        for done, (receipt, target) in enumerate(zip(receipts, files.values(), strict=True), 1):
            receipt.save(target)
            if done % 100 == 0 or done == len(receipts):
                progress("write", done, len(receipts))
    listed = [
        {
            "file": str(file),
            "receipt": str(target),
            "digest": receipt.digest.hex(),
            "height": receipt.height,
        }
        for receipt, (file, target) in zip(receipts, files.items(), strict=True)
    ]
    heights = sorted({receipt.height for receipt in receipts})
    lines = [f"Recorded {len(listed)} files; receipts in {out} (block {heights[-1]})"]
    settings.emit({"submitted": len(listed), "receipts": listed}, lines)


def _verified(file: Path, receipt: Path, shown: Verified) -> dict[str, Any]:
    return {
        "verified": True,
        "file": str(file),
        "receipt": str(receipt),
        "chain": shown.chain,
        "height": shown.height,
        "time_ms": shown.time_ms,
        "block": shown.block.hex(),
        "signers": list(shown.signers),
        "log": shown.log,
        "index": shown.index,
        "entry": shown.entry.hex(),
        "digest": shown.digest.hex(),
        "size": shown.size,
    }


def _verify_one(settings: Settings, file: Path, receipt: Path, trust: Trust) -> None:
    shown = verify(file, receipt, trust)
    lines = [f"Verified: {file} is, bit for bit, what chain {shown.chain} recorded"]
    lines += facts(recorded_by=f"block {shown.height}, {moment(shown.time_ms)}")
    lines += facts(log=f"{shown.log}, entry {shown.index}", digest=shown.digest.hex())
    lines += facts(certified_by=", ".join(shown.signers))
    settings.emit(_verified(file, receipt, shown), lines)


def _verify_folder(settings: Settings, folder: Path, receipts: Path, trust: Trust) -> None:
    files = find_files((folder,), receipts)
    failures: list[dict[str, str]] = []
    worst = ExitCode.NEGATIVE
    with bar(settings, "verify") as progress:
        for done, (file, receipt) in enumerate(files.items(), 1):
            try:
                verify(file, receipt, trust)
            except TrineError as error:
                failures.append({"file": str(file), "code": error.code, "detail": str(error)})
                worst = max(worst, error.exit_code)
            progress("files", done, len(files))
    verified = len(files) - len(failures)
    document = {"verified": not failures, "files": len(files), "failures": failures}
    lines = [f"{verified} of {len(files)} files verified"]
    lines += [f"{one['file']}: {one['detail']}" for one in failures[:FAILURES_SHOWN_MAX]]
    if len(failures) > FAILURES_SHOWN_MAX:
        lines.append(f"and {len(failures) - FAILURES_SHOWN_MAX} more; --json lists them all")
    settings.emit(document, lines)
    if failures:
        raise click.exceptions.Exit(int(worst))


@evidence.command("verify")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--receipt", required=True, type=click.Path(path_type=Path), help="Receipt of FILE.")
@click.option(
    "--trust", "trust_file", required=True, type=click.Path(path_type=Path), help="Trust file."
)
@common
def verify_(settings: Settings, file: Path, receipt: Path, trust_file: Path) -> None:
    """Verify that FILE is what a receipt is about; no network is needed.

    Where FILE is a folder, --receipt is the folder of its receipts, and every file is verified.

    Exit status 0: verified; 1: it does not match, and one sentence says what; 5: not a receipt.

    \b
    Examples:
      trine evidence verify report.pdf --receipt receipts/report.pdf.receipt \\
          --trust trust.json
      trine evidence verify contracts/ --receipt receipts --trust trust.json
    """
    trust = Trust.load(trust_file)
    if file.is_dir():
        _verify_folder(settings, file, receipt, trust)
    else:
        _verify_one(settings, file, receipt, trust)
