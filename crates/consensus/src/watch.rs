//! Look at what the engine reports, and pick out votes that exclude each other.
//!
//! The engine cuts such a peer off and forgets why. It compares votes before it checks their
//! signatures, so what is picked out here proves nothing yet: [`Keeper`](crate::conflicts::Keeper)
//! checks it.

use commonware_actor::Feedback;
use commonware_codec::{Encode, Read};
use commonware_consensus::{
    Automaton, CertifiableAutomaton, Handoff, Relay, Reporter,
    simplex::types::{Activity, Attributable as _, Finalize, Notarize, Nullify, Proposal},
    types::Round,
};
use commonware_cryptography::certificate::Attestation;
use commonware_utils::channel::{mpsc, oneshot};
use trine_ledger::{
    Committees,
    preset::{BlockDigest, Scheme},
};
use trine_types::{Digest, Epoch};
use trine_verify::{Ballot, Conflict, ConflictingVotes, votes::Signature};

/// Passes everything on, and hands votes that exclude each other to `found`.
#[derive(Clone)]
pub struct Watched<A> {
    inner: A,
    committees: Committees,
    found: mpsc::Sender<ConflictingVotes>,
}

impl<A> Watched<A> {
    /// Watches what the engine reports to `inner`. The validators of the votes are those that
    /// `committees` knows.
    pub const fn new(
        inner: A,
        committees: Committees,
        found: mpsc::Sender<ConflictingVotes>,
    ) -> Self {
        Self { inner, committees, found }
    }

    fn look(&self, activity: &Activity<Scheme, BlockDigest>) {
        let Some((signer, round, conflict)) = conflict(activity) else { return };
        let change = self.committees.change(round.epoch());
        let validators = change.as_ref().map(|change| change.validators.as_slice());
        let Some(validator) = validators.and_then(|all| all.get(signer)) else { return };
        let (validator, epoch, view) = (validator.key, Epoch(round.epoch().get()), round.view());
        let votes = ConflictingVotes { validator, epoch, view: view.get(), conflict };
        if self.found.try_send(votes).is_err() {
            tracing::warn!(%epoch, "conflicting votes are lost: too many wait to be checked");
        }
    }
}

impl<A: Automaton> Automaton for Watched<A> {
    type Context = A::Context;
    type Digest = A::Digest;

    fn propose(
        &mut self,
        context: A::Context,
    ) -> impl Future<Output = oneshot::Receiver<A::Digest>> + Send {
        self.inner.propose(context)
    }

    fn verify(
        &mut self,
        context: A::Context,
        payload: A::Digest,
    ) -> impl Future<Output = oneshot::Receiver<bool>> + Send {
        self.inner.verify(context, payload)
    }
}

impl<A: CertifiableAutomaton> CertifiableAutomaton for Watched<A> {
    fn prepare(
        &mut self,
        context: A::Context,
    ) -> impl Future<Output = oneshot::Receiver<Handoff<A::Digest>>> + Send {
        self.inner.prepare(context)
    }

    fn certify(
        &mut self,
        round: Round,
        payload: A::Digest,
    ) -> impl Future<Output = oneshot::Receiver<bool>> + Send {
        self.inner.certify(round, payload)
    }
}

impl<A: Relay> Relay for Watched<A> {
    type Digest = A::Digest;
    type PublicKey = A::PublicKey;
    type Plan = A::Plan;

    fn broadcast(&mut self, payload: A::Digest, plan: A::Plan) -> Feedback {
        self.inner.broadcast(payload, plan)
    }
}

impl<A: Reporter<Activity = Activity<Scheme, BlockDigest>>> Reporter for Watched<A> {
    type Activity = A::Activity;

    fn report(&mut self, activity: A::Activity) -> Feedback {
        self.look(&activity);
        self.inner.report(activity)
    }
}

/// Index of the signer, round and votes of an activity that is evidence.
fn conflict(activity: &Activity<Scheme, BlockDigest>) -> Option<(usize, Round, Conflict)> {
    Some(match activity {
        Activity::ConflictingNotarize(found) => {
            let (one, other) = pair::<Vote, Vote>(found)?;
            let round = one.proposal.round;
            let conflict = Conflict::notarizations(ballot(&one)?, ballot(&other)?);
            (found.signer().get() as usize, round, conflict)
        }
        Activity::ConflictingFinalize(found) => {
            let (one, other) = pair::<LastVote, LastVote>(found)?;
            let round = one.proposal.round;
            let conflict = Conflict::finalizations(last_ballot(&one)?, last_ballot(&other)?);
            (found.signer().get() as usize, round, conflict)
        }
        Activity::NullifyFinalize(found) => {
            let (one, other) = pair::<Nullify<Scheme>, LastVote>(found)?;
            let signature = signature(&one.attestation)?;
            let conflict = Conflict::NullificationAndFinalization(signature, last_ballot(&other)?);
            (found.signer().get() as usize, one.round, conflict)
        }
        _ => return None,
    })
}

type Vote = Notarize<Scheme, BlockDigest>;
type LastVote = Finalize<Scheme, BlockDigest>;

/// Reads the two votes out of a piece of evidence, which keeps them to itself.
fn pair<A: Read<Cfg = ()>, B: Read<Cfg = ()>>(evidence: &impl Encode) -> Option<(A, B)> {
    let mut bytes = evidence.encode();
    Some((A::read_cfg(&mut bytes, &()).ok()?, B::read_cfg(&mut bytes, &()).ok()?))
}

fn signature(attestation: &Attestation<Scheme>) -> Option<Signature> {
    Signature::try_from(attestation.signature.get()?.as_ref()).ok()
}

fn ballot(vote: &Vote) -> Option<Ballot> {
    Some(ballot_of(&vote.proposal, signature(&vote.attestation)?))
}

fn last_ballot(vote: &LastVote) -> Option<Ballot> {
    Some(ballot_of(&vote.proposal, signature(&vote.attestation)?))
}

const fn ballot_of(proposal: &Proposal<BlockDigest>, signature: Signature) -> Ballot {
    let (parent_view, digest) = (proposal.parent.get(), Digest(proposal.payload.0));
    Ballot { parent_view, digest, signature }
}
