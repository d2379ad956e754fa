"""Open a hospital for the commands that run one: its folder, its passwords, its connection."""

import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from trine._cli.evidence_parts import chain_client
from trine._cli.node_files import write_secret
from trine._cli.settings import Settings
from trine.client.home import read_password
from trine.client.verification import Trust
from trine.crypto import SigningKey
from trine.errors import NoPassword, Unsupported

if TYPE_CHECKING:
    from trine.apps.health.hospital import Hospital

FOLDER: Final = "hospital"
"""Folder of the hospital in the home."""
RECORDS, HISTORIES = "records", "histories"
"""Names of its logs."""
PASSWORD_BYTES: Final = 16

folder_option: Final = click.option(
    "--hospital",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the hospital.  [default: hospital in the home]",
)
key_option: Final = click.option(
    "--key",
    "key_name",
    help="Key of the home that records for the hospital.  [default: the one of its organisation]",
)
password_option: Final = click.option(
    "--hospital-password-file",
    "password_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File whose first line is the password of the hospital's keys.  "
    "[default: keys/records.password in its folder]",
)

trust_option: Final = click.option(
    "--trust",
    "trust_file",
    required=True,
    type=click.Path(path_type=Path),
    help="Trust file of the chain, from its operators.",
)


def health_modules() -> Any:
    """Load what needs more packages than the command line.

    Raises:
        Unsupported: One is not installed.
    """
    try:
        from trine.apps.health import hospital  # noqa: PLC0415
        from trine.apps.health.pages import app  # noqa: F401, PLC0415
    except ImportError as error:
        message = f"the hospital needs {error.name}: pip install 'trine[platform]'"
        raise Unsupported(message) from None
    return hospital


def organisation_of(settings: Settings, folder: Path | None) -> str:
    """Name the organisation of the hospital, which names its key too."""
    place = folder or settings.home.path / FOLDER
    return str(health_modules().Founding.read(place).custodian)


def new_password(folder: Path, name: str = RECORDS) -> bytes:
    """Make a password and keep it beside the key that it opens."""
    password = secrets.token_hex(PASSWORD_BYTES).encode()
    write_secret(folder / f"{name}.password", password + b"\n")
    return password


def hospital_password(place: Path, password_file: Path | None) -> bytes:
    """Read the password of the hospital's keys.

    Raises:
        NoPassword: No file holds it.
    """
    path = password_file or place / "keys" / f"{RECORDS}.password"
    if not path.exists():
        raise NoPassword(f"{path} is missing: name it with --hospital-password-file")
    return read_password(path)


def account_password(place: Path, of_hospital: bytes) -> Callable[[str], bytes]:
    """Return what gives an account's password: the file beside it, else the hospital's."""

    def read(name: str) -> bytes:
        path = place / "accounts" / f"{name}.password"
        return read_password(path) if path.exists() else of_hospital

    return read


@contextlib.asynccontextmanager
async def opened(
    settings: Settings,
    folder: Path | None,
    password_file: Path | None,
    key: SigningKey | None = None,
) -> AsyncIterator["Hospital"]:
    """Open the hospital for the time of a command."""
    modules = health_modules()
    place = folder or settings.home.path / FOLDER
    modules.Founding.read(place)
    password = hospital_password(place, password_file)
    async with chain_client(settings, key) as client:
        hospital = modules.Hospital(place, password, client, Trust.load(settings.home.trust))
        try:
            yield hospital
        finally:
            hospital.close()
