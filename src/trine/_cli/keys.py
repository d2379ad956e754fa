"""Make and show keys: encrypted files in the home, or names of keys in hardware tokens."""

import functools
from pathlib import Path
from typing import Any

import click

from trine._cli.settings import F, Settings, ask_password, common, facts
from trine.client.home import read_password
from trine.crypto import SUITE_ALGORITHMS, KeyFile, SecretKey, TokenKey, TokenPlace
from trine.errors import BadArgument, KeyFileExists

ALGORITHMS = ("ed25519", "sm2", "p256", "secp256k1", "ml-dsa-65")


SM2_NUMBERS = 3
"""A vendor's numbers for SM2: key type, mechanism that generates, mechanism that signs."""


def key_document(key: KeyFile) -> dict[str, Any]:
    """Describe a key for programs."""
    document: dict[str, Any] = {
        "name": key.name,
        "algorithm": key.algorithm,
        "public_key": key.public_key.hex(),
        "address": key.address.hex(),
        "path": str(key.path),
    }
    if key.token is not None:
        document["pkcs11"] = key.token.document()
    return document


def describe_key(key: KeyFile) -> list[str]:
    """Describe a key for people."""
    token = key.token.describe() if key.token else None
    lines = facts(name=key.name, algorithm=key.algorithm, address=key.address.hex())
    return lines + facts(public_key=key.public_key.hex(), token=token, path=key.path)


def _numbers(_context: click.Context, _option: click.Parameter, text: str | None) -> Any:
    """Read three numbers, decimal or hexadecimal."""
    if text is None:
        return None
    try:
        numbers = tuple(int(part, 0) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != SM2_NUMBERS or not all(0 <= number < 2**64 for number in numbers):
        raise click.BadParameter(f"{text[:80]!r}, expected KEY_TYPE,GENERATE,SIGN")
    return numbers


def _id(_context: click.Context, _option: click.Parameter, text: str | None) -> bytes | None:
    try:
        return bytes.fromhex(text) if text is not None else None
    except ValueError:
        raise click.BadParameter(f"{text!r:.80}, expected hexadecimal digits") from None


def _token_options(function: F) -> F:
    """Add what names a token and a key in it; pass the place on as `place`, none without it."""

    @click.option(
        "--pkcs11",
        "module",
        metavar="MODULE",
        help="The key lives in a hardware token: path of its vendor's PKCS #11 library.",
    )
    @click.option("--token", "label", metavar="LABEL", help="Label of the token.")
    @click.option("--serial", help="Serial number of the token, in place of its label.")
    @click.option(
        "--pin-file", metavar="FILE", help="File of mode 600 whose first line is the PIN."
    )
    @click.option("--pin-variable", metavar="NAME", help="Environment variable that holds the PIN.")
    @click.option(
        "--sm2",
        metavar="KEY_TYPE,GENERATE,SIGN",
        callback=_numbers,
        help="The vendor's numbers for SM2, from 0x80000000 on.",
    )
    @functools.wraps(function)
    def wrapped(*args: Any, module: str | None, **rest: Any) -> Any:
        names = ("label", "serial", "pin_file", "pin_variable", "sm2")
        given = {name: rest.pop(name) for name in names}
        if module is None and any(value is not None for value in given.values()):
            raise BadArgument("the options of a token need --pkcs11 MODULE")
        place = None if module is None else TokenPlace(module, **given)
        return function(*args, place=place, **rest)

    return wrapped  # type: ignore[return-value]  # the options are added, the rest is the same


@click.group()
def key() -> None:
    """Make and show keys.

    A key is a file of the home, encrypted with a password that nobody can recover; or it lives in
    a hardware token, and the file names it.

    \b
    Examples:
      trine key new alice
      trine key list
      trine key show alice
    """


@key.command()
@click.argument("name")
@click.option(
    "--alg",
    type=click.Choice(ALGORITHMS),
    help="Signature algorithm (default: that of the suite, ed25519 or sm2).",
)
@click.option(
    "--suite",
    type=click.Choice(tuple(SUITE_ALGORITHMS)),
    help="Suite of the chain, which decides the address (default: that of the home's network).",
)
@click.option(
    "--password-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File whose first line is the password (default: $TRINE_PASSWORD_FILE, else asked).",
)
@_token_options
@click.option("--label", "key_label", help="Label of the key in the token (default: NAME).")
@click.option(
    "--id", "key_id", callback=_id, metavar="HEX", help="Id of the key in the token, where needed."
)
@click.option("--existing", is_flag=True, help="Use a key that is in the token already.")
@common
def new(
    settings: Settings,
    name: str,
    alg: str | None,
    suite: str | None,
    password_file: Path | None,
    place: TokenPlace | None,
    key_label: str | None,
    key_id: bytes | None,
    existing: bool,
) -> None:
    """Make a key NAME and encrypt it with a password, or make it in a hardware token.

    \b
    Examples:
      trine key new alice
      trine key new alice --alg p256 --password-file alice.password --json
      trine key new bob --suite gm
      trine key new alice --alg p256 --pkcs11 /usr/lib/softhsm/libsofthsm2.so \\
        --token desk --pin-file desk.pin
    """
    path = settings.home.keys.path(name)
    suite = suite or settings.home.suite
    alg = alg or SUITE_ALGORITHMS[suite]
    if place is not None:
        if path.exists():
            # Before the token makes a key that no file would name.
            raise KeyFileExists(f"a key {name!r} exists already in {path.parent}")
        label = key_label or name
        if existing:
            key = TokenKey.find(place, label, key_id)
        else:
            key = TokenKey.generate(place, alg, label, key_id)
        named = settings.home.keys.create_token(name, key, suite)
        settings.emit(key_document(named), describe_key(named))
        return
    if key_label or key_id or existing:
        raise BadArgument("--label, --id and --existing need --pkcs11 MODULE")
    secret = SecretKey.generate(alg)
    password = new_password(settings, name, password_file)
    made = settings.home.keys.create(name, secret, password, suite)
    settings.emit(key_document(made), describe_key(made))


def new_password(settings: Settings, name: str, password_file: Path | None) -> bytes:
    """Find the password of a key that is made: in a file, beside the key, or at the terminal."""
    password = read_password(password_file) if password_file else None
    if password is None:
        password = settings.home.stored_password(name)
    return password or ask_password(f"Password for key {name}", confirm=True)


@key.command("list")
@common
def list_(settings: Settings) -> None:
    """List the keys of the home.

    \b
    Examples:
      trine key list
      trine key list --home ~/other --json
    """
    store = settings.home.keys
    keys = [store.read(name) for name in store.names()]
    lines = [
        f"{one.name:<16}  {one.algorithm:<10}  {one.address.hex()}"
        + (f"  {one.token.describe()}" if one.token else "")
        for one in keys
    ]
    documents = [key_document(one) for one in keys]
    settings.emit({"keys": documents}, lines or [f"no keys in {store.folder}"])


@key.command()
@click.argument("name")
@common
def show(settings: Settings, name: str) -> None:
    """Show what the key NAME says without its password.

    \b
    Examples:
      trine key show alice
      trine key show alice --json
    """
    found = settings.home.keys.read(name)
    settings.emit(key_document(found), describe_key(found))


@key.command()
@click.argument("name")
@common
def check(settings: Settings, name: str) -> None:
    """Let the hardware token of the key NAME sign a random challenge, and verify it.

    \b
    Examples:
      trine key check alice
      trine key check alice --json
    """
    took_us = settings.home.keys.open_token(name).health()
    found = settings.home.keys.read(name)
    document = {**key_document(found), "healthy": True, "took_us": took_us}
    settings.emit(document, [*describe_key(found), *facts(healthy=f"signed in {took_us} µs")])
