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

import hashlib
import tomllib
from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from trine.crypto.x509 import Certificate, read_certificates
from trine.errors import BadConfiguration, TrineError
from trine.errors.services import (
    BadHeader,
    HeaderMissing,
    IssuerKeyNotAdmitted,
    IssuerNotAdmitted,
    LogClosed,
    MediaTypeRefused,
)
from trine.services.evidence import cose, issuing
from trine.services.evidence.cbor import Label
from trine.services.evidence.statement import X5CHAIN, Statement
from trine.types import Digest
from trine.types.calls import PublicKey

ISSUERS_MAX: Final = 100_000
"""Issuers of a policy."""
KEYS_MAX: Final = 64
"""Keys of an issuer."""
AUTHORITIES_MAX: Final = 64
"""Authorities of a policy."""
FIELDS: Final = frozenset(
    {"issuers", "authorities", "required_headers", "entries_max", "successor"}
)
"""Fields of a policy."""
NUL: Final = "\0"
"""Character that databases keep in no text."""
USUAL_HEADERS: Final[frozenset[Label]] = frozenset(
    {cose.ALGORITHM, cose.CONTENT_TYPE, cose.KEY_ID, cose.CWT_CLAIMS}
)
"""Protected headers of a statement of the usual form (`intake`)."""


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
class Authority:
    """Whoever vouches for issuers by certificates.

    Attributes:
        roots: Certificates that are trusted.
        media_types: Types of content that are taken from its issuers; all where there are none.
    """

    roots: tuple[Certificate, ...]
    media_types: frozenset[str | int] = frozenset()


@dataclass(frozen=True)
class Policy:
    """Registration policy of a log (RFC 9943, section 5.1.1).

    Attributes:
        issuers: Who may register.
        authorities: Who vouches for others who may, by the certificates in their statements.
        text: The policy as it was written; empty where it was not read from a text.
        required_headers: Labels that must be protected beside those that always must.
        entries_max: Entries that the log gets at most; nothing where there is no end.
        successor: URL of the service of the log that follows it.
    """

    issuers: tuple[Issuer, ...]
    required_headers: tuple[int | str, ...] = ()
    entries_max: int | None = None
    successor: str | None = None
    authorities: tuple[Authority, ...] = ()
    text: bytes = field(default=b"", repr=False, compare=False)
    _by_name: dict[str, Issuer] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {one.name: one for one in self.issuers})

    @property
    def digest(self) -> Digest:
        """SHA-256 digest of the policy as it was written: whoever reads it compares."""
        return Digest(hashlib.sha256(self.text).digest())

    def check_open(self, count: int) -> None:
        """Check that a log takes so many entries.

        Raises:
            LogClosed: It takes fewer.
        """
        if self.entries_max is not None and count > self.entries_max:
            there = f": register at {self.successor}" if self.successor else ""
            raise LogClosed(f"the log takes {self.entries_max} entries and no more{there}")

    def key_of(self, statement: Statement, *, now_ms: int) -> PublicKey:
        """Return the key with which the statement must be signed.

        Args:
            statement: The statement.
            now_ms: Unix time in milliseconds, at which certificates must be in force.

        Raises:
            IssuerNotAdmitted, IssuerKeyNotAdmitted: Nobody may register so.
            MediaTypeRefused: The content is of a type that is not taken from the issuer.
            HeaderMissing: A header that this log requires is not protected.
            BadHeader: A text has the character U+0000, which databases keep in none.
            TrineError: The certificates of the statement do not hold, as `issuing.key_by_chain`.
        """
        headers = statement.message.headers
        self._check_headers(headers)
        _check_texts(statement.issuer, statement.subject, str(statement.content_type))
        is_vouched = self.authorities and X5CHAIN in headers
        if is_vouched and statement.issuer not in self._by_name:
            return self._vouched_key(statement, now_ms)
        return self._named_key(statement.issuer, statement.content_type, statement.key_id)

    def key_of_usual(self, issuer: str, content_type: str, key_id: bytes) -> PublicKey:
        """Return the same for a statement of the usual form, which has `USUAL_HEADERS` alone.

        Its subject, which each has for itself, is not looked at.

        Args:
            issuer: Who says it.
            content_type: Media type of what is said.
            key_id: Name of the key.

        Raises:
            IssuerNotAdmitted, IssuerKeyNotAdmitted, MediaTypeRefused, HeaderMissing, BadHeader: As
                above.
        """
        self._check_headers(USUAL_HEADERS)
        _check_texts(issuer, content_type)
        return self._named_key(issuer, content_type, key_id)

    def _check_headers(self, headers: Container[Label]) -> None:
        for label in self.required_headers:
            if label not in headers:
                raise HeaderMissing(f"this log requires the protected header {label}")

    def _named_key(self, name: str, content_type: str | int, key_id: bytes | None) -> PublicKey:
        """Return the key of a name that an issuer has, for content of a type."""
        issuer = self._by_name.get(name)
        if issuer is None:
            raise IssuerNotAdmitted(f"the issuer {name[:200]!r} may not register here")
        _check_type(content_type, issuer.media_types)
        key = None if key_id is None else issuer.keys.get(key_id)
        if key is None:
            shown = "none" if key_id is None else key_id[:32].hex()
            raise IssuerKeyNotAdmitted(f"the issuer has no key of the name {shown}")
        return key

    def _vouched_key(self, statement: Statement, now_ms: int) -> PublicKey:
        """Return the key that an authority vouches for; of several errors, the first one."""
        first: TrineError | None = None
        for one in self.authorities:
            try:
                key = issuing.key_by_chain(statement, one.roots, at_ms=now_ms)
                _check_type(statement.content_type, one.media_types)
            except TrineError as error:
                first = first or error
            else:
                return key
        assert first is not None, "there is an authority"
        raise first


def _check_texts(*texts: str) -> None:
    if any(NUL in one for one in texts):
        raise BadHeader("issuer, subject or content type has the character U+0000")


def _check_type(content_type: str | int, media_types: frozenset[str | int]) -> None:
    if media_types and content_type not in media_types:
        found = str(content_type)[:200]
        raise MediaTypeRefused(f"content of the type {found!r} is not taken from this issuer")


def read_policy(text: str) -> Policy:
    """Read a policy in TOML (docs/reference/scitt.md, section 10).

    Raises:
        BadConfiguration: It is no policy; the message says what is wrong with it.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfiguration(f"the policy is no TOML: {error}") from None
    unknown = document.keys() - FIELDS
    if unknown:
        raise BadConfiguration(f"the policy has the unknown field {min(unknown)!r}")
    read = tuple(_read_issuer(one) for one in _tables(document, "issuers", ISSUERS_MAX))
    found = _tables(document, "authorities", AUTHORITIES_MAX)
    authorities = tuple(_read_authority(number, one) for number, one in enumerate(found, 1))
    if not read and not authorities:
        raise BadConfiguration(
            f"the policy needs 1 to {ISSUERS_MAX} tables [[issuers]], or [[authorities]]"
        )
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
    return Policy(read, tuple(headers), entries_max, successor, authorities, text.encode())


def _tables(document: dict[str, Any], name: str, count_max: int) -> list[Any]:
    found = document.get(name, [])
    if not isinstance(found, list) or len(found) > count_max:
        raise BadConfiguration(f"{name} is no list of up to {count_max} tables [[{name}]]")
    return found


def _read_types(document: dict[str, Any], of: str) -> frozenset[str | int]:
    types = document.get("media_types", [])
    if not isinstance(types, list) or not all(_is_label(one) for one in types):
        raise BadConfiguration(f"media_types of {of} is a list of texts")
    return frozenset(types)


def _read_authority(number: int, document: Any) -> Authority:
    what = f"table {number} of [[authorities]]"
    if not isinstance(document, dict) or not isinstance(document.get("certificates"), str):
        raise BadConfiguration(f"{what} needs certificates, a text in PEM")
    unknown = document.keys() - {"certificates", "media_types"}
    if unknown:
        raise BadConfiguration(f"{what} has the unknown field {min(unknown)!r}")
    try:
        roots = read_certificates(document["certificates"].encode())
    except TrineError as error:
        raise BadConfiguration(f"the certificates of {what} cannot be used: {error}") from None
    for one in roots:
        if not one.is_authority:
            raise BadConfiguration(f"{what}: the certificate of {one.subject} is no authority's")
    return Authority(tuple(roots), _read_types(document, what))


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
    return Issuer(name, keys, _read_types(document, f"the issuer {name!r}"))


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
