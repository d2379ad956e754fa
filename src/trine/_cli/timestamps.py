"""Ask for timestamps, verify them, and make them with an authority of one's own."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import click

from trine._cli.authorities import INPUT, now_ms, read_all
from trine._cli.settings import Settings, common, facts, moment
from trine.client.verification import read_file, unreadable
from trine.crypto.x509 import RevocationList
from trine.crypto.x509.revocation import CRL_BYTES_MAX
from trine.errors import Unsupported

if TYPE_CHECKING:
    from trine.services.evidence.timestamp import Timestamp

CHUNK_BYTES: Final = 1_024 * 1_024
"""Bytes of a file that are hashed at a time."""
HASHES: Final = ("sha256", "sha384", "sha512", "sm3")
"""Hashes that a request may use."""
KINDS: Final = ("p256", "p384", "rsa", "ed25519", "sm2")
"""Kinds of keys that an authority may have."""
OUT: Final = click.Path(path_type=Path, dir_okay=False)


@click.group()
def timestamp() -> None:
    """Ask for timestamps (RFC 3161), verify them offline, and make them.

    A timestamp shows that a file existed at a time, as a timestamp authority states and signs. The
    authority sees a hash of the file, never the file.

    \b
    Examples:
      trine timestamp request report.pdf --out report.tsq
      curl -H 'Content-Type: application/timestamp-query' --data-binary @report.tsq \\
          https://tsa.example/ > report.tsr
      trine timestamp verify report.pdf --token report.tsr --request report.tsq \\
          --roots tsa-root.pem
    """


def _loaded() -> ModuleType:
    """Load the timestamps, which need packages that a client does without.

    Raises:
        Unsupported: They are not installed.
    """
    try:
        from trine.services.evidence import timestamp as loaded  # noqa: PLC0415 - optional
    except ModuleNotFoundError as error:
        raise Unsupported(f"timestamps need {error.name}: pip install 'trine[platform]'") from None
    return loaded


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise unreadable(path, error) from None


def _imprint(loaded: ModuleType, path: Path, algorithm: str) -> Any:
    return loaded.Imprint(algorithm, loaded.hash_chunks(algorithm, _chunks(path)))


@timestamp.command()
@click.argument("file", type=INPUT)
@click.option("--out", required=True, type=OUT, help="File for the request, such as FILE.tsq.")
@click.option(
    "--hash",
    "algorithm",
    type=click.Choice(HASHES),
    default="sha256",
    show_default=True,
    help="Hash of the file.",
)
@click.option("--policy", metavar="OID", help="Policy to ask for (default: the authority's own).")
@click.option("--without-certificate", is_flag=True, help="Do not ask for certificates.")
@common
def request(
    settings: Settings,
    file: Path,
    out: Path,
    algorithm: str,
    policy: str | None,
    without_certificate: bool,
) -> None:
    """Write the request for a timestamp of FILE; keep it, for its nonce.

    \b
    Examples:
      trine timestamp request report.pdf --out report.tsq
      trine timestamp request report.pdf --out report.tsq --hash sm3
    """
    loaded = _loaded()
    imprint = _imprint(loaded, file, algorithm)
    asked = loaded.Request(imprint, loaded.new_nonce(), policy, not without_certificate)
    out.write_bytes(asked.to_der())
    document = {
        "file": str(file),
        "request": str(out),
        "hash": algorithm,
        "digest": imprint.digest.hex(),
        "nonce": str(asked.nonce),
    }
    lines = [f"Wrote the request for a timestamp of {file} to {out}"]
    settings.emit(document, [*lines, *facts(hash=algorithm, digest=imprint.digest.hex())])


def _document(file: Path, token: Path, shown: "Timestamp") -> dict[str, Any]:
    return {
        "verified": True,
        "file": str(file),
        "token": str(token),
        "time_ms": shown.time_ms,
        "accuracy_us": shown.accuracy_us,
        "serial": str(shown.serial),
        "policy": shown.policy,
        "hash": shown.imprint.algorithm,
        "digest": shown.imprint.digest.hex(),
        "signer": shown.signer.subject,
        "root": shown.root.subject,
        "revocation_checked": shown.is_revocation_checked,
    }


@timestamp.command("verify")
@click.argument("file", type=INPUT)
@click.option("--token", required=True, type=INPUT, help="Response or token, in DER.")
@click.option(
    "--roots", required=True, multiple=True, type=INPUT, help="Certificates that you trust."
)
@click.option(
    "--certificates",
    multiple=True,
    type=INPUT,
    help="The authority's certificate where the token has none, and intermediates.",
)
@click.option(
    "--crl", "crls", multiple=True, type=INPUT, help="Revocation list of an issuer (default: none)."
)
@click.option("--request", "query", type=INPUT, help="Request that was sent: checks its nonce.")
@common
def verify_(
    settings: Settings,
    file: Path,
    token: Path,
    roots: tuple[Path, ...],
    certificates: tuple[Path, ...],
    crls: tuple[Path, ...],
    query: Path | None,
) -> None:
    """Verify that a token is a timestamp of FILE; no network is needed.

    Certificates are checked at the time that the token states: it outlives them.

    Exit status 0: verified; 1: it does not hold, and one sentence says why; 5: not a timestamp.

    \b
    Examples:
      trine timestamp verify report.pdf --token report.tsr --roots tsa-root.pem
      trine timestamp verify report.pdf --token report.tsr --roots tsa-root.pem \\
          --request report.tsq --json
    """
    loaded = _loaded()
    der = read_file(token, loaded.RESPONSE_BYTES_MAX)
    asked = query and loaded.Request.read(read_file(query, loaded.REQUEST_BYTES_MAX))
    lists = [RevocationList(read_file(one, CRL_BYTES_MAX)) for one in crls]
    shown = loaded.verify(
        der,
        imprint=_imprint(loaded, file, loaded.stated_hash(der)),
        roots=read_all(roots),
        certificates=read_all(certificates),
        crls=lists or None,
        nonce=asked.nonce if asked else None,
        policy=asked.policy if asked else None,
    )
    lines = [f"Verified: {file} existed at {moment(shown.time_ms)}"]
    lines += facts(stated_by=shown.signer.subject, root=shown.root.subject)
    lines += facts(policy=shown.policy, serial=shown.serial)
    lines += facts(digest=f"{shown.imprint.algorithm} {shown.imprint.digest.hex()}")
    if not crls:
        lines += facts(revocation="not checked: no --crl was given")
    settings.emit(_document(file, token, shown), lines)


@timestamp.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--alg",
    type=click.Choice(KINDS),
    default="p256",
    show_default=True,
    help="Algorithm of its keys.",
)
@click.option("--name", default="Example", show_default=True, help="Name in its certificates.")
@click.option(
    "--days",
    type=click.IntRange(1, 3_650),
    default=365,
    show_default=True,
    help="Days of validity.",
)
@common
def found(settings: Settings, folder: Path, alg: str, name: str, days: int) -> None:
    """Make a timestamp authority in FOLDER, for tests and demonstrations.

    Its root is its own: whoever does not know you has no reason to trust it.

    \b
    Examples:
      trine timestamp found authority
      trine timestamp found authority --alg sm2 --name "City of Example"
    """
    loaded = _loaded()
    made = loaded.found_authority(folder, alg, now_ms=now_ms(), name=name, days=days)
    root = folder / "root.pem"
    document = {
        "folder": str(folder),
        "root": str(root),
        "signer": made.chain[0].subject,
        "policy": made.policy,
        "expires_ms": made.chain[0].validity.not_after_ms,
    }
    lines = [f"Made a timestamp authority in {folder}; others trust it with {root}"]
    settings.emit(document, lines + facts(signer=made.chain[0].subject, policy=made.policy))


@timestamp.command()
@click.argument("query", type=INPUT)
@click.option(
    "--authority",
    "folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that `trine timestamp found` made.",
)
@click.option("--out", required=True, type=OUT, help="File for the response, such as FILE.tsr.")
@common
def answer(settings: Settings, query: Path, folder: Path, out: Path) -> None:
    """Answer the request in QUERY with an authority of one's own, by this machine's clock.

    \b
    Examples:
      trine timestamp answer report.tsq --authority authority --out report.tsr
    """
    loaded = _loaded()
    authority, serials = loaded.open_authority(folder)
    asked = read_file(query, loaded.REQUEST_BYTES_MAX)
    made = authority.answer(asked, now_ms=now_ms(), serial=serials.take())
    # A refusal is an answer of the protocol, and of no use in a file.
    loaded.Response.read(made).granted()
    out.write_bytes(made)
    settings.emit({"response": str(out)}, [f"Wrote the timestamp to {out}"])
