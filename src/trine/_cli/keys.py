"""Make and show keys: encrypted files in the home."""

from pathlib import Path

import click

from trine._cli.settings import Settings, ask_password, common, facts
from trine.client.home import read_password
from trine.crypto import SUITE_ALGORITHMS, KeyFile, SecretKey

ALGORITHMS = ("ed25519", "sm2", "p256", "secp256k1", "ml-dsa-65")


def _document(key: KeyFile) -> dict[str, str]:
    return {
        "name": key.name,
        "algorithm": key.algorithm,
        "public_key": key.public_key.hex(),
        "address": key.address.hex(),
        "path": str(key.path),
    }


@click.group()
def key() -> None:
    """Make and show keys.

    A key is a file of the home, encrypted with a password that nobody can recover.

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
@common
def new(
    settings: Settings, name: str, alg: str | None, suite: str | None, password_file: Path | None
) -> None:
    """Make a key NAME and encrypt it with a password.

    \b
    Examples:
      trine key new alice
      trine key new alice --alg p256 --password-file alice.password --json
      trine key new bob --suite gm
    """
    settings.home.keys.path(name)
    suite = suite or settings.home.suite
    secret = SecretKey.generate(alg or SUITE_ALGORITHMS[suite])
    password = read_password(password_file) if password_file else None
    if password is None:
        password = settings.home.stored_password(name)
    if password is None:
        password = ask_password(f"Password for key {name}", confirm=True)
    made = settings.home.keys.create(name, secret, password, suite)
    lines = facts(name=made.name, algorithm=made.algorithm, address=made.address.hex())
    lines += facts(public_key=made.public_key.hex(), path=made.path)
    settings.emit(_document(made), lines)


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
    lines = [f"{one.name:<16}  {one.algorithm:<10}  {one.address.hex()}" for one in keys]
    documents = [_document(one) for one in keys]
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
    lines = facts(name=found.name, algorithm=found.algorithm, address=found.address.hex())
    lines += facts(public_key=found.public_key.hex(), path=found.path)
    settings.emit(_document(found), lines)
