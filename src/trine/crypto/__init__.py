"""Hold keys: in memory, encrypted in files, and in hardware tokens.

>>> from trine.crypto import SecretKey
>>> key = SecretKey.generate()
>>> key.verify(b"example", b"message", key.sign(b"example", b"message"))
True
"""

from trine.crypto.keys import SUITE_ALGORITHMS, SecretKey
from trine.crypto.keystore import KeyFile, Keystore, SigningKey
from trine.crypto.token import TokenKey, TokenPlace

__all__ = [
    "SUITE_ALGORITHMS",
    "KeyFile",
    "Keystore",
    "SecretKey",
    "SigningKey",
    "TokenKey",
    "TokenPlace",
]
