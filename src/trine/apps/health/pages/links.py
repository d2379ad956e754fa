"""Let people in by links that work once: random, kept only as a hash, for a limited time.

>>> import tempfile
>>> from pathlib import Path
>>> from trine.apps.health.store import FolderStore
>>> links = Links(FolderStore(Path(tempfile.mkdtemp())), lambda: 0)
>>> token = links.make("account:dr-li")
>>> links.redeem(token)
'account:dr-li'
>>> links.redeem(token)
Traceback (most recent call last):
    ...
trine.errors.pages.LinkSpent: the link is unknown, was used, or is older than 15 minutes
"""

import hashlib
import secrets
from collections.abc import Callable
from typing import Final

from trine.apps.health.canonical import canonical
from trine.apps.health.reading import parse
from trine.apps.health.store import Store
from trine.errors.pages import LinkSpent, TooManySessions

LINK_MS_MAX: Final = 15 * 60 * 1_000
"""Time for which a link works."""
LINKS_MAX: Final = 1_000
"""Links that wait at once."""
TOKEN_BYTES: Final = 32
"""Random bytes of a link, and of a session's cookie."""
TOKEN_CHARACTERS_MAX: Final = 64
"""Characters of a token that are looked at."""
_FOLDER: Final = "links"


def hash_of(token: str) -> str:
    """Return the name under which a token is known: a hash, so that a copy lets nobody in."""
    return hashlib.sha256(token[:TOKEN_CHARACTERS_MAX].encode()).hexdigest()


class Links:
    """The links that wait, in the store of the hospital: any of its programs may make one."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        """Use a store, and a clock in Unix milliseconds."""
        self._store, self._clock = store, clock

    def make(self, target: str) -> str:
        """Make a link for somebody; return its token, which is kept nowhere.

        Args:
            target: For whom, such as `account:dr-li` (`doors`).

        Raises:
            TooManySessions: `LINKS_MAX` links wait already.
            DiskFull, ReadOnlyFolder: The store cannot be written.
        """
        self._forget_old()
        if sum(1 for _ in self._store.names(_FOLDER)) >= LINKS_MAX:
            raise TooManySessions(f"{LINKS_MAX} links wait to be used: try again in some minutes")
        token = secrets.token_urlsafe(TOKEN_BYTES)
        document = {"target": target, "lastMs": self._clock() + LINK_MS_MAX}
        self._store.put([(f"{_FOLDER}/{hash_of(token)}", canonical(document))])
        return token

    def redeem(self, token: str) -> str:
        """Use a link up; return for whom it is.

        Raises:
            LinkSpent: There is no such link, or it was used, or it is too old.
        """
        name, found = f"{_FOLDER}/{hash_of(token)}", ""

        def use(content: bytes | None) -> bytes:
            nonlocal found
            # In one transaction: of two programs that see the link, one uses it.
            document = parse(content) if content else {}
            if not document or document["lastMs"] < self._clock():
                minutes = LINK_MS_MAX // 60_000
                message = f"the link is unknown, was used, or is older than {minutes} minutes"
                raise LinkSpent(message)
            found = document["target"]
            return b""

        self._store.change(name, use)
        self._store.delete([name])
        return found

    def _forget_old(self) -> None:
        now_ms, old = self._clock(), []
        for name in self._store.names(_FOLDER):
            content = self._store.get(name)
            if not content or parse(content)["lastMs"] < now_ms:
                old.append(name)
        if old:
            self._store.delete(old)
