"""Exchange keys and signatures with other programs: PEM files, and signatures of whole files."""

import os
from pathlib import Path
from typing import Final

import click

from trine._cli.keys import describe_key, key, key_document, new_password
from trine._cli.settings import Settings, common, facts
from trine.client.home import read_password
from trine.crypto import (
    SecretKey,
    public_key_from_pem,
    public_key_to_pem,
    sign_message,
    signature_from_der,
    signature_to_der,
    verify_message,
)
from trine.errors import BadArgument, NotSigned, TrineError, UnreadableFile

FILE_BYTES_MAX: Final = 256 * 1024 * 1024
"""Longest file that is signed or verified; for longer ones sign the file's hash."""
KEY_FILE_BYTES_MAX: Final = 64 * 1024
"""Longest key or signature file."""
DER: Final = frozenset({"sm2", "p256", "secp256k1"})
"""Algorithms whose signatures other programs write as DER."""

INPUT = click.Path(path_type=Path, dir_okay=False)


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UnreadableFile(f"{path} cannot be read: {reason}", instance=str(path)) from None
    if len(content) > limit:
        raise UnreadableFile(f"{path} has more than {limit} bytes", instance=str(path))
    return content


def _write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a new file; an existing one is never overwritten."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadArgument(f"{path} cannot be written: {reason}", instance=str(path)) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


@key.command("export")
@click.argument("name")
@click.option("--public", is_flag=True, help="The public key alone, which needs no password.")
@click.option("--out", required=True, type=INPUT, help="New file, PEM.")
@click.option("--password-file", type=INPUT, help="File whose first line is the password.")
@common
def export(
    settings: Settings, name: str, public: bool, out: Path, password_file: Path | None
) -> None:
    """Write the key NAME as PEM for other programs: PKCS#8, unencrypted, or the public key.

    \b
    Examples:
      trine key export alice --public --out alice.pub.pem
      trine key export alice --out alice.pem
    """
    found = settings.home.keys.read(name)
    if public:
        _write(out, public_key_to_pem(found.algorithm, found.public_key))
    else:
        opened = settings.open_key(name, password_file)
        if not isinstance(opened, SecretKey):
            raise BadArgument(f"the key {name!r} lives in a token and cannot be exported")
        _write(out, opened.to_pem(), 0o600)
    what = "public" if public else "secret"
    settings.emit(
        {**key_document(found), "file": str(out), "content": what},
        facts(name=name, algorithm=found.algorithm, content=f"{what} key", file=out),
    )


@key.command("import")
@click.argument("name")
@click.argument("file", type=INPUT)
@click.option(
    "--file-password-file", type=INPUT, help="File whose first line is the password of FILE."
)
@click.option("--password-file", type=INPUT, help="File whose first line is the new password.")
@common
def import_(
    settings: Settings,
    name: str,
    file: Path,
    file_password_file: Path | None,
    password_file: Path | None,
) -> None:
    """Take a key of another program from FILE (PEM or DER) as NAME, encrypted with a password.

    \b
    Examples:
      openssl genpkey -algorithm SM2 -out bob.pem
      trine key import bob bob.pem
    """
    settings.home.keys.path(name)
    file_password = read_password(file_password_file) if file_password_file else None
    secret = SecretKey.from_file(_read(file, KEY_FILE_BYTES_MAX), file_password)
    password = new_password(settings, name, password_file)
    made = settings.home.keys.create(name, secret, password, settings.home.suite)
    settings.emit(key_document(made), describe_key(made))


@key.command("sign")
@click.argument("name")
@click.argument("file", type=INPUT)
@click.option("--out", required=True, type=INPUT, help="New file for the signature.")
@click.option("--password-file", type=INPUT, help="File whose first line is the password.")
@common
def sign(settings: Settings, name: str, file: Path, out: Path, password_file: Path | None) -> None:
    """Sign the content of FILE with the key NAME, as other programs do.

    The signature is DER for SM2 and ECDSA, and plain bytes for the others. Its content is exactly
    the file: what a chain would take for a transaction is refused.

    \b
    Examples:
      trine key sign alice contract.pdf --out contract.sig
      openssl dgst -sm3 -verify alice.pub.pem -sigopt distid:1234567812345678 \\
        -signature contract.sig contract.pdf
    """
    opened = settings.open_key(name, password_file)
    if not isinstance(opened, SecretKey):
        raise BadArgument(f"the key {name!r} lives in a token: use its vendor's tool")
    signature = sign_message(opened, _read(file, FILE_BYTES_MAX))
    if opened.algorithm in DER:
        signature = signature_to_der(opened.algorithm, signature)
    _write(out, signature)
    document = {"name": name, "algorithm": opened.algorithm, "file": str(file), "out": str(out)}
    settings.emit(document, facts(name=name, algorithm=opened.algorithm, signature=out))


@key.command("verify")
@click.argument("file", type=INPUT)
@click.option("--signature", "signature_file", required=True, type=INPUT, help="The signature.")
@click.option("--key", "name", help="Key of the home that should have signed.")
@click.option("--public-key", type=INPUT, help="Its public key, PEM or DER, in place of --key.")
@common
def verify(
    settings: Settings,
    file: Path,
    signature_file: Path,
    name: str | None,
    public_key: Path | None,
) -> None:
    """Check a signature of the content of FILE, as `trine key sign` or another program made it.

    \b
    Examples:
      trine key verify contract.pdf --signature contract.sig --key alice
      trine key verify contract.pdf --signature theirs.sig --public-key theirs.pem
    """
    if (name is None) == (public_key is None):
        raise BadArgument("give --key or --public-key, one of them")
    if name is not None:
        found = settings.home.keys.read(name)
        algorithm, encoded = found.algorithm, found.public_key
    elif public_key is not None:
        algorithm, encoded = public_key_from_pem(_read(public_key, KEY_FILE_BYTES_MAX))
    content = _read(file, FILE_BYTES_MAX)
    if not _is_valid(algorithm, encoded, content, _read(signature_file, KEY_FILE_BYTES_MAX)):
        raise NotSigned(f"{signature_file} is no signature of {file} under this key")
    document = {"valid": True, "algorithm": algorithm, "public_key": encoded.hex()}
    settings.emit(document, [f"Valid: {file} is what this key of {algorithm} signed"])


def _is_valid(algorithm: str, public_key: bytes, content: bytes, signature: bytes) -> bool:
    if algorithm not in DER:
        return verify_message(algorithm, public_key, content, signature)
    try:
        raw = signature_from_der(algorithm, signature)
    except TrineError:
        return False
    # DER has no place for the recovery id of secp256k1: it is one of four.
    last = range(4) if algorithm == "secp256k1" else range(1)
    tries = (raw[:-1] + bytes([number]) for number in last)
    return any(verify_message(algorithm, public_key, content, one) for one in tries)
