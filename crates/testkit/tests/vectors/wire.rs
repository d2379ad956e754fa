//! Give one vector or more for every encoding.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use trine_crypto::{SecretKey, passkey_challenge, verify};
use trine_testkit::{Member, genesis, public_key, secret_key, validator};
use trine_types::call::{Action, PublicKey, TransferReference};
use trine_types::codec::to_hex;
use trine_types::genesis::GeneratedAccounts;
use trine_types::merkle::{inclusion_path, leaf_hash, root};
use trine_types::record::{
    AccountKey, Asset, Counters, Log, Organisation, Parameters, Proposal, ProposalStatus, Transfer,
};
use trine_types::transaction::TRANSACTION_NAMESPACE;
use trine_types::x509::{Authority, CertificateRegistry, MemberCertificate};
use trine_types::{
    Account, Address, Algorithm, Amount, AssetId, Call, ChainId, Code, Digest, Encode, Epoch,
    EpochChange, Event, Genesis, Header, Height, LogId, OrganisationId, Outcome, ProposalId,
    RawCall, Roles, StateCommitment, StateKey, Suite, Transaction, TransactionId,
    UnsignedTransaction, Validator, ValidatorSet, merkle::Frontier,
};

const SUITE: Suite = Suite::Intl;

pub fn vectors() -> Value {
    json!({
        "keys": keys(),
        "genesis": genesis_vector(),
        "calls": calls(),
        "transactions": transactions(),
        "refused_transactions": refused(),
        "outcomes": outcomes(),
        "accounts": accounts(),
        "state_keys": state_keys(),
        "records": records(),
        "headers": headers(),
        "merkle": merkle(),
    })
}

fn address(name: &str) -> Address {
    Address::of_key(SUITE, Algorithm::Ed25519, &secret_key(name).public_key())
}

fn keys() -> Value {
    let one = |name: &&str| {
        let (key, namespace, message) = (secret_key(name), b"trine/example", b"message");
        json!({
            "name": name,
            "algorithm": "ed25519",
            "seed": to_hex(key.expose()),
            "public_key": to_hex(&key.public_key()),
            "address": address(name).to_string(),
            "namespace": to_hex(namespace),
            "message": to_hex(message),
            "signature": to_hex(&key.sign(namespace, message)),
        })
    };
    ["alice", "bob", "carol"].iter().map(one).collect()
}

/// A document with a value in every field.
pub fn document() -> Genesis {
    let all: &[&str] = &["administrator", "notary", "issuer"];
    let members = [
        Member { name: "alice", organisation: 0, roles: all, balance: 1_000_000 },
        Member { name: "bob", organisation: 0, roles: &[], balance: 5 },
        Member { name: "carol", organisation: 1, roles: &["administrator"], balance: 0 },
    ];
    let mut genesis = genesis(&["alpha", "beta"], &members, 4);
    genesis.assets[0].name = "Jeton \"é\" 元".to_owned();
    genesis.parameters.insert("approval_percent".to_owned(), 66);
    genesis.generated_accounts = Some(GeneratedAccounts {
        organisation: OrganisationId(1),
        seed: "load".to_owned(),
        count: 3,
        balance: Amount(10),
    });
    genesis
}

fn genesis_vector() -> Value {
    let genesis = document();
    let generated = genesis.generated_accounts.clone().expect("the document generates accounts");
    let seeds = (0..3).map(|index| to_hex(generated.secret_key(SUITE, index).expose()));
    json!({
        "document": genesis,
        "canonical": String::from_utf8(genesis.canonical_json()).expect("JSON is UTF-8"),
        "chain_id": genesis.chain_id().to_string(),
        "generated_seeds": seeds.collect::<Vec<_>>(),
    })
}

fn certificate() -> MemberCertificate {
    MemberCertificate {
        fingerprint: Digest([0x11; 32]),
        authority: Digest([0x22; 32]),
        expires_ms: 1_800_000_000_000,
    }
}

fn sample_calls() -> Vec<Call> {
    let (asset, to, amount) = (AssetId(1), address("bob"), Amount(250));
    let key = public_key("carol");
    let action =
        Action::CreateOrganisation { name: "gamma".to_owned(), administrator: key.clone() };
    vec![
        Call::AccountCreate { key: key.clone(), roles: Roles(5) },
        Call::KeyAdd { key: key.clone(), modules: 0x22 },
        Call::KeyRevoke { key_index: 3 },
        Call::KeyRotate { key_index: 0, key },
        Call::AccountFreeze { address: to },
        Call::AccountUnfreeze { address: to },
        Call::RolesSet { address: to, roles: Roles(2) },
        Call::QuotaSet { address: to, quota: 77 },
        Call::ProposalSubmit { action: Action::Freeze(to), expires_ms: 1_700_000_100_000 },
        Call::ProposalSubmit { action: Action::Unfreeze(to), expires_ms: 1 },
        Call::ProposalSubmit {
            action: Action::SetParameter { parameter: 3, value: 66 },
            expires_ms: 2,
        },
        Call::ProposalSubmit {
            action: Action::AdmitValidator(validator("harbour", 2)),
            expires_ms: 3,
        },
        Call::ProposalSubmit {
            action: Action::RemoveValidator(validator("harbour", 2).key),
            expires_ms: 4,
        },
        Call::ProposalApprove {
            proposal: ProposalId(8),
            action: Action::ReplaceValidator {
                key: validator("harbour", 2).key,
                validator: validator("quay", 2),
            },
        },
        Call::ProposalSubmit {
            action: Action::RemoveOrganisation(OrganisationId(2)),
            expires_ms: 5,
        },
        Call::ProposalApprove { proposal: ProposalId(9), action },
        Call::ProposalReject { proposal: ProposalId(u64::MAX) },
        Call::LogCreate { name: "deeds".to_owned() },
        Call::EvidenceAppend {
            log: LogId(2),
            media_type: "application/pdf".to_owned(),
            reference: b"case 7".to_vec(),
            entries: vec![Digest([0x11; 32]), Digest([0x22; 32])],
        },
        Call::AssetDefine { symbol: "EUR".to_owned(), name: "Euro €".to_owned(), decimals: 2 },
        Call::AssetIssue { asset, to, amount },
        Call::AssetTransfer { asset, to, amount, reference: None },
        Call::AssetTransfer {
            asset,
            to,
            amount,
            reference: Some(TransferReference(b"invoice 2026/0001".to_vec())),
        },
        Call::AssetBurn { asset, amount },
        Call::AccountEnrol {
            key: public_key("carol"),
            roles: Roles(2),
            certificate: certificate(),
        },
        Call::CertificateSet { address: to, certificate: certificate() },
        Call::AuthorityRegister { fingerprint: Digest([0x22; 32]), expires_ms: 1_900_000_000_000 },
        Call::AuthorityRemove { fingerprint: Digest([0x22; 32]) },
    ]
}

fn calls() -> Value {
    let one = |call: &Call| {
        let raw = call.to_raw();
        let (_, module, _, method) = trine_types::call::METHODS
            .iter()
            .find(|known| (known.0, known.2) == (raw.module, raw.method))
            .expect("every call has a method");
        json!({
            "name": format!("{module}.{method}"),
            "module": raw.module,
            "method": raw.method,
            "arguments": to_hex(&raw.arguments),
            "value": format!("{call:?}"),
        })
    };
    sample_calls().iter().map(one).collect()
}

fn body(nonce: u64, calls: &[Call]) -> UnsignedTransaction {
    UnsignedTransaction {
        chain_id: document().chain_id(),
        sender: address("alice"),
        key_index: 0,
        nonce,
        valid_until_ms: 1_700_000_060_000,
        calls: calls.iter().map(Call::to_raw).collect(),
    }
}

fn samples() -> Vec<Transaction> {
    let calls = sample_calls();
    let mut bodies = vec![body(0, &calls[17..18]), body(u64::MAX - 1, &calls)];
    bodies.push(UnsignedTransaction { key_index: 7, ..body(1, &calls[14..15]) });
    bodies.into_iter().map(|body| body.sign(SUITE, &secret_key("alice"))).collect()
}

/// What a browser's passkey makes of a transaction; the authenticator's key is P-256.
fn by_passkey(body: UnsignedTransaction) -> (Transaction, Vec<u8>) {
    let key = SecretKey::from_bytes(Algorithm::P256, &[7; 32]).expect("sevens are a key");
    let challenge = passkey_challenge(TRANSACTION_NAMESPACE, &body.id(SUITE).0);
    let challenge = URL_SAFE_NO_PAD.encode(challenge.0);
    let start = format!(r#"{{"type":"webauthn.get","challenge":"{challenge}","#);
    let client_data = start + r#""origin":"https://a.example","crossOrigin":false}"#;
    let party = SUITE.hash(&[b"a.example"]);
    let data = [&party.0[..], &[0x05, 0, 0, 0, 1]].concat();
    let hash = SUITE.hash(&[client_data.as_bytes()]);
    let signature = key.sign_unframed(&[&data[..], hash.as_bytes()].concat());
    let length = (data.len() as u16).to_be_bytes();
    let assertion = [&signature[..], &length, &data, client_data.as_bytes()].concat();
    (body.with_signature(SUITE, Algorithm::P256, assertion), key.public_key())
}

fn transactions() -> Value {
    let one = |(transaction, public_key): (Transaction, Vec<u8>)| {
        assert!(verify(transaction.batch_item(&public_key)));
        let body = &transaction.body;
        let call = |call: &RawCall| json!([call.module, call.method, to_hex(&call.arguments)]);
        json!({
            "chain_id": body.chain_id.to_string(),
            "sender": body.sender.to_string(),
            "key_index": body.key_index,
            "nonce": body.nonce,
            "valid_until_ms": body.valid_until_ms,
            "calls": body.calls.iter().map(call).collect::<Vec<_>>(),
            "algorithm": transaction.algorithm.number(),
            "signature": to_hex(&transaction.signature),
            "public_key": to_hex(&public_key),
            "id": transaction.id.to_string(),
            "bytes": to_hex(&transaction.bytes),
        })
    };
    let alice = secret_key("alice").public_key();
    let signed = samples().into_iter().map(|transaction| (transaction, alice.clone()));
    signed.chain([by_passkey(body(2, &sample_calls()[14..15]))]).map(one).collect()
}

/// Where the fields of a transaction with one call lie.
const COUNT_AT: usize = 1 + 32 + 20 + 1 + 8 + 8;

fn refused() -> Value {
    let good = samples()[0].bytes.to_vec();
    let algorithm_at = good.len() - 64 - 2 - 1;
    let changed = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let cases = [
        ("empty", Vec::new()),
        ("ends early", good[..good.len() - 1].to_vec()),
        ("a byte follows", [&good[..], &[0]].concat()),
        ("unknown version", changed(0, 2)),
        ("no call", changed(COUNT_AT, 0)),
        ("65 calls", changed(COUNT_AT, 65)),
        ("arguments over the limit", changed(COUNT_AT + 3, 0xff)),
        ("unknown algorithm", changed(algorithm_at, 9)),
        ("short signature", {
            let mut bytes = changed(algorithm_at + 2, 63);
            bytes.pop();
            bytes
        }),
        ("signature over the limit", changed(algorithm_at + 1, 0x10 + 1)),
    ];
    let one = |(why, bytes): (&str, Vec<u8>)| {
        let error = Transaction::from_bytes(SUITE, bytes.clone().into())
            .expect_err("these bytes are refused");
        json!({ "why": why, "bytes": to_hex(&bytes), "code": Code::from(&error).name() })
    };
    cases.into_iter().map(one).collect()
}

fn outcomes() -> Value {
    let event = Event {
        emitter: Event::module_emitter(5),
        topics: vec![Event::address_topic(&address("alice")), Digest([9; 32])],
        data: vec![3, 0, 0, 0, 1],
    };
    let ok = Outcome { code: Code::Ok, failed_call: 0, gas_used: 3, events: vec![event] };
    let failed =
        Outcome { code: Code::NoRight, failed_call: 2, gas_used: 1_000, events: Vec::new() };
    let one = |outcome: &Outcome| {
        let event = |event: &Event| {
            json!({
                "emitter": event.emitter.to_string(),
                "topics": event.topics.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "data": to_hex(&event.data),
            })
        };
        json!({
            "code": outcome.code.number(),
            "failed_call": outcome.failed_call,
            "gas_used": outcome.gas_used,
            "events": outcome.events.iter().map(event).collect::<Vec<_>>(),
            "bytes": to_hex(&outcome.to_bytes()),
        })
    };
    [ok, failed].iter().map(one).collect()
}

fn accounts() -> Value {
    let key = secret_key("alice").public_key();
    let fresh = Account::new(Suite::Intl, OrganisationId(7), Roles(3), Algorithm::Ed25519, &key);
    let mut busy = fresh.clone();
    busy.frozen = true;
    busy.key_count = 4;
    busy.live_keys = 0b1011;
    busy.balance = Amount(u64::MAX);
    (busy.quota, busy.quota_window, busy.quota_used) = (1, 2, 3);
    for nonce in [0, 2, 3, 130, 140] {
        busy.use_nonce(nonce).expect("the window slides over these nonces");
    }
    let one = |account: &Account| {
        json!({
            "frozen": account.frozen,
            "roles": account.roles.0,
            "live_keys": account.live_keys,
            "key_count": account.key_count,
            "algorithm": account.algorithm.number(),
            "key": to_hex(account.first_key()),
            "organisation": account.organisation,
            "nonce_base": account.nonce_base,
            "nonce_used": format!("{:032x}", account.nonce_used),
            "balance": account.balance,
            "quota": account.quota,
            "quota_window": account.quota_window,
            "quota_used": account.quota_used,
            "bytes": to_hex(&account.to_bytes()),
        })
    };
    [fresh, busy].iter().map(one).collect()
}

fn state_keys() -> Value {
    let (of, org) = (address("alice"), OrganisationId(3));
    let hex = |key: StateKey| to_hex(&key.0);
    json!({
        "address": of.to_string(),
        "counters": hex(StateKey::counters(SUITE)),
        "parameters": hex(StateKey::parameters(SUITE)),
        "validators": hex(StateKey::validators(SUITE)),
        "organisation 3": hex(StateKey::organisation(SUITE, org)),
        "organisation_name alpha": hex(StateKey::organisation_name(SUITE, "alpha")),
        "account_key address 2": hex(StateKey::account_key(SUITE, of, 2)),
        "log 5": hex(StateKey::log(SUITE, LogId(5))),
        "log_name 3 deeds": hex(StateKey::log_name(SUITE, org, "deeds")),
        "asset 6": hex(StateKey::asset(SUITE, AssetId(6))),
        "asset_symbol 3 EUR": hex(StateKey::asset_symbol(SUITE, org, "EUR")),
        "balance address 6": hex(StateKey::balance(SUITE, of, AssetId(6))),
        "transfer address invoice 2026/0001":
            hex(StateKey::transfer(SUITE, of, b"invoice 2026/0001")),
        "proposal 8": hex(StateKey::proposal(SUITE, ProposalId(8))),
        "certificate_registry 3": hex(StateKey::certificate_registry(SUITE, org)),
        "member_certificate address": hex(StateKey::member_certificate(SUITE, of)),
        "certified_member 3 9": hex(StateKey::certified_member(SUITE, org, 9)),
    })
}

fn records() -> Value {
    let mut frontier = Frontier::default();
    (0..7u8).for_each(|leaf| frontier.append(SUITE, leaf_hash(SUITE, &[leaf])));
    let name = "alpha".to_owned();
    let (organisation, asset) = (OrganisationId(3), AssetId(6));
    let key: PublicKey = public_key("bob");
    let one = |value: &dyn Fn() -> (String, Vec<u8>)| {
        let (value, bytes) = value();
        json!({ "value": value, "bytes": to_hex(&bytes) })
    };
    macro_rules! vectors {
        ($($record:expr;)*) => {
            vec![$(one(&|| (format!("{:?}", $record), $record.to_bytes())),)*]
        };
    }
    vectors! {
        Counters { organisations: 1, assets: 2, logs: 3, proposals: 4, parameters_version: 5 };
        Parameters::default();
        Organisation { name: name.clone(), administrators: 2, quota_window: 9, quota_used: 8 };
        AccountKey { key: key.clone(), modules: 0x22 };
        Log { organisation, name: name.clone(), frontier: frontier.clone() };
        Asset {
            organisation,
            symbol: "EUR".to_owned(),
            name: "Euro €".to_owned(),
            decimals: 2,
            supply: Amount(1_000),
        };
        Transfer {
            transaction: TransactionId([7; 32]),
            call: 1,
            height: Height(12),
            asset,
            to: address("bob"),
            amount: Amount(250),
            reference: TransferReference(b"invoice 2026/0001".to_vec()),
        };
        Proposal {
            action: Action::SetParameter { parameter: 3, value: 66 },
            organisation,
            expires_ms: 99,
            status: ProposalStatus::Rejected,
            approvals: vec![OrganisationId(3)],
            rejections: vec![OrganisationId(0), OrganisationId(2)],
        };
        certificate();
        CertificateRegistry {
            members: 4,
            authorities: vec![
                Authority { fingerprint: Digest([0x22; 32]), expires_ms: 1_900_000_000_000 },
                Authority { fingerprint: Digest([0x33; 32]), expires_ms: 0 },
            ],
        };
    }
    .into()
}

fn headers() -> Value {
    let validator = |number: u8| Validator {
        key: trine_types::ValidatorKey([number; 34]),
        organisation: OrganisationId(number.into()),
        name: format!("validator-{number}"),
        address: format!("127.0.0.1:900{number}"),
    };
    let set = |numbers: &[u8]| {
        let validators = numbers.iter().map(|number| validator(*number)).collect();
        ValidatorSet::new(validators).expect("no key stands twice")
    };
    let commitment = |byte: u8| StateCommitment {
        root: Digest([byte; 32]),
        operations_root: Digest([byte + 1; 32]),
        floor: 3,
        size: 40,
    };
    let plain = Header {
        chain_id: ChainId([1; 32]),
        height: Height(7),
        epoch: Epoch(0),
        view: 9,
        parent_view: 8,
        proposer: trine_types::ValidatorKey([2; 34]),
        parent: Digest([3; 32]),
        time_ms: 1_700_000_000_000,
        body_root: Digest([4; 32]),
        outcome_root: Digest([5; 32]),
        evidence_root: Digest([6; 32]),
        accounts: commitment(7),
        values: commitment(9),
        parameters_version: 1,
        epoch_change: None,
        extension: Vec::new(),
    };
    let change = EpochChange { epoch: Epoch(1), validators: set(&[1, 2]), following: None };
    let same = Header { epoch_change: Some(change.clone()), ..plain.clone() };
    let change = EpochChange { following: Some(set(&[1, 2, 3])), ..change };
    let other = Header { epoch_change: Some(change), extension: vec![1, 2], ..plain.clone() };
    let one = |header: &Header| {
        json!({
            "value": format!("{header:?}"),
            "bytes": to_hex(&header.to_bytes()),
            "digest": header.digest(SUITE).to_string(),
            "state_root": header.state_root(SUITE).to_string(),
        })
    };
    [plain, same, other].iter().map(one).collect()
}

fn merkle() -> Value {
    let one = |size: u8| {
        let leaves: Vec<[u8; 1]> = (0..size).map(|leaf| [leaf]).collect();
        let hashes: Vec<_> = leaves.iter().map(|leaf| leaf_hash(SUITE, leaf)).collect();
        let paths = (0..leaves.len()).map(|index| {
            let path = inclusion_path(SUITE, &hashes, index).expect("the index is inside");
            path.iter().map(ToString::to_string).collect::<Vec<_>>()
        });
        json!({
            "leaves": leaves.iter().map(|leaf| to_hex(leaf)).collect::<Vec<_>>(),
            "root": root(SUITE, leaves.iter().map(|leaf| &leaf[..])).to_string(),
            "paths": paths.collect::<Vec<_>>(),
        })
    };
    (0..9).map(one).collect()
}
