//! Take transactions: many as one binary batch, or one as JSON.

use super::{
    Api, Shared,
    problem::{Problem, RETRY_AFTER_S},
    request,
};
use crate::mempool::{
    batch,
    refusal::{Refusal, Verdict},
};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use trine_types::codec::DecodeError;
use trine_types::{TransactionId, limits};

/// One transaction in JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    transaction: String,
}

/// How to take and answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    wait_ms: Option<u64>,
    #[serde(default)]
    answers: Answers,
}

/// The transactions of a batch that an answer speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answers {
    /// All of them.
    #[default]
    All,
    /// Those that were refused, each with its place in the batch.
    Refused,
}

/// What became of one transaction of a batch.
#[derive(Debug, Serialize)]
struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    id: Option<TransactionId>,
    accepted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl From<Verdict> for Line {
    fn from(verdict: Verdict) -> Self {
        let refusal: Option<Refusal> = verdict.result.err();
        Self {
            index: None,
            id: verdict.id,
            accepted: refusal.is_none(),
            code: refusal.as_ref().map(Refusal::code),
            detail: refusal.map(|refusal| refusal.to_string()),
        }
    }
}

#[derive(Debug, Serialize)]
struct Lines {
    results: Vec<Line>,
}

/// `POST /v1/transactions`.
pub(super) async fn submit(
    State(api): Shared,
    request::Params(query): request::Params<Query>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    match kind.split(';').next().unwrap_or("").trim() {
        "application/octet-stream" => {
            if query.wait_ms.is_some() {
                return Err(Problem::bad_request("wait_ms goes with one transaction as JSON"));
            }
            let raw = read_batch(body).await?;
            let verdicts = api.parts.mempool.submit(raw).await;
            let again = verdicts.iter().any(|one| one.result.as_ref().is_err_and(Refusal::passes));
            let lines = Json(Lines { results: lines(verdicts, query.answers) });
            let hint = again.then_some([(header::RETRY_AFTER, RETRY_AFTER_S)]);
            Ok((hint, lines).into_response())
        }
        "application/json" => {
            if query.answers != Answers::All {
                return Err(Problem::bad_request("answers goes with a binary batch"));
            }
            let bytes = request::body(body, limits::JSON_BYTES_MAX).await?;
            submit_one(&api, &bytes, query).await
        }
        other => {
            let shown: String = other.chars().take(80).collect();
            let detail = format!(
                "content type {shown:?}, expected application/octet-stream or application/json"
            );
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "bad_request", detail))
        }
    }
}

fn lines(verdicts: Vec<Verdict>, answers: Answers) -> Vec<Line> {
    match answers {
        Answers::All => verdicts.into_iter().map(Line::from).collect(),
        Answers::Refused => verdicts
            .into_iter()
            .enumerate()
            .filter(|(_, verdict)| verdict.result.is_err())
            .map(|(index, verdict)| Line { index: Some(index), ..verdict.into() })
            .collect(),
    }
}

async fn read_batch(body: Body) -> Result<Vec<Bytes>, Problem> {
    let bytes = request::body(body, limits::BATCH_BYTES_MAX).await?;
    batch::split(&bytes).map_err(|error| match error {
        DecodeError::TooLarge { .. } => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", error.to_string())
        }
        error => Problem::bad_request(format!("batch: {error}")),
    })
}

async fn submit_one(api: &Api, bytes: &[u8], query: Query) -> Result<Response, Problem> {
    let wait = request::wait(query.wait_ms)?;
    let one: One = serde_json::from_slice(bytes)
        .map_err(|error| Problem::bad_request(format!("body: {error}")))?;
    let raw = vec![request::hex("transaction", &one.transaction)?.into()];
    let verdict = api.parts.mempool.submit(raw).await.pop();
    let verdict = verdict.ok_or_else(|| Problem::internal("a transaction without a verdict"))?;
    let id = verdict.id;
    match (verdict.result, id) {
        (Ok(()), Some(id)) => match wait {
            None => Ok(Json(json!({"id": id})).into_response()),
            Some(limit) => {
                let found = api.transaction_within(id, limit).await?;
                let document = found.ok_or_else(|| {
                    let detail = format!(
                        "transaction {id} was accepted, and is not final in time: ask later"
                    );
                    Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", detail)
                        .with("id", id.to_string())
                })?;
                Ok(Json(document).into_response())
            }
        },
        (Ok(()), None) => Err(Problem::internal("an accepted transaction without an identifier")),
        (Err(refusal), id) => {
            let problem = Problem::from(refusal);
            Err(match id {
                Some(id) => problem.with("id", id.to_string()),
                None => problem,
            })
        }
    }
}
