//! Keep what execution gave for blocks that are not final yet.

use crate::{
    Block,
    block::{Body, TransactionIds},
    preset::BlockDigest,
};
use commonware_cryptography::Digestible as _;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};
use trine_types::{Height, application::Execution};

struct Entry {
    height: Height,
    parent: BlockDigest,
    body: Body,
    execution: Arc<Execution>,
}

/// Final blocks that are remembered: more than lie between two turns of a leader.
const FINAL_MAX: usize = 512;

/// Blocks above the final one, by digest, and the last final ones.
#[derive(Default)]
pub struct Pending {
    blocks: HashMap<BlockDigest, Entry>,
    finals: VecDeque<(Height, BlockDigest)>,
}

impl Pending {
    /// Adds a block that was built or found valid.
    pub fn insert(&mut self, block: &Block, body: Body, execution: Arc<Execution>) {
        let header = block.header();
        let parent = BlockDigest::from(header.parent.0);
        let entry = Entry { height: header.height, parent, body, execution };
        self.blocks.insert(block.digest(), entry);
    }

    /// What a block that becomes final holds, and what its execution gave.
    pub fn of(&self, block: &Block) -> Option<(Body, Arc<Execution>)> {
        let entry = self.blocks.get(&block.digest())?;
        Some((entry.body.clone(), entry.execution.clone()))
    }

    /// Drops a block that is final, and all others up to its height.
    ///
    /// Not before whoever chooses transactions knows that its own are final: until then they count
    /// as taken here, or the next block would be made of them again, and be empty.
    pub fn settle(&mut self, block: &Block) {
        let height = block.header().height;
        if self.finals.len() == FINAL_MAX {
            self.finals.pop_front();
        }
        self.finals.push_back((height, block.digest()));
        self.blocks.retain(|_, entry| entry.height > height);
    }

    /// Transactions of a block and its ancestors, as far as they are not final.
    pub fn transactions(&self, mut block: BlockDigest) -> TransactionIds {
        let mut found = TransactionIds::default();
        while let Some(entry) = self.blocks.get(&block) {
            found.extend(entry.body.iter().map(|one| one.id));
            block = entry.parent;
        }
        found
    }

    /// Whether the chain that ends with `tip` has the block, which has this height; none where
    /// this node does not know yet.
    pub fn contains(&self, tip: BlockDigest, block: BlockDigest, height: Height) -> Option<bool> {
        let mut next = tip;
        while let Some(entry) = self.blocks.get(&next) {
            if next == block {
                return Some(true);
            }
            if entry.height <= height {
                return Some(false);
            }
            next = entry.parent;
        }
        let (first, last) = (self.finals.front()?.0, self.finals.back()?.0);
        let known = first <= height && height <= last;
        known.then(|| self.finals.contains(&(height, block)))
    }
}

#[cfg(test)]
mod tests;
