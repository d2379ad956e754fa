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
/// Certification authorities that one organisation trusts at a time.
pub const AUTHORITIES_MAX: usize = 16;
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

/// Transactions that a node keeps until they are final.
pub const PENDING_TRANSACTIONS_MAX: usize = 131_072;
/// Bytes of all transactions that a node keeps until they are final.
pub const PENDING_BYTES_MAX: usize = 256 * 1_024 * 1_024;
/// Transactions that a node keeps however slowly blocks take them.
pub const BACKLOG_TRANSACTIONS_MIN: usize = 16_384;
/// Milliseconds that the oldest transaction may wait before a node with a longer backlog takes no
/// further ones of clients: what cannot be final soon is refused before it costs anything.
pub const BACKLOG_MS_MAX: u64 = 2_000;
/// Transactions of one account that a node keeps: as many nonces as can be used in any order.
pub const PENDING_ACCOUNT_MAX: usize = NONCE_WINDOW as usize;
/// Transactions that a node remembers after they became final, to drop their copies.
pub const RECENT_TRANSACTIONS_MAX: usize = 65_536;
/// Transactions that wait for the check of their signatures.
pub const VERIFY_QUEUE_MAX: usize = 65_536;
/// Signatures that make a full batch: more are checked without waiting for others.
pub const VERIFY_BATCH_FULL: usize = 1_024;
/// Longest time in milliseconds that a signature waits for others to share its batch.
pub const VERIFY_GATHER_MS_MAX: u64 = 5;
/// Longest time in milliseconds that a transaction which another node vouches for waits to be
/// checked with others.
pub const CHECK_FORWARDED_MS_MAX: u64 = 100;
/// Such transactions that are checked without waiting for others.
pub const CHECK_FORWARDED_FULL: usize = 2_048;
/// Bytes of transactions in one message to the other nodes.
pub const FORWARD_BYTES_MAX: usize = 512 * 1_024;
/// Messages to the other nodes that wait to be sent or read.
pub const FORWARD_QUEUE_MAX: usize = 256;
/// Milliseconds for which transactions gather before they are sent to the other nodes.
pub const FORWARD_GATHER_MS: u64 = 5;
/// Milliseconds after which a transaction that is not final is sent to the other nodes again.
pub const FORWARD_AGAIN_MS: u64 = 5_000;

/// Longest time in milliseconds for which a request may wait for a transaction to be final.
pub const WAIT_MS_MAX: u64 = 30_000;
/// Requests that may wait at the same time for transactions to be final.
pub const WAITING_REQUESTS_MAX: usize = 10_000;
/// Items in one page of a list.
pub const PAGE_LIMIT_MAX: usize = 100;
/// Items in one page of a list where the request names no number.
pub const PAGE_LIMIT_DEFAULT: usize = 20;
/// Clients that may follow the stream of blocks at the same time.
pub const STREAM_CLIENTS_MAX: usize = 256;
/// Requests that a node serves at the same time.
pub const REQUESTS_MAX: usize = 4_096;
/// Milliseconds by which the time of a signature on a request for records may differ from the
/// node's clock.
pub const READ_SIGNATURE_MS_MAX: u64 = 60_000;
/// Bytes of a JSON request: one transaction in hexadecimal, and its surroundings.
pub const JSON_BYTES_MAX: usize = 2 * TRANSACTION_BYTES_MAX + 1_024;
/// Milliseconds that a request's body may take to arrive.
pub const BODY_MS_MAX: u64 = 30_000;
/// Receipts in one answer.
pub const RECEIPTS_MAX: usize = 1_000;
/// Pieces of evidence of conflicting votes that a node keeps against one validator of one epoch.
pub const CONFLICTING_VOTES_EPOCH_MAX: usize = 4;
/// Pieces of evidence of conflicting votes that a node keeps.
pub const CONFLICTING_VOTES_MAX: usize = 1_024;

/// Bytes of a proof or receipt file.
pub const PROOF_BYTES_MAX: usize = 16 * 1_024 * 1_024;
/// Headers of one certified chain in a proof.
pub const PROOF_HEADERS_MAX: usize = 512;
/// Hand-overs in a proof.
pub const PROOF_HANDOVERS_MAX: usize = 2_048;
/// Nesting of arrays and maps in a proof or receipt file.
pub const PROOF_NESTING_MAX: usize = 8;
/// Bytes of a file name in a receipt.
pub const FILE_NAME_BYTES_MAX: usize = 255;
/// Bytes of a trust file.
pub const TRUST_BYTES_MAX: usize = 1_024 * 1_024;

/// Final blocks on their way into history.
pub const HISTORY_QUEUE_BLOCKS_MAX: usize = 64;
/// Bytes of the senders, outcomes and log changes that history keeps of one block.
pub const HISTORY_TAIL_BYTES_MAX: usize = 256 * 1_024 * 1_024;
/// Newest final blocks against which the head of an evidence log can be proven.
pub const EVIDENCE_HEIGHTS_MAX: usize = 1_024;
