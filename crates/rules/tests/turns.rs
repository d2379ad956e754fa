//! Check validity, quotas, keys and limits where one block holds several transactions.

mod common;

use common::{TOKEN, chain, chain_of, create, document, must, note, pay};
use trine_testkit::{TestChain, public_key, secret_key, suite};
use trine_types::application::InvalidBlock;
use trine_types::{
    Amount, Call, Code, Genesis, OrganisationId, RawCall, Roles, StateKey, Transaction, record,
};

fn codes(chain: &mut TestChain, transactions: &[Transaction]) -> Result<Vec<Code>, InvalidBlock> {
    let applied = chain.block(transactions)?;
    Ok(applied.execution.outcomes.iter().map(|outcome| outcome.code).collect())
}

fn with_key(chain: &mut TestChain, who: &str, index: u8, key: &str, call: Call) -> Transaction {
    let mut body = chain.unsigned(who, vec![call.to_raw()]);
    body.key_index = index;
    body.sign(suite(), &secret_key(key))
}

/// Goal: an account counts from the next block on. Method: it acts in the block of its creation,
/// and in the next.
#[test]
fn a_new_account_acts_from_the_next_block_on() {
    let mut chain = chain();
    let creation = chain.transaction("administrator", &[create("new", Roles::default())]);
    let mut early = chain.clone();
    let key = Call::KeyAdd { key: public_key("other"), modules: 0 };
    let act = chain.transaction("new", &[key]);
    let refused = codes(&mut early, &[creation.clone(), act.clone()]);
    assert_eq!(refused, Err(InvalidBlock { index: 1, code: Code::UnknownSender }));
    assert_eq!(codes(&mut chain, &[creation]), Ok(vec![Code::Ok]));
    assert_eq!(codes(&mut chain, &[act]), Ok(vec![Code::Ok]));
}

/// Goal: a key change counts from the next block on. Method: a key added, rotated and revoked, used
/// in the same block and in the next.
#[test]
fn a_key_change_counts_from_the_next_block_on() {
    let mut chain = chain();
    let add = Call::KeyAdd { key: public_key("second"), modules: 1 << 5 };
    let adding = chain.transaction("member", &[add]);
    let transfer = pay(&chain, "target", 1);
    let second = with_key(&mut chain, "member", 1, "second", transfer.clone());
    let refused = codes(&mut chain.clone(), &[adding.clone(), second.clone()]);
    assert_eq!(refused, Err(InvalidBlock { index: 1, code: Code::UnknownKey }));
    assert_eq!(codes(&mut chain, &[adding]), Ok(vec![Code::Ok]));
    assert_eq!(codes(&mut chain, &[second]), Ok(vec![Code::Ok]));

    let revoking = chain.transaction("member", &[Call::KeyRevoke { key_index: 1 }]);
    let same = with_key(&mut chain, "member", 1, "second", transfer.clone());
    let next = with_key(&mut chain, "member", 1, "second", transfer.clone());
    assert_eq!(codes(&mut chain, &[revoking, same]), Ok(vec![Code::Ok, Code::Ok]));
    let refused = codes(&mut chain, &[next]);
    assert_eq!(refused, Err(InvalidBlock { index: 0, code: Code::RevokedKey }));

    let rotate = Call::KeyRotate { key_index: 0, key: public_key("third key") };
    let rotating = chain.transaction("member", &[rotate]);
    let same = chain.transaction("member", std::slice::from_ref(&transfer));
    assert_eq!(codes(&mut chain, &[rotating, same]), Ok(vec![Code::Ok, Code::Ok]));
    let old = chain.transaction("member", std::slice::from_ref(&transfer));
    let refused = codes(&mut chain.clone(), &[old]);
    assert_eq!(refused, Err(InvalidBlock { index: 0, code: Code::BadSignature }));
    let new = with_key(&mut chain, "member", 0, "third key", transfer);
    assert!(codes(&mut chain, &[new]).is_ok());
}

/// Goal: a further key calls only its modules, the first every one. Method: a key for assets
/// appends evidence; an unknown module comes before the permission.
#[test]
fn a_key_calls_its_modules_only() {
    let mut chain = chain();
    let add = Call::KeyAdd { key: public_key("second"), modules: 1 << 5 };
    must(&mut chain, "notary", &[add]);
    let denied = with_key(&mut chain, "notary", 1, "second", note(0));
    let allowed = {
        let call = pay(&chain, "target", 1);
        with_key(&mut chain, "notary", 1, "second", call)
    };
    let unknown = {
        let call = RawCall { module: 9, method: 1, arguments: [][..].into() };
        let mut body = chain.unsigned("notary", vec![call]);
        body.key_index = 1;
        body.sign(suite(), &secret_key("second"))
    };
    let verdicts = codes(&mut chain, &[denied, allowed, unknown]);
    assert_eq!(verdicts, Ok(vec![Code::KeyNotPermitted, Code::Ok, Code::UnknownModule]));
}

/// Goal: each fault of validity has its code, in the order of the reference. Method: a transaction
/// with every fault, repaired one by one.
#[test]
fn validity_is_checked_in_order() {
    let mut chain = chain();
    must(&mut chain, "member", &[Call::KeyAdd { key: public_key("second"), modules: 0 }]);
    must(&mut chain, "member", &[Call::KeyRevoke { key_index: 1 }]);
    let call = pay(&chain, "target", 1).to_raw();
    let mut body = chain.unsigned("member", vec![call]);
    let good = body.clone();
    body.chain_id.0[0] ^= 1;
    body.sender.0[0] ^= 1;
    body.key_index = 2;
    body.nonce = 0;
    body.valid_until_ms = 0;
    let mut verdict = |body: &trine_types::UnsignedTransaction, key: &str| {
        let signed = body.clone().sign(suite(), &secret_key(key));
        chain.block(&[signed]).map(|_| ()).map_err(|invalid| invalid.code)
    };
    assert_eq!(verdict(&body, "wrong"), Err(Code::WrongChain));
    body.chain_id = good.chain_id;
    assert_eq!(verdict(&body, "wrong"), Err(Code::UnknownSender));
    body.sender = good.sender;
    assert_eq!(verdict(&body, "wrong"), Err(Code::UnknownKey));
    body.key_index = 255;
    assert_eq!(verdict(&body, "wrong"), Err(Code::UnknownKey));
    body.key_index = 1;
    assert_eq!(verdict(&body, "wrong"), Err(Code::RevokedKey));
    body.key_index = 0;
    assert_eq!(verdict(&body, "wrong"), Err(Code::NonceVoided));
    body.nonce = good.nonce + 128 + 1_024;
    assert_eq!(verdict(&body, "wrong"), Err(Code::NonceTooFar));
    body.nonce = good.nonce;
    assert_eq!(verdict(&body, "wrong"), Err(Code::Expired));
    body.valid_until_ms = good.valid_until_ms;
    assert_eq!(verdict(&body, "wrong"), Err(Code::BadSignature));
    assert_eq!(verdict(&body, "member"), Ok(()));
}

/// Goal: a transaction is valid up to and with its last time. Method: that time and one before.
#[test]
fn the_last_valid_time_is_inclusive() {
    for (valid_until_ms, expected) in
        [(0, Ok(vec![Code::Ok])), (1, Err(InvalidBlock { index: 0, code: Code::Expired }))]
    {
        let mut chain = chain();
        let call = pay(&chain, "target", 1).to_raw();
        let mut body = chain.unsigned("member", vec![call]);
        body.valid_until_ms = chain.time_ms + 1_000 - valid_until_ms;
        let signed = body.sign(suite(), &secret_key("member"));
        assert_eq!(codes(&mut chain, &[signed]), expected);
    }
}

/// Goal: one nonce is used once in a block. Method: the same nonce twice, and the same bytes twice.
#[test]
fn a_nonce_is_used_once_in_a_block() {
    let mut chain = chain();
    let call = pay(&chain, "target", 1).to_raw();
    for (nonce, expected) in [(5, Code::NonceUsed), (0, Code::NonceVoided)] {
        let mut body = chain.unsigned("member", vec![call.clone()]);
        body.nonce = nonce;
        let mut other = body.clone();
        other.calls = [pay(&chain, "target", 2).to_raw()].into();
        let [one, other] = [body, other].map(|one| one.sign(suite(), &secret_key("member")));
        for second in [one.clone(), other] {
            let refused = codes(&mut chain, &[one.clone(), second]);
            assert_eq!(refused, Err(InvalidBlock { index: 1, code: expected }));
        }
    }
}

fn with_parameter(name: &str, value: u64) -> TestChain {
    let mut genesis: Genesis = document();
    genesis.parameters.insert(name.to_owned(), value);
    chain_of(&genesis)
}

/// Goal: the account's quota counts units in a window and is charged for failures. Method: a quota
/// of three, spent, refused, and spent again in the next window.
#[test]
fn an_account_has_a_quota_in_each_window() {
    let mut chain = with_parameter("account_quota", 3);
    let entry = |count| Call::EvidenceAppend {
        log: trine_types::LogId(0),
        media_type: String::new(),
        reference: Vec::new(),
        entries: vec![trine_types::Digest([1; 32]); count],
    };
    let failing = chain.run("notary", &[note(9)]);
    assert_eq!((failing.code, failing.gas_used), (Code::UnknownLog, 1));
    let over = chain.run("notary", &[entry(3)]);
    assert_eq!((over.code, over.gas_used), (Code::AccountQuota, 0));
    let exact = chain.run("notary", &[entry(1), note(0)]);
    assert_eq!((exact.code, exact.gas_used), (Code::Ok, 2));
    let spent = chain.run("notary", &[note(0)]);
    assert_eq!((spent.code, spent.gas_used), (Code::AccountQuota, 0));
    chain.time_ms += 60_000;
    assert_eq!(chain.run("notary", &[entry(3)]).code, Code::Ok);
}

/// Goal: an own quota comes before the parameter, and zero takes the parameter. Method: one unit,
/// then none of its own.
#[test]
fn a_member_may_have_an_own_quota() {
    let mut chain = chain();
    let set = |chain: &TestChain, quota| Call::QuotaSet { address: chain.address("member"), quota };
    let call = set(&chain, 1);
    must(&mut chain, "administrator", &[call]);
    let pay = pay(&chain, "target", 1);
    let both = chain.run("member", &[pay.clone(), pay.clone()]);
    assert_eq!(both.code, Code::AccountQuota);
    assert_eq!(chain.run("member", std::slice::from_ref(&pay)).code, Code::Ok);
    assert_eq!(chain.run("member", std::slice::from_ref(&pay)).code, Code::AccountQuota);
    let call = set(&chain, 0);
    must(&mut chain, "administrator", &[call]);
    assert_eq!(chain.run("member", &[pay.clone(), pay]).code, Code::Ok);
}

/// Goal: the organisation's quota is shared, and a refusal charges nobody. Method: two members
/// spend a quota of two; a third call is refused and the account's record stays.
#[test]
fn an_organisation_has_a_quota() {
    let mut chain = with_parameter("organisation_quota", 2);
    let pay = pay(&chain, "target", 1);
    must(&mut chain, "member", std::slice::from_ref(&pay));
    must(&mut chain, "notary", std::slice::from_ref(&pay));
    let used = chain.account("member").map(|account| account.quota_used);
    let refused = chain.run("member", std::slice::from_ref(&pay));
    assert_eq!((refused.code, refused.gas_used), (Code::OrganisationQuota, 0));
    assert_eq!(chain.account("member").map(|account| account.quota_used), used);
    must(&mut chain, "third", &[pay]);
    let key = StateKey::organisation(suite(), OrganisationId(0));
    let organisation: Option<record::Organisation> = chain.ledger.record(&key);
    assert_eq!(organisation.map(|organisation| organisation.quota_used), Some(2));
}

/// Goal: a frozen sender pays its quota. Method: gas used, and the units in its record.
#[test]
fn a_frozen_sender_is_charged() {
    let mut chain = chain();
    let outcome = chain.run("frozen", &[note(0), note(0)]);
    assert_eq!((outcome.code, outcome.failed_call, outcome.gas_used), (Code::AccountFrozen, 0, 2));
    assert_eq!(chain.account("frozen").map(|account| account.quota_used), Some(2));
}

/// Goal: a block holds as many transactions and bytes as the parameters say. Method: build and
/// execute at the limit and one past it.
#[test]
fn a_block_has_its_limits() {
    let mut chain = with_parameter("block_transactions_max", 3);
    let call = pay(&chain, "target", 1);
    let four: Vec<_> =
        (0..4).map(|_| chain.transaction("member", std::slice::from_ref(&call))).collect();
    let references: Vec<&Transaction> = four.iter().collect();
    let context = chain.ledger.context(trine_types::Height(1), chain.time_ms + 1);
    let (included, refused, _) = chain.ledger.clone().build(&context, &references);
    assert_eq!((included, refused), (vec![0, 1, 2], vec![]));
    let too_many = codes(&mut chain.clone(), &four);
    assert_eq!(too_many, Err(InvalidBlock { index: 3, code: Code::TooLarge }));
    assert!(codes(&mut chain, &four[..3]).is_ok());

    let mut chain = with_parameter("block_bytes_max", 65_536);
    let large = Call::EvidenceAppend {
        log: trine_types::LogId(0),
        media_type: String::new(),
        reference: Vec::new(),
        entries: vec![trine_types::Digest([1; 32]); 1_000],
    };
    let large: Vec<_> =
        (0..3).map(|_| chain.transaction("notary", std::slice::from_ref(&large))).collect();
    assert!(large[0].bytes.len() * 2 < 65_536);
    let too_large = codes(&mut chain.clone(), &large);
    assert_eq!(too_large, Err(InvalidBlock { index: 2, code: Code::TooLarge }));
    assert!(codes(&mut chain, &large[..2]).is_ok());
}

/// Goal: a parameter counts from the next transaction on. Method: lower the block's limit in a
/// block.
#[test]
fn a_parameter_counts_at_once() {
    let mut chain = common::lonely_chain();
    let action = trine_types::call::Action::SetParameter { parameter: 5, value: 2 };
    let submit = common::submit(&chain, action);
    let first = chain.transaction("administrator", &[submit]);
    let call = pay(&chain, "target", 1);
    let second = chain.transaction("member", std::slice::from_ref(&call));
    let third = chain.transaction("member", std::slice::from_ref(&call));
    let refused = codes(&mut chain.clone(), &[first.clone(), second.clone(), third]);
    assert_eq!(refused, Err(InvalidBlock { index: 2, code: Code::TooLarge }));
    let applied = chain.block(&[first, second]).expect("two transactions fit");
    assert_eq!(applied.execution.parameters_version, 1);
}

/// Goal: a rejection never executes. Method: enough approvals by a changed parameter, then a
/// rejection.
#[test]
fn a_rejection_never_executes() {
    let mut chain = chain();
    let (proposal, action) = common::open_proposal(&mut chain);
    let key = StateKey::parameters(suite());
    let mut parameters: record::Parameters = chain.ledger.record(&key).expect("they exist");
    parameters.0[3] = 0;
    chain.ledger.set_record(key, &parameters);
    must(&mut chain, "foreign", &[Call::ProposalReject { proposal }]);
    assert_eq!(chain.account("target").map(|account| account.frozen), Some(false));
    must(&mut chain, "administrator", &[Call::ProposalApprove { proposal, action }]);
    assert_eq!(chain.account("target").map(|account| account.frozen), Some(true));
}

/// Goal: a block that closes an epoch names the next validators, others do not. Method: the last
/// height of the first epoch and the one before.
#[test]
fn the_last_block_of_an_epoch_names_validators() {
    let chain = chain();
    for (height, expected) in [(98, false), (99, true), (100, false)] {
        let context = chain.ledger.context(trine_types::Height(height), chain.time_ms + 1);
        let applied = chain.ledger.clone().apply(&context, &[]).expect("it is empty");
        let validators = applied.execution.next_validators;
        let genesis = document().validator_set().ok();
        assert_eq!(validators, genesis.filter(|_| expected));
    }
}

/// Goal: calls see the writes of earlier calls. Method: define, issue and transfer in one
/// transaction.
#[test]
fn calls_build_on_each_other() {
    let mut chain = chain();
    let asset = trine_types::AssetId(2);
    let define =
        Call::AssetDefine { symbol: "NEW".to_owned(), name: "New".to_owned(), decimals: 0 };
    let (issuer, target) = (chain.address("issuer"), chain.address("target"));
    let issue = Call::AssetIssue { asset, to: issuer, amount: Amount(5) };
    let transfer = Call::AssetTransfer { asset, to: target, amount: Amount(5), reference: None };
    must(&mut chain, "issuer", &[define, issue, transfer]);
    let balance = |of| chain.ledger.record::<Amount>(&StateKey::balance(suite(), of, asset));
    assert_eq!((balance(issuer), balance(target)), (None, Some(Amount(5))));
    assert_ne!(asset, TOKEN);
}
