//! Kill whole networks under load, and look for what had been acknowledged.

use super::support::{Network, PATIENCE, transfer};
use bytes::Bytes;
use hyper::Method;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use trine_types::TransactionId;

/// Transactions submitted at once.
const BATCH: u64 = 20;

/// How often everything is killed. A test run does it a few times; more say more.
fn rounds() -> u64 {
    std::env::var("TRINE_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3)
}

/// Goal: what a client was told is final survives the loss of all processes, and all nodes then
/// agree. Method: under load, kill -9 all validators at a moment that differs each round;
/// start them again; compare every acknowledged transaction and the blocks of all nodes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_transactions_survive_the_loss_of_all_processes() {
    let mut network = Network::start(4);
    let mut acknowledged = BTreeMap::new();
    let mut nonce = 0;
    for round in 0..rounds() {
        network.all_ready().await;
        check(&network, &acknowledged).await;
        // Different moments of a block's life, and of an epoch's.
        let load = Duration::from_millis(700 + 377 * round % 1_000);
        let end = Instant::now() + load;
        while Instant::now() < end {
            nonce = submit(&network, nonce, &mut acknowledged).await;
        }
        (0..network.count()).for_each(|place| network.kill_node(place));
        (0..network.count()).for_each(|place| network.start_node(place));
    }
    network.all_ready().await;
    check(&network, &acknowledged).await;
    assert!(acknowledged.len() as u64 >= rounds() * BATCH, "{} only", acknowledged.len());
    let last = network.transaction("alice", nonce, &[transfer("bob", 1)]);
    network.accept(1, &last).await;
    assert_eq!(network.outcome(2, &last).await["outcome"]["code"], "ok");
    (0..network.count()).for_each(|place| network.stop_node(place));
}

/// Submits a batch through one node, waits until another says that each is final, and notes it.
async fn submit(
    network: &Network,
    first: u64,
    acknowledged: &mut BTreeMap<TransactionId, u64>,
) -> u64 {
    let next = first + BATCH;
    let signed: Vec<_> = (first..next)
        .map(|nonce| network.transaction("alice", nonce, &[transfer("bob", 1)]))
        .collect();
    let bytes: Vec<Bytes> = signed.iter().map(|one| one.bytes.clone()).collect();
    let place = (first / BATCH) as usize % network.count();
    network.submit(place, &bytes).await;
    for one in &signed {
        let path = format!("/v1/transactions/{}?wait_ms=5000", one.id);
        let answer = network.ask((place + 1) % network.count(), Method::GET, &path, None).await;
        let document = answer.and_then(|(status, bytes)| {
            status.is_success().then(|| serde_json::from_slice::<Value>(&bytes).unwrap())
        });
        if let Some(document) = document {
            acknowledged.insert(one.id, document["height"].as_u64().unwrap());
        }
    }
    next
}

/// Compares all nodes with what was acknowledged and with each other.
async fn check(network: &Network, acknowledged: &BTreeMap<TransactionId, u64>) {
    let highest = acknowledged.values().copied().max().unwrap_or(0);
    let mut digests: BTreeMap<u64, Value> = BTreeMap::new();
    for place in 0..network.count() {
        network.reach(place, highest).await;
        for height in 0..=highest {
            let block = network.get(place, &format!("/v1/blocks/{height}")).await;
            let known = digests.entry(height).or_insert_with(|| block["digest"].clone());
            assert_eq!(*known, block["digest"], "validator {place}, block {height}");
        }
        for (id, height) in acknowledged {
            let found = network.get(place, &format!("/v1/transactions/{id}")).await;
            assert_eq!(found["height"], *height, "validator {place}, transaction {id}");
        }
    }
}

/// Goal: the chain goes on when one process is lost under load, and the lost one catches up by
/// itself. Method: kill -9 one, submit on, start it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_catches_up() {
    let mut network = Network::start(4);
    network.all_ready().await;
    let mut acknowledged = BTreeMap::new();
    let nonce = submit(&network, 0, &mut acknowledged).await;
    network.kill_node(3);
    let start = Instant::now();
    let mut next = nonce;
    while acknowledged.len() < 3 * BATCH as usize {
        // Nodes 0 and 1 are asked: 2 and 3 would answer for a node that is gone.
        let place = (next / BATCH) as usize % network.count();
        next =
            if place < 2 { submit(&network, next, &mut acknowledged).await } else { next + BATCH };
        assert!(start.elapsed() < PATIENCE, "the chain stands still without one validator");
    }
    network.start_node(3);
    network.ready(3).await;
    check(&network, &acknowledged).await;
}
