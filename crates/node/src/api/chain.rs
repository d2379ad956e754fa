//! Answer what concerns the whole chain: status, genesis, trust, parameters, this description.

use super::{Answer, Api, Parts, Shared, problem::Problem, render, request};
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use request::{Nothing, Params};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::PoisonError;
use trine_types::{Epoch, Height, Validator, ValidatorKey, ValidatorSet};

/// Description of the API in OpenAPI 3.1.
pub(super) const OPENAPI: &str = include_str!("../../openapi.json");

/// Blocks that a validator may be behind and still count as healthy.
const LAG_BLOCKS_MAX: u64 = 20;
/// Turns without a proposal after which a validator counts as absent.
const ABSENT_TURNS: u64 = 3;

/// `GET /v1/openapi.json`.
pub(super) async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI)
}

/// `GET /v1/genesis`: the canonical document, whose hash is the chain id.
pub(super) async fn genesis(State(api): Shared) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], api.parts.genesis.canonical_json())
}

impl Api {
    /// The current epoch with its validators.
    ///
    /// # Errors
    /// [`Problem`] before the first block, or when storage fails.
    pub(super) async fn committee(&self) -> Result<(Epoch, ValidatorSet), Problem> {
        let epoch = self.parts.feed.tip().ok_or_else(Problem::not_ready)?.header.epoch;
        let known = self.committee.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| known.0 == epoch) {
            return Ok(known);
        }
        let validators = match epoch {
            Epoch(0) => None,
            // The last block of the epoch before says who decides in this one.
            Epoch(epoch) => {
                let last = epoch.saturating_mul(self.parts.genesis.blocks_per_epoch) - 1;
                let block = self.block(Height(last)).await?;
                block.and_then(|block| block.header.epoch_change.clone())
            }
        };
        let set = match validators {
            Some(change) => change.validators,
            None => self.parts.genesis.validator_set().map_err(Problem::internal)?,
        };
        let found = (epoch, set);
        *self.committee.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
        Ok(found)
    }
}

/// `GET /v1/trust`: what an offline verifier needs to trust.
pub(super) async fn trust(State(api): Shared, Params(Nothing {}): Params<Nothing>) -> Answer {
    let (epoch, set) = api.committee().await?;
    let one = |validator: &Validator| {
        json!({
            "name": validator.name,
            "organisation": validator.organisation,
            "algorithm": render::algorithm(&validator.key),
            "key": render::key(&validator.key),
        })
    };
    Ok(Json(json!({
        "format": "trine-trust-v1",
        "chain": api.parts.genesis.name,
        "chain_id": api.parts.chain_id,
        "suite": api.parts.suite.to_string(),
        "epoch": epoch,
        "validators": set.as_slice().iter().map(one).collect::<Value>(),
    })))
}

/// `GET /v1/parameters`.
pub(super) async fn parameters(State(api): Shared, Params(Nothing {}): Params<Nothing>) -> Answer {
    Ok(Json(render::parameters(&api.parameters().await?)))
}

/// `GET /v1/status`.
pub(super) async fn status(State(api): Shared, Params(Nothing {}): Params<Nothing>) -> Answer {
    let parts = &api.parts;
    let (epoch, set) = api.committee().await?;
    let tip = parts.feed.tip().ok_or_else(Problem::not_ready)?;
    let height = tip.header.height.0;
    let rates = parts.feed.rates();
    let (transactions, bytes) = parts.mempool.size();
    let heights = parts.peers.heights().await;
    let proposed = parts.feed.proposed();
    let validators: Value = set
        .as_slice()
        .iter()
        .map(|validator| {
            let url = parts.peers.url(&validator.key);
            let own = parts.identity.key == Some(validator.key);
            let known = if own { Some(height) } else { heights.get(&validator.key).copied() };
            let healthy = own
                || match (url, known) {
                    (Some(_), known) => known.is_some_and(|at| at + LAG_BLOCKS_MAX >= height),
                    (None, _) => is_present(&proposed, validator, height, &set),
                };
            json!({
                "name": validator.name,
                "organisation": validator.organisation,
                "algorithm": render::algorithm(&validator.key),
                "key": render::key(&validator.key),
                "address": validator.address,
                "url": url,
                "height": known,
                "healthy": healthy,
            })
        })
        .collect();
    Ok(Json(json!({
        "chain": parts.genesis.name,
        "chain_id": parts.chain_id,
        "suite": parts.suite.to_string(),
        "height": height,
        "epoch": epoch,
        "time_ms": tip.header.time_ms,
        "read_access": api.read_access().await?.name(),
        "version": env!("CARGO_PKG_VERSION"),
        "blocks_per_s": rates.blocks,
        "transactions_per_s": rates.transactions,
        "pending": {"transactions": transactions, "bytes": bytes},
        "validators": validators,
        "node": own(parts, &set),
    })))
}

/// What a node says of itself.
fn own(parts: &Parts, set: &ValidatorSet) -> Value {
    let key = parts.identity.key.as_ref();
    json!({
        "name": parts.identity.name,
        "algorithm": key.map(render::algorithm),
        "key": key.map(render::key),
        "is_validator": set.as_slice().iter().any(|validator| Some(&validator.key) == key),
        "upstream": parts.upstream.as_ref().map(|upstream| upstream.current()),
    })
}

/// Whether a validator without a known address proposed lately; every validator has its turn.
fn is_present(
    proposed: &HashMap<ValidatorKey, Height>,
    validator: &Validator,
    height: u64,
    set: &ValidatorSet,
) -> bool {
    let turns = ABSENT_TURNS * set.as_slice().len() as u64;
    let last = proposed.get(&validator.key);
    // Right after its start, a node has seen too little to call anyone absent.
    last.map_or(height < turns, |last| last.0 + turns >= height)
}
