//! Read the final state, with the height to which an answer belongs.

use commonware_utils::sync::Mutex;
use std::{collections::VecDeque, sync::Arc};
use trine_types::{Digest, Header, Height};

/// Blocks whose roots are remembered: more than can be applied while one answer is made.
const ROOTS_KEPT: usize = 64;

/// Says to which block a state root belongs.
#[derive(Clone, Debug, Default)]
pub struct Roots(Arc<Mutex<VecDeque<(Height, Digest, Digest)>>>);

impl Roots {
    /// Adds the block that is applied next.
    pub fn push(&self, header: &Header) {
        let mut roots = self.0.lock();
        if roots.len() == ROOTS_KEPT {
            roots.pop_front();
        }
        roots.push_back((header.height, header.accounts.root, header.values.root));
    }

    /// Height of the block with this root of the accounts.
    pub fn of_accounts(&self, root: Digest) -> Option<Height> {
        self.0.lock().iter().rev().find(|(_, accounts, _)| *accounts == root).map(|found| found.0)
    }

    /// Height of the block with this root of the values.
    pub fn of_values(&self, root: Digest) -> Option<Height> {
        self.0.lock().iter().rev().find(|(_, _, values)| *values == root).map(|found| found.0)
    }
}
