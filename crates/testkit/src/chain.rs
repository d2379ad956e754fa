//! Drive a chain in memory by people's names.

use crate::ledger::{Applied, MemoryLedger};
use crate::people::{secret_key, suite};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use trine_types::application::{Application, InvalidBlock};
use trine_types::genesis::GenesisError;
use trine_types::{
    Account, Address, Call, Genesis, Height, Outcome, RawCall, Transaction, UnsignedTransaction,
};

/// Milliseconds between two blocks of a [`TestChain`].
pub const BLOCK_INTERVAL_MS: u64 = 1_000;

/// A chain in memory whose transactions are signed by name.
#[derive(Clone)]
pub struct TestChain {
    /// The state.
    pub ledger: MemoryLedger,
    /// Height of the newest block.
    pub height: Height,
    /// Time of the newest block, in Unix milliseconds.
    pub time_ms: u64,
    nonces: BTreeMap<Address, u64>,
}

impl TestChain {
    /// Starts a chain at height 0.
    ///
    /// # Errors
    /// [`GenesisError`] for a document that is not consistent.
    pub fn new(genesis: &Genesis, application: Arc<dyn Application>) -> Result<Self, GenesisError> {
        let ledger = MemoryLedger::new(genesis, application)?;
        let (height, nonces) = (Height(0), BTreeMap::new());
        Ok(Self { ledger, height, time_ms: genesis.time_ms, nonces })
    }

    /// Address of the account whose first key has this name.
    pub fn address(&self, name: &str) -> Address {
        let key = secret_key(name).public_key();
        Address::of_key(suite(), suite().algorithm(), &key)
    }

    /// Account of that address.
    pub fn account(&self, name: &str) -> Option<&Account> {
        self.ledger.account(&self.address(name))
    }

    /// What `name` would sign next, with the next nonce that this chain gives out.
    pub fn unsigned(&mut self, name: &str, calls: Vec<RawCall>) -> UnsignedTransaction {
        let sender = self.address(name);
        let next = self.nonces.entry(sender).or_insert(0);
        let nonce = *next;
        *next += 1;
        UnsignedTransaction {
            chain_id: self.ledger.chain_id(),
            sender,
            key_index: 0,
            nonce,
            valid_until_ms: self.time_ms + 1_000 * BLOCK_INTERVAL_MS,
            calls: calls.into(),
        }
    }

    /// A signed transaction of `name`.
    pub fn transaction(&mut self, name: &str, calls: &[Call]) -> Transaction {
        let calls = calls.iter().map(Call::to_raw).collect();
        self.unsigned(name, calls).sign(suite(), &secret_key(name))
    }

    /// Executes a block.
    ///
    /// # Errors
    /// [`InvalidBlock`] for the first transaction that may not stand in it; then nothing changes.
    pub fn block(&mut self, transactions: &[Transaction]) -> Result<Applied, InvalidBlock> {
        let encoded: Vec<Bytes> = transactions.iter().map(|one| one.bytes.clone()).collect();
        let height = Height(self.height.0 + 1);
        let time_ms = self.time_ms + BLOCK_INTERVAL_MS;
        let applied = self.ledger.apply(&self.ledger.context(height, time_ms), &encoded)?;
        (self.height, self.time_ms) = (height, time_ms);
        Ok(applied)
    }

    /// Executes a block with one transaction of `name` that makes these calls.
    pub fn run(&mut self, name: &str, calls: &[Call]) -> Outcome {
        let transaction = self.transaction(name, calls);
        let applied = self.block(&[transaction]);
        let mut outcomes = applied.expect("the transaction is valid").execution.outcomes;
        outcomes.pop().expect("a block with one transaction has one outcome")
    }
}
