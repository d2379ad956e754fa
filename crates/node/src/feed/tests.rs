//! Test what the feed keeps in memory.

use super::{Feed, RECENT_BLOCKS, RECENT_TRANSACTIONS};
use crate::reader::StoredBlock;
use std::sync::Arc;
use trine_types::{
    Digest, Header, Height, StateCommitment, TransactionId, ValidatorKey,
    limits::BLOCK_TRANSACTIONS_MAX,
};

fn block(height: u8, transactions: usize) -> Arc<StoredBlock> {
    let mut proposer = ValidatorKey::default();
    proposer.0[1] = height;
    let header = Header {
        chain_id: Default::default(),
        height: Height(u64::from(height)),
        epoch: trine_types::Epoch(0),
        view: u64::from(height),
        parent_view: 0,
        proposer,
        parent: Digest::default(),
        time_ms: 0,
        body_root: Digest::default(),
        outcome_root: Digest::default(),
        evidence_root: Digest::default(),
        accounts: StateCommitment::default(),
        values: StateCommitment::default(),
        parameters_version: 0,
        epoch_change: None,
        extension: Vec::new(),
    };
    let ids = vec![TransactionId([height; 32]); transactions];
    let codes = vec![0; transactions];
    Arc::new(StoredBlock { header, digest: Digest::default(), ids, codes })
}

/// Goal: full blocks take bounded memory, and who proposed is known for longer. Method: 100 full
/// blocks, each of another proposer; the newest that hold as many transactions as are kept are in
/// memory, the one before is not, and all proposers are known.
#[test]
fn full_blocks_leave_earlier_than_their_proposers() {
    let kept = (RECENT_TRANSACTIONS / BLOCK_TRANSACTIONS_MAX) as u8;
    let (feed, newest) = (Feed::new(None), 100);
    assert!(usize::from(newest) < RECENT_BLOCKS && 0 < kept && kept < newest);
    for height in 1..=newest {
        feed.publish(block(height, BLOCK_TRANSACTIONS_MAX));
    }
    let found = |height: u8| feed.recent(Height(u64::from(height))).map(|one| one.header.height);
    for height in newest - kept + 1..=newest {
        assert_eq!(found(height), Some(Height(u64::from(height))));
    }
    assert_eq!(found(newest - kept), None);
    assert_eq!(found(newest + 1), None);
    assert_eq!(feed.proposed().len(), usize::from(newest));
}

/// Goal: empty blocks are bounded too. Method: more of them than are kept; the oldest are gone.
#[test]
fn empty_blocks_are_bounded_by_their_number() {
    let feed = Feed::new(None);
    let newest = u8::MAX;
    for height in 0..=newest {
        feed.publish(block(height, 0));
    }
    assert_eq!(RECENT_BLOCKS, usize::from(newest) + 1);
    assert!(feed.recent(Height(0)).is_some());
    let mut next = (*block(0, 0)).clone();
    next.header.height = Height(u64::from(newest) + 1);
    feed.publish(Arc::new(next));
    assert!(feed.recent(Height(0)).is_none());
    assert!(feed.recent(Height(1)).is_some());
}
