//! Execute blocks on ordered maps, as the real ledger does on authenticated databases.

use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use trine_crypto::{Digest, Suite, verify};
use trine_types::application::{Application, BlockContext, Execution, InvalidBlock};
use trine_types::codec::Encoder;
use trine_types::genesis::GenesisError;
use trine_types::identifiers::tagged_hash;
use trine_types::record::{Counters, Log};
use trine_types::{
    Account, Address, ChainId, Code, Decode, Encode, Epoch, Genesis, Height, LogId, StateKey,
    Transaction, View, merkle,
};

/// What a block gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Outcomes, appended evidence, parameters, validators.
    pub execution: Execution,
    /// RFC 9162 root over the encoded transactions.
    pub body_root: Digest,
    /// RFC 9162 root over (transaction id || outcome).
    pub outcome_root: Digest,
    /// RFC 9162 root over the heads of the evidence logs.
    pub evidence_root: Digest,
    /// Digest over every key and value (see [`MemoryLedger::state_digest`]).
    pub state_digest: Digest,
}

/// A chain's state in memory.
#[derive(Clone)]
pub struct MemoryLedger {
    application: Arc<dyn Application>,
    suite: Suite,
    chain_id: ChainId,
    blocks_per_epoch: u64,
    accounts: BTreeMap<Address, Account>,
    values: BTreeMap<StateKey, Vec<u8>>,
}

impl MemoryLedger {
    /// Starts a chain at height 0.
    ///
    /// # Errors
    /// [`GenesisError`] for a document that is not consistent.
    pub fn new(genesis: &Genesis, application: Arc<dyn Application>) -> Result<Self, GenesisError> {
        genesis.check()?;
        let state = application.genesis_state();
        Ok(Self {
            application,
            suite: genesis.suite()?,
            chain_id: genesis.chain_id(),
            blocks_per_epoch: genesis.blocks_per_epoch,
            accounts: state.accounts.into_iter().collect(),
            values: state.values.into_iter().collect(),
        })
    }

    /// Suite of the chain.
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// Chain id.
    pub const fn chain_id(&self) -> ChainId {
        self.chain_id
    }

    /// A block at `height`; its epoch follows.
    pub const fn context(&self, height: Height, time_ms: u64) -> BlockContext {
        BlockContext {
            suite: self.suite,
            chain_id: self.chain_id,
            height,
            epoch: Epoch(height.0 / self.blocks_per_epoch),
            time_ms,
            closes_epoch: height.0 % self.blocks_per_epoch == self.blocks_per_epoch - 1,
        }
    }

    /// Current account.
    pub fn account(&self, address: &Address) -> Option<&Account> {
        self.accounts.get(address)
    }

    /// Every account, ordered by address.
    pub const fn accounts(&self) -> &BTreeMap<Address, Account> {
        &self.accounts
    }

    /// Every value, ordered by key.
    pub const fn values(&self) -> &BTreeMap<StateKey, Vec<u8>> {
        &self.values
    }

    /// Current record under `key`; none when there is none.
    pub fn record<T: Decode>(&self, key: &StateKey) -> Option<T> {
        let bytes = self.values.get(key)?;
        Some(T::from_bytes(bytes).expect("the rules write records that decode"))
    }

    /// Writes an account past the rules, to set a test up.
    pub fn set_account(&mut self, address: Address, account: Account) {
        self.accounts.insert(address, account);
    }

    /// Writes a record past the rules, to set a test up.
    pub fn set_record(&mut self, key: StateKey, record: &impl Encode) {
        self.values.insert(key, record.to_bytes());
    }

    /// Stages what the transactions touch.
    pub fn stage(&self, context: &BlockContext, transactions: &[&Transaction]) -> View {
        let mut view = View::default();
        for address in self.application.accounts(transactions) {
            view.stage_account(address, self.accounts.get(&address).cloned());
        }
        for key in self.application.values(context, transactions, &view) {
            view.stage_value(key, self.values.get(&key).cloned());
        }
        view
    }

    /// Executes a block of encoded transactions and commits it; changes nothing where it is
    /// invalid.
    ///
    /// # Errors
    /// [`InvalidBlock`] for the first transaction that may not stand in the block.
    pub fn apply(
        &mut self,
        context: &BlockContext,
        encoded: &[Bytes],
    ) -> Result<Applied, InvalidBlock> {
        let mut transactions = Vec::new();
        let mut fault = None;
        for (index, bytes) in encoded.iter().enumerate() {
            match Transaction::from_bytes(self.suite, bytes.clone()) {
                Ok(transaction) => transactions.push(transaction),
                Err(error) => {
                    fault = Some(InvalidBlock { index, code: Code::from(&error) });
                    break;
                }
            }
        }
        let references: Vec<&Transaction> = transactions.iter().collect();
        let mut view = self.stage(context, &references);
        let signature = self.bad_signature(context, &references, &view);
        let executed = self.application.execute(context, &references, &mut view);
        let faults = [fault, signature, executed.as_ref().err().copied()];
        // A signature is checked last: of two faults in one transaction, its code is the larger.
        let first = faults.into_iter().flatten().min_by_key(|one| (one.index, one.code));
        match (executed, first) {
            (Ok(execution), None) => Ok(self.commit(&references, &view, execution)),
            (Err(refused), None) | (_, Some(refused)) => Err(refused),
        }
    }

    /// Builds a block of the valid ones among `candidates` and commits it.
    ///
    /// Returns the places of those included, why others were refused, and what the block gave.
    pub fn build(
        &mut self,
        context: &BlockContext,
        candidates: &[&Transaction],
    ) -> (Vec<usize>, Vec<InvalidBlock>, Applied) {
        let mut view = self.stage(context, candidates);
        let (included, refused, execution) = self.application.build(context, candidates, &mut view);
        let body: Vec<&Transaction> = included.iter().map(|place| candidates[*place]).collect();
        let applied = self.commit(&body, &view, execution);
        (included, refused, applied)
    }

    fn bad_signature(
        &self,
        context: &BlockContext,
        transactions: &[&Transaction],
        view: &View,
    ) -> Option<InvalidBlock> {
        let bad = |transaction: &&Transaction| {
            let key = self.application.signer_key(context, transaction, view);
            key.is_ok_and(|key| !verify(transaction.batch_item(&key)))
        };
        let index = transactions.iter().position(bad)?;
        Some(InvalidBlock { index, code: Code::BadSignature })
    }

    fn commit(
        &mut self,
        transactions: &[&Transaction],
        view: &View,
        execution: Execution,
    ) -> Applied {
        let written = view.staged_accounts().filter(|(_, _, written)| *written);
        let accounts = written.map(|(address, account, _)| (address, account));
        for (address, account) in accounts.chain(view.unstaged_accounts()) {
            match account {
                Some(account) => self.accounts.insert(*address, account.clone()),
                None => self.accounts.remove(address),
            };
        }
        let written = view.staged_values().filter(|(_, _, written)| *written);
        let values = written.map(|(key, value, _)| (key, value));
        for (key, value) in values.chain(view.unstaged_values()) {
            match value {
                Some(value) => self.values.insert(*key, value.to_vec()),
                None => self.values.remove(key),
            };
        }
        let bodies = transactions.iter().map(|transaction| transaction.bytes.as_ref());
        let outcomes: Vec<Vec<u8>> = transactions
            .iter()
            .zip(&execution.outcomes)
            .map(|(transaction, outcome)| [&transaction.id.0[..], &outcome.to_bytes()].concat())
            .collect();
        Applied {
            body_root: merkle::root(self.suite, bodies),
            outcome_root: merkle::root(self.suite, outcomes.iter().map(Vec::as_slice)),
            evidence_root: self.evidence_root(),
            state_digest: self.state_digest(),
            execution,
        }
    }

    /// RFC 9162 root over (log id || size || head) of every log.
    pub fn evidence_root(&self) -> Digest {
        let suite = self.suite;
        let counters: Counters =
            self.record(&StateKey::counters(suite)).expect("genesis writes the counters");
        let leaves: Vec<Vec<u8>> = (0..counters.logs)
            .map(|number| {
                let key = StateKey::log(suite, LogId(number));
                let log: Log = self.record(&key).expect("logs are numbered without gaps");
                let mut leaf = Encoder::default();
                LogId(number).encode(&mut leaf);
                log.frontier.size().encode(&mut leaf);
                log.frontier.root(suite).encode(&mut leaf);
                leaf.0
            })
            .collect();
        merkle::root(suite, leaves.iter().map(Vec::as_slice))
    }

    /// Digest over every account and value: the state dump of the wire reference.
    pub fn state_digest(&self) -> Digest {
        let mut dump = Encoder::default();
        (self.accounts.len() as u64).encode(&mut dump);
        for (address, account) in &self.accounts {
            address.encode(&mut dump);
            account.encode(&mut dump);
        }
        (self.values.len() as u64).encode(&mut dump);
        for (key, value) in &self.values {
            dump.raw(&key.0);
            dump.bytes32(value);
        }
        tagged_hash(self.suite, "trine/state-dump", &[&dump.0])
    }
}
