//! Sign votes that exclude each other, as a validator would have to.

use crate::files::{chain_id, secret, set, signers};
use commonware_consensus::{
    simplex::types::{Finalize, Notarize, Nullify, Proposal},
    types::{Epoch as EngineEpoch, Round, View},
};
use commonware_cryptography::certificate::Attestation;
use trine_ledger::{
    committees::members,
    preset::{BlockDigest, PrivateKey, Scheme},
};
use trine_types::{Algorithm, Digest, Epoch, ValidatorKey};
use trine_verify::{Ballot, Conflict, ConflictingVotes, votes::Signature};

/// Signs votes that exclude each other with the engine's own scheme: each name, the height of the
/// block that names the validators, and the votes.
pub fn conflicting_votes() -> [(&'static str, u64, ConflictingVotes); 3] {
    let namespace = [b"trine/consensus/".as_slice(), &chain_id().0].concat();
    let scheme = |number: u8, epoch: u64| {
        let key = PrivateKey::new(secret(number)).unwrap();
        Scheme::signer(&namespace, members(&set(signers(Epoch(epoch)))), key).unwrap()
    };
    let round = |epoch: u64| Round::new(EngineEpoch::new(epoch), View::new(200));
    let proposal = |epoch: u64, parent: u64, digest: u8| {
        Proposal::new(round(epoch), View::new(parent), BlockDigest::from([digest; 32]))
    };
    let signature = |attestation: &Attestation<Scheme>| {
        Signature::try_from(attestation.signature.get().unwrap().as_ref()).unwrap()
    };
    let ballot = |proposal: &Proposal<BlockDigest>, attestation: &Attestation<Scheme>| Ballot {
        parent_view: proposal.parent.get(),
        digest: Digest(proposal.payload.0),
        signature: signature(attestation),
    };
    let last = |scheme: &Scheme, proposal: Proposal<BlockDigest>| {
        let vote = Finalize::sign(scheme, proposal).unwrap();
        ballot(&vote.proposal, &vote.attestation)
    };
    let of = |number: u8, epoch: u64, conflict| {
        let validator = ValidatorKey::new(Algorithm::Ed25519, &secret(number).public_key());
        let (validator, epoch) = (validator.unwrap(), Epoch(epoch));
        ConflictingVotes { validator, epoch, view: 200, conflict }
    };
    let [one, other] = [(199, 5), (198, 6)].map(|(parent, digest)| {
        let vote = Notarize::sign(&scheme(4, 1), proposal(1, parent, digest)).unwrap();
        ballot(&vote.proposal, &vote.attestation)
    });
    let given_up = Nullify::sign::<BlockDigest>(&scheme(0, 0), round(0)).unwrap();
    let given_up = signature(&given_up.attestation);
    let finalized = last(&scheme(0, 0), proposal(0, 199, 5));
    let twice = [5, 6].map(|digest| last(&scheme(2, 2), proposal(2, 199, digest)));
    let [first, second] = twice;
    [
        ("conflicting-votes", 7, of(4, 1, Conflict::notarizations(one, other))),
        (
            "conflicting-votes-first-epoch",
            0,
            of(0, 0, Conflict::NullificationAndFinalization(given_up, finalized)),
        ),
        ("conflicting-votes-handed-over", 15, of(2, 2, Conflict::finalizations(first, second))),
    ]
}
