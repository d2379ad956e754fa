//! Test evidence files and the forest against the plain trees of `trine_types::merkle`.

use super::{Evidence, Forest, tree::Tree};
use crate::log_heads::{LogHeads as _, leaf};
use proptest::prelude::*;
use std::collections::BTreeMap;
use trine_types::{
    Digest, Encode as _, Height, LogId, OrganisationId, StateKey, Suite, View,
    application::LogAppend, merkle, record,
};

const SUITE: Suite = Suite::Intl;

fn digest(number: u64) -> Digest {
    SUITE.hash(&[&number.to_be_bytes()])
}

fn hashes(entries: &[Digest]) -> Vec<Digest> {
    entries.iter().map(|entry| merkle::leaf_hash(SUITE, &entry.0)).collect()
}

fn plain_root(leaves: &[Digest]) -> Digest {
    let mut frontier = merkle::Frontier::default();
    leaves.iter().for_each(|leaf| frontier.append(SUITE, *leaf));
    frontier.root(SUITE)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Goal: every path at every size is that of RFC 9162. Method: append batches of random sizes
    /// to three logs in turn, reopen in between, compare with the tree over all leaf hashes.
    #[test]
    fn inclusion_paths_are_those_of_the_plain_tree(
        batches in prop::collection::vec((0u32..3, 0usize..40), 1..12),
        reopen in any::<bool>(),
        probes in prop::collection::vec((any::<u64>(), any::<u64>()), 20),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let open = |sizes| Evidence::open(folder.path().to_owned(), SUITE, sizes).unwrap();
        let mut store = open(vec![0; 3]);
        let mut logs: Vec<Vec<Digest>> = vec![Vec::new(); 3];
        for (log, count) in batches {
            let known = &mut logs[log as usize];
            let first_index = known.len() as u64;
            let new = |place: usize| digest((u64::from(log) << 32) | (first_index + place as u64));
            let entries: Vec<Digest> = (0..count).map(new).collect();
            known.extend(&entries);
            store.append(&LogAppend { log: LogId(log), first_index, entries }).unwrap();
            if reopen {
                let sizes = store.sizes();
                store = open(sizes);
            }
        }
        for (log, known) in logs.iter().enumerate() {
            let id = LogId(log as u32);
            prop_assert_eq!(store.size(id), Some(known.len() as u64));
            let leaves = hashes(known);
            for (size, index) in &probes {
                let size = size % (known.len() as u64 + 2);
                let index = index % (size + 1);
                let found = store.inclusion(id, index, size).unwrap();
                let expected = leaves
                    .get(..size as usize)
                    .and_then(|leaves| merkle::inclusion_path(SUITE, leaves, index as usize));
                prop_assert_eq!(found, expected);
                let root = leaves.get(..size as usize).map(plain_root);
                prop_assert_eq!(store.root(id, size).unwrap(), root);
                let entry = known.get(index as usize).copied();
                prop_assert_eq!(store.entry(id, index).unwrap(), entry);
            }
        }
    }

    /// Goal: a changing tree answers like one built at once. Method: apply random changes and
    /// additions, then ask for roots and paths with further changes and at smaller sizes.
    #[test]
    fn a_changed_tree_is_the_tree_over_the_changed_leaves(
        size in 0u64..40,
        rounds in prop::collection::vec(
            (prop::collection::vec(any::<u64>(), 0..6), 0u64..5), 1..5,
        ),
        question in (prop::collection::vec(any::<u64>(), 0..6), 0u64..5, any::<u64>()),
    ) {
        let mut leaves: Vec<Digest> = (0..size).map(digest).collect();
        let mut tree = Tree::new(SUITE, leaves.clone());
        let mut salt = 1_000;
        let mut next = |leaves: &mut Vec<Digest>, places: &[u64], added: u64| {
            let mut changes = BTreeMap::new();
            for place in places.iter().filter(|_| !leaves.is_empty()) {
                salt += 1;
                changes.insert(place % leaves.len() as u64, digest(salt));
            }
            for place in leaves.len() as u64..leaves.len() as u64 + added {
                salt += 1;
                changes.insert(place, digest(salt));
            }
            for (place, leaf) in &changes {
                match leaves.get_mut(*place as usize) {
                    Some(old) => *old = *leaf,
                    None => leaves.push(*leaf),
                }
            }
            changes
        };
        for (places, added) in rounds {
            let changes = next(&mut leaves, &places, added);
            tree.apply(&changes);
        }
        let unchanged = tree.with(&BTreeMap::new(), leaves.len() as u64);
        prop_assert_eq!(unchanged.root(), plain_root(&leaves));
        let mut wanted = leaves.clone();
        let changes = next(&mut wanted, &question.0, question.1);
        let size = question.2 % (wanted.len() as u64 + 1);
        let inside: BTreeMap<_, _> =
            changes.into_iter().filter(|(place, _)| *place < size).collect();
        let what = tree.with(&inside, size);
        wanted.truncate(size as usize);
        prop_assert_eq!(what.root(), plain_root(&wanted));
        for index in 0..=size {
            let expected = merkle::inclusion_path(SUITE, &wanted, index as usize);
            prop_assert_eq!(what.path(index), expected);
        }
    }

    /// Goal: the evidence root is the one over all heads, on every branch, and proofs work for
    /// every height in reach. Method: a chain of random appends with a rival block at each height;
    /// compare roots and paths with a tree built from scratch.
    #[test]
    fn the_forest_follows_every_branch(
        blocks in prop::collection::vec(
            (prop::collection::vec((any::<u32>(), 0usize..3), 0..4), 0u32..2), 1..12,
        ),
        lag in 0usize..4,
    ) {
        let mut chain = Chain::new(2);
        let forest = Forest::new(SUITE, Height(0), chain.tip(), chain.heads());
        let mut history = vec![chain.clone()];
        for (appends, created) in blocks {
            let parent = chain.clone();
            let mut rival = parent.clone();
            rival.grow(&forest, &[(0, 7)], 1, "rival");
            chain.grow(&forest, &appends, created, "main");
            history.push(chain.clone());
            if let Some(height) = history.len().checked_sub(lag + 2).filter(|height| *height > 0) {
                forest.finalize(history[height].tip(), Height(height as u64));
            }
        }
        let last_final = history.len().saturating_sub(lag + 1).max(1) - 1;
        for (height, chain) in history.iter().enumerate() {
            for log in 0..=chain.logs.len() as u32 {
                let found = forest.head_path(LogId(log), Height(height as u64));
                let found = found.map(|found| (found.size, found.head, found.path));
                let expected = (height < last_final.max(1)).then(|| chain.head_path(log)).flatten();
                if height < last_final.max(1) {
                    prop_assert_eq!(found, expected);
                } else if height > last_final {
                    prop_assert_eq!(found, None);
                }
            }
        }
    }
}

/// A chain whose evidence root is computed from scratch.
#[derive(Clone)]
struct Chain {
    logs: Vec<merkle::Frontier>,
    height: u64,
    digest: Digest,
    root: Digest,
}

impl Chain {
    fn new(logs: usize) -> Self {
        let logs = vec![merkle::Frontier::default(); logs];
        let mut chain = Self { logs, height: 0, digest: digest(0), root: Digest::default() };
        chain.root = plain_root(&chain.leaves());
        chain
    }

    fn tip(&self) -> Digest {
        self.digest
    }

    fn heads(&self) -> Vec<(u64, Digest)> {
        self.logs.iter().map(|log| (log.size(), log.root(SUITE))).collect()
    }

    fn leaves(&self) -> Vec<Digest> {
        let heads = (0..).zip(self.heads());
        let bytes = heads.map(|(log, (size, head))| leaf(LogId(log), size, head));
        bytes.map(|bytes| merkle::leaf_hash(SUITE, &bytes)).collect()
    }

    fn head_path(&self, log: u32) -> Option<(u64, Digest, Vec<Digest>)> {
        let (size, head) = *self.heads().get(log as usize)?;
        let path = merkle::inclusion_path(SUITE, &self.leaves(), log as usize)?;
        Some((size, head, path))
    }

    /// Adds a block, and checks that the forest computes its root.
    fn grow(&mut self, forest: &Forest, appends: &[(u32, usize)], created: u32, branch: &str) {
        let mut view = View::default();
        let mut done = Vec::new();
        for _ in 0..created {
            let log = LogId(self.logs.len() as u32);
            self.logs.push(merkle::Frontier::default());
            done.push(LogAppend { log, first_index: 0, entries: Vec::new() });
        }
        for (log, count) in appends {
            let log = log % self.logs.len() as u32;
            let frontier = &mut self.logs[log as usize];
            let first_index = frontier.size();
            let entries: Vec<Digest> =
                (0..*count as u64).map(|place| digest(self.height << 8 | place)).collect();
            hashes(&entries).into_iter().for_each(|leaf| frontier.append(SUITE, leaf));
            done.push(LogAppend { log: LogId(log), first_index, entries });
        }
        for append in &done {
            let record = record::Log {
                organisation: OrganisationId(0),
                name: "log".to_owned(),
                frontier: self.logs[append.log.0 as usize].clone(),
            };
            view.put_value(StateKey::log(SUITE, append.log), Some(record.to_bytes()));
        }
        let (parent, parent_root) = (self.digest, self.root);
        self.height += 1;
        self.digest = SUITE.hash(&[&parent.0, branch.as_bytes()]);
        self.root = plain_root(&self.leaves());
        assert_eq!(forest.root(parent, parent_root, &done, &view), self.root);
        forest.remember(parent, self.digest, Height(self.height), &done);
    }
}

/// Goal: missing entries or logs are refused, repeated ones are not. Method: append with a gap in
/// a log, with a gap between logs, and the same entries twice.
#[test]
fn entries_follow_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = Evidence::open(folder.path().to_owned(), SUITE, Vec::new()).unwrap();
    let append = |log, first_index, count| {
        let entries = (first_index..first_index + count).map(digest).collect();
        store.append(&LogAppend { log: LogId(log), first_index, entries })
    };
    assert!(append(1, 0, 1).is_err(), "log 0 is missing");
    append(0, 0, 20).unwrap();
    assert!(append(0, 21, 1).is_err(), "entry 20 is missing");
    append(0, 5, 15).unwrap();
    assert_eq!(store.sizes(), [20]);
    let leaves = hashes(&(0..20).map(digest).collect::<Vec<_>>());
    assert_eq!(store.root(LogId(0), 20).unwrap(), Some(plain_root(&leaves)));
    assert_eq!(store.inclusion(LogId(0), 20, 20).unwrap(), None);
    assert_eq!(store.inclusion(LogId(0), 0, 21).unwrap(), None);
    assert_eq!(store.inclusion(LogId(1), 0, 1).unwrap(), None);
}

/// Goal: a block beside the final chain gets no root that could validate it. Method: ask for one on
/// an unknown parent.
#[test]
fn an_unknown_parent_has_no_root() {
    let chain = Chain::new(1);
    let forest = Forest::new(SUITE, Height(0), chain.tip(), chain.heads());
    let mut view = View::default();
    let record = record::Log {
        organisation: OrganisationId(0),
        name: "log".to_owned(),
        frontier: merkle::Frontier::default(),
    };
    view.put_value(StateKey::log(SUITE, LogId(0)), Some(record.to_bytes()));
    let append = LogAppend { log: LogId(0), first_index: 0, entries: vec![] };
    let root = forest.root(digest(9), chain.root, std::slice::from_ref(&append), &view);
    assert_eq!(root, Digest::default());
    assert_eq!(forest.root(chain.tip(), chain.root, &[append], &view), chain.root);
}
