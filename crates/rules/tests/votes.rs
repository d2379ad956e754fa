//! Check how many votes decide, and what the events of a block say.

mod common;

use common::{chain, chain_of, must, pay, submit};
use trine_testkit::{Member, TestChain, genesis, suite};
use trine_types::call::Action;
use trine_types::codec::{Decoder, Encoder};
use trine_types::record::{Proposal, ProposalStatus};
use trine_types::{
    Amount, Call, Code, Decode, Encode, Event, OrganisationId, ProposalId, StateKey, Transaction,
};

const VOTERS: [&str; 5] = ["one", "two", "three", "four", "five"];
const ID: ProposalId = ProposalId(0);

/// A chain of `organisations` organisations with one administrator each.
fn chain_with(organisations: usize, approval_percent: u64) -> TestChain {
    let voters = &VOTERS[..organisations];
    let members: Vec<Member> = (0..)
        .zip(voters)
        .map(|(organisation, name)| {
            let roles = &["administrator"];
            Member { name, organisation, roles, balance: 0 }
        })
        .collect();
    let mut genesis = genesis(voters, &members, 1);
    genesis.parameters.insert("approval_percent".to_owned(), approval_percent);
    chain_of(&genesis)
}

fn status(chain: &TestChain) -> ProposalStatus {
    let key = StateKey::proposal(suite(), ID);
    chain.ledger.record::<Proposal>(&key).expect("it was submitted").status
}

/// Goal: exactly the votes of the reference decide. Method: up to five organisations and several
/// percentages; the fewest approvals that pass, and the fewest rejections that make it impossible.
#[test]
fn the_fewest_votes_decide() {
    let action = Action::SetParameter { parameter: 1, value: 5_000 };
    for organisations in 1..=VOTERS.len() {
        for percent in [0, 40, 50, 60, 66, 99] {
            let needed = (1..)
                .find(|approvals| approvals * 100 > organisations as u64 * percent)
                .expect("a percentage below 100 can be passed") as usize;
            let mut chain = chain_with(organisations, percent);
            let call = submit(&chain, action.clone());
            must(&mut chain, VOTERS[0], &[call]);
            for (votes, voter) in (1..needed).zip(&VOTERS[1..]) {
                assert_eq!(status(&chain), ProposalStatus::Open, "{votes} of {organisations}");
                let approve = Call::ProposalApprove { proposal: ID, action: action.clone() };
                must(&mut chain, voter, &[approve]);
            }
            assert_eq!(status(&chain), ProposalStatus::Executed, "{organisations} at {percent} %");

            if needed == 1 {
                continue;
            }
            let mut chain = chain_with(organisations, percent);
            let call = submit(&chain, action.clone());
            must(&mut chain, VOTERS[0], &[call]);
            let rejections = organisations - needed + 1;
            for voter in &VOTERS[1..=rejections] {
                assert_eq!(status(&chain), ProposalStatus::Open);
                must(&mut chain, voter, &[Call::ProposalReject { proposal: ID }]);
            }
            assert_eq!(status(&chain), ProposalStatus::Rejected, "{organisations} at {percent} %");
        }
    }
}

/// Goal: an organisation that was removed decides nothing and does nothing, and nothing that it
/// wrote is lost. Method: four of whom one leaves after it approved an open proposal; then two
/// approvals of three decide.
#[test]
fn a_removed_organisation_does_not_count() {
    let mut chain = chain_with(4, 50);
    let action = Action::SetParameter { parameter: 1, value: 5_000 };
    let submitted = submit(&chain, action.clone());
    must(&mut chain, "one", &[submitted]);
    let approve = Call::ProposalApprove { proposal: ID, action };
    must(&mut chain, "four", std::slice::from_ref(&approve));
    let leave = Action::RemoveOrganisation(OrganisationId(3));
    let submitted = submit(&chain, leave.clone());
    must(&mut chain, "one", &[submitted]);
    let agree = Call::ProposalApprove { proposal: ProposalId(1), action: leave };
    must(&mut chain, "two", std::slice::from_ref(&agree));
    let told = must(&mut chain, "three", &[agree]).events;
    let mut data = Encoder::default();
    6u8.encode(&mut data);
    OrganisationId(3).encode(&mut data);
    assert_eq!((told[1].emitter, &told[1].data), (Event::module_emitter(2), &data.0));

    let before = chain.account("four").expect("it stays").nonce_base;
    let refused = chain.run("four", &[Call::ProposalReject { proposal: ID }]);
    assert_eq!((refused.code, refused.gas_used), (Code::OrganisationRemoved, 1));
    assert_eq!(chain.account("four").expect("it stays").nonce_base, before + 1);
    assert_eq!(status(&chain), ProposalStatus::Open);
    must(&mut chain, "two", &[approve]);
    assert_eq!(status(&chain), ProposalStatus::Executed);
}

/// Goal: events of a failed transaction are gone. Method: it emits one and fails; the next one in
/// the block has its own only.
#[test]
fn a_failed_transaction_emits_nothing() {
    let mut chain = chain();
    let (good, bad) = (pay(&chain, "target", 1), pay(&chain, "target", 5_000));
    let failing = chain.transaction("member", &[good.clone(), bad]);
    let next = chain.transaction("notary", &[good]);
    let events = |transactions: &[Transaction], chain: &mut TestChain| -> Vec<usize> {
        let applied = chain.block(transactions).expect("both are valid");
        applied.execution.outcomes.iter().map(|outcome| outcome.events.len()).collect()
    };
    assert_eq!(events(&[failing, next], &mut chain), [0, 1]);
}

/// Goal: a transfer's event is the one of the wire reference. Method: encode it by hand.
#[test]
fn a_transfer_has_its_event() {
    let mut chain = chain();
    let call = pay(&chain, "target", 7);
    let outcome = must(&mut chain, "member", &[call]);
    let mut data = Encoder::default();
    3u8.encode(&mut data);
    common::TOKEN.encode(&mut data);
    Amount(7).encode(&mut data);
    data.bytes8(b"");
    let topic = |name: &str| Event::address_topic(&chain.address(name));
    let expected = Event {
        emitter: Event::module_emitter(5),
        topics: vec![topic("member"), topic("target")],
        data: data.0,
    };
    assert_eq!(outcome.events, [expected]);
}

/// Goal: the order of a vote's events is the one of the reference: vote, action, execution. Method:
/// the numbers of the events when an organisation is created.
#[test]
fn a_vote_emits_in_order() {
    let mut chain = chain_with(1, 50);
    let administrator = trine_testkit::public_key("new");
    let action = Action::CreateOrganisation { name: "next".to_owned(), administrator };
    let call = submit(&chain, action);
    let outcome = must(&mut chain, VOTERS[0], &[call]);
    let number = |event: &Event| {
        let number = u8::decode(&mut Decoder::new(&event.data)).expect("it has a number");
        (event.emitter.0[19], number)
    };
    let numbers: Vec<_> = outcome.events.iter().map(number).collect();
    assert_eq!(numbers, [(3, 1), (2, 3), (4, 1), (3, 4)]);
    assert_eq!(outcome.code, Code::Ok);
}
