//! Say what time it is, where a node's own clock may be wrong.
//!
//! A validator whose clock was set wrong would propose blocks that the others wait for, and wait
//! for theirs, until its clock is right again: each of its turns would cost a timeout, and its vote
//! would be missing. What other validators' blocks say corrects it:
//!
//! - Several blocks in a row, of others, all older than the clock says when they arrive: it is
//!   ahead, and what this node proposes is dated back by the least of these differences. A block
//!   that is dated too early is dated a millisecond after its parent, as any of a slow clock.
//! - A parent from the future: it has the votes of a quorum, none of whose honest members found it
//!   more than [`limits::BLOCK_AHEAD_MS_MAX`] ahead, so that this clock is behind. Its child is
//!   looked at as if the time were the parent's, and what has passed since that arrived.
//!
//! Neither lets a node with the right clock accept what it would not have accepted.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};
use trine_ledger::preset::BlockDigest;
use trine_types::limits;

/// Differences smaller than this, in milliseconds, are delays and not wrong clocks. What right
/// clocks accept lies far below.
const OFF_MS_MIN: u64 = 2_000;
const _: () = assert!(OFF_MS_MIN >= 4 * limits::BLOCK_AHEAD_MS_MAX);
/// Blocks of others that must agree.
const SAMPLES: usize = 4;
/// Blocks whose arrival is remembered: a parent is one of the last.
const ARRIVALS_MAX: usize = 64;

/// A block, its time, and when it arrived on the clock that is never set.
#[derive(Clone, Copy)]
struct Arrival {
    block: BlockDigest,
    time_ms: u64,
    at: SystemTime,
}

/// What the blocks of others say about this node's clock.
#[derive(Default)]
pub struct Clocks(Mutex<State>);

#[derive(Default)]
struct State {
    arrivals: VecDeque<Arrival>,
    /// Milliseconds by which this node's clock was ahead of the last blocks of others.
    ahead_ms: VecDeque<u64>,
}

impl Clocks {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No operation leaves a state half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a block: its own time, and when it was there on the even clock. For one that
    /// another validator made, `wall_ms` is what this node's wall clock shows.
    pub fn saw(&self, block: BlockDigest, time_ms: u64, at: SystemTime, wall_ms: Option<u64>) {
        let mut state = self.lock();
        if state.arrivals.iter().any(|arrival| arrival.block == block) {
            return;
        }
        if state.arrivals.len() == ARRIVALS_MAX {
            state.arrivals.pop_front();
        }
        state.arrivals.push_back(Arrival { block, time_ms, at });
        if let Some(wall_ms) = wall_ms {
            if state.ahead_ms.len() == SAMPLES {
                state.ahead_ms.pop_front();
            }
            state.ahead_ms.push_back(wall_ms.saturating_sub(time_ms));
        }
    }

    /// The time for a proposal, in milliseconds since 1970, where the wall clock shows `wall_ms`.
    pub fn proposal_ms(&self, wall_ms: u64) -> u64 {
        let state = self.lock();
        if state.ahead_ms.len() < SAMPLES {
            return wall_ms;
        }
        let ahead_ms = state.ahead_ms.iter().min().copied().unwrap_or(0);
        if ahead_ms < OFF_MS_MIN { wall_ms } else { wall_ms.saturating_sub(ahead_ms) }
    }

    /// The time at which to look at a block on `parent`, in milliseconds since 1970, where the
    /// wall clock shows `wall_ms` and the even clock `at`.
    pub fn now_ms(&self, parent: BlockDigest, wall_ms: u64, at: SystemTime) -> u64 {
        let state = self.lock();
        let Some(parent) = state.arrivals.iter().find(|arrival| arrival.block == parent) else {
            return wall_ms;
        };
        let since = at.duration_since(parent.at).unwrap_or(Duration::ZERO).as_millis() as u64;
        let now_ms = parent.time_ms.saturating_add(since);
        if now_ms < wall_ms.saturating_add(OFF_MS_MIN) { wall_ms } else { now_ms }
    }
}
