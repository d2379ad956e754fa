//! Ask the state databases for values with proofs, and rewrite these for proof files.

use super::ProofError;
use crate::{
    databases::{CHUNK_BYTES, ColdDb, Family, Hash, HotDb, Runtime},
    execute::{cold_key, hot_key},
    preset::BlockDigest,
};
use commonware_storage::qmdb::{
    Error,
    current::{ordered::proof::constant::ExclusionProof, proof::constant::OperationProof},
};
use trine_types::{Address, Digest, StateKey};
use trine_verify::{StateProof, Statement, statement::Entry};

const CHUNK_BITS: u64 = 8 * CHUNK_BYTES as u64;
const _: () = assert!(CHUNK_BYTES == trine_verify::state::CHUNK_BYTES);

/// A statement about the state, and the root under which it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Statement for a proof file.
    pub statement: Statement,
    /// Root of the accounts or of the values; [`Roots`](crate::state::Roots) knows its height.
    pub root: Digest,
}

fn failed(error: Error<Family>) -> ProofError {
    ProofError::Database(format!("{error:?}"))
}

/// Proves an account; none where the address has none. Absent accounts cannot be proven: their
/// database is not ordered.
///
/// # Errors
/// [`ProofError::Database`].
pub async fn account<E: Runtime, H: Hash>(
    db: &HotDb<E, H>,
    address: Address,
) -> Result<Option<Answer>, ProofError> {
    let key = hot_key(&address);
    let Some(value) = db.get(&key).await.map_err(failed)? else { return Ok(None) };
    let proof = db.key_value_proof(key).await.map_err(failed)?;
    let account = value.as_ref().try_into();
    let account = account.map_err(|_| ProofError::Inconsistent("an account"))?;
    let statement = Statement::Account { address, account, proof: rewrite(&proof)? };
    Ok(Some(Answer { statement, root: Digest(db.root().0) }))
}

/// Proves the value of a key, or that it has none.
///
/// # Errors
/// [`ProofError::Database`].
pub async fn value<E: Runtime, H: Hash>(
    db: &ColdDb<E, H>,
    key: StateKey,
) -> Result<Answer, ProofError> {
    let place = cold_key(&key);
    let statement = match db.get(&place).await.map_err(failed)? {
        Some(value) => {
            let found = db.key_value_proof(place).await.map_err(failed)?;
            let next_key = state_key(&found.next_key)?;
            Statement::Value(Entry { key, value, next_key, proof: rewrite(&found.proof)? })
        }
        None => match db.exclusion_proof(&place).await.map_err(failed)? {
            ExclusionProof::KeyValue(proof, neighbour) => {
                let neighbour = Entry {
                    key: state_key(&neighbour.key)?,
                    next_key: state_key(&neighbour.next_key)?,
                    value: neighbour.value,
                    proof: rewrite(&proof)?,
                };
                Statement::Absence { key, neighbour }
            }
            // Genesis writes counters and parameters, and no rule deletes them.
            ExclusionProof::Commit(..) => return Err(ProofError::Inconsistent("an empty state")),
        },
    };
    Ok(Answer { statement, root: Digest(db.root().0) })
}

/// Proves a transfer by its sender and reference; where there is none, proves that.
///
/// # Errors
/// [`ProofError::Database`].
pub async fn transfer<E: Runtime, H: Hash>(
    db: &ColdDb<E, H>,
    suite: trine_types::Suite,
    sender: Address,
    reference: &[u8],
) -> Result<Answer, ProofError> {
    let Answer { statement, root } =
        value(db, StateKey::transfer(suite, sender, reference)).await?;
    let statement = match statement {
        Statement::Value(Entry { value, next_key, proof, .. }) => Statement::Transfer {
            sender,
            reference: reference.to_vec(),
            record: value,
            next_key,
            proof,
        },
        absence => absence,
    };
    Ok(Answer { statement, root })
}

fn state_key(key: &[u8]) -> Result<StateKey, ProofError> {
    key.try_into().map(StateKey).map_err(|_| ProofError::Inconsistent("a state key"))
}

/// Rewrites the library's proof of an active operation.
///
/// The library lists the peaks and then the siblings in the order of a walk from the peak down,
/// left before right: siblings on the left from the top, then those on the right from the bottom.
/// A proof file lists the siblings from the leaf up. What the header commits to is left out.
///
/// # Errors
/// [`ProofError::Inconsistent`] for a proof of another shape.
pub fn rewrite(
    proof: &OperationProof<Family, BlockDigest, CHUNK_BYTES>,
) -> Result<StateProof, ProofError> {
    let wrong = ProofError::Inconsistent("a state proof");
    let (location, range) = (*proof.loc, &proof.range_proof);
    let size = *range.proof.leaves;
    // Mountains are the bits of the size, highest first: the one that holds the location is the
    // highest bit in which the two differ.
    let height = match location < size {
        true => (location ^ size).ilog2(),
        false => return Err(wrong),
    };
    let digests: Vec<_> = range.proof.digests.iter().map(|digest| Digest(digest.0)).collect();
    let peaks = digests.len().checked_sub(height as usize).ok_or(wrong.clone())?;
    let (peaks, siblings) = digests.split_at(peaks);
    let below = location & ((1 << height) - 1);
    let (left, right) = siblings.split_at(below.count_ones() as usize);
    let (mut left, mut right) = (left.iter().rev(), right.iter());
    let path = (0..height).map(|level| match below >> level & 1 {
        0 => right.next(),
        _ => left.next(),
    });
    let path = path.map(Option::<&Digest>::copied).collect::<Option<_>>().ok_or(wrong)?;
    let in_last_chunk = location / CHUNK_BITS == size / CHUNK_BITS;
    let last_chunk = range.partial_chunk_digest.filter(|_| !in_last_chunk);
    Ok(StateProof {
        location,
        chunk: proof.chunk,
        path,
        peaks: peaks.to_vec(),
        last_chunk: last_chunk.map(|digest| Digest(digest.0)),
    })
}
