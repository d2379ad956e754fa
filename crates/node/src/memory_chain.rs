//! Run a whole chain in memory for tests: one node that builds every block itself.
//!
//! State and execution are those of `trine_testkit::MemoryLedger` under the real rules; blocks are
//! made from the real pool and told to the real feed.

use crate::api::{self, Api, Identity};
use crate::clock;
use crate::feed::Feed;
use crate::mempool::{Mempool, Parts, forward::Forwarder, verifier::Verifier};
use crate::metrics::Metrics;
use crate::peers::Peers;
use crate::reader::{
    ChainReader, Read, ReadError, StoredBlock, StoredEntry, StoredTransaction, Subject,
};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use tokio::task::JoinSet;
use trine_consensus::KeptVotes;
use trine_ledger::state::Table;
use trine_rules::Rules;
use trine_testkit::{Member, MemoryLedger, genesis, secret_key, suite};
use trine_types::application::{Application, BlockContext};
use trine_types::record::Transfer;
use trine_types::{
    Account, Address, Call, Decode as _, Digest, Epoch, EpochChange, Genesis, Header, Height,
    LogId, RawCall, StateCommitment, StateKey, Transaction, TransactionId, UnsignedTransaction,
    ValidatorKey,
};

/// Two organisations, one person of each kind, and a few plain members with balances.
const MEMBERS: &[Member] = &[
    Member {
        name: "admin",
        organisation: 0,
        roles: &["administrator", "notary", "issuer"],
        balance: 1_000_000,
    },
    Member { name: "alice", organisation: 0, roles: &[], balance: 1_000 },
    Member { name: "bob", organisation: 1, roles: &[], balance: 0 },
    Member { name: "other-admin", organisation: 1, roles: &["administrator"], balance: 0 },
];

/// The state with everything that became final.
struct Inner {
    ledger: MemoryLedger,
    blocks: Vec<StoredBlock>,
    transactions: HashMap<TransactionId, StoredTransaction>,
    entries: BTreeMap<(LogId, u64), StoredEntry>,
    by_account: HashMap<Address, Vec<TransactionId>>,
    votes: Vec<Arc<KeptVotes>>,
}

/// A chain in memory with its pool and API.
pub struct MemoryChain {
    /// Genesis document.
    pub genesis: Arc<Genesis>,
    /// Newest block.
    pub feed: Arc<Feed>,
    /// Pool.
    pub mempool: Arc<Mempool>,
    /// API over all of it.
    pub api: Arc<Api>,
    /// Batches that the pool forwarded.
    pub sent: Arc<Sent>,
    inner: Arc<Reader>,
    _tasks: JoinSet<()>,
}

/// Collects what a pool forwards.
#[derive(Default)]
pub struct Sent(pub Mutex<Vec<Bytes>>);

impl Forwarder for Sent {
    fn forward(&self, batch: Bytes) {
        self.0.lock().unwrap().push(batch);
    }
}

struct Reader(Mutex<Inner>);

/// Address of the account whose first key has this name.
pub fn address(name: &str) -> Address {
    let key = secret_key(name).public_key();
    Address::of_key(suite(), suite().algorithm(), &key)
}

impl MemoryChain {
    /// Starts a chain at its genesis block. On a tokio runtime.
    pub fn start() -> Self {
        Self::start_with(Self::document())
    }

    /// The genesis document of [`MemoryChain::start`].
    pub fn document() -> Genesis {
        let mut document = genesis(&["city", "port"], MEMBERS, 4);
        document.time_ms = clock::now_ms() - 60_000;
        document
    }

    /// Starts a chain with another genesis document.
    pub fn start_with(document: Genesis) -> Self {
        let genesis = Arc::new(document);
        let application: Arc<dyn Application> = Arc::new(Rules::new(&genesis).unwrap());
        let ledger = MemoryLedger::new(&genesis, application.clone()).unwrap();
        let block = genesis_block(&genesis, &ledger);
        let feed = Arc::new(Feed::new(Some(Arc::new(block.clone()))));
        let inner = Arc::new(Reader(Mutex::new(Inner {
            ledger,
            blocks: vec![block],
            transactions: HashMap::new(),
            entries: BTreeMap::new(),
            by_account: HashMap::new(),
            votes: Vec::new(),
        })));
        let metrics = Arc::new(Metrics::default());
        let sent = Arc::new(Sent::default());
        let mut tasks = JoinSet::new();
        let (mempool, background) = Mempool::new(Parts {
            suite: suite(),
            chain_id: genesis.chain_id(),
            application,
            reader: inner.clone(),
            feed: feed.clone(),
            verifier: Arc::new(Verifier::start(2).unwrap()),
            forwarder: sent.clone(),
            metrics: metrics.clone(),
        });
        background.spawn(&mut tasks);
        let key = secret_key("validator-0").public_key();
        let key = ValidatorKey::new(suite().algorithm(), &key).expect("a key");
        let api = Api::new(api::Parts {
            genesis: genesis.clone(),
            suite: suite(),
            chain_id: genesis.chain_id(),
            identity: Identity { name: "validator-0".into(), key: Some(key) },
            reader: inner.clone(),
            feed: feed.clone(),
            mempool: mempool.clone(),
            metrics,
            engine_metrics: Box::new(String::new),
            peers: Peers::default(),
            upstream: None,
        });
        Self { genesis, feed, mempool, api, sent, inner, _tasks: tasks }
    }

    /// Signs a transaction that is valid for a minute.
    pub fn transaction(&self, name: &str, nonce: u64, calls: &[Call]) -> Transaction {
        self.unsigned(name, nonce, calls).sign(suite(), &secret_key(name))
    }

    /// What [`MemoryChain::transaction`] signs.
    pub fn unsigned(&self, name: &str, nonce: u64, calls: &[Call]) -> UnsignedTransaction {
        let calls: Vec<RawCall> = calls.iter().map(Call::to_raw).collect();
        UnsignedTransaction {
            chain_id: self.genesis.chain_id(),
            sender: address(name),
            key_index: 0,
            nonce,
            valid_until_ms: clock::now_ms() + 60_000,
            calls: calls.into(),
        }
    }

    /// Keeps evidence, as if validators had misbehaved.
    pub fn keep_votes(&self, votes: KeptVotes) {
        self.inner.0.lock().unwrap().votes.push(Arc::new(votes));
    }

    /// Makes the next block from the pool; returns its height.
    pub fn produce(&self) -> Height {
        let candidates = self.mempool.candidates(1_000, 1 << 20, &Default::default());
        self.produce_from(&candidates)
    }

    /// Makes the next block from these transactions; leaves out what may not stand in it.
    pub fn produce_from(&self, candidates: &[Arc<Transaction>]) -> Height {
        let mut inner = self.inner.0.lock().unwrap();
        let (block, body) = inner.build(candidates);
        drop(inner);
        let (height, time_ms) = (block.header.height, block.header.time_ms);
        self.mempool.finalized(&body, time_ms);
        self.feed.publish(Arc::new(block));
        self.mempool.durable(height);
        height
    }
}

/// The genesis block, with the roots that the API shows left empty.
fn genesis_block(genesis: &Genesis, ledger: &MemoryLedger) -> StoredBlock {
    let validators = genesis.validator_set().unwrap();
    let header = Header {
        chain_id: ledger.chain_id(),
        height: Height(0),
        epoch: Epoch(0),
        view: 0,
        parent_view: 0,
        proposer: ValidatorKey::default(),
        parent: Digest::default(),
        time_ms: genesis.time_ms,
        body_root: Digest::default(),
        outcome_root: Digest::default(),
        evidence_root: ledger.evidence_root(),
        accounts: StateCommitment::default(),
        values: StateCommitment::default(),
        parameters_version: 0,
        epoch_change: Some(EpochChange { epoch: Epoch(0), validators, following: None }),
        extension: Vec::new(),
    };
    let digest = header.digest(suite());
    StoredBlock { header, digest, ids: Vec::new(), codes: Vec::new() }
}

impl Inner {
    fn build(&mut self, candidates: &[Arc<Transaction>]) -> (StoredBlock, Vec<Arc<Transaction>>) {
        let parent = self.blocks.last().unwrap().clone();
        let height = Height(parent.header.height.0 + 1);
        let time_ms = clock::now_ms().max(parent.header.time_ms + 1);
        let context: BlockContext = self.ledger.context(height, time_ms);
        let references: Vec<&Transaction> = candidates.iter().map(|one| &**one).collect();
        let (included, _, applied) = self.ledger.build(&context, &references);
        let body: Vec<Arc<Transaction>> =
            included.into_iter().map(|place| candidates[place].clone()).collect();
        let header = Header {
            height,
            epoch: context.epoch,
            parent: parent.digest,
            time_ms,
            proposer: self.blocks[0].header.epoch_change.as_ref().unwrap().validators.as_slice()[0]
                .key,
            body_root: applied.body_root,
            outcome_root: applied.outcome_root,
            evidence_root: applied.evidence_root,
            parameters_version: applied.execution.parameters_version,
            epoch_change: None,
            ..parent.header
        };
        let digest = header.digest(suite());
        let outcomes = applied.execution.outcomes;
        for (index, (one, outcome)) in body.iter().zip(&outcomes).enumerate() {
            let (transaction, outcome) = (one.clone(), outcome.clone());
            let index = index as u32;
            let stored = StoredTransaction { transaction, height, index, time_ms, outcome };
            self.transactions.insert(one.id, stored);
            self.by_account.entry(one.body.sender).or_default().insert(0, one.id);
        }
        for append in &applied.execution.log_appends {
            for (index, digest) in (append.first_index..).zip(&append.entries) {
                // Tests append with the first transaction of a block.
                let (log, digest) = (append.log, *digest);
                let entry = StoredEntry { digest, log, index, transaction: body[0].id, height };
                self.entries.insert((log, index), entry);
            }
        }
        let ids = body.iter().map(|one| one.id).collect();
        let codes = outcomes.iter().map(|outcome| outcome.code.number()).collect();
        let block = StoredBlock { header, digest, ids, codes };
        self.blocks.push(block.clone());
        (block, body)
    }
}

impl Reader {
    fn read<'a, T: Send + 'a>(&'a self, read: impl FnOnce(&Inner) -> T) -> Read<'a, T> {
        let found = read(&self.0.lock().unwrap());
        Box::pin(async { Ok(found) })
    }
}

impl ChainReader for Reader {
    fn accounts(&self, addresses: Vec<Address>) -> Read<'_, Vec<Option<Account>>> {
        self.read(|inner| addresses.iter().map(|at| inner.ledger.account(at).cloned()).collect())
    }

    fn values(&self, keys: Vec<StateKey>) -> Read<'_, Vec<Option<Vec<u8>>>> {
        self.read(|inner| keys.iter().map(|key| inner.ledger.values().get(key).cloned()).collect())
    }

    fn block(&self, height: Height) -> Read<'_, Option<StoredBlock>> {
        self.read(|inner| inner.blocks.get(height.0 as usize).cloned())
    }

    fn certified(&self, _: Height) -> Read<'_, bool> {
        self.read(|_| false)
    }

    fn encoded_block(&self, _: Digest) -> Read<'_, Option<Bytes>> {
        self.read(|_| None)
    }

    fn encoded_finalization(&self, _: Height) -> Read<'_, Option<Bytes>> {
        self.read(|_| None)
    }

    fn operations(&self, _: Table, _: Bytes) -> Read<'_, Option<Bytes>> {
        self.read(|_| None)
    }

    fn entries(&self, log: LogId, first: u64, count: usize) -> Read<'_, Vec<Digest>> {
        self.read(move |inner| {
            let of_log = inner.entries.range((log, first)..=(log, u64::MAX)).take(count);
            of_log.map(|(_, entry)| entry.digest).collect()
        })
    }

    fn transaction(&self, id: TransactionId) -> Read<'_, Option<StoredTransaction>> {
        self.read(|inner| inner.transactions.get(&id).cloned())
    }

    fn recent_transactions(&self, address: Address, limit: usize) -> Read<'_, Vec<TransactionId>> {
        self.read(|inner| {
            let ids = inner.by_account.get(&address).cloned().unwrap_or_default();
            ids.into_iter().take(limit).collect()
        })
    }

    fn entry(&self, log: LogId, index: u64) -> Read<'_, Option<StoredEntry>> {
        self.read(|inner| inner.entries.get(&(log, index)).copied())
    }

    fn find_entry(&self, digest: Digest) -> Read<'_, Option<StoredEntry>> {
        self.read(|inner| inner.entries.values().find(|entry| entry.digest == digest).copied())
    }

    fn transfer_senders(&self, reference: Vec<u8>, limit: usize) -> Read<'_, Vec<Address>> {
        self.read(|inner| {
            let made = |sender: &&Address| {
                let key = StateKey::transfer(suite(), **sender, &reference);
                let value = inner.ledger.values().get(&key);
                value.is_some_and(|value| Transfer::from_bytes(value).is_ok())
            };
            inner.ledger.accounts().keys().filter(made).take(limit).copied().collect()
        })
    }

    fn proof(&self, _: Subject) -> Read<'_, Option<Vec<u8>>> {
        Box::pin(async { Err(ReadError("a chain in memory has no certificates".into())) })
    }

    fn conflicting_votes(&self) -> Vec<Arc<KeptVotes>> {
        self.0.lock().unwrap().votes.clone()
    }

    fn entry_proofs(&self, _: LogId, _: u64, _: usize) -> Read<'_, Vec<Vec<u8>>> {
        Box::pin(async { Err(ReadError("a chain in memory has no certificates".into())) })
    }
}
