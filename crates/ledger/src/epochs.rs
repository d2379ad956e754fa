//! Say to the orchestrator who decides an epoch.
//!
//! The orchestrator was written for threshold keys: it reads the players from a ceremony's output.
//! This chain has no such ceremony, so an output over a public seed stands in for one. It signs
//! nothing, is never encoded in a block, and only its set of players matters.

use crate::{
    BlockError,
    committees::{decode_key, members},
    preset::{BlockDigest, PublicKey},
};
use commonware_consensus::types::Epoch;
use commonware_cryptography::bls12381::{
    dkg::feldman_desmedt::{Output, deal},
    primitives::{sharing::Mode, variant::MinPk},
};
use commonware_glue::dkg::types::{EpochInfo, EpochOutcome};
use commonware_utils::{N3f1, ordered::Set, sequence::Unit, sync::Mutex};
use rand::{SeedableRng as _, rngs::StdRng};
use std::sync::LazyLock;
use trine_types::{EpochChange, Suite};

type Players = Output<MinPk, PublicKey>;

/// The outputs made last, newest at the end: sets change rarely and making one takes milliseconds.
static MADE: LazyLock<Mutex<Vec<Players>>> = LazyLock::new(Mutex::default);
const MADE_MAX: usize = 8;

/// Refuses a change with a validator key that is no key of the suite.
///
/// # Errors
/// [`BlockError::Inconsistent`].
pub fn check_keys(suite: Suite, change: &EpochChange) -> Result<(), BlockError> {
    let sets = [Some(&change.validators), change.following.as_ref()];
    for validator in sets.into_iter().flatten().flat_map(|set| set.as_slice()) {
        decode_key(suite, &validator.key)
            .ok_or(BlockError::Inconsistent("a validator's key is no key"))?;
    }
    Ok(())
}

/// Returns what the orchestrator wants to know about the epoch that `change` begins.
pub fn info(change: &EpochChange) -> EpochInfo<MinPk, PublicKey, Unit> {
    let validators = members(&change.validators);
    EpochInfo {
        outcome: EpochOutcome::Success,
        epoch: Epoch::new(change.epoch.0),
        output: output(&validators),
        players: validators,
        next_players: members(change.following()),
        directory: Unit,
    }
}

fn output(players: &Set<PublicKey>) -> Players {
    let mut made = MADE.lock();
    if let Some(found) = made.iter().find(|output| output.players() == players) {
        return found.clone();
    }
    // The seed is public on purpose: the output must be the same everywhere and protects nothing.
    let rng = StdRng::from_seed(BlockDigest::from([0; 32]).0);
    let (output, _) = deal::<MinPk, _, N3f1>(rng, Mode::NonZeroCounter, players.clone())
        .expect("a validator set is never empty");
    if made.len() == MADE_MAX {
        made.remove(0);
    }
    made.push(output.clone());
    output
}
