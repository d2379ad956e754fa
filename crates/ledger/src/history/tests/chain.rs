//! Make final blocks with events of every kind that history reads.

use crate::history::FinalizedBlock;
use std::{collections::BTreeMap, sync::Arc};
use trine_types::{
    Address, Algorithm, ChainId, Code, Digest, Encode as _, Epoch, Event, Header, Height, LogId,
    Outcome, RawCall, StateCommitment, Suite, Transaction, TransactionId, UnsignedTransaction,
    application::{Execution, LogAppend},
    codec::Encoder,
};

pub const SUITE: Suite = Suite::Intl;
const ACCOUNTS: u64 = 5;

pub fn chain_id() -> ChainId {
    ChainId([3; 32])
}

fn account(number: u64) -> Address {
    let mut address = [0xaa; 20];
    address[12..].copy_from_slice(&number.to_be_bytes());
    Address(address)
}

/// Transaction, sender, recipient.
type Transferred = (TransactionId, Address, Address);

/// Makes one chain.
pub struct Builder {
    random: u64,
    next: u64,
    nonce: u64,
    logs: Vec<u64>,
    references: BTreeMap<Vec<u8>, Vec<Transferred>>,
}

impl Builder {
    pub fn new(seed: u64, first: Height) -> Self {
        let (next, nonce) = (first.0, 0);
        Self { random: seed | 1, next, nonce, logs: Vec::new(), references: BTreeMap::new() }
    }

    /// Pseudo-random number below `end` (xorshift).
    fn below(&mut self, end: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % end
    }

    fn transaction(&mut self, sender: Address) -> Transaction {
        self.nonce += 1;
        let call = RawCall { module: 5, method: 3, arguments: vec![1; 33].into() };
        let body = UnsignedTransaction {
            chain_id: chain_id(),
            sender,
            key_index: 0,
            nonce: self.nonce,
            valid_until_ms: u64::MAX,
            calls: [call].into(),
        };
        body.with_signature(SUITE, Algorithm::Ed25519, vec![0; 64])
    }

    pub fn block(&mut self, transactions: usize) -> Arc<FinalizedBlock> {
        let mut body = Vec::new();
        let mut execution = self.execution();
        for _ in 0..transactions {
            let sender = account(self.below(ACCOUNTS));
            let transaction = self.transaction(sender);
            let outcome = match self.below(4) {
                0 => failed(),
                1 => {
                    let count = 1 + self.below(9);
                    let entries: Vec<Digest> = (0..count)
                        .map(|at| SUITE.hash(&[&transaction.id.0, &[at as u8]]))
                        .collect();
                    let log = self.below(self.logs.len() as u64 + 1) as u32;
                    self.append(log, entries, &mut execution)
                }
                _ => self.transfer(&transaction, sender),
            };
            execution.outcomes.push(outcome);
            body.push(Arc::new(transaction));
        }
        self.finish(body, execution)
    }

    /// One transaction for each list of entries.
    pub fn block_with_entries(&mut self, appends: &[(u32, Vec<Digest>)]) -> Arc<FinalizedBlock> {
        let mut body = Vec::new();
        let mut execution = self.execution();
        for (log, entries) in appends {
            let outcome = self.append(*log, entries.clone(), &mut execution);
            execution.outcomes.push(outcome);
            body.push(Arc::new(self.transaction(account(0))));
        }
        self.finish(body, execution)
    }

    fn execution(&self) -> Execution {
        Execution {
            outcomes: Vec::new(),
            log_appends: Vec::new(),
            parameters_version: 0,
            next_validators: None,
        }
    }

    fn append(&mut self, log: u32, entries: Vec<Digest>, to: &mut Execution) -> Outcome {
        let place = log as usize;
        self.logs.resize(self.logs.len().max(place + 1), 0);
        let first_index = self.logs[place];
        self.logs[place] += entries.len() as u64;
        let mut data = Encoder(vec![2]);
        log.encode(&mut data);
        first_index.encode(&mut data);
        (entries.len() as u16).encode(&mut data);
        to.log_appends.push(LogAppend { log: LogId(log), first_index, entries });
        succeeded(Event { emitter: Event::module_emitter(4), topics: vec![], data: data.0 })
    }

    fn transfer(&mut self, transaction: &Transaction, from: Address) -> Outcome {
        let to = account(self.below(ACCOUNTS));
        let mut data = Encoder(vec![3]);
        1u32.encode(&mut data);
        self.below(1 << 40).encode(&mut data);
        if self.below(2) == 0 {
            let reference = SUITE.hash(&[&self.below(100).to_be_bytes()]).0.to_vec();
            data.bytes8(&reference);
            let found = (transaction.id, from, to);
            self.references.entry(reference).or_default().insert(0, found);
        } else {
            data.bytes8(&[]);
        }
        let topics = vec![Event::address_topic(&from), Event::address_topic(&to)];
        succeeded(Event { emitter: Event::module_emitter(5), topics, data: data.0 })
    }

    fn finish(
        &mut self,
        transactions: Vec<Arc<Transaction>>,
        execution: Execution,
    ) -> Arc<FinalizedBlock> {
        let height = Height(self.next);
        self.next += 1;
        let header = Header {
            chain_id: chain_id(),
            height,
            epoch: Epoch(0),
            view: height.0,
            parent_view: height.0.saturating_sub(1),
            proposer: trine_types::ValidatorKey([1; 34]),
            parent: Digest([2; 32]),
            time_ms: 1_000 + height.0,
            body_root: Digest([3; 32]),
            outcome_root: Digest([4; 32]),
            evidence_root: Digest([5; 32]),
            accounts: StateCommitment::default(),
            values: StateCommitment::default(),
            parameters_version: 0,
            epoch_change: None,
            extension: Vec::new(),
        };
        let digest = header.digest(SUITE);
        let (transactions, execution) = (transactions.into(), Arc::new(execution));
        Arc::new(FinalizedBlock { header, digest, transactions, execution })
    }

    pub fn accounts(&self) -> Vec<Address> {
        (0..ACCOUNTS).map(account).collect()
    }

    /// Transactions that concern an account, newest first.
    pub fn of_account(
        &self,
        blocks: &[Arc<FinalizedBlock>],
        account: &Address,
    ) -> Vec<TransactionId> {
        let topic = Event::address_topic(account);
        let all = blocks.iter().flat_map(|b| b.transactions.iter().zip(&b.execution.outcomes));
        let concerned = all.filter(|(transaction, outcome)| {
            let mut topics = outcome.events.iter().flat_map(|event| &event.topics);
            transaction.body.sender == *account || topics.any(|one| *one == topic)
        });
        let mut ids: Vec<_> = concerned.map(|(transaction, _)| transaction.id).collect();
        ids.reverse();
        ids
    }

    /// Transfers by reference, newest first.
    pub const fn references(&self) -> &BTreeMap<Vec<u8>, Vec<Transferred>> {
        &self.references
    }
}

fn failed() -> Outcome {
    Outcome { code: Code::NoRight, failed_call: 0, gas_used: 1, events: Vec::new() }
}

fn succeeded(event: Event) -> Outcome {
    Outcome { code: Code::Ok, failed_call: 0, gas_used: 1, events: vec![event] }
}
