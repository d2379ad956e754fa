"""Find ports for new nodes that no other home is given at the same time."""

import fcntl
import hashlib
import json
import os
import stat
import tempfile
import time
from pathlib import Path
from typing import Any, Final, TextIO

from trine._cli.processes import is_free
from trine.client.home import Home
from trine.errors import PortInUse

# Below the ports that systems give to outgoing connections, so that a port stays free while the
# network is down.
PORT_FIRST: Final = 20_000
PORT_COUNT: Final = 11_000
CLAIM_S: Final = 600
"""Seconds for which a port that a home was given goes to no other one, whoever listens there."""

Claims = dict[int, tuple[float, str]]
"""Ports: when each was given, in seconds of Unix time, and to which home."""


def free_ports(home: Home, count: int) -> list[int]:
    """Find ports on which nobody listens, for each home from another first one on.

    What a home is given is noted for the user's other commands: networks that begin at the same
    time get different ports, although nobody listens yet.

    Raises:
        PortInUse: There are not so many.
    """
    owner = hashlib.sha256(os.fsencode(home.path)).hexdigest()
    file = _open_claims()
    if file is None:
        return _find(owner, count, {})
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        claims = _read(file)
        found = _find(owner, count, claims)
        claims |= dict.fromkeys(found, (time.time(), owner))
        file.seek(0)
        file.truncate()
        json.dump(claims, file)
    return found


def _find(owner: str, count: int, claims: Claims) -> list[int]:
    """Choose ports; those of other homes last, the oldest of them first."""
    start = int(owner[:8], 16) % PORT_COUNT
    ports = [PORT_FIRST + (start + step) % PORT_COUNT for step in range(PORT_COUNT)]
    others = {port: when for port, (when, whose) in claims.items() if whose != owner}
    found: list[int] = []
    for port in sorted(ports, key=lambda port: others.get(port, 0.0)):
        if is_free(port):
            found.append(port)
            if len(found) == count:
                return found
    message = f"{count} free ports from {PORT_FIRST} on are needed, {len(found)} are free"
    raise PortInUse(message)


def _open_claims() -> TextIO | None:
    """Open the file of claims of this user; none where there can be no such file."""
    path = Path(tempfile.gettempdir()) / f"trine-ports-{os.geteuid()}.json"
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError:
        return None
    file = os.fdopen(descriptor, "r+", encoding="utf-8")
    # In a folder that others write to, somebody else may have made it.
    about = os.fstat(descriptor)
    if stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid():
        return file
    file.close()
    return None


def _read(file: TextIO) -> Claims:
    """Read the claims that still hold; a file that was cut has none."""
    now_s = time.time()
    try:
        noted: dict[str, Any] = json.load(file)
        claims = {int(port): (float(when), str(owner)) for port, (when, owner) in noted.items()}
    except (ValueError, TypeError, AttributeError):
        return {}
    return {port: one for port, one in claims.items() if abs(now_s - one[0]) < CLAIM_S}
