//! Give SM3 to the engine as its hash of state; its own SHA-256 serves the other suite.

use crate::Suite;
use commonware_cryptography::{Hasher, sha256::Digest};
use commonware_parallel::Strategy;
use trine_bulk::sm3;

/// Messages that one thread hashes at a time: several times the sixteen lanes of a kernel.
const MESSAGES_PER_TASK: usize = 256;

/// SM3 (GB/T 32905-2016) as the engine's hash.
///
/// A digest is 32 bytes whatever the function, so that the engine's digest type serves both suites.
#[derive(Default)]
pub struct Sm3(sm3::Sm3);

impl Hasher for Sm3 {
    type Digest = Digest;

    fn hash(parts: &[&[u8]]) -> Digest {
        Digest(Suite::Gm.hash(parts).0)
    }

    fn hash_pair(left: &[&[u8]], right: &[&[u8]], _: &impl Strategy) -> (Digest, Digest) {
        (Self::hash(left), Self::hash(right))
    }

    fn hash_many<M: AsRef<[u8]> + Sync>(messages: &[M], strategy: &impl Strategy) -> Vec<Digest> {
        let tasks: Vec<&[M]> = messages.chunks(MESSAGES_PER_TASK).collect();
        let digests = strategy.map_collect_vec(tasks, |task: &[M]| {
            let task: Vec<&[u8]> = task.iter().map(AsRef::as_ref).collect();
            sm3::hash_many(&task)
        });
        digests.into_iter().flatten().map(Digest).collect()
    }

    fn update(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(bytes);
        self
    }

    fn finalize(self) -> (Self, Digest) {
        (Self::default(), Digest(self.0.finish()))
    }
}

#[cfg(test)]
mod tests;
