//! Play scenarios in which leaders lie.

use super::{
    engine::{EPOCH, Planted, Validators},
    liar::Lie,
    properties::{Holds, LiesFail, RightTimes},
    scenarios::{plan_but, play, size},
};
use commonware_glue::simulate::plan::PlanBuilder;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Of so many validators, as many as may lie do; the others go on without them.
fn lying(count: u8, lie: Lie, seed: u64, told: &Arc<AtomicUsize>) -> PlanBuilder<Validators> {
    let validators = Validators::new(count, Planted::Lies(lie));
    let (liars, genesis) = (validators.liars_max(), validators.genesis.clone());
    let law = LiesFail { liars, keys: validators.public_keys(), genesis, told: told.clone() };
    let plan = plan_but(liars, validators, 2 * EPOCH + 3, seed).property(Holds(law));
    plan.property(Holds(RightTimes { after: 0, behind_ms_max: 5_000 }))
}

/// One of four, two of seven and five of sixteen, over a share of the seeds for each of ten lies.
fn play_lie(lie: Lie) {
    let told = Arc::default();
    play(8, |seed| lying(size(seed), lie, seed, &told));
    assert!(told.load(Ordering::Relaxed) > 0, "nobody told a lie");
}

/// Goal: no block is final that names another state. Method: leaders change the root.
#[test]
fn a_wrong_state_is_refused() {
    play_lie(Lie::State);
}

/// Goal: no block is final that names other outcomes. Method: leaders change the root.
#[test]
fn wrong_outcomes_are_refused() {
    play_lie(Lie::Outcomes);
}

/// Goal: no block is final before its time. Method: leaders propose blocks from the next hour.
#[test]
fn a_future_time_is_refused() {
    play_lie(Lie::Future);
}

/// Goal: no block is final that is older than its parent. Method: leaders propose such blocks.
#[test]
fn a_past_time_is_refused() {
    play_lie(Lie::Past);
}

/// Goal: no transaction is final that its sender did not sign. Method: leaders that check no
/// signature propose what another signed; all else in their blocks is right.
#[test]
fn a_forged_transaction_is_refused() {
    play_lie(Lie::Forged);
}

/// Goal: no transaction is final twice. Method: leaders that check no nonce propose one that is
/// final; all else in their blocks is right.
#[test]
fn a_transaction_that_comes_twice_is_refused() {
    play_lie(Lie::Twice);
}

/// Goal: no block is final that is too large. Method: leaders propose a little more than a block
/// may have; all else in their blocks is right.
#[test]
fn a_block_that_is_too_large_is_refused() {
    play_lie(Lie::TooLarge);
}

/// Goal: blocks that nobody gets do not stop the chain. Method: leaders vote for their blocks and
/// keep them.
#[test]
fn withheld_blocks_do_not_stop_the_chain() {
    play_lie(Lie::Withheld);
}

/// Goal: who misses a block gets it from others than its leader. Method: leaders send each of
/// their blocks to all but one, and answer nobody who asks for it.
#[test]
fn a_block_withheld_from_one_is_fetched_from_others() {
    play_lie(Lie::WithheldFromOne);
}

/// Goal: two blocks in a view do no harm. Method: leaders send a good block to some and another
/// good one to others, and vote for both.
#[test]
fn two_blocks_in_a_view_do_no_harm() {
    play_lie(Lie::TwoBlocks);
}
