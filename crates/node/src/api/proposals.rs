//! Answer proposals with their votes.

use super::{Answer, Shared, problem::Problem, render, request};
use axum::Json;
use axum::extract::{Path, State};
use request::{Nothing, Page, Params};
use serde_json::{Value, json};
use trine_types::record::Proposal;
use trine_types::{ProposalId, StateKey};

/// `GET /v1/proposals`.
pub(super) async fn list(State(api): Shared, Params(page): Params<Page>) -> Answer {
    let suite = api.parts.suite;
    let limit = page.limit()?;
    let total = api.counters().await?.proposals;
    let from = page.from.unwrap_or(0).min(total);
    let ids: Vec<ProposalId> = (from..total).take(limit).map(ProposalId).collect();
    let keys = ids.iter().map(|id| StateKey::proposal(suite, *id)).collect();
    let records = api.records::<Proposal>(keys).await?;
    let proposals: Value = ids
        .iter()
        .zip(&records)
        .filter_map(|(id, record)| Some(render::proposal(*id, record.as_ref()?)))
        .collect();
    Ok(Json(json!({"proposals": proposals, "total": total})))
}

/// `GET /v1/proposals/{proposal}`.
pub(super) async fn show(
    State(api): Shared,
    Path(text): Path<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Answer {
    let id = ProposalId(request::part("proposal", &text, "the number of a proposal")?);
    let record: Option<Proposal> = api.record(StateKey::proposal(api.parts.suite, id)).await?;
    let record = record.ok_or_else(|| {
        Problem::not_found("proposal_not_found", format!("the chain has no proposal {id}"))
    })?;
    Ok(Json(render::proposal(id, &record)))
}
