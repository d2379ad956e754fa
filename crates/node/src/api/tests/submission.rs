//! Test how transactions come in and how clients wait for them.

use super::{Body, Request, StatusCode, header, ok, post, send, transfer};
use crate::memory_chain::MemoryChain;
use crate::mempool::batch;
use bytes::Bytes;
use serde_json::json;
use std::time::Duration;
use trine_testkit::spoil;
use trine_types::codec::to_hex;
use trine_types::limits::{
    BATCH_BYTES_MAX, BATCH_TRANSACTIONS_MAX, PENDING_ACCOUNT_MAX, WAIT_MS_MAX,
};

const OCTETS: &str = "application/octet-stream";
const JSON: &str = "application/json";

/// Goal: a batch is answered line by line. Method: a good, a forged and an unreadable transaction.
#[tokio::test]
async fn a_batch_is_answered_line_by_line() {
    let chain = MemoryChain::start();
    let good = chain.transaction("alice", 0, &[transfer("bob", 1)]);
    let mut forged = chain.transaction("alice", 1, &[transfer("bob", 1)]);
    let mut bytes = forged.bytes.to_vec();
    spoil(&mut bytes);
    forged.bytes = bytes.into();
    let parts = [good.bytes.clone(), forged.bytes, Bytes::from_static(b"nonsense")];
    let (status, answer) =
        post(&chain, "/v1/transactions", OCTETS, batch::join(parts.iter())).await;
    assert_eq!(status, StatusCode::OK);
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results[0], json!({"id": good.id, "accepted": true}));
    assert_eq!(results[1]["code"], "bad_signature");
    assert_eq!(results[1]["id"], json!(forged.id));
    assert_eq!(results[2]["code"], "unknown_version");
    assert_eq!(results[2]["id"], json!(null));
}

/// Goal: whoever wants to hear of refusals alone gets those, with their places. Method: the same
/// three kinds in another order.
#[tokio::test]
async fn a_batch_is_answered_with_its_refusals_alone() {
    let chain = MemoryChain::start();
    let good = |nonce| chain.transaction("alice", nonce, &[transfer("bob", 1)]).bytes;
    let parts = [good(0), Bytes::from_static(b"nonsense"), good(1), good(0)];
    let path = "/v1/transactions?answers=refused";
    let (status, answer) = post(&chain, path, OCTETS, batch::join(parts.iter())).await;
    assert_eq!(status, StatusCode::OK);
    let results = answer["results"].as_array().unwrap();
    let found: Vec<_> = results.iter().map(|line| (&line["index"], &line["code"])).collect();
    let last = found[1].1.as_str().unwrap();
    assert_eq!(found[0], (&json!(1), &json!("unknown_version")));
    assert_eq!((found[1].0, found.len()), (&json!(3), 2));
    // The end of validity follows the clock: the second one of nonce 0 may be the same or another.
    assert!(["duplicate", "nonce_used"].contains(&last), "{last}");
    let (status, _) = post(&chain, "/v1/transactions?answers=some", OCTETS, Bytes::new()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

/// Goal: a batch says when to send again what there was no room for, and only then. Method: more
/// of one account than may wait, then bytes that are no transaction.
#[tokio::test]
async fn a_batch_without_room_says_when_to_send_again() {
    let chain = MemoryChain::start();
    let count = PENDING_ACCOUNT_MAX as u64;
    let all: Vec<_> = (0..=count)
        .map(|nonce| chain.transaction("alice", nonce, &[transfer("bob", 1)]).bytes)
        .collect();
    let hint = async |parts: &[Bytes]| {
        let request = Request::post("/v1/transactions").header(header::CONTENT_TYPE, OCTETS);
        let body = Body::from(batch::join(parts.iter()));
        let response = send(&chain, request.body(body).unwrap()).await;
        let hint = response.headers().get(header::RETRY_AFTER).cloned();
        (hint.map(|hint| hint.to_str().unwrap().to_owned()), super::read(response).await.1)
    };
    let (found, answer) = hint(&all).await;
    assert_eq!(found.as_deref(), Some("1"));
    let refused: Vec<_> = (0..=count as usize)
        .filter(|&place| answer["results"][place]["accepted"] == json!(false))
        .collect();
    assert_eq!(refused, [count as usize]);
    assert_eq!(answer["results"][count as usize]["code"], "pending_full");
    assert_eq!(hint(&[Bytes::from_static(b"nonsense")]).await.0, None);
}

/// Goal: one transaction can be submitted as JSON, and a refusal is a problem. Method: twice the
/// same.
#[tokio::test]
async fn one_transaction_as_json() {
    let chain = MemoryChain::start();
    let one = chain.transaction("alice", 0, &[transfer("bob", 1)]);
    let body = json!({"transaction": to_hex(&one.bytes)}).to_string();
    let (status, answer) = post(&chain, "/v1/transactions", JSON, body.clone()).await;
    assert_eq!((status, answer), (StatusCode::OK, json!({"id": one.id})));
    let (status, answer) = post(&chain, "/v1/transactions", JSON, body).await;
    assert_eq!((status, &answer["code"]), (StatusCode::CONFLICT, &json!("duplicate")));
    assert_eq!(answer["id"], json!(one.id));
}

/// Goal: a client that waits is answered when the block is durable. Method: make the block while
/// the request waits; also wait for one that never comes.
#[tokio::test]
async fn waiting_ends_with_the_block() {
    let chain = std::sync::Arc::new(MemoryChain::start());
    let one = chain.transaction("alice", 0, &[transfer("bob", 7)]);
    let body = json!({"transaction": to_hex(&one.bytes)}).to_string();
    let waiting = {
        let chain = chain.clone();
        tokio::spawn(
            async move { post(&chain, "/v1/transactions?wait_ms=20000", JSON, body).await },
        )
    };
    while !chain.mempool.contains(&one.id) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    chain.produce();
    let (status, answer) = waiting.await.unwrap();
    assert_eq!((status, &answer["outcome"]["code"]), (StatusCode::OK, &json!("ok")));
    assert_eq!(answer["calls"][0]["decoded"]["amount"], 7);
    let again = ok(&chain, &format!("/v1/transactions/{}?wait_ms=20000", one.id)).await;
    assert_eq!(again, answer);
    let other = chain.transaction("alice", 1, &[transfer("bob", 1)]);
    let body = json!({"transaction": to_hex(&other.bytes)}).to_string();
    let (status, answer) = post(&chain, "/v1/transactions?wait_ms=10", JSON, body).await;
    assert_eq!((status, &answer["code"]), (StatusCode::GATEWAY_TIMEOUT, &json!("timeout")));
    let path = format!("/v1/transactions/{}?wait_ms=1", other.id);
    let (status, answer) = super::get(&chain, &path).await;
    assert_eq!((status, &answer["pending"]), (StatusCode::NOT_FOUND, &json!(true)));
}

/// Goal: every limit of a submission holds, with its code. Method: each limit and one past it.
#[tokio::test]
async fn limits_of_a_submission() {
    let chain = MemoryChain::start();
    let path = "/v1/transactions";
    let full = vec![Bytes::new(); BATCH_TRANSACTIONS_MAX];
    let (status, _) = post(&chain, path, OCTETS, batch::join(full.iter())).await;
    assert_eq!(status, StatusCode::OK);
    let over = vec![Bytes::new(); BATCH_TRANSACTIONS_MAX + 1];
    let (status, answer) = post(&chain, path, OCTETS, batch::join(over.iter())).await;
    assert_eq!((status, &answer["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!("too_large")));
    let one = [Bytes::from(vec![0; BATCH_BYTES_MAX - 8])];
    let (status, answer) = post(&chain, path, OCTETS, batch::join(one.iter())).await;
    assert_eq!((status, &answer["results"][0]["code"]), (StatusCode::OK, &json!("too_large")));
    let one = [Bytes::from(vec![0; BATCH_BYTES_MAX - 7])];
    let (status, answer) = post(&chain, path, OCTETS, batch::join(one.iter())).await;
    assert_eq!((status, &answer["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!("too_large")));
    let id = "00".repeat(32);
    let (status, _) =
        super::get(&chain, &format!("/v1/transactions/{id}?wait_ms={}", WAIT_MS_MAX + 1)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}
