"""Record one file with one call."""

import os
from pathlib import Path

from trine.client.client import Client
from trine.client.home import ADMIN_KEY, Home, default_home
from trine.client.verification import Receipt


def notarize(
    path: str | os.PathLike[str],
    *,
    home: str | os.PathLike[str] | None = None,
    node: str | None = None,
    key: str = ADMIN_KEY,
    password: bytes | None = None,
    log: str | None = None,
) -> Receipt:
    """Record a file in an evidence log and return its receipt.

    The chain never sees the file: it records a salted hash. `trine.verify` checks the receipt
    with the network switched off.

    Args:
        path: The file.
        home: Folder of the network and its keys; by default $TRINE_HOME, else ~/.trine.
        node: URL of a node; by default the nodes of the home.
        key: Name of the key in the home.
        password: Its password; by default what $TRINE_PASSWORD_FILE or `keys/KEY.password` holds.
        log: Number of the log, or `organisation/name`; by default the organisation's `default`.

    Raises:
        UnreadableFile, FileChanged: The file cannot be recorded.
        CannotReachNode: No node answers.
        NoRight: The account is no notary of the log's organisation.
        NoNetwork, NoSuchKeyFile, NoPassword, BadPassword: The home lacks something.
    """
    place = Home(Path(home) if home is not None else default_home())
    secret = place.open_key(key, password)
    with Client(node or place.urls(), key=secret) as client:
        (receipt,) = client.notarize([Path(path)], log=log)
    return receipt
