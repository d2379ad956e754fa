"""Sign with keys that live in hardware tokens (PKCS #11) and never leave them.

>>> from trine.crypto import TokenPlace
>>> place = TokenPlace("/usr/lib/softhsm/libsofthsm2.so", label="desk", pin_file="desk.pin")
>>> place.describe()
"token 'desk' of /usr/lib/softhsm/libsofthsm2.so"
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from trine._core import keys as core
from trine._core import token as tokens
from trine.errors import BadArgument, KeyUnusable

_TEXTS = ("module", "label", "serial", "pin_file", "pin_variable")
_SM2 = ("key_type", "generate", "sign")


@dataclass(frozen=True)
class TokenPlace:
    """Which token is meant, and where its PIN is; the PIN itself is never kept.

    Attributes:
        module: Path of the vendor's PKCS #11 library.
        label: Label of the token; it has either this or
        serial: Serial number of the token.
        pin_file: File of mode 600 whose first line is the PIN; there is either this or
        pin_variable: Name of the environment variable that holds the PIN.
        sm2: The vendor's numbers for SM2: key type, mechanism that generates, mechanism that signs
            a digest of 32 bytes.
    """

    module: str
    label: str | None = None
    serial: str | None = None
    pin_file: str | None = None
    pin_variable: str | None = None
    sm2: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        """Check that token and PIN are named once.

        Raises:
            BadArgument: One of them is missing or given twice.
        """
        if (self.label is None) == (self.serial is None):
            raise BadArgument("a token is named by its label or its serial number, one of them")
        if (self.pin_file is None) == (self.pin_variable is None):
            raise BadArgument("a PIN is in a file or in an environment variable, one of them")

    def describe(self) -> str:
        """Name the token for people."""
        name = repr(self.label) if self.label is not None else f"number {self.serial!r}"
        return f"token {name} of {self.module}"

    def open(self) -> tokens.Token:
        """Open the token and log in. A wrong PIN is tried once and never again.

        Raises:
            TokenModule, TokenMissing, TokenAmbiguous, PinUnreadable, WrongPin, PinLocked,
            TokenRefused: The token does not open.
        """
        return tokens.Token(
            self.module,
            label=self.label,
            serial=self.serial,
            pin_file=self.pin_file,
            pin_variable=self.pin_variable,
            sm2=self.sm2,
        )

    def document(self) -> dict[str, Any]:
        """Write the place as JSON holds it."""
        found: dict[str, Any] = {name: getattr(self, name) for name in _TEXTS}
        if self.sm2 is not None:
            found["sm2"] = dict(zip(_SM2, self.sm2, strict=True))
        return {name: value for name, value in found.items() if value is not None}

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read what `document` wrote.

        Raises:
            ValueError: A field is missing, unknown or of another kind.
        """
        fields = dict(document)
        sm2 = fields.pop("sm2", None)
        if not set(fields) <= set(_TEXTS) or not isinstance(fields.get("module"), str):
            raise ValueError(f"pkcs11 has {sorted(fields)}, expected {', '.join(_TEXTS)}")
        if not all(isinstance(value, str) for value in fields.values()):
            raise ValueError("pkcs11, expected texts")
        codes = None
        if sm2 is not None:
            codes = (int(sm2["key_type"]), int(sm2["generate"]), int(sm2["sign"]))
        try:
            return cls(**fields, sm2=codes)
        except BadArgument as error:
            raise ValueError(str(error)) from None


class TokenKey:
    """A key in a token; signs as a `SecretKey` does, and has no secret to show."""

    def __init__(self, place: TokenPlace, key: tokens.TokenKey) -> None:
        """Take a key of an open token; `find` and `generate` do so."""
        self.place = place
        self.core = key
        self.public_key: bytes = key.public_key()

    @classmethod
    def find(cls, place: TokenPlace, label: str, key_id: bytes | None = None) -> Self:
        """Open the token and find a key.

        Raises:
            KeyMissing, KeyAmbiguous, KeyUnusable: There is no such key, or several, or one of no
                algorithm of the chain; others as `TokenPlace.open`.
        """
        return cls(place, place.open().key(label, key_id))

    @classmethod
    def generate(
        cls, place: TokenPlace, algorithm: str, label: str, key_id: bytes | None = None
    ) -> Self:
        """Open the token and make a key in it that cannot leave it.

        Raises:
            TokenKeyExists, MechanismMissing: The label is taken, or the token has no such keys;
                others as `TokenPlace.open`.
        """
        return cls(place, place.open().generate(algorithm, label, key_id))

    @property
    def algorithm(self) -> str:
        """Name of the algorithm."""
        return self.core.algorithm

    def address(self, suite: str = "intl") -> bytes:
        """Return the address of the account whose first key this is."""
        return core.address_of_key(suite, self.algorithm, self.public_key)

    def sign(self, namespace: bytes, message: bytes) -> bytes:
        """Sign `length(namespace) || namespace || message` inside the token.

        Unlike a key in memory it may sign the same input differently each time.

        Raises:
            TokenLost, TokenSignature, TokenRefused: The token gave no signature that verifies.
        """
        return self.core.sign(namespace, message)

    def verify(self, namespace: bytes, message: bytes, signature: bytes) -> bool:
        """Say whether a signature is this key's."""
        return core.verify(self.algorithm, self.public_key, namespace, message, signature)

    def health(self) -> int:
        """Sign and verify a random challenge; return the time it took, in microseconds.

        Raises:
            TokenLost, TokenSignature, TokenRefused: As `sign`.
        """
        return self.core.health()

    def require(self, public_key: bytes) -> None:
        """Check that this is the key that was enrolled.

        Raises:
            KeyUnusable: The token holds another key of that name now.
        """
        if self.public_key != public_key:
            message = f"the key {self.core.label!r} in the {self.place.describe()} is another now: "
            raise KeyUnusable(message + f"{self.public_key.hex()}, expected {public_key.hex()}")

    def __repr__(self) -> str:
        return f"TokenKey({self.algorithm}, public_key={self.public_key.hex()})"


def absolute(place: TokenPlace) -> TokenPlace:
    """Complete the path of the PIN's file, which must not depend on where a command runs."""
    if place.pin_file is None:
        return place
    path = str(Path(place.pin_file).expanduser().absolute())
    return TokenPlace(place.module, place.label, place.serial, path, None, place.sm2)
