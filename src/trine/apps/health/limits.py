"""Name every limit of what the health application reads, in one place.

Past a limit the caller gets an error with a code, and the limit stands in its message.
"""

from typing import Final

RESOURCE_BYTES_MAX: Final = 16 * 1_024 * 1_024
"""Bytes of one resource in canonical form, or of one line of NDJSON."""
BUNDLE_BYTES_MAX: Final = 32 * 1_024 * 1_024
"""Bytes of a Bundle, which is held in memory as a whole, at up to twenty times its size."""
VCF_BYTES_MAX: Final = 11 * 1_024 * 1_024
"""Bytes of a file of variants: in base64 it is a resource."""
ENTRIES_MAX: Final = 20_000
"""Entries of a Bundle."""
NESTING_MAX: Final = 64
"""JSON objects inside each other, the resource counted."""
STRING_CHARACTERS_MAX: Final = 1_024 * 1_024
"""Characters of a string (FHIR R4, data types, string); base64 is limited by the resource."""
NUMBER_CHARACTERS_MAX: Final = 40
"""Characters of a number; FHIR asks for 18 digits (data types, decimal)."""
EXPONENT_MAX: Final = 99
"""Largest power of ten in a number, and smallest below one."""
PROBLEMS_MAX: Final = 20
"""Problems that one refusal names; the first ones."""
CUSTODIAN_BYTES_MAX: Final = 255
"""Bytes of a custodian's name in UTF-8."""
RECIPIENTS_MAX: Final = 1_000
"""Recipients of one record."""
CONSENT_BYTES_MAX: Final = 64 * 1_024
"""Bytes of a signed consent, request, approval or review."""
CONSENT_ITEMS_MAX: Final = 1_000
"""Recipients, purposes, types, codes and uses that a consent names, each."""
EVENTS_MAX: Final = 100_000
"""Events of one patient's history."""
REQUEST_AGE_MS_MAX: Final = 5 * 60 * 1_000
"""Age up to which a signed request, approval or review is acted on."""
ATTEMPTS_MAX: Final = 8
"""Tries to place an event when others of the same patient come first."""
WAIT_S_MAX: Final = 30.0
"""Seconds to wait until the log shows an event that is final."""
REASON_CHARACTERS_MAX: Final = 2_000
"""Characters of a reason or finding; one at least."""
EMERGENCY_MS_MAX: Final = 4 * 60 * 60 * 1_000
"""Longest time for which an emergency opens a patient's records."""
REVIEW_MS_MAX: Final = 72 * 60 * 60 * 1_000
"""Time after its beginning within which an emergency must be reviewed."""
OPEN_REVIEWS_MAX: Final = 2
"""Emergencies of one person without a review; with so many no further one is opened."""
SMALL_CELL_MIN: Final = 10
"""Smallest count that a researcher is told; smaller ones are suppressed."""
FIELDS_MAX: Final = 100_000
"""Fields of one record that are committed to one by one."""
SHOWN_FIELDS_MAX: Final = 100
"""Fields of a record that are shown at once."""
CLAIM_RECORDS_MAX: Final = 100
"""Records that one claim names."""
CLAIM_BYTES_MAX: Final = 32 * 1_024 * 1_024
"""Bytes of a file with a claim and what proves it."""
