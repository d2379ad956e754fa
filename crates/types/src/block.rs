//! Define a block: a header that commits to everything, and the transactions.

use crate::codec::{Decode, DecodeError, Decoder, Encode, Encoder, check_limit};
use crate::identifiers::{ChainId, Epoch, Height, ValidatorKey, tagged_hash};
use crate::limits::{BLOCK_BYTES_MAX, BLOCK_TRANSACTIONS_MAX, EXTENSION_BYTES_MAX};
use crate::merkle;
use crate::transaction::Transaction;
use crate::validators::EpochChange;
use bytes::Bytes;
use trine_crypto::{Digest, Suite};

/// Version of the header format.
pub const HEADER_VERSION: u8 = 1;

/// What a block commits about one authenticated database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateCommitment {
    /// Root that proofs of current values lead to.
    pub root: Digest,
    /// Root over the log of operations; state sync checks against it.
    pub operations_root: Digest,
    /// First operation that state sync needs.
    pub floor: u64,
    /// Number of operations.
    pub size: u64,
}

impl Encode for StateCommitment {
    fn encode(&self, to: &mut Encoder) {
        self.root.encode(to);
        self.operations_root.encode(to);
        self.floor.encode(to);
        self.size.encode(to);
    }
}

impl Decode for StateCommitment {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            root: Digest::decode(from)?,
            operations_root: Digest::decode(from)?,
            floor: u64::decode(from)?,
            size: u64::decode(from)?,
        })
    }
}

/// The header of a block; its digest is what validators certify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Chain.
    pub chain_id: ChainId,
    /// Position in the chain.
    pub height: Height,
    /// Epoch in which it was proposed.
    pub epoch: Epoch,
    /// View of the consensus in which it was proposed.
    pub view: u64,
    /// View of its parent.
    pub parent_view: u64,
    /// Key of the validator that proposed it.
    pub proposer: ValidatorKey,
    /// Digest of the parent's header; zero for genesis.
    pub parent: Digest,
    /// Block time in Unix milliseconds, greater than the parent's.
    pub time_ms: u64,
    /// RFC 9162 root over the encoded transactions, in order.
    pub body_root: Digest,
    /// RFC 9162 root over (transaction id || encoded outcome), in order.
    pub outcome_root: Digest,
    /// RFC 9162 root over the heads of the evidence logs, in the order of the log ids.
    pub evidence_root: Digest,
    /// State of the accounts after this block.
    pub accounts: StateCommitment,
    /// State of everything else after this block.
    pub values: StateCommitment,
    /// How often the chain's parameters have changed.
    pub parameters_version: u64,
    /// Next validators; on genesis and on the last block of an epoch.
    pub epoch_change: Option<EpochChange>,
    /// Room for what later versions add.
    pub extension: Vec<u8>,
}

impl Header {
    /// Digest: `tagged_hash("trine/header", encoding)`.
    pub fn digest(&self, suite: Suite) -> Digest {
        tagged_hash(suite, "trine/header", &[&self.to_bytes()])
    }

    /// One root over the whole state: `tagged_hash("trine/state", accounts root || values root)`.
    pub fn state_root(&self, suite: Suite) -> Digest {
        let parts: [&[u8]; 2] = [&self.accounts.root.0, &self.values.root.0];
        tagged_hash(suite, "trine/state", &parts)
    }
}

impl Encode for Header {
    fn encode(&self, to: &mut Encoder) {
        HEADER_VERSION.encode(to);
        self.chain_id.encode(to);
        self.height.encode(to);
        self.epoch.encode(to);
        self.view.encode(to);
        self.parent_view.encode(to);
        self.proposer.encode(to);
        self.parent.encode(to);
        self.time_ms.encode(to);
        self.body_root.encode(to);
        self.outcome_root.encode(to);
        self.evidence_root.encode(to);
        self.accounts.encode(to);
        self.values.encode(to);
        self.parameters_version.encode(to);
        to.option(&self.epoch_change);
        to.bytes16(&self.extension);
    }
}

impl Decode for Header {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let version = u8::decode(from)?;
        if version != HEADER_VERSION {
            return Err(DecodeError::UnknownVersion(version));
        }
        Ok(Self {
            chain_id: ChainId::decode(from)?,
            height: Height::decode(from)?,
            epoch: Epoch::decode(from)?,
            view: u64::decode(from)?,
            parent_view: u64::decode(from)?,
            proposer: ValidatorKey::decode(from)?,
            parent: Digest::decode(from)?,
            time_ms: u64::decode(from)?,
            body_root: Digest::decode(from)?,
            outcome_root: Digest::decode(from)?,
            evidence_root: Digest::decode(from)?,
            accounts: StateCommitment::decode(from)?,
            values: StateCommitment::decode(from)?,
            parameters_version: u64::decode(from)?,
            epoch_change: from.option()?,
            extension: from.bytes16(EXTENSION_BYTES_MAX, "extension")?.to_vec(),
        })
    }
}

/// A header with the transactions it commits to, each as its exact bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Header.
    pub header: Header,
    /// Encoded transactions in order.
    pub transactions: Vec<Bytes>,
}

impl Block {
    /// Root that the header's `body_root` must equal.
    pub fn body_root(&self, suite: Suite) -> Digest {
        merkle::root(suite, self.transactions.iter().map(|bytes| bytes.as_ref()))
    }

    /// Decodes every transaction.
    ///
    /// # Errors
    /// [`DecodeError`] of the first that is malformed, not canonical or over a limit.
    pub fn decode_transactions(&self, suite: Suite) -> Result<Vec<Transaction>, DecodeError> {
        self.transactions
            .iter()
            .map(|bytes| Transaction::from_bytes(suite, bytes.clone()))
            .collect()
    }

    /// Reads a block that fills `bytes`, sharing their memory.
    ///
    /// # Errors
    /// [`DecodeError`] for bytes that are malformed, not canonical or over a limit.
    pub fn from_shared(bytes: &Bytes) -> Result<Self, DecodeError> {
        let mut decoder = Decoder::new(bytes);
        let header = Header::decode(&mut decoder)?;
        let count = u32::decode(&mut decoder)? as usize;
        check_limit(count, BLOCK_TRANSACTIONS_MAX, "transactions")?;
        check_limit(decoder.remaining(), BLOCK_BYTES_MAX + 4 * count, "block body")?;
        let mut transactions = Vec::with_capacity(count.min(decoder.remaining() / 4));
        for _ in 0..count {
            transactions.push(bytes.slice_ref(decoder.bytes32(BLOCK_BYTES_MAX, "transaction")?));
        }
        decoder.finish()?;
        Ok(Self { header, transactions })
    }
}

impl Encode for Block {
    fn encode(&self, to: &mut Encoder) {
        self.header.encode(to);
        (self.transactions.len() as u32).encode(to);
        self.transactions.iter().for_each(|bytes| to.bytes32(bytes));
    }
}
