//! Answer evidence logs and their entries.

use super::{Answer, Api, Shared, problem::Problem, render, request};
use axum::Json;
use axum::extract::{Path, State};
use request::{Nothing, Page, Params};
use serde_json::{Value, json};
use trine_types::record::Log;
use trine_types::{Height, LogId, StateKey};

/// Reads the number of a log.
///
/// # Errors
/// [`Problem`] that says what was expected.
pub(super) fn log_id(text: &str) -> Result<LogId, Problem> {
    request::part("log", text, "the number of a log").map(LogId)
}

/// Reads the index of an entry.
///
/// # Errors
/// [`Problem`] that says what was expected.
pub(super) fn entry_index(text: &str) -> Result<u64, Problem> {
    request::part("index", text, "the index of an entry")
}

fn unknown_log(name: &str) -> Problem {
    let shown: String = name.chars().take(80).collect();
    Problem::not_found("log_not_found", format!("the chain has no evidence log {shown:?}"))
}

async fn show_log(api: &Api, id: LogId) -> Answer {
    let record: Option<Log> = api.record(StateKey::log(api.parts.suite, id)).await?;
    let record = record.ok_or_else(|| unknown_log(&id.to_string()))?;
    Ok(Json(render::log(id, &record, api.parts.suite)))
}

/// `GET /v1/logs`.
pub(super) async fn list(State(api): Shared, Params(page): Params<Page>) -> Answer {
    let suite = api.parts.suite;
    let limit = page.limit()?;
    let total = api.counters().await?.logs;
    let from = page.from.unwrap_or(0).min(u64::from(total)) as u32;
    let ids: Vec<LogId> = (from..total).take(limit).map(LogId).collect();
    let keys = ids.iter().map(|id| StateKey::log(suite, *id)).collect();
    let records = api.records::<Log>(keys).await?;
    let logs: Value = ids
        .iter()
        .zip(&records)
        .filter_map(|(id, record)| Some(render::log(*id, record.as_ref()?, suite)))
        .collect();
    Ok(Json(json!({"logs": logs, "total": total})))
}

/// `GET /v1/logs/{log}`.
pub(super) async fn show(
    State(api): Shared,
    Path(text): Path<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Answer {
    show_log(&api, log_id(&text)?).await
}

/// `GET /v1/logs/{log}/{name}`, where `log` names an organisation.
pub(super) async fn show_by_name(
    State(api): Shared,
    Path((organisation, name)): Path<(String, String)>,
    Params(Nothing {}): Params<Nothing>,
) -> Answer {
    let organisation = api.organisation_id(&organisation).await?;
    if name.len() > trine_types::limits::NAME_BYTES_MAX {
        return Err(unknown_log(&name));
    }
    let key = StateKey::log_name(api.parts.suite, organisation, &name);
    let id: Option<LogId> = api.record(key).await?;
    show_log(&api, id.ok_or_else(|| unknown_log(&name))?).await
}

/// There is no such entry in a durable block.
pub(super) fn unknown_entry(log: LogId, index: u64) -> Problem {
    Problem::not_found("entry_not_found", format!("log {log} has no final entry {index}"))
}

/// `GET /v1/logs/{log}/entries/{index}`.
pub(super) async fn entry(
    State(api): Shared,
    Path((log, index)): Path<(String, String)>,
    Params(Nothing {}): Params<Nothing>,
) -> Answer {
    let (log, index) = (log_id(&log)?, entry_index(&index)?);
    let found = api.parts.reader.entry(log, index).await?;
    let found = found.filter(|found| api.is_durable(found.height));
    Ok(Json(render::entry(&found.ok_or_else(|| unknown_entry(log, index))?)))
}

/// `GET /v1/entries/{digest}`.
pub(super) async fn find(
    State(api): Shared,
    Path(text): Path<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Answer {
    let digest = request::digest(&text)?;
    let found = api.parts.reader.find_entry(digest).await?;
    let found = found.filter(|found| api.is_durable(found.height)).ok_or_else(|| {
        Problem::not_found("entry_not_found", format!("no log has a final entry {digest}"))
    })?;
    Ok(Json(render::entry(&found)))
}

impl Api {
    /// Whether a block survives a crash of this node.
    pub(super) fn is_durable(&self, height: Height) -> bool {
        self.parts.feed.height().is_some_and(|newest| height <= newest)
    }
}
