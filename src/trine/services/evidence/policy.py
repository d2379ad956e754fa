"""Say which statements a log takes, and with which keys their issuers sign.

>>> policy = read_policy('''
... [[issuers]]
... name = "https://city.example"
... keys = ["ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"]
... media_types = ["application/json"]
... ''')
>>> [issuer.name for issuer in policy.issuers]
['https://city.example']
"""

import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from trine.errors import BadConfiguration
from trine.errors.services import (
    HeaderMissing,
    IssuerKeyNotAdmitted,
    IssuerNotAdmitted,
    LogClosed,
    MediaTypeRefused,
)
from trine.services.evidence import cose
from trine.services.evidence.statement import Statement
from trine.types.calls import PublicKey

ISSUERS_MAX: Final = 100_000
"""Issuers of a policy."""
KEYS_MAX: Final = 64
"""Keys of an issuer."""


@dataclass(frozen=True)
class Issuer:
    """Whoever may register statements.

    Attributes:
        name: The issuer as statements name it.
        keys: Its keys by the names under which statements name them.
        media_types: Types of content that are taken from it; all where there are none.
    """

    name: str
    keys: Mapping[bytes, PublicKey]
    media_types: frozenset[str | int] = frozenset()


@dataclass(frozen=True)
class Policy:
    """Registration policy of a log (RFC 9943, section 5.1.1).

    Attributes:
        issuers: Who may register.
        required_headers: Labels that must be protected beside those that always must.
        entries_max: Entries that the log gets at most; nothing where there is no end.
        successor: URL of the service of the log that follows it.
    """

    issuers: tuple[Issuer, ...]
    required_headers: tuple[int | str, ...] = ()
    entries_max: int | None = None
    successor: str | None = None
    _by_name: dict[str, Issuer] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {one.name: one for one in self.issuers})

    def check_open(self, count: int) -> None:
        """Check that a log takes so many entries.

        Raises:
            LogClosed: It takes fewer.
        """
        if self.entries_max is not None and count > self.entries_max:
            there = f": register at {self.successor}" if self.successor else ""
            raise LogClosed(f"the log takes {self.entries_max} entries and no more{there}")

    def key_of(self, statement: Statement) -> PublicKey:
        """Return the key with which the statement must be signed.

        Raises:
            IssuerNotAdmitted, IssuerKeyNotAdmitted: Nobody may register so.
            MediaTypeRefused: The content is of a type that is not taken from the issuer.
            HeaderMissing: A header that this log requires is not protected.
        """
        issuer = self._by_name.get(statement.issuer)
        if issuer is None:
            raise IssuerNotAdmitted(f"the issuer {statement.issuer[:200]!r} may not register here")
        if issuer.media_types and statement.content_type not in issuer.media_types:
            found = str(statement.content_type)[:200]
            raise MediaTypeRefused(f"content of the type {found!r} is not taken from this issuer")
        for label in self.required_headers:
            if label not in statement.message.headers:
                raise HeaderMissing(f"this log requires the protected header {label}")
        name = statement.key_id
        key = None if name is None else issuer.keys.get(name)
        if key is None:
            shown = "none" if name is None else name[:32].hex()
            raise IssuerKeyNotAdmitted(f"the issuer has no key of the name {shown}")
        return key


def read_policy(text: str) -> Policy:
    """Read a policy in TOML (docs/reference/scitt.md, section 10).

    Raises:
        BadConfiguration: It is no policy; the message says what is wrong with it.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfiguration(f"the policy is no TOML: {error}") from None
    unknown = document.keys() - {"issuers", "required_headers", "entries_max", "successor"}
    if unknown:
        raise BadConfiguration(f"the policy has the unknown field {min(unknown)!r}")
    issuers = document.get("issuers")
    if not isinstance(issuers, list) or not 1 <= len(issuers) <= ISSUERS_MAX:
        raise BadConfiguration(f"the policy needs 1 to {ISSUERS_MAX} tables [[issuers]]")
    read = tuple(_read_issuer(one) for one in issuers)
    twice = [name for name, count in Counter(one.name for one in read).items() if count > 1]
    if twice:
        raise BadConfiguration(f"the policy has the issuer {twice[0]!r} twice")
    headers = document.get("required_headers", [])
    if not isinstance(headers, list) or not all(_is_label(one) for one in headers):
        raise BadConfiguration("required_headers is a list of numbers and texts")
    entries_max, successor = document.get("entries_max"), document.get("successor")
    if entries_max is not None and (type(entries_max) is not int or entries_max < 1):
        raise BadConfiguration(f"entries_max is {entries_max!r:.80}, expected a number from 1")
    if successor is not None and not isinstance(successor, str):
        raise BadConfiguration(f"successor is {successor!r:.80}, expected a URL")
    return Policy(read, tuple(headers), entries_max, successor)


def _is_label(value: Any) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _read_issuer(document: Any) -> Issuer:
    if not isinstance(document, dict) or not isinstance(document.get("name"), str):
        raise BadConfiguration("each of the [[issuers]] needs a name, a text")
    name = document["name"]
    unknown = document.keys() - {"name", "keys", "media_types"}
    if unknown:
        raise BadConfiguration(f"the issuer {name!r} has the unknown field {min(unknown)!r}")
    texts = document.get("keys")
    if not isinstance(texts, list) or not 1 <= len(texts) <= KEYS_MAX:
        raise BadConfiguration(f"the issuer {name!r} needs 1 to {KEYS_MAX} keys")
    keys = dict(_read_key(name, one) for one in texts)
    types = document.get("media_types", [])
    if not isinstance(types, list) or not all(_is_label(one) for one in types):
        raise BadConfiguration(f"media_types of the issuer {name!r} is a list of texts")
    return Issuer(name, keys, frozenset(types))


def _read_key(issuer: str, text: Any) -> tuple[bytes, PublicKey]:
    """Read `algorithm:hexadecimal digits`, or the same behind `name=`, in hexadecimal digits."""
    wrong = f"a key of the issuer {issuer!r} is {text!r:.100}, expected ALGORITHM:HEX"
    if not isinstance(text, str):
        raise BadConfiguration(wrong)
    name, named, rest = text.partition("=")
    algorithm, _, digits = (rest if named else text).partition(":")
    try:
        key = PublicKey(algorithm, bytes.fromhex(digits))
        key_id = bytes.fromhex(name) if named else key.key
    except ValueError:
        raise BadConfiguration(wrong) from None
    if cose.ALGORITHM_OF_KEY.get(algorithm) is None or not key.key or not key_id:
        known = ", ".join(sorted(cose.ALGORITHM_OF_KEY))
        raise BadConfiguration(f"{wrong}, an algorithm of {known}")
    return key_id, key
