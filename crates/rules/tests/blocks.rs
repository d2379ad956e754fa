//! Check what holds after any block: supply, counts, all or nothing, staging, building.

mod common;

use common::{MEMBERS, document, must};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{TestCaseError, TestRunner};
use proptest::{option, prop_oneof};
use std::sync::{Arc, LazyLock};
use trine_rules::Rules;
use trine_testkit::{
    Applied, Member, TestChain, arbitrary, public_key, secret_key, suite, validator,
};
use trine_types::application::{Application, BlockContext, InvalidBlock};
use trine_types::call::{Action, TransferReference};
use trine_types::record::{Asset, Counters, Organisation};
use trine_types::x509::MemberCertificate;
use trine_types::{
    Account, Address, Amount, AssetId, Call, Code, Digest, Height, LogId, OrganisationId,
    ProposalId, RawCall, Roles, StateKey, Transaction, ValidatorKey, View,
};

/// Who signs: the members, two that may be created, one that never is.
const NAMES: [&str; 11] = [
    "administrator",
    "notary",
    "issuer",
    "member",
    "target",
    "frozen",
    "foreign",
    "third",
    "new",
    "newer",
    "stranger",
];

/// Those who may do more come more often.
fn name() -> impl Strategy<Value = &'static str> {
    let able = ["administrator", "notary", "issuer", "foreign", "third"];
    prop_oneof![
        2 => (0..able.len()).prop_map(move |place| able[place]),
        1 => (0..NAMES.len()).prop_map(|place| NAMES[place]),
    ]
}

fn address() -> impl Strategy<Value = Address> {
    let acted_on = prop_oneof![Just("target"), Just("frozen"), Just("member")];
    prop_oneof![acted_on, name()].prop_map(address_of)
}

fn address_of(name: &str) -> Address {
    let key = public_key(name);
    Address::of_key(suite(), key.algorithm, &key.bytes)
}

fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![6 => 0..2_000u64, 1 => Just(u64::MAX), 1 => any::<u64>()].prop_map(Amount)
}

fn asset() -> impl Strategy<Value = AssetId> {
    (0..4u32).prop_map(AssetId)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just("one"), Just("two"), Just("AAA"), Just("BBB"), Just("-"), Just("")]
        .prop_map(str::to_owned)
}

fn action() -> impl Strategy<Value = Action> {
    let parameter = prop_oneof![
        Just((3, 0)),
        Just((3, 99)),
        Just((1, 3)),
        Just((5, 2)),
        (0..8u8, any::<u64>())
    ];
    prop_oneof![
        address().prop_map(Action::Freeze),
        address().prop_map(Action::Unfreeze),
        parameter.prop_map(|(parameter, value)| Action::SetParameter { parameter, value }),
        (text(), name()).prop_map(|(name, administrator)| Action::CreateOrganisation {
            name,
            administrator: public_key(administrator),
        }),
        validator_action(),
        validator_action(),
    ]
}

/// Actions on validators of the test chain, of whom there are four, and on others.
fn validator_action() -> impl Strategy<Value = Action> {
    let name = || (0..6u8).prop_map(|number| format!("validator-{number}"));
    let validator = move || {
        (name(), 0..4u32, 0..8u8).prop_map(|(name, organisation, fault)| {
            let mut validator = validator(&name, organisation);
            match fault {
                0 => validator.key.0[33] = 1,
                1 => "-".clone_into(&mut validator.name),
                2 => "nowhere".clone_into(&mut validator.address),
                _ => (),
            }
            validator
        })
    };
    let key = move || name().prop_map(|name| validator_of(&name));
    prop_oneof![
        validator().prop_map(Action::AdmitValidator),
        key().prop_map(Action::RemoveValidator),
        (key(), validator())
            .prop_map(|(key, validator)| Action::ReplaceValidator { key, validator }),
        (0..4u32).prop_map(|id| Action::RemoveOrganisation(OrganisationId(id))),
    ]
}

fn validator_of(name: &str) -> ValidatorKey {
    validator(name, 0).key
}

fn certificate() -> impl Strategy<Value = MemberCertificate> {
    let expires_ms = prop_oneof![3 => Just(u64::MAX), 1 => 1_700_000_001_000..1_700_000_020_000u64];
    ((0..3u8), 0..3u8, expires_ms).prop_map(|(fingerprint, authority, expires_ms)| {
        let (fingerprint, authority) = (Digest([fingerprint; 32]), Digest([authority; 32]));
        MemberCertificate { fingerprint, authority, expires_ms }
    })
}

fn newcomer() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("new"), Just("newer"), name()]
}

fn certificate_call() -> impl Strategy<Value = Call> {
    prop_oneof![
        (newcomer(), arbitrary::roles(), certificate()).prop_map(|(name, roles, certificate)| {
            Call::AccountEnrol { key: public_key(name), roles, certificate }
        }),
        (address(), certificate())
            .prop_map(|(address, certificate)| Call::CertificateSet { address, certificate }),
        certificate().prop_map(|one| Call::AuthorityRegister {
            fingerprint: one.authority,
            expires_ms: one.expires_ms,
        }),
        certificate().prop_map(|one| Call::AuthorityRemove { fingerprint: one.authority }),
    ]
}

/// Calls that mean something on the test chain: most of them succeed for someone.
fn call() -> impl Strategy<Value = Call> {
    let roles = || arbitrary::roles();
    let proposal = || (0..4u64).prop_map(ProposalId);
    let reference = || option::of((0..2u8).prop_map(|byte| TransferReference(vec![byte; 16])));
    prop_oneof![
        (name(), roles()).prop_map(|(name, roles)| common::create(name, roles)),
        (name(), any::<u32>())
            .prop_map(|(name, modules)| Call::KeyAdd { key: public_key(name), modules }),
        (0..3u8).prop_map(|key_index| Call::KeyRevoke { key_index }),
        (0..3u8, name())
            .prop_map(|(key_index, name)| Call::KeyRotate { key_index, key: public_key(name) }),
        address().prop_map(|address| Call::AccountFreeze { address }),
        address().prop_map(|address| Call::AccountUnfreeze { address }),
        (address(), roles()).prop_map(|(address, roles)| Call::RolesSet { address, roles }),
        (address(), 0..6u32).prop_map(|(address, quota)| Call::QuotaSet { address, quota }),
        certificate_call(),
        certificate_call(),
        certificate_call(),
        (action(), 1_700_000_001_000..1_700_000_050_000u64)
            .prop_map(|(action, expires_ms)| Call::ProposalSubmit { action, expires_ms }),
        (proposal(), prop_oneof![action(), Just(Action::Freeze(address_of("target")))])
            .prop_map(|(proposal, action)| Call::ProposalApprove { proposal, action }),
        proposal().prop_map(|proposal| Call::ProposalReject { proposal }),
        text().prop_map(|name| Call::LogCreate { name }),
        (0..6u32, 1..4usize).prop_map(|(log, count)| Call::EvidenceAppend {
            log: LogId(log),
            media_type: String::new(),
            reference: Vec::new(),
            entries: vec![Digest([5; 32]); count],
        }),
        (text(), text()).prop_map(|(symbol, name)| Call::AssetDefine { symbol, name, decimals: 2 }),
        (asset(), address(), amount()).prop_map(|(asset, to, amount)| Call::AssetIssue {
            asset,
            to,
            amount
        }),
        (asset(), address(), amount(), reference()).prop_map(|(asset, to, amount, reference)| {
            Call::AssetTransfer { asset, to, amount, reference }
        }),
        (asset(), amount()).prop_map(|(asset, amount)| Call::AssetBurn { asset, amount }),
    ]
}

#[derive(Clone, Debug)]
struct Plan {
    name: &'static str,
    key_index: u8,
    nonce: u64,
    calls: Vec<RawCall>,
}

fn plan() -> impl Strategy<Value = Plan> {
    let calls = vec(
        prop_oneof![12 => call().prop_map(|call| call.to_raw()), 1 => arbitrary::raw_call()],
        1..4,
    );
    let key_index = prop_oneof![8 => Just(0), 1 => 0..9u8];
    (name(), key_index, 0..6u64, calls).prop_map(|(name, key_index, nonce, calls)| Plan {
        name,
        key_index,
        nonce,
        calls,
    })
}

fn blocks() -> impl Strategy<Value = Vec<Vec<Plan>>> {
    vec(vec(plan(), 0..12), 1..6)
}

/// The test chain with keys, an asset, balances, a log, a reference and an open proposal.
static STARTED: LazyLock<TestChain> = LazyLock::new(|| {
    let mut chain = common::chain();
    for Member { name, .. } in MEMBERS.into_iter().filter(|member| member.name != "frozen") {
        must(&mut chain, name, &[Call::KeyAdd { key: public_key(name), modules: u32::MAX }]);
    }
    let define = Call::AssetDefine { symbol: "AAA".to_owned(), name: "A".to_owned(), decimals: 0 };
    let issue =
        |to| Call::AssetIssue { asset: AssetId(2), to: address_of(to), amount: Amount(1_000) };
    must(&mut chain, "issuer", &[define, issue("member"), issue("third")]);
    for name in ["administrator", "foreign", "third"] {
        let register = |number| Call::AuthorityRegister {
            fingerprint: Digest([number; 32]),
            expires_ms: u64::MAX,
        };
        must(&mut chain, name, &[register(0), register(1)]);
    }
    common::open_proposal(&mut chain);
    chain
});

fn start() -> (Arc<dyn Application>, TestChain) {
    let rules = Rules::new(&document()).expect("the document is consistent");
    (Arc::new(rules), STARTED.clone())
}

fn sign(chain: &mut TestChain, plan: &Plan) -> Transaction {
    let base = chain.account(plan.name).map_or(0, |account| account.nonce_base);
    let mut body = chain.unsigned(plan.name, plan.calls.clone());
    body.key_index = plan.key_index;
    body.nonce = base + plan.nonce;
    body.sign(suite(), &secret_key(plan.name))
}

struct Built {
    context: BlockContext,
    included: Vec<Transaction>,
    refused: Vec<InvalidBlock>,
    applied: Applied,
    before: TestChain,
}

/// Builds the next block from the plans.
fn build(chain: &mut TestChain, plans: &[Plan]) -> Built {
    let candidates: Vec<_> = plans.iter().map(|plan| sign(chain, plan)).collect();
    let references: Vec<&Transaction> = candidates.iter().collect();
    chain.height = Height(chain.height.0 + 1);
    chain.time_ms += 1_000;
    let before = chain.clone();
    let context = chain.ledger.context(chain.height, chain.time_ms);
    let (places, refused, applied) = chain.ledger.build(&context, &references);
    let included = places.iter().map(|place| candidates[*place].clone()).collect();
    Built { context, included, refused, applied, before }
}

/// Every account and value, staged whether declared or not.
fn stage_everything(chain: &TestChain, named: &View) -> View {
    let mut view = View::default();
    for (address, account) in chain.ledger.accounts() {
        view.stage_account(*address, Some(account.clone()));
    }
    for (address, account, _) in named.staged_accounts() {
        if account.is_none() {
            view.stage_account(*address, None);
        }
    }
    for (key, value) in chain.ledger.values() {
        view.stage_value(*key, Some(value.clone()));
    }
    view
}

fn check_supply(chain: &TestChain) -> Result<(), TestCaseError> {
    let counters: Counters =
        chain.ledger.record(&StateKey::counters(suite())).expect("counters exist");
    for number in 1..=counters.assets {
        let id = AssetId(number);
        let asset: Asset =
            chain.ledger.record(&StateKey::asset(suite(), id)).expect("assets are numbered");
        let balance = |(address, account): (&Address, &Account)| match id {
            AssetId::PRIMARY => account.balance.0,
            _ => {
                let key = StateKey::balance(suite(), *address, id);
                let amount: Option<Amount> = chain.ledger.record(&key);
                assert_ne!(amount, Some(Amount(0)), "a zero balance has no record");
                amount.unwrap_or_default().0
            }
        };
        let sum: u128 = chain.ledger.accounts().iter().map(balance).map(u128::from).sum();
        prop_assert_eq!(sum, u128::from(asset.supply.0), "supply of asset {}", number);
    }
    Ok(())
}

fn check_administrators(chain: &TestChain) -> Result<(), TestCaseError> {
    let counters: Counters =
        chain.ledger.record(&StateKey::counters(suite())).expect("counters exist");
    for number in 0..counters.organisations {
        let id = OrganisationId(number);
        let key = StateKey::organisation(suite(), id);
        let organisation: Organisation = chain.ledger.record(&key).expect("they are numbered");
        let holds = |account: &&Account| {
            account.organisation == id && account.roles.has(Roles::ADMINISTRATOR)
        };
        let count = chain.ledger.accounts().values().filter(holds).count();
        prop_assert_eq!(count as u32, organisation.administrators);
        prop_assert!(count > 0, "organisation {} has lost its last administrator", number);
    }
    Ok(())
}

proptest! {
    /// Goal: after any block, supply is the sum of balances and administrators are counted.
    /// Method: blocks of calls that often succeed, valid and invalid transactions mixed.
    #[test]
    fn invariants_hold_after_any_block(blocks in blocks()) {
        let (_, mut chain) = start();
        for plans in blocks {
            build(&mut chain, &plans);
            check_supply(&chain)?;
            check_administrators(&chain)?;
        }
    }

    /// Goal: what one builds, everyone accepts with the same result. Method: execute the block that
    /// was built on a copy of its parent state, and compare everything.
    #[test]
    fn a_built_block_executes_the_same(blocks in blocks()) {
        let (_, mut chain) = start();
        for plans in blocks {
            let built = build(&mut chain, &plans);
            prop_assert_eq!(built.included.len(), built.applied.execution.outcomes.len());
            let mut ledger = built.before.ledger;
            let bodies: Vec<_> = built.included.iter().map(|one| one.bytes.clone()).collect();
            // Signatures are the ledger's matter: skip blocks where a rotated key makes one fail.
            match ledger.apply(&built.context, &bodies) {
                Ok(applied) => prop_assert_eq!(applied, built.applied),
                Err(invalid) => prop_assert_eq!(invalid.code, Code::BadSignature),
            }
        }
    }

    /// Goal: the rules declare everything they read. Method: execute each block on a view that
    /// holds the whole state, and on one that holds what was declared.
    #[test]
    fn everything_read_is_declared(blocks in blocks()) {
        let (rules, mut chain) = start();
        for plans in blocks {
            let Built { context, included, before, .. } = build(&mut chain, &plans);
            let references: Vec<&Transaction> = included.iter().collect();
            let mut declared = before.ledger.stage(&context, &references);
            let mut whole = stage_everything(&before, &declared);
            let one = rules.execute(&context, &references, &mut declared);
            let other = rules.execute(&context, &references, &mut whole);
            prop_assert!(one.is_ok());
            prop_assert_eq!(one, other);
        }
    }

    /// Goal: a transaction is all or nothing. Method: a failed one, alone in a block, changes only
    /// its sender's nonce and quota and its organisation's quota.
    #[test]
    fn a_failed_transaction_leaves_no_trace(blocks in blocks()) {
        let (_, mut chain) = start();
        for plan in blocks.into_iter().flatten() {
            let built = build(&mut chain, std::slice::from_ref(&plan));
            let Some(outcome) = built.applied.execution.outcomes.first() else {
                let same = chain.ledger.state_digest() == built.before.ledger.state_digest();
                prop_assert!(same, "a refused transaction changed the state");
                continue;
            };
            if outcome.code == Code::Ok {
                continue;
            }
            let sender = address_of(plan.name);
            let mut account = chain.ledger.account(&sender).expect("it acted").clone();
            let before = built.before.ledger.account(&sender).expect("it acted");
            let nonce = built.included[0].body.nonce;
            prop_assert!(before.check_nonce(nonce).is_ok() && account.check_nonce(nonce).is_err());
            account.nonce_base = before.nonce_base;
            account.nonce_used = before.nonce_used;
            account.quota_window = before.quota_window;
            account.quota_used = before.quota_used;
            let key = StateKey::organisation(suite(), account.organisation);
            let mut undone = chain.ledger.clone();
            undone.set_account(sender, account);
            let organisation: Option<Organisation> = built.before.ledger.record(&key);
            undone.set_record(key, &organisation.expect("the organisation exists"));
            prop_assert_eq!(undone.state_digest(), built.before.ledger.state_digest());
            prop_assert!(built.applied.execution.log_appends.is_empty());
        }
    }

    /// Goal: an id has at most one outcome. Method: no transaction that is included is accepted
    /// again.
    #[test]
    fn nothing_is_included_twice(blocks in blocks()) {
        let (_, mut chain) = start();
        let mut seen = std::collections::BTreeSet::new();
        for plans in blocks {
            let built = build(&mut chain, &plans);
            prop_assert!(built.refused.iter().all(|one| !one.code.is_includable()));
            for transaction in built.included {
                prop_assert!(seen.insert((transaction.body.sender, transaction.body.nonce)));
            }
        }
    }
}

/// Goal: the properties above see every method succeed and fail. Method: count the calls that
/// succeeded and failed over a fixed run of the generator.
#[test]
fn plans_reach_every_method() {
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let (_, mut chain) = start();
        let blocks = blocks().new_tree(&mut runner).expect("plans are generated").current();
        for plan in blocks.into_iter().flatten() {
            let built = build(&mut chain, std::slice::from_ref(&plan));
            let Some(outcome) = built.applied.execution.outcomes.first() else { continue };
            for (index, call) in plan.calls.iter().enumerate() {
                let failed = outcome.code != Code::Ok;
                if !failed || index == usize::from(outcome.failed_call) {
                    seen.insert((call.module, call.method, !failed));
                }
            }
        }
    }
    for (module, module_name, method, name) in trine_types::call::METHODS {
        for good in [true, false] {
            let known = seen.contains(&(*module, *method, good));
            assert!(known, "{module_name}.{name}: never seen with success = {good}");
        }
    }
}

/// Goal: the members of the test chain are those that the plans name.
/// Method: every member is among the names.
#[test]
fn plans_name_every_member() {
    assert!(MEMBERS.iter().all(|member| NAMES.contains(&member.name)));
}
