"""Define the exceptions of timestamps: made, verified, and asked for elsewhere (RFC 3161)."""

from trine.errors.base import BadInput, LocalRefusal, NegativeVerdict, Unavailable


class NotATimestamp(BadInput):
    """The bytes are no timestamp request, response or token in DER."""


class TimestampTooLarge(BadInput):
    """The request or response is larger, or nested deeper, than any of them."""


class UnsupportedTimestamp(BadInput):
    """The timestamp uses an algorithm or a form that is not supported, or too weak."""


class BadTimestampAuthority(BadInput):
    """Key, certificates or policy are not those of an authority that may stamp."""


class TimestampNotGranted(NegativeVerdict):
    """The authority answered and granted no timestamp."""


class WrongImprint(NegativeVerdict):
    """The timestamp is of other data."""


class WrongNonce(NegativeVerdict):
    """The timestamp answers another request: its nonce is not the one that was sent."""


class WrongTimestampPolicy(NegativeVerdict):
    """The timestamp was made under another policy than the one that is asked for."""


class WrongTimestampTime(NegativeVerdict):
    """The authority's time is too far from the time at which it was asked."""


class TimestampSignature(NegativeVerdict):
    """The signature of the timestamp is not made with its signer's key over these bytes."""


class TimestampSignerMissing(NegativeVerdict):
    """The certificate of the signer is neither in the timestamp nor given."""


class TimestampSignerMismatch(NegativeVerdict):
    """The timestamp binds itself to another certificate than its signer's, or to none."""


class TimestampUnavailable(Unavailable):
    """The timestamp authority is down, slow, or does not speak RFC 3161 over HTTP."""


class TimestampQueueFull(LocalRefusal):
    """As many timestamps are waiting as may."""


class TimestampStore(LocalRefusal):
    """The file of serial numbers, or of waiting timestamps, cannot be used."""
