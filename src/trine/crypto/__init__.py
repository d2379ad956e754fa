"""Hold keys, sign, verify, hash and encrypt, with every algorithm of the chains, alone or in bulk.

>>> from trine.crypto import SecretKey
>>> key = SecretKey.generate()
>>> key.verify(b"example", b"message", key.sign(b"example", b"message"))
True
"""

from trine.crypto.hashes import hash_many, open_sm4_gcm, seal_sm4_gcm
from trine.crypto.keys import (
    SUITE_ALGORITHMS,
    SecretKey,
    public_key_from_pem,
    public_key_to_pem,
)
from trine.crypto.keystore import KeyFile, Keystore, SigningKey
from trine.crypto.passkey import Assertion, PasskeyKey
from trine.crypto.signatures import (
    SM2_DEFAULT_ID,
    Passkey,
    recover_public_key,
    sign_message,
    signature_from_der,
    signature_to_der,
    verify_batch,
    verify_message,
    verify_passkey,
)
from trine.crypto.sm2 import decrypt_sm2, encrypt_sm2
from trine.crypto.token import TokenKey, TokenPlace

__all__ = [
    "SM2_DEFAULT_ID",
    "SUITE_ALGORITHMS",
    "Assertion",
    "KeyFile",
    "Keystore",
    "Passkey",
    "PasskeyKey",
    "SecretKey",
    "SigningKey",
    "TokenKey",
    "TokenPlace",
    "decrypt_sm2",
    "encrypt_sm2",
    "hash_many",
    "open_sm4_gcm",
    "public_key_from_pem",
    "public_key_to_pem",
    "recover_public_key",
    "seal_sm4_gcm",
    "sign_message",
    "signature_from_der",
    "signature_to_der",
    "verify_batch",
    "verify_message",
    "verify_passkey",
]
