"""Check statements that come in, many at once: form, times, policy, signature.

Those of the usual form are read, hashed and verified by the core; all others, and what is wrong
with any, are `statement`'s.

>>> from trine.services.evidence import intake, policy
>>> anybody = policy.Policy(())
>>> [error] = intake.check([b"something else"], anybody, "sha256", now_ms=0)
>>> type(error).__name__
'NotACoseMessage'
"""

from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

from trine._core import statements as core
from trine.errors import TrineError
from trine.errors.services import CoseSignature
from trine.services.evidence import statement
from trine.services.evidence.policy import NUL, Policy
from trine.services.evidence.rows import About, content_digest, name_digest
from trine.services.evidence.statement import CLOCK_SKEW_S_MAX, Statement
from trine.services.evidence.tree import HashFunction
from trine.types import Digest
from trine.types.calls import PublicKey

Taken = tuple[str, str, str, str, bytes, int | None, bytes, bytes]
"""Algorithm, issuer, subject, content type, name of the key, time of issue in seconds, entry, and
digest of the payload."""

_DIGEST: Final = partial(bytes.__new__, Digest)
"""Takes what the core hashed, whose length is right, at a third of the cost."""


class Checked(NamedTuple):
    """A statement that may be registered.

    Attributes:
        data: Its bytes as they are registered.
        entry: Its entry.
        issuer: Who says it.
        subject: What it is about.
        content_type: Type of what is said, as text.
        about: What its row says.
    """

    data: bytes
    entry: Digest
    issuer: str
    subject: str
    content_type: str
    about: About


def check(
    items: Sequence[bytes], policy: Policy, function: HashFunction, *, now_ms: int
) -> list[Checked | TrineError]:
    """Check statements; each is what may be registered, or why it may not.

    Args:
        items: The statements.
        policy: What is registered.
        function: Hash function of the log.
        now_ms: Unix time in milliseconds.
    """
    asked = _Asked(items, policy, function, now_ms)
    for at, taken in enumerate(core.take(function, items)):
        if taken is None:
            asked.read(at)
        else:
            asked.use(at, taken)
    asked.verify()
    return asked.results


def checked(one: Statement, function: HashFunction) -> Checked:
    """Take over a statement that was read and verified; `function` is that of the log."""
    kind = str(one.content_type)
    about = About(
        name_digest(function, one.issuer),
        name_digest(function, kind),
        content_digest(function, one.payload, one.payload_hash),
    )
    entry = statement.entry_of(one, function)
    return Checked(statement.registered(one), entry, one.issuer, one.subject, kind, about)


class _Named(NamedTuple):
    """What many statements have in common: the key, and digests of issuer and content type."""

    key: PublicKey
    issuer: Digest
    content_type: Digest


class _Asked:
    """Statements that are being checked."""

    def __init__(
        self, items: Sequence[bytes], policy: Policy, function: HashFunction, now_ms: int
    ) -> None:
        self._items, self._policy, self._now_ms = items, policy, now_ms
        self._now_s = now_ms // 1_000
        self._function = function
        wrong = CoseSignature("the statement's signature does not hold")
        self.results: list[Checked | TrineError] = [wrong] * len(items)
        self._named: dict[tuple[str, str, bytes], _Named | TrineError] = {}
        # Where those of the usual form stand, and with which keys, by algorithm.
        self._usual: dict[str, list[tuple[bytes, Checked, int]]] = {}
        self._others: list[tuple[int, Statement, PublicKey]] = []

    def use(self, at: int, taken: Taken) -> None:
        """Take a statement of the usual form."""
        algorithm, issuer, subject, content_type, key_id, issued_at_s, entry, content = taken
        name = issuer, content_type, key_id
        named = self._named.get(name)
        if named is None:
            named = self._named[name] = self._find(*name)
        if isinstance(named, TrineError):
            self.results[at] = named
        elif NUL in subject or (issued_at_s or 0) > self._now_s + CLOCK_SKEW_S_MAX:
            self.read(at)
        elif named.key.algorithm == algorithm:
            about = About(named.issuer, named.content_type, _DIGEST(content))
            data = self._items[at]
            made = Checked(data, _DIGEST(entry), issuer, subject, content_type, about)
            self._usual.setdefault(algorithm, []).append((named.key.key, made, at))

    def _find(self, issuer: str, content_type: str, key_id: bytes) -> _Named | TrineError:
        try:
            key = self._policy.key_of_usual(issuer, content_type, key_id)
        except TrineError as error:
            return error
        function = self._function
        return _Named(key, name_digest(function, issuer), name_digest(function, content_type))

    def read(self, at: int) -> None:
        """Take a statement of any other form."""
        try:
            one = statement.read_statement(self._items[at], now_s=self._now_s)
            self._others.append((at, one, self._policy.key_of(one, now_ms=self._now_ms)))
        except TrineError as error:
            self.results[at] = error

    def verify(self) -> None:
        """Check all signatures."""
        for algorithm, several in self._usual.items():
            keys = [key for key, _, _ in several]
            verdicts = core.verify(algorithm, keys, [made.data for _, made, _ in several])
            for (_, made, at), is_good in zip(several, verdicts, strict=True):
                if is_good:
                    self.results[at] = made
        keys_of = [key for _, _, key in self._others]
        found = statement.verify_many([one for _, one, _ in self._others], keys_of)
        for (at, one, _), is_valid in zip(self._others, found, strict=True):
            if is_valid:
                self.results[at] = checked(one, self._function)
