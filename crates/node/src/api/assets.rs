//! Answer assets.

use super::{Answer, Shared, problem::Problem, render, request};
use axum::Json;
use axum::extract::{Path, State};
use request::{Nothing, Page, Params};
use serde_json::{Value, json};
use trine_types::record::Asset;
use trine_types::{AssetId, StateKey};

/// There is no such asset.
pub(super) fn unknown(asset: AssetId) -> Problem {
    Problem::not_found("asset_not_found", format!("the chain has no asset {asset}"))
}

/// `GET /v1/assets`.
pub(super) async fn list(State(api): Shared, Params(page): Params<Page>) -> Answer {
    let suite = api.parts.suite;
    let limit = page.limit()?;
    let total = api.counters().await?.assets;
    let from = page.from.unwrap_or(1).clamp(1, u64::from(total) + 1) as u32;
    let ids: Vec<AssetId> = (from..=total).take(limit).map(AssetId).collect();
    let keys = ids.iter().map(|id| StateKey::asset(suite, *id)).collect();
    let records = api.records::<Asset>(keys).await?;
    let assets: Value = ids
        .iter()
        .zip(&records)
        .filter_map(|(id, record)| Some(render::asset(*id, record.as_ref()?)))
        .collect();
    Ok(Json(json!({"assets": assets, "total": total})))
}

/// `GET /v1/assets/{asset}`.
pub(super) async fn show(
    State(api): Shared,
    Path(text): Path<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Answer {
    let id = AssetId(request::part("asset", &text, "the number of an asset")?);
    let record: Option<Asset> = api.record(StateKey::asset(api.parts.suite, id)).await?;
    let record = record.ok_or_else(|| unknown(id))?;
    Ok(Json(render::asset(id, &record)))
}
