//! Answer transfers by their references.

use super::{Answer, Api, Shared, accounts, problem::Problem, render, request};
use axum::Json;
use axum::extract::{Path, State};
use request::{Nothing, Params};
use serde::Deserialize;
use serde_json::{Value, json};
use trine_types::limits::{
    PAGE_LIMIT_MAX, TRANSFER_REFERENCE_BYTES_MAX, TRANSFER_REFERENCE_BYTES_MIN,
};
use trine_types::record::Transfer;
use trine_types::{Address, StateKey, codec::to_hex};

/// Query of a search by reference.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    reference: String,
}

/// Reads a reference in hexadecimal.
///
/// # Errors
/// [`Problem`] that says what was expected.
pub(super) fn reference(text: &str) -> Result<Vec<u8>, Problem> {
    let bytes = request::hex("reference", text)?;
    let allowed = TRANSFER_REFERENCE_BYTES_MIN..=TRANSFER_REFERENCE_BYTES_MAX;
    if allowed.contains(&bytes.len()) {
        return Ok(bytes);
    }
    let (length, min, max) = (bytes.len(), allowed.start(), allowed.end());
    Err(Problem::bad_request(format!("reference: {length} bytes, expected {min} to {max}")))
}

/// There is no such transfer.
pub(super) fn unknown(sender: Address, reference: &[u8]) -> Problem {
    let reference = to_hex(reference);
    let detail = format!("{sender} made no final transfer with reference {reference}");
    Problem::not_found("transfer_not_found", detail)
}

async fn read(api: &Api, sender: Address, reference: &[u8]) -> Result<Option<Transfer>, Problem> {
    let key = StateKey::transfer(api.parts.suite, sender, reference);
    let transfer: Option<Transfer> = api.record(key).await?;
    Ok(transfer.filter(|transfer| api.is_durable(transfer.height)))
}

/// `GET /v1/transfers/{sender}/{reference}`.
pub(super) async fn show(
    State(api): Shared,
    Path((sender, text)): Path<(String, String)>,
    Params(Nothing {}): Params<Nothing>,
) -> Answer {
    let (sender, reference) = (accounts::address(&sender)?, reference(&text)?);
    let transfer = read(&api, sender, &reference).await?;
    let transfer = transfer.ok_or_else(|| unknown(sender, &reference))?;
    Ok(Json(render::transfer(&sender, &transfer)))
}

/// `GET /v1/transfers?reference=`.
pub(super) async fn find(State(api): Shared, Params(search): Params<Search>) -> Answer {
    let reference = reference(&search.reference)?;
    let senders = api.parts.reader.transfer_senders(reference.clone(), PAGE_LIMIT_MAX).await?;
    let mut transfers = Vec::with_capacity(senders.len());
    for sender in senders {
        if let Some(transfer) = read(&api, sender, &reference).await? {
            transfers.push(render::transfer(&sender, &transfer));
        }
    }
    Ok(Json(json!({"transfers": Value::from(transfers)})))
}
