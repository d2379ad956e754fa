//! Test the answers about evidence of misbehaviour, and its count in the metrics.

use super::{get, ok};
use crate::memory_chain::MemoryChain;
use serde_json::json;
use trine_consensus::KeptVotes;
use trine_testkit::suite;
use trine_types::{Digest, Epoch};
use trine_verify::{Ballot, Conflict, ConflictingVotes};

/// Evidence against the first validator of a chain; nothing here looks at signatures.
fn kept(chain: &MemoryChain, epoch: u64) -> KeptVotes {
    let validator = chain.genesis.validator_set().unwrap().as_slice()[0].clone();
    let ballot = |digest| Ballot { parent_view: 1, digest, signature: [7; 64] };
    let votes = ConflictingVotes {
        validator: validator.key,
        epoch: Epoch(epoch),
        view: 5,
        conflict: Conflict::finalizations(ballot(Digest([1; 32])), ballot(Digest([2; 32]))),
    };
    KeptVotes { id: votes.id(suite()), votes, validator }
}

/// Goal: evidence is listed in pages, found by its name and counted. Method: none, then three.
#[tokio::test]
async fn evidence_is_listed() {
    let chain = MemoryChain::start();
    let empty = ok(&chain, "/v1/misbehaviour").await;
    assert_eq!(empty, json!({"misbehaviour": [], "total": 0}));
    for epoch in 0..3 {
        chain.keep_votes(kept(&chain, epoch));
    }
    let one = kept(&chain, 1);
    let page = ok(&chain, "/v1/misbehaviour?from=1&limit=1").await;
    assert_eq!((&page["total"], page["misbehaviour"].as_array().unwrap().len()), (&json!(3), 1));
    let shown = ok(&chain, &format!("/v1/misbehaviour/{}", one.id)).await;
    assert_eq!(page["misbehaviour"][0], shown);
    assert_eq!(shown["validator"], one.validator.name);
    assert_eq!((&shown["epoch"], &shown["view"]), (&json!(1), &json!(5)));
    assert_eq!(shown["conflict"], "two_finalizations");
    let past = ok(&chain, "/v1/misbehaviour?from=18446744073709551615").await;
    assert_eq!(past, json!({"misbehaviour": [], "total": 3}));
    let name = &one.validator.name;
    let names = [name.as_str(), name, "n9"];
    let text = chain.api.parts.metrics.render(&[], names);
    assert!(text.contains(&format!("trine_conflicting_votes{{validator=\"{name}\"}} 2\n")));
    assert!(text.contains("trine_conflicting_votes{validator=\"n9\"} 1\n"));
}

/// Goal: what is not there is said to be unknown, what is no name to be none. Method: another
/// name, too few digits.
#[tokio::test]
async fn other_names_are_refused() {
    let chain = MemoryChain::start();
    let (status, answer) = get(&chain, &format!("/v1/misbehaviour/{}", "0".repeat(64))).await;
    assert_eq!((status.as_u16(), &answer["code"]), (404, &json!("misbehaviour_not_found")));
    let (status, answer) = get(&chain, "/v1/misbehaviour/00ff").await;
    assert_eq!((status.as_u16(), &answer["code"]), (400, &json!("bad_request")));
}
