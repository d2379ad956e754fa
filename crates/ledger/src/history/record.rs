//! Encode what history keeps of one block.
//!
//! A record has two parts, each with its own checksum in the frame around it. The head holds what
//! lookups need: the number of earlier transactions, header digest, header, transaction ids. The
//! tail holds the rest, compressed: sender and outcome of each transaction, then the changes of
//! evidence logs. Transactions themselves stay in the engine's archive of blocks.

use crate::{Block, BlockError, block::Body};
use std::sync::Arc;
use trine_types::{
    Address, Decode, DecodeError, Digest, Encode as _, Header, Height, LogId, Outcome,
    TransactionId,
    application::{Execution, LogAppend},
    codec::{Decoder, Encoder, check_limit},
    limits::{BLOCK_BYTES_MAX, BLOCK_TRANSACTIONS_MAX, HEADER_BYTES_MAX, HISTORY_TAIL_BYTES_MAX},
};

/// Level of zstd: the lowest that still codes entropy.
const COMPRESSION_LEVEL: i32 = 1;

/// What history is told about a final block.
#[derive(Clone, Debug)]
pub struct FinalizedBlock {
    /// Header.
    pub header: Header,
    /// Digest of the header.
    pub digest: Digest,
    /// Transactions in order.
    pub transactions: Body,
    /// What executing them gave.
    pub execution: Arc<Execution>,
}

impl FinalizedBlock {
    /// Takes a block with its transactions.
    ///
    /// # Errors
    /// [`BlockError`] of the first transaction that is malformed.
    pub fn new(block: &Block, execution: Arc<Execution>) -> Result<Self, BlockError> {
        let (header, digest) = (block.header().clone(), block.id());
        Ok(Self { header, digest, transactions: block.transactions()?, execution })
    }
}

/// The head of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockHead {
    /// Transactions in all earlier blocks of this history.
    pub transactions_before: u64,
    /// Digest of the header.
    pub digest: Digest,
    /// Header.
    pub header: Header,
    /// Transactions in order.
    pub ids: Vec<TransactionId>,
}

impl BlockHead {
    /// Transactions up to this block, it included.
    pub const fn transactions_total(&self) -> u64 {
        self.transactions_before + self.ids.len() as u64
    }
}

impl Decode for BlockHead {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let transactions_before = u64::decode(from)?;
        let digest = Digest::decode(from)?;
        let header = Header::from_bytes(from.bytes32(HEADER_BYTES_MAX, "header")?)?;
        let count = u32::decode(from)? as usize;
        check_limit(count, BLOCK_TRANSACTIONS_MAX, "transactions")?;
        let ids = (0..count).map(|_| TransactionId::decode(from)).collect::<Result<_, _>>()?;
        Ok(Self { transactions_before, digest, header, ids })
    }
}

/// The tail of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockTail {
    /// Sender of each transaction, in order.
    pub senders: Vec<Address>,
    /// Outcome of each transaction, in order.
    pub outcomes: Vec<Outcome>,
    /// Changes of evidence logs.
    pub log_appends: Vec<LogAppend>,
}

impl BlockTail {
    /// Reads the compressed tail of a block with `count` transactions.
    ///
    /// # Errors
    /// [`DecodeError`] for bytes that are no such tail.
    pub fn from_compressed(bytes: &[u8], count: usize) -> Result<Self, DecodeError> {
        let mut decoder = Decoder::new(bytes);
        let length = u32::decode(&mut decoder)? as usize;
        check_limit(length, HISTORY_TAIL_BYTES_MAX, "history record")?;
        let compressed = decoder.raw(decoder.remaining())?;
        let plain = zstd::bulk::decompress(compressed, length)
            .map_err(|_| DecodeError::Malformed("does not decompress"))?;
        let mut from = Decoder::new(&plain);
        let mut tail = Self::default();
        for _ in 0..count {
            tail.senders.push(Address::decode(&mut from)?);
            tail.outcomes.push(Outcome::decode(&mut from)?);
        }
        let appends = u32::decode(&mut from)?;
        for _ in 0..appends {
            tail.log_appends.push(decode_append(&mut from)?);
        }
        from.finish()?;
        Ok(tail)
    }
}

fn decode_append(from: &mut Decoder<'_>) -> Result<LogAppend, DecodeError> {
    let log = LogId::decode(from)?;
    let first_index = u64::decode(from)?;
    let count = u32::decode(from)? as usize;
    check_limit(count, BLOCK_BYTES_MAX / Digest::LENGTH, "entries")?;
    let entries = (0..count).map(|_| Digest::decode(from)).collect::<Result<_, _>>()?;
    Ok(LogAppend { log, first_index, entries })
}

/// A record, ready to be framed.
#[derive(Debug)]
pub struct Encoded {
    /// Head.
    pub head: Vec<u8>,
    /// Compressed tail.
    pub tail: Vec<u8>,
}

/// Encodes a record.
///
/// # Errors
/// The reason when the block's parts do not fit each other or the tail is over its limit.
pub fn encode(block: &FinalizedBlock, transactions_before: u64) -> Result<Encoded, &'static str> {
    if block.transactions.len() != block.execution.outcomes.len() {
        return Err("another number of outcomes than of transactions");
    }
    let mut head = Encoder(Vec::with_capacity(1_024 + Digest::LENGTH * block.transactions.len()));
    transactions_before.encode(&mut head);
    block.digest.encode(&mut head);
    head.bytes32(&block.header.to_bytes());
    (block.transactions.len() as u32).encode(&mut head);
    block.transactions.iter().for_each(|transaction| transaction.id.encode(&mut head));

    let mut tail = Encoder(Vec::with_capacity(160 * block.transactions.len()));
    for (transaction, outcome) in block.transactions.iter().zip(&block.execution.outcomes) {
        transaction.body.sender.encode(&mut tail);
        outcome.encode(&mut tail);
    }
    (block.execution.log_appends.len() as u32).encode(&mut tail);
    for append in &block.execution.log_appends {
        append.log.encode(&mut tail);
        append.first_index.encode(&mut tail);
        (append.entries.len() as u32).encode(&mut tail);
        append.entries.iter().for_each(|entry| entry.encode(&mut tail));
    }
    if tail.0.len() > HISTORY_TAIL_BYTES_MAX {
        return Err("outcomes over the limit of a history record");
    }
    let mut compressed = (tail.0.len() as u32).to_be_bytes().to_vec();
    let body = zstd::bulk::compress(&tail.0, COMPRESSION_LEVEL)
        .map_err(|_| "outcomes that cannot be compressed")?;
    compressed.extend_from_slice(&body);
    Ok(Encoded { head: head.0, tail: compressed })
}

/// Everything that history keeps of one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRecord {
    /// Header, digest and transaction ids.
    pub head: BlockHead,
    /// Senders, outcomes and changes of evidence logs.
    pub tail: BlockTail,
}

impl BlockRecord {
    /// Height of the block.
    pub const fn height(&self) -> Height {
        self.head.header.height
    }
}
