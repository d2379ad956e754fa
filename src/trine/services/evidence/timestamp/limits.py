"""List every limit of timestamps: past it there is an error with a code, never a slow answer."""

from typing import Final

REQUEST_BYTES_MAX: Final = 4 * 1_024
"""Longest request, in bytes; one with SHA-512, a policy and a nonce has some 150."""
RESPONSE_BYTES_MAX: Final = 64 * 1_024
"""Longest response or token, in bytes; one with three RSA-4096 certificates has some 8,000."""
DEPTH_MAX: Final = 24
"""Elements of DER that lie in one another; a token with its certificates has 14."""
ELEMENTS_MAX: Final = 8_192
"""Elements of DER in one request, response or token."""
INTEGER_BYTES_MAX: Final = 32
"""Bytes of a nonce or a serial number; RFC 3161, section 2.4.2, asks readers for 20."""
FRACTION_DIGITS_MAX: Final = 9
"""Digits after the second of a time: nanoseconds."""
CERTIFICATES_MAX: Final = 16
"""Certificates in one token."""
ESS_CERTIFICATES_MAX: Final = 16
"""Certificates that a token binds itself to; the first is the signer's."""
STATUS_TEXT_CHARACTERS_MAX: Final = 256
"""Characters of an authority's own words that are shown."""
WAITING_MAX: Final = 100_000
"""Timestamps that wait for an outside authority in one queue."""
ANSWER_S_MAX: Final = 10.0
"""Seconds that an outside authority may take for a whole answer."""
CONNECT_S_MAX: Final = 3.0
"""Seconds that a connection to an outside authority may take."""
SKEW_MS_MAX: Final = 60_000
"""Milliseconds by which an outside authority's time may differ from the time of asking."""
RETRY_MS_MIN: Final = 10_000
"""First pause before an outside authority is asked again, in milliseconds; doubles each time."""
RETRY_MS_MAX: Final = 3_600_000
"""Longest pause before an outside authority is asked again, in milliseconds."""
