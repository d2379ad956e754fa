//! Answer proof files: CBOR as specified in `docs/reference/proofs.md`.

use super::{
    Api, Shared, accounts, evidence, misbehaviour as votes, problem::Problem, request, state,
    transfers,
};
use crate::reader::Subject;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use request::{Nothing, Params};
use serde::Deserialize;
use trine_types::limits::RECEIPTS_MAX;
use trine_types::{Address, Height, StateKey, codec::to_hex};

type Proof = Result<Response, Problem>;

/// How many proofs to answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Count {
    count: usize,
}

fn file(kind: &'static str, bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, kind)], bytes).into_response()
}

async fn prove(api: &Api, subject: Subject, unknown: impl FnOnce() -> Problem) -> Proof {
    let proof = api.parts.reader.proof(subject).await?;
    Ok(file("application/cbor", proof.ok_or_else(unknown)?))
}

/// `GET /v1/transactions/{id}/proof`.
pub(super) async fn transaction(
    State(api): Shared,
    Path(text): Path<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Proof {
    let id = super::transactions::id(&text)?;
    prove(&api, Subject::Transaction(id), || super::transactions::unknown(&api, id)).await
}

/// `GET /v1/blocks/{height}/proof`.
pub(super) async fn block(
    State(api): Shared,
    Path(text): Path<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Proof {
    let height: Height = super::blocks::height(&api, &text)?;
    prove(&api, Subject::Block(height), || super::blocks::unknown(height)).await
}

/// `GET /v1/accounts/{address}/proof`.
pub(super) async fn account(
    State(api): Shared,
    Path(text): Path<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Proof {
    let address: Address = accounts::address(&text)?;
    let unknown = || {
        let detail = format!("{address} has no account on this chain");
        Problem::not_found("account_not_found", detail)
    };
    prove(&api, Subject::Account(address), unknown).await
}

/// `GET /v1/accounts/{address}/certificate/proof`.
pub(super) async fn certificate(
    State(api): Shared,
    Path(text): Path<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Proof {
    let address: Address = accounts::address(&text)?;
    let key = StateKey::member_certificate(api.parts.suite, address);
    if api.parts.reader.values(vec![key]).await?.pop().flatten().is_none() {
        return Err(accounts::no_certificate(address));
    }
    prove(&api, Subject::State(key), || accounts::no_certificate(address)).await
}

/// `GET /v1/state/{key}/proof`; absence can be proven too.
pub(super) async fn state(
    State(api): Shared,
    Path(text): Path<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Proof {
    let key = state::key(&text)?;
    let unknown = || {
        let detail = format!("the state has no value under {}", to_hex(&key.0));
        Problem::not_found("state_not_found", detail)
    };
    prove(&api, Subject::State(key), unknown).await
}

/// `GET /v1/logs/{log}/entries/{index}/proof`.
pub(super) async fn entry(
    State(api): Shared,
    Path((log, index)): Path<(String, String)>,
    Params(Nothing {}): Params<Nothing>,
) -> Proof {
    let (log, index) = (evidence::log_id(&log)?, evidence::entry_index(&index)?);
    let unknown = || evidence::unknown_entry(log, index);
    prove(&api, Subject::Entry { log, index }, unknown).await
}

/// `GET /v1/logs/{log}/entries/{index}/proofs?count=`: a CBOR sequence (RFC 8742).
pub(super) async fn entries(
    State(api): Shared,
    Path((log, index)): Path<(String, String)>,
    Params(Count { count }): Params<Count>,
) -> Proof {
    let (log, index) = (evidence::log_id(&log)?, evidence::entry_index(&index)?);
    let count = request::within("count", count, RECEIPTS_MAX)?;
    let proofs = api.parts.reader.entry_proofs(log, index, count).await?;
    if proofs.is_empty() {
        return Err(evidence::unknown_entry(log, index));
    }
    Ok(file("application/cbor-seq", proofs.concat()))
}

/// `GET /v1/transfers/{sender}/{reference}/proof`.
pub(super) async fn transfer(
    State(api): Shared,
    Path((sender, text)): Path<(String, String)>,
    Params(Nothing {}): Params<Nothing>,
) -> Proof {
    let (sender, reference) = (accounts::address(&sender)?, transfers::reference(&text)?);
    let unknown = || transfers::unknown(sender, &reference);
    prove(&api, Subject::Transfer { sender, reference: reference.clone() }, unknown).await
}

/// `GET /v1/misbehaviour/{id}/proof`.
pub(super) async fn misbehaviour(
    State(api): Shared,
    Path(text): Path<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Proof {
    let id = votes::id(&text)?;
    prove(&api, Subject::Misbehaviour(id), || votes::unknown(id)).await
}
