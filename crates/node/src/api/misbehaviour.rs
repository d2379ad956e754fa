//! Answer evidence of misbehaviour: votes of a validator that exclude each other.

use super::{Answer, Api, Shared, problem::Problem, render, request};
use axum::Json;
use axum::extract::{Path, State};
use request::{Nothing, Page, Params};
use serde_json::{Value, json};
use std::sync::Arc;
use trine_consensus::KeptVotes;
use trine_types::Digest;

/// Reads the name of a piece of evidence in a path.
///
/// # Errors
/// [`Problem`] that says what was expected.
pub(super) fn id(text: &str) -> Result<Digest, Problem> {
    let bytes = request::hex("id", text)?;
    let length = bytes.len();
    bytes.try_into().map(Digest).map_err(|_| {
        Problem::bad_request(format!("id has {length} bytes, expected 32, as 64 digits"))
    })
}

/// Says that this node keeps no such evidence.
pub(super) fn unknown(id: Digest) -> Problem {
    let detail = format!("this node keeps no evidence of misbehaviour {id}");
    Problem::not_found("misbehaviour_not_found", detail)
}

impl Api {
    fn conflicting_votes(&self, id: Digest) -> Option<Arc<KeptVotes>> {
        self.parts.reader.conflicting_votes().into_iter().find(|one| one.id == id)
    }
}

/// `GET /v1/misbehaviour`: what this node keeps, oldest epoch first.
pub(super) async fn list(State(api): Shared, Params(page): Params<Page>) -> Answer {
    let limit = page.limit()?;
    let kept = api.parts.reader.conflicting_votes();
    let first = usize::try_from(page.from.unwrap_or(0)).unwrap_or(usize::MAX);
    let shown: Value = kept.iter().skip(first).take(limit).map(|one| render::votes(one)).collect();
    Ok(Json(json!({"misbehaviour": shown, "total": kept.len()})))
}

/// `GET /v1/misbehaviour/{id}`.
pub(super) async fn show(
    State(api): Shared,
    Path(text): Path<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Answer {
    let id = id(&text)?;
    let found = api.conflicting_votes(id).ok_or_else(|| unknown(id))?;
    Ok(Json(render::votes(&found)))
}
