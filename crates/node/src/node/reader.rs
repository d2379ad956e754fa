//! Read the chain from the state databases, the history and the engine's archive of blocks.

use super::LateForest;
use super::keeper::stored;
use super::late_start::Beginning;
use crate::reader::{
    ChainReader, Read, ReadError, StoredBlock, StoredEntry, StoredTransaction, Subject,
};
use bytes::Bytes;
use foldhash::fast::RandomState;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use trine_consensus::{Chain, KeptVotes};
use trine_ledger::history::{EntryPlace, FinalizedBlock, History};
use trine_ledger::proofs::HandOvers;
use trine_ledger::state::{StateReader, Table};
use trine_types::genesis::GenesisError;
use trine_types::{
    Account, Address, Digest, Genesis, Header, Height, LogId, StateKey, Suite, Transaction,
    TransactionId,
};

/// Transactions of recent blocks kept in memory: clients ask for them right after finality.
const RECENT_TRANSACTIONS_MAX: usize = 32_768;
/// Recent blocks kept in memory.
const RECENT_BLOCKS_MAX: usize = 256;

/// What can be read once the engine runs.
pub(super) struct Attached {
    pub(super) state: Arc<dyn StateReader>,
    pub(super) chain: Chain,
}

#[derive(Default)]
struct Recent {
    blocks: VecDeque<Arc<FinalizedBlock>>,
    places: HashMap<TransactionId, (Height, usize), RandomState>,
}

impl Recent {
    fn push(&mut self, block: Arc<FinalizedBlock>) {
        let height = block.header.height;
        if self.blocks.back().is_some_and(|last| last.header.height >= height) {
            return;
        }
        let ids = block.transactions.iter().enumerate();
        self.places.extend(ids.map(|(place, one)| (one.id, (height, place))));
        self.blocks.push_back(block);
        while self.blocks.len() > RECENT_BLOCKS_MAX
            || (self.places.len() > RECENT_TRANSACTIONS_MAX && self.blocks.len() > 1)
        {
            let Some(oldest) = self.blocks.pop_front() else { return };
            for one in oldest.transactions.iter() {
                self.places.remove(&one.id);
            }
        }
    }

    fn block(&self, height: Height) -> Option<Arc<FinalizedBlock>> {
        let first = self.blocks.front()?.header.height.0;
        let place = usize::try_from(height.0.checked_sub(first)?).ok()?;
        self.blocks.get(place).filter(|block| block.header.height == height).cloned()
    }

    fn transaction(&self, id: &TransactionId) -> Option<StoredTransaction> {
        let (height, place) = *self.places.get(id)?;
        let block = self.block(height)?;
        Some(StoredTransaction {
            transaction: block.transactions.get(place)?.clone(),
            height,
            index: place as u32,
            time_ms: block.header.time_ms,
            outcome: block.execution.outcomes.get(place)?.clone(),
        })
    }
}

/// The stores of one node.
pub struct NodeReader {
    pub(super) suite: Suite,
    pub(super) history: Arc<History>,
    pub(super) forest: Arc<LateForest>,
    pub(super) hand_overs: HandOvers,
    attached: OnceLock<Attached>,
    recent: Mutex<Recent>,
}

fn failed(error: impl std::fmt::Display) -> ReadError {
    ReadError(error.to_string())
}

impl NodeReader {
    /// Reads from history; from state and engine once they are attached. A node that does not have
    /// the whole chain has a beginning.
    ///
    /// # Errors
    /// [`GenesisError`] for a document that is not consistent.
    pub fn new(
        genesis: &Genesis,
        history: Arc<History>,
        forest: Arc<LateForest>,
        beginning: Option<&Beginning>,
    ) -> Result<Self, GenesisError> {
        let length = genesis.blocks_per_epoch;
        let hand_overs = match beginning {
            Some(beginning) => beginning.hand_overs(length),
            None => HandOvers::new(length, genesis.validator_set()?),
        };
        Ok(Self {
            suite: genesis.suite()?,
            history,
            forest,
            hand_overs,
            attached: OnceLock::new(),
            recent: Mutex::default(),
        })
    }

    /// Takes access to the running engine, once.
    pub fn attach(&self, state: Arc<dyn StateReader>, chain: Chain) {
        // A node runs once, so nobody was first.
        let _ = self.attached.set(Attached { state, chain });
    }

    pub(super) fn attached(&self) -> Result<&Attached, ReadError> {
        self.attached.get().ok_or_else(|| ReadError("the node has not started yet".into()))
    }

    /// Keeps a block that has just become final at hand.
    pub fn remember(&self, block: Arc<FinalizedBlock>) {
        self.recent().push(block);
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn header(
        &self,
        attached: &Attached,
        height: Height,
    ) -> Result<Option<Header>, ReadError> {
        if let Some(block) = self.recent().block(height) {
            return Ok(Some(block.header.clone()));
        }
        if height == Height(0) {
            return Ok(Some(attached.chain.genesis().header().clone()));
        }
        Ok(self.history.head(height).map_err(failed)?.map(|head| head.header))
    }

    fn stored_block(&self, height: Height) -> Result<Option<StoredBlock>, ReadError> {
        if let Some(block) = self.recent().block(height) {
            return Ok(Some(stored(&block)));
        }
        if height == Height(0) {
            let genesis = self.attached()?.chain.genesis();
            let (header, digest) = (genesis.header().clone(), genesis.id());
            return Ok(Some(StoredBlock { header, digest, ids: Vec::new(), codes: Vec::new() }));
        }
        let record = self.history.record(height).map_err(failed)?;
        Ok(record.map(|record| StoredBlock {
            header: record.head.header.clone(),
            digest: record.head.digest,
            ids: record.head.ids.clone(),
            codes: record.tail.outcomes.iter().map(|outcome| outcome.code.number()).collect(),
        }))
    }

    async fn stored_transaction(
        &self,
        id: TransactionId,
    ) -> Result<Option<StoredTransaction>, ReadError> {
        if let Some(found) = self.recent().transaction(&id) {
            return Ok(Some(found));
        }
        let Some(place) = self.history.transaction(&id).map_err(failed)? else { return Ok(None) };
        let (height, index) = (place.location.height, place.location.place);
        let Some(block) = self.attached()?.chain.block(height).await else {
            return Err(ReadError(format!("block {height} is not in the archive")));
        };
        let bytes = block.inner().transactions.get(index as usize).cloned();
        let bytes = bytes.ok_or_else(|| ReadError(format!("block {height} has no {index}")))?;
        let transaction = Arc::new(Transaction::from_bytes(self.suite, bytes).map_err(failed)?);
        let (time_ms, outcome) = (place.time_ms, place.outcome);
        Ok(Some(StoredTransaction { transaction, height, index, time_ms, outcome }))
    }

    fn stored_entry(&self, place: EntryPlace) -> Result<Option<StoredEntry>, ReadError> {
        let EntryPlace { log, index, transaction, location } = place;
        let digest = self.history.evidence().entry(log, index).map_err(failed)?;
        let height = location.height;
        Ok(digest.map(|digest| StoredEntry { digest, log, index, transaction, height }))
    }
}

impl ChainReader for NodeReader {
    fn accounts(&self, addresses: Vec<Address>) -> Read<'_, Vec<Option<Account>>> {
        Box::pin(async move {
            let (accounts, _) = self.attached()?.state.accounts(addresses).await.map_err(failed)?;
            Ok(accounts)
        })
    }

    fn values(&self, keys: Vec<StateKey>) -> Read<'_, Vec<Option<Vec<u8>>>> {
        Box::pin(async move {
            let (values, _) = self.attached()?.state.values(keys).await.map_err(failed)?;
            Ok(values)
        })
    }

    fn block(&self, height: Height) -> Read<'_, Option<StoredBlock>> {
        Box::pin(async move { self.stored_block(height) })
    }

    fn certified(&self, height: Height) -> Read<'_, bool> {
        Box::pin(async move { Ok(self.attached()?.chain.certificate(height).await.is_some()) })
    }

    fn encoded_block(&self, digest: Digest) -> Read<'_, Option<Bytes>> {
        Box::pin(async move { Ok(self.attached()?.chain.encoded_block(digest).await) })
    }

    fn encoded_finalization(&self, height: Height) -> Read<'_, Option<Bytes>> {
        Box::pin(async move { Ok(self.attached()?.chain.encoded_finalization(height).await) })
    }

    fn operations(&self, table: Table, request: Bytes) -> Read<'_, Option<Bytes>> {
        Box::pin(
            async move { self.attached()?.state.operations(table, request).await.map_err(failed) },
        )
    }

    fn entries(&self, log: LogId, first: u64, count: usize) -> Read<'_, Vec<Digest>> {
        Box::pin(async move {
            self.history.evidence().entries(log, first, count as u64).map_err(failed)
        })
    }

    fn transaction(&self, id: TransactionId) -> Read<'_, Option<StoredTransaction>> {
        Box::pin(self.stored_transaction(id))
    }

    fn recent_transactions(&self, address: Address, limit: usize) -> Read<'_, Vec<TransactionId>> {
        Box::pin(async move {
            let found = self.history.recent_transactions(&address, limit).map_err(failed)?;
            Ok(found.into_iter().map(|place| place.id).collect())
        })
    }

    fn entry(&self, log: LogId, index: u64) -> Read<'_, Option<StoredEntry>> {
        Box::pin(async move {
            let place = self.history.entry(log, index).map_err(failed)?;
            place.map_or(Ok(None), |place| self.stored_entry(place))
        })
    }

    fn find_entry(&self, digest: Digest) -> Read<'_, Option<StoredEntry>> {
        Box::pin(async move {
            let place = self.history.find_entry(&digest).map_err(failed)?;
            place.map_or(Ok(None), |place| self.stored_entry(place))
        })
    }

    fn transfer_senders(&self, reference: Vec<u8>, limit: usize) -> Read<'_, Vec<Address>> {
        Box::pin(async move {
            let found = self.history.transfers_by_reference(&reference, limit).map_err(failed)?;
            Ok(found.into_iter().map(|transfer| transfer.from).collect())
        })
    }

    fn proof(&self, subject: Subject) -> Read<'_, Option<Vec<u8>>> {
        Box::pin(self.prove(subject))
    }

    fn conflicting_votes(&self) -> Vec<Arc<KeptVotes>> {
        self.attached.get().map_or_else(Vec::new, |attached| attached.chain.conflicts().list())
    }

    fn entry_proofs(&self, log: LogId, first: u64, count: usize) -> Read<'_, Vec<Vec<u8>>> {
        Box::pin(self.prove_entries(log, first, count))
    }
}
