"""Define the exceptions of proofs, receipts and signatures that are verified offline."""

from trine.errors.base import BadInput, NegativeVerdict


class FileAltered(NegativeVerdict):
    """The file is not the one that the receipt is about."""


class FileMissing(NegativeVerdict):
    """There is a receipt, and not the file that it is about."""


class NotSigned(NegativeVerdict):
    """The signature is not one of the file under the key."""


class ProofMismatch(NegativeVerdict):
    """The proof or receipt contradicts itself or the trust file: it was altered."""


class ProofVersion(NegativeVerdict):
    """The proof or receipt has a version or a part that this release does not know."""


class WrongTrust(NegativeVerdict):
    """The proof or receipt is of another chain than the trust file."""


class NotAProof(BadInput):
    """The file is no proof or receipt."""


class ProofTruncated(BadInput):
    """The proof or receipt is cut short."""


class ProofTooLarge(BadInput):
    """The file is larger than any proof or receipt."""


class BadTrustFile(BadInput):
    """The file is no usable trust file."""
