"""Record files and folders, and verify their receipts."""

import functools
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

import click

from trine._cli.court_pack import pack
from trine._cli.evidence_key import service_key
from trine._cli.evidence_monitor import monitor, witness
from trine._cli.evidence_policy import policy
from trine._cli.evidence_search import search
from trine._cli.evidence_service import serve
from trine._cli.settings import ParsedType, Settings, bar, common, facts, moment, signing
from trine._cli.statements import (
    Believed,
    certificate_options,
    is_certificate,
    issuer_options,
    show_certificate,
    show_verified,
)
from trine.client.verification import (
    Trust,
    Verified,
    read_file,
    verify,
    write_whole,
)
from trine.crypto import SigningKey
from trine.errors import (
    BadArgument,
    ExitCode,
    FileMissing,
    NothingToDo,
    UnreadableFile,
    Unsupported,
)
from trine.types import TransactionId
from trine.types.limits import PROOF_BYTES_MAX

if TYPE_CHECKING:
    from trine.services.evidence.certificate import Origin

SUFFIX: Final = ".receipt"
PDF: Final = b"%PDF-"
STATEMENT: Final = b"\xd2\x84"
"""How a signed statement begins (COSE_Sign1, RFC 9052, section 4.2)."""
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


for command in (serve, service_key, policy, witness, monitor, search, pack):
    evidence.add_command(command)


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
        below = folder.relative_to(path)
        for name in sorted(names):
            file = folder / name
            if _is_regular(file):
                yield file, below / name


def _is_regular(file: Path) -> bool:
    try:
        return stat.S_ISREG(file.lstat().st_mode)
    except FileNotFoundError:
        return False


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


def _certificates() -> ModuleType:
    """Load what makes and reads certificates.

    Raises:
        Unsupported: A package that it needs is missing.
    """
    try:
        from trine.services.evidence import certificate  # noqa: PLC0415 - heavy, seldom needed
    except ImportError as error:
        message = "certificates need more packages: pip install 'trine[platform]'"
        raise Unsupported(message) from error
    return certificate


def _by(origin: "Origin") -> dict[str, Any]:
    """Write by whom a file was recorded as JSON."""
    key = origin.key
    return {
        "organisation": origin.organisation,
        "organisation_number": origin.number,
        "account": str(origin.account),
        "key": None if key is None else f"{key.algorithm}:{key.key.hex()}",
        "key_index": origin.key_index,
        "transaction": str(origin.transaction),
        "height": origin.height,
        "known_height": origin.known_height,
    }


def _verify_any(file: Path, receipt: Path, trust: Trust) -> "tuple[Verified, Origin | None]":
    """Verify a file by its receipt, or by a certificate that has the receipt in it."""
    with_page = read_file(receipt, len(PDF)).startswith(PDF)
    if not with_page:
        return verify(file, receipt, trust), None
    found = _certificates()
    content = read_file(receipt, found.CERTIFICATE_BYTES_MAX)
    shown = cast(Verified, found.verify_certificate(file, content, trust))
    return shown, found.origin_of(content, shown, trust)


def _verify_one(
    settings: Settings, file: Path, receipt: Path, trust: Trust, code: str | None
) -> None:
    shown, origin = _verify_any(file, receipt, trust)
    if code is not None:
        _certificates().check_code(code, shown, trust)
    lines = [f"Verified: {file} is, bit for bit, what chain {shown.chain} recorded"]
    lines += facts(recorded_by=f"block {shown.height}, {moment(shown.time_ms)}")
    lines += facts(log=f"{shown.log}, entry {shown.index}", digest=shown.digest.hex())
    lines += facts(certified_by=", ".join(shown.signers))
    document = _verified(file, receipt, shown)
    if origin is not None:
        document["by"] = _by(origin)
        lines += facts(by=f"{origin.organisation}, account {origin.account}")
        lines += facts(transaction=f"{origin.transaction}, block {origin.height}")
    settings.emit(document, lines)


def _verify_folder(
    settings: Settings, folder: Path, receipts: Path, trust: Trust, *, complete: bool
) -> None:
    from trine.services.evidence.files import verify_files  # noqa: PLC0415 - only for folders

    files = find_files((folder,), receipts)
    failures: list[dict[str, str]] = []
    worst = ExitCode.NEGATIVE
    with bar(settings, "verify") as progress:
        tell = functools.partial(progress, "files")
        for file, error in verify_files(files, trust, tell):
            failures.append({"file": str(file), "code": error.code, "detail": str(error)})
            worst = max(worst, error.exit_code)
    verified = len(files) - len(failures)
    if complete:
        failures += _missing(folder, receipts, files)
    document = {"verified": not failures, "files": len(files), "failures": failures}
    lines = [f"{verified} of {len(files)} files verified"]
    lines += [f"{one['file']}: {one['detail']}" for one in failures[:FAILURES_SHOWN_MAX]]
    if len(failures) > FAILURES_SHOWN_MAX:
        lines.append(f"and {len(failures) - FAILURES_SHOWN_MAX} more; --json lists them all")
    settings.emit(document, lines)
    if failures:
        raise click.exceptions.Exit(int(worst))


def _missing(folder: Path, receipts: Path, files: dict[Path, Path]) -> Iterator[dict[str, str]]:
    """Name the files of which there is a receipt and nothing else."""
    known = set(files.values())
    for receipt, relative in _walk(receipts, folder.resolve()):
        if receipt.suffix == SUFFIX and receipt not in known:
            file = folder / relative.with_suffix("")
            detail = f"{receipt} is the receipt of a file that is not there"
            yield {"file": str(file), "code": FileMissing.code, "detail": detail}


@evidence.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--receipt", required=True, type=click.Path(path_type=Path), help="Receipt of FILE.")
@certificate_options
@click.option(
    "--by-whom", is_flag=True, help="Also prove which organisation and account recorded FILE."
)
@click.option(
    "--transaction",
    type=ParsedType("id", TransactionId.parse),
    help="With --by-whom: transaction that recorded FILE; else it is looked for.",
)
@common
def certificate(
    settings: Settings,
    file: Path,
    receipt: Path,
    trust_file: Path,
    out: Path,
    language: str,
    by_whom: bool,
    transaction: TransactionId | None,
) -> None:
    """Make the certificate of FILE: a PDF for people, with the receipt inside; needs no network.

    FILE and its receipt are verified first. `trine evidence verify` takes the certificate in the
    place of the receipt. Needs the packages of trine[platform].

    With --by-whom a node is asked for the proofs of the transaction, of the account that sent it
    and of its organisation, which then are inside too; the transaction is looked for in the 1,000
    blocks up to that of the receipt. Whoever verifies needs no network.

    \b
    Examples:
      trine evidence certificate report.pdf --receipt receipts/report.pdf.receipt \\
          --trust trust.json --out certificate.pdf
      trine evidence certificate report.pdf --receipt receipts/report.pdf.receipt \\
          --trust trust.json --out certificate.pdf --language zh
      trine evidence certificate report.pdf --receipt receipts/report.pdf.receipt \\
          --trust trust.json --out certificate.pdf --by-whom
    """
    if transaction is not None and not by_whom:
        raise BadArgument("--transaction is about by whom: give --by-whom too")
    maker = _certificates()
    trust = Trust.load(trust_file)
    shown = verify(file, receipt, trust)
    proofs: tuple[bytes, ...] = ()
    if by_whom:
        with settings.client() as client:
            proofs = maker.fetch_origin(client, shown, trust, transaction)
    content = maker.write_certificate(
        read_file(receipt, PROOF_BYTES_MAX),
        trust,
        digest=shown.digest,
        size=shown.size,
        language=language,
        by_whom=proofs,
    )
    write_whole(out, content)
    document = {
        "certificate": str(out),
        "file": str(file),
        "language": language,
        "bytes": len(content),
        "digest": shown.digest.hex(),
        "height": shown.height,
        "log": shown.log,
        "index": shown.index,
    }
    lines = [f"Wrote {out}: certificate of {file}, block {shown.height}"]
    origin = maker.origin_of(content, shown, trust)
    if origin is not None:
        document["by"] = _by(origin)
        lines += facts(by=f"{origin.organisation}, account {origin.account}")
    settings.emit(document, lines)


@evidence.command("verify")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--receipt",
    required=True,
    type=click.Path(path_type=Path),
    help="Receipt of FILE, certificate that has it inside, or transparent statement.",
)
@click.option(
    "--trust", "trust_file", required=True, type=click.Path(path_type=Path), help="Trust file."
)
@issuer_options
@click.option(
    "--service-keys",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keys of the service that registered a statement, as it gives them.",
)
@click.option("--code", metavar="TEXT", help="Text of a QR code, to be compared with the receipt.")
@click.option(
    "--complete", is_flag=True, help="Of a folder: also name receipts whose file is not there."
)
@common
def verify_(
    settings: Settings,
    file: Path,
    receipt: Path,
    trust_file: Path,
    issuer_key: str | None,
    issuer_roots: Path | None,
    service_keys: Path | None,
    code: str | None,
    complete: bool,
) -> None:
    """Verify that FILE is what a receipt is about; no network is needed.

    A certificate (PDF) is taken as a receipt, and its page must be the one that belongs to it.
    Where FILE is a folder, --receipt is the folder of its receipts, and every file is verified: a
    file that was altered, or that has no receipt, is named.

    Of a transparent statement, its issuer's signature is checked too, as by `trine statement
    verify`: --issuer-key, or --issuer-roots where it brings certificates, and --service-keys. Its
    certificate brings keys of its own, which you compare, or in whose place you give yours.

    Exit status 0: verified; 1: it does not match, and one sentence says what; 5: not a receipt.

    \b
    Examples:
      trine evidence verify report.pdf --receipt receipts/report.pdf.receipt \\
          --trust trust.json
      trine evidence verify report.pdf --receipt certificate.pdf --trust trust.json
      trine evidence verify contracts/ --receipt receipts --trust trust.json --complete
      trine evidence verify report.pdf --receipt report.transparent --trust trust.json \\
          --issuer-roots root.pem --service-keys keys.cbor
    """
    trust = Trust.load(trust_file)
    believed = Believed(issuer_key, issuer_roots, service_keys)
    if not file.is_dir() and is_certificate(receipt):
        if complete:
            raise BadArgument("--complete is about a folder, not about one file")
        show_certificate(settings, receipt, file, believed, trust, code=code)
        return
    is_statement = not file.is_dir() and read_file(receipt, len(STATEMENT)).startswith(STATEMENT)
    if not is_statement and any(one is not None for one in believed):
        raise BadArgument(
            f"{receipt} is no signed statement: no issuer signed it, so that --issuer-key, "
            "--issuer-roots and --service-keys say nothing about it"
        )
    if is_statement:
        if code is not None or complete:
            raise BadArgument("--code and --complete are about receipts, not about statements")
        show_verified(settings, receipt, file, believed, trust)
    elif file.is_dir():
        if code is not None:
            raise BadArgument("--code is about one file, not about a folder")
        _verify_folder(settings, file, receipt, trust, complete=complete)
    elif complete:
        raise BadArgument("--complete is about a folder, not about one file")
    else:
        _verify_one(settings, file, receipt, trust, code)
