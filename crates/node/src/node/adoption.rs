//! Take over the evidence logs that a state names, from other nodes that have them.

use crate::upstream::HttpUpstream;
use std::sync::Arc;
use trine_ledger::history::{Base, History};
use trine_ledger::observer::ObserverError;
use trine_ledger::state::StateReader;
use trine_types::application::LogAppend;
use trine_types::merkle::{Frontier, leaf_hashes};
use trine_types::record::{Counters, Log};
use trine_types::{Decode, Digest, Header, LogId, StateKey, Suite};

/// Entries that are asked for at a time.
const ENTRIES: u64 = 65_536;
/// Records that are read at a time.
const RECORDS: u32 = 1_000;

/// Fills an empty history with the logs that `state` names, each checked against its root there,
/// and lets it begin after the block.
pub async fn adopt_logs(
    suite: Suite,
    history: &History,
    upstream: &HttpUpstream,
    state: Arc<dyn StateReader>,
    header: &Header,
    digest: Digest,
) -> Result<(), ObserverError> {
    let counters: Counters = record(&*state, StateKey::counters(suite)).await?;
    let mut sizes = Vec::with_capacity(counters.logs as usize);
    let mut first = 0;
    while first < counters.logs {
        let end = counters.logs.min(first + RECORDS);
        let keys = (first..end).map(|log| StateKey::log(suite, LogId(log))).collect();
        for (log, value) in (first..).map(LogId).zip(state.values(keys).await?.0) {
            let value = value.ok_or("the state has no record of a log")?;
            let log_record = Log::from_bytes(&value)?;
            adopt_log(suite, history, upstream, log, &log_record.frontier).await?;
            sizes.push(log_record.frontier.size());
        }
        first = end;
    }
    let entries: u64 = sizes.iter().sum();
    tracing::info!(logs = sizes.len(), entries, "has the evidence logs");
    history.begin_after(Base { height: header.height, digest, sizes })?;
    Ok(())
}

async fn record<T: Decode>(state: &dyn StateReader, key: StateKey) -> Result<T, ObserverError> {
    let value = state.values(vec![key]).await?.0.pop().flatten();
    Ok(T::from_bytes(&value.ok_or("the state lacks an entry that every state has")?)?)
}

/// Fetches a log until its entries have the root that the state names.
async fn adopt_log(
    suite: Suite,
    history: &History,
    upstream: &HttpUpstream,
    log: LogId,
    expected: &Frontier,
) -> Result<(), ObserverError> {
    loop {
        let mut frontier = Frontier::default();
        let mut sources = Vec::new();
        let evidence = history.evidence();
        // A log without entries is known, too.
        evidence.append(&LogAppend { log, first_index: 0, entries: Vec::new() })?;
        while frontier.size() < expected.size() {
            let (first_index, left) = (frontier.size(), expected.size() - frontier.size());
            let (entries, source) = upstream.entries(log, first_index, left.min(ENTRIES)).await;
            frontier.extend(suite, leaf_hashes(suite, entries.iter().map(|one| one.0.as_slice())));
            evidence.append(&LogAppend { log, first_index, entries })?;
            sources.push(source);
        }
        if frontier == *expected {
            return Ok(());
        }
        sources.dedup();
        sources.into_iter().for_each(|source| upstream.refuse(source));
    }
}
