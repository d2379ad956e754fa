"""Name every limit of the chain in one place.

A limit is the largest value allowed unless its name says otherwise; the unit stands last in the
name. Past a limit the bytes or the call are refused with a verdict of their own.
"""

from typing import Final

TRANSACTION_BYTES_MAX: Final = 65_536
"""Bytes of one encoded transaction, signature included."""

CALLS_MAX: Final = 64
"""Calls in one transaction; at least one stands in it."""

ARGUMENTS_BYTES_MAX: Final = 40_960
"""Bytes of one call's encoded arguments."""

SIGNATURE_BYTES_MAX: Final = 4_096
"""Bytes of one signature of any algorithm (ML-DSA-65 has 3,309; FIPS 204, table 2)."""

PUBLIC_KEY_BYTES_MAX: Final = 2_048
"""Bytes of one public key of any algorithm (ML-DSA-65 has 1,952; FIPS 204, table 2)."""

BLOCK_TRANSACTIONS_MAX: Final = 16_384
"""Transactions in one block."""

BLOCK_BYTES_MAX: Final = 8 * 1_024 * 1_024
"""Bytes of all transactions of one block."""

HEADER_BYTES_MAX: Final = 65_536
"""Bytes of one encoded header."""

EXTENSION_BYTES_MAX: Final = 1_024
"""Bytes of a header's extension."""

NONCE_WINDOW: Final = 128
"""Nonces that an account's window holds."""

NONCE_SLIDE_MAX: Final = 1_024
"""Nonces beyond the window that still slide it."""

ACCOUNT_KEYS_MAX: Final = 8
"""Key indices that an account ever gets, the first included."""

NAME_BYTES_MAX: Final = 32
"""Bytes of a name of a chain, organisation, log, validator or asset."""

SYMBOL_BYTES_MAX: Final = 12
"""Bytes of an asset's symbol."""

DECIMALS_MAX: Final = 18
"""Digits after the decimal point of an asset."""

ADDRESS_TEXT_BYTES_MAX: Final = 128
"""Bytes of a validator's network address, as text."""

MEDIA_TYPE_BYTES_MAX: Final = 127
"""Bytes of a media type (RFC 6838, section 4.2)."""

ENTRIES_MAX: Final = 1_000
"""Evidence entries in one call; at least one stands in it."""

EVIDENCE_REFERENCE_BYTES_MAX: Final = 64
"""Bytes of the reference beside evidence entries; it may be empty."""

TRANSFER_REFERENCE_BYTES_MIN: Final = 16
"""Fewest bytes of a transfer's reference, where it has one."""

TRANSFER_REFERENCE_BYTES_MAX: Final = 64
"""Bytes of a transfer's reference."""

VALIDATORS_MAX: Final = 100
"""Validators of one epoch; at least one decides."""

AUTHORITIES_MAX: Final = 16
"""Certification authorities that one organisation trusts at a time."""

ORGANISATIONS_MAX: Final = 1_000
"""Organisations of one chain."""

LOGS_MAX: Final = 100_000
"""Evidence logs of one chain."""

TOPICS_MAX: Final = 4
"""Topics of one event."""

EVENT_DATA_BYTES_MAX: Final = 65_536
"""Bytes of one event's data."""

EVENTS_MAX: Final = 4_096
"""Events of one outcome."""

BLOCKS_PER_EPOCH_MIN: Final = 8
"""Fewest blocks of an epoch."""

BLOCKS_PER_EPOCH_MAX: Final = 1_000_000
"""Blocks of an epoch."""

GENERATED_ACCOUNTS_MAX: Final = 10_000_000
"""Accounts that a genesis document may generate for load tests."""

GENESIS_BYTES_MAX: Final = 16 * 1_024 * 1_024
"""Bytes of a genesis document."""

U64_MAX: Final = 2**64 - 1
"""Largest value of an unsigned integer of 64 bits: amounts, supplies and times stay within it."""

STATE_VALUE_BYTES_MAX: Final = 65_536
"""Bytes of one value in the state beside the accounts."""

PROOF_BYTES_MAX: Final = 16 * 1_024 * 1_024
"""Bytes of a proof or receipt file."""

PROOF_HEADERS_MAX: Final = 512
"""Headers of one certified chain in a proof; at least one stands in it."""

PROOF_HANDOVERS_MAX: Final = 2_048
"""Hand-overs in a proof."""

PROOF_NESTING_MAX: Final = 8
"""Nesting of arrays and maps in a proof or receipt file."""

PROOF_PATH_MAX: Final = 64
"""Digests of one path, and of one row of peaks."""

FILE_NAME_BYTES_MAX: Final = 255
"""Bytes of a file name in a receipt; at least one stands in it."""

TRUST_BYTES_MAX: Final = 1_024 * 1_024
"""Bytes of a trust file."""
