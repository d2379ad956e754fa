"""Encrypt short secrets to keys of SM2 (GB/T 32918.4-2016).

>>> from trine.crypto import SecretKey, decrypt_sm2, encrypt_sm2
>>> key = SecretKey.generate("sm2")
>>> encrypted = encrypt_sm2(key.public_key, b"secret")
>>> decrypt_sm2(key, encrypted)
b'secret'
>>> decrypt_sm2(key, encrypted[:-1]) is None
True
"""

from trine._core import crypto as core
from trine.crypto.keys import SecretKey

SM2_PLAINTEXT_BYTES_MAX = 65_536
"""Bytes of the longest secret."""

SM2_CIPHERTEXT_OVERHEAD_BYTES = 97
"""Bytes by which a ciphertext is longer than the secret: a point of 65, a digest of 32."""


def encrypt_sm2(public_key: bytes, secret: bytes) -> bytes:
    """Encrypt a secret to a public key, with the interpreter lock released (section 6.1).

    Whoever has the public key can do that: the ciphertext does not say who did.

    Args:
        public_key: Public key of SM2, encoded as on a chain.
        secret: 1 to `SM2_PLAINTEXT_BYTES_MAX` bytes, such as the key of a cipher.

    Returns:
        C1 || C3 || C2, the point C1 with both coordinates; another one in each call.

    Raises:
        BadPublicKey: The key is no point of the curve.
        BadArgument: The secret is empty or too long.
    """
    return core.sm2_encrypt(public_key, secret)


def decrypt_sm2(key: SecretKey, ciphertext: bytes) -> bytes | None:
    """Decrypt; nothing where the bytes are not those that were encrypted to the key (section 7.1).

    Takes time that does not depend on the key. A key that decrypts should not sign too.

    Raises:
        BadArgument: The key is of another algorithm.
    """
    return core.sm2_decrypt(key.core, ciphertext)
