/** Name every limit in one place; they are those of `trine.model.limits`, the unit last. */

/** Bytes of a proof or receipt file (docs/reference/proofs.md, section 8). */
export const PROOF_BYTES_MAX = 16 * 1024 * 1024;
/** Headers of one certified chain. */
export const PROOF_HEADERS_MAX = 512;
/** Hand-overs in a proof. */
export const PROOF_HANDOVERS_MAX = 2_048;
/** Nesting of arrays and maps. */
export const PROOF_NESTING_MAX = 8;
/** Digests of one path, and of one row of peaks. */
export const PROOF_PATH_MAX = 64;
/** Bytes of a file name in a receipt (docs/reference/receipt.md). */
export const FILE_NAME_BYTES_MAX = 255;
/** Bytes of a media type (RFC 6838, section 4.2). */
export const MEDIA_TYPE_BYTES_MAX = 127;
/** Bytes of a trust file. */
export const TRUST_BYTES_MAX = 1024 * 1024;
/** Nesting of a trust file; its own fields nest three deep. */
export const TRUST_NESTING_MAX = 128;
/** Digits of an integer in a trust file; 64 bits have 20. */
export const TRUST_DIGITS_MAX = 4300;
/** Validators of one epoch. */
export const VALIDATORS_MAX = 100;

/** Bytes of one encoded header. */
export const HEADER_BYTES_MAX = 65_536;
/** Bytes of a header's extension. */
export const EXTENSION_BYTES_MAX = 1024;
/** Bytes of a name. */
export const NAME_BYTES_MAX = 32;
/** Bytes of a validator's network address, as text. */
export const ADDRESS_TEXT_BYTES_MAX = 128;
/** Bytes of one encoded transaction. */
export const TRANSACTION_BYTES_MAX = 65_536;
/** Calls in one transaction. */
export const CALLS_MAX = 64;
/** Bytes of one call's arguments. */
export const ARGUMENTS_BYTES_MAX = 40_960;
/** Bytes of one signature of any algorithm. */
export const SIGNATURE_BYTES_MAX = 4096;
/** Events of one outcome. */
export const EVENTS_MAX = 4096;
/** Topics of one event. */
export const TOPICS_MAX = 4;
/** Bytes of one event's data. */
export const EVENT_DATA_BYTES_MAX = 65_536;
/** Key indices that an account ever gets. */
export const ACCOUNT_KEYS_MAX = 8;
/** Bytes of one value in the state beside the accounts. */
export const STATE_VALUE_BYTES_MAX = 65_536;
/** Fewest bytes of a transfer's reference. */
export const TRANSFER_REFERENCE_BYTES_MIN = 16;
/** Most bytes of a transfer's reference. */
export const TRANSFER_REFERENCE_BYTES_MAX = 64;

/** Largest unsigned integer of 32 bits. */
export const U32_MAX = 2 ** 32 - 1;
/** Largest unsigned integer of 64 bits. */
export const U64_MAX = 2n ** 64n - 1n;
