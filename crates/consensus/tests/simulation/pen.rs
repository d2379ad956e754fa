//! Sign votes in the name of a validator, beside its engine.

use commonware_consensus::types::Epoch as EngineEpoch;
use commonware_cryptography::certificate::Provider as _;
use std::sync::Arc;
use trine_ledger::{
    Committees,
    preset::{PrivateKey, Scheme},
};
use trine_types::{Epoch, EpochChange, Genesis};

/// The key of a validator, where the genesis validators decide.
pub struct Pen {
    committees: Committees,
    genesis: Arc<Genesis>,
}

impl Pen {
    pub fn new(key: PrivateKey, genesis: Arc<Genesis>) -> Self {
        let namespace = [b"trine/consensus/".as_slice(), &genesis.chain_id().0].concat();
        Self { committees: Committees::new(&namespace, Some(key)), genesis }
    }

    /// What signs the votes of an epoch.
    pub fn scheme(&self, epoch: EngineEpoch) -> Option<Arc<Scheme>> {
        let validators = self.genesis.validator_set().expect("the test's keys are keys");
        let change = EpochChange { epoch: Epoch(epoch.get()), validators, following: None };
        self.committees.register(epoch, &change, true);
        self.committees.scheme(epoch)
    }
}
