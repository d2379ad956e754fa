//! Carry the chain's block through the engine.
//!
//! The engine knows a block by its header's digest, and the header commits to the body. Decoding
//! therefore checks the body against the header: one digest never stands for two bodies.

use crate::{
    committees,
    databases::{Location, Targets},
    epochs,
    preset::{BlockDigest, Context, PublicKey},
};
use bytes::{BufMut, Bytes};
use commonware_codec::{Buf, EncodeSize, Error as CodecError, Read, Write};
use commonware_consensus::{
    Block as EngineBlock, BoundedBlock, CertifiableBlock, Heightable,
    types::{Epoch, Height, Round, View},
};
use commonware_cryptography::{Digestible, bls12381::primitives::variant::MinPk};
use commonware_glue::dkg::{ReshareBlock, types::Payload};
use commonware_storage::qmdb::sync::Target;
use commonware_utils::{range::NonEmptyRange, sequence::Unit, sync::Mutex};
use foldhash::fast::RandomState;
use std::{collections::HashSet, sync::Arc};
use trine_types::{
    Encode as _, Header, StateCommitment, Suite, Transaction, TransactionId, ValidatorKey, limits,
};

/// The leader of the block's view. Genesis has none: the engine, which asks all the same, is told
/// the first validator.
fn proposer(suite: Suite, header: &Header) -> Result<PublicKey, BlockError> {
    let first = header.epoch_change.as_ref().map(|change| change.validators.as_slice()[0].key);
    let key = match header.height {
        trine_types::Height(0) if header.proposer == ValidatorKey::default() => first,
        _ => Some(header.proposer),
    };
    key.and_then(|key| committees::decode_key(suite, &key))
        .ok_or(BlockError::Inconsistent("the proposer is no key"))
}

/// Bytes before the body: its length.
const PREFIX_BYTES: usize = 4;
/// Bytes of the largest encoded block.
const ENCODED_BYTES_MAX: usize = limits::HEADER_BYTES_MAX
    + PREFIX_BYTES
    + limits::BLOCK_BYTES_MAX
    + 4 * limits::BLOCK_TRANSACTIONS_MAX;

/// Why a block was refused before anything was executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// The bytes are no block.
    #[error("block: {0}")]
    Decode(#[from] trine_types::DecodeError),
    /// A field contradicts another field or cannot be.
    #[error("block: {0}")]
    Inconsistent(&'static str),
}

/// Identifiers of transactions.
pub type TransactionIds = HashSet<TransactionId, RandomState>;

/// Transactions in the order of a block.
pub type Body = Arc<[Arc<Transaction>]>;

/// A well-formed block with everything that the engine asks of it.
#[derive(Clone)]
pub struct Block {
    suite: Suite,
    inner: Arc<trine_types::Block>,
    encoded: Bytes,
    digest: BlockDigest,
    proposer: PublicKey,
    targets: Targets,
    /// The transactions, from when somebody asked for them until they are released; clones share
    /// them.
    body: Arc<Mutex<Option<Body>>>,
}

impl Block {
    /// Checks a block that was decoded or built here.
    ///
    /// # Errors
    /// [`BlockError::Inconsistent`] when the body is not the header's, a key is no key, or a
    /// commitment is impossible.
    pub fn new(suite: Suite, block: trine_types::Block) -> Result<Self, BlockError> {
        let encoded = Bytes::from(block.to_bytes());
        Self::with_encoding(suite, block, encoded)
    }

    /// Reads a block that fills `bytes`.
    ///
    /// # Errors
    /// [`BlockError`] for anything that is not the one encoding of a well-formed block.
    pub fn from_bytes(suite: Suite, bytes: Bytes) -> Result<Self, BlockError> {
        let block = trine_types::Block::from_shared(&bytes)?;
        Self::with_encoding(suite, block, bytes)
    }

    /// Takes a block that was just built from `body`, whose root the header has.
    ///
    /// # Errors
    /// As [`Block::new`], the body apart.
    pub fn built(suite: Suite, block: trine_types::Block, body: Body) -> Result<Self, BlockError> {
        let encoded = Bytes::from(block.to_bytes());
        Ok(Self::checked(suite, block, encoded)?.with_body(body))
    }

    fn with_encoding(
        suite: Suite,
        block: trine_types::Block,
        encoded: Bytes,
    ) -> Result<Self, BlockError> {
        if block.body_root(suite) != block.header.body_root {
            return Err(BlockError::Inconsistent("the body is not the one of the header"));
        }
        Self::checked(suite, block, encoded)
    }

    /// Checks everything but the body's root.
    fn checked(
        suite: Suite,
        block: trine_types::Block,
        encoded: Bytes,
    ) -> Result<Self, BlockError> {
        let header = &block.header;
        if let Some(change) = &header.epoch_change {
            epochs::check_keys(suite, change)?;
        }
        let proposer = proposer(suite, header)?;
        let targets = (target(&header.accounts)?, target(&header.values)?);
        let digest = BlockDigest::from(header.digest(suite).0);
        let (inner, body) = (Arc::new(block), Arc::default());
        Ok(Self { suite, inner, encoded, digest, proposer, targets, body })
    }

    /// The same block with its transactions, which the caller has decoded already. Its clones from
    /// before do not have them.
    #[must_use]
    pub fn with_body(self, body: Body) -> Self {
        Self { body: Arc::new(Mutex::new(Some(body))), ..self }
    }

    /// Forgets the transactions, in all clones: whoever keeps the block keeps its bytes only.
    pub fn release_body(&self) {
        *self.body.lock() = None;
    }

    /// Header.
    pub fn header(&self) -> &Header {
        &self.inner.header
    }

    /// Header and raw transactions.
    pub const fn inner(&self) -> &Arc<trine_types::Block> {
        &self.inner
    }

    /// Suite of the chain.
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// Digest of the header.
    pub const fn id(&self) -> trine_types::Digest {
        trine_types::Digest(self.digest.0)
    }

    /// The block's one encoding.
    pub const fn encoded(&self) -> &Bytes {
        &self.encoded
    }

    /// The transactions, decoded once.
    ///
    /// # Errors
    /// [`BlockError::Decode`] of the first that is malformed.
    pub fn transactions(&self) -> Result<Body, BlockError> {
        self.transactions_with(|raw| vec![None; raw.len()])
    }

    /// The transactions; `known` gives those that are in memory already, by their bytes.
    ///
    /// # Errors
    /// [`BlockError::Decode`] of the first that is malformed.
    pub fn transactions_with(
        &self,
        known: impl FnOnce(&[Bytes]) -> Vec<Option<Arc<Transaction>>>,
    ) -> Result<Body, BlockError> {
        if let Some(body) = &*self.body.lock() {
            return Ok(body.clone());
        }
        let raw = &self.inner.transactions;
        let decode = |(found, raw): (Option<_>, &Bytes)| match found {
            Some(found) => Ok(found),
            None => Transaction::from_bytes(self.suite, raw.clone()).map(Arc::new),
        };
        let body: Body = known(raw).into_iter().zip(raw).map(decode).collect::<Result<_, _>>()?;
        *self.body.lock() = Some(body.clone());
        Ok(body)
    }

    /// What the databases hold after this block.
    pub const fn targets(&self) -> &Targets {
        &self.targets
    }
}

/// Reads a commitment as a database's sync target.
fn target(
    commitment: &StateCommitment,
) -> Result<Target<crate::databases::Family, BlockDigest>, BlockError> {
    let (floor, size) = (Location::new(commitment.floor), Location::new(commitment.size));
    if !floor.is_valid() || !size.is_valid() {
        return Err(BlockError::Inconsistent("a state commitment is out of range"));
    }
    let range = NonEmptyRange::new(floor..size)
        .map_err(|_| BlockError::Inconsistent("a state commitment is empty"))?;
    Ok(Target::new(BlockDigest::from(commitment.operations_root.0), range))
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Block({}, {:?})", self.header().height, self.id())
    }
}

impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Block {}

impl Write for Block {
    fn write(&self, to: &mut impl BufMut) {
        (self.encoded.len() as u32).write(to);
        to.put_slice(&self.encoded);
    }
}

impl EncodeSize for Block {
    fn encode_size(&self) -> usize {
        PREFIX_BYTES + self.encoded.len()
    }
}

impl Read for Block {
    type Cfg = Suite;

    fn read_cfg(from: &mut impl Buf, suite: &Suite) -> Result<Self, CodecError> {
        let length = u32::read_cfg(from, &())? as usize;
        if length > ENCODED_BYTES_MAX || length > from.remaining() {
            return Err(CodecError::InvalidLength(length));
        }
        Self::from_bytes(*suite, from.copy_to_bytes(length))
            .map_err(|error| CodecError::Wrapped("Block", Box::new(error)))
    }
}

impl Digestible for Block {
    type Digest = BlockDigest;

    fn digest(&self) -> BlockDigest {
        self.digest
    }
}

impl Heightable for Block {
    fn height(&self) -> Height {
        Height::new(self.header().height.0)
    }
}

impl EngineBlock for Block {
    fn parent(&self) -> BlockDigest {
        BlockDigest::from(self.header().parent.0)
    }
}

impl CertifiableBlock for Block {
    type Context = Context;

    fn context(&self) -> Context {
        let header = self.header();
        Context {
            round: Round::new(Epoch::new(header.epoch.0), View::new(header.view)),
            leader: self.proposer.clone(),
            parent: (View::new(header.parent_view), self.parent()),
        }
    }
}

impl BoundedBlock for Block {
    fn max_encode_size(_: &Suite) -> usize {
        PREFIX_BYTES + ENCODED_BYTES_MAX
    }
}

impl ReshareBlock for Block {
    type Variant = MinPk;
    type PublicKey = PublicKey;
    type Directory = Unit;

    fn payload(&self) -> Option<Payload<MinPk, PublicKey, Unit>> {
        let change = self.header().epoch_change.as_ref()?;
        Some(Payload::EpochInfo(epochs::info(change)))
    }
}

#[cfg(test)]
pub(crate) mod tests;
