//! Check, case by case, every code with which a call can fail, and that the reference lists them.

mod certificates;
#[path = "../common/mod.rs"]
mod common;
mod validators;

use common::{TOKEN, chain, create, lonely_chain, must, note, open_proposal, pay, submit};
use trine_testkit::{TestChain, public_key, suite};
use trine_types::call::{Action, PublicKey, TransferReference};
use trine_types::identifiers::Amount;
use trine_types::limits::{LOGS_MAX, ORGANISATIONS_MAX};
use trine_types::merkle::Frontier;
use trine_types::record::{Asset, Counters, Log};
use trine_types::{
    Address, AssetId, Call, Code, LogId, OrganisationId, ProposalId, Roles, StateKey,
};

/// A case: prepares a chain and says who calls what.
type Case = fn() -> (TestChain, &'static str, Call);

const NOBODY: Address = Address([0xee; 20]);

fn bad_key() -> PublicKey {
    PublicKey { algorithm: suite().algorithm(), bytes: vec![2; 31] }
}

fn off_curve_key() -> PublicKey {
    // y = 2 has no x on the curve.
    let mut bytes = vec![0; 32];
    bytes[0] = 2;
    PublicKey { algorithm: suite().algorithm(), bytes }
}

fn set_counters(chain: &mut TestChain, change: impl FnOnce(&mut Counters)) {
    let key = StateKey::counters(suite());
    let mut counters: Counters = chain.ledger.record(&key).expect("genesis writes them");
    change(&mut counters);
    chain.ledger.set_record(key, &counters);
}

/// As many logs as a chain may have.
fn fill_logs(chain: &mut TestChain) {
    let log = Log {
        organisation: OrganisationId(0),
        name: "full".to_owned(),
        frontier: Frontier::default(),
    };
    for number in 1..LOGS_MAX {
        chain.ledger.set_record(StateKey::log(suite(), LogId(number)), &log);
    }
    set_counters(chain, |counters| counters.logs = LOGS_MAX);
}

fn organisation(name: &str, key: PublicKey) -> Action {
    Action::CreateOrganisation { name: name.to_owned(), administrator: key }
}

fn define(symbol: &str, name: &str, decimals: u8) -> Call {
    Call::AssetDefine { symbol: symbol.to_owned(), name: name.to_owned(), decimals }
}

fn issue(asset: AssetId, to: Address, amount: u64) -> Call {
    Call::AssetIssue { asset, to, amount: Amount(amount) }
}

fn referenced(chain: &TestChain) -> Call {
    Call::AssetTransfer {
        asset: TOKEN,
        to: chain.address("target"),
        amount: Amount(1),
        reference: Some(TransferReference(vec![9; 16])),
    }
}

fn with_chain(
    who: &'static str,
    call: fn(&mut TestChain) -> Call,
) -> (TestChain, &'static str, Call) {
    let mut chain = chain();
    let call = call(&mut chain);
    (chain, who, call)
}

fn alone(who: &'static str, call: fn(&mut TestChain) -> Call) -> (TestChain, &'static str, Call) {
    let mut chain = lonely_chain();
    let call = call(&mut chain);
    (chain, who, call)
}

/// Votes until the proposal is closed.
fn closed_proposal(chain: &mut TestChain) -> (ProposalId, Action) {
    let (proposal, action) = open_proposal(chain);
    let approve = Call::ProposalApprove { proposal, action: action.clone() };
    must(chain, "foreign", &[approve]);
    (proposal, action)
}

fn expired_proposal(chain: &mut TestChain) -> (ProposalId, Action) {
    let (proposal, action) = open_proposal(chain);
    chain.time_ms += 1_000_000;
    (proposal, action)
}

const CASES: &[(&str, Code, Case)] = &[
    ("accounts.create", Code::NoRight, || with_chain("member", |_| create("new", Roles::ALL))),
    ("accounts.create", Code::BadKey, || {
        with_chain("administrator", |_| Call::AccountCreate {
            key: bad_key(),
            roles: Roles::default(),
        })
    }),
    ("accounts.create", Code::BadKey, || {
        with_chain("administrator", |_| Call::AccountCreate {
            key: off_curve_key(),
            roles: Roles::default(),
        })
    }),
    ("accounts.create", Code::AccountExists, || {
        with_chain("administrator", |_| create("third", Roles::default()))
    }),
    ("accounts.add_key", Code::BadKey, || {
        with_chain("member", |_| Call::KeyAdd { key: bad_key(), modules: 1 })
    }),
    ("accounts.add_key", Code::KeyLimit, || {
        with_chain("member", |chain| {
            let add = Call::KeyAdd { key: public_key("new"), modules: 1 };
            must(chain, "member", &vec![add.clone(); 7]);
            add
        })
    }),
    ("accounts.revoke_key", Code::FirstKey, || {
        with_chain("member", |_| Call::KeyRevoke { key_index: 0 })
    }),
    ("accounts.revoke_key", Code::NoSuchKey, || {
        with_chain("member", |_| Call::KeyRevoke { key_index: 1 })
    }),
    ("accounts.revoke_key", Code::NoSuchKey, || {
        with_chain("member", |_| Call::KeyRevoke { key_index: 255 })
    }),
    ("accounts.revoke_key", Code::NoSuchKey, || {
        with_chain("member", |chain| {
            let revoke = Call::KeyRevoke { key_index: 1 };
            let add = Call::KeyAdd { key: public_key("new"), modules: 1 };
            must(chain, "member", &[add, revoke.clone()]);
            revoke
        })
    }),
    ("accounts.rotate_key", Code::NoSuchKey, || {
        with_chain("member", |_| Call::KeyRotate { key_index: 1, key: bad_key() })
    }),
    ("accounts.rotate_key", Code::BadKey, || {
        with_chain("member", |_| Call::KeyRotate { key_index: 0, key: bad_key() })
    }),
    ("accounts.freeze", Code::NoRight, || {
        with_chain("administrator", |chain| Call::AccountFreeze {
            address: chain.address("administrator"),
        })
    }),
    ("accounts.freeze", Code::UnknownAccount, || {
        with_chain("administrator", |_| Call::AccountFreeze { address: NOBODY })
    }),
    ("accounts.freeze", Code::OtherOrganisation, || {
        with_chain("administrator", |chain| Call::AccountFreeze { address: chain.address("third") })
    }),
    ("accounts.freeze", Code::NoChange, || {
        with_chain("administrator", |chain| Call::AccountFreeze {
            address: chain.address("frozen"),
        })
    }),
    ("accounts.unfreeze", Code::NoRight, || {
        with_chain("notary", |_| Call::AccountUnfreeze { address: NOBODY })
    }),
    ("accounts.unfreeze", Code::UnknownAccount, || {
        with_chain("administrator", |_| Call::AccountUnfreeze { address: NOBODY })
    }),
    ("accounts.unfreeze", Code::OtherOrganisation, || {
        with_chain("administrator", |chain| Call::AccountUnfreeze {
            address: chain.address("third"),
        })
    }),
    ("accounts.unfreeze", Code::NoChange, || {
        with_chain("administrator", |chain| Call::AccountUnfreeze {
            address: chain.address("target"),
        })
    }),
    ("organisations.set_roles", Code::NoRight, || {
        with_chain("issuer", |_| Call::RolesSet { address: NOBODY, roles: Roles::ALL })
    }),
    ("organisations.set_roles", Code::UnknownAccount, || {
        with_chain("administrator", |_| Call::RolesSet { address: NOBODY, roles: Roles::ALL })
    }),
    ("organisations.set_roles", Code::OtherOrganisation, || {
        with_chain("administrator", |chain| Call::RolesSet {
            address: chain.address("third"),
            roles: Roles::ALL,
        })
    }),
    ("organisations.set_roles", Code::LastAdministrator, || {
        with_chain("foreign", |chain| Call::RolesSet {
            address: chain.address("foreign"),
            roles: Roles::NOTARY,
        })
    }),
    ("organisations.set_quota", Code::NoRight, || {
        with_chain("issuer", |_| Call::QuotaSet { address: NOBODY, quota: 1 })
    }),
    ("organisations.set_quota", Code::UnknownAccount, || {
        with_chain("administrator", |_| Call::QuotaSet { address: NOBODY, quota: 1 })
    }),
    ("organisations.set_quota", Code::OtherOrganisation, || {
        with_chain("administrator", |chain| Call::QuotaSet {
            address: chain.address("third"),
            quota: 1,
        })
    }),
    ("proposals.submit", Code::NoRight, || {
        with_chain("member", |chain| submit(chain, Action::Freeze(NOBODY)))
    }),
    ("proposals.submit", Code::BadLifetime, || {
        with_chain("administrator", |chain| Call::ProposalSubmit {
            action: Action::Freeze(NOBODY),
            expires_ms: chain.time_ms + 1_000,
        })
    }),
    ("proposals.submit", Code::BadLifetime, || {
        with_chain("administrator", |chain| Call::ProposalSubmit {
            action: Action::Freeze(NOBODY),
            expires_ms: chain.time_ms + 1_000 + 2_592_000_001,
        })
    }),
    ("proposals.submit", Code::UnknownParameter, || {
        with_chain("administrator", |chain| {
            submit(chain, Action::SetParameter { parameter: 9, value: 1 })
        })
    }),
    ("proposals.submit", Code::ParameterOutOfRange, || {
        with_chain("administrator", |chain| {
            submit(chain, Action::SetParameter { parameter: 3, value: 100 })
        })
    }),
    ("proposals.submit", Code::BadName, || {
        with_chain("administrator", |chain| submit(chain, organisation("-x", bad_key())))
    }),
    ("proposals.submit", Code::BadKey, || {
        with_chain("administrator", |chain| submit(chain, organisation("x", bad_key())))
    }),
    ("proposals.submit", Code::UnknownAccount, || {
        alone("administrator", |chain| submit(chain, Action::Freeze(NOBODY)))
    }),
    ("proposals.submit", Code::NoChange, || {
        alone("administrator", |chain| submit(chain, Action::Unfreeze(chain.address("notary"))))
    }),
    ("proposals.submit", Code::OrganisationExists, || {
        alone("administrator", |chain| submit(chain, organisation("alpha", public_key("new"))))
    }),
    ("proposals.submit", Code::OrganisationLimit, || {
        alone("administrator", |chain| {
            // One approval among a thousand organisations suffices.
            must(
                chain,
                "administrator",
                &[submit(chain, Action::SetParameter { parameter: 3, value: 0 })],
            );
            set_counters(chain, |counters| counters.organisations = ORGANISATIONS_MAX);
            submit(chain, organisation("x", public_key("new")))
        })
    }),
    ("proposals.submit", Code::AccountExists, || {
        alone("administrator", |chain| submit(chain, organisation("x", public_key("notary"))))
    }),
    ("proposals.submit", Code::LogLimit, || {
        alone("administrator", |chain| {
            fill_logs(chain);
            submit(chain, organisation("x", public_key("new")))
        })
    }),
    ("proposals.approve", Code::NoRight, || {
        with_chain("member", |_| Call::ProposalApprove {
            proposal: ProposalId(9),
            action: Action::Freeze(NOBODY),
        })
    }),
    ("proposals.approve", Code::UnknownProposal, || {
        with_chain("administrator", |_| Call::ProposalApprove {
            proposal: ProposalId(9),
            action: Action::Freeze(NOBODY),
        })
    }),
    ("proposals.approve", Code::ProposalClosed, || {
        with_chain("administrator", |chain| {
            let (proposal, action) = closed_proposal(chain);
            Call::ProposalApprove { proposal, action }
        })
    }),
    ("proposals.approve", Code::ProposalExpired, || {
        with_chain("administrator", |chain| {
            let (proposal, action) = expired_proposal(chain);
            Call::ProposalApprove { proposal, action }
        })
    }),
    ("proposals.approve", Code::AlreadyVoted, || {
        with_chain("third", |chain| {
            let (proposal, action) = open_proposal(chain);
            Call::ProposalApprove { proposal, action }
        })
    }),
    ("proposals.approve", Code::ActionMismatch, || {
        with_chain("administrator", |chain| {
            let (proposal, _) = open_proposal(chain);
            Call::ProposalApprove { proposal, action: Action::Freeze(NOBODY) }
        })
    }),
    ("proposals.approve", Code::NoChange, || {
        with_chain("administrator", |chain| {
            let (proposal, action) = open_proposal(chain);
            common::freeze(chain, "target");
            Call::ProposalApprove { proposal, action }
        })
    }),
    ("proposals.reject", Code::NoRight, || {
        with_chain("member", |_| Call::ProposalReject { proposal: ProposalId(9) })
    }),
    ("proposals.reject", Code::UnknownProposal, || {
        with_chain("administrator", |_| Call::ProposalReject { proposal: ProposalId(9) })
    }),
    ("proposals.reject", Code::ProposalClosed, || {
        with_chain("administrator", |chain| {
            let (proposal, _) = closed_proposal(chain);
            Call::ProposalReject { proposal }
        })
    }),
    ("proposals.reject", Code::ProposalExpired, || {
        with_chain("administrator", |chain| {
            let (proposal, _) = expired_proposal(chain);
            Call::ProposalReject { proposal }
        })
    }),
    ("proposals.reject", Code::AlreadyVoted, || {
        with_chain("administrator", |chain| {
            let (proposal, _) = open_proposal(chain);
            let reject = Call::ProposalReject { proposal };
            must(chain, "administrator", std::slice::from_ref(&reject));
            reject
        })
    }),
    ("evidence.create_log", Code::NoRight, || {
        with_chain("notary", |_| Call::LogCreate { name: String::new() })
    }),
    ("evidence.create_log", Code::BadName, || {
        with_chain("administrator", |_| Call::LogCreate { name: "Deeds".to_owned() })
    }),
    ("evidence.create_log", Code::LogExists, || {
        with_chain("administrator", |_| Call::LogCreate { name: "default".to_owned() })
    }),
    ("evidence.create_log", Code::LogLimit, || {
        with_chain("administrator", |chain| {
            fill_logs(chain);
            Call::LogCreate { name: "deeds".to_owned() }
        })
    }),
    ("evidence.append", Code::NoRight, || with_chain("administrator", |_| note(9))),
    ("evidence.append", Code::UnknownLog, || with_chain("notary", |_| note(9))),
    ("evidence.append", Code::OtherOrganisation, || with_chain("notary", |_| note(1))),
    ("assets.define", Code::NoRight, || with_chain("member", |_| define("", "", 19))),
    ("assets.define", Code::BadName, || with_chain("issuer", |_| define("1X", "Name", 2))),
    ("assets.define", Code::BadName, || with_chain("issuer", |_| define("new", "Name", 2))),
    ("assets.define", Code::BadName, || with_chain("issuer", |_| define("NEW", "", 2))),
    ("assets.define", Code::BadName, || with_chain("issuer", |_| define("NEW", "a\u{85}", 2))),
    ("assets.define", Code::BadName, || with_chain("issuer", |_| define("NEW", "Name", 19))),
    ("assets.define", Code::AssetExists, || with_chain("issuer", |_| define("TOK", "Name", 2))),
    ("assets.issue", Code::NoRight, || with_chain("member", |_| issue(AssetId(9), NOBODY, 0))),
    ("assets.issue", Code::UnknownAsset, || with_chain("issuer", |_| issue(AssetId(0), NOBODY, 0))),
    ("assets.issue", Code::OtherOrganisation, || {
        with_chain("foreign", |_| issue(TOKEN, NOBODY, 0))
    }),
    ("assets.issue", Code::ZeroAmount, || with_chain("issuer", |_| issue(TOKEN, NOBODY, 0))),
    ("assets.issue", Code::UnknownAccount, || with_chain("issuer", |_| issue(TOKEN, NOBODY, 1))),
    ("assets.issue", Code::AmountOverflow, || {
        with_chain("issuer", |chain| issue(TOKEN, chain.address("target"), u64::MAX))
    }),
    ("assets.transfer", Code::UnknownAsset, || {
        with_chain("member", |chain| Call::AssetTransfer {
            asset: AssetId(2),
            to: chain.address("member"),
            amount: Amount(0),
            reference: None,
        })
    }),
    ("assets.transfer", Code::ZeroAmount, || with_chain("member", |chain| pay(chain, "member", 0))),
    ("assets.transfer", Code::SelfTransfer, || {
        with_chain("member", |chain| pay(chain, "member", 5_000))
    }),
    ("assets.transfer", Code::UnknownAccount, || {
        with_chain("member", |chain| pay(chain, "stranger", 5_000))
    }),
    ("assets.transfer", Code::DuplicateReference, || {
        with_chain("member", |chain| {
            let transfer = referenced(chain);
            must(chain, "member", std::slice::from_ref(&transfer));
            transfer
        })
    }),
    ("assets.transfer", Code::InsufficientBalance, || {
        with_chain("member", |chain| pay(chain, "target", 1_001))
    }),
    ("assets.transfer", Code::AmountOverflow, || {
        with_chain("member", |chain| {
            // No sequence of blocks leads here: supply and balances would have to disagree.
            let address = chain.address("target");
            let mut account = chain.account("target").expect("it exists").clone();
            account.balance = Amount(u64::MAX);
            chain.ledger.set_account(address, account);
            pay(chain, "target", 1)
        })
    }),
    ("assets.burn", Code::UnknownAsset, || {
        with_chain("member", |_| Call::AssetBurn { asset: AssetId(2), amount: Amount(0) })
    }),
    ("assets.burn", Code::ZeroAmount, || {
        with_chain("member", |_| Call::AssetBurn { asset: TOKEN, amount: Amount(0) })
    }),
    ("assets.burn", Code::InsufficientBalance, || {
        with_chain("member", |_| Call::AssetBurn { asset: TOKEN, amount: Amount(1_001) })
    }),
];

fn cases() -> impl Iterator<Item = &'static (&'static str, Code, Case)> {
    CASES.iter().chain(certificates::CASES).chain(validators::CASES)
}

/// Goal: each failure has its own code, leaves the state as it was but for nonce and quotas, and
/// has no events. Method: run each case and compare accounts and assets before and after.
#[test]
fn every_failure_has_its_code() {
    for (place, (method, code, case)) in cases().enumerate() {
        let (mut chain, who, call) = case();
        let before = chain.clone();
        let outcome = chain.run(who, std::slice::from_ref(&call));
        assert_eq!(outcome.code, *code, "case {place}: {method}, {call:?}");
        assert!(outcome.events.is_empty(), "case {place}: {method}");
        let sender = chain.address(who);
        for (address, account) in before.ledger.accounts() {
            if *address != sender {
                assert_eq!(chain.ledger.account(address), Some(account), "case {place}");
            }
        }
        assert_eq!(before.ledger.accounts().len(), chain.ledger.accounts().len());
        let changed = chain
            .ledger
            .values()
            .iter()
            .filter(|(key, value)| before.ledger.values().get(*key) != Some(*value));
        // The one changed value is the organisation's quota.
        assert!(changed.count() <= 1, "case {place}: {method} wrote although it failed");
        assert_eq!(before.ledger.values().len(), chain.ledger.values().len());
        let asset = StateKey::asset(suite(), TOKEN);
        let (then, now) = (before.ledger.record::<Asset>(&asset), chain.ledger.record(&asset));
        assert_eq!(then, now);
    }
}

/// Goal: a case calls the method that it claims. Method: compare the names with the codec's.
#[test]
fn cases_are_filed_right() {
    for (method, _, case) in cases() {
        let raw = case().2.to_raw();
        let (_, module, _, name) = trine_types::call::METHODS
            .iter()
            .find(|known| (known.0, known.2) == (raw.module, raw.method))
            .expect("every call has a method");
        assert_eq!(*method, format!("{module}.{name}"));
    }
}

fn table() -> String {
    let mut table = String::from("| Method | Codes, in the order of the checks |\n|---|---|\n");
    for (_, module, _, name) in trine_types::call::METHODS {
        let method = format!("{module}.{name}");
        let mut codes: Vec<Code> = Vec::new();
        for (_, code, _) in cases().filter(|case| case.0 == method) {
            if !codes.contains(code) {
                codes.push(*code);
            }
        }
        let codes: Vec<_> = codes.iter().map(|code| format!("`{code}`")).collect();
        table += &format!("| `{method}` | {} |\n", codes.join(", "));
    }
    table
}

/// Goal: the reference lists the codes that the tests check. Method: find the table in the page.
#[test]
fn the_reference_has_this_table() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/modules.md");
    let page = std::fs::read_to_string(page).expect("docs/reference/modules.md is readable");
    let table = table();
    assert!(page.contains(&table), "docs/reference/modules.md lacks this table:\n{table}");
    for code in Code::ALL {
        let row = format!("| {} | `{code}` | ", code.number());
        assert!(page.contains(&row), "docs/reference/modules.md lacks the row {row}");
    }
}

/// Goal: logs are numbered without gaps. Method: two failures between two creations.
#[test]
fn a_failed_creation_takes_no_number() {
    let mut chain = chain();
    let log = |name: &str| Call::LogCreate { name: name.to_owned() };
    must(&mut chain, "administrator", &[log("one")]);
    chain.run("administrator", &[log("two"), log("two")]);
    must(&mut chain, "administrator", &[log("three")]);
    let key = StateKey::log_name(suite(), OrganisationId(0), "three");
    assert_eq!(chain.ledger.record::<LogId>(&key), Some(LogId(4)));
}
