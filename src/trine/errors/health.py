"""Define the exceptions of health records: what is read, and what is sealed."""

from trine.errors.base import BadInput, LocalRefusal, NegativeVerdict


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
