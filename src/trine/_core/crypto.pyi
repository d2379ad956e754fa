"""Sign, verify, hash and encrypt what other programs signed or sealed, many at once."""

from collections.abc import Sequence

from _typeshed import ReadableBuffer

from trine._core.keys import SecretKey

__all__ = [
    "hash_many",
    "passkey_challenge",
    "read_public_key",
    "read_secret_key",
    "recover",
    "sign",
    "signature_from_der",
    "signature_to_der",
    "sm2_decrypt",
    "sm2_encrypt",
    "sm4_gcm_open",
    "sm4_gcm_seal",
    "verify",
    "verify_batch",
    "verify_passkey",
    "write_public_key",
    "write_secret_key",
]

def verify_batch(
    algorithm_name: str,
    keys: ReadableBuffer | Sequence[bytes],
    messages: ReadableBuffer | Sequence[bytes],
    signatures: ReadableBuffer | Sequence[bytes],
) -> bytes: ...
def hash_many(function: str, messages: Sequence[bytes]) -> bytes: ...
def sign(key: SecretKey, message: bytes, id: bytes | None = None) -> bytes: ...  # noqa: A002
def verify(
    algorithm_name: str,
    public_key: bytes,
    message: bytes,
    signature: bytes,
    id: bytes | None = None,  # noqa: A002
) -> bool: ...
def signature_from_der(algorithm_name: str, der: bytes) -> bytes: ...
def signature_to_der(algorithm_name: str, signature: bytes) -> bytes: ...
def read_secret_key(file: bytes, password: bytes | None = None) -> SecretKey: ...
def write_secret_key(key: SecretKey) -> bytes: ...
def read_public_key(file: bytes) -> tuple[str, bytes]: ...
def write_public_key(algorithm_name: str, public_key: bytes) -> bytes: ...
def recover(digest: bytes, signature: bytes) -> bytes | None: ...
def sm4_gcm_seal(key: bytes, nonce: bytes, associated: bytes, plaintext: bytes) -> bytes: ...
def sm4_gcm_open(key: bytes, nonce: bytes, associated: bytes, sealed: bytes) -> bytes | None: ...
def sm2_encrypt(public_key: bytes, secret: bytes) -> bytes: ...
def sm2_decrypt(key: SecretKey, ciphertext: bytes) -> bytes | None: ...
def passkey_challenge(namespace: bytes, message: bytes) -> bytes: ...
def verify_passkey(
    public_key: bytes,
    *,
    authenticator_data: bytes,
    client_data_json: bytes,
    signature: bytes,
    challenge: bytes,
    relying_party: str,
    origins: Sequence[str],
    user_verification: bool,
) -> tuple[bool, int]: ...
