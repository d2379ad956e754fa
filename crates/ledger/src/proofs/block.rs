//! Make statements about a block's transactions and evidence from what history holds.

use trine_types::{Digest, LogId, Suite, TransactionId, merkle};
use trine_verify::{SidedPath, Statement, statement::Evidence};

/// States that a transaction is in a block, with its outcome; none when `index` is outside.
///
/// `transactions` are the block's encoded transactions, `outcomes` their identifiers and encoded
/// outcomes, both in the order of the block.
pub fn transaction<T: AsRef<[u8]>>(
    suite: Suite,
    transactions: &[T],
    outcomes: &[(TransactionId, Vec<u8>)],
    index: usize,
) -> Option<Statement> {
    let transaction = transactions.get(index)?.as_ref().to_vec();
    let outcome = outcomes.get(index)?.1.clone();
    let bodies = transactions.iter().map(|bytes| merkle::leaf_hash(suite, bytes.as_ref()));
    let results = outcomes
        .iter()
        .map(|(id, outcome)| merkle::leaf_hash(suite, &[&id.0, outcome.as_slice()].concat()));
    Some(Statement::Transaction {
        transaction: transaction.into(),
        body_path: path(suite, &bodies.collect::<Vec<_>>(), index)?,
        outcome,
        outcome_path: path(suite, &results.collect::<Vec<_>>(), index)?,
    })
}

fn path(suite: Suite, leaves: &[Digest], index: usize) -> Option<SidedPath> {
    let path = merkle::inclusion_path(suite, leaves, index)?;
    SidedPath::new(index as u64, leaves.len() as u64, &path)
}

/// Where an evidence entry stands after a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidencePlace {
    /// The entry.
    pub entry: Digest,
    /// Log.
    pub log: LogId,
    /// Index in the log.
    pub index: u64,
    /// Size of the log after the block.
    pub size: u64,
    /// Inclusion path in the log of that size.
    pub path: Vec<Digest>,
    /// Number of logs after the block.
    pub logs: u64,
    /// Inclusion path of the log's leaf (number, size, head) among those of all logs.
    pub logs_path: Vec<Digest>,
}

/// States that an entry was recorded; none when the parts do not fit each other.
pub fn evidence(place: EvidencePlace) -> Option<Statement> {
    let EvidencePlace { entry, log, index, size, path, logs, logs_path } = place;
    let root_path = SidedPath::new(log.0.into(), logs, &logs_path)?;
    Some(Statement::Evidence(Evidence { entry, log, index, size, path, root_path }))
}
