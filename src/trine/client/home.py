"""Find the network and the keys in a home folder.

A home holds `network.json` (where the nodes of a local network listen), `trust.json`,
`genesis.json`, `keys/NAME.json` and the folders of the nodes.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from trine.crypto import Keystore, SigningKey
from trine.errors import BadConfiguration, NoNetwork, NoPassword, UnreadableFile
from trine.types.limits import PASSWORD_BYTES_MAX

HOME_VARIABLE: Final = "TRINE_HOME"
PASSWORD_VARIABLE: Final = "TRINE_PASSWORD_FILE"  # noqa: S105 - the name of a variable
NETWORK_FORMAT: Final = "trine-network-v1"
SUITE_DEFAULT: Final = "intl"
ADMIN_KEY: Final = "admin"
"""Key of organisation 0's administrator, which `trine up` makes."""


def default_home() -> Path:
    """Name the home: $TRINE_HOME, else ~/.trine."""
    named = os.environ.get(HOME_VARIABLE)
    return Path(named).expanduser() if named else Path.home() / ".trine"


@dataclass(frozen=True)
class Home:
    """A folder that holds a network, keys, or both."""

    path: Path

    @property
    def genesis(self) -> Path:
        """Genesis document."""
        return self.path / "genesis.json"

    @property
    def trust(self) -> Path:
        """Trust file."""
        return self.path / "trust.json"

    @property
    def network(self) -> Path:
        """What `trine up` remembers of its nodes."""
        return self.path / "network.json"

    @property
    def nodes(self) -> Path:
        """Folder of the nodes' folders."""
        return self.path / "nodes"

    @property
    def authorities(self) -> Path:
        """Folder of the certificates of authorities; the chain says which of them count."""
        return self.path / "authorities"

    @property
    def keys(self) -> Keystore:
        """The keys."""
        return Keystore(self.path / "keys")

    @property
    def suite(self) -> str:
        """Suite of the network that was made here; `intl` where there is none."""
        try:
            document = json.loads(self.genesis.read_bytes())
        except (OSError, ValueError):
            return SUITE_DEFAULT
        return str(document.get("suite", SUITE_DEFAULT))

    def has_network(self) -> bool:
        """Say whether a network was made here."""
        return self.network.exists()

    def read_network(self) -> dict[str, Any]:
        """Read `network.json`.

        Raises:
            NoNetwork: There is none.
            BadConfiguration: It is damaged.
        """
        try:
            document = json.loads(self.network.read_bytes())
        except FileNotFoundError:
            message = f"{self.path} holds no network: start one with `trine up`"
            raise NoNetwork(message, instance=str(self.path)) from None
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UnreadableFile(f"{self.network} cannot be read: {reason}") from None
        except ValueError as error:
            raise BadConfiguration(f"{self.network}: not JSON: {error}") from None
        if not isinstance(document, dict) or document.get("format") != NETWORK_FORMAT:
            found = document.get("format") if isinstance(document, dict) else document
            message = f"{self.network}: format {found!r:.80}, expected {NETWORK_FORMAT!r}"
            raise BadConfiguration(message, instance=str(self.network))
        return document

    def urls(self) -> list[str]:
        """List the URLs of the nodes.

        Raises:
            NoNetwork, BadConfiguration: As `read_network`.
        """
        nodes = self.read_network().get("nodes")
        try:
            return [str(node["url"]) for node in nodes or []]
        except (KeyError, TypeError):
            message = f"{self.network}: nodes, expected a list of objects with `url`"
            raise BadConfiguration(message, instance=str(self.network)) from None

    def open_key(self, name: str = ADMIN_KEY, password: bytes | None = None) -> SigningKey:
        """Decrypt a key; without a password, with the one that a file holds. Or open its token.

        Raises:
            NoSuchKeyFile, BadPassword, NotAKeystore: As `Keystore.open`.
            NoPassword: No password was given and no file holds one.
        """
        if self.keys.read(name).token is not None:
            return self.keys.open_token(name)
        if password is None:
            password = self.stored_password(name)
        if password is None:
            raise NoPassword(f"the key {name!r} needs its password")
        return self.keys.open(name, password)

    def stored_password(self, name: str) -> bytes | None:
        """Read the password that $TRINE_PASSWORD_FILE or `keys/NAME.password` holds."""
        named = os.environ.get(PASSWORD_VARIABLE)
        if named:
            return read_password(Path(named))
        beside = self.path / "keys" / f"{name}.password"
        return read_password(beside) if beside.exists() else None


def read_password(path: Path) -> bytes:
    """Read a password file: its first line.

    Raises:
        UnreadableFile: It cannot be read, or is empty or too long.
    """
    try:
        with path.open("rb") as file:
            text = file.read(PASSWORD_BYTES_MAX + 2)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UnreadableFile(f"{path} cannot be read: {reason}", instance=str(path)) from None
    line = text.split(b"\n", 1)[0].removesuffix(b"\r")
    if not 1 <= len(line) <= PASSWORD_BYTES_MAX:
        message = f"{path}: a first line of {len(line)} bytes, expected 1 to {PASSWORD_BYTES_MAX}"
        raise UnreadableFile(message, instance=str(path))
    return line
