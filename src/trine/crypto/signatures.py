"""Verify many signatures at once, and exchange single ones with other programs.

Nothing here has a namespace: the bytes are those that are signed. (What goes on a chain is signed
with `SecretKey.sign`, which puts a namespace before the message.)

>>> from trine.crypto import SecretKey, sign_message, verify_batch
>>> key = SecretKey.generate("sm2")
>>> messages = [b"one", b"two", b"three"]
>>> signatures = [sign_message(key, message) for message in messages]
>>> list(verify_batch("sm2", [key.public_key] * 3, messages, signatures))
[1, 1, 1]
>>> list(verify_batch("sm2", [key.public_key] * 3, messages, signatures[::-1]))
[0, 1, 0]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from trine._core import crypto as core
from trine.crypto.keys import SecretKey
from trine.errors import BadArgument

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

CHAIN_NAMESPACE = b"trine/"
"""What every namespace of a chain begins with; its length stands before it."""

SM2_DEFAULT_ID = b"1234567812345678"
"""Identifier of an SM2 signer who agreed on no other (GB/T 35276-2017, section 10)."""


def verify_batch(
    algorithm: str,
    keys: ReadableBuffer | Sequence[bytes],
    messages: ReadableBuffer | Sequence[bytes],
    signatures: ReadableBuffer | Sequence[bytes],
) -> bytes:
    """Verify many signatures of one algorithm, with the interpreter lock released.

    Each of the three is a list of byte strings, or one buffer (bytes, memoryview, NumPy array) in
    which byte strings of one length lie one after the other; a buffer is copied first.

    Args:
        algorithm: Name of the algorithm, such as `sm2`.
        keys: Public keys, encoded as on a chain.
        messages: Signed bytes.
        signatures: Signatures; SM2 and P-256 with the hint, which makes them fast, or without.

    Returns:
        One byte a signature: 1 where it is valid, else 0. A batch that is all right costs a
        fraction of single verifications; one with wrong signatures costs what single ones do.

    Raises:
        UnknownAlgorithm: This release does not know the algorithm.
        BadArgument: There are not as many of one as of the other, or more than 1,048,576.
    """
    return core.verify_batch(algorithm, keys, messages, signatures)


def sign_message(key: SecretKey, message: bytes, *, identifier: bytes | None = None) -> bytes:
    """Sign exactly `message`, for programs other than Trine.

    Args:
        key: Key that signs.
        message: Bytes to sign.
        identifier: Identifier of an SM2 signer, by default `SM2_DEFAULT_ID`.

    Raises:
        BadArgument: The bytes are what a chain would take for a transaction or a vote. Or there is
            an identifier, and the key is not of SM2 or it is too long.
    """
    if message[1 : 1 + len(CHAIN_NAMESPACE)] == CHAIN_NAMESPACE:
        raise BadArgument("the bytes begin as what is signed on a chain: they are not signed here")
    return core.sign(key.core, message, identifier)


def verify_message(
    algorithm: str,
    public_key: bytes,
    message: bytes,
    signature: bytes,
    *,
    identifier: bytes | None = None,
) -> bool:
    """Say whether a signature over exactly `message` is valid.

    Args:
        algorithm: Name of the algorithm.
        public_key: Public key, encoded as on a chain.
        message: Signed bytes.
        signature: Signature, encoded as on a chain; see `signature_from_der`.
        identifier: Identifier of an SM2 signer, by default `SM2_DEFAULT_ID`.

    Raises:
        UnknownAlgorithm: This release does not know the algorithm.
        BadArgument: There is an identifier, and the algorithm is not SM2.
    """
    return core.verify(algorithm, public_key, message, signature, identifier)


def signature_from_der(algorithm: str, der: bytes) -> bytes:
    """Read a signature as OpenSSL and others write it (RFC 3279, section 2.2.3; GM/T 0009).

    Raises:
        BadArgument: The bytes are not strict DER, or the algorithm has no such form.
    """
    return core.signature_from_der(algorithm, der)


def signature_to_der(algorithm: str, signature: bytes) -> bytes:
    """Write a signature as OpenSSL and others read it.

    Raises:
        BadArgument: The signature has another length, or the algorithm has no such form.
    """
    return core.signature_to_der(algorithm, signature)


def recover_public_key(digest: bytes, signature: bytes) -> bytes | None:
    """Return the key of secp256k1 that signed a 32-byte digest, by the rules of Ethereum.

    Args:
        digest: Digest that was signed, such as a Keccak-256 hash.
        signature: `r || s || recovery id`, `s` low (EIP-2).

    Returns:
        The compressed key; nothing where no key made the signature.
    """
    return core.recover(digest, signature)


class Passkey(NamedTuple):
    """What a passkey's assertion says.

    Attributes:
        user_verified: Whether the authenticator verified the user (PIN, fingerprint).
        sign_count: Its counter of signatures; 0 where it has none.
    """

    user_verified: bool
    sign_count: int


def verify_passkey(
    public_key: bytes,
    *,
    authenticator_data: bytes,
    client_data_json: bytes,
    signature: bytes,
    challenge: bytes,
    relying_party: str,
    origins: Sequence[str],
    user_verification: bool = True,
) -> Passkey:
    """Check an assertion of WebAuthn under a P-256 key (Web Authentication 2, section 7.2).

    Args:
        public_key: Key of P-256, encoded as on a chain.
        authenticator_data: As the browser gave it.
        client_data_json: As the browser gave it.
        signature: As the browser gave it, in DER.
        challenge: Bytes that were to be signed.
        relying_party: Domain for which the passkey was made.
        origins: Pages that may ask for it, such as `https://city.example`.
        user_verification: Whether the user must have been verified.

    Raises:
        BadSignature: A step fails; the message names it.
    """
    raw = signature_from_der("p256", signature)
    found = core.verify_passkey(
        public_key,
        authenticator_data=authenticator_data,
        client_data_json=client_data_json,
        signature=raw,
        challenge=challenge,
        relying_party=relying_party,
        origins=list(origins),
        user_verification=user_verification,
    )
    return Passkey(*found)
