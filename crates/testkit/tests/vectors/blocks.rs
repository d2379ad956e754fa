//! Script a chain that uses every module, and record what each block gave.

use crate::wire::document;
use serde_json::{Value, json};
use std::sync::Arc;
use trine_rules::Rules;
use trine_testkit::{Applied, TestChain, public_key, secret_key};
use trine_types::call::{Action, TransferReference};
use trine_types::codec::to_hex;
use trine_types::x509::MemberCertificate;
use trine_types::{
    Amount, AssetId, Call, Digest, Encode, Genesis, LogId, ProposalId, RawCall, Roles, Suite,
    Transaction,
};

struct Script {
    chain: TestChain,
    blocks: Vec<Value>,
}

impl Script {
    fn block(&mut self, transactions: &[Transaction]) {
        let applied = self.chain.block(transactions);
        let valid = applied.is_ok();
        let height = self.chain.height.0 + u64::from(!valid);
        let time_ms = self.chain.time_ms + if valid { 0 } else { 1_000 };
        let result = match applied {
            Ok(applied) => accepted(&applied),
            Err(invalid) => json!({ "index": invalid.index, "code": invalid.code.name() }),
        };
        let bytes: Vec<_> = transactions.iter().map(|one| to_hex(&one.bytes)).collect();
        let key = if valid { "result" } else { "invalid" };
        self.blocks.push(json!({
            "height": height,
            "time_ms": time_ms,
            "transactions": bytes,
            key: result,
        }));
    }

    fn run(&mut self, name: &str, calls: &[Call]) {
        let transaction = self.chain.transaction(name, calls);
        self.block(&[transaction]);
    }
}

fn accepted(applied: &Applied) -> Value {
    let outcomes = applied.execution.outcomes.iter().map(|one| to_hex(&one.to_bytes()));
    json!({
        "outcomes": outcomes.collect::<Vec<_>>(),
        "parameters_version": applied.execution.parameters_version,
        "body_root": applied.body_root.to_string(),
        "outcome_root": applied.outcome_root.to_string(),
        "evidence_root": applied.evidence_root.to_string(),
        "state_digest": applied.state_digest.to_string(),
    })
}

fn start() -> (Genesis, Script) {
    let genesis = Genesis { blocks_per_epoch: 8, ..document() };
    let rules = Arc::new(Rules::new(&genesis).expect("the document is consistent"));
    let chain = TestChain::new(&genesis, rules).expect("the document is consistent");
    (genesis, Script { chain, blocks: Vec::new() })
}

pub fn vectors() -> Value {
    let (genesis, mut script) = start();
    let (digest, evidence) =
        (script.chain.ledger.state_digest(), script.chain.ledger.evidence_root());
    script.block(&[]);
    assets(&mut script);
    accounts(&mut script);
    organisations(&mut script);
    proposals(&mut script);
    evidence_logs(&mut script);
    nonces(&mut script);
    invalid(&mut script);
    certificates(&mut script);
    json!({
        "genesis": genesis,
        "state_digest": digest.to_string(),
        "evidence_root": evidence.to_string(),
        "blocks": script.blocks,
    })
}

fn assets(script: &mut Script) {
    let (alice, bob, dave) = ["alice", "bob", "dave"].map(|name| script.chain.address(name)).into();
    let (token, euro) = (AssetId(1), AssetId(2));
    let pay = |asset, to, amount, reference: Option<&[u8]>| Call::AssetTransfer {
        asset,
        to,
        amount: Amount(amount),
        reference: reference.map(|bytes| TransferReference(bytes.to_vec())),
    };
    let reference = Some(&b"invoice 2026/0001"[..]);
    script.run("alice", &[pay(token, bob, 100, None), pay(token, bob, 1, reference)]);
    script.run("alice", &[pay(token, bob, 1, reference)]);
    script.run("bob", &[pay(token, alice, 50, None), pay(token, alice, 1_000, None)]);
    script.run("bob", &[pay(token, dave, 1, None)]);
    script.run(
        "alice",
        &[
            Call::AssetDefine { symbol: "EUR".to_owned(), name: "Euro".to_owned(), decimals: 2 },
            Call::AssetIssue { asset: euro, to: bob, amount: Amount(900) },
            Call::AssetIssue { asset: token, to: bob, amount: Amount(7) },
        ],
    );
    script.run("bob", &[pay(euro, alice, 300, None), pay(euro, alice, 600, None)]);
    script.run(
        "alice",
        &[
            Call::AssetBurn { asset: euro, amount: Amount(500) },
            Call::AssetBurn { asset: token, amount: Amount(9) },
        ],
    );
}

fn accounts(script: &mut Script) {
    let dave = script.chain.address("dave");
    let create = Call::AccountCreate { key: public_key("dave"), roles: Roles(2) };
    script.run("alice", std::slice::from_ref(&create));
    script.run("alice", &[create]);
    script.run("dave", &[Call::KeyAdd { key: public_key("dave 2"), modules: 1 << 5 }]);
    let mut further = |calls: Vec<RawCall>| {
        let mut body = script.chain.unsigned("dave", calls);
        body.key_index = 1;
        body.sign(Suite::Intl, &secret_key("dave 2"))
    };
    let burn = Call::AssetBurn { asset: AssetId(1), amount: Amount(1) }.to_raw();
    let rotate = Call::KeyRotate { key_index: 0, key: public_key("dave 3") }.to_raw();
    let both = [further(vec![burn]), further(vec![rotate])];
    script.block(&both);
    script.run(
        "dave",
        &[
            Call::KeyRevoke { key_index: 1 },
            Call::KeyRotate { key_index: 0, key: public_key("dave 3") },
        ],
    );
    script.run("dave", &[Call::KeyRevoke { key_index: 1 }]);
    script.run("alice", &[Call::AccountFreeze { address: dave }]);
    let mut body = script.chain.unsigned("dave", vec![]);
    body.calls = [Call::KeyRevoke { key_index: 0 }.to_raw()].into();
    let frozen = body.sign(Suite::Intl, &secret_key("dave 3"));
    script.block(&[frozen]);
    script.run("alice", &[Call::AccountUnfreeze { address: dave }]);
}

fn organisations(script: &mut Script) {
    let (alice, bob) = (script.chain.address("alice"), script.chain.address("bob"));
    script.run("alice", &[Call::RolesSet { address: bob, roles: Roles::ACTING }]);
    script.run("bob", &[Call::RolesSet { address: alice, roles: Roles(6) }]);
    script.run("bob", &[Call::RolesSet { address: bob, roles: Roles(6) }]);
    script.run("bob", &[Call::RolesSet { address: alice, roles: Roles::ACTING }]);
    script.run("alice", &[Call::QuotaSet { address: bob, quota: 1 }]);
    let note = Call::LogCreate { name: "x".to_owned() };
    script.run("bob", &[note.clone(), note]);
}

fn certificates(script: &mut Script) {
    let expires_ms = script.chain.time_ms + 3_000;
    let authority = Digest([0x22; 32]);
    let register = Call::AuthorityRegister { fingerprint: authority, expires_ms };
    let certificate =
        |expires_ms| MemberCertificate { fingerprint: Digest([0x11; 32]), authority, expires_ms };
    let enrol = |name: &str, expires_ms| Call::AccountEnrol {
        key: public_key(name),
        roles: Roles::NOTARY,
        certificate: certificate(expires_ms),
    };
    let set = |address| Call::CertificateSet { address, certificate: certificate(u64::MAX) };
    let own = script.chain.address("alice");
    script.run("alice", &[register.clone(), enrol("frank", expires_ms), set(own)]);
    script.run("alice", &[register]);
    script.run("alice", &[enrol("grace", 0)]);
    script.run("alice", &[enrol("grace", u64::MAX)]);
    let remove = Call::AuthorityRemove { fingerprint: authority };
    script.run("alice", &[remove.clone(), remove.clone()]);
    script.run("alice", &[remove]);
}

fn proposals(script: &mut Script) {
    let action =
        Action::CreateOrganisation { name: "gamma".to_owned(), administrator: public_key("erin") };
    let expires_ms = script.chain.time_ms + 1_000_000;
    let submit = |action: &Action| Call::ProposalSubmit { action: action.clone(), expires_ms };
    let approve = |number, action: &Action| Call::ProposalApprove {
        proposal: ProposalId(number),
        action: action.clone(),
    };
    script.run("alice", &[submit(&action)]);
    script.run("carol", &[approve(0, &Action::Freeze(script.chain.address("bob")))]);
    script.run("carol", &[approve(0, &action)]);
    let parameter = Action::SetParameter { parameter: 5, value: 2 };
    script.run("erin", &[submit(&parameter)]);
    let reject = Call::ProposalReject { proposal: ProposalId(1) };
    script.run("alice", std::slice::from_ref(&reject));
    script.run("carol", std::slice::from_ref(&reject));
    script.run("erin", &[reject]);
    script.run("erin", &[submit(&parameter)]);
    script.run("carol", &[approve(2, &parameter)]);
    script.run("alice", &[approve(2, &parameter)]);
    let freeze = Action::Freeze(script.chain.address("carol"));
    script.run("alice", &[submit(&freeze)]);
    script.run("erin", &[approve(3, &freeze)]);
    script.run("carol", &[approve(3, &freeze)]);
}

fn evidence_logs(script: &mut Script) {
    let append = |log, entries: &[u8]| Call::EvidenceAppend {
        log: LogId(log),
        media_type: "application/pdf".to_owned(),
        reference: b"case 7".to_vec(),
        entries: entries.iter().map(|byte| Digest([*byte; 32])).collect(),
    };
    script.run("alice", &[Call::LogCreate { name: "deeds".to_owned() }, append(3, &[1, 2, 3])]);
    script.run("alice", &[append(0, &[9]), append(3, &[4, 5]), append(1, &[6])]);
    script.run("alice", &[append(3, &[4, 5]), append(0, &[7])]);
    let mut body = script.chain.unsigned("alice", vec![append(0, &[7]).to_raw()]);
    let call =
        |module, method, arguments: &[u8]| RawCall { module, method, arguments: arguments.into() };
    let transactions = [call(6, 1, &[]), call(4, 9, &[]), call(4, 2, &[0])].map(|bad| {
        let good = body.clone();
        body.nonce += 1;
        let calls = vec![append(0, &[8]).to_raw(), bad];
        trine_types::UnsignedTransaction { calls: calls.into(), ..good }
    });
    for body in transactions {
        let signed = body.sign(Suite::Intl, &secret_key("alice"));
        script.block(&[signed]);
    }
}

fn nonces(script: &mut Script) {
    let burn = Call::AssetBurn { asset: AssetId(1), amount: Amount(1) }.to_raw();
    let base = script.chain.account("alice").expect("alice has an account").nonce_base;
    for nonce in [base + 3, base + 3, base + 140, base + 4, base + 140 + 1_025, base + 20] {
        let mut body = script.chain.unsigned("alice", vec![burn.clone()]);
        body.nonce = nonce;
        let signed = body.sign(Suite::Intl, &secret_key("alice"));
        script.block(&[signed]);
    }
}

fn invalid(script: &mut Script) {
    let base = script.chain.account("alice").expect("alice has an account").nonce_base;
    let burn = Call::AssetBurn { asset: AssetId(1), amount: Amount(1) }.to_raw();
    let mut body = script.chain.unsigned("alice", vec![burn]);
    body.nonce = base + 100;
    let key = secret_key("alice");
    let good = body.clone();
    let sign = |change: fn(&mut trine_types::UnsignedTransaction)| {
        let mut body = good.clone();
        change(&mut body);
        body.sign(Suite::Intl, &key)
    };
    let mut blocks = vec![
        sign(|body| body.chain_id.0[0] ^= 1),
        sign(|body| body.sender.0[0] ^= 1),
        sign(|body| body.key_index = 1),
        sign(|body| body.valid_until_ms = 5),
        good.clone().sign(Suite::Intl, &secret_key("bob")),
    ];
    let mut revoked = script.chain.unsigned("dave", good.calls.to_vec());
    revoked.key_index = 1;
    blocks.push(revoked.sign(Suite::Intl, &secret_key("dave 2")));
    for transaction in blocks {
        script.block(&[transaction]);
    }
    // The chain now holds two transactions a block; the third makes the block invalid.
    let many: Vec<_> = (0..3)
        .map(|number| {
            let mut body = good.clone();
            body.nonce += number;
            body.sign(Suite::Intl, &key)
        })
        .collect();
    script.block(&many);
    script.block(&many[..2]);
}
