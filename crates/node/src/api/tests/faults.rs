//! Test that every bad request is answered with a problem and its code.

use super::{Body, Request, StatusCode, get, post, read, send};
use crate::memory_chain::MemoryChain;
use proptest::prelude::*;
use serde_json::json;
use trine_types::limits::JSON_BYTES_MAX;

const JSON: &str = "application/json";

/// Goal: malformed parts of a path are named. Method: each kind of part, wrong.
#[tokio::test]
async fn malformed_paths() {
    let chain = MemoryChain::start();
    for path in [
        "/v1/transactions/xyz",
        "/v1/transactions/00",
        "/v1/accounts/00",
        "/v1/accounts/zz/keys/1",
        "/v1/state/00",
        "/v1/blocks/first",
        "/v1/blocks/-1",
        "/v1/assets/x",
        "/v1/logs/x",
        "/v1/logs/0/entries/x",
        "/v1/entries/0011",
        "/v1/transfers?reference=00",
        "/v1/transfers",
        "/v1/proposals/x",
        "/v1/stream?ids=2",
        "/v1/status?verbose=1",
        "/v1/logs/0/entries/0/proofs?count=0",
        "/v1/logs/0/entries/0/proofs?count=1001",
        "/v1/logs/0/entries/0/proofs",
    ] {
        let (status, answer) = get(&chain, path).await;
        assert_eq!(
            (status, &answer["code"]),
            (StatusCode::BAD_REQUEST, &json!("bad_request")),
            "{path}"
        );
        assert_eq!(answer["instance"], path.split('?').next().unwrap());
    }
}

/// Goal: unknown paths and methods are problems too. Method: one of each.
#[tokio::test]
async fn unknown_paths_and_methods() {
    let chain = MemoryChain::start();
    assert_eq!(get(&chain, "/v2/status").await.0, StatusCode::NOT_FOUND);
    let request = Request::delete("/v1/status").body(Body::empty()).unwrap();
    let (status, answer) = read(send(&chain, request).await).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer["code"], "bad_request");
}

/// Goal: bodies that cannot be read are refused without harm. Method: each kind of fault.
#[tokio::test]
async fn malformed_bodies() {
    let chain = MemoryChain::start();
    let path = "/v1/transactions";
    let cases: [(&str, Vec<u8>, StatusCode, &str); 8] = [
        ("text/plain", b"x".to_vec(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "bad_request"),
        ("application/octet-stream", vec![], StatusCode::BAD_REQUEST, "bad_request"),
        ("application/octet-stream", vec![0, 0, 0, 1], StatusCode::BAD_REQUEST, "bad_request"),
        (JSON, b"{".to_vec(), StatusCode::BAD_REQUEST, "bad_request"),
        (JSON, br#"{"transaction":"0g"}"#.to_vec(), StatusCode::BAD_REQUEST, "bad_request"),
        (JSON, br#"{"transaction":"","x":1}"#.to_vec(), StatusCode::BAD_REQUEST, "bad_request"),
        (JSON, br#"{"transaction":"0100"}"#.to_vec(), StatusCode::BAD_REQUEST, "malformed"),
        (JSON, vec![b' '; JSON_BYTES_MAX + 1], StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
    ];
    for (kind, body, expected, code) in cases {
        let (status, answer) = post(&chain, path, kind, body).await;
        assert_eq!((status, &answer["code"]), (expected, &json!(code)), "{kind}");
    }
}

/// Whether a route leaves this part of the path to the request.
fn part_is_open(part: &str) -> bool {
    part.starts_with('{')
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Goal: no path makes the node fail. Method: random text in every place of a path.
    #[test]
    fn no_text_in_a_path_is_an_internal_error(text in "[a-z0-9._~%-]{1,70}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let chain = MemoryChain::start();
            for (_, path, _) in crate::api::routes() {
                if !path.contains('{') || path.contains("/proof") {
                    continue;
                }
                let fill = |part| if part_is_open(part) { text.as_str() } else { part };
                let path = path.split('/').map(fill).collect::<Vec<&str>>().join("/");
                let Ok(request) = Request::get(&path).body(Body::empty()) else { continue };
                let status = send(&chain, request).await.status();
                assert!(!status.is_server_error(), "{path}: {status}");
            }
        });
    }
}
