"""Write public keys as COSE keys, for whoever verifies receipts (RFC 9052, section 7)."""

from typing import Final

import cbor2

from trine.errors.services import BadHeader, SignatureAlgorithm
from trine.services.evidence import cose
from trine.types.calls import PublicKey

KEY_TYPE, KEY_ID, ALGORITHM = 1, 2, 3
"""Labels that every key has (RFC 9052, section 7.1)."""
CURVE, X, Y = -1, -2, -3
"""Labels of a key on a curve (RFC 9053, section 7.1)."""
OKP, EC2 = 1, 2
"""Types of keys: one coordinate, or two (RFC 9053, section 7)."""
COORDINATE_BYTES: Final = 32
CURVES: Final = {"ed25519": (OKP, 6), "p256": (EC2, 1), "sm2": (EC2, -65_600)}
"""Type and curve by algorithm. COSE has no number for the curve of SM2: this one is of the range
for private use."""


def cose_key(key: PublicKey, key_id: bytes | None = None) -> dict[int, object]:
    """Return a public key as the map of a COSE key.

    Args:
        key: The key.
        key_id: Its name; by default the key itself, as in statements and receipts.

    Raises:
        SignatureAlgorithm: It is of an algorithm that signs no receipts.
    """
    if key.algorithm not in CURVES:
        raise SignatureAlgorithm(f"a key of {key.algorithm} signs no receipts")
    kind, curve = CURVES[key.algorithm]
    found: dict[int, object] = {
        KEY_TYPE: kind,
        KEY_ID: key.key if key_id is None else key_id,
        ALGORITHM: cose.ALGORITHM_OF_KEY[key.algorithm],
        CURVE: curve,
    }
    if kind == OKP:
        return found | {X: key.key}
    # x behind the parity of y (SEC 1, section 2.3.3).
    return found | {X: key.key[1:], Y: key.key[0] == 3}


def read_cose_key(document: object) -> PublicKey:
    """Read a COSE key of those that `cose_key` writes, of any service.

    Raises:
        BadHeader: It is none.
    """
    if not isinstance(document, dict):
        raise BadHeader("a COSE key is a map")
    about = (document.get(KEY_TYPE), document.get(CURVE))
    algorithm = next((name for name, known in CURVES.items() if known == about), None)
    if algorithm is None:
        raise BadHeader(f"a COSE key of the type and curve {about}, expected one of {CURVES}")
    x, y = document.get(X), document.get(Y)
    if not isinstance(x, bytes) or len(x) != COORDINATE_BYTES:
        raise BadHeader("the x of a COSE key is no string of 32 bytes")
    if about[0] == OKP:
        return PublicKey(algorithm, x)
    if isinstance(y, bytes) and len(y) == COORDINATE_BYTES:
        return PublicKey(algorithm, bytes([2 + (y[-1] & 1)]) + x)
    if isinstance(y, bool):
        return PublicKey(algorithm, bytes([2 + y]) + x)
    raise BadHeader("the y of a COSE key is neither a string of 32 bytes nor a parity")


def encode_key(key: PublicKey) -> bytes:
    """Return a public key as a COSE key, encoded in the one deterministic form.

    Raises:
        SignatureAlgorithm: It is of an algorithm that signs no receipts.
    """
    return cbor2.dumps(cose_key(key), canonical=True)


def cose_key_set(keys: list[PublicKey]) -> bytes:
    """Return a COSE key set, encoded (RFC 9052, section 7)."""
    return cbor2.dumps([cose_key(key) for key in keys], canonical=True)
