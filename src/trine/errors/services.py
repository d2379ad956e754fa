"""Define the exceptions of services: signed statements, receipts, tiles and checkpoints."""

from trine.errors.base import BadInput, NegativeVerdict, Unavailable


class NotACoseMessage(BadInput):
    """The bytes are no COSE_Sign1 message with its tag."""


class CoseTruncated(BadInput):
    """A COSE message ends before what it announces."""


class CoseTooLarge(BadInput):
    """A COSE message or a part of it is over its limit; the message names both."""


class CoseEncoding(BadInput):
    """A COSE message is not in the one encoding that is accepted."""


class TrailingBytes(BadInput):
    """Bytes follow the end of a COSE message or of a part of it."""


class NestedTooDeep(BadInput):
    """Arrays and maps of a COSE message are nested deeper than the limit."""


class DuplicateLabel(BadInput):
    """A label stands twice in the headers of a COSE message or in a map inside them."""


class HeaderMissing(BadInput):
    """A COSE message lacks a header that it must have."""


class HeaderNotProtected(BadInput):
    """A header that the signature must cover stands among the unprotected ones."""


class BadHeader(BadInput):
    """A header of a COSE message has a type or a value that is not allowed."""


class CriticalHeader(BadInput):
    """A COSE message has a critical header that this release does not understand."""


class SignatureAlgorithm(BadInput):
    """The algorithm is none with which statements are signed here, or not that of the key."""


class DetachedPayload(BadInput):
    """The payload is not in the signed statement."""


class BadReceipt(BadInput):
    """A receipt lacks a proof, or has a part that receipts do not have."""


class UnknownStructure(BadInput):
    """The receipt is about a verifiable data structure that this release does not know."""


class StatementNotYetValid(NegativeVerdict):
    """The signed statement says that it was made, or is valid from, later than now."""


class StatementExpired(NegativeVerdict):
    """The signed statement says that it is no longer valid."""


class CoseSignature(NegativeVerdict):
    """The signature of a COSE message does not hold under the key."""


class TreeMismatch(NegativeVerdict):
    """A proof of a log does not lead to the root, or has not as many hashes as it must."""


class BadTile(BadInput):
    """A tile of a log is missing, has another length than it must, or another name."""


class BadNote(BadInput):
    """The text is no signed note, or no checkpoint of a log."""


class BadVerifierKey(BadInput):
    """The text is no verifier key of a signed note."""


class NoteUnverified(NegativeVerdict):
    """No known key signed the note, or the signature of a known key does not hold."""


class IssuerNotAdmitted(NegativeVerdict):
    """Neither the policy of a log nor a certificate names the issuer of the statement."""


class IssuerKeyNotAdmitted(NegativeVerdict):
    """Neither the policy of a log nor a certificate names the key of the statement."""


class MediaTypeRefused(NegativeVerdict):
    """The registration policy of the log does not take content of this type from the issuer."""


class StatementNotFound(NegativeVerdict):
    """No statement is registered under this entry."""


class ServiceFull(NegativeVerdict):
    """As many statements as the service may hold wait to be recorded."""


class LogDiffers(NegativeVerdict):
    """The log as the chain's validators certify it is not the one that the service has."""


class FolderAltered(NegativeVerdict):
    """A file of the log is not the one that the service wrote there; the message names it."""


class LogForked(NegativeVerdict):
    """Two checkpoints that the log signed contradict each other: it was rewritten."""


class LogShrank(NegativeVerdict):
    """The newest checkpoint of the log has fewer entries than one that it signed before."""


class TileDiffers(NegativeVerdict):
    """A tile or bundle that the log serves is missing, or is not that of its checkpoint."""


class IndexDiffers(NegativeVerdict):
    """The index to which a checkpoint commits is not that of the entries of the log."""


class SearchIncomplete(NegativeVerdict):
    """The proof of a search does not show that nothing was left out."""


class BadRow(BadInput):
    """The bytes are no row of an index, or no proof of a search."""


class LogClosed(NegativeVerdict):
    """The log takes no more statements; the message names the one that follows."""


class NotACertificate(BadInput):
    """The PDF is no certificate as it was made: another one, or saved again by a program."""


class CertificateVersion(BadInput):
    """The certificate has a form that this release does not know."""


class CertificateTooLarge(BadInput):
    """The file is larger than any certificate."""


class BadCertificateCode(BadInput):
    """The text is not that of a certificate's QR code, or has a slip in it."""


class CertificateDiffers(NegativeVerdict):
    """What the certificate shows is not what its receipt proves."""


class OriginMismatch(NegativeVerdict):
    """The proofs by whom an entry was recorded do not belong to it."""


class ReceiptMissing(NegativeVerdict):
    """The statement has no receipt."""


class FileDiffers(NegativeVerdict):
    """The file is not the one that the statement is about."""


class NotACourtPack(BadInput):
    """The file is no court pack: another ZIP, or one that a program wrote again."""


class CourtPackVersion(BadInput):
    """The court pack has a form that this release does not know."""


class CourtPackTooLarge(BadInput):
    """The court pack, or what should go into it, is larger than any pack may be."""


class CourtPackDiffers(NegativeVerdict):
    """A part of the court pack is not what its manifest or its proofs say: it was altered."""


class PackTimestampMissing(NegativeVerdict):
    """No timestamp of an outside authority is over a block on which the court pack relies."""


class StoreUnavailable(Unavailable):
    """The store of a log's files does not answer, or refuses."""


class DatabaseUnavailable(Unavailable):
    """The database of the service does not answer, or refuses."""


class NoTimestampAuthority(NegativeVerdict):
    """The service has no timestamp authority that could be asked."""
