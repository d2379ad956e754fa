//! Answer what a follower needs: how far this node is, and blocks behind their certificates.

use super::{Answer, Api, Shared, blocks, problem::Problem, request};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use bytes::Bytes;
use request::{Nothing, Params};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;
use trine_ledger::state::Table;
use trine_types::{Height, LogId};

/// Blocks below the newest among which one with a certificate of its own is looked for.
const LOOKED_AT_MAX: usize = 64;

/// Entries of a log in one answer: 2 MiB.
const ENTRIES_MAX: usize = 65_536;

/// What the follower has already, and how long it waits for more.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    above: Option<u64>,
    wait_ms: Option<u64>,
}

/// `GET /v1/sync/tip`: the newest block that has a certificate of its own and lies above `above`;
/// `above` itself, or the newest block where it is lower, when none comes in time.
pub(super) async fn tip(State(api): Shared, Params(query): Params<Query>) -> Answer {
    let above = Height(query.above.unwrap_or(0));
    let wait = request::wait(query.wait_ms)?.unwrap_or(Duration::ZERO);
    let deadline = Instant::now() + wait;
    let mut feed = api.parts.feed.subscribe();
    loop {
        let newest = feed.borrow_and_update().as_ref().map(|tip| tip.header.height);
        let newest = newest.ok_or_else(Problem::not_ready)?;
        if let Some(height) = api.newest_certified(above, newest).await? {
            return Ok(Json(json!({"height": height})));
        }
        let changed = tokio::time::timeout_at(deadline, feed.changed()).await;
        if !matches!(changed, Ok(Ok(()))) {
            return Ok(Json(json!({"height": newest.min(above)})));
        }
    }
}

impl Api {
    async fn newest_certified(
        &self,
        above: Height,
        newest: Height,
    ) -> Result<Option<Height>, Problem> {
        let heights = (above.0.saturating_add(1)..=newest.0).rev().map(Height);
        for height in heights.take(LOOKED_AT_MAX) {
            if self.parts.reader.certified(height).await? {
                return Ok(Some(height));
            }
        }
        Ok(None)
    }
}

fn binary(bytes: Bytes) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/octet-stream")], bytes)
}

/// `GET /v1/sync/finalized/{height}`: a block behind its certificate, as the engine encodes both.
pub(super) async fn finalized(
    State(api): Shared,
    Path(text): Path<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Result<impl IntoResponse, Problem> {
    let height = blocks::height(&api, &text)?;
    let found = api.parts.reader.encoded_finalization(height).await?;
    found.map(binary).ok_or_else(|| blocks::unknown(height))
}

/// `GET /v1/sync/state/{table}/{request}`: operations of the state with their proof, as the engine
/// encodes request and answer.
pub(super) async fn state(
    State(api): Shared,
    Path((table, request)): Path<(String, String)>,
    Params(Nothing {}): Params<Nothing>,
) -> Result<impl IntoResponse, Problem> {
    let table = match table.as_str() {
        "accounts" => Table::Accounts,
        "values" => Table::Values,
        other => {
            let shown: String = other.chars().take(80).collect();
            let detail = format!("table {shown:?}, expected accounts or values");
            return Err(Problem::bad_request(detail));
        }
    };
    let request = request::hex("request", &request)?.into();
    let found = api.parts.reader.operations(table, request).await?;
    let unknown = || Problem::not_found("state_not_found", "the node has no such operations");
    found.map(binary).ok_or_else(unknown)
}

/// `GET /v1/sync/logs/{log}/{first}/{count}`: entries of an evidence log, 32 bytes each.
pub(super) async fn entries(
    State(api): Shared,
    Path((log, first, count)): Path<(String, String, String)>,
    Params(Nothing {}): Params<Nothing>,
) -> Result<impl IntoResponse, Problem> {
    let log = LogId(request::part("log", &log, "the number of a log")?);
    let first: u64 = request::part("first", &first, "an index")?;
    let count: usize = request::part("count", &count, "a number of entries")?;
    let count = request::within("count", count, ENTRIES_MAX)?;
    let entries = api.parts.reader.entries(log, first, count).await?;
    if entries.is_empty() {
        let detail = format!("log {log} has no entry {first}");
        return Err(Problem::not_found("entry_not_found", detail));
    }
    let bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.0).collect();
    Ok(binary(bytes.into()))
}

/// `GET /v1/sync/blocks/{digest}`: a block, as the engine encodes it.
pub(super) async fn block(
    State(api): Shared,
    Path(text): Path<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Result<impl IntoResponse, Problem> {
    let digest = request::digest(&text)?;
    let found = api.parts.reader.encoded_block(digest).await?;
    let unknown = || {
        Problem::not_found("block_not_found", format!("block {digest} is not final on this node"))
    };
    found.map(binary).ok_or_else(unknown)
}
