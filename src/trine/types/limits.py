"""Name every limit that a client meets; the chain's own values come from the Rust core.

>>> from trine.types import limits
>>> limits.ENTRIES_MAX
1000
"""

from typing import Final

from trine._core import registry

_CORE: Final = dict(registry.limits())

TRANSACTION_BYTES_MAX: Final = _CORE["TRANSACTION_BYTES_MAX"]
"""Bytes of one encoded transaction."""
CALLS_MAX: Final = _CORE["CALLS_MAX"]
"""Calls of one transaction."""
ARGUMENTS_BYTES_MAX: Final = _CORE["ARGUMENTS_BYTES_MAX"]
"""Bytes of one call's arguments."""
BATCH_TRANSACTIONS_MAX: Final = _CORE["BATCH_TRANSACTIONS_MAX"]
"""Transactions of one submitted batch."""
BATCH_BYTES_MAX: Final = _CORE["BATCH_BYTES_MAX"]
"""Bytes of one submitted batch."""
NONCE_WINDOW: Final = _CORE["NONCE_WINDOW"]
"""Width of an account's nonce window."""
NAME_BYTES_MAX: Final = _CORE["NAME_BYTES_MAX"]
"""Characters of a name."""
MEDIA_TYPE_BYTES_MAX: Final = _CORE["MEDIA_TYPE_BYTES_MAX"]
"""Bytes of a media type."""
ENTRIES_MAX: Final = _CORE["ENTRIES_MAX"]
"""Evidence entries of one call."""
VALIDATORS_MAX: Final = _CORE["VALIDATORS_MAX"]
"""Validators of one epoch."""
GENESIS_BYTES_MAX: Final = _CORE["GENESIS_BYTES_MAX"]
"""Bytes of a genesis document."""

WAIT_MS_MAX: Final = _CORE["WAIT_MS_MAX"]
"""Longest wait that a node allows in one request, in milliseconds."""
PAGE_MAX: Final = _CORE["PAGE_LIMIT_MAX"]
"""Items of one page of a list."""
RECEIPTS_MAX: Final = _CORE["RECEIPTS_MAX"]
"""Receipts of one answer."""
PROOF_BYTES_MAX: Final = _CORE["PROOF_BYTES_MAX"]
"""Bytes of a proof or receipt file."""
TRUST_BYTES_MAX: Final = _CORE["TRUST_BYTES_MAX"]
"""Bytes of a trust file."""
FILE_NAME_BYTES_MAX: Final = _CORE["FILE_NAME_BYTES_MAX"]
"""Bytes of a file name in a receipt."""
ANSWER_BYTES_MAX: Final = 64 * 1_024 * 1_024
"""Largest answer that a client reads, in bytes."""
VALIDITY_MS: Final = 120_000
"""Milliseconds that a transaction of the SDK is valid, where the caller names no time."""
PASSWORD_BYTES_MAX: Final = 1_024
"""Longest password of a keystore, in bytes of UTF-8."""
