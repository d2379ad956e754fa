"""Name every limit of what the health application reads, in one place.

Past a limit the caller gets an error with a code, and the limit stands in its message.
"""

from typing import Final

RESOURCE_BYTES_MAX: Final = 16 * 1_024 * 1_024
"""Bytes of one resource in canonical form, or of one line of NDJSON."""
BUNDLE_BYTES_MAX: Final = 32 * 1_024 * 1_024
"""Bytes of a Bundle, which is held in memory as a whole, at up to twenty times its size."""
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
