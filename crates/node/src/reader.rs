//! Read the chain: the one interface between the node's API and what stores blocks and state.
//!
//! Every answer concerns final blocks. A block can be found here a moment before it is durable;
//! the API looks no further than the height that [`Feed`](crate::feed::Feed) names.

use bytes::Bytes;
use futures::future::BoxFuture;
use std::sync::Arc;
use trine_consensus::KeptVotes;
use trine_ledger::state::Table;
use trine_types::{
    Account, Address, Digest, Header, Height, LogId, Outcome, StateKey, Transaction, TransactionId,
};

/// Storage failed; the message is for the node's log, not for a client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reading the chain: {0}")]
pub struct ReadError(pub String);

/// What a read gives.
pub type Read<'a, T> = BoxFuture<'a, Result<T, ReadError>>;

/// A final block without the bytes of its transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlock {
    /// Header.
    pub header: Header,
    /// Digest of the header.
    pub digest: Digest,
    /// Identifiers of the transactions, in order.
    pub ids: Vec<TransactionId>,
    /// Codes of their outcomes, as numbers, in the same order.
    pub codes: Vec<u16>,
}

/// A final transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTransaction {
    /// The transaction.
    pub transaction: Arc<Transaction>,
    /// Block that holds it.
    pub height: Height,
    /// Place in the block.
    pub index: u32,
    /// Time of the block in Unix milliseconds.
    pub time_ms: u64,
    /// What execution said.
    pub outcome: Outcome,
}

/// Where an evidence entry lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// The entry.
    pub digest: Digest,
    /// Log.
    pub log: LogId,
    /// Index in the log.
    pub index: u64,
    /// Transaction that appended it.
    pub transaction: TransactionId,
    /// Block that holds the transaction.
    pub height: Height,
}

/// What a proof is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A transaction and its outcome.
    Transaction(TransactionId),
    /// The header of a block.
    Block(Height),
    /// An account.
    Account(Address),
    /// A value of the state, or its absence.
    State(StateKey),
    /// An entry of an evidence log.
    Entry {
        /// Log.
        log: LogId,
        /// Index in the log.
        index: u64,
    },
    /// A transfer that carried a reference.
    Transfer {
        /// Who made it.
        sender: Address,
        /// Its reference.
        reference: Vec<u8>,
    },
    /// Votes that exclude each other, by their name.
    Misbehaviour(Digest),
}

/// Reads final blocks, their transactions and the newest state.
pub trait ChainReader: Send + Sync + 'static {
    /// Accounts in the newest final state, in the order asked.
    fn accounts(&self, addresses: Vec<Address>) -> Read<'_, Vec<Option<Account>>>;

    /// Values in the newest final state, in the order asked.
    fn values(&self, keys: Vec<StateKey>) -> Read<'_, Vec<Option<Vec<u8>>>>;

    /// Block at a height.
    fn block(&self, height: Height) -> Read<'_, Option<StoredBlock>>;

    /// Whether a certificate of this very block is at hand; else a later one covers it.
    fn certified(&self, height: Height) -> Read<'_, bool>;

    /// The encoded block with a digest (see `docs/reference/wire.md`).
    fn encoded_block(&self, digest: Digest) -> Read<'_, Option<Bytes>>;

    /// Certificate and block at a height as the engine encodes them; none where the block has no
    /// certificate of its own.
    fn encoded_finalization(&self, height: Height) -> Read<'_, Option<Bytes>>;

    /// Operations of a state table with their proof; request and answer as the engine encodes them.
    fn operations(&self, table: Table, request: Bytes) -> Read<'_, Option<Bytes>>;

    /// Entries of a log from `first` on, at most `count`.
    fn entries(&self, log: LogId, first: u64, count: usize) -> Read<'_, Vec<Digest>>;

    /// Transaction by its identifier.
    fn transaction(&self, id: TransactionId) -> Read<'_, Option<StoredTransaction>>;

    /// Transactions that an account sent or that concern it, newest first, at most `limit`.
    fn recent_transactions(&self, address: Address, limit: usize) -> Read<'_, Vec<TransactionId>>;

    /// Entry of an evidence log.
    fn entry(&self, log: LogId, index: u64) -> Read<'_, Option<StoredEntry>>;

    /// Place of an entry, the first where it stands in several.
    fn find_entry(&self, digest: Digest) -> Read<'_, Option<StoredEntry>>;

    /// Senders who made a transfer with this reference, at most `limit`.
    fn transfer_senders(&self, reference: Vec<u8>, limit: usize) -> Read<'_, Vec<Address>>;

    /// Proof file about `subject` against the newest block that is certified, `None` where there
    /// is no such subject.
    fn proof(&self, subject: Subject) -> Read<'_, Option<Vec<u8>>>;

    /// Votes that exclude each other, which this node keeps, oldest epoch first.
    fn conflicting_votes(&self) -> Vec<Arc<KeptVotes>>;

    /// Receipts' evidence for `count` entries of a log from `first` on, each a proof file.
    fn entry_proofs(&self, log: LogId, first: u64, count: usize) -> Read<'_, Vec<Vec<u8>>>;
}
