"""Write what a home holds beside the chain into one secret file, and read it back.

That is everything but the data of its nodes and their logs: keys, cards, configurations. The file
is a tar archive (POSIX.1-2001) whose last member has the digests of all others, in the form of
`sha256sum`.
"""

import hashlib
import io
import os
import re
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from trine.client.home import Home
from trine.client.verification import unreadable
from trine.errors import BadArgument, BadKeysFile, NothingToDo

FILES: Final = ("genesis.json", "trust.json", "network.json", "card.json")
"""Files of a home."""
FOLDERS: Final = ("keys", "authorities")
"""Folders of a home; each is copied without folders in it."""
DIGESTS: Final = "SHA256SUMS"
"""Last member: digest and name of each other one."""
FILE_BYTES_MAX: Final = 64 * 1024 * 1024
"""Bytes of one file: a genesis may be that long."""
KEYS_BYTES_MAX: Final = 2 * FILE_BYTES_MAX
"""Bytes of all files."""
MEMBERS_MAX: Final = 20_000
MODE: Final = 0o600
USED_SUFFIX: Final = ".used"
"""End of the name of the mark that a validator's key has voted (docs/internals/engine.md)."""

_PLACE: Final = re.compile(
    rf"(?:{'|'.join(map(re.escape, FILES))}|(?:{'|'.join(FOLDERS)})/[^/\0]+|nodes/[^/\0]+/[^/\0]+)"
)
_LEFT_OUT: Final = re.compile(r"\.log(?:\.|$)|\.partial$|^recover\.(?:toml|pid|read-key)$")


def write_keys(home: Home, file: Path) -> list[str]:
    """Copy keys, cards and configurations of a home into a file that its owner alone can read.

    Args:
        home: The home.
        file: File to write; one that is there is replaced.

    Returns:
        Names of the files that were copied.

    Raises:
        NothingToDo: The home holds none.
        BadArgument: They are too long, or too many.
        UnreadableFile: One cannot be read.
    """
    found = {str(path.relative_to(home.path)): path for path in _secrets(home)}
    if not found:
        raise NothingToDo(f"{home.path} holds no keys and no node", instance=str(home.path))
    if len(found) >= MEMBERS_MAX:
        raise BadArgument(f"{home.path} holds {len(found)} files, at most {MEMBERS_MAX}")
    partial = file.with_name(file.name + ".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE)
    with os.fdopen(descriptor, "wb") as opened:
        os.fchmod(descriptor, MODE)
        with tarfile.open(fileobj=opened, mode="w", format=tarfile.PAX_FORMAT) as tar:
            digests, total = [], 0
            for name, path in found.items():
                content = _read(path)
                total += len(content)
                if total > KEYS_BYTES_MAX:
                    raise BadArgument(f"{home.path}: over {KEYS_BYTES_MAX} bytes of keys and files")
                _add(tar, name, content)
                digests.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
            _add(tar, DIGESTS, "".join(digests).encode())
        opened.flush()
        os.fsync(descriptor)
    partial.replace(file)
    return list(found)


def _secrets(home: Home) -> Iterator[Path]:
    """List the files of a home, without the nodes' data and logs."""
    yield from (path for name in FILES if (path := home.path / name).is_file())
    folders = [home.path / name for name in FOLDERS]
    folders += sorted(home.nodes.iterdir()) if home.nodes.is_dir() else []
    for folder in folders:
        if folder.is_dir():
            files = (path for path in sorted(folder.iterdir()) if path.is_file())
            yield from (path for path in files if not _LEFT_OUT.search(path.name))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise unreadable(path, error) from None
    if len(content) > FILE_BYTES_MAX:
        raise BadArgument(f"{path} has over {FILE_BYTES_MAX} bytes", instance=str(path))
    return content


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), MODE
    tar.addfile(member, io.BytesIO(content))


def read_keys(file: Path) -> dict[str, bytes]:
    """Read a file of `write_keys`: content by name.

    Raises:
        BadKeysFile: It is none, or damaged.
        UnreadableFile: It cannot be read.
    """
    found: dict[str, bytes] = {}
    total = 0
    try:
        with tarfile.open(file, mode="r:") as tar:
            for member in tar:
                if len(found) >= MEMBERS_MAX or not member.isreg():
                    raise _bad(file, f"{member.name[:80]!r} is no file, or one too many")
                total += member.size
                if total > 2 * KEYS_BYTES_MAX or member.name in found:
                    raise _bad(file, f"{member.name[:80]!r} is too long, or stands twice")
                taken = tar.extractfile(member)
                assert taken is not None, "a regular file has content"
                found[member.name] = taken.read()
    except tarfile.TarError as error:
        raise _bad(file, str(error)) from None
    except OSError as error:
        raise unreadable(file, error) from None
    digests = found.pop(DIGESTS, b"")
    expected = {f"{hashlib.sha256(content).hexdigest()}  {name}" for name, content in found.items()}
    if not found or set(digests.decode(errors="replace").splitlines()) != expected:
        raise _bad(file, f"its files are not those of its {DIGESTS}")
    for name in found:
        parts = PurePosixPath(name).parts
        if not _PLACE.fullmatch(name) or any(part in (".", "..") for part in parts):
            raise _bad(file, f"{name[:80]!r} has no place in a home")
    return found


def _bad(file: Path, reason: str) -> BadKeysFile:
    return BadKeysFile(f"{file}: {reason}", instance=str(file))


def put_back(home: Home, files: dict[str, bytes]) -> None:
    """Write files of `read_keys` into a home; `network.json` comes last.

    Each key of a validator is marked as one that has voted: in its empty folder it votes only from
    the next epoch on.
    """
    for name in sorted(files, key=lambda name: (name == home.network.name, name)):
        path = home.path / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.name == "node.toml" and (key := _voting_key(files[name])):
            (path.parent / (key + USED_SUFFIX)).touch(MODE)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(files[name])


def _voting_key(config: bytes) -> str | None:
    """Name the file of the key with which a node votes; none of a follower."""
    try:
        named = tomllib.loads(config.decode()).get("validator_key")
    except ValueError:
        return None  # The node itself says what is wrong with it.
    return named if isinstance(named, str) else None
