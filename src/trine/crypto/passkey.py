"""Sign transactions with passkeys: keys of a browser, phone or security key (Web Authentication 2).

The page that asks the person gets a challenge from `PasskeyKey` and gives back what
`navigator.credentials.get` returned. User verification must be asked for.

>>> import json
>>> from trine.crypto import Assertion, PasskeyKey
>>> def ask(challenge):
...     return Assertion.from_json(json.loads(input(f"challenge {challenge.hex()}: ")))
>>> key = PasskeyKey(bytes.fromhex("02" + "6b17d1f2e12c4247f8bce6e563a440f2"
...     "77037d812deb33a0f4a13945d898c296"), ask)
>>> key.algorithm
'p256'
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from trine._core import crypto as core
from trine._core import keys
from trine.crypto.keys import public_key_from_pem
from trine.errors import BadArgument, BadSignature

AUTHENTICATOR_DATA_BYTES_MAX = 1_024
"""Longest authenticator data that a chain takes."""


@dataclass(frozen=True)
class Assertion:
    """What `navigator.credentials.get` returned.

    Attributes:
        authenticator_data: `response.authenticatorData`.
        client_data_json: `response.clientDataJSON`.
        signature: `response.signature`, DER.
    """

    authenticator_data: bytes
    client_data_json: bytes
    signature: bytes

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `credential.toJSON()` gives: the members of `response` in base64url.

        Raises:
            BadArgument: A member is missing or no base64url.
        """
        return cls(*(_member(document, name) for name in _MEMBERS))

    def encode(self) -> bytes:
        """Encode the assertion in the place of a signature of P-256.

        Raises:
            BadSignature: The signature is no DER of P-256.
            BadArgument: The authenticator data are too long.
        """
        length = len(self.authenticator_data)
        if length > AUTHENTICATOR_DATA_BYTES_MAX:
            limit = f"at most {AUTHENTICATOR_DATA_BYTES_MAX}"
            raise BadArgument(f"authenticator data: {length} bytes, {limit}")
        signature = core.signature_from_der("p256", self.signature)
        return signature + length.to_bytes(2) + self.authenticator_data + self.client_data_json


_MEMBERS = ("authenticatorData", "clientDataJSON", "signature")


def _member(document: Mapping[str, Any], name: str) -> bytes:
    response = document.get("response")
    text = response.get(name) if isinstance(response, Mapping) else None
    if not isinstance(text, str):
        raise BadArgument(f"response.{name} is {text!r}, expected base64url")
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise BadArgument(f"response.{name} is {text!r}, expected base64url") from None


class PasskeyKey:
    """A passkey; signs as a `SecretKey` does, by asking its owner each time."""

    def __init__(self, public_key: bytes, ask: Callable[[bytes], Assertion]) -> None:
        """Take a key and the way to its owner.

        Args:
            public_key: Key of P-256, encoded as on a chain (33 bytes).
            ask: Gets the challenge (32 bytes), asks the owner for an assertion of it with user
                verification, and gives it back.
        """
        self.public_key = public_key
        self._ask = ask

    @classmethod
    def from_registration(cls, spki: bytes, ask: Callable[[bytes], Assertion]) -> Self:
        """Take what `response.getPublicKey()` gave when the passkey was made.

        Raises:
            BadKeyFile, UnsupportedKey: It is no key of P-256; ask for the algorithm -7 alone.
        """
        algorithm, public_key = public_key_from_pem(spki)
        if algorithm != cls.algorithm:
            raise BadArgument(f"the passkey has a key of {algorithm}, expected {cls.algorithm}")
        return cls(public_key, ask)

    algorithm = "p256"
    """Name of the algorithm."""

    @property
    def core(self) -> Self:
        """What the core asks to sign."""
        return self

    def address(self, suite: str = "intl") -> bytes:
        """Return the address of the account whose first key this is."""
        return keys.address_of_key(suite, self.algorithm, self.public_key)

    def sign(self, namespace: bytes, message: bytes) -> bytes:
        """Ask the owner for an assertion of `length(namespace) || namespace || message`.

        Raises:
            BadSignature: A chain would refuse the assertion: another key or challenge, a user who
                was not verified, a page in a frame of another origin.
        """
        assertion = self._ask(core.passkey_challenge(namespace, message))
        signature = assertion.encode()
        if not self.verify(namespace, message, signature):
            raise BadSignature("the assertion is not one of this passkey, by a verified user")
        return signature

    def verify(self, namespace: bytes, message: bytes, signature: bytes) -> bool:
        """Say whether a signature, or an assertion in its place, is this key's."""
        return keys.verify(self.algorithm, self.public_key, namespace, message, signature)
