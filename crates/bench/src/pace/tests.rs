//! Test the schedule and the hostile share of a load.

use super::*;
use crate::plan::Payload;
use crate::sign::{Ahead, Senders};
use std::sync::Arc;
use trine_types::{Genesis, TransactionId};

fn plan(rate_per_s: u64, duration_s: u64, warmup_s: u64) -> LoadPlan {
    let genesis = serde_json::json!({
        "format": "trine-genesis-v1", "name": "load", "suite": "intl", "time_ms": 1,
        "blocks_per_epoch": 64, "organisations": ["one"], "validators": [], "accounts": [],
        "generated_accounts": {"organisation": 0, "seed": "x", "count": 4, "balance": 1000},
    });
    let genesis: Genesis = serde_json::from_value(genesis).unwrap();
    LoadPlan {
        genesis,
        nodes: vec!["http://127.0.0.1:1".to_owned()],
        rate_per_s,
        duration_s,
        warmup_s,
        payload: Payload::Transfer,
        hostile_percent: 0,
        presign: false,
        validator_pids: Vec::new(),
        notary_keys: Vec::new(),
    }
}

fn signers(plan: &LoadPlan) -> Signers {
    let senders = Arc::new(Senders::prepare(plan, trine_types::Suite::Intl));
    Signers::start(&senders, plan.rate_per_s, Ahead::Little, 1)
}

/// Goal: the schedule is exact over any sequence of ticks and nothing is sent twice or early.
/// Method: ticks of uneven length over two seconds at 1,000 a second.
#[test]
fn schedule_is_exact() {
    let plan = plan(1_000, 2, 0);
    let signers = signers(&plan);
    std::thread::sleep(Duration::from_millis(800));
    let mut pace = Pace::new(&plan, Duration::from_secs(2));
    let mut hostile = Hostile::new(0);
    let mut dues = Vec::new();
    for now_ms in [0, 3, 10, 11, 500, 1_999, 2_500] {
        let now = Duration::from_millis(now_ms);
        for batch in pace.due(now, &signers, &mut hostile) {
            assert!(batch.honest.iter().all(|(_, due)| *due <= now));
            dues.extend(batch.honest.into_iter().map(|(signed, due)| (signed.id, due)));
        }
    }
    signers.stop();
    assert_eq!(dues.len(), 2_000);
    let expected: Vec<_> = (0..2_000).map(Duration::from_millis).collect();
    assert_eq!(dues.iter().map(|(_, due)| *due).collect::<Vec<_>>(), expected);
    dues.sort_unstable();
    dues.dedup_by_key(|(id, _)| *id);
    assert_eq!(dues.len(), 2_000);
}

/// Goal: a loader that is late says so. Method: no tick before half of the run is over.
#[test]
fn lateness_is_reported() {
    let plan = plan(1_000, 2, 0);
    let signers = signers(&plan);
    std::thread::sleep(Duration::from_millis(800));
    let mut pace = Pace::new(&plan, Duration::from_secs(2));
    pace.due(Duration::from_secs(1), &signers, &mut Hostile::new(0));
    signers.stop();
    // 900 of the first 1,000 came over 100 ms late, the second 1,000 (all but one) never.
    assert!((pace.shortfall_percent() - 95.0).abs() < 0.2, "{}", pace.shortfall_percent());
    assert_eq!(pace.delay_max, Duration::from_secs(1));
}

/// Goal: the share of hostile transactions is the one asked for and none is the honest one.
/// Method: count over 300 honest transactions at 50 percent.
#[test]
fn hostile_share_is_exact() {
    let mut hostile = Hostile::new(50);
    let mut made = 0;
    for index in 0..300u32 {
        let bytes = Bytes::from(vec![1; 100 + index as usize % 7]);
        let honest = Signed { id: TransactionId::default(), bytes: bytes.clone(), payment: None };
        made += hostile.beside(&honest).len();
    }
    assert_eq!(made, 150);
}

/// Goal: what was final long ago is sent again. Method: numbered transactions; after enough of
/// them one in four hostile ones is the oldest that is remembered, one the latest.
#[test]
fn old_transactions_are_replayed() {
    let mut hostile = Hostile::new(100);
    let count = REPLAYED_AFTER as u32 + 100;
    for index in 0..count {
        let bytes = Bytes::copy_from_slice(&index.to_be_bytes());
        let honest = Signed { id: TransactionId::default(), bytes: bytes.clone(), payment: None };
        let made = hostile.beside(&honest);
        // Kinds take turns by four, and the count is a multiple of it.
        if index == count - 4 {
            assert_eq!(made, [Bytes::copy_from_slice(&(index - 1).to_be_bytes())]);
        }
        if index == count - 2 {
            let oldest = index - REPLAYED_AFTER as u32;
            assert_eq!(made, [Bytes::copy_from_slice(&oldest.to_be_bytes())]);
        }
    }
}
