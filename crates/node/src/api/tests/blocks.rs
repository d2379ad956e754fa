//! Test blocks, the stream of blocks, and what the node says about itself.

use super::{Body, Request, StatusCode, accept, get, ok, send, transfer};
use crate::memory_chain::MemoryChain;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use std::time::Duration;
use trine_types::limits::{PAGE_LIMIT_MAX, STREAM_CLIENTS_MAX};

/// Goal: lists of blocks go up from a height, and down from below one. Method: five blocks.
#[tokio::test]
async fn blocks_are_listed_both_ways() {
    let chain = MemoryChain::start();
    for _ in 0..5 {
        chain.produce();
    }
    let heights = |answer: Value| -> Vec<u64> {
        let blocks = answer["blocks"].as_array().unwrap().clone();
        blocks.iter().map(|block| block["height"].as_u64().unwrap()).collect()
    };
    assert_eq!(heights(ok(&chain, "/v1/blocks").await), [5, 4, 3, 2, 1, 0]);
    assert_eq!(heights(ok(&chain, "/v1/blocks?limit=2").await), [5, 4]);
    assert_eq!(heights(ok(&chain, "/v1/blocks?from=3").await), [3, 4, 5]);
    assert_eq!(heights(ok(&chain, "/v1/blocks?from=9").await), [] as [u64; 0]);
    assert_eq!(heights(ok(&chain, "/v1/blocks?before=2").await), [1, 0]);
    for bad in ["limit=0", &format!("limit={}", PAGE_LIMIT_MAX + 1), "from=x", "other=1"] {
        let (status, answer) = get(&chain, &format!("/v1/blocks?{bad}")).await;
        assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("bad_request")));
    }
    ok(&chain, &format!("/v1/blocks?limit={PAGE_LIMIT_MAX}")).await;
}

/// Goal: a block shows its header and transactions; `latest` is the newest. Method: one transfer.
#[tokio::test]
async fn a_block_shows_its_transactions() {
    let chain = MemoryChain::start();
    let one = chain.transaction("alice", 0, &[transfer("bob", 1)]);
    accept(&chain, &[&one]).await;
    chain.produce();
    let block = ok(&chain, "/v1/blocks/1").await;
    assert_eq!(block["transactions"], json!([one.id]));
    assert_eq!(block["height"], 1);
    assert_eq!(block, ok(&chain, "/v1/blocks/latest").await);
    let (_, answer) = get(&chain, "/v1/blocks/2").await;
    assert_eq!(answer["code"], "block_not_found");
}

/// The next events of a stream, as they stand on the wire.
async fn events(body: &mut Body, count: usize) -> String {
    let mut text = String::new();
    while text.matches("\n\n").count() < count {
        let frame = tokio::time::timeout(Duration::from_secs(5), body.frame()).await;
        let frame = frame.expect("an event in time").unwrap().unwrap();
        text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
    }
    text
}

fn data(event: &str) -> Value {
    let line = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    serde_json::from_str(line).unwrap()
}

/// Goal: the stream starts where asked, goes on live, and resumes after the last event. Method:
/// follow from 1 with identifiers; make a block meanwhile; resume with `Last-Event-ID`.
#[tokio::test]
async fn the_stream_resumes_by_height() {
    let chain = MemoryChain::start();
    let one = chain.transaction("alice", 0, &[transfer("bob", 1)]);
    accept(&chain, &[&one]).await;
    chain.produce();
    let request = Request::get("/v1/stream?from=1&ids=1").body(Body::empty()).unwrap();
    let mut body = send(&chain, request).await.into_body();
    let first = events(&mut body, 1).await;
    assert!(first.contains("id: 1\n") && first.contains("event: block\n"), "{first}");
    let document = data(&first);
    assert_eq!(document["transactions"], 1);
    assert_eq!(STANDARD.decode(document["ids"].as_str().unwrap()).unwrap(), one.id.0);
    assert_eq!(STANDARD.decode(document["codes"].as_str().unwrap()).unwrap(), [0, 0]);
    chain.produce();
    assert_eq!(data(&events(&mut body, 1).await)["height"], 2);
    let request = Request::get("/v1/stream?from=0").header("last-event-id", "1");
    let mut body = send(&chain, request.body(Body::empty()).unwrap()).await.into_body();
    let document = data(&events(&mut body, 1).await);
    assert_eq!((&document["height"], document.get("ids")), (&json!(2), None));
}

/// Goal: the number of followers is limited, and one that leaves makes room. Method: as many as
/// may, one more, then drop one.
#[tokio::test]
async fn followers_are_limited() {
    let chain = MemoryChain::start();
    let follow = || Request::get("/v1/stream").body(Body::empty()).unwrap();
    let mut followers = Vec::new();
    for _ in 0..STREAM_CLIENTS_MAX {
        followers.push(send(&chain, follow()).await);
    }
    let refused = send(&chain, follow()).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    followers.pop();
    assert_eq!(send(&chain, follow()).await.status(), StatusCode::OK);
}

/// Goal: the node says what it is. Method: status, trust, genesis, parameters, health, metrics.
#[tokio::test]
async fn the_node_describes_itself() {
    let chain = MemoryChain::start();
    let (status, answer) = get(&chain, "/readyz").await;
    assert_eq!((status, &answer["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("not_ready")));
    assert_eq!(answer["height"], 0);
    chain.produce();
    assert_eq!(ok(&chain, "/readyz").await, json!({"ready": true, "height": 1}));
    ok(&chain, "/healthz").await;
    let status = ok(&chain, "/v1/status").await;
    assert_eq!(status["height"], 1);
    assert_eq!(status["node"]["is_validator"], true);
    let validators = status["validators"].as_array().unwrap();
    assert_eq!(validators.len(), 4);
    assert_eq!(validators.iter().filter(|one| one["height"] == 1).count(), 1);
    let trust = ok(&chain, "/v1/trust").await;
    assert_eq!(trust["chain_id"], json!(chain.genesis.chain_id()));
    assert_eq!(trust["validators"].as_array().unwrap().len(), 4);
    let genesis = ok(&chain, "/v1/genesis").await;
    let genesis = trine_types::Genesis::from_json(genesis.to_string().as_bytes()).unwrap();
    assert_eq!(genesis.chain_id(), chain.genesis.chain_id());
    assert_eq!(ok(&chain, "/v1/parameters").await["approval_percent"]["value"], 50);
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let text = send(&chain, request).await.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(text.to_vec()).unwrap();
    assert!(text.contains("\ntrine_height 1\n"), "{text}");
    assert!(text.contains("trine_answers_total{class=\"5xx\"} 1\n"), "{text}");
}
