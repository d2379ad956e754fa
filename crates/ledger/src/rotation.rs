//! Say who leads each view.

use commonware_consensus::{
    simplex::elector::{Config, Elector, RoundRobin, RoundRobinElector, Scheduled, Terms},
    types::{Participant, Round, View},
};
use commonware_cryptography::{Sha256, certificate::Scheme};
use commonware_utils::ordered::Set;

/// Views at the start of an epoch that one validator leads. Where it is dead, each may end with its
/// timeout: nobody skips the view of a leader that was heard a moment ago.
pub const FIRST_VIEWS: u64 = 2;

/// Every validator leads in its turn, but one leads the first views of an epoch.
///
/// A validator that hears a quorum and not the leader skips the view at once, and at the start of
/// an epoch it may not have heard the slowest of all yet: some skipped its view, the others voted
/// for its block, and all waited until their timeouts. Who leads the first view has been heard by
/// all that got to the second, and waits there until the others have been heard too.
#[derive(Clone, Default)]
pub struct Rotation(RoundRobin<Sha256>);

/// A [`Rotation`] of these validators.
#[derive(Clone)]
pub struct Leaders<S: Scheme>(RoundRobinElector<S>);

impl<S: Scheme> Config<S> for Rotation {
    type Elector = Leaders<S>;

    fn build(self, participants: &Set<S::PublicKey>) -> Leaders<S> {
        Leaders(self.0.build(participants))
    }
}

impl<S: Scheme> Elector<S> for Leaders<S> {
    type Mode = Scheduled;

    fn terms(&self) -> Terms {
        self.0.terms()
    }

    fn elect(&self, round: Round, input: ()) -> Participant {
        let view = round.view().get();
        let view = view.saturating_sub(FIRST_VIEWS - 1).max(1);
        self.0.elect(Round::new(round.epoch(), View::new(view)), input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::{PublicKey, Scheme as Preset};
    use commonware_consensus::types::Epoch;
    use trine_crypto::{Algorithm, SecretKey};

    /// Goal: one leads the first views of each epoch, each in its turn; then all in turn. Method:
    /// ask for the views of five epochs of four validators.
    #[test]
    fn one_validator_leads_the_first_views() {
        let key = |number| {
            let secret = SecretKey::from_bytes(Algorithm::Ed25519, &[number; 32]).unwrap();
            PublicKey::new(Algorithm::Ed25519, &secret.public_key()).unwrap()
        };
        let keys = Set::from_iter_dedup((1..5).map(key));
        let leaders = Config::<Preset>::build(Rotation::default(), &keys);
        let leader = |epoch, view| {
            Elector::<Preset>::elect(&leaders, Round::new(Epoch::new(epoch), View::new(view)), ())
        };
        for epoch in 0..5 {
            let first: Vec<_> = (1..=FIRST_VIEWS).map(|view| leader(epoch, view)).collect();
            assert!(first.iter().all(|one| *one == first[0]));
            assert_ne!(first[0], leader(epoch + 1, 1));
            let mut turn: Vec<_> =
                (FIRST_VIEWS..FIRST_VIEWS + 4).map(|view| leader(epoch, view)).collect();
            turn.sort_unstable();
            turn.dedup();
            assert_eq!(turn.len(), 4);
        }
    }
}
