//! Hold the state of the block in execution: accounts and values in the view, records decoded once.
//!
//! Records of the tables below are read through [`State::get`] and written through [`State::put`]
//! only; [`State::finish`] encodes those that changed back into the view. Everything that a call
//! writes is taken back by [`State::roll_back`].

use std::collections::BTreeMap;
use trine_types::application::{BlockContext, LogAppend};
use trine_types::codec::Encoder;
use trine_types::record::{
    Asset, Counters, Log, Organisation, Parameters, Proposal, RemovedOrganisations,
};
use trine_types::{
    Account, Address, AssetId, Code, Decode, Digest, Encode, Event, LogId, OrganisationId,
    ProposalId, StateKey, Suite, TransactionId, View,
};

/// Who calls, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    /// Account that acts.
    pub sender: Address,
    /// Transaction that holds the call.
    pub transaction: TransactionId,
    /// Place of the call in the transaction.
    pub call: u8,
}

/// A kind of record that is decoded once a block.
pub(crate) trait Record: Encode + Decode + Clone {
    /// What names one of them.
    type Id: Copy + Ord;

    /// Key of the record.
    fn key(suite: Suite, id: Self::Id) -> StateKey;

    /// Table that holds those of this kind.
    fn table(tables: &mut Tables) -> &mut Table<Self>;
}

#[derive(Debug)]
struct Entry<R> {
    key: StateKey,
    record: Option<R>,
    dirty: bool,
}

/// Records of one kind that the block has read or written.
#[derive(Debug)]
pub(crate) struct Table<R: Record> {
    entries: BTreeMap<R::Id, Entry<R>>,
    undo: Vec<(R::Id, Option<R>)>,
}

impl<R: Record> Default for Table<R> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), undo: Vec::new() }
    }
}

impl<R: Record> Table<R> {
    fn entry(&mut self, view: &View, suite: Suite, id: R::Id) -> &mut Entry<R> {
        self.entries.entry(id).or_insert_with(|| {
            let key = R::key(suite, id);
            let record = view.value(&key).map(|bytes| {
                R::from_bytes(bytes).expect("the state holds only records that the rules wrote")
            });
            Entry { key, record, dirty: false }
        })
    }

    fn roll_back(&mut self) {
        while let Some((id, record)) = self.undo.pop() {
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.record = record;
            }
        }
    }

    fn finish(self, view: &mut View) {
        for entry in self.entries.into_values().filter(|entry| entry.dirty) {
            view.put_value(entry.key, entry.record.map(|record| record.to_bytes()));
        }
    }
}

macro_rules! tables {
    ($($table:ident: $record:ty, $id:ty, $key:expr;)*) => {
        /// Every table of decoded records.
        #[derive(Debug, Default)]
        pub(crate) struct Tables {
            $($table: Table<$record>,)*
        }

        impl Tables {
            fn commit(&mut self) {
                $(self.$table.undo.clear();)*
            }

            fn roll_back(&mut self) {
                $(self.$table.roll_back();)*
            }

            fn finish(self, view: &mut View) {
                $(self.$table.finish(view);)*
            }
        }

        $(impl Record for $record {
            type Id = $id;

            fn key(suite: Suite, id: $id) -> StateKey {
                let key: fn(Suite, $id) -> StateKey = $key;
                key(suite, id)
            }

            fn table(tables: &mut Tables) -> &mut Table<Self> {
                &mut tables.$table
            }
        })*
    };
}

tables! {
    counters: Counters, (), |suite, ()| StateKey::counters(suite);
    parameters: Parameters, (), |suite, ()| StateKey::parameters(suite);
    organisations: Organisation, OrganisationId, StateKey::organisation;
    logs: Log, LogId, StateKey::log;
    assets: Asset, AssetId, StateKey::asset;
    proposals: Proposal, ProposalId, StateKey::proposal;
    removed: RemovedOrganisations, (), |suite, ()| StateKey::removed_organisations(suite);
}

/// The state of the block in execution.
pub(crate) struct State<'a> {
    /// The block.
    pub context: &'a BlockContext,
    view: &'a mut View,
    tables: Tables,
    events: Vec<Event>,
    log_appends: Vec<LogAppend>,
    /// Length of `log_appends` when the transaction in execution began.
    log_appends_kept: usize,
}

impl<'a> State<'a> {
    /// Starts a block on the parent state.
    pub fn new(context: &'a BlockContext, view: &'a mut View) -> Self {
        let (tables, events, log_appends) = Default::default();
        Self { context, view, tables, events, log_appends, log_appends_kept: 0 }
    }

    /// Suite of the chain.
    pub const fn suite(&self) -> Suite {
        self.context.suite
    }

    /// Current account.
    pub fn account(&self, address: &Address) -> Option<&Account> {
        self.view.account(address)
    }

    /// Current account of the sender.
    pub fn sender(&self, caller: &Caller) -> &Account {
        self.account(&caller.sender).expect("a transaction without sender enters no block")
    }

    /// Writes an account.
    pub fn put_account(&mut self, address: Address, account: Account) {
        self.view.put_account(address, account);
    }

    /// Current value of an entry that is no record of [`Tables`].
    pub fn value<T: Decode>(&self, key: &StateKey) -> Option<T> {
        self.view.value(key).map(|bytes| {
            T::from_bytes(bytes).expect("the state holds only values that the rules wrote")
        })
    }

    /// Whether the entry exists.
    pub fn has_value(&self, key: &StateKey) -> bool {
        self.view.value(key).is_some()
    }

    /// Writes or, with `None`, deletes an entry that is no record of [`Tables`].
    pub fn put_value(&mut self, key: StateKey, value: Option<&impl Encode>) {
        self.view.put_value(key, value.map(Encode::to_bytes));
    }

    /// Current record.
    pub fn get<R: Record>(&mut self, id: R::Id) -> Option<&R> {
        R::table(&mut self.tables).entry(self.view, self.context.suite, id).record.as_ref()
    }

    /// Current record, to change outside of calls: the change is never taken back.
    pub fn get_kept<R: Record>(&mut self, id: R::Id) -> Option<&mut R> {
        let entry = R::table(&mut self.tables).entry(self.view, self.context.suite, id);
        entry.dirty = true;
        entry.record.as_mut()
    }

    /// Writes a record.
    pub fn put<R: Record>(&mut self, id: R::Id, record: R) {
        let table = R::table(&mut self.tables);
        let entry = table.entry(self.view, self.context.suite, id);
        entry.dirty = true;
        let before = entry.record.replace(record);
        table.undo.push((id, before));
    }

    /// Current counters.
    pub fn counters(&mut self) -> Counters {
        self.get::<Counters>(()).expect("genesis writes the counters").clone()
    }

    /// Current parameters.
    pub fn parameters(&mut self) -> &Parameters {
        self.get::<Parameters>(()).expect("genesis writes the parameters")
    }

    /// Current organisation.
    pub fn organisation(&mut self, id: OrganisationId) -> &Organisation {
        self.get(id).expect("an account belongs to an organisation that exists")
    }

    /// Whether an organisation was removed.
    pub fn is_removed(&mut self, id: OrganisationId) -> bool {
        self.get::<RemovedOrganisations>(()).is_some_and(|removed| removed.contains(id))
    }

    /// Number of the organisations that are not removed.
    pub fn organisations(&mut self) -> u64 {
        let removed = self.get::<RemovedOrganisations>(()).map_or(0, RemovedOrganisations::count);
        u64::from(self.counters().organisations.saturating_sub(removed))
    }

    /// Emits an event of a module.
    pub fn emit(
        &mut self,
        module: u8,
        number: u8,
        topics: Vec<Digest>,
        fields: impl FnOnce(&mut Encoder),
    ) {
        let mut data = Encoder(Vec::with_capacity(32));
        number.encode(&mut data);
        fields(&mut data);
        self.events.push(Event { emitter: Event::module_emitter(module), topics, data: data.0 });
    }

    /// Notes what a log got.
    pub fn append(&mut self, change: LogAppend) {
        self.log_appends.push(change);
    }

    /// Starts a transaction's calls.
    pub fn begin(&mut self) {
        self.tables.commit();
        self.view.begin();
        self.log_appends_kept = self.log_appends.len();
    }

    /// Keeps what the calls wrote and returns their events.
    pub fn commit(&mut self) -> Vec<Event> {
        self.tables.commit();
        self.view.commit();
        std::mem::take(&mut self.events)
    }

    /// Takes back what the calls wrote, and their events.
    pub fn roll_back(&mut self) {
        self.tables.roll_back();
        self.view.roll_back();
        self.log_appends.truncate(self.log_appends_kept);
        self.events.clear();
    }

    /// Ends the block: writes the changed records into the view.
    pub fn finish(self) -> Vec<LogAppend> {
        self.tables.finish(self.view);
        self.log_appends
    }
}

/// Refuses with `code` unless `condition`.
pub(crate) const fn require(condition: bool, code: Code) -> Result<(), Code> {
    if condition { Ok(()) } else { Err(code) }
}
