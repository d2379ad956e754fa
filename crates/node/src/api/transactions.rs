//! Answer transactions with their outcomes, and wait for them.

use super::{Answer, Api, Shared, problem::Problem, render, request};
use axum::Json;
use axum::extract::{Path, State};
use request::Params;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;
use trine_types::TransactionId;

/// How long to wait.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wait {
    /// Milliseconds.
    pub wait_ms: Option<u64>,
}

/// Reads an identifier of a path.
///
/// # Errors
/// [`Problem`] that says what was expected.
pub(super) fn id(text: &str) -> Result<TransactionId, Problem> {
    request::part("id", text, "64 hexadecimal digits")
}

/// There is no such durable transaction; says whether it waits on this node.
pub(super) fn unknown(api: &Api, id: TransactionId) -> Problem {
    let pending = api.parts.mempool.contains(&id);
    let detail = match pending {
        true => format!("transaction {id} waits to become final"),
        false => format!("transaction {id} is neither final nor waiting on this node"),
    };
    Problem::not_found("transaction_not_found", detail).with("pending", pending)
}

impl Api {
    /// Durable transaction as JSON.
    ///
    /// # Errors
    /// [`Problem`] when storage fails.
    pub(super) async fn transaction(&self, id: TransactionId) -> Result<Option<Value>, Problem> {
        let stored = self.parts.reader.transaction(id).await?;
        let stored = stored.filter(|stored| self.is_durable(stored.height));
        Ok(stored.as_ref().map(render::transaction))
    }

    /// As [`Api::transaction`], waiting for it at most `limit`.
    ///
    /// # Errors
    /// [`Problem`] when too many requests wait, or storage fails.
    pub(super) async fn transaction_within(
        &self,
        id: TransactionId,
        limit: Duration,
    ) -> Result<Option<Value>, Problem> {
        // The wait starts before the first look, so that nothing falls between the two.
        let waiting = self.parts.feed.wait(id).map_err(|_| {
            let max = trine_types::limits::WAITING_REQUESTS_MAX;
            Problem::busy(format!("{max} requests wait for transactions, the most allowed"))
        })?;
        if let Some(found) = self.transaction(id).await? {
            return Ok(Some(found));
        }
        waiting.within(limit).await;
        self.transaction(id).await
    }
}

/// `GET /v1/transactions/{id}`.
pub(super) async fn show(
    State(api): Shared,
    Path(text): Path<String>,
    Params(query): Params<Wait>,
) -> Answer {
    let id = id(&text)?;
    let found = match request::wait(query.wait_ms)? {
        Some(limit) => api.transaction_within(id, limit).await?,
        None => api.transaction(id).await?,
    };
    found.map(Json).ok_or_else(|| unknown(&api, id))
}
