//! Play scenarios in which clocks are wrong.

use super::{
    engine::{EPOCH, LEADER_MS, Planted, Validators},
    machine::Wall,
    properties::{Holds, NoPause, RightTimes},
    scenarios::{good, plan_of, play},
};
use commonware_glue::simulate::{action::Crash, plan::PlanBuilder};
use std::time::Duration;

/// Seconds by which a clock is set wrong.
const OFF_S: i64 = 30;
/// Blocks after which each validator has seen what it takes to correct its clock.
const LEARNED: u64 = EPOCH;
const RIGHT: Wall = Wall { ahead_s: 0, gain_ms: 0, step: None };
const AHEAD: Wall = Wall { ahead_s: OFF_S, ..RIGHT };
const BEHIND: Wall = Wall { ahead_s: -OFF_S, ..RIGHT };
/// It gains, or loses, three minutes in a quarter of an hour.
const FAST: Wall = Wall { gain_ms: 200, ..RIGHT };
const SLOW: Wall = Wall { gain_ms: -200, ..RIGHT };

/// Validators with these clocks, another one first with each seed, since leaders take turns.
fn with_clocks(walls: &[Wall], seed: u64) -> Validators {
    let mut walls = walls.to_vec();
    let count = walls.len();
    walls.rotate_left(seed as usize % count);
    Validators::new(count as u8, Planted::Nothing).with_walls(walls)
}

/// Validators with these clocks that crash at random.
fn crashing(walls: &[Wall], seed: u64) -> PlanBuilder<Validators> {
    let plan = plan_of(with_clocks(walls, seed), 4 * EPOCH + 3, seed);
    plan.property(Holds(RightTimes { after: LEARNED, behind_ms_max: 5_000 })).crash(Crash::Random {
        frequency: Duration::from_millis(1_900 + 37 * (seed % 20)),
        downtime: Duration::from_millis(100 + 53 * (seed % 17)),
        count: 1,
    })
}

/// Goal: wrong clocks cost no turns. Method: one of four is ahead, one is behind; once each has
/// seen some blocks, no two blocks are as far apart as the shortest timeout.
#[test]
fn wrong_clocks_cost_no_turns() {
    play(1, |seed| {
        let plan = plan_of(with_clocks(&[RIGHT, AHEAD, RIGHT, BEHIND], seed), 3 * EPOCH, seed);
        let pause = NoPause { after: LEARNED, gap_ms_max: LEADER_MS - 1 };
        plan.link(good())
            .property(Holds(pause))
            .property(Holds(RightTimes { after: LEARNED, behind_ms_max: 500 }))
    });
}

/// Goal: wrong clocks do no harm where nodes crash. Method: one of four is ahead, one is behind.
#[test]
fn wrong_clocks_survive_crashes() {
    play(1, |seed| crashing(&[RIGHT, AHEAD, RIGHT, BEHIND], seed));
}

/// Goal: the same where clocks go wrong on the way. Method: of seven, two are set, one ahead and
/// one back, one runs fast and one runs slow.
#[test]
fn clocks_that_go_wrong_survive_crashes() {
    play(4, |seed| {
        let set = |after_s, seconds| Wall { step: Some((after_s, seconds)), ..RIGHT };
        let (ahead, back) = (set(2 + seed % 4, OFF_S), set(4 + seed % 5, -OFF_S));
        crashing(&[RIGHT, ahead, RIGHT, back, FAST, RIGHT, SLOW], seed)
    });
}
