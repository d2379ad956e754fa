"""Remember who is signed in: cookies for a limited time, each with a token for its forms.

Sessions are in memory only: after a restart everybody signs in anew.

>>> sessions = Sessions(lambda: 0)
>>> cookie = sessions.begin(Visitor("account:dr-li", "Dr. Li", frozenset({PageRole.CLINICIAN})))
>>> sessions.find(cookie).visitor.name
'Dr. Li'
>>> sessions.find("another") is None
True
"""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from trine.apps.health.accounts import Account
from trine.apps.health.pages.links import TOKEN_BYTES, hash_of
from trine.errors.pages import FormNotOurs, TooManySessions
from trine.model.identifiers import Digest

SESSION_MS_MAX: Final = 8 * 60 * 60 * 1_000
"""Time after which everybody signs in anew: a shift."""
IDLE_MS_MAX: Final = 30 * 60 * 1_000
"""Time without a request after which a session ends."""
SESSIONS_MAX: Final = 10_000
"""Sessions at once."""
SESSIONS_OF_ONE_MAX: Final = 3
"""Sessions of one account at once; the oldest ends when a further one begins."""


class PageRole(StrEnum):
    """For whom a page is."""

    CLINICIAN = "clinician"
    REVIEWER = "reviewer"
    PATIENT = "patient"
    REGULATOR = "regulator"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in."""

    target: str
    """For whom the link was, such as `account:dr-li`."""
    name: str
    """Name for people."""
    roles: frozenset[PageRole]
    account: Account | None = field(default=None, repr=False)
    """Keys with which this server signs for the visitor; a regulator has none."""
    patient: Digest | None = None
    """Whose history it is, for a patient."""


@dataclass(slots=True)
class Session:
    """A time for which somebody is signed in."""

    visitor: Visitor
    begun_ms: int
    """Unix time in milliseconds."""
    seen_ms: int
    """Unix time in milliseconds of the last request."""
    flash: str = ""
    """What the next page says once."""
    form_token: str = field(default_factory=lambda: secrets.token_urlsafe(TOKEN_BYTES))
    """What every form of the session's pages carries; other sites do not know it."""

    def check_form(self, token: str) -> None:
        """Check that a form is from one of the session's pages.

        Raises:
            FormNotOurs: It is not.
        """
        if not hmac.compare_digest(token.encode(), self.form_token.encode()):
            raise FormNotOurs


class Sessions:
    """The sessions of one server."""

    def __init__(self, clock: Callable[[], int]) -> None:
        """Use a clock in Unix milliseconds."""
        self._clock = clock
        self._by_hash: dict[str, Session] = {}

    def begin(self, visitor: Visitor) -> str:
        """Sign somebody in; return the content of the cookie, of which only the hash is kept.

        Raises:
            TooManySessions: `SESSIONS_MAX` others are signed in.
        """
        self._forget_old()
        theirs = [
            name for name, one in self._by_hash.items() if one.visitor.target == visitor.target
        ]
        for name in theirs[: max(0, len(theirs) + 1 - SESSIONS_OF_ONE_MAX)]:
            del self._by_hash[name]
        if len(self._by_hash) >= SESSIONS_MAX:
            raise TooManySessions(f"{SESSIONS_MAX} people are signed in: try again later")
        cookie, now_ms = secrets.token_urlsafe(TOKEN_BYTES), self._clock()
        self._by_hash[hash_of(cookie)] = Session(visitor, now_ms, now_ms)
        return cookie

    def find(self, cookie: str) -> Session | None:
        """Return the session of a cookie; nothing where it has ended."""
        name, now_ms = hash_of(cookie), self._clock()
        found = self._by_hash.get(name)
        if found is None or self._is_over(found, now_ms):
            self._by_hash.pop(name, None)
            return None
        found.seen_ms = now_ms
        return found

    def end(self, cookie: str) -> None:
        """Sign somebody out."""
        self._by_hash.pop(hash_of(cookie), None)

    def _forget_old(self) -> None:
        now_ms = self._clock()
        for name in [name for name, one in self._by_hash.items() if self._is_over(one, now_ms)]:
            del self._by_hash[name]

    @staticmethod
    def _is_over(session: Session, now_ms: int) -> bool:
        is_old = now_ms - session.begun_ms > SESSION_MS_MAX
        return is_old or now_ms - session.seen_ms > IDLE_MS_MAX
