//! Set up the chain on which the rules are tested.
#![allow(dead_code, reason = "each test file uses a part")]

use std::sync::Arc;
use trine_rules::Rules;
use trine_testkit::{Member, TestChain, genesis, public_key};
use trine_types::call::Action;
use trine_types::x509::MemberCertificate;
use trine_types::{Amount, AssetId, Call, Digest, Genesis, Outcome, ProposalId, Roles};

const ALL: &[&str] = &["administrator", "notary", "issuer"];

/// Everyone with an account: organisation `alpha` has one member for each role and one frozen,
/// `beta` and `gamma` one member with every role.
pub const MEMBERS: [Member; 8] = [
    Member { name: "administrator", organisation: 0, roles: &["administrator"], balance: 1_000 },
    Member { name: "notary", organisation: 0, roles: &["notary"], balance: 1_000 },
    Member { name: "issuer", organisation: 0, roles: &["issuer"], balance: 1_000 },
    Member { name: "member", organisation: 0, roles: &[], balance: 1_000 },
    Member { name: "target", organisation: 0, roles: &[], balance: 1_000 },
    Member { name: "frozen", organisation: 0, roles: ALL, balance: 1_000 },
    Member { name: "foreign", organisation: 1, roles: ALL, balance: 1_000 },
    Member { name: "third", organisation: 2, roles: ALL, balance: 1_000 },
];

/// Asset 1, of `alpha`.
pub const TOKEN: AssetId = AssetId(1);

/// The genesis document of the test chain.
pub fn document() -> Genesis {
    genesis(&["alpha", "beta", "gamma"], &MEMBERS, 4)
}

/// A chain that starts from `genesis`.
pub fn chain_of(genesis: &Genesis) -> TestChain {
    let rules = Rules::new(genesis).expect("the document is consistent");
    TestChain::new(genesis, Arc::new(rules)).expect("the document is consistent")
}

/// The test chain, with `frozen` frozen.
pub fn chain() -> TestChain {
    let mut chain = chain_of(&document());
    freeze(&mut chain, "frozen");
    chain
}

/// A chain with one organisation, whose every proposal passes at once.
pub fn lonely_chain() -> TestChain {
    let members: Vec<Member> =
        MEMBERS.into_iter().filter(|member| member.organisation == 0).collect();
    chain_of(&genesis(&["alpha"], &members, 1))
}

/// A chain with two organisations, each of whose proposals passes with one approval.
pub fn pair(validators: u32) -> TestChain {
    let members: Vec<Member> =
        MEMBERS.into_iter().filter(|member| member.organisation < 2).collect();
    let mut document = genesis(&["alpha", "beta"], &members, validators);
    document.parameters.insert("approval_percent".to_owned(), 0);
    chain_of(&document)
}

/// Freezes an account past the rules.
pub fn freeze(chain: &mut TestChain, name: &str) {
    let mut account = chain.account(name).expect("the account exists").clone();
    account.frozen = true;
    let address = chain.address(name);
    chain.ledger.set_account(address, account);
}

/// Runs calls that must succeed.
pub fn must(chain: &mut TestChain, name: &str, calls: &[Call]) -> Outcome {
    let outcome = chain.run(name, calls);
    assert_eq!(outcome.code, trine_types::Code::Ok, "{name}: {calls:?}");
    outcome
}

/// A proposal that would freeze `target`, submitted by `third`, open.
pub fn open_proposal(chain: &mut TestChain) -> (ProposalId, Action) {
    let action = Action::Freeze(chain.address("target"));
    must(chain, "third", &[submit(chain, action.clone())]);
    (ProposalId(0), action)
}

/// Submits `action` for the longest time.
pub fn submit(chain: &TestChain, action: Action) -> Call {
    Call::ProposalSubmit { action, expires_ms: chain.time_ms + 1_000_000 }
}

/// Creates an account of the person `name`.
pub fn create(name: &str, roles: Roles) -> Call {
    Call::AccountCreate { key: public_key(name), roles }
}

/// An authority that [`trust`] registers.
pub const AUTHORITY: Digest = Digest([0xca; 32]);

/// Registers [`AUTHORITY`] for the organisation of `name`, for the longest time.
pub fn trust(chain: &mut TestChain, name: &str) {
    let register = Call::AuthorityRegister { fingerprint: AUTHORITY, expires_ms: u64::MAX };
    must(chain, name, &[register]);
}

/// A certificate of [`AUTHORITY`] that is valid until `expires_ms`.
pub fn certificate(expires_ms: u64) -> MemberCertificate {
    MemberCertificate { fingerprint: Digest([0xce; 32]), authority: AUTHORITY, expires_ms }
}

/// Transfers units of the primary asset.
pub fn pay(chain: &TestChain, to: &str, amount: u64) -> Call {
    let (asset, to) = (TOKEN, chain.address(to));
    Call::AssetTransfer { asset, to, amount: Amount(amount), reference: None }
}

/// Appends one entry to a log.
pub fn note(log: u32) -> Call {
    Call::EvidenceAppend {
        log: trine_types::LogId(log),
        media_type: "text/plain".to_owned(),
        reference: Vec::new(),
        entries: vec![Digest([7; 32])],
    }
}
