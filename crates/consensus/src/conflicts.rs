//! Keep votes that exclude each other, as evidence against the validator that signed them.
//!
//! Each piece is a file of its own in the partition `…-conflicting-votes`, and survives restarts.
//! Nobody can push the evidence against another validator out: when all places are taken, the
//! oldest piece goes of the validator against whom most is kept.

use commonware_runtime::{Blob as _, Handle, ReadOptions, Spawner, Storage, WriteOptions};
use commonware_utils::{channel::mpsc, sync::Mutex};
use std::{collections::BTreeMap, sync::Arc};
use tracing::{error, warn};
use trine_ledger::Committees;
use trine_types::{
    ChainId, Decode as _, Digest, Encode as _, Suite, Validator, ValidatorKey,
    limits::{CONFLICTING_VOTES_EPOCH_MAX, CONFLICTING_VOTES_MAX},
};
use trine_verify::ConflictingVotes;

/// Pieces that wait to be checked; the engine cuts a peer off after its first.
const WAITING_MAX: usize = 64;
/// Bytes of a file that are read: a validator and two votes have less.
const FILE_BYTES_MAX: u64 = 2_048;
/// Bytes of the length before a validator in a file.
const LENGTH_BYTES: usize = 2;

/// Name of a file: epoch, view, number of the conflict, key of the validator. One piece of
/// evidence of a kind is enough for a view, and files are in the order of epochs.
type Name = Vec<u8>;

/// A piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptVotes {
    /// Names the votes.
    pub id: Digest,
    /// The votes; their signatures are verified.
    pub votes: ConflictingVotes,
    /// Who signed them, as the chain named it for their epoch.
    pub validator: Validator,
}

/// The evidence that this node keeps; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Conflicts(Arc<Mutex<BTreeMap<Name, Arc<KeptVotes>>>>);

impl Conflicts {
    /// All pieces, oldest epoch first; at most [`CONFLICTING_VOTES_MAX`].
    pub fn list(&self) -> Vec<Arc<KeptVotes>> {
        self.0.lock().values().cloned().collect()
    }

    fn has(&self, name: &Name) -> bool {
        self.0.lock().contains_key(name)
    }

    /// Whether enough is kept against a validator of one epoch.
    fn suffices(&self, votes: &ConflictingVotes) -> bool {
        let of_epoch = |kept: &&Arc<KeptVotes>| {
            (kept.votes.epoch, kept.votes.validator) == (votes.epoch, votes.validator)
        };
        self.0.lock().values().filter(of_epoch).count() >= CONFLICTING_VOTES_EPOCH_MAX
    }

    fn insert(&self, name: Name, kept: KeptVotes) {
        self.0.lock().insert(name, Arc::new(kept));
    }

    /// Takes out what has no place any more.
    fn evict(&self) -> Option<Name> {
        let mut all = self.0.lock();
        if all.len() <= CONFLICTING_VOTES_MAX {
            return None;
        }
        let mut counts = BTreeMap::<ValidatorKey, usize>::new();
        all.values().for_each(|one| *counts.entry(one.votes.validator).or_default() += 1);
        let most = counts.into_iter().max_by_key(|(_, count)| *count).map(|(key, _)| key)?;
        let (oldest, _) = all.iter().find(|(_, one)| one.votes.validator == most)?;
        let oldest = oldest.clone();
        all.remove(&oldest);
        Some(oldest)
    }
}

fn name_of(votes: &ConflictingVotes) -> Name {
    let (epoch, view) = (votes.epoch.0.to_be_bytes(), votes.view.to_be_bytes());
    [&epoch[..], &view, &[votes.conflict.number()], &votes.validator.0].concat()
}

/// Contents of a file: length of the validator, the validator, the votes.
fn write(kept: &KeptVotes) -> Vec<u8> {
    let validator = kept.validator.to_bytes();
    let length = (validator.len() as u16).to_be_bytes();
    [&length[..], &validator, &kept.votes.to_bytes()].concat()
}

fn read(suite: Suite, bytes: &[u8]) -> Option<KeptVotes> {
    let (length, rest) = bytes.split_first_chunk::<LENGTH_BYTES>()?;
    let (validator, votes) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    let validator = Validator::from_bytes(validator).ok()?;
    let votes = ConflictingVotes::from_bytes(votes).ok()?;
    Some(KeptVotes { id: votes.id(suite), votes, validator })
}

/// Checks what the engine reported, and writes down what holds.
pub struct Keeper<E> {
    context: E,
    partition: String,
    suite: Suite,
    chain_id: ChainId,
    committees: Committees,
    conflicts: Conflicts,
}

impl<E: Spawner + Storage> Keeper<E> {
    /// Reads what the folder holds. A file that a crash cut off is removed: it was nobody's yet.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn open(
        context: E,
        prefix: &str,
        (suite, chain_id): (Suite, ChainId),
        committees: Committees,
    ) -> Result<Self, commonware_runtime::Error> {
        let partition = format!("{prefix}-conflicting-votes");
        let conflicts = Conflicts::default();
        let keeper = Self { context, partition, suite, chain_id, committees, conflicts };
        let names = match keeper.context.scan(&keeper.partition).await {
            Err(commonware_runtime::Error::PartitionMissing(_)) => Vec::new(),
            names => names?,
        };
        for name in names {
            match keeper.read_file(&name).await? {
                Some(kept) => keeper.conflicts.insert(name, kept),
                None => keeper.context.remove(&keeper.partition, Some(&name)).await?,
            }
        }
        Ok(keeper)
    }

    async fn read_file(&self, name: &Name) -> Result<Option<KeptVotes>, commonware_runtime::Error> {
        let (blob, length) = self.context.open(&self.partition, name).await?;
        if length > FILE_BYTES_MAX {
            return Ok(None);
        }
        let bytes = blob.read_at(0, length as usize, ReadOptions::default()).await?.coalesce();
        Ok(read(self.suite, bytes.as_ref()).filter(|kept| name_of(&kept.votes) == *name))
    }

    /// Starts the task; returns what is kept, whom to send votes to, and the task, which ends when
    /// the node stops.
    pub fn start(self) -> (Conflicts, mpsc::Sender<ConflictingVotes>, Handle<()>) {
        let (sender, mut found) = mpsc::channel(WAITING_MAX);
        let conflicts = self.conflicts.clone();
        let context = self.context.child("run");
        let handle = context.spawn(move |_| async move {
            while let Some(votes) = found.recv().await {
                self.keep(votes).await;
            }
        });
        (conflicts, sender, handle)
    }

    async fn keep(&self, votes: ConflictingVotes) {
        let name = name_of(&votes);
        if self.conflicts.has(&name) || self.conflicts.suffices(&votes) {
            return;
        }
        let epoch = commonware_consensus::types::Epoch::new(votes.epoch.0);
        let Some(change) = self.committees.change(epoch) else { return };
        let validator = match votes.verify(self.suite, &self.chain_id, &change) {
            Ok(validator) => validator.clone(),
            Err(error) => {
                // A peer was cut off for bytes that it did not sign: that proves nothing.
                warn!(%error, %epoch, view = votes.view, "conflicting votes do not hold");
                return;
            }
        };
        let kept = KeptVotes { id: votes.id(self.suite), votes, validator };
        warn!(
            code = "conflicting_votes",
            id = %kept.id,
            validator = kept.validator.name,
            organisation = kept.validator.organisation.0,
            %epoch,
            view = kept.votes.view,
            conflict = %kept.votes.conflict,
            "a validator signed two votes that exclude each other: its key is misused, or its \
             folder was lost or copied. `trine misbehaviour show` saves the evidence; \
             organisations can `trine proposal submit remove-validator`"
        );
        if let Err(error) = self.write_file(&name, &kept).await {
            error!(%error, "conflicting votes cannot be written: they are lost with this process");
        }
        self.conflicts.insert(name, kept);
        while let Some(old) = self.conflicts.evict() {
            if let Err(error) = self.context.remove(&self.partition, Some(&old)).await {
                error!(%error, "old conflicting votes cannot be removed");
            }
        }
    }

    async fn write_file(
        &self,
        name: &Name,
        kept: &KeptVotes,
    ) -> Result<(), commonware_runtime::Error> {
        let (blob, _) = self.context.open(&self.partition, name).await?;
        blob.write_at(0, write(kept), WriteOptions::default()).await?;
        blob.sync().await
    }
}

#[cfg(test)]
mod tests;
