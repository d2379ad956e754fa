//! Pick the types that the engine is made with: digests, certificates, thread pool.
//!
//! They serve every suite: a digest has 32 bytes, keys and signatures carry their algorithm. The
//! hash of the state alone is a type of its own a suite; see [`databases`](crate::databases).

use crate::certificates;
use commonware_consensus::{
    marshal::{self, standard::Standard},
    simplex,
};

/// A hash value, of either suite.
pub type BlockDigest = commonware_cryptography::sha256::Digest;
/// Validator's identity and certificate key.
pub type PublicKey = trine_crypto::VoteKey;
/// Whoever signs for a validator.
pub type PrivateKey = trine_crypto::VoteSigner;
/// Certificates: one signature a signer.
pub type Scheme = certificates::Scheme;
/// Pool on which hashing and signature checks run.
pub type Strategy = commonware_parallel::Rayon;

/// Leaders by turns.
pub type Elector = crate::rotation::Rotation;

/// What consensus tells about a block: round, leader, parent.
pub type Context = simplex::types::Context<BlockDigest, PublicKey>;
/// Whole blocks travel from the leader to everybody.
pub type Variant = Standard<crate::Block>;
/// Access to finalized blocks and certificates.
pub type Marshal = marshal::core::Mailbox<Scheme, Variant>;
/// Certificate that a block is final.
pub type Finalization = simplex::types::Finalization<Scheme, BlockDigest>;
