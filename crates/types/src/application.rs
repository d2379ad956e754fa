//! Separate the chain's rules from the ledger and the engine that run them.
//!
//! The engine knows the rules only as `Arc<dyn Application>`, so that a change of the rules
//! rebuilds neither.

use crate::account::Account;
use crate::code::Code;
use crate::identifiers::{Address, ChainId, Epoch, Height, LogId};
use crate::outcome::Outcome;
use crate::state_key::StateKey;
use crate::transaction::Transaction;
use crate::validators::ValidatorSet;
use crate::view::View;
use trine_crypto::{Digest, Suite};

/// A public key under which a transaction must be signed; the usual ones lie in place.
pub type SignerKey = smallvec::SmallVec<[u8; 36]>;

/// The block in which transactions execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockContext {
    /// Suite of the chain.
    pub suite: Suite,
    /// Chain.
    pub chain_id: ChainId,
    /// Height of the block.
    pub height: Height,
    /// Epoch of the block.
    pub epoch: Epoch,
    /// Block time in Unix milliseconds.
    pub time_ms: u64,
    /// Whether the block is the last of its epoch.
    pub closes_epoch: bool,
}

/// Entries that genesis writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GenesisState {
    /// Accounts, ordered by address.
    pub accounts: Vec<(Address, Account)>,
    /// Values, ordered by key.
    pub values: Vec<(StateKey, Vec<u8>)>,
}

/// Entries that a block appended to an evidence log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogAppend {
    /// Log.
    pub log: LogId,
    /// Index of the first entry.
    pub first_index: u64,
    /// Entries in order; none for a log just created.
    pub entries: Vec<Digest>,
}

/// What executing a block gives, beside the writes in the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// One outcome a transaction, in order.
    pub outcomes: Vec<Outcome>,
    /// Changes of evidence logs, in the order of execution.
    pub log_appends: Vec<LogAppend>,
    /// Value of the header's `parameters_version`.
    pub parameters_version: u64,
    /// Validators of the epoch after the next; where the block closes its epoch.
    pub next_validators: Option<ValidatorSet>,
}

/// A transaction makes its block invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("transaction {index}: {code}")]
pub struct InvalidBlock {
    /// Place of the transaction in the block.
    pub index: usize,
    /// Why; below 100.
    pub code: Code,
}

/// The chain's rules: pure, synchronous, deterministic.
///
/// The order of a block: stage [`Application::accounts`], then [`Application::values`], then
/// [`Application::build`] or [`Application::execute`] on the view, then commit what was written.
pub trait Application: Send + Sync + 'static {
    /// State at height 0.
    fn genesis_state(&self) -> GenesisState;

    /// Addresses of the accounts that the transactions touch, ordered, each once.
    fn accounts(&self, transactions: &[&Transaction]) -> Vec<Address>;

    /// Keys of the values that the transactions touch, ordered, each once. `view` holds the
    /// accounts of [`Application::accounts`].
    fn values(
        &self,
        context: &BlockContext,
        transactions: &[&Transaction],
        view: &View,
    ) -> Vec<StateKey>;

    /// The public key under which the signature of `transaction` must verify, from the parent
    /// state; `view` holds accounts and values, nothing executed yet.
    ///
    /// # Errors
    /// The code, below 100, that makes the transaction invalid.
    fn signer_key(
        &self,
        context: &BlockContext,
        transaction: &Transaction,
        view: &View,
    ) -> Result<SignerKey, Code>;

    /// Executes those of `candidates` that are valid, in order, within the limits of a block.
    /// Returns the places of those executed, and the reasons why the others were left out; a
    /// candidate for which there was no room is in neither list. Signatures are not checked.
    fn build(
        &self,
        context: &BlockContext,
        candidates: &[&Transaction],
        view: &mut View,
    ) -> (Vec<usize>, Vec<InvalidBlock>, Execution);

    /// Executes a block of another validator. Signatures are not checked.
    ///
    /// # Errors
    /// [`InvalidBlock`] for the first transaction that may not stand in a block.
    fn execute(
        &self,
        context: &BlockContext,
        transactions: &[&Transaction],
        view: &mut View,
    ) -> Result<Execution, InvalidBlock>;
}

/// Checks signatures, and remembers those checked before.
pub trait SignatureChecker: Send + Sync + 'static {
    /// Says of each transaction whether it is signed by the key beside it; many bad ones cost
    /// little more than many good ones. May take long: call it off the reactor.
    fn check_each(&self, items: &[(&Transaction, &[u8])]) -> Vec<bool>;

    /// Says whether every transaction is signed by the key beside it.
    fn check(&self, items: &[(&Transaction, &[u8])]) -> bool {
        self.check_each(items).into_iter().all(|signed| signed)
    }
}
