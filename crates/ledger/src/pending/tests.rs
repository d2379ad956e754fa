//! Test what is known of blocks above the final one, and of the last final ones.

use super::*;
use crate::block::tests::block_at;

fn insert(pending: &mut Pending, block: &Block) {
    let execution = Execution {
        outcomes: Vec::new(),
        log_appends: Vec::new(),
        parameters_version: 0,
        next_validators: None,
    };
    pending.insert(block, Body::from([]), Arc::new(execution));
}

/// Goal: a leader learns what became of its block. Method: a chain of three with a fork at the
/// second; ask before and after two of them are final, and for a height that is not there yet.
#[test]
fn a_chain_has_its_blocks() {
    let first = block_at(1, 1, None);
    let (second, fork) = (block_at(2, 2, Some(&first)), block_at(2, 3, Some(&first)));
    let third = block_at(3, 4, Some(&second));
    let mut pending = Pending::default();
    let ask = |pending: &Pending, tip: &Block, one: &Block| {
        pending.contains(tip.digest(), one.digest(), one.header().height)
    };
    assert_eq!(ask(&pending, &third, &first), None, "nothing is known");
    for one in [&first, &second, &fork, &third] {
        insert(&mut pending, one);
    }
    assert_eq!(ask(&pending, &third, &second), Some(true));
    assert_eq!(ask(&pending, &third, &third), Some(true));
    assert_eq!(ask(&pending, &third, &fork), Some(false));
    assert!(pending.of(&first).is_some());
    pending.settle(&first);
    assert!(pending.of(&first).is_none());
    pending.settle(&second);
    assert_eq!(ask(&pending, &third, &first), Some(true), "final");
    assert_eq!(ask(&pending, &third, &fork), Some(false));
    assert_eq!(ask(&pending, &fork, &second), Some(true), "an unknown tip: what is final counts");
    let unseen = block_at(4, 5, Some(&third));
    assert_eq!(ask(&pending, &unseen, &block_at(4, 6, Some(&third))), None);
}

/// Goal: memory is bounded. Method: more final blocks than are remembered.
#[test]
fn old_final_blocks_are_forgotten() {
    let mut pending = Pending::default();
    let mut last: Option<Block> = None;
    let mut all = Vec::new();
    for height in 1..=FINAL_MAX as u64 + 1 {
        let next = block_at(height, height, last.as_ref());
        insert(&mut pending, &next);
        pending.settle(&next);
        all.push(next.clone());
        last = Some(next);
    }
    let tip = last.expect("there are blocks").digest();
    assert_eq!(pending.contains(tip, all[0].digest(), Height(1)), None);
    assert_eq!(pending.contains(tip, all[1].digest(), Height(2)), Some(true));
}
