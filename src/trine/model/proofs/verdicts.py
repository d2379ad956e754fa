"""Name every reason why a proof or receipt is not accepted, one exception class a reason."""


class ProofError(Exception):
    """A proof or receipt was not accepted; the message says in one sentence why."""


class BadInput(ProofError):
    """The input cannot be judged: exit code 5."""


class NotAProof(BadInput):
    """The input is something else."""


class Truncated(BadInput):
    """The input starts well and ends before its end."""


class TooLarge(BadInput):
    """The input is over the limit."""


class UnusableTrust(BadInput):
    """The trust file is not one."""


class Refused(ProofError):
    """Something does not match: exit code 1."""


class Damaged(Refused):
    """The seal is not that of the body."""


class UnknownVersion(Refused):
    """The file has a later version of the format."""


class UnknownKey(Refused):
    """A map holds a key that must not be ignored and that this verifier does not know."""


class Malformed(Refused):
    """A part breaks the rules of the format."""


class OtherChain(Refused):
    """A header is of another chain than the trust file."""


class BrokenChain(Refused):
    """A header does not follow the one before it."""


class OtherBlock(Refused):
    """The certificate names another block."""


class WrongEpoch(Refused):
    """The certificate is of another epoch than its header."""


class EpochBeforeTrust(Refused):
    """An epoch lies before the one from which the set in force is trusted."""


class BadSigners(Refused):
    """The field of signers does not fit the set, or the number of signatures the signers."""


class TooFewSignatures(Refused):
    """Fewer validators signed than a certificate needs."""


class BadSignature(Refused):
    """A signature does not verify."""


class NotAHandOver(Refused):
    """The header does not hand over to the next epoch."""


class NotIncluded(Refused):
    """A path does not lead to the root that the header commits to."""


class NotCurrent(Refused):
    """The activity bit of the operation is not set."""


class NotAbsent(Refused):
    """The key is not between the neighbour and its next key."""


class OtherReference(Refused):
    """The transfer record has another reference."""


class NotNamed(Refused):
    """The header does not name the validators of the votes' epoch."""


class NotAValidator(Refused):
    """The key under the votes is that of no validator of their epoch."""


class NoConflict(Refused):
    """The votes do not exclude each other, or stand in the other order."""


class NotAnEntry(Refused):
    """The receipt holds no proof of an evidence entry."""


class OtherSize(Refused):
    """The file at hand has another size."""


class FileAltered(Refused):
    """The file at hand has other contents."""
