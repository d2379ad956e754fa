//! Vote twice in a view, as no honest validator does.

use super::pen::Pen;
use bytes::Bytes;
use commonware_codec::{Encode as _, EncodeSize as _, ReadExt as _, Write as _};
use commonware_consensus::{
    simplex::types::{Finalize, Notarize, Nullify, Proposal, Vote},
    types::{Participant, Round, View},
};
use commonware_p2p::{Recipients, Sender as _, simulated};
use commonware_runtime::deterministic::Context;
use std::sync::{Arc, Mutex};
use trine_crypto::{VOTE_SIGNATURE_BYTES, VoteSignature};
use trine_ledger::preset::{BlockDigest, PrivateKey, PublicKey, Scheme};
use trine_types::Genesis;

/// A signature that nobody made.
const NONSENSE: [u8; VOTE_SIGNATURE_BYTES] = [9; VOTE_SIGNATURE_BYTES];
/// Views ahead of the final one in which it votes.
const AHEAD: std::ops::Range<u64> = 1..4;
/// Views by which outdated votes are behind those.
const BEHIND: u64 = 8;
/// In whose names votes of another are sent: the first of these that is not the sender itself.
const OTHERS: [Participant; 2] = [Participant::new(0), Participant::new(1)];

/// Sends votes.
pub type VoteSender = simulated::Sender<PublicKey, Context>;

/// Which vote is sent beside the engine's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Second {
    /// Notarizes a block that is not there.
    Notarize,
    /// Finalizes a block that is not there.
    Finalize,
    /// Gives the view up.
    Nullify,
    /// Notarizes a block that is not there, with a signature that nobody made.
    Unsigned,
    /// Notarizes a block that is not there, in the name of another.
    Posed,
    /// Notarizes a block that is not there, in a view of long ago.
    Outdated,
    /// Notarizes a block that is not there, in the next epoch.
    Early,
}

impl Second {
    /// Those that are evidence.
    pub const SIGNED: [Self; 3] = [Self::Notarize, Self::Finalize, Self::Nullify];
    /// Those that accuse nobody.
    pub const VOID: [Self; 3] = [Self::Unsigned, Self::Posed, Self::Early];
}

/// Sends a second vote in the views after each final one.
pub struct DoubleVoter {
    second: Second,
    pen: Pen,
    sender: Mutex<VoteSender>,
}

impl DoubleVoter {
    pub fn new(second: Second, key: PrivateKey, sender: VoteSender, genesis: Arc<Genesis>) -> Self {
        Self { second, pen: Pen::new(key, genesis), sender: Mutex::new(sender) }
    }

    /// Votes in the views after `round`.
    pub fn vote(&self, round: Round) {
        let epoch = round.epoch();
        let Some(scheme) = self.pen.scheme(epoch) else { return };
        for ahead in AHEAD {
            let view = Round::new(epoch, View::new(round.view().get() + ahead));
            let Some(vote) = self.sign(&scheme, view, round.view()) else { return };
            let mut message = Vec::with_capacity(vote.encode_size() + 10);
            commonware_codec::varint::UInt(epoch.get()).write(&mut message);
            message.extend_from_slice(&vote.encode());
            let mut sender = self.sender.lock().expect("no test panics with this lock");
            let _ = sender.send(Recipients::All, message, true);
        }
    }

    fn sign(
        &self,
        scheme: &Scheme,
        round: Round,
        parent: View,
    ) -> Option<Vote<Scheme, BlockDigest>> {
        let (epoch, view) = (round.epoch(), round.view());
        let (round, parent) = match self.second {
            Second::Outdated => {
                let view = view.get().saturating_sub(BEHIND).max(1);
                (Round::new(epoch, View::new(view)), View::new(view - 1))
            }
            Second::Early => (Round::new(epoch.next(), view), parent),
            _ => (round, parent),
        };
        let proposal = Proposal { round, parent, payload: BlockDigest::from([7; 32]) };
        match self.second {
            Second::Notarize | Second::Outdated | Second::Early => {
                Notarize::sign(scheme, proposal).map(Vote::Notarize)
            }
            Second::Posed => {
                let mut vote = Notarize::sign(scheme, proposal)?;
                let signer = vote.attestation.signer;
                vote.attestation.signer = OTHERS[usize::from(signer == OTHERS[0])];
                Some(Vote::Notarize(vote))
            }
            Second::Finalize => Finalize::sign(scheme, proposal).map(Vote::Finalize),
            Second::Unsigned => {
                let mut vote = Notarize::sign(scheme, proposal)?;
                let nonsense = VoteSignature::read(&mut Bytes::from_static(&NONSENSE));
                vote.attestation.signature = nonsense.expect("64 bytes are one").into();
                Some(Vote::Notarize(vote))
            }
            Second::Nullify => Nullify::sign::<BlockDigest>(scheme, round).map(Vote::Nullify),
        }
    }
}
