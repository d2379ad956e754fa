//! Measure hash functions on short messages, one at a time and many at once.

use super::{About, Sink, ours};
use sha2::{Digest as _, Sha256};
use trine_bulk::{Path, sm3};
use trine_crypto::keccak256;

/// Messages of one run.
const MESSAGES: usize = 1_024;
/// Their lengths: a Merkle node, a short document.
const LENGTHS: [usize; 2] = [64, 1_024];

pub(super) fn measure(sink: &mut Sink<'_>) {
    for length in LENGTHS {
        let messages: Vec<Vec<u8>> =
            (0..MESSAGES).map(|number| vec![number as u8; length]).collect();
        let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        let case = format!("{length} bytes");
        let about = |algorithm, operation, by| About {
            algorithm,
            operation,
            case: &case,
            count: MESSAGES,
            by,
        };
        for &path in Path::available().iter().rev() {
            let about = about("sm3", "hash many", ours(path));
            sink.measure(about, || sm3::hash_many_on(path, &messages));
        }
        sink.measure(about("sm3", "hash", "trine, portable"), || {
            messages.iter().map(|one| sm3::hash(one)).collect::<Vec<_>>()
        });
        sink.measure(about("sha256", "hash", "sha2"), || {
            messages.iter().map(Sha256::digest).collect::<Vec<_>>()
        });
        sink.measure(about("keccak256", "hash", "sha3"), || {
            messages.iter().map(|one| keccak256(&[one])).collect::<Vec<_>>()
        });
    }
}
