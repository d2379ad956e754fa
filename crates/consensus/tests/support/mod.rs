//! Give tests a chain small enough to see through: accounts that count.
//!
//! A transaction uses a nonce of its sender and adds its first call's argument to the sender's
//! counter. The sum over all counters says whether anything ran twice or was lost.

#![allow(dead_code, reason = "each test binary uses a part")]

use futures::future::BoxFuture;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex},
};
use tokio::sync::watch;
use trine_consensus::Source;
use trine_crypto::{SecretKey, verify};
use trine_ledger::{
    Block,
    log_heads::LogHeads,
    observer::{Observer, ObserverError},
};
use trine_testkit::suite;
use trine_types::{
    Account, Address, Code, Digest, Genesis, Height, OrganisationId, Outcome, RawCall, Roles,
    StateKey, Transaction, TransactionId, UnsignedTransaction, Validator, ValidatorKey,
    ValidatorSet, View,
    application::{
        Application, BlockContext, Execution, GenesisState, InvalidBlock, LogAppend,
        SignatureChecker, SignerKey,
    },
    genesis::{GENESIS_FORMAT, GenesisValidator},
    limits::{ARGUMENTS_BYTES_MAX, BLOCK_BYTES_MAX},
};

pub const ACCOUNTS: u8 = 16;
/// Account that signs nothing: others forge its signature.
pub const VICTIM: u8 = ACCOUNTS;

/// Secret key of the account or validator with this number.
pub fn secret(kind: u8, number: u8) -> SecretKey {
    SecretKey::from_bytes(suite().algorithm(), &[[kind; 16], [number; 16]].concat())
        .expect("the number is in range")
}

/// Address of the account with this number.
pub fn address(number: u8) -> Address {
    Address::of_key(suite(), suite().algorithm(), &secret(b'a', number).public_key())
}

/// Genesis document of a chain with these validators.
pub fn genesis(blocks_per_epoch: u64, addresses: &[String]) -> Genesis {
    let validators = addresses.iter().enumerate().map(|(number, address)| GenesisValidator {
        algorithm: None,
        name: format!("v{number}"),
        organisation: OrganisationId(0),
        key: trine_types::codec::to_hex(&secret(b'v', number as u8).public_key()),
        address: address.clone(),
    });
    Genesis {
        format: GENESIS_FORMAT.into(),
        name: "test".into(),
        suite: suite().to_string(),
        time_ms: 1,
        blocks_per_epoch,
        organisations: vec!["one".into()],
        validators: validators.collect(),
        accounts: Vec::new(),
        assets: Vec::new(),
        parameters: BTreeMap::new(),
        generated_accounts: None,
    }
}

/// A signed transaction that adds `amount` to the counter of account `number`.
pub fn add(genesis: &Genesis, number: u8, nonce: u64, amount: u64) -> Transaction {
    unsigned(genesis, number, nonce, amount).sign(suite(), &secret(b'a', number))
}

/// A transaction that adds 0 to the counter of account `number`, and is as large as most may be.
pub fn large(genesis: &Genesis, number: u8, nonce: u64) -> Transaction {
    let mut body = unsigned(genesis, number, nonce, 0);
    let arguments = vec![0; ARGUMENTS_BYTES_MAX][..].into();
    body.calls.push(RawCall { module: 1, method: 1, arguments });
    body.sign(suite(), &secret(b'a', number))
}

/// A transaction in the name of [`VICTIM`], signed by another account.
pub fn forged(genesis: &Genesis, nonce: u64) -> Transaction {
    unsigned(genesis, VICTIM, nonce, 1).sign(suite(), &secret(b'a', 0))
}

fn unsigned(genesis: &Genesis, number: u8, nonce: u64, amount: u64) -> UnsignedTransaction {
    UnsignedTransaction {
        chain_id: genesis.chain_id(),
        sender: address(number),
        key_index: 0,
        nonce,
        valid_until_ms: u64::MAX,
        calls: [RawCall { module: 1, method: 1, arguments: amount.to_be_bytes()[..].into() }]
            .into(),
    }
}

/// Faults that a test can plant in the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// The nonce check is left out.
    NoNonceCheck,
    /// Outcomes come in an order that depends on the node.
    OutcomeOrder(u8),
}

/// The rules.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counters {
    pub fault: Fault,
    /// Number of the genesis validators, where each epoch leaves another one out.
    pub turns_of: Option<u8>,
}

/// The validator with this number, as in [`genesis`].
fn validator(number: u8) -> Validator {
    let key = secret(b'v', number).public_key();
    Validator {
        key: ValidatorKey::new(suite().algorithm(), &key).expect("it is a key of validators"),
        organisation: OrganisationId(0),
        name: format!("v{number}"),
        address: format!("127.0.0.1:{}", 1_000 + u16::from(number)),
    }
}

/// Key of an account's counter.
pub fn counter_key(address: Address) -> StateKey {
    StateKey::account_key(suite(), address, 0)
}

fn read_counter(view: &View, key: &StateKey) -> u64 {
    view.value(key).map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().expect("8 bytes")))
}

impl Counters {
    fn one(self, transaction: &Transaction, view: &mut View) -> Result<Outcome, Code> {
        let sender = transaction.body.sender;
        let mut account = view.account(&sender).cloned().ok_or(Code::UnknownSender)?;
        let used = account.use_nonce(transaction.body.nonce);
        if self.fault != Fault::NoNonceCheck {
            used?;
        }
        let amount = transaction.body.calls[0].arguments.as_slice();
        let amount = u64::from_be_bytes(amount.try_into().map_err(|_| Code::Malformed)?);
        view.put_account(sender, account);
        let key = counter_key(sender);
        let sum = read_counter(view, &key) + amount;
        view.put_value(key, Some(sum.to_be_bytes().to_vec()));
        Ok(Outcome { code: Code::Ok, failed_call: 0, gas_used: amount, events: Vec::new() })
    }

    fn next_validators(self, context: &BlockContext) -> Option<ValidatorSet> {
        let count = self.turns_of.filter(|_| context.closes_epoch)?;
        let absent = (context.epoch.0 % u64::from(count)) as u8;
        let present = (0..count).filter(|number| *number != absent).map(validator).collect();
        Some(ValidatorSet::new(present).expect("no key twice"))
    }

    fn finish(self, context: &BlockContext, mut outcomes: Vec<Outcome>) -> Execution {
        if let Fault::OutcomeOrder(node) = self.fault
            && node == 0
        {
            outcomes.reverse();
        }
        Execution {
            outcomes,
            log_appends: Vec::new(),
            parameters_version: 0,
            next_validators: self.next_validators(context),
        }
    }
}

impl Application for Counters {
    fn genesis_state(&self) -> GenesisState {
        let mut accounts: Vec<(Address, Account)> = (0..=VICTIM)
            .map(|number| {
                let key = secret(b'a', number).public_key();
                let roles = Roles::default();
                let account =
                    Account::new(suite(), OrganisationId(0), roles, suite().algorithm(), &key);
                (address(number), account)
            })
            .collect();
        accounts.sort_by_key(|(address, _)| *address);
        GenesisState { accounts, values: Vec::new() }
    }

    fn accounts(&self, transactions: &[&Transaction]) -> Vec<Address> {
        let mut all: Vec<Address> = transactions.iter().map(|one| one.body.sender).collect();
        all.sort();
        all.dedup();
        all
    }

    fn values(&self, _: &BlockContext, transactions: &[&Transaction], _: &View) -> Vec<StateKey> {
        let mut all: Vec<StateKey> =
            transactions.iter().map(|one| counter_key(one.body.sender)).collect();
        all.sort();
        all.dedup();
        all
    }

    fn signer_key(
        &self,
        _: &BlockContext,
        transaction: &Transaction,
        view: &View,
    ) -> Result<SignerKey, Code> {
        let account = view.account(&transaction.body.sender).ok_or(Code::UnknownSender)?;
        Ok(SignerKey::from_slice(account.first_key()))
    }

    fn build(
        &self,
        context: &BlockContext,
        candidates: &[&Transaction],
        view: &mut View,
    ) -> (Vec<usize>, Vec<InvalidBlock>, Execution) {
        let (mut included, mut refused, mut outcomes) = (Vec::new(), Vec::new(), Vec::new());
        for (index, transaction) in candidates.iter().enumerate() {
            match self.one(transaction, view) {
                Ok(outcome) => {
                    included.push(index);
                    outcomes.push(outcome);
                }
                Err(code) => refused.push(InvalidBlock { index, code }),
            }
        }
        (included, refused, self.finish(context, outcomes))
    }

    fn execute(
        &self,
        context: &BlockContext,
        transactions: &[&Transaction],
        view: &mut View,
    ) -> Result<Execution, InvalidBlock> {
        let outcomes = transactions.iter().enumerate().map(|(index, transaction)| {
            self.one(transaction, view).map_err(|code| InvalidBlock { index, code })
        });
        let outcomes = outcomes.collect::<Result<_, _>>()?;
        Ok(self.finish(context, outcomes))
    }
}

/// Checks every signature anew.
#[derive(Clone, Copy, Debug)]
pub struct EverySignature;

impl SignatureChecker for EverySignature {
    fn check_each(&self, items: &[(&Transaction, &[u8])]) -> Vec<bool> {
        items.iter().map(|(transaction, key)| verify(transaction.batch_item(key))).collect()
    }
}

/// Checks no signature.
#[derive(Clone, Copy, Debug)]
pub struct NoSignature;

impl SignatureChecker for NoSignature {
    fn check_each(&self, items: &[(&Transaction, &[u8])]) -> Vec<bool> {
        vec![true; items.len()]
    }
}

/// A chain without evidence logs.
#[derive(Clone, Copy, Debug)]
pub struct NoLogs;

impl LogHeads for NoLogs {
    fn root(&self, _: Digest, parent_root: Digest, _: &[LogAppend], _: &View) -> Digest {
        parent_root
    }

    fn remember(&self, _: Digest, _: Digest, _: Height, _: &[LogAppend]) {}

    fn finalize(&self, _: Digest, _: Height) {}
}

/// Of the acknowledged transactions, one in so many is old: it must be final by the end of a run.
const OLDEST: usize = 8;
/// Every so many transactions, a forgetful mempool loses one; odd, since every eighth is one that
/// comes a second time.
const FORGOTTEN_EVERY: u64 = 39;

/// A mempool that keeps transactions until they are final.
pub struct Queue {
    waiting: Mutex<BTreeMap<u64, Arc<Transaction>>>,
    added: watch::Sender<u64>,
    /// Everything that was ever taken: what a client was told is kept.
    acknowledged: Mutex<Vec<TransactionId>>,
    /// Whether it loses some of what it has acknowledged.
    forgets: bool,
}

impl Default for Queue {
    fn default() -> Self {
        let (waiting, acknowledged) = (Mutex::default(), Mutex::default());
        Self { waiting, added: watch::channel(0).0, acknowledged, forgets: false }
    }
}

impl Queue {
    /// A mempool that loses some of what it has acknowledged.
    pub fn forgetful() -> Self {
        Self { forgets: true, ..Self::default() }
    }

    /// Says whether each transaction that was acknowledged is among those `seen` to be final, or
    /// still waits, and whether the oldest are final where all `fits` through the lines: a nonce
    /// that waits while later ones go by is void in the end.
    ///
    /// # Errors
    /// Names one that is not.
    pub fn check(&self, seen: &Seen, fits: bool) -> Result<(), String> {
        let waiting = self.waiting.lock().expect("no test panics with this lock");
        let waiting: HashSet<_> = waiting.values().map(|transaction| transaction.id).collect();
        let acknowledged = self.acknowledged.lock().expect("no test panics with this lock");
        let oldest = if fits { acknowledged.len() / OLDEST } else { 0 };
        for (place, id) in acknowledged.iter().enumerate() {
            let is_final = seen.transactions.contains_key(id);
            if !is_final && !waiting.contains(id) {
                return Err(format!("transaction {id} was acknowledged and is lost"));
            }
            if !is_final && place < oldest {
                return Err(format!("transaction {id}, number {place}, was not made final"));
            }
        }
        Ok(())
    }

    /// Takes a transaction and acknowledges it.
    pub fn add(&self, transaction: Transaction) {
        let mut acknowledged = self.acknowledged.lock().expect("no test panics with this lock");
        acknowledged.push(transaction.id);
        if !self.forgets || !(acknowledged.len() as u64).is_multiple_of(FORGOTTEN_EVERY) {
            self.smuggle(transaction);
        }
    }

    /// Takes a transaction without a look at it, and acknowledges nothing.
    pub fn smuggle(&self, transaction: Transaction) {
        let mut waiting = self.waiting.lock().expect("no test panics with this lock");
        let next = waiting.last_key_value().map_or(0, |(place, _)| place + 1);
        waiting.insert(next, Arc::new(transaction));
        self.added.send_modify(|added| *added += 1);
    }

    fn remove(&self, ids: &HashSet<TransactionId>) {
        let mut waiting = self.waiting.lock().expect("no test panics with this lock");
        waiting.retain(|_, transaction| !ids.contains(&transaction.id));
    }
}

impl Source for Queue {
    fn candidates(
        &self,
        count_max: usize,
        bytes_max: usize,
        taken: &trine_ledger::TransactionIds,
    ) -> Vec<Arc<Transaction>> {
        let waiting = self.waiting.lock().expect("no test panics with this lock");
        let mut room = bytes_max;
        waiting
            .values()
            .filter(|transaction| !taken.contains(&transaction.id))
            .take(count_max)
            .take_while(|transaction| {
                let fits = transaction.bytes.len() <= room;
                room = room.saturating_sub(transaction.bytes.len());
                fits
            })
            .cloned()
            .collect()
    }

    fn left_out(&self, _: &[TransactionId]) {}

    fn changed(&self) -> BoxFuture<'static, ()> {
        let mut added = self.added.subscribe();
        Box::pin(async move {
            let _ = added.changed().await;
        })
    }
}

/// What one node saw of the chain; outlives the node's restarts.
#[derive(Default)]
pub struct Seen {
    /// Digest and state roots by height.
    pub blocks: BTreeMap<u64, Digest>,
    /// When each block was proposed, in milliseconds, by height.
    pub times_ms: BTreeMap<u64, u64>,
    /// When each block was final here, on a right clock, in milliseconds, by height.
    pub arrived_ms: BTreeMap<u64, u64>,
    /// Validators that final blocks named, by epoch.
    pub validators: BTreeMap<u64, ValidatorSet>,
    /// Validators that the rules named, by the epoch that they are to decide.
    pub named: BTreeMap<u64, ValidatorSet>,
    /// Heights by transaction.
    pub transactions: HashMap<TransactionId, Vec<u64>>,
    /// Last height that was said to be durable.
    pub durable: u64,
    /// Contradictions found while looking.
    pub faults: Vec<String>,
}

impl Seen {
    /// Compares who decides the next epochs with what the rules said two epochs before.
    fn hand_over(
        &mut self,
        height: u64,
        change: &trine_types::EpochChange,
        named: Option<&ValidatorSet>,
    ) {
        let epoch = change.epoch.0;
        self.validators.insert(epoch, change.validators.clone());
        let expected = self.named.get(&epoch);
        if expected.is_some_and(|expected| *expected != change.validators) {
            self.faults.push(format!("height {height}: others decide epoch {epoch} than agreed"));
        }
        let following = named.unwrap_or(change.following()).clone();
        if following != *change.following() {
            self.faults.push(format!("height {height}: the rules named others"));
        }
        self.named.insert(epoch + 1, following);
    }
}

/// Remembers final blocks, in the place of a history database.
pub struct Witness {
    pub seen: Arc<Mutex<Seen>>,
    pub queue: Arc<Queue>,
}

impl Witness {
    fn store(&self, block: &Block, execution: &Execution) {
        let height = block.header().height.0;
        let transactions = block.transactions().expect("a final block is well-formed");
        let ids: HashSet<TransactionId> = transactions.iter().map(|one| one.id).collect();
        let mut seen = self.seen.lock().expect("no test panics with this lock");
        if execution.outcomes.len() != transactions.len() {
            seen.faults.push(format!("block {height} lacks outcomes"));
        }
        if transactions.iter().map(|one| one.bytes.len()).sum::<usize>() > BLOCK_BYTES_MAX {
            seen.faults.push(format!("block {height} is too large"));
        }
        seen.times_ms.insert(height, block.header().time_ms);
        if let Some(change) = &block.header().epoch_change {
            seen.hand_over(height, change, execution.next_validators.as_ref());
        }
        let forged = |one: &&Arc<Transaction>| one.body.sender == address(VICTIM);
        if let Some(forged) = transactions.iter().find(forged) {
            seen.faults.push(format!("{} is final and its sender did not sign it", forged.id));
        }
        let before = seen.blocks.insert(height, block.id());
        if before.is_some_and(|before| before != block.id()) {
            seen.faults.push(format!("two blocks at height {height}"));
        }
        if before.is_none() {
            ids.iter().for_each(|id| seen.transactions.entry(*id).or_default().push(height));
        }
        self.queue.remove(&ids);
    }
}

impl Observer for Witness {
    fn finalized(
        &self,
        block: Arc<Block>,
        execution: Arc<Execution>,
    ) -> BoxFuture<'_, Result<(), ObserverError>> {
        self.store(&block, &execution);
        Box::pin(async { Ok(()) })
    }

    fn durable(&self, height: Height) {
        self.seen.lock().expect("no test panics with this lock").durable = height.0;
    }
}
