//! Hold the part of the state that a block reads and writes.

use crate::account::Account;
use crate::identifiers::Address;
use crate::state_key::StateKey;
use foldhash::fast::RandomState;
use indexmap::IndexMap;
use std::hash::Hash;

/// Entries of one database: those staged from the parent state first, in staging order, then
/// those written without a read.
#[derive(Clone, Debug)]
struct Table<K, V> {
    slots: IndexMap<K, Slot<V>, RandomState>,
    staged: usize,
}

#[derive(Clone, Debug)]
struct Slot<V> {
    value: Option<V>,
    dirty: bool,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { slots: IndexMap::default(), staged: 0 }
    }
}

impl<K: Copy + Eq + Hash, V> Table<K, V> {
    fn stage(&mut self, key: K, value: Option<V>) {
        assert_eq!(self.staged, self.slots.len(), "entries are staged before any is written");
        let fresh = self.slots.insert(key, Slot { value, dirty: false }).is_none();
        assert!(fresh, "each entry is staged once");
        self.staged += 1;
    }

    fn get(&self, key: &K) -> Option<&V> {
        self.slots.get(key).and_then(|slot| slot.value.as_ref())
    }

    /// Writes a value and returns the one before.
    fn put(&mut self, key: K, value: Option<V>) -> Option<V> {
        let slot = self.slots.entry(key).or_insert(Slot { value: None, dirty: true });
        slot.dirty = true;
        std::mem::replace(&mut slot.value, value)
    }

    fn staged(&self) -> impl Iterator<Item = (&K, Option<&V>, bool)> {
        let staged = self.slots.iter().take(self.staged);
        staged.map(|(key, slot)| (key, slot.value.as_ref(), slot.dirty))
    }

    fn unstaged(&self) -> impl Iterator<Item = (&K, Option<&V>)> {
        self.slots.iter().skip(self.staged).map(|(key, slot)| (key, slot.value.as_ref()))
    }
}

/// The accounts and values that a block may read, with its writes on top.
///
/// The ledger stages what [`Application`](crate::application::Application) declares; the rules
/// then read and write here only. An entry that was neither staged nor written reads as absent:
/// the rules declare everything they read.
#[derive(Clone, Debug, Default)]
pub struct View {
    accounts: Table<Address, Account>,
    values: Table<StateKey, Vec<u8>>,
    undo: Undo,
}

/// Values before the writes since [`View::begin`]; kept between transactions for its memory.
#[derive(Clone, Debug, Default)]
struct Undo {
    active: bool,
    accounts: Vec<(Address, Option<Account>)>,
    values: Vec<(StateKey, Option<Vec<u8>>)>,
}

impl View {
    /// Makes room for entries that will be staged.
    pub fn reserve(&mut self, accounts: usize, values: usize) {
        self.accounts.slots.reserve(accounts);
        self.values.slots.reserve(values);
    }

    /// Adds an account as read from the parent state. Before any write.
    pub fn stage_account(&mut self, address: Address, account: Option<Account>) {
        self.accounts.stage(address, account);
    }

    /// Adds a value as read from the parent state. Before any write.
    pub fn stage_value(&mut self, key: StateKey, value: Option<Vec<u8>>) {
        self.values.stage(key, value);
    }

    /// Current account.
    pub fn account(&self, address: &Address) -> Option<&Account> {
        self.accounts.get(address)
    }

    /// Current value.
    pub fn value(&self, key: &StateKey) -> Option<&[u8]> {
        self.values.get(key).map(Vec::as_slice)
    }

    /// Writes an account.
    pub fn put_account(&mut self, address: Address, account: Account) {
        let before = self.accounts.put(address, Some(account));
        if self.undo.active {
            self.undo.accounts.push((address, before));
        }
    }

    /// Writes or, with `None`, deletes a value.
    pub fn put_value(&mut self, key: StateKey, value: Option<Vec<u8>>) {
        let before = self.values.put(key, value);
        if self.undo.active {
            self.undo.values.push((key, before));
        }
    }

    /// Starts to remember writes, so that [`View::roll_back`] can take them back.
    pub fn begin(&mut self) {
        self.commit();
        self.undo.active = true;
    }

    /// Keeps the writes since [`View::begin`].
    pub fn commit(&mut self) {
        self.undo.active = false;
        self.undo.accounts.clear();
        self.undo.values.clear();
    }

    /// Takes back the writes since [`View::begin`]. An entry stays marked as written, with the
    /// value it had: committing the same value again changes no key-value pair.
    pub fn roll_back(&mut self) {
        while let Some((address, account)) = self.undo.accounts.pop() {
            self.accounts.put(address, account);
        }
        while let Some((key, value)) = self.undo.values.pop() {
            self.values.put(key, value);
        }
        self.commit();
    }

    /// Staged accounts in staging order: address, current value, whether written.
    pub fn staged_accounts(&self) -> impl Iterator<Item = (&Address, Option<&Account>, bool)> {
        self.accounts.staged()
    }

    /// Accounts written without being staged, in the order of their first write.
    pub fn unstaged_accounts(&self) -> impl Iterator<Item = (&Address, Option<&Account>)> {
        self.accounts.unstaged()
    }

    /// Staged values in staging order: key, current value, whether written.
    pub fn staged_values(&self) -> impl Iterator<Item = (&StateKey, Option<&[u8]>, bool)> {
        self.values.staged().map(|(key, value, dirty)| (key, value.map(Vec::as_slice), dirty))
    }

    /// Values written without being staged, in the order of their first write.
    pub fn unstaged_values(&self) -> impl Iterator<Item = (&StateKey, Option<&[u8]>)> {
        self.values.unstaged().map(|(key, value)| (key, value.map(Vec::as_slice)))
    }
}
