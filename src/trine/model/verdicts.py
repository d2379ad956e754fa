"""Name and number every verdict about a transaction, one exception class a rule.

Numbers enter the outcome root: append only, never renumber. A verdict below 100 says that the
transaction may stand in no block; from 100 on, that it stood in a block and failed.

Example:
    >>> from trine.model.verdicts import NoRight, verdict
    >>> NoRight.number, NoRight.code
    (105, 'no_right')
    >>> verdict(105) is NoRight
    True
"""

import re
from typing import ClassVar, Final

OK_NUMBER: Final = 0
"""Number of success: every call was executed."""

OK_CODE: Final = "ok"
"""Code of success."""

_VERDICTS: Final[dict[int, type["Verdict"]]] = {}


class Verdict(Exception):
    """A rule that a transaction broke."""

    number: ClassVar[int]
    """Number on the wire, 16 bits."""

    code: ClassVar[str]
    """Name in every interface: the class's name in lower case, words joined by `_`."""

    def __init_subclass__(cls, *, number: int | None = None) -> None:
        """Register a rule; a class without a number only groups rules."""
        super().__init_subclass__()
        if number is None:
            return
        if number in _VERDICTS:
            raise TypeError(f"verdict {number} is taken by {_VERDICTS[number].__name__}")
        cls.number = number
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        _VERDICTS[number] = cls


def verdict(number: int) -> type[Verdict]:
    """Find the rule with this number.

    Raises:
        KeyError: No rule has it.
    """
    return _VERDICTS[number]


def numbers() -> dict[int, str]:
    """List every number with its code, success included, in the order of the numbers."""
    codes = {number: rule.code for number, rule in sorted(_VERDICTS.items())}
    return {OK_NUMBER: OK_CODE} | codes


class InvalidTransaction(Verdict):
    """A block that holds the transaction is invalid."""


class FailedTransaction(Verdict):
    """The transaction stands in a block, used its nonce, and changed nothing else but quotas."""


class Undecodable(InvalidTransaction):
    """The bytes are not the encoding of a value; also raised for values other than transactions."""


class Malformed(Undecodable, number=1):
    """The bytes end early or hold an impossible value."""


class NonCanonical(Undecodable, number=2):
    """The bytes are not the one encoding of their value."""


class TooLarge(Undecodable, number=3):
    """A length or count is over its limit."""


class UnknownVersion(Undecodable, number=4):
    """The version of the transaction, or header, is not known."""


class WrongChain(InvalidTransaction, number=5):
    """The transaction is for another chain."""


class UnknownSender(InvalidTransaction, number=6):
    """The sender has no account in the parent state."""


class UnknownKey(InvalidTransaction, number=7):
    """The account never had a key with this index."""


class RevokedKey(InvalidTransaction, number=8):
    """The key with this index was revoked."""


class AlgorithmNotAdmitted(InvalidTransaction, number=9):
    """The chain does not admit the algorithm, or the key has another one."""


class NonceUsed(InvalidTransaction, number=10):
    """The nonce was used."""


class NonceVoided(InvalidTransaction, number=11):
    """The nonce lies below the window: used long ago, or voided when the window slid."""


class NonceTooFar(InvalidTransaction, number=12):
    """The nonce lies too far beyond the window."""


class Expired(InvalidTransaction, number=13):
    """The time until which the transaction is valid lies before the block's time."""


class BadSignature(InvalidTransaction, number=14):
    """The signature does not verify."""


class UnknownModule(FailedTransaction, number=100):
    """No module has this number."""


class UnknownMethod(FailedTransaction, number=101):
    """The module has no method with this number."""


class BadArguments(FailedTransaction, number=102):
    """The arguments are not the canonical encoding of the method's arguments."""


class AccountFrozen(FailedTransaction, number=103):
    """The sender is frozen."""


class KeyNotPermitted(FailedTransaction, number=104):
    """The key may not call this module."""


class NoRight(FailedTransaction, number=105):
    """The sender lacks the role."""


class OtherOrganisation(FailedTransaction, number=106):
    """The object belongs to another organisation."""


class AccountQuota(FailedTransaction, number=107):
    """The account has used up its quota of this window."""


class OrganisationQuota(FailedTransaction, number=108):
    """The organisation has used up its quota of this window."""


class OrganisationRemoved(FailedTransaction, number=109):
    """The organisation was removed from the chain."""


class AccountExists(FailedTransaction, number=110):
    """The address has an account already."""


class UnknownAccount(FailedTransaction, number=111):
    """The address has no account."""


class KeyLimit(FailedTransaction, number=112):
    """The account has as many keys as it may."""


class NoSuchKey(FailedTransaction, number=113):
    """The account has no live key with this index."""


class BadKey(FailedTransaction, number=114):
    """The public key is not well-formed or its algorithm is not admitted."""


class FirstKey(FailedTransaction, number=115):
    """The first key can be rotated, never revoked."""


class NoChange(FailedTransaction, number=116):
    """The account is in this state already (frozen, or not frozen)."""


class ExpiryPassed(FailedTransaction, number=117):
    """The certificate's time lies before the block's time."""


class OrganisationExists(FailedTransaction, number=120):
    """Another organisation has this name."""


class UnknownOrganisation(FailedTransaction, number=121):
    """No organisation has this number."""


class OrganisationLimit(FailedTransaction, number=122):
    """The chain has as many organisations as it may."""


class BadName(FailedTransaction, number=123):
    """The name is not allowed."""


class LastAdministrator(FailedTransaction, number=124):
    """The organisation's last administrator keeps the role."""


class AuthorityExists(FailedTransaction, number=125):
    """The organisation registered this authority already."""


class AuthorityLimit(FailedTransaction, number=126):
    """The organisation has as many authorities as it may."""


class UnknownAuthority(FailedTransaction, number=127):
    """The organisation registered no authority with this fingerprint."""


class AuthorityExpired(FailedTransaction, number=128):
    """The authority's time lies before the block's time."""


class LastOrganisation(FailedTransaction, number=129):
    """A chain keeps its last organisation."""


class UnknownProposal(FailedTransaction, number=130):
    """No proposal has this number."""


class ProposalClosed(FailedTransaction, number=131):
    """The proposal was executed or rejected."""


class ProposalExpired(FailedTransaction, number=132):
    """The proposal's time is over."""


class AlreadyVoted(FailedTransaction, number=133):
    """The organisation voted already."""


class ActionMismatch(FailedTransaction, number=134):
    """The action is not the one that the proposal holds."""


class UnknownParameter(FailedTransaction, number=135):
    """No parameter has this number."""


class ParameterOutOfRange(FailedTransaction, number=136):
    """The value is outside the parameter's range."""


class BadLifetime(FailedTransaction, number=137):
    """The proposal would live longer than the chain allows, or not at all."""


class UnknownLog(FailedTransaction, number=140):
    """No evidence log has this number."""


class LogExists(FailedTransaction, number=141):
    """The organisation has a log with this name."""


class LogLimit(FailedTransaction, number=142):
    """The chain has as many logs as it may."""


class UnknownAsset(FailedTransaction, number=150):
    """No asset has this number."""


class AssetExists(FailedTransaction, number=151):
    """The organisation has an asset with this symbol."""


class InsufficientBalance(FailedTransaction, number=152):
    """The balance is smaller than the amount."""


class AmountOverflow(FailedTransaction, number=153):
    """The balance or the supply would exceed 2^64 - 1."""


class ZeroAmount(FailedTransaction, number=154):
    """The amount is zero."""


class DuplicateReference(FailedTransaction, number=155):
    """The sender used this reference before."""


class SelfTransfer(FailedTransaction, number=156):
    """Sender and recipient are the same account."""


class UnknownValidator(FailedTransaction, number=160):
    """No validator has this key."""


class ValidatorExists(FailedTransaction, number=161):
    """A validator has this key already."""


class ValidatorLimit(FailedTransaction, number=162):
    """The chain has as many validators as it may."""


class LastValidator(FailedTransaction, number=163):
    """A chain keeps its last validator."""


class BadAddress(FailedTransaction, number=164):
    """The address is not of the form `host:port`."""
