//! Test the API through its router, on a chain in memory.

mod blocks;
mod document;
mod faults;
mod misbehaviour;
mod objects;
mod submission;

use crate::memory_chain::{MemoryChain, address};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;
use trine_types::{Amount, AssetId, Call, Transaction};

/// Answers a request that has no body.
pub(super) async fn send(chain: &MemoryChain, request: Request<Body>) -> Response {
    chain.api.clone().router().oneshot(request).await.unwrap()
}

async fn get(chain: &MemoryChain, path: &str) -> (StatusCode, Value) {
    read(send(chain, Request::get(path).body(Body::empty()).unwrap()).await).await
}

async fn post(
    chain: &MemoryChain,
    path: &str,
    kind: &str,
    body: impl Into<Bytes>,
) -> (StatusCode, Value) {
    let request = Request::post(path).header(header::CONTENT_TYPE, kind);
    read(send(chain, request.body(Body::from(body.into())).unwrap()).await).await
}

/// Status and document; a problem must be a whole problem document.
pub(super) async fn read(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).cloned();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let document: Value = serde_json::from_slice(&bytes).unwrap();
    if !status.is_success() {
        assert_eq!(kind.unwrap(), "application/problem+json");
        assert_eq!(document["status"], status.as_u16());
        for member in ["type", "title", "code", "detail", "instance"] {
            assert!(document[member].as_str().is_some_and(|text| !text.is_empty()), "{member}");
        }
    }
    (status, document)
}

/// What `path` answers, which must be a success.
async fn ok(chain: &MemoryChain, path: &str) -> Value {
    let (status, document) = get(chain, path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {document}");
    document
}

fn transfer(to: &str, amount: u64) -> Call {
    let (asset, to, amount) = (AssetId::PRIMARY, address(to), Amount(amount));
    Call::AssetTransfer { asset, to, amount, reference: None }
}

pub(super) async fn accept(chain: &MemoryChain, transactions: &[&Transaction]) {
    let raw = transactions.iter().map(|one| one.bytes.clone()).collect();
    let verdicts = chain.mempool.submit(raw).await;
    verdicts.iter().for_each(|verdict| assert_eq!(verdict.result, Ok(())));
}
