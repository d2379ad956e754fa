//! Pick the algorithms of one chain preset: hash, certificates, thread pool.
//!
//! Every other module names these aliases, so that a second preset is a second copy of this file.

use crate::certificates;
use commonware_consensus::{
    marshal::{self, standard::Standard},
    simplex,
};

/// Hash of blocks and state.
pub type Hash = commonware_cryptography::Sha256;
/// Value of [`Hash`].
pub type BlockDigest = commonware_cryptography::sha256::Digest;
/// Validator's identity and certificate key.
pub type PublicKey = trine_crypto::VoteKey;
/// Whoever signs for a validator.
pub type PrivateKey = trine_crypto::VoteSigner;
/// Certificates: one signature a signer.
pub type Scheme = certificates::Scheme;
/// Pool on which hashing and signature checks run.
pub type Strategy = commonware_parallel::Rayon;

/// What consensus tells about a block: round, leader, parent.
pub type Context = simplex::types::Context<BlockDigest, PublicKey>;
/// Whole blocks travel from the leader to everybody.
pub type Variant = Standard<crate::Block>;
/// Access to finalized blocks and certificates.
pub type Marshal = marshal::core::Mailbox<Scheme, Variant>;
/// Certificate that a block is final.
pub type Finalization = simplex::types::Finalization<Scheme, BlockDigest>;
