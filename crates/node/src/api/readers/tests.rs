//! Test who may read, on a chain in memory whose state says it.

use super::OPEN;
use crate::api::routes;
use crate::api::tests::{accept, read, send};
use crate::clock;
use crate::memory_chain::{MemoryChain, address};
use crate::read_signature::{NAMESPACE, headers};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use http_body_util::BodyExt as _;
use serde_json::Value;
use std::time::Duration;
use trine_testkit::{public_key, secret_key};
use trine_types::call::Action;
use trine_types::{Address, Call, ChainId, OrganisationId, ProposalId, Roles};

/// A chain whose parameter `read_access` was `access` from the start.
fn start(access: u64) -> MemoryChain {
    let mut document = MemoryChain::document();
    document.parameters.insert("read_access".into(), access);
    MemoryChain::start_with(document)
}

/// A request as somebody signs it.
struct Signed {
    chain_id: ChainId,
    address: Address,
    key: &'static str,
    key_index: u8,
    time_s: u64,
}

impl Signed {
    fn by(chain: &MemoryChain, name: &'static str) -> Self {
        let (chain_id, time_s) = (chain.genesis.chain_id(), clock::now_ms() / 1_000);
        Self { chain_id, address: address(name), key: name, key_index: 0, time_s }
    }

    fn headers(&self, path: &str) -> (String, String) {
        let (path, query) = path.split_once('?').map_or((path, None), |(a, b)| (a, Some(b)));
        let key = secret_key(self.key);
        let who = (self.address, self.key_index);
        headers(self.chain_id, who, self.time_s, (path, query), |message| {
            key.sign(NAMESPACE, message)
        })
    }

    fn request(&self, path: &str) -> Request<Body> {
        let (input, signature) = self.headers(path);
        let request = Request::get(path).header("signature-input", input);
        request.header("signature", signature).body(Body::empty()).unwrap()
    }

    async fn get(&self, chain: &MemoryChain, path: &str) -> (StatusCode, Value) {
        read(send(chain, self.request(path)).await).await
    }

    /// Status and code of what a request for parameters is answered; `ok` where it is answered.
    async fn verdict(&self, chain: &MemoryChain) -> (u16, String) {
        let (status, document) = self.get(chain, "/v1/parameters").await;
        (status.as_u16(), document["code"].as_str().unwrap_or("ok").to_owned())
    }
}

fn ok() -> (u16, String) {
    (200, "ok".to_owned())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// Whether a stream brings something more before it ends.
async fn goes_on(stream: &mut Response) -> bool {
    let next = tokio::time::timeout(Duration::from_secs(5), stream.body_mut().frame()).await;
    matches!(next.expect("a block or an end"), Some(Ok(_)))
}

async fn run(chain: &MemoryChain, sender: &str, nonce: u64, call: Call) {
    let one = chain.transaction(sender, nonce, &[call]);
    accept(chain, &[&one]).await;
    chain.produce();
}

/// Goal: on a private chain strangers get what they need to begin, and nothing else; each refusal
/// says what is wanted. Method: ask every route without a signature.
#[tokio::test]
async fn strangers_read_no_records() {
    let chain = start(1);
    for (method, path, _) in routes() {
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let request = Request::builder().method(method).uri(path.replace(['{', '}'], "0"));
        let response = send(&chain, request.body(Body::empty()).unwrap()).await;
        let is_open = !path.starts_with("/v1/") || OPEN.contains(&path);
        if is_open || path == "/v1/transactions" {
            assert_ne!(response.status(), StatusCode::UNAUTHORIZED, "{path}");
            continue;
        }
        let id = chain.genesis.chain_id().to_string();
        for name in ["www-authenticate", "accept-signature"] {
            let value = response.headers()[name].to_str().unwrap().to_owned();
            assert!(value.contains(&id), "{name}: {value}");
        }
        let (status, document) = read(response).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(
            (&document["code"], &document["chain_id"]),
            (&"unsigned_read".into(), &id.into())
        );
    }
    let status = send(&chain, Request::get("/v1/status").body(Body::empty()).unwrap()).await;
    assert_eq!(read(status).await.1["read_access"], "members");
}

/// Goal: each value of the parameter lets in whom it names. Method: a stranger, members without
/// and with roles, and a reader, at each value.
#[tokio::test]
async fn who_reads_is_what_the_parameter_says() {
    let stranger = |chain: &MemoryChain| Signed { key: "nobody", ..Signed::by(chain, "nobody") };
    for (access, plain) in [(0, ok()), (1, ok()), (2, refused(403, "no_read_access"))] {
        let chain = start(access);
        let expected = if access == 0 { ok() } else { refused(401, "bad_read_signature") };
        assert_eq!(stranger(&chain).verdict(&chain).await, expected);
        assert_eq!(Signed::by(&chain, "bob").verdict(&chain).await, plain);
        assert_eq!(Signed::by(&chain, "admin").verdict(&chain).await, ok());
        let reader = Call::AccountCreate { key: public_key("auditor"), roles: Roles::READER };
        run(&chain, "admin", 0, reader).await;
        assert_eq!(Signed::by(&chain, "auditor").verdict(&chain).await, ok());
    }
}

/// Goal: a right ends with the account, its key or its organisation, from the next block on.
/// Method: freeze an account, revoke a key, remove an organisation.
#[tokio::test]
async fn rights_end() {
    let chain = start(1);
    let second = Signed { key: "second", key_index: 1, ..Signed::by(&chain, "admin") };
    assert_eq!(second.verdict(&chain).await, refused(401, "bad_read_signature"));
    run(&chain, "admin", 0, Call::KeyAdd { key: public_key("second"), modules: 0 }).await;
    assert_eq!(second.verdict(&chain).await, ok(), "a key that calls no module reads");
    run(&chain, "admin", 1, Call::KeyRevoke { key_index: 1 }).await;
    assert_eq!(second.verdict(&chain).await, refused(401, "bad_read_signature"));
    let alice = Signed::by(&chain, "alice");
    assert_eq!(alice.verdict(&chain).await, ok());
    run(&chain, "admin", 2, Call::AccountFreeze { address: address("alice") }).await;
    assert_eq!(alice.verdict(&chain).await, refused(403, "no_read_access"));
    let bob = Signed::by(&chain, "bob");
    assert_eq!(bob.verdict(&chain).await, ok());
    let action = Action::RemoveOrganisation(OrganisationId(1));
    let expires_ms = clock::now_ms() + 100_000;
    run(&chain, "admin", 3, Call::ProposalSubmit { action: action.clone(), expires_ms }).await;
    let proposal = ProposalId(0);
    run(&chain, "other-admin", 0, Call::ProposalApprove { proposal, action }).await;
    let (_, document) = bob.get(&chain, "/v1/parameters").await;
    assert_eq!(document["code"], "no_read_access", "{document}");
    assert!(document["detail"].as_str().unwrap().contains("removed"));
}

/// Goal: a signature holds for one request, chain, key and minute. Method: change each.
#[tokio::test]
async fn a_signature_holds_for_one_request() {
    let chain = start(1);
    let good = || Signed::by(&chain, "bob");
    assert_eq!(good().verdict(&chain).await, ok());
    let bad = refused(401, "bad_read_signature");
    let other = Signed { chain_id: ChainId([7; 32]), ..good() };
    assert_eq!(other.verdict(&chain).await, bad);
    assert_eq!(Signed { key: "alice", ..good() }.verdict(&chain).await, bad);
    assert_eq!(Signed { key_index: 9, ..good() }.verdict(&chain).await, bad);
    for time_s in [0, good().time_s - 62, good().time_s + 62, 999_999_999_999_999] {
        let (status, document) = Signed { time_s, ..good() }.get(&chain, "/v1/parameters").await;
        assert_eq!((status.as_u16(), &document["code"]), (401, &"stale_read".into()));
        assert!(document["time_ms"].is_u64());
    }
    let mut wrong = good().request("/v1/blocks?limit=5");
    *wrong.uri_mut() = "/v1/blocks?limit=6".parse().unwrap();
    assert_eq!(read(send(&chain, wrong).await).await.1["code"], "bad_read_signature");
    let right = send(&chain, good().request("/v1/blocks?limit=5")).await;
    assert_eq!(right.status(), StatusCode::OK);
    assert_eq!(right.headers()["cache-control"], "private", "no cache may answer others");
    let (input, signature) = good().headers("/v1/parameters");
    let twice = Request::get("/v1/parameters")
        .header("signature-input", &input)
        .header("signature-input", &input)
        .header("signature", &signature);
    let answer = read(send(&chain, twice.body(Body::empty()).unwrap()).await).await;
    assert_eq!(answer.1["code"], "bad_read_signature");
    let alone = Request::get("/v1/parameters").header("signature", &signature);
    let answer = read(send(&chain, alone.body(Body::empty()).unwrap()).await).await;
    assert_eq!(answer.1["code"], "bad_read_signature");
    let over =
        Request::get("/v1/parameters").header("signature-input", format!("{input};expires=1"));
    let over = over.header("signature", signature).body(Body::empty()).unwrap();
    assert_eq!(read(send(&chain, over).await).await.1["code"], "stale_read");
}

/// Goal: a vote closes the chain, also for those who follow its blocks, and opens it again. Method:
/// set the parameter by a proposal while a stranger and a member follow the stream.
#[tokio::test]
async fn a_vote_ends_the_streams_of_strangers() {
    let chain = start(0);
    let path = "/v1/stream";
    let mut stranger = send(&chain, Request::get(path).body(Body::empty()).unwrap()).await;
    assert_eq!(stranger.status(), StatusCode::OK);
    assert!(goes_on(&mut stranger).await, "the newest block");
    let action = Action::SetParameter { parameter: 7, value: 1 };
    let expires_ms = clock::now_ms() + 100_000;
    run(&chain, "admin", 0, Call::ProposalSubmit { action: action.clone(), expires_ms }).await;
    assert!(goes_on(&mut stranger).await, "not yet executed");
    let proposal = ProposalId(0);
    run(&chain, "other-admin", 0, Call::ProposalApprove { proposal, action }).await;
    assert!(!goes_on(&mut stranger).await, "the stream ended");
    let mut member = send(&chain, Signed::by(&chain, "bob").request(path)).await;
    assert_eq!(member.status(), StatusCode::OK);
    assert!(goes_on(&mut member).await);
    run(&chain, "other-admin", 1, Call::AccountFreeze { address: address("bob") }).await;
    assert!(!goes_on(&mut member).await, "a frozen member's stream ended");
}
