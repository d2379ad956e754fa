"""Hold keys: in memory, and encrypted in files.

>>> from trine.crypto import SecretKey
>>> key = SecretKey.generate()
>>> key.verify(b"example", b"message", key.sign(b"example", b"message"))
True
"""

from trine.crypto.keys import SUITE_ALGORITHMS, SecretKey
from trine.crypto.keystore import KeyFile, Keystore

__all__ = ["SUITE_ALGORITHMS", "KeyFile", "Keystore", "SecretKey"]
