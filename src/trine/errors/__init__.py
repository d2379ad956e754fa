"""Define every exception of Trine, each with one stable code.

A class is a code: its name in snake case (`NoRight` is `no_right`). The same code stands in the
node's problem documents, in `--json` answers and in `trine explain CODE`. The Rust core raises
these classes too.

>>> from trine import errors
>>> error = errors.error_of("no_right", "assets.define: no_right")
>>> error.code, type(error).__name__, int(error.exit_code)
('no_right', 'NoRight', 4)
>>> isinstance(error, errors.FailedOutcome)
True
"""

from trine.errors import health as health
from trine.errors import pages as pages
from trine.errors import services as services
from trine.errors.archives import ArchiveMismatch as ArchiveMismatch
from trine.errors.archives import BadKeysFile as BadKeysFile
from trine.errors.archives import DamagedArchive as DamagedArchive
from trine.errors.archives import NotAnArchive as NotAnArchive
from trine.errors.archives import UnlinkedBlock as UnlinkedBlock
from trine.errors.base import BadInput as BadInput
from trine.errors.base import ExitCode as ExitCode
from trine.errors.base import LocalRefusal as LocalRefusal
from trine.errors.base import NegativeVerdict as NegativeVerdict
from trine.errors.base import TrineError as TrineError
from trine.errors.base import Unavailable as Unavailable
from trine.errors.hardware import AlgorithmNotForValidators as AlgorithmNotForValidators
from trine.errors.hardware import BadTokenConfiguration as BadTokenConfiguration
from trine.errors.hardware import DamagedVotes as DamagedVotes
from trine.errors.hardware import KeyAmbiguous as KeyAmbiguous
from trine.errors.hardware import KeyMissing as KeyMissing
from trine.errors.hardware import KeyUnusable as KeyUnusable
from trine.errors.hardware import MechanismMissing as MechanismMissing
from trine.errors.hardware import PinLocked as PinLocked
from trine.errors.hardware import PinUnreadable as PinUnreadable
from trine.errors.hardware import TokenAmbiguous as TokenAmbiguous
from trine.errors.hardware import TokenKeyExists as TokenKeyExists
from trine.errors.hardware import TokenLost as TokenLost
from trine.errors.hardware import TokenMissing as TokenMissing
from trine.errors.hardware import TokenModule as TokenModule
from trine.errors.hardware import TokenRefused as TokenRefused
from trine.errors.hardware import TokenSignature as TokenSignature
from trine.errors.hardware import VotesNotWritten as VotesNotWritten
from trine.errors.hardware import VotesOfOtherKey as VotesOfOtherKey
from trine.errors.hardware import WrongPin as WrongPin
from trine.errors.key_files import BadKeyFile as BadKeyFile
from trine.errors.key_files import BadPublicKey as BadPublicKey
from trine.errors.key_files import KeyFileTooCostly as KeyFileTooCostly
from trine.errors.key_files import PasswordNeeded as PasswordNeeded
from trine.errors.key_files import UnsupportedKey as UnsupportedKey
from trine.errors.key_files import WrongPassword as WrongPassword
from trine.errors.key_files import WrongPublicKey as WrongPublicKey
from trine.errors.missing import AccountNotFound as AccountNotFound
from trine.errors.missing import AssetNotFound as AssetNotFound
from trine.errors.missing import BlockNotFound as BlockNotFound
from trine.errors.missing import CertificateNotFound as CertificateNotFound
from trine.errors.missing import EntryNotFound as EntryNotFound
from trine.errors.missing import LogNotFound as LogNotFound
from trine.errors.missing import MisbehaviourNotFound as MisbehaviourNotFound
from trine.errors.missing import NotFound as NotFound
from trine.errors.missing import OrganisationNotFound as OrganisationNotFound
from trine.errors.missing import ProposalNotFound as ProposalNotFound
from trine.errors.missing import StateNotFound as StateNotFound
from trine.errors.missing import TransactionNotFound as TransactionNotFound
from trine.errors.missing import TransferNotFound as TransferNotFound
from trine.errors.proofs import BadTrustFile as BadTrustFile
from trine.errors.proofs import FileAltered as FileAltered
from trine.errors.proofs import FileMissing as FileMissing
from trine.errors.proofs import NotAProof as NotAProof
from trine.errors.proofs import NotSigned as NotSigned
from trine.errors.proofs import ProofMismatch as ProofMismatch
from trine.errors.proofs import ProofTooLarge as ProofTooLarge
from trine.errors.proofs import ProofTruncated as ProofTruncated
from trine.errors.proofs import ProofVersion as ProofVersion
from trine.errors.proofs import WrongTrust as WrongTrust
from trine.errors.timestamps import BadTimestampAuthority as BadTimestampAuthority
from trine.errors.timestamps import NotATimestamp as NotATimestamp
from trine.errors.timestamps import TimestampNotGranted as TimestampNotGranted
from trine.errors.timestamps import TimestampQueueFull as TimestampQueueFull
from trine.errors.timestamps import TimestampSignature as TimestampSignature
from trine.errors.timestamps import TimestampSignerMismatch as TimestampSignerMismatch
from trine.errors.timestamps import TimestampSignerMissing as TimestampSignerMissing
from trine.errors.timestamps import TimestampStore as TimestampStore
from trine.errors.timestamps import TimestampTooLarge as TimestampTooLarge
from trine.errors.timestamps import TimestampUnavailable as TimestampUnavailable
from trine.errors.timestamps import UnsupportedTimestamp as UnsupportedTimestamp
from trine.errors.timestamps import WrongImprint as WrongImprint
from trine.errors.timestamps import WrongNonce as WrongNonce
from trine.errors.timestamps import WrongTimestampPolicy as WrongTimestampPolicy
from trine.errors.timestamps import WrongTimestampTime as WrongTimestampTime
from trine.errors.x509 import BadCertificate as BadCertificate
from trine.errors.x509 import BadCrl as BadCrl
from trine.errors.x509 import CertificateExpired as CertificateExpired
from trine.errors.x509 import CertificateNotAllowed as CertificateNotAllowed
from trine.errors.x509 import CertificateNotYetValid as CertificateNotYetValid
from trine.errors.x509 import CertificateRevoked as CertificateRevoked
from trine.errors.x509 import CertificateSignature as CertificateSignature
from trine.errors.x509 import CrlMissing as CrlMissing
from trine.errors.x509 import CrlStale as CrlStale
from trine.errors.x509 import OtherKey as OtherKey
from trine.errors.x509 import UnknownIssuer as UnknownIssuer
from trine.errors.x509 import UnsupportedCertificate as UnsupportedCertificate


class InvalidTransaction(TrineError, abstract=True):
    """The transaction may enter no block; nothing of it happened."""

    exit_code = ExitCode.REFUSED


class Malformed(InvalidTransaction):
    """The bytes of the transaction end early or hold an impossible value."""


class NonCanonical(InvalidTransaction):
    """The bytes are not the one encoding of their value."""


class TooLarge(InvalidTransaction):
    """A length or count is over its limit; the message names both."""


class UnknownVersion(InvalidTransaction):
    """The version of the transaction is not known to this chain."""


class WrongChain(InvalidTransaction):
    """The transaction was signed for another chain."""


class UnknownSender(InvalidTransaction):
    """The sender has no account on this chain."""


class UnknownKey(InvalidTransaction):
    """The account never had a key with this index."""


class RevokedKey(InvalidTransaction):
    """The key with this index was revoked."""


class AlgorithmNotAdmitted(InvalidTransaction):
    """The chain does not admit the algorithm, or the key has another one."""


class NonceUsed(InvalidTransaction):
    """The nonce was used."""


class NonceVoided(InvalidTransaction):
    """The nonce lies below the account's window: used long ago, or voided when the window slid."""


class NonceTooFar(InvalidTransaction):
    """The nonce lies too far beyond the account's window."""


class Expired(InvalidTransaction):
    """The time until which the transaction is valid lies before the block's time."""


class BadSignature(InvalidTransaction):
    """The signature does not verify under the account's key."""


class FailedOutcome(TrineError, abstract=True):
    """The transaction entered a block and failed; it used its nonce and quota."""

    exit_code = ExitCode.REFUSED


class UnknownModule(FailedOutcome):
    """No module has this number."""


class UnknownMethod(FailedOutcome):
    """The module has no method with this number."""


class BadArguments(FailedOutcome):
    """The arguments are not the canonical encoding of the method's arguments."""


class AccountFrozen(FailedOutcome):
    """The sender is frozen."""


class KeyNotPermitted(FailedOutcome):
    """The key may not call this module."""


class NoRight(FailedOutcome):
    """The sender lacks the role that the method asks for."""


class OtherOrganisation(FailedOutcome):
    """The object belongs to another organisation."""


class AccountQuota(FailedOutcome):
    """The account has used up its quota of this window."""


class OrganisationQuota(FailedOutcome):
    """The organisation has used up its quota of this window."""


class OrganisationRemoved(FailedOutcome):
    """The organisation was removed from the chain."""


class AccountExists(FailedOutcome):
    """The address has an account already."""


class UnknownAccount(FailedOutcome):
    """The address has no account."""


class KeyLimit(FailedOutcome):
    """The account has as many keys as it may ever have."""


class NoSuchKey(FailedOutcome):
    """The account has no live key with this index."""


class BadKey(FailedOutcome):
    """The public key is not well-formed or its algorithm is not admitted."""


class FirstKey(FailedOutcome):
    """The first key of an account can be rotated, never revoked."""


class NoChange(FailedOutcome):
    """The account is in this state already."""


class ExpiryPassed(FailedOutcome):
    """The certificate's time lies before the block's time."""


class OrganisationExists(FailedOutcome):
    """Another organisation has this name."""


class UnknownOrganisation(FailedOutcome):
    """No organisation has this number."""


class OrganisationLimit(FailedOutcome):
    """The chain has as many organisations as it may."""


class BadName(FailedOutcome):
    """The name is not allowed."""


class LastAdministrator(FailedOutcome):
    """The organisation's last administrator keeps the role."""


class AuthorityExists(FailedOutcome):
    """The organisation registered this authority already."""


class AuthorityLimit(FailedOutcome):
    """The organisation has as many authorities as it may."""


class UnknownAuthority(FailedOutcome):
    """The organisation registered no authority with this fingerprint."""


class AuthorityExpired(FailedOutcome):
    """The authority's time lies before the block's time."""


class LastOrganisation(FailedOutcome):
    """A chain keeps its last organisation."""


class UnknownProposal(FailedOutcome):
    """No proposal has this number."""


class ProposalClosed(FailedOutcome):
    """The proposal was executed or rejected."""


class ProposalExpired(FailedOutcome):
    """The proposal's time is over."""


class AlreadyVoted(FailedOutcome):
    """The organisation voted already."""


class ActionMismatch(FailedOutcome):
    """The action is not the one that the proposal holds."""


class UnknownParameter(FailedOutcome):
    """No parameter has this number."""


class ParameterOutOfRange(FailedOutcome):
    """The value is outside the parameter's range."""


class BadLifetime(FailedOutcome):
    """The proposal would live longer than the chain allows, or not at all."""


class UnknownLog(FailedOutcome):
    """No evidence log has this number."""


class LogExists(FailedOutcome):
    """The organisation has a log with this name."""


class LogLimit(FailedOutcome):
    """The chain has as many logs as it may."""


class UnknownAsset(FailedOutcome):
    """No asset has this number."""


class AssetExists(FailedOutcome):
    """The organisation has an asset with this symbol."""


class InsufficientBalance(FailedOutcome):
    """The balance is smaller than the amount."""


class AmountOverflow(FailedOutcome):
    """The balance or the supply would exceed 2^64 - 1."""


class ZeroAmount(FailedOutcome):
    """The amount is zero."""


class DuplicateReference(FailedOutcome):
    """The sender used this reference before."""


class SelfTransfer(FailedOutcome):
    """Sender and recipient are the same account."""


class UnknownValidator(FailedOutcome):
    """No validator has this key."""


class ValidatorExists(FailedOutcome):
    """A validator has this key already."""


class ValidatorLimit(FailedOutcome):
    """The chain has as many validators as it may."""


class LastValidator(FailedOutcome):
    """A chain keeps its last validator."""


class BadAddress(FailedOutcome):
    """The address is not of the form `host:port`."""


class Refused(TrineError, abstract=True):
    """The node refuses the request."""

    exit_code = ExitCode.REFUSED


class BadRequest(Refused):
    """The node cannot read the request."""


class Duplicate(Refused):
    """The node holds this transaction already."""


class UnsignedRead(Refused):
    """The chain is not read by anyone, and the request is not signed."""


class StaleRead(Refused):
    """The request was signed at another time than the node's clock says."""


class BadReadSignature(Refused):
    """The signature of the request holds for no key of an account of this chain."""


class NoReadAccess(Refused):
    """The account may not read this chain."""


class Internal(Refused):
    """The program or the node met a fault of its own."""


class PendingFull(Unavailable):
    """The node's pool of pending transactions is full."""


class Busy(Unavailable):
    """The node serves as many requests as it may."""


class NotReady(Unavailable):
    """The node is starting or catching up."""


class Timeout(Unavailable):
    """What was waited for did not happen in time."""


class CannotReachNode(Unavailable):
    """No node answers at the URL."""


class BadAnswer(Unavailable):
    """What answers at the URL does not speak the interface of a Trine node."""


class NotFinalizing(Unavailable):
    """The network started but finalizes no blocks."""


class NotAKeystore(BadInput):
    """The file is no key of Trine, or it is damaged."""


class BadGenesis(BadInput):
    """The genesis document is not valid."""


class BadCard(BadInput):
    """A card of an organisation is not valid, or does not fit the others."""


class OtherFingerprint(BadInput):
    """The network has another fingerprint than the one that was given."""


class BadConfiguration(BadInput):
    """A configuration file is not valid."""


class UnreadableFile(BadInput):
    """A file or folder cannot be read."""


class FileChanged(BadInput):
    """A file changed while it was being notarized."""


class NothingToDo(BadInput):
    """There is no regular file among the given paths."""


class BadSecretKey(BadInput):
    """A secret key is malformed, or others can read its file."""


class DamagedData(BadInput):
    """A node's stored data does not match its checksums."""


class Usage(TrineError, abstract=True):
    """A value given by the caller is not allowed."""

    exit_code = ExitCode.USAGE


class BadArgument(Usage):
    """An argument has a value that is not allowed."""


class UnknownSuite(Usage):
    """This build knows no such suite."""


class UnknownAlgorithm(Usage):
    """This build knows no such key algorithm."""


class UnknownCode(Usage):
    """No error has this code."""


class NoPassword(Usage):
    """A password is needed, and nobody is there to type it."""


class BadPassword(LocalRefusal):
    """The password does not open the key."""


class NoSuchKeyFile(LocalRefusal):
    """The home holds no key with this name."""


class KeyFileExists(LocalRefusal):
    """The home holds a key with this name already."""


class NoNetwork(LocalRefusal):
    """The home holds no network."""


class PortInUse(LocalRefusal):
    """Another program listens on the port."""


class FolderLocked(LocalRefusal):
    """Another process uses the folder."""


class DiskFull(LocalRefusal):
    """The disk is full."""


class ReadOnlyFolder(LocalRefusal):
    """The folder cannot be written."""


class ClockOff(LocalRefusal):
    """The machine's clock is far from the network's."""


class CannotFollow(LocalRefusal):
    """No node that this one follows proves a block to begin after."""


class NodeStopped(LocalRefusal):
    """A node ended soon after its start."""


class Unsupported(LocalRefusal):
    """This build or this machine cannot do that yet."""


def error_of(code: str, message: str = "", *, instance: str | None = None) -> TrineError:
    """Make the exception with this code.

    Args:
        code: Stable code. One that this release does not know gives `Internal` with the code in
            its message.
        message: What was wrong, with what value, and what was expected.
        instance: What the error is about.
    """
    known = TrineError.by_code.get(code)
    if known is None:
        return Internal(f"{code}: {message}", instance=instance)
    return known(message, instance=instance)
