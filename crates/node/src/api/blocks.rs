//! Answer durable blocks.

use super::{Answer, Api, Shared, problem::Problem, render, request};
use crate::reader::StoredBlock;
use axum::Json;
use axum::extract::{Path, State};
use request::{Nothing, Page, Params};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use trine_types::Height;

/// There is no such durable block.
pub(super) fn unknown(height: Height) -> Problem {
    Problem::not_found("block_not_found", format!("block {height} is not final on this node"))
}

/// Reads a height, or `latest`, of a path.
///
/// # Errors
/// [`Problem`] for anything else, and for a block that is not durable.
pub(super) fn height(api: &Api, text: &str) -> Result<Height, Problem> {
    let newest = api.parts.feed.height().ok_or_else(Problem::not_ready)?;
    if text == "latest" {
        return Ok(newest);
    }
    let height = Height(request::part("height", text, "a block's height or \"latest\"")?);
    if height > newest {
        return Err(unknown(height));
    }
    Ok(height)
}

impl Api {
    /// Durable block, from memory where it is recent.
    ///
    /// # Errors
    /// [`Problem`] when storage fails.
    pub(super) async fn block(&self, height: Height) -> Result<Option<Arc<StoredBlock>>, Problem> {
        if !self.is_durable(height) {
            return Ok(None);
        }
        match self.parts.feed.recent(height) {
            Some(block) => Ok(Some(block)),
            None => Ok(self.parts.reader.block(height).await?.map(Arc::new)),
        }
    }
}

/// Which blocks to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Range {
    from: Option<u64>,
    before: Option<u64>,
    limit: Option<usize>,
}

/// `GET /v1/blocks`: upward from `from`, or downward from below `before`, or from the newest.
pub(super) async fn list(State(api): Shared, Params(range): Params<Range>) -> Answer {
    let limit = Page { from: None, limit: range.limit }.limit()?;
    let newest = api.parts.feed.height().ok_or_else(Problem::not_ready)?.0;
    let heights: Vec<u64> = match (range.from, range.before) {
        (Some(from), None) => (from..=newest).take(limit).collect(),
        (None, before) => {
            let end = before.unwrap_or(u64::MAX).min(newest + 1);
            (0..end).rev().take(limit).collect()
        }
        (Some(_), Some(_)) => {
            return Err(Problem::bad_request("from and before exclude each other"));
        }
    };
    let mut blocks = Vec::with_capacity(heights.len());
    for height in heights {
        if let Some(block) = api.block(Height(height)).await? {
            blocks.push(render::block_summary(&block));
        }
    }
    Ok(Json(json!({"blocks": Value::from(blocks)})))
}

/// `GET /v1/blocks/{height}`.
pub(super) async fn show(
    State(api): Shared,
    Path(text): Path<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Answer {
    let height = height(&api, &text)?;
    let block = api.block(height).await?.ok_or_else(|| unknown(height))?;
    let certified = api.parts.reader.certified(height).await?;
    let mut answer = render::header(&block.header, api.parts.suite);
    answer["digest"] = json!(block.digest.to_string());
    answer["certified"] = json!(certified);
    answer["transactions"] = json!(block.ids);
    Ok(Json(answer))
}
