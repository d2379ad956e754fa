"""Define the exceptions of key files that other programs wrote."""

from trine.errors.base import BadInput


class BadKeyFile(BadInput):
    """The file is neither PEM nor DER of a known structure, or longer than 64 KiB."""


class UnsupportedKey(BadInput):
    """The key is of an algorithm, a curve or a form that is not supported."""


class PasswordNeeded(BadInput):
    """The key file is encrypted, and no password was given."""


class WrongPassword(BadInput):
    """The password does not open the key file, or the file is damaged."""


class KeyFileTooCostly(BadInput):
    """The key file asks for more work than the limits allow before its password can be tried."""


class WrongPublicKey(BadInput):
    """The public key in the file is not that of its secret key."""


class BadPublicKey(BadInput):
    """The bytes are no public key of the algorithm."""
