//! Keep an RFC 9162 tree in memory whose leaves change, and ask it what-if questions.

use std::collections::BTreeMap;
use trine_types::{Digest, Suite, merkle};

/// Leaf hashes that replace or extend those of a tree.
pub type Changes = BTreeMap<u64, Digest>;

/// A tree with all nodes of its complete subtrees.
#[derive(Clone, Debug)]
pub struct Tree {
    suite: Suite,
    /// Level 0 holds leaf hashes; level `n` the roots of complete subtrees of `2^n` leaves.
    levels: Vec<Vec<Digest>>,
}

impl Tree {
    /// Starts with `leaves`, which are hashed already.
    pub fn new(suite: Suite, leaves: Vec<Digest>) -> Self {
        let mut levels = vec![leaves];
        loop {
            let below = &levels[levels.len() - 1];
            let pairs = below.as_chunks().0.iter();
            let level: Vec<_> =
                pairs.map(|[left, right]| merkle::node_hash(suite, left, right)).collect();
            if level.is_empty() {
                return Self { suite, levels };
            }
            levels.push(level);
        }
    }

    /// Replaces and adds leaves; those added follow the last without a gap.
    pub fn apply(&mut self, changes: &Changes) {
        let mut changes = changes.clone();
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            for (place, node) in &changes {
                match self.levels[level].get_mut(*place as usize) {
                    Some(old) => *old = *node,
                    None => self.levels[level].push(*node),
                }
            }
            let nodes = &self.levels[level];
            changes = changes
                .keys()
                .filter_map(|place| {
                    let left = *place as usize & !1;
                    let [left_node, right_node] = nodes.get(left..left + 2)? else { return None };
                    let parent = merkle::node_hash(self.suite, left_node, right_node);
                    Some((left as u64 / 2, parent))
                })
                .collect();
            if changes.is_empty() {
                break;
            }
        }
        while self.levels.len() > 1 && self.levels.last().is_some_and(Vec::is_empty) {
            self.levels.pop();
        }
    }

    /// Looks at the tree as it would be with `size` leaves after `changes`.
    pub fn with<'a>(&'a self, changes: &Changes, size: u64) -> What<'a> {
        let mut levels = vec![changes.clone()];
        loop {
            let level = levels.len();
            let below = &levels[level - 1];
            let node = |place: u64| {
                let stored = || self.levels.get(level - 1)?.get(place as usize).copied();
                below.get(&place).copied().or_else(stored)
            };
            let complete = size >> level;
            let parents = below.keys().map(|place| place / 2).filter(|place| *place < complete);
            let changed: Changes = parents
                .filter_map(|place| {
                    let (left, right) = (node(2 * place)?, node(2 * place + 1)?);
                    Some((place, merkle::node_hash(self.suite, &left, &right)))
                })
                .collect();
            if changed.is_empty() {
                return What { tree: self, levels, size };
            }
            levels.push(changed);
        }
    }
}

/// A tree with changes that are not applied.
#[derive(Debug)]
pub struct What<'a> {
    tree: &'a Tree,
    levels: Vec<Changes>,
    size: u64,
}

impl What<'_> {
    /// Root of the complete subtree that covers `2^level` leaves from `place * 2^level` on.
    ///
    /// # Panics
    /// When the changes leave a gap between the tree's leaves and those they add.
    fn node(&self, level: usize, place: u64) -> Digest {
        let changed = self.levels.get(level).and_then(|changes| changes.get(&place));
        let stored = || self.tree.levels.get(level)?.get(place as usize);
        *changed.or_else(stored).expect("the leaves of a tree leave no gap")
    }

    /// Root.
    pub fn root(&self) -> Digest {
        if self.size == 0 {
            return merkle::empty_root(self.tree.suite);
        }
        self.root_of(0, self.size)
    }

    fn root_of(&self, start: u64, length: u64) -> Digest {
        if length.is_power_of_two() {
            let level = length.trailing_zeros();
            return self.node(level as usize, start >> level);
        }
        let left = length.next_power_of_two() / 2;
        let right = self.root_of(start + left, length - left);
        merkle::node_hash(self.tree.suite, &self.root_of(start, left), &right)
    }

    /// Inclusion path (RFC 9162, section 2.1.3.1) of the leaf at `index`; none when it is outside.
    pub fn path(&self, index: u64) -> Option<Vec<Digest>> {
        if index >= self.size {
            return None;
        }
        let mut path = Vec::new();
        let (mut start, mut length) = (0, self.size);
        while length > 1 {
            let left = length.next_power_of_two() / 2;
            if index < start + left {
                path.push(self.root_of(start + left, length - left));
                length = left;
            } else {
                path.push(self.root_of(start, left));
                start += left;
                length -= left;
            }
        }
        path.reverse();
        Some(path)
    }
}
