//! Name every limit of the chain in one place.

/// Bytes of one encoded transaction, signature included.
pub const TRANSACTION_BYTES_MAX: usize = 65_536;
/// Calls in one transaction.
pub const CALLS_MAX: usize = 64;
/// Bytes of one call's arguments.
pub const ARGUMENTS_BYTES_MAX: usize = 40_960;
/// Bytes of one signature (ML-DSA-65 has 3,309).
pub const SIGNATURE_BYTES_MAX: usize = 4_096;
/// Bytes of one public key (ML-DSA-65 has 1,952).
pub const PUBLIC_KEY_BYTES_MAX: usize = 2_048;

/// Transactions in one submitted batch.
pub const BATCH_TRANSACTIONS_MAX: usize = 4_096;
/// Bytes of one submitted batch.
pub const BATCH_BYTES_MAX: usize = 8 * 1_024 * 1_024;

/// Transactions in one block.
pub const BLOCK_TRANSACTIONS_MAX: usize = 16_384;
/// Bytes of all transactions of one block.
pub const BLOCK_BYTES_MAX: usize = 8 * 1_024 * 1_024;
/// Bytes of one encoded header.
pub const HEADER_BYTES_MAX: usize = 65_536;
/// Bytes of a header's extension.
pub const EXTENSION_BYTES_MAX: usize = 1_024;
/// Milliseconds that a block's time may lie ahead of the verifier's clock.
pub const BLOCK_AHEAD_MS_MAX: u64 = 500;

/// Width of an account's nonce window.
pub const NONCE_WINDOW: u64 = 128;
/// How far beyond the window a nonce may lie and still slide it.
pub const NONCE_SLIDE_MAX: u64 = 1_024;

/// Keys of one account, the first included.
pub const ACCOUNT_KEYS_MAX: usize = 8;

/// Characters of a name (chain, organisation, log, asset); `a-z`, `0-9` and `-`.
pub const NAME_BYTES_MAX: usize = 32;
/// Bytes of an asset symbol; `A-Z` and `0-9`.
pub const SYMBOL_BYTES_MAX: usize = 12;
/// Largest number of decimals of an asset.
pub const DECIMALS_MAX: u8 = 18;
/// Bytes of a validator's network address, as text.
pub const ADDRESS_TEXT_BYTES_MAX: usize = 128;
/// Bytes of a media type.
pub const MEDIA_TYPE_BYTES_MAX: usize = 127;

/// Evidence entries in one call.
pub const ENTRIES_MAX: usize = 1_000;
/// Bytes of an evidence reference.
pub const EVIDENCE_REFERENCE_BYTES_MAX: usize = 64;
/// Shortest transfer reference, in bytes.
pub const TRANSFER_REFERENCE_BYTES_MIN: usize = 16;
/// Longest transfer reference, in bytes.
pub const TRANSFER_REFERENCE_BYTES_MAX: usize = 64;

/// Validators of one epoch.
pub const VALIDATORS_MAX: usize = 100;
/// Organisations of one chain.
pub const ORGANISATIONS_MAX: u32 = 1_000;
/// Evidence logs of one chain.
pub const LOGS_MAX: u32 = 100_000;
/// Topics of one event.
pub const TOPICS_MAX: usize = 4;
/// Bytes of one event's data.
pub const EVENT_DATA_BYTES_MAX: usize = 65_536;
/// Events of one outcome.
pub const EVENTS_MAX: usize = 4_096;
/// Bytes of one value in the cold state.
pub const STATE_VALUE_BYTES_MAX: usize = 65_536;

/// Fewest blocks of an epoch.
pub const BLOCKS_PER_EPOCH_MIN: u64 = 8;
/// Most blocks of an epoch.
pub const BLOCKS_PER_EPOCH_MAX: u64 = 1_000_000;
/// Accounts that a genesis may generate for load tests.
pub const GENERATED_ACCOUNTS_MAX: u64 = 10_000_000;
/// Bytes of a genesis document.
pub const GENESIS_BYTES_MAX: usize = 16 * 1_024 * 1_024;
