"""Define the exceptions of health records: what is read, sealed, consented to and opened."""

from trine.errors.base import BadInput, LocalRefusal, NegativeVerdict, Unavailable


class FhirXml(BadInput):
    """The input is XML; resources are read as FHIR JSON only."""


class NotJson(BadInput):
    """The input is not JSON in UTF-8; the message says where it ceases to be."""


class DuplicateMember(BadInput):
    """An object of the input names one member twice."""


class NumberOutOfRange(BadInput):
    """A number of the input has more digits or a larger exponent than is read."""


class ResourceTooLarge(BadInput):
    """A resource, line or Bundle has more bytes than is read."""


class ResourceTooDeep(BadInput):
    """Objects of the input lie deeper inside each other than is read."""


class TooManyEntries(BadInput):
    """A Bundle has more entries than is read."""


class UnknownResource(BadInput):
    """The input is no resource of this FHIR release."""


class UnknownElement(BadInput):
    """A resource has an element that its definition does not have."""


class InvalidResource(BadInput):
    """A resource breaks its definition; the message names each place."""


class InvalidVcf(BadInput):
    """The file of variants is no VCF 4.3; the message names line and column."""


class BrokenReference(BadInput):
    """A reference points to nothing where it must point to something."""


class BadBundle(BadInput):
    """A Bundle breaks a rule of Bundles."""


class DamagedRecord(BadInput):
    """A sealed record or its keys are not what was written."""


class NotARecipient(LocalRefusal):
    """The record was not sealed for this key."""


class RecordNotFound(NegativeVerdict):
    """The store holds no record under this entry."""


class RecordErased(NegativeVerdict):
    """The record was erased: its key and salt are gone, and nobody can open it."""


class RecordMismatch(NegativeVerdict):
    """The record that was opened is not the one that its entry commits to."""


class ConsentNotUnderstood(BadInput):
    """A consent says something that this application could not keep to."""


class ConsentExists(NegativeVerdict):
    """The patient has given a consent of this identifier before."""


class ConsentUnknown(NegativeVerdict):
    """The patient has no consent of this identifier in force."""


class NotThePatient(NegativeVerdict):
    """The statement was signed by nobody who may speak for the patient."""


class BadHealthStatement(BadInput):
    """A request, approval or review is not in the form that is read."""


class StatementUsed(NegativeVerdict):
    """The statement is in the patient's history already, or too old to be acted on."""


class PersonUnknown(NegativeVerdict):
    """The custodian knows no person with this key in the role that is needed."""


class AccessRefused(LocalRefusal):
    """No consent permits the access; the refusal is in the patient's history."""


class EmergencyRefused(LocalRefusal):
    """The emergency access breaks a rule; the message names it."""


class HistoryNotFound(NegativeVerdict):
    """The custodian keeps no history of this patient."""


class HistoryExists(NegativeVerdict):
    """The custodian keeps a history of this patient already."""


class HistoryBusy(Unavailable):
    """Other events of the patient came first again and again, or the log does not show this one."""


class HistoryIncomplete(NegativeVerdict):
    """An event that the log holds is missing from what was handed over."""


class HistoryMismatch(NegativeVerdict):
    """What was handed over is not what the log holds."""


class BadDisclosure(BadInput):
    """The document is no history, disclosure or report in the form that is read."""


class DisclosureMismatch(NegativeVerdict):
    """What was disclosed of a record is not what was committed to."""


class ClaimUnproven(NegativeVerdict):
    """The claim names a record of which nothing, or something else, was shown."""
