//! Let proposals shrink while they come too late, and grow again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use trine_ledger::preset::BlockDigest;
use trine_types::Height;

/// Parts of a whole proposal.
const PARTS_MAX: u32 = 1_024;
/// Smallest share, so that the chain goes on however thin the network is.
const PARTS_MIN: u32 = PARTS_MAX / 64;
/// A proposal that was taken lets the next one be larger by one part in so many.
const GROWTH: u32 = 4;

/// How much of the most this node proposes.
///
/// A view has a time limit, and nobody knows beforehand what fits: blocks that take longer to
/// build, send and check would fail one after the other, however often they are tried. After each
/// own proposal that failed the next is half as large; after each that was taken it grows again.
#[derive(Debug)]
pub struct Share(Mutex<State>);

#[derive(Debug)]
struct State {
    parts: u32,
    last: Last,
}

/// What became of this node's last proposal.
#[derive(Debug)]
enum Last {
    /// There was none, or what became of it was looked at.
    Settled,
    /// It was not finished in time, as far as is known.
    Building,
    /// It was finished, and has this height.
    Made(BlockDigest, Height),
}

impl Default for Share {
    fn default() -> Self {
        Self(Mutex::new(State { parts: PARTS_MAX, last: Last::Settled }))
    }
}

impl Share {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No operation leaves a state half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note that this node is to propose: what became of its last proposal shows.
    ///
    /// `has` says whether the chain that is to be continued has a block, which has this height;
    /// none where that is not known. It may have the block though nobody was seen to build on it: a
    /// slow node learns that from certificates.
    pub fn settle(&self, has: impl FnOnce(BlockDigest, Height) -> Option<bool>) {
        let mut state = self.lock();
        let taken = match std::mem::replace(&mut state.last, Last::Settled) {
            Last::Settled => None,
            Last::Building => Some(false),
            Last::Made(block, height) => has(block, height),
        };
        if taken == Some(true) {
            state.parts = (state.parts + state.parts / GROWTH).min(PARTS_MAX);
        }
        if taken == Some(false) {
            state.parts = (state.parts / 2).max(PARTS_MIN);
            let percent = 100 * state.parts / PARTS_MAX;
            tracing::info!(percent, "this node's last proposal was not taken: the next is smaller");
        }
    }

    /// Takes note that a proposal is being built.
    pub fn building(&self) {
        self.lock().last = Last::Building;
    }

    /// Takes note of the block that this node proposes.
    pub fn made(&self, block: BlockDigest, height: Height) {
        self.lock().last = Last::Made(block, height);
    }

    /// The share of `most`, and `least` where that is more.
    pub fn of(&self, most: usize, least: usize) -> usize {
        let parts = u128::from(self.lock().parts);
        let share = most as u128 * parts / u128::from(PARTS_MAX);
        // No more than `most`, which is a `usize`.
        (share as usize).max(least)
    }
}
