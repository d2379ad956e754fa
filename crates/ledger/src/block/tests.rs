//! Test which clones of a block hold its transactions.

use super::Block;
use commonware_cryptography::Signer as _;
use trine_crypto::{Algorithm, SecretKey, VoteSigner};
use trine_types::{Digest, Header, StateCommitment, Suite, ValidatorKey, merkle};

/// A block without transactions.
pub(crate) fn block_at(height: u64, view: u64, parent: Option<&Block>) -> Block {
    let suite = Suite::Intl;
    let secret = SecretKey::from_bytes(Algorithm::Ed25519, &[7; 32]).unwrap();
    let key = VoteSigner::new(secret).unwrap().public_key();
    let nothing = Digest::default();
    let commitment = StateCommitment { root: nothing, operations_root: nothing, floor: 0, size: 1 };
    let header = Header {
        chain_id: Default::default(),
        height: trine_types::Height(height),
        epoch: trine_types::Epoch(0),
        view,
        parent_view: 0,
        proposer: ValidatorKey(key.to_array()),
        parent: parent.map_or(nothing, Block::id),
        time_ms: 1,
        body_root: merkle::root(suite, std::iter::empty::<&[u8]>()),
        outcome_root: nothing,
        evidence_root: nothing,
        accounts: commitment,
        values: commitment,
        parameters_version: 0,
        epoch_change: None,
        extension: Vec::new(),
    };
    Block::new(suite, trine_types::Block { header, transactions: Vec::new() }).unwrap()
}

/// Whether the transactions have to be fetched or decoded.
fn is_without_body(block: &Block) -> bool {
    let mut asked = false;
    let known = |raw: &[bytes::Bytes]| {
        asked = true;
        vec![None; raw.len()]
    };
    block.transactions_with(known).unwrap();
    asked
}

/// Goal: transactions are decoded once for all clones, and a release reaches all of them, but not
/// a block that was given a body of its own. Method: see who has to ask for them.
#[test]
fn clones_share_a_body_until_it_is_released() {
    let block = block_at(1, 1, None);
    let clone = block.clone();
    assert!(is_without_body(&block));
    assert!(!is_without_body(&clone));
    let own = clone.clone().with_body(clone.transactions().unwrap());
    block.release_body();
    assert!(!is_without_body(&own));
    assert!(is_without_body(&clone));
}
