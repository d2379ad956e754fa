"""Exchange cards: what an organisation tells the others before they have a network together.

A card holds public things only: what the network is to be, the key of the organisation's
administrator, and key and address of its validator. Both keys sign it, so nobody can put another's
key into a card of its own. Who a card is from it does not prove: that is what the fingerprint of
the network is compared for (`trine.client.founding.fingerprint`).
"""

import base64
import binascii
import json
import zlib
from dataclasses import dataclass
from typing import Any, Final

from trine.crypto import SUITE_ALGORITHMS, SecretKey, sign_message, verify_message
from trine.errors import BadCard, UnknownAlgorithm
from trine.model.names import is_peer_address
from trine.types.calls import PublicKey

FORMAT: Final = "trine-card-v1"
CODE_PREFIX: Final = "trine-card:"
"""Begins a card that is written as one line."""
CARD_BYTES_MAX: Final = 65_536
"""Longest card, as a file and decoded from a code."""
_SIGNERS: Final = ("administrator", "validator")


@dataclass(frozen=True)
class Terms:
    """What a network is to be; the same in the cards of all its members.

    Attributes:
        name: Name of the chain.
        suite: Its algorithms.
        time_ms: When it was planned, in milliseconds since 1970; the time of its genesis.
        blocks_per_epoch: Blocks after which validators may change.
        parameters: Name and value of parameters that differ from their defaults, by name.
    """

    name: str
    suite: str
    time_ms: int
    blocks_per_epoch: int
    parameters: tuple[tuple[str, int], ...] = ()

    def document(self) -> dict[str, Any]:
        """Write the terms for JSON."""
        document: dict[str, Any] = {
            "name": self.name,
            "suite": self.suite,
            "time_ms": self.time_ms,
            "blocks_per_epoch": self.blocks_per_epoch,
        }
        return document | ({"parameters": dict(self.parameters)} if self.parameters else {})


@dataclass(frozen=True)
class Card:
    """What an organisation tells the others.

    Attributes:
        terms: What the network is to be.
        organisation: Name of the organisation.
        administrator: Key of its first administrator.
        validator: Key with which its validator votes.
        address: Where other validators reach it, as `host:port`.
        signatures: Signatures of administrator and validator.
    """

    terms: Terms
    organisation: str
    administrator: PublicKey
    validator: bytes
    address: str
    signatures: tuple[bytes, bytes] = (b"", b"")

    def _unsigned(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "network": self.terms.document(),
            "organisation": self.organisation,
            "administrator": {
                "algorithm": self.administrator.algorithm,
                "key": self.administrator.key.hex(),
            },
            "validator": {"key": self.validator.hex(), "address": self.address},
        }

    def _message(self) -> bytes:
        document = self._unsigned()
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()

    def signed(self, administrator: SecretKey, validator: SecretKey) -> "Card":
        """Sign the card with both keys, which must be those that it names."""
        message = self._message()
        signatures = sign_message(administrator, message), sign_message(validator, message)
        return Card(
            self.terms,
            self.organisation,
            self.administrator,
            self.validator,
            self.address,
            signatures,
        )

    def document(self) -> dict[str, Any]:
        """Write the card for JSON."""
        signatures = dict(zip(_SIGNERS, (one.hex() for one in self.signatures), strict=True))
        return {**self._unsigned(), "signatures": signatures}

    def code(self) -> str:
        """Write the card as one line, for a message or a chat."""
        text = json.dumps(self.document(), separators=(",", ":")).encode()
        return CODE_PREFIX + base64.urlsafe_b64encode(zlib.compress(text, 9)).decode().rstrip("=")

    def check(self) -> None:
        """Check what needs no other card.

        Raises:
            BadCard: A field has a value that no network takes, or a signature is another's.
        """
        if self.terms.suite not in SUITE_ALGORITHMS:
            expected = " or ".join(SUITE_ALGORITHMS)
            raise BadCard(f"network.suite is {self.terms.suite!r:.40}, expected {expected}")
        if not is_peer_address(self.address):
            raise BadCard(f"validator.address is {self.address!r:.80}, expected HOST:PORT")
        algorithms = self.administrator.algorithm, SUITE_ALGORITHMS[self.terms.suite]
        keys = self.administrator.key, self.validator
        for signer, algorithm, key, signature in zip(
            _SIGNERS, algorithms, keys, self.signatures, strict=True
        ):
            try:
                is_valid = verify_message(algorithm, key, self._message(), signature)
            except UnknownAlgorithm as error:
                raise BadCard(f"{signer}: {error}") from None
            if not is_valid:
                message = f"the signature of {signer} does not belong to the card of"
                raise BadCard(f"{message} {self.organisation!r:.80}: it was altered")


def _object(value: Any, place: str, fields: tuple[str, ...]) -> dict[str, Any]:
    """Take an object with exactly these fields."""
    if not isinstance(value, dict):
        raise BadCard(f"{place} is {type(value).__name__}, expected an object")
    for name in (*sorted(set(fields) - set(value)), *sorted(set(value) - set(fields))):
        raise BadCard(f"{place}: {'missing' if name in fields else 'unknown'} field {name!r:.40}")
    return value


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise BadCard(f"{place} is {type(value).__name__}, expected text")
    return value


def _whole(value: Any, place: str) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise BadCard(f"{place} is {value!r:.40}, expected a whole number")
    return value


def _bytes(value: Any, place: str) -> bytes:
    text = _text(value, place)
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise BadCard(f"{place} is {text!r:.40}, expected hexadecimal digits") from None


def _terms(value: Any) -> Terms:
    """Read what the network is to be; a card without parameters leaves them out."""
    fields = ("name", "suite", "time_ms", "blocks_per_epoch")
    has_parameters = isinstance(value, dict) and "parameters" in value
    network = _object(value, "network", (*fields, "parameters") if has_parameters else fields)
    parameters = network.get("parameters", {})
    if not isinstance(parameters, dict):
        raise BadCard(f"network.parameters is {type(parameters).__name__}, expected an object")
    return Terms(
        _text(network["name"], "network.name"),
        _text(network["suite"], "network.suite"),
        _whole(network["time_ms"], "network.time_ms"),
        _whole(network["blocks_per_epoch"], "network.blocks_per_epoch"),
        tuple(
            (name, _whole(parameters[name], f"network.parameters.{name[:40]}"))
            for name in sorted(parameters)
        ),
    )


def _decode(content: bytes) -> bytes:
    """Give the JSON text of a card or of its code."""
    text = content.strip()
    if not text.startswith(CODE_PREFIX.encode()):
        return text
    try:
        code = b"".join(text.removeprefix(CODE_PREFIX.encode()).split())
        packed = base64.b64decode(code + b"=" * (-len(code) % 4), altchars=b"-_", validate=True)
        inflater = zlib.decompressobj()
        found = inflater.decompress(packed, CARD_BYTES_MAX)
    except (binascii.Error, zlib.error):
        raise BadCard("the code is damaged: copy it whole, or take the file") from None
    if not inflater.eof or inflater.unused_data:
        raise BadCard("the code is damaged: copy it whole, or take the file")
    return found


def read_card(content: bytes) -> Card:
    """Read a card from its file or its code, and check it.

    Raises:
        BadCard: It is not a card, has a wrong field, or was altered.
    """
    if len(content) > CARD_BYTES_MAX:
        raise BadCard(f"the card has {len(content)} bytes, expected at most {CARD_BYTES_MAX}")
    try:
        document = json.loads(_decode(content))
    except (ValueError, RecursionError):
        raise BadCard("the card is neither JSON nor a code") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format") if isinstance(document, dict) else document
        raise BadCard(f"format is {found!r:.40}, expected {FORMAT!r}")
    fields = ("format", "network", "organisation", "administrator", "validator", "signatures")
    document = _object(document, "the card", fields)
    administrator = _object(document["administrator"], "administrator", ("algorithm", "key"))
    validator = _object(document["validator"], "validator", ("key", "address"))
    signatures = _object(document["signatures"], "signatures", _SIGNERS)
    card = Card(
        _terms(document["network"]),
        _text(document["organisation"], "organisation"),
        PublicKey(
            _text(administrator["algorithm"], "administrator.algorithm"),
            _bytes(administrator["key"], "administrator.key"),
        ),
        _bytes(validator["key"], "validator.key"),
        _text(validator["address"], "validator.address"),
        (
            _bytes(signatures["administrator"], "signatures.administrator"),
            _bytes(signatures["validator"], "signatures.validator"),
        ),
    )
    card.check()
    return card
