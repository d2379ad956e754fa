//! Decide what the chain allows, one module a file, pure and synchronous.
//!
//! [`Rules`] implements [`Application`]. A block goes through three steps: [`touch`] names the
//! entries that its transactions may read, so that the ledger stages them; [`validity`] decides
//! from them which transactions may stand in a block; [`block`] executes those in order. What each
//! call does is in the module's own file; `docs/reference/modules.md` is the same in words.
//!
//! Nothing here knows a clock, randomness, floating point or the order of a hash map.

mod accounts;
mod assets;
mod authorities;
mod block;
mod evidence;
mod genesis;
mod organisations;
mod parameters;
mod proposals;
mod quotas;
mod state;
mod touch;
mod validators;
mod validity;

use trine_types::application::{
    Application, BlockContext, Execution, GenesisState, InvalidBlock, SignerKey,
};
use trine_types::genesis::GenesisError;
use trine_types::{Address, Code, Genesis, StateKey, Suite, Transaction, View};

/// The rules of one chain.
#[derive(Debug)]
pub struct Rules {
    genesis: Genesis,
    suite: Suite,
}

impl Rules {
    /// Takes the rules of the chain that `genesis` starts.
    ///
    /// # Errors
    /// [`GenesisError`] for a document that is not consistent.
    pub fn new(genesis: &Genesis) -> Result<Self, GenesisError> {
        genesis.check()?;
        Ok(Self { genesis: genesis.clone(), suite: genesis.suite()? })
    }
}

impl Application for Rules {
    fn genesis_state(&self) -> GenesisState {
        genesis::state(&self.genesis, self.suite)
            .expect("the document was checked when the rules were made")
    }

    fn accounts(&self, transactions: &[&Transaction]) -> Vec<Address> {
        touch::accounts(self.suite, transactions)
    }

    fn values(
        &self,
        context: &BlockContext,
        transactions: &[&Transaction],
        view: &View,
    ) -> Vec<StateKey> {
        touch::values(context, transactions, view)
    }

    fn signer_key(
        &self,
        context: &BlockContext,
        transaction: &Transaction,
        view: &View,
    ) -> Result<SignerKey, Code> {
        validity::signer_key(context, transaction, view)
    }

    fn build(
        &self,
        context: &BlockContext,
        candidates: &[&Transaction],
        view: &mut View,
    ) -> (Vec<usize>, Vec<InvalidBlock>, Execution) {
        block::build(context, candidates, view)
    }

    fn execute(
        &self,
        context: &BlockContext,
        transactions: &[&Transaction],
        view: &mut View,
    ) -> Result<Execution, InvalidBlock> {
        block::execute(context, transactions, view)
    }
}
