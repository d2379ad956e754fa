"""Keep secret keys encrypted in files: scrypt (RFC 7914) and AES-256-GCM (NIST SP 800-38D).

>>> import tempfile, pathlib
>>> from trine.crypto import Keystore, SecretKey
>>> store = Keystore(pathlib.Path(tempfile.mkdtemp()), scrypt_n=2**10)
>>> made = store.create("alice", SecretKey.generate(), b"correct horse")
>>> store.open("alice", b"correct horse").public_key == made.public_key
True
"""

import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from trine._core import keys as core
from trine.crypto.keys import SecretKey
from trine.crypto.passkey import PasskeyKey
from trine.crypto.token import TokenKey, TokenPlace, absolute
from trine.errors import (
    BadArgument,
    BadPassword,
    KeyFileExists,
    NoSuchKeyFile,
    NotAKeystore,
    UnknownAlgorithm,
)

FORMAT: Final = "trine-key-v1"
TOKEN_FORMAT: Final = "trine-token-key-v1"  # noqa: S105 - a format, no secret
"""Format of a file that names a key in a hardware token."""

SigningKey: TypeAlias = SecretKey | TokenKey | PasskeyKey
"""Whatever signs: a key in memory, one in a hardware token, a passkey."""

SCRYPT_N: Final = 2**17
"""Cost of one guess: 128 MiB of memory and about half a second."""
SCRYPT_R: Final = 8
SCRYPT_P: Final = 1
# A damaged file must not make its reader allocate without bound.
SCRYPT_N_MAX: Final = 2**20
SCRYPT_N_MIN: Final = 2**10
KEY_FILE_BYTES_MAX: Final = 65_536
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_AES_KEY_BYTES: Final = 32
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


@dataclass(frozen=True)
class KeyFile:
    """What a key file says without its password.

    Attributes:
        name: Name of the key in its home.
        algorithm: Name of the signature algorithm.
        public_key: Public key, encoded.
        address: Address of the account whose first key it is.
        path: The file.
        token: Where the key lives, when it is in a hardware token and not in the file.
    """

    name: str
    algorithm: str
    public_key: bytes
    address: bytes
    path: Path
    token: TokenPlace | None = None


class Keystore:
    """The keys in one folder, `NAME.json` each, readable by their owner alone."""

    def __init__(self, folder: Path, *, scrypt_n: int = SCRYPT_N) -> None:
        """Use `folder`, which need not exist yet. Only tests lower `scrypt_n`."""
        self.folder = folder
        self.scrypt_n = scrypt_n

    def path(self, name: str) -> Path:
        """Name the file of a key.

        Raises:
            BadArgument: The name is not 1 to 32 of a-z, 0-9 and -.
        """
        if not _NAME.fullmatch(name):
            raise BadArgument(f"key name {name[:80]!r}, expected 1 to 32 of a-z, 0-9, -")
        return self.folder / f"{name}.json"

    def create(self, name: str, key: SecretKey, password: bytes, suite: str = "intl") -> KeyFile:
        """Encrypt a key into a new file of mode 0600.

        Raises:
            KeyFileExists: The name is taken; keys are never overwritten.
            BadArgument: The name is not allowed, or the password is empty.
        """
        path = self.path(name)
        if not password:
            raise BadArgument("the password is empty")
        salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
        header = {
            "format": FORMAT,
            "name": name,
            "algorithm": key.algorithm,
            "public_key": key.public_key.hex(),
            "address": key.address(suite).hex(),
            "kdf": {
                "function": "scrypt",
                "n": self.scrypt_n,
                "r": SCRYPT_R,
                "p": SCRYPT_P,
                "salt": salt.hex(),
            },
        }
        aes = AESGCM(_derive(password, header["kdf"]))
        secret = aes.encrypt(nonce, key.expose(), _bound(header))
        cipher = {"function": "aes-256-gcm", "nonce": nonce.hex(), "text": secret.hex()}
        _write_new(path, json.dumps({**header, "cipher": cipher}, indent=2) + "\n", name)
        return self.read(name)

    def create_token(self, name: str, key: TokenKey, suite: str = "intl") -> KeyFile:
        """Write a new file of mode 0600 that names a key in a token. It holds no secret.

        Raises:
            KeyFileExists: The name is taken; keys are never overwritten.
            BadArgument: The name is not allowed.
        """
        path = self.path(name)
        document = {
            "format": TOKEN_FORMAT,
            "name": name,
            "algorithm": key.algorithm,
            "public_key": key.public_key.hex(),
            "address": key.address(suite).hex(),
            "pkcs11": absolute(key.place).document(),
            "key": {"label": key.core.label, "id": key.core.id.hex() if key.core.id else None},
        }
        _write_new(path, json.dumps(document, indent=2) + "\n", name)
        return self.read(name)

    def open_token(self, name: str) -> TokenKey:
        """Open the key of a file that names one in a token.

        Raises:
            NoSuchKeyFile, NotAKeystore: As `open`; also for a file with an encrypted key.
            KeyUnusable: The token holds another key of that name now.
            TrineError: The token does not open: see `TokenPlace.open` and `TokenKey.find`.
        """
        document = self._document(name)
        described = _parse(self.path(name), document)
        if described.token is None:
            raise _damaged(described.path, "the key is in the file, not in a token")
        key_id = document["key"]["id"]
        found = bytes.fromhex(key_id) if key_id else None
        key = TokenKey.find(described.token, document["key"]["label"], found)
        key.require(described.public_key)
        return key

    def names(self) -> list[str]:
        """List the names of the keys, sorted."""
        found = self.folder.glob("*.json") if self.folder.is_dir() else iter(())
        return sorted(path.stem for path in found if _NAME.fullmatch(path.stem))

    def read(self, name: str) -> KeyFile:
        """Read what a key file says without its password.

        Raises:
            NoSuchKeyFile: The folder holds no key with this name.
            NotAKeystore: The file is damaged or of another kind.
        """
        return _parse(self.path(name), self._document(name))

    def open(self, name: str, password: bytes) -> SecretKey:
        """Decrypt a key.

        Raises:
            NoSuchKeyFile: The folder holds no key with this name.
            NotAKeystore: The file is damaged or of another kind.
            BadPassword: The password is another, or the file was altered.
        """
        document = self._document(name)
        described = _parse(self.path(name), document)
        if described.token is not None:
            raise _damaged(described.path, "the key is in a token: it has no password")
        cipher = document["cipher"]
        aes = AESGCM(_derive(password, document["kdf"]))
        bound = _bound({field: value for field, value in document.items() if field != "cipher"})
        try:
            secret = aes.decrypt(
                bytes.fromhex(cipher["nonce"]), bytes.fromhex(cipher["text"]), bound
            )
        except InvalidTag:
            message = f"the password does not open the key {name!r} (or its file was altered)"
            raise BadPassword(message, instance=str(described.path)) from None
        except (ValueError, OverflowError) as error:
            raise _damaged(described.path, str(error)) from None
        return SecretKey(described.algorithm, secret)

    def _document(self, name: str) -> dict[str, Any]:
        path = self.path(name)
        try:
            with path.open("rb") as file:
                text = file.read(KEY_FILE_BYTES_MAX + 1)
        except FileNotFoundError:
            known = ", ".join(self.names()) or "none"
            message = f"no key {name!r} in {self.folder} (keys there: {known})"
            raise NoSuchKeyFile(message, instance=str(path)) from None
        try:
            document = json.loads(text) if len(text) <= KEY_FILE_BYTES_MAX else None
        except (ValueError, RecursionError) as error:
            raise _damaged(path, f"not JSON: {error}") from None
        if not isinstance(document, dict):
            raise _damaged(path, "no JSON object, or too large")
        return document


def _damaged(path: Path, why: str) -> NotAKeystore:
    return NotAKeystore(f"{path} is no key file of Trine: {why}", instance=str(path))


def _parse(path: Path, document: dict[str, Any]) -> KeyFile:
    """Check everything that later steps rely on."""
    try:
        token = None
        if document["format"] == TOKEN_FORMAT:
            token = _parse_token(document)
        elif document["format"] == FORMAT:
            _check_encryption(document)
        else:
            raise ValueError(f"format {document['format']!r}, expected {FORMAT!r}")
        public_key, address = document["public_key"], document["address"]
        described = KeyFile(
            str(document["name"]),
            str(document["algorithm"]),
            bytes.fromhex(public_key),
            bytes.fromhex(address),
            path,
            token,
        )
        if not core.is_public_key(described.algorithm, described.public_key):
            raise ValueError("public_key")
    except (KeyError, TypeError, ValueError, AttributeError, UnknownAlgorithm) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from None
    return described


def _parse_token(document: dict[str, Any]) -> TokenPlace:
    label, key_id = document["key"]["label"], document["key"]["id"]
    if not isinstance(label, str) or not isinstance(key_id, str | None):
        raise ValueError("key, expected a label and an id")
    bytes.fromhex(key_id or "")
    return TokenPlace.parse(document["pkcs11"])


def _check_encryption(document: dict[str, Any]) -> None:
    kdf, cipher = document["kdf"], document["cipher"]
    if kdf["function"] != "scrypt" or cipher["function"] != "aes-256-gcm":
        raise ValueError("unknown function")
    cost = int(kdf["n"])
    if not SCRYPT_N_MIN <= cost <= SCRYPT_N_MAX or cost & (cost - 1):
        raise ValueError(f"n {cost}, expected a power of two, {SCRYPT_N_MIN} to {SCRYPT_N_MAX}")
    if (kdf["r"], kdf["p"]) != (SCRYPT_R, SCRYPT_P):
        raise ValueError(f"r and p, expected {SCRYPT_R} and {SCRYPT_P}")
    for text in (kdf["salt"], cipher["nonce"], cipher["text"]):
        bytes.fromhex(text)


def _derive(password: bytes, kdf: Any) -> bytes:
    salt = bytes.fromhex(kdf["salt"])
    scrypt = Scrypt(salt=salt, length=_AES_KEY_BYTES, n=kdf["n"], r=kdf["r"], p=kdf["p"])
    return scrypt.derive(password)


def _bound(header: dict[str, Any]) -> bytes:
    """Canonical form of the readable fields: altering one of them breaks the decryption."""
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode()


def _write_new(path: Path, text: str, name: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        message = f"a key {name!r} exists already in {path.parent}"
        raise KeyFileExists(message, instance=str(path)) from None
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        # Half a key would pass for a damaged one, and keep its name for ever.
        path.unlink(missing_ok=True)
        raise
