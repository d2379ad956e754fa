//! Say whether the node lives, whether it is ready, and what it counts.

use super::{Answer, Shared, problem::Problem};
use crate::clock;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::json;

/// Age of the newest block from which on a node is behind, or its chain stands still. Idle chains
/// make a block a second; a round with absent leaders takes some seconds.
const NEWEST_BLOCK_AGE_MS_MAX: u64 = 20_000;

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> Json<serde_json::Value> {
    Json(json!({"alive": true}))
}

/// `GET /readyz`: the node has caught up and its chain makes blocks.
pub(super) async fn ready(State(api): Shared) -> Answer {
    let tip = api.parts.feed.tip().ok_or_else(Problem::not_ready)?;
    let height = tip.header.height.0;
    if height == 0 {
        let detail = "the chain has no block after genesis yet: too few validators are connected";
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail);
        return Err(problem.with("height", height));
    }
    let age_ms = clock::now_ms().saturating_sub(tip.header.time_ms);
    if age_ms > NEWEST_BLOCK_AGE_MS_MAX {
        let detail = format!(
            "the newest block, {height}, is {age_ms} ms old, at most {NEWEST_BLOCK_AGE_MS_MAX} is \
             ready: the node catches up, or the chain stands still"
        );
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail);
        return Err(problem.with("height", height));
    }
    Ok(Json(json!({"ready": true, "height": height})))
}

/// `GET /metrics`: text format of Prometheus.
pub(super) async fn metrics(State(api): Shared) -> impl IntoResponse {
    let parts = &api.parts;
    let (transactions, bytes) = parts.mempool.size();
    let tip = parts.feed.tip();
    let height = tip.as_ref().map_or(0, |tip| tip.header.height.0);
    let time_ms = tip.as_ref().map_or(0, |tip| tip.header.time_ms);
    let gauges = [
        ("trine_height", "Height of the newest durable block.", height),
        ("trine_block_time_ms", "Time of the newest durable block, Unix milliseconds.", time_ms),
        ("trine_pending_transactions", "Transactions that wait.", transactions as u64),
        ("trine_pending_bytes", "Bytes of transactions that wait.", bytes as u64),
    ];
    let votes = parts.reader.conflicting_votes();
    let names = votes.iter().map(|kept| kept.validator.name.as_str());
    let text = parts.metrics.render(&gauges, names) + &(parts.engine_metrics)();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}
