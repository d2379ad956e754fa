"""Define the exceptions of keys in hardware tokens, and of validators that vote with them."""

from trine.errors.base import BadInput, LocalRefusal


class BadTokenConfiguration(BadInput):
    """What names a token or a key in it is out of range."""


class TokenModule(BadInput):
    """The PKCS #11 module cannot be loaded."""


class PinUnreadable(BadInput):
    """The PIN's file or variable cannot be read, or others can read it."""


class DamagedVotes(BadInput):
    """The log of a validator's votes is damaged."""


class VotesOfOtherKey(BadInput):
    """The log of votes belongs to another key."""


class AlgorithmNotForValidators(BadInput):
    """Validators of this chain may not use the key's algorithm."""


class TokenMissing(LocalRefusal):
    """No slot holds the token."""


class TokenAmbiguous(LocalRefusal):
    """Several tokens have that name."""


class WrongPin(LocalRefusal):
    """The token refused the PIN; it is not tried again."""


class PinLocked(LocalRefusal):
    """The token accepts no PIN any more, or would lock itself at the next wrong one."""


class KeyMissing(LocalRefusal):
    """The token holds no key with this name."""


class KeyAmbiguous(LocalRefusal):
    """Several keys in the token have that name."""


class TokenKeyExists(LocalRefusal):
    """The token holds a key with this name already."""


class KeyUnusable(LocalRefusal):
    """The key in the token is of no algorithm of the chain, or is another than before."""


class MechanismMissing(LocalRefusal):
    """The token does not offer what the algorithm needs."""


class TokenLost(LocalRefusal):
    """The token was pulled, or does not answer."""


class TokenSignature(LocalRefusal):
    """The token gave a signature that does not verify."""


class TokenRefused(LocalRefusal):
    """The token refused an operation for a reason of its own."""


class VotesNotWritten(LocalRefusal):
    """The log of a validator's votes cannot be written."""
