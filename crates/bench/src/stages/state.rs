//! Execute blocks against real databases, and store them.

use super::{Cost, Meter, StagesError, StagesPlan, failed};
use commonware_glue::stateful::db::DatabaseSet as _;
use commonware_parallel::Rayon;
use commonware_runtime::{Supervisor as _, buffer::paged::CacheRef};
use commonware_utils::{NZU16, NZUsize};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use trine_ledger::databases::{self, Databases, Merkleized};
use trine_ledger::execute::{Applied, Work, apply, commitments};
use trine_ledger::history::{FinalizedBlock, History};
use trine_ledger::{Block, open_genesis, outcome_root};
use trine_rules::Rules;
use trine_runtime::Context;
use trine_types::application::{Application as _, BlockContext, Execution, InvalidBlock};
use trine_types::{
    Account, Address, Epoch, Header, Height, StateKey, Suite, Transaction, ValidatorKey, View,
    merkle,
};

/// Pages of the cache: 256 MiB, a node's default.
const PAGES: std::num::NonZeroUsize = NZUsize!(65_536);
const PREFIX: &str = "stages";

/// A chain of one node without consensus.
pub(super) struct StateStages {
    suite: Suite,
    rules: Arc<Rules>,
    strategy: Rayon,
    databases: Databases<Context>,
    history: History,
    parent: Header,
    proposer: ValidatorKey,
    accounts: HashMap<Address, Account>,
    values: HashMap<StateKey, Vec<u8>>,
}

/// A block that was executed and is not stored.
pub(super) struct Executed {
    block: Block,
    merkleized: Merkleized<Context>,
    execution: Arc<Execution>,
}

impl Executed {
    pub(super) const fn block(&self) -> &Block {
        &self.block
    }
}

impl StateStages {
    pub(super) async fn open(
        context: Context,
        plan: &StagesPlan,
        rules: Arc<Rules>,
        folder: &Path,
    ) -> Result<Self, StagesError> {
        let genesis = &plan.genesis;
        let suite = genesis.suite().map_err(failed("genesis"))?;
        let strategy = Rayon::new(NZUsize!(1)).map_err(failed("threads"))?;
        let cache = CacheRef::new(NZU16!(4_096), PAGES);
        let config = || databases::config(suite, PREFIX, &cache, &strategy);
        let context_of = |label| context.child(label);
        let block = open_genesis(context_of("genesis"), PREFIX, config(), genesis, &*rules);
        let block = block.await.map_err(failed("genesis"))?;
        let targets = block.targets().clone();
        let databases = Databases::init(context_of("state"), config(), Some(targets)).await;
        let logs = genesis.organisations.len() as u32;
        let history = History::open(&folder.join("history"), suite, genesis.chain_id(), logs);
        let validators = genesis.validator_set().map_err(failed("genesis"))?;
        let state = rules.genesis_state();
        Ok(Self {
            suite,
            rules,
            strategy,
            databases,
            history: history.map_err(failed("history"))?,
            parent: block.header().clone(),
            proposer: validators.as_slice()[0].key,
            accounts: state.accounts.into_iter().collect(),
            values: state.values.into_iter().collect(),
        })
    }

    pub(super) const fn suite(&self) -> Suite {
        self.suite
    }

    pub(super) fn account(&self, address: &Address) -> Option<&Account> {
        self.accounts.get(address)
    }

    pub(super) fn value(&self, key: &StateKey) -> Option<Vec<u8>> {
        self.values.get(key).cloned()
    }

    /// The block that comes next.
    pub(super) const fn context(&self) -> BlockContext {
        BlockContext {
            suite: self.suite,
            chain_id: self.parent.chain_id,
            height: Height(self.parent.height.0 + 1),
            epoch: Epoch(0),
            time_ms: self.parent.time_ms + 100,
            closes_epoch: false,
        }
    }

    /// Executes a block on its parent and computes the roots.
    pub(super) async fn execute(
        &mut self,
        meter: &mut Meter,
        transactions: Vec<Arc<Transaction>>,
    ) -> Result<Executed, StagesError> {
        let (count, context) = (transactions.len(), self.context());
        let transactions: Arc<[Arc<Transaction>]> = transactions.into();
        let batches = self.databases.new_batches().await;
        let inside = Arc::new(Mutex::new(Cost::default()));
        let (rules, spent) = (self.rules.clone(), inside.clone());
        let run = move |transactions: &[&Transaction], view: &mut View| {
            let (executed, cost) = Cost::of(|| rules.execute(&context, transactions, view));
            *spent.lock().unwrap_or_else(PoisonError::into_inner) = cost;
            executed
        };
        let work = Work {
            application: self.rules.clone(),
            strategy: &self.strategy,
            context,
            transactions: transactions.clone(),
        };
        let start = Cost::so_far();
        let applied =
            apply::<Context, Execution, Execution, InvalidBlock>(work, batches, run, |_, given| {
                given
            })
            .await;
        let total = Cost::so_far().less(start);
        let applied = applied.map_err(failed("state"))?.map_err(failed("execution"))?;
        let execute = *inside.lock().unwrap_or_else(PoisonError::into_inner);
        meter.add("execute", "transaction", count, execute);
        meter.add("read and commit state", "transaction", count, total.less(execute));
        let Applied { result: execution, merkleized, view } = applied;
        let outcomes = meter
            .time("outcome root", count, || outcome_root(self.suite, &transactions, &execution));
        self.remember(&view);
        let raw: Vec<_> = transactions.iter().map(|one| one.bytes.clone()).collect();
        let (accounts, values) = commitments::<Context>(&merkleized);
        let header = Header {
            height: context.height,
            time_ms: context.time_ms,
            view: context.height.0,
            parent_view: self.parent.view,
            proposer: self.proposer,
            parent: self.parent.digest(self.suite),
            body_root: merkle::root(self.suite, raw.iter().map(|bytes| bytes.as_ref())),
            outcome_root: outcomes,
            accounts,
            values,
            epoch_change: None,
            ..self.parent.clone()
        };
        let block = trine_types::Block { header, transactions: raw };
        let block = Block::built(self.suite, block, transactions).map_err(failed("block"))?;
        Ok(Executed { block, merkleized, execution: Arc::new(execution) })
    }

    fn remember(&mut self, view: &View) {
        for (address, account, _) in view.staged_accounts() {
            if let Some(account) = account {
                self.accounts.insert(*address, account.clone());
            }
        }
        for (key, value, _) in view.staged_values() {
            if let Some(value) = value {
                self.values.insert(*key, value.to_vec());
            }
        }
    }

    /// Makes history and state of a block durable.
    pub(super) async fn persist(
        &mut self,
        meter: &mut Meter,
        executed: Executed,
    ) -> Result<(), StagesError> {
        let Executed { block, merkleized, execution } = executed;
        let count = block.inner().transactions.len();
        let start = Cost::so_far();
        let final_block = FinalizedBlock::new(&block, execution).map_err(failed("block"))?;
        self.history.append(Arc::new(final_block)).await.map_err(failed("history"))?;
        meter.add("store history", "transaction", count, Cost::so_far().less(start));
        let start = Cost::so_far();
        self.databases.apply(merkleized).await;
        let barrier = self.databases.finalize().await;
        barrier.durable().await;
        meter.add("store state", "transaction", count, Cost::so_far().less(start));
        self.parent = block.header().clone();
        Ok(())
    }
}
