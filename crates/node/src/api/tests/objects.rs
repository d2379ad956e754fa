//! Test the answers about accounts, organisations, assets, logs, entries, transfers, proposals.

use super::{accept, get, ok, transfer};
use crate::memory_chain::{MemoryChain, address};
use serde_json::json;
use trine_testkit::{public_key, suite};
use trine_types::call::{Action, TransferReference};
use trine_types::codec::to_hex;
use trine_types::x509::MemberCertificate;
use trine_types::{Amount, AssetId, Call, Digest, LogId, Roles, StateKey};

const REFERENCE: &[u8] = b"invoice-2026-0001";

fn certificate() -> MemberCertificate {
    MemberCertificate {
        fingerprint: Digest([2; 32]),
        authority: Digest([1; 32]),
        expires_ms: 1 << 45,
    }
}

/// A chain on which one of everything has happened.
async fn eventful() -> MemoryChain {
    let chain = MemoryChain::start();
    let reference = Some(TransferReference(REFERENCE.to_vec()));
    let (asset, to, amount) = (AssetId::PRIMARY, address("bob"), Amount(5));
    let calls = [
        Call::LogCreate { name: "contracts".into() },
        Call::EvidenceAppend {
            log: LogId(2),
            media_type: "text/plain".into(),
            reference: vec![1],
            entries: vec![Digest([7; 32]), Digest([8; 32])],
        },
        Call::AssetDefine { symbol: "BOND".into(), name: "Bond".into(), decimals: 0 },
        Call::AssetIssue { asset: AssetId(2), to: address("alice"), amount: Amount(9) },
        Call::AssetTransfer { asset, to, amount, reference },
        Call::KeyAdd { key: public_key("second"), modules: 0b10_0000 },
        Call::AuthorityRegister { fingerprint: Digest([1; 32]), expires_ms: u64::MAX },
        Call::CertificateSet { address: address("alice"), certificate: certificate() },
        Call::AccountEnrol {
            key: public_key("enrolled"),
            roles: Roles::NOTARY,
            certificate: certificate(),
        },
        Call::ProposalSubmit {
            action: Action::SetParameter { parameter: 3, value: 60 },
            expires_ms: crate::clock::now_ms() + 100_000,
        },
    ];
    let one = chain.transaction("admin", 0, &calls);
    accept(&chain, &[&one]).await;
    chain.produce();
    let outcome = ok(&chain, &format!("/v1/transactions/{}", one.id)).await;
    assert_eq!(outcome["outcome"]["code"], "ok", "{outcome}");
    chain
}

/// Goal: accounts show keys, balances and transactions. Method: look at the administrator's.
#[tokio::test]
async fn accounts() {
    let chain = eventful().await;
    let admin = address("admin");
    let account = ok(&chain, &format!("/v1/accounts/{admin}")).await;
    assert_eq!(account["roles"], json!(["administrator", "notary", "issuer"]));
    assert_eq!(account["organisation_name"], "city");
    assert_eq!((&account["nonce_base"], &account["balance"]), (&json!(1), &json!(999_995)));
    assert_eq!(account["live_keys"], json!([0, 1]));
    let key = ok(&chain, &format!("/v1/accounts/{admin}/keys/1")).await;
    assert_eq!(key["key"], to_hex(&public_key("second").bytes));
    assert_eq!(key["modules"], 0b10_0000);
    ok(&chain, &format!("/v1/accounts/{admin}/keys/0")).await;
    let (_, answer) = get(&chain, &format!("/v1/accounts/{admin}/keys/2")).await;
    assert_eq!(answer["code"], "state_not_found");
    let alice = address("alice");
    let balance = ok(&chain, &format!("/v1/accounts/{alice}/balances/2")).await;
    assert_eq!((&balance["balance"], &balance["symbol"]), (&json!(9), &json!("BOND")));
    let balance = ok(&chain, &format!("/v1/accounts/{}/balances/1", address("bob"))).await;
    assert_eq!(balance["balance"], 5);
    let (_, answer) = get(&chain, &format!("/v1/accounts/{alice}/balances/3")).await;
    assert_eq!(answer["code"], "asset_not_found");
    let recent = ok(&chain, &format!("/v1/accounts/{admin}/transactions")).await;
    assert_eq!(recent["transactions"].as_array().unwrap().len(), 1);
    let (_, answer) = get(&chain, &format!("/v1/accounts/{}", "00".repeat(20))).await;
    assert_eq!(answer["code"], "account_not_found");
}

/// Goal: certificates are shown with their accounts, by organisation, and provable. Method: an
/// account that was enrolled and one that got its certificate later.
#[tokio::test]
async fn certificates() {
    let chain = eventful().await;
    let (alice, enrolled) = (address("alice"), address("enrolled"));
    let record = json!({
        "fingerprint": "02".repeat(32), "authority": "01".repeat(32), "expires_ms": 1u64 << 45,
    });
    assert_eq!(ok(&chain, &format!("/v1/accounts/{alice}/certificate")).await, record);
    assert_eq!(ok(&chain, &format!("/v1/accounts/{enrolled}")).await["certificate"], record);
    let admin = address("admin");
    assert_eq!(ok(&chain, &format!("/v1/accounts/{admin}")).await["certificate"], json!(null));
    for end in ["certificate", "certificate/proof"] {
        let (_, answer) = get(&chain, &format!("/v1/accounts/{admin}/{end}")).await;
        assert_eq!(answer["code"], "certificate_not_found");
    }
    let authorities = ok(&chain, "/v1/organisations/city/authorities").await;
    let expected = json!([{"fingerprint": "01".repeat(32), "expires_ms": u64::MAX}]);
    assert_eq!((&authorities["authorities"], &authorities["organisation"]), (&expected, &json!(0)));
    let list = ok(&chain, "/v1/organisations/0/certificates").await;
    let addresses: Vec<_> = (0..2).map(|place| &list["certificates"][place]["address"]).collect();
    assert_eq!(addresses, [&json!(alice), &json!(enrolled)]);
    assert_eq!((&list["total"], &list["certificates"][1]["number"]), (&json!(2), &json!(1)));
    let rest = ok(&chain, "/v1/organisations/0/certificates?from=1").await;
    assert_eq!(rest["certificates"], json!([list["certificates"][1]]));
    let none = ok(&chain, "/v1/organisations/port/certificates").await;
    assert_eq!(none, json!({"certificates": [], "total": 0}));
    for end in ["authorities", "certificates"] {
        let (_, answer) = get(&chain, &format!("/v1/organisations/9/{end}")).await;
        assert_eq!(answer["code"], "organisation_not_found");
    }
}

/// Goal: lists start where asked and name how many there are. Method: organisations, assets, logs,
/// proposals, with `from` and by name.
#[tokio::test]
async fn lists() {
    let chain = eventful().await;
    let list = ok(&chain, "/v1/organisations").await;
    assert_eq!((&list["total"], &list["organisations"][1]["name"]), (&json!(2), &json!("port")));
    let list = ok(&chain, "/v1/organisations?from=1").await;
    assert_eq!(list["organisations"].as_array().unwrap().len(), 1);
    assert_eq!(ok(&chain, "/v1/organisations/port").await["id"], 1);
    assert_eq!(ok(&chain, "/v1/organisations/1").await["name"], "port");
    assert_eq!(ok(&chain, "/v1/assets").await["assets"][1]["symbol"], "BOND");
    assert_eq!(ok(&chain, "/v1/assets?from=2").await["assets"][0]["supply"], 9);
    assert_eq!(ok(&chain, "/v1/assets/2").await["name"], "Bond");
    let list = ok(&chain, "/v1/logs?from=2").await;
    assert_eq!((&list["total"], &list["logs"][0]["size"]), (&json!(3), &json!(2)));
    let log = ok(&chain, "/v1/logs/2").await;
    assert_eq!(log, ok(&chain, "/v1/logs/city/contracts").await);
    let list = ok(&chain, "/v1/proposals").await;
    assert_eq!(list["proposals"][0]["action"]["name"], "approval_percent");
    assert_eq!(ok(&chain, "/v1/proposals/0").await["status"], "open");
    for (path, code) in [
        ("/v1/organisations/nobody", "organisation_not_found"),
        ("/v1/organisations/2", "organisation_not_found"),
        ("/v1/assets/3", "asset_not_found"),
        ("/v1/logs/3", "log_not_found"),
        ("/v1/logs/city/nothing", "log_not_found"),
        ("/v1/logs/nobody/default", "organisation_not_found"),
        ("/v1/proposals/1", "proposal_not_found"),
    ] {
        assert_eq!(get(&chain, path).await.1["code"], code, "{path}");
    }
}

/// Goal: entries are found by place and by digest, transfers by sender and by reference alone,
/// values by key. Method: those of the one block.
#[tokio::test]
async fn entries_transfers_and_values() {
    let chain = eventful().await;
    let entry = ok(&chain, "/v1/logs/2/entries/1").await;
    assert_eq!(entry["entry"], "08".repeat(32));
    assert_eq!(entry, ok(&chain, &format!("/v1/entries/{}", "08".repeat(32))).await);
    assert_eq!(get(&chain, "/v1/logs/2/entries/2").await.1["code"], "entry_not_found");
    let unknown = format!("/v1/entries/{}", "09".repeat(32));
    assert_eq!(get(&chain, &unknown).await.1["code"], "entry_not_found");
    let (sender, reference) = (address("admin"), to_hex(REFERENCE));
    let transfer = ok(&chain, &format!("/v1/transfers/{sender}/{reference}")).await;
    assert_eq!((&transfer["amount"], &transfer["call"]), (&json!(5), &json!(4)));
    let found = ok(&chain, &format!("/v1/transfers?reference={reference}")).await;
    assert_eq!(found["transfers"], json!([transfer]));
    let other = address("alice");
    let (_, answer) = get(&chain, &format!("/v1/transfers/{other}/{reference}")).await;
    assert_eq!(answer["code"], "transfer_not_found");
    let key = to_hex(&StateKey::counters(suite()).0);
    assert!(ok(&chain, &format!("/v1/state/{key}")).await["value"].is_string());
    let (_, answer) = get(&chain, &format!("/v1/state/{}", "00".repeat(32))).await;
    assert_eq!(answer["code"], "state_not_found");
}

/// Goal: a transaction shows its calls decoded and why it failed. Method: a transfer over the
/// balance.
#[tokio::test]
async fn a_failed_transaction_says_why() {
    let chain = MemoryChain::start();
    let one = chain.transaction("bob", 0, &[transfer("alice", 1)]);
    accept(&chain, &[&one]).await;
    chain.produce();
    let answer = ok(&chain, &format!("/v1/transactions/{}", one.id)).await;
    assert_eq!(answer["outcome"]["code"], "insufficient_balance");
    assert_eq!(answer["outcome"]["events"], json!([]));
    assert_eq!(answer["calls"][0]["name"], "assets.transfer");
    assert_eq!(answer["calls"][0]["decoded"]["to"], json!(address("alice")));
}
