//! Let proposals shrink while they come too late, and grow again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use trine_ledger::preset::BlockDigest;

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
pub(crate) struct Share(Mutex<State>);

#[derive(Debug)]
struct State {
    parts: u32,
    last: Last,
}

/// What became of this node's last proposal.
#[derive(Debug)]
enum Last {
    /// There was none, or a block was built on it.
    Taken,
    /// It was not finished in time, as far as is known.
    Building,
    /// Nobody is known to have built on it.
    Made(BlockDigest),
}

impl Default for Share {
    fn default() -> Self {
        Self(Mutex::new(State { parts: PARTS_MAX, last: Last::Taken }))
    }
}

impl Share {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No operation leaves a state half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note that this node is to propose on a parent: what became of its last proposal is
    /// known now.
    pub(crate) fn settle(&self, parent: BlockDigest) {
        self.built_on(parent);
        let mut state = self.lock();
        if !matches!(state.last, Last::Taken) {
            state.parts = (state.parts / 2).max(PARTS_MIN);
            let percent = 100 * state.parts / PARTS_MAX;
            tracing::info!(percent, "this node's last proposal was not taken: the next is smaller");
        }
        state.last = Last::Taken;
    }

    /// Takes note that a proposal is being built.
    pub(crate) fn building(&self) {
        self.lock().last = Last::Building;
    }

    /// Takes note of the block that this node proposes.
    pub(crate) fn made(&self, block: BlockDigest) {
        self.lock().last = Last::Made(block);
    }

    /// Takes note that somebody built on a block.
    pub(crate) fn built_on(&self, block: BlockDigest) {
        let mut state = self.lock();
        if matches!(state.last, Last::Made(made) if made == block) {
            state.last = Last::Taken;
            state.parts = (state.parts + state.parts / GROWTH).min(PARTS_MAX);
        }
    }

    /// The share of `most`, and `least` where that is more.
    pub(crate) fn of(&self, most: usize, least: usize) -> usize {
        let parts = u128::from(self.lock().parts);
        let share = most as u128 * parts / u128::from(PARTS_MAX);
        // No more than `most`, which is a `usize`.
        (share as usize).max(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: u8) -> BlockDigest {
        BlockDigest::from([number; 32])
    }

    /// Goal: proposals that fail halve the next, down to a least, and those taken let it grow to
    /// the whole again. Method: twenty that nobody builds on, then as many that somebody does.
    #[test]
    fn shrinks_and_grows() {
        let share = Share::default();
        let mut before = share.of(6_400, 1);
        assert_eq!(before, 6_400);
        for number in 1..20 {
            share.settle(block(0));
            share.made(block(number));
            let now = share.of(6_400, 1);
            assert!(number == 1 || now == (before / 2).max(100), "{before} {now}");
            before = now;
        }
        assert_eq!(share.of(6_400, 1), 100);
        assert_eq!(share.of(6_400, 250), 250, "the least");
        for number in 20..60 {
            share.settle(block(number - 1));
            share.made(block(number));
            assert!(share.of(6_400, 1) > before || before == 6_400);
            before = share.of(6_400, 1);
        }
        assert_eq!(share.of(6_400, 1), 6_400);
    }

    /// Goal: a proposal that was not finished counts as one that failed, a turn without a proposal
    /// does not. Method: a turn of each kind.
    #[test]
    fn unfinished_is_failed() {
        let share = Share::default();
        share.settle(block(0));
        share.settle(block(0));
        assert_eq!(share.of(100, 1), 100);
        share.building();
        share.settle(block(0));
        assert_eq!(share.of(100, 1), 50);
    }

    /// Goal: another validator's block on the proposal shows that it was taken. Method: one is seen
    /// before the next turn; a block on another parent says nothing.
    #[test]
    fn others_show_that_it_was_taken() {
        let share = Share::default();
        share.settle(block(0));
        share.made(block(1));
        share.built_on(block(1));
        share.settle(block(7));
        assert_eq!(share.of(100, 1), 100);
        share.made(block(2));
        share.built_on(block(1));
        share.settle(block(7));
        assert_eq!(share.of(100, 1), 50);
    }
}
