"""Keep a timestamp authority in a folder: its key, certificates and serial numbers.

`key.pem` is the key, unencrypted, which only its owner may read; `chain.pem` its certificate and
the issuers of that; `root.pem` what others trust; `policy` the identifier of its policy; `serials`
the counter. Whoever has a certificate from a real authority puts its files in place of the first
three.
"""

import os
from pathlib import Path
from typing import Final

from trine.crypto.x509 import read_certificates
from trine.crypto.x509.certificate import FILE_BYTES_MAX
from trine.errors import BadTimestampAuthority, KeyFileExists, UnreadableFile
from trine.services.evidence.timestamp.authority import Authority
from trine.services.evidence.timestamp.keys import AuthorityKey
from trine.services.evidence.timestamp.made_up import made_up_authority
from trine.services.evidence.timestamp.serials import Serials

KEY: Final = "key.pem"
CHAIN: Final = "chain.pem"
ROOT: Final = "root.pem"
POLICY: Final = "policy"
SERIALS: Final = "serials"
OTHERS: Final = 0o077
"""Bits of a file's mode that let others read or write it."""


def found_authority(folder: Path, kind: str, *, now_ms: int, name: str, days: int) -> Authority:
    """Make a made-up authority and write it into a folder.

    Args:
        folder: Folder; made where it does not exist.
        kind: Kind of its keys, as `made_up_authority`.
        now_ms: When it begins, in Unix milliseconds.
        name: What stands in its certificates.
        days: Days for which it is valid.

    Raises:
        KeyFileExists: The folder has a key already, which is never replaced.
        BadArgument: There is no such kind of key.
        OSError: The folder cannot be written.
    """
    authority, root = made_up_authority(kind, now_ms=now_ms, name=name, days=days)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(folder / KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        place = str(folder / KEY)
        raise KeyFileExists(f"{place} exists and is not replaced", instance=place) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(authority.key.to_pem())
    (folder / CHAIN).write_bytes(b"".join(one.to_pem() for one in authority.chain))
    (folder / ROOT).write_bytes(root.to_pem())
    (folder / POLICY).write_text(f"{authority.policy}\n", encoding="ascii")
    Serials(folder / SERIALS)
    return authority


def open_authority(folder: Path) -> tuple[Authority, Serials]:
    """Open the authority of a folder.

    Raises:
        UnreadableFile: A file is missing or cannot be read.
        BadTimestampAuthority: Others can read the key, or the files do not fit together.
        BadCertificate, UnsupportedCertificate: The chain cannot be read.
        TimestampStore: The counter cannot be used.
    """
    key = folder / KEY
    if key.exists() and key.stat().st_mode & OTHERS:
        raise BadTimestampAuthority(
            f"others can read {key}: make it private with chmod 600, or take a new key"
        )
    chain = read_certificates(_read(folder / CHAIN))
    policy = _read(folder / POLICY).decode("ascii", "replace").strip()
    authority = Authority(AuthorityKey.from_pem(_read(key)), tuple(chain), policy)
    return authority, Serials(folder / SERIALS)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UnreadableFile(f"{path} cannot be read: {reason}", instance=str(path)) from None
