//! Remember which validators certify which epoch.

use crate::preset::{PrivateKey, PublicKey, Scheme};
use commonware_consensus::types::Epoch;
use commonware_cryptography::{
    Signer as _,
    certificate::{Provider, Scoped},
};
use commonware_utils::{ordered::Set, sync::Mutex};
use std::{collections::BTreeMap, sync::Arc};
use trine_types::{EpochChange, Suite, ValidatorKey};

/// Epochs kept: blocks and certificates of older ones are never checked again by the engine.
const EPOCHS_KEPT: usize = 64;

/// What this node does in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Votes.
    Signer,
    /// Belongs to the validators but must not vote: it may have voted before it lost its journal.
    Silent,
    /// Does not belong to the validators.
    Observer,
}

#[derive(Clone)]
struct Committee {
    change: EpochChange,
    scheme: Arc<Scheme>,
}

/// The validator sets of the epochs that this node knows, shared by all parts of the engine.
#[derive(Clone)]
pub struct Committees {
    namespace: Arc<[u8]>,
    signer: Option<PrivateKey>,
    known: Arc<Mutex<BTreeMap<Epoch, Committee>>>,
}

impl Committees {
    /// Starts empty; `namespace` separates the certificates of this chain from all others. A node
    /// that only follows has no signer.
    pub fn new(namespace: &[u8], signer: Option<PrivateKey>) -> Self {
        Self { namespace: namespace.into(), signer, known: Arc::default() }
    }

    /// Makes the set of `epoch` known and says what this node does in it.
    ///
    /// Registering the same epoch again changes nothing.
    pub fn register(&self, epoch: Epoch, change: &EpochChange, may_vote: bool) -> Role {
        let validators = members(&change.validators);
        let belongs = |signer: &&PrivateKey| validators.position(&signer.public_key()).is_some();
        let (scheme, role) = match self.signer.as_ref().filter(belongs) {
            None => (Scheme::verifier(&self.namespace, validators), Role::Observer),
            Some(signer) if may_vote => {
                let scheme = Scheme::signer(&self.namespace, validators, signer.clone());
                (scheme.expect("the key is in the set"), Role::Signer)
            }
            Some(signer) => {
                let scheme = Scheme::member(&self.namespace, validators, &signer.public_key());
                (scheme.expect("the key is in the set"), Role::Silent)
            }
        };
        let mut known = self.known.lock();
        known
            .entry(epoch)
            .or_insert_with(|| Committee { change: change.clone(), scheme: Arc::new(scheme) });
        while known.len() > EPOCHS_KEPT {
            known.pop_first();
        }
        role
    }

    /// Returns what the boundary block before `epoch` said about it and the epoch after it.
    pub fn change(&self, epoch: Epoch) -> Option<EpochChange> {
        self.known.lock().get(&epoch).map(|committee| committee.change.clone())
    }
}

impl Provider for Committees {
    type Scope = Epoch;
    type Scheme = Scheme;

    fn scoped(&self, scope: Epoch) -> Option<Scoped<Scheme>> {
        self.scheme(scope).map(Scoped::scheme)
    }

    fn scheme(&self, scope: Epoch) -> Option<Arc<Scheme>> {
        self.known.lock().get(&scope).map(|committee| committee.scheme.clone())
    }
}

/// Returns the validators' keys in the engine's order.
pub fn members(validators: &trine_types::ValidatorSet) -> Set<PublicKey> {
    Set::from_iter_dedup(validators.as_slice().iter().map(|validator| public_key(&validator.key)))
}

/// Reads a key; none for bytes that are no key with which validators of the suite sign.
pub fn decode_key(suite: Suite, key: &ValidatorKey) -> Option<PublicKey> {
    key.vote_key().filter(|key| suite.admits_validator(key.algorithm()))
}

/// Reads a validator's key.
///
/// # Panics
/// On bytes that are no key: genesis and blocks with such a key are refused before.
pub fn public_key(key: &ValidatorKey) -> PublicKey {
    key.vote_key().expect("validator keys are checked when a set is decoded")
}
