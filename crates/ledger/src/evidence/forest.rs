//! Compute the evidence root over the heads of all logs, and the path from one log to it.
//!
//! The base is the last final block. Blocks on top of it are remembered by what they change; final
//! blocks below it by what they changed, so that a proof can still be made against the header of
//! any of the last [`EVIDENCE_HEIGHTS_MAX`] blocks.

use super::tree::{Changes, Tree};
use crate::log_heads::{LogHeads, leaf};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Mutex, MutexGuard},
};
use trine_types::{
    Decode as _, Digest, Encode as _, Height, LogId, StateKey, Suite, View, application::LogAppend,
    codec::Encoder, identifiers::tagged_hash, limits::EVIDENCE_HEIGHTS_MAX, merkle, record,
};

/// Blocks between the computation of their root and the call that names them. The ledger makes
/// both calls without waiting in between; this leaves room for many at once.
const COMPUTED_MAX: usize = 1_024;

/// Size and root of a log's tree.
type Head = (u64, Digest);
/// Heads of the logs that a block changed.
type Heads = Vec<(u64, Head)>;

/// Where a log's head lies in a header's evidence root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadPath {
    /// Entries of the log at that height.
    pub size: u64,
    /// Root of the log at that height.
    pub head: Digest,
    /// Logs at that height.
    pub logs: u64,
    /// Inclusion path of the log's leaf (RFC 9162, section 2.1.3.1), from its sibling up.
    pub path: Vec<Digest>,
}

/// A final block: what it replaced, absent for logs that it created.
struct Step {
    height: Height,
    digest: Digest,
    before: Vec<(u64, Option<Head>)>,
}

/// A block that is not final.
struct Pending {
    parent: Digest,
    height: Height,
    heads: Heads,
}

struct State {
    /// Final blocks, the base last.
    steps: VecDeque<Step>,
    /// Heads at the base, in the order of the log ids.
    heads: Vec<Head>,
    /// Tree over the leaves of `heads`.
    tree: Tree,
    pending: HashMap<Digest, Pending>,
    computed: VecDeque<(Digest, Heads)>,
}

/// The heads of all logs, at the last final block and around it.
pub struct Forest {
    suite: Suite,
    state: Mutex<State>,
}

impl std::fmt::Debug for Forest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state();
        write!(f, "Forest({} logs at {:?})", state.heads.len(), state.base().height)
    }
}

impl Forest {
    /// Starts at a final block with the heads of all logs in its state, in the order of their ids:
    /// size, then root.
    pub fn new(suite: Suite, height: Height, digest: Digest, heads: Vec<(u64, Digest)>) -> Self {
        let leaves = (0..).zip(&heads).map(|(log, head)| leaf_hash(suite, log, head)).collect();
        let base = Step { height, digest, before: Vec::new() };
        let state = State {
            steps: VecDeque::from([base]),
            tree: Tree::new(suite, leaves),
            heads,
            pending: HashMap::new(),
            computed: VecDeque::new(),
        };
        Self { suite, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|error| error.into_inner())
    }

    /// Returns the place of a log in the evidence root of the final block at `height`; none when
    /// there was no such log, or the block is not final, or too old.
    pub fn head_path(&self, log: LogId, height: Height) -> Option<HeadPath> {
        let state = self.state();
        let step = state.steps.iter().find(|step| step.height == height)?;
        let (changed, logs) = state.around(step.digest)?;
        let index = u64::from(log.0);
        let (size, head) =
            changed.get(&index).copied().or_else(|| state.heads.get(index as usize).copied())?;
        let path = state.tree.with(&self.leaves(&changed), logs).path(index)?;
        Some(HeadPath { size, head, logs, path })
    }

    fn leaves(&self, heads: &BTreeMap<u64, Head>) -> Changes {
        heads.iter().map(|(log, head)| (*log, leaf_hash(self.suite, *log, head))).collect()
    }

    fn changed_heads(&self, appends: &[LogAppend], view: &View) -> Heads {
        let logs: BTreeMap<LogId, ()> = appends.iter().map(|append| (append.log, ())).collect();
        let head = |log: LogId| {
            let record = view.value(&StateKey::log(self.suite, log));
            let record = record.and_then(|bytes| record::Log::from_bytes(bytes).ok());
            let record = record.expect("the rules write the record of a log that they append to");
            (u64::from(log.0), (record.frontier.size(), record.frontier.root(self.suite)))
        };
        logs.into_keys().map(head).collect()
    }

    fn key(&self, parent: Digest, appends: &[LogAppend]) -> Digest {
        let mut encoder = Encoder::default();
        parent.encode(&mut encoder);
        for append in appends {
            append.log.encode(&mut encoder);
            append.first_index.encode(&mut encoder);
            append.entries.iter().for_each(|entry| entry.encode(&mut encoder));
        }
        tagged_hash(self.suite, "trine/log-appends", &[&encoder.0])
    }
}

fn leaf_hash(suite: Suite, log: u64, (size, head): &Head) -> Digest {
    merkle::leaf_hash(suite, &leaf(LogId(log as u32), *size, *head))
}

impl State {
    fn base(&self) -> &Step {
        self.steps.back().expect("there is always a base")
    }

    /// Heads that differ from those at the base, and the number of logs, after `block`; none when
    /// it is neither final and recent nor on top of such a block.
    fn around(&self, block: Digest) -> Option<(BTreeMap<u64, Head>, u64)> {
        let mut changed = BTreeMap::new();
        let mut at = block;
        while let Some(pending) = self.pending.get(&at) {
            for (log, head) in &pending.heads {
                changed.entry(*log).or_insert(*head);
            }
            at = pending.parent;
        }
        let place = self.steps.iter().rposition(|step| step.digest == at)?;
        let mut logs = self.heads.len() as u64;
        let mut undone = BTreeMap::new();
        for (log, before) in self.steps.range(place + 1..).flat_map(|step| &step.before) {
            if before.is_none() {
                logs -= 1;
            }
            undone.entry(*log).or_insert(*before);
        }
        for (log, before) in undone {
            if let Some(head) = before {
                changed.entry(log).or_insert(head);
            }
        }
        let last = changed.last_key_value().map_or(0, |(log, _)| log + 1);
        Some((changed, logs.max(last)))
    }
}

impl LogHeads for Forest {
    fn root(
        &self,
        parent: Digest,
        parent_root: Digest,
        appends: &[LogAppend],
        view: &View,
    ) -> Digest {
        if appends.is_empty() {
            return parent_root;
        }
        let heads = self.changed_heads(appends, view);
        let mut state = self.state();
        let Some((mut changed, logs)) = state.around(parent) else {
            // A block beside the final chain: no root makes it valid.
            tracing::warn!(%parent, "a block was checked whose parent can no longer become final");
            return Digest::default();
        };
        changed.extend(heads.iter().copied());
        let last = changed.last_key_value().map_or(0, |(log, _)| log + 1);
        let root = state.tree.with(&self.leaves(&changed), logs.max(last)).root();
        if state.computed.len() == COMPUTED_MAX {
            state.computed.pop_front();
        }
        state.computed.push_back((self.key(parent, appends), heads));
        root
    }

    fn remember(&self, parent: Digest, block: Digest, height: Height, appends: &[LogAppend]) {
        let mut state = self.state();
        if height <= state.base().height {
            return;
        }
        let heads = if appends.is_empty() {
            Heads::new()
        } else {
            let key = self.key(parent, appends);
            let computed = state.computed.iter().rev().find(|(of, _)| *of == key);
            computed.expect("a block's root is computed before the block is named").1.clone()
        };
        state.pending.insert(block, Pending { parent, height, heads });
    }

    fn finalize(&self, block: Digest, height: Height) {
        let mut state = self.state();
        if height <= state.base().height {
            return;
        }
        let pending = state.pending.remove(&block);
        let pending = pending.expect("a block is processed before it is final");
        assert_eq!(pending.parent, state.base().digest, "final blocks follow each other");
        let mut changes = Changes::new();
        let mut before = Vec::new();
        for (log, head) in pending.heads {
            changes.insert(log, leaf_hash(self.suite, log, &head));
            match state.heads.get_mut(log as usize) {
                Some(old) => before.push((log, Some(std::mem::replace(old, head)))),
                None => {
                    assert_eq!(log, state.heads.len() as u64, "logs are numbered in order");
                    state.heads.push(head);
                    before.push((log, None));
                }
            }
        }
        state.tree.apply(&changes);
        state.steps.push_back(Step { height, digest: block, before });
        if state.steps.len() > EVIDENCE_HEIGHTS_MAX {
            state.steps.pop_front();
        }
        state.pending.retain(|_, pending| pending.height > height);
    }
}
