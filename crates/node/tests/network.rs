//! Test whole nodes over real HTTP, with the real engine, state and history.

#[path = "network/crash.rs"]
mod crash;
#[path = "network/support.rs"]
mod support;
#[path = "network/token.rs"]
mod token;

use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use std::time::Duration;
use support::{Network, address, now_ms, transfer};
use trine_node::node::{Control, NodeError, Part, run};
use trine_testkit::{secret_key, spoil, suite};
use trine_types::call::TransferReference;
use trine_types::codec::to_hex;
use trine_types::{Amount, AssetId, Call, Digest, LogId, StateKey, Transaction};
use trine_verify::{Fact, TrustAnchor, verify_proof};

const REFERENCE: &[u8] = b"invoice-2026-0001";

/// Goal: what is submitted to one node is final on all, is answered everywhere, can be proven
/// offline, and survives a stop of all nodes. Method: one chain of four validators goes through it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_from_start_to_restart() {
    let mut network = Network::start(4);
    network.all_ready().await;
    let paid = pay(&network).await;
    let recorded = record(&network).await;
    check_faults(&network).await;
    check_proofs(&network, &paid, &recorded).await;
    check_stream(&network).await;
    // Beyond the first epoch, so that the validators were handed over at least once.
    network.reach(0, 18).await;
    check_proofs(&network, &paid, &recorded).await;
    let before = network.get(0, "/v1/blocks/latest").await;
    (0..network.count()).for_each(|place| network.stop_node(place));
    (0..network.count()).for_each(|place| network.start_node(place));
    network.all_ready().await;
    let height = before["height"].as_u64().unwrap();
    for place in 0..network.count() {
        network.reach(place, height + 2).await;
        let block = network.get(place, &format!("/v1/blocks/{height}")).await;
        assert_eq!(block["digest"], before["digest"]);
        assert_eq!(block["transactions"], before["transactions"]);
        network.outcome(place, &paid).await;
    }
    check_proofs(&network, &paid, &recorded).await;
    let after = network.transaction("alice", 1, &[transfer("bob", 1)]);
    network.accept(2, &after).await;
    assert_eq!(network.outcome(1, &after).await["outcome"]["code"], "ok");
}

/// Submits a transfer to one node and finds it on all.
async fn pay(network: &Network) -> Transaction {
    let reference = Some(TransferReference(REFERENCE.to_vec()));
    let (asset, to, amount) = (AssetId::PRIMARY, address("bob"), Amount(250));
    let call = Call::AssetTransfer { asset, to, amount, reference };
    let paid = network.transaction("alice", 0, &[call]);
    network.accept(0, &paid).await;
    let first = network.outcome(3, &paid).await;
    assert_eq!(first["outcome"]["code"], "ok", "{first}");
    for place in 0..network.count() {
        assert_eq!(network.outcome(place, &paid).await, first);
        let balance = format!("/v1/accounts/{}/balances/1", address("bob"));
        network.reach(place, first["height"].as_u64().unwrap()).await;
        assert_eq!(network.get(place, &balance).await["balance"], 250);
        let found = format!("/v1/transfers?reference={}", to_hex(REFERENCE));
        assert_eq!(network.get(place, &found).await["transfers"][0]["amount"], 250);
    }
    paid
}

/// Records evidence through one node and finds it on all.
async fn record(network: &Network) -> Transaction {
    let entries: Vec<Digest> = (0..5).map(|number| Digest([number; 32])).collect();
    let (log, media_type, reference) = (LogId(0), "text/plain".to_owned(), Vec::new());
    let call = Call::EvidenceAppend { log, media_type, reference, entries };
    let recorded = network.transaction("admin", 0, &[call]);
    network.accept(1, &recorded).await;
    for place in 0..network.count() {
        assert_eq!(network.outcome(place, &recorded).await["outcome"]["code"], "ok");
        let entry = network.get(place, "/v1/logs/0/entries/3").await;
        assert_eq!(entry["transaction"], json!(recorded.id));
        assert_eq!(entry, network.get(place, &format!("/v1/entries/{}", "03".repeat(32))).await);
        assert_eq!(network.get(place, "/v1/logs/city/default").await["size"], 5);
    }
    recorded
}

/// Sends every kind of bad transaction between two good ones.
async fn check_faults(network: &Network) {
    let sign = |change: &dyn Fn(&mut trine_types::UnsignedTransaction)| {
        let mut body = network.unsigned("admin", 9, &[transfer("bob", 1)]);
        change(&mut body);
        body.sign(suite(), &secret_key("admin")).bytes
    };
    let mut forged = sign(&|_| ()).to_vec();
    spoil(&mut forged);
    let cases = [
        (sign(&|body| body.nonce = 1), "accepted"),
        (sign(&|body| body.chain_id.0[0] ^= 1), "wrong_chain"),
        (sign(&|body| body.valid_until_ms = now_ms() - 10_000), "expired"),
        (sign(&|body| body.nonce = 0), "nonce_voided"),
        (sign(&|body| body.nonce = 1 << 40), "nonce_too_far"),
        (sign(&|body| body.key_index = 1), "unknown_key"),
        (sign(&|body| body.sender.0[0] ^= 1), "unknown_sender"),
        (forged.into(), "bad_signature"),
        (sign(&|body| body.nonce = 2), "accepted"),
    ];
    let batch: Vec<_> = cases.iter().map(|(bytes, _)| bytes.clone()).collect();
    let lines = network.submit(2, &batch).await;
    for (line, (_, expected)) in lines.iter().zip(&cases) {
        assert_eq!(line["code"].as_str().unwrap_or("accepted"), *expected, "{line}");
        assert_eq!(line["accepted"], *expected == "accepted");
    }
    for line in [&lines[0], &lines[8]] {
        let path = format!("/v1/transactions/{}?wait_ms=30000", line["id"].as_str().unwrap());
        assert_eq!(network.get(0, &path).await["outcome"]["code"], "ok");
    }
}

async fn proof(network: &Network, place: usize, path: &str) -> Vec<u8> {
    let (status, bytes) = network.ask(place, Method::GET, path, None).await.unwrap();
    assert_eq!(status, StatusCode::OK, "{path}: {}", String::from_utf8_lossy(&bytes));
    bytes.to_vec()
}

/// Asks for a proof of everything and verifies it with the trust file alone.
async fn check_proofs(network: &Network, paid: &Transaction, recorded: &Transaction) {
    let trust = network.get(0, "/v1/trust").await;
    let trust = TrustAnchor::from_json(trust.to_string().as_bytes()).unwrap();
    let (bob, alice) = (address("bob"), address("alice"));
    let counters = to_hex(&StateKey::counters(suite()).0);
    let absent = "ff".repeat(32);
    let reference = to_hex(REFERENCE);
    let paths = [
        format!("/v1/transactions/{}/proof", paid.id),
        format!("/v1/transactions/{}/proof", recorded.id),
        "/v1/blocks/latest/proof".to_owned(),
        format!("/v1/accounts/{bob}/proof"),
        format!("/v1/state/{counters}/proof"),
        format!("/v1/state/{absent}/proof"),
        "/v1/logs/0/entries/3/proof".to_owned(),
        format!("/v1/transfers/{alice}/{reference}/proof"),
        format!("/v1/transfers/{bob}/{reference}/proof"),
    ];
    let mut kinds = Vec::new();
    for (number, path) in paths.iter().enumerate() {
        let bytes = proof(network, number % network.count(), path).await;
        let shown = verify_proof(&bytes, &trust).unwrap_or_else(|error| panic!("{path}: {error}"));
        kinds.push(match shown.fact {
            Fact::Transaction { transaction, .. } => format!("transaction {}", transaction.id),
            Fact::Block => "block".to_owned(),
            Fact::Account { address, .. } => format!("account {address}"),
            Fact::Value { .. } => "value".to_owned(),
            Fact::Absence { .. } => "absence".to_owned(),
            Fact::Evidence { entry, index, .. } => format!("entry {index} {entry}"),
            Fact::Transfer { sender, .. } => format!("transfer {sender}"),
            Fact::ConflictingVotes { validator, .. } => format!("votes of {}", validator.name),
        });
    }
    assert_eq!(
        kinds,
        [
            format!("transaction {}", paid.id),
            format!("transaction {}", recorded.id),
            "block".to_owned(),
            format!("account {bob}"),
            "value".to_owned(),
            "absence".to_owned(),
            format!("entry 3 {}", "03".repeat(32)),
            format!("transfer {alice}"),
            "absence".to_owned(),
        ]
    );
    let many = proof(network, 1, "/v1/logs/0/entries/1/proofs?count=1000").await;
    assert_eq!(many.windows(32).filter(|part| part == &[4; 32]).count(), 1);
}

/// Follows the stream from the start, then resumes in the middle.
async fn check_stream(network: &Network) {
    let first = heights(network, "/v1/stream?from=0", None).await;
    assert_eq!(first, [0, 1, 2, 3]);
    let resumed = heights(network, "/v1/stream", Some("2")).await;
    assert_eq!(resumed, [3, 4, 5, 6]);
}

async fn heights(network: &Network, path: &str, last: Option<&str>) -> Vec<u64> {
    let mut request = Request::get(path).header(header::HOST, "node");
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let response = network.send(3, request.body(Full::default()).unwrap()).await.unwrap();
    let mut body = response.into_body();
    let mut text = String::new();
    while text.matches("\n\n").count() < 4 {
        let frame = tokio::time::timeout(support::PATIENCE, body.frame()).await;
        let frame = frame.expect("events in time").unwrap().unwrap();
        text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
    }
    let data = text.lines().filter_map(|line| line.strip_prefix("data: ")).take(4);
    data.map(|line| {
        let document: Value = serde_json::from_str(line).unwrap();
        document["height"].as_u64().unwrap()
    })
    .collect()
}

/// Goal: the chain goes on without one of four validators, which catches up, and is seen to be
/// away meanwhile. Method: stop one, submit, start it again, compare.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_validator_goes_and_comes_back() {
    let mut network = Network::start(4);
    network.all_ready().await;
    network.stop_node(3);
    let first = network.transaction("alice", 0, &[transfer("bob", 1)]);
    network.accept(0, &first).await;
    let outcome = network.outcome(1, &first).await;
    let status = network.get(0, "/v1/status").await;
    let healthy = |status: &Value| {
        let validators = status["validators"].as_array().unwrap();
        validators.iter().filter(|validator| validator["healthy"] == true).count()
    };
    assert_eq!(healthy(&status), 3, "{status}");
    network.start_node(3);
    network.ready(3).await;
    network.reach(3, outcome["height"].as_u64().unwrap()).await;
    assert_eq!(network.outcome(3, &first).await, outcome);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let status = network.get(0, "/v1/status").await;
    assert_eq!(healthy(&status), 4, "{status}");
}

/// Goal: a node that cannot start says why. Method: a taken port, a public address without TLS.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_cannot_listen_says_so() {
    let mut network = Network::start(1);
    network.ready(0).await;
    let folder = tempfile::tempdir().unwrap();
    let mut settings = network.settings(0);
    settings.data = folder.path().join("data");
    let Part::Peer(peer) = &mut settings.part else { panic!("validators are peers") };
    peer.key_file = folder.path().join("validator.key");
    peer.p2p_listen = "127.0.0.1:0".parse().unwrap();
    let taken = settings.clone();
    let refused = tokio::task::spawn_blocking(move || run(taken, &Control::default()));
    let error = refused.await.unwrap().unwrap_err();
    assert!(matches!(error, NodeError::Server(_)), "{error}");
    settings.http_listen = "0.0.0.0:0".parse().unwrap();
    let refused = tokio::task::spawn_blocking(move || run(settings, &Control::default()));
    let error = refused.await.unwrap().unwrap_err().to_string();
    assert!(error.contains("no TLS is configured"), "{error}");
}
