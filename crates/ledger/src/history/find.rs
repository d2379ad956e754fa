//! Find transactions, transfers and evidence entries, and check each find against what is stored.

use super::{BlockRecord, FinalizedBlock, History, HistoryError, Location, index::Key, run::Order};
use std::collections::BTreeSet;
use trine_types::{
    Address, Amount, AssetId, Decode as _, DecodeError, Digest, Event, Height, LogId, Outcome,
    TransactionId,
    application::LogAppend,
    codec::Decoder,
    limits::{PAGE_LIMIT_MAX, TRANSFER_REFERENCE_BYTES_MAX},
};

/// Finds that are looked at for a key that lies in one place. Others share the key's fingerprint by
/// chance, once in 2^48.
const CANDIDATES_MAX: usize = 16;
/// Module and event of an append to an evidence log.
const EVIDENCE_APPENDED: (u8, u8) = (4, 2);
/// Module and event of a transfer.
const ASSET_TRANSFERRED: (u8, u8) = (5, 3);

/// A transaction in a final block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionPlace {
    /// Transaction.
    pub id: TransactionId,
    /// Block and place in it.
    pub location: Location,
    /// Block time in Unix milliseconds.
    pub time_ms: u64,
    /// Account that sent it.
    pub sender: Address,
    /// What execution said.
    pub outcome: Outcome,
}

/// A transfer that carried a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferPlace {
    /// Transaction that made it.
    pub transaction: TransactionId,
    /// Block and place in it.
    pub location: Location,
    /// Account that sent it.
    pub from: Address,
    /// Recipient.
    pub to: Address,
    /// Asset.
    pub asset: AssetId,
    /// Units.
    pub amount: Amount,
}

/// An entry of an evidence log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryPlace {
    /// Log.
    pub log: LogId,
    /// Index in the log.
    pub index: u64,
    /// Transaction that appended it.
    pub transaction: TransactionId,
    /// Block and place in it.
    pub location: Location,
}

/// What the index needs of a block.
pub(super) struct Indexed<'a> {
    pub(super) height: Height,
    pub(super) transactions: Vec<(&'a TransactionId, &'a Address)>,
    pub(super) outcomes: &'a [Outcome],
    /// Ordered by log and index.
    pub(super) log_appends: Vec<&'a LogAppend>,
}

fn ordered(log_appends: &[LogAppend]) -> Vec<&LogAppend> {
    let mut ordered: Vec<_> = log_appends.iter().collect();
    ordered.sort_by_key(|append| (append.log, append.first_index));
    ordered
}

impl<'a> From<&'a FinalizedBlock> for Indexed<'a> {
    fn from(block: &'a FinalizedBlock) -> Self {
        let transactions = block.transactions.iter().map(|one| (&one.id, &one.body.sender));
        Self {
            height: block.header.height,
            transactions: transactions.collect(),
            outcomes: &block.execution.outcomes,
            log_appends: ordered(&block.execution.log_appends),
        }
    }
}

impl<'a> From<&'a BlockRecord> for Indexed<'a> {
    fn from(record: &'a BlockRecord) -> Self {
        Self {
            height: record.height(),
            transactions: record.head.ids.iter().zip(&record.tail.senders).collect(),
            outcomes: &record.tail.outcomes,
            log_appends: ordered(&record.tail.log_appends),
        }
    }
}

impl Indexed<'_> {
    /// Names every key under which a transaction of the block is to be found.
    pub(super) fn keys(&self, mut add: impl FnMut(Key<'_>, Location)) {
        for (place, (id, sender)) in self.transactions.iter().enumerate() {
            let location = Location { height: self.height, place: place as u32 };
            add(Key::Transaction(id), location);
            let mut accounts = BTreeSet::from([**sender]);
            for event in &self.outcomes[place].events {
                accounts.extend(event.topics.iter().filter_map(address));
                if let Some(append) = Appended::read(event) {
                    self.entries(&append).for_each(|entry| add(Key::Entry(entry), location));
                }
                if let Some(transfer) = Transferred::read(event) {
                    add(Key::Reference(transfer.reference), location);
                }
            }
            accounts.iter().for_each(|account| add(Key::Account(account), location));
        }
    }

    fn entries(&self, appended: &Appended) -> impl Iterator<Item = &Digest> {
        let (log, first) = (appended.log, appended.first_index);
        let end = first.saturating_add(u64::from(appended.count));
        let after =
            self.log_appends.partition_point(|one| (one.log, one.first_index) <= (log, first));
        let holding = self.log_appends[after.saturating_sub(1)..].iter();
        let holding = holding.take_while(move |one| (one.log, one.first_index) < (log, end));
        holding.filter(move |one| one.log == log).flat_map(move |one| {
            let indexed = (one.first_index..).zip(&one.entries);
            indexed.filter(move |(at, _)| (first..end).contains(at)).map(|(_, entry)| entry)
        })
    }
}

fn is_event(event: &Event, (module, number): (u8, u8)) -> bool {
    event.emitter == Event::module_emitter(module) && event.data.first() == Some(&number)
}

/// Reads a topic that holds an address.
fn address(topic: &Digest) -> Option<Address> {
    let address = topic.0.strip_prefix(&[0; 12])?;
    Address::from_bytes(address).ok()
}

/// An event that says that entries were appended.
struct Appended {
    log: LogId,
    first_index: u64,
    count: u16,
}

impl Appended {
    fn read(event: &Event) -> Option<Self> {
        let mut from =
            Decoder::new(event.data.get(1..).filter(|_| is_event(event, EVIDENCE_APPENDED))?);
        let mut read = || {
            Ok::<_, DecodeError>(Self {
                log: LogId::decode(&mut from)?,
                first_index: u64::decode(&mut from)?,
                count: u16::decode(&mut from)?,
            })
        };
        read().ok()
    }
}

/// An event that says that units were transferred, under a reference.
struct Transferred<'a> {
    asset: AssetId,
    amount: Amount,
    reference: &'a [u8],
}

impl<'a> Transferred<'a> {
    fn read(event: &'a Event) -> Option<Self> {
        let mut from =
            Decoder::new(event.data.get(1..).filter(|_| is_event(event, ASSET_TRANSFERRED))?);
        let mut read = || {
            Ok::<_, DecodeError>(Self {
                asset: AssetId::decode(&mut from)?,
                amount: Amount::decode(&mut from)?,
                reference: from.bytes8(TRANSFER_REFERENCE_BYTES_MAX, "transfer reference")?,
            })
        };
        read().ok().filter(|transfer| !transfer.reference.is_empty())
    }
}

impl History {
    fn find(
        &self,
        key: Key<'_>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Location>, HistoryError> {
        self.shared.index.find(key, order, limit)
    }

    /// Finds a transaction by its id; none when no final block holds it.
    ///
    /// # Errors
    /// [`HistoryError::Corrupt`] or [`HistoryError::Io`], as all reads below.
    pub fn transaction(
        &self,
        id: &TransactionId,
    ) -> Result<Option<TransactionPlace>, HistoryError> {
        for location in self.find(Key::Transaction(id), Order::NewestFirst, CANDIDATES_MAX)? {
            let found = self.at(location)?.filter(|found| found.id == *id);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Returns the transaction at a place; none where there is none.
    ///
    /// # Errors
    /// As [`History::transaction`].
    pub fn at(&self, location: Location) -> Result<Option<TransactionPlace>, HistoryError> {
        let Some(record) = self.record(location.height)? else { return Ok(None) };
        let place = location.place as usize;
        let Some(id) = record.head.ids.get(place) else { return Ok(None) };
        Ok(Some(TransactionPlace {
            id: *id,
            location,
            time_ms: record.head.header.time_ms,
            sender: record.tail.senders[place],
            outcome: record.tail.outcomes[place].clone(),
        }))
    }

    /// Finds the last transactions that an account sent or that an event names it in, newest
    /// first: at most `limit`, at most [`PAGE_LIMIT_MAX`].
    ///
    /// # Errors
    /// As [`History::transaction`].
    pub fn recent_transactions(
        &self,
        account: &Address,
        limit: usize,
    ) -> Result<Vec<TransactionPlace>, HistoryError> {
        let limit = limit.min(PAGE_LIMIT_MAX);
        let mut found = Vec::new();
        for location in self.find(Key::Account(account), Order::NewestFirst, limit)? {
            let named = |found: &TransactionPlace| {
                let mut topics = found.outcome.events.iter().flat_map(|event| &event.topics);
                found.sender == *account || topics.any(|topic| address(topic) == Some(*account))
            };
            found.extend(self.at(location)?.filter(named));
        }
        Ok(found)
    }

    /// Finds the transfers that carried a reference, newest first: at most `limit`, at most
    /// [`PAGE_LIMIT_MAX`]. Each sender uses a reference once, but several can use the same.
    ///
    /// # Errors
    /// As [`History::transaction`].
    pub fn transfers_by_reference(
        &self,
        reference: &[u8],
        limit: usize,
    ) -> Result<Vec<TransferPlace>, HistoryError> {
        let limit = limit.min(PAGE_LIMIT_MAX);
        let mut found = Vec::new();
        for location in self.find(Key::Reference(reference), Order::NewestFirst, limit)? {
            let Some(transaction) = self.at(location)? else { continue };
            found.extend(transaction.outcome.events.iter().filter_map(|event| {
                let transfer = Transferred::read(event)?;
                let mut parties = event.topics.iter().filter_map(address);
                (transfer.reference == reference).then_some(TransferPlace {
                    transaction: transaction.id,
                    location,
                    from: parties.next()?,
                    to: parties.next()?,
                    asset: transfer.asset,
                    amount: transfer.amount,
                })
            }));
        }
        Ok(found)
    }

    /// Finds where an evidence entry was appended first; none when no log holds it.
    ///
    /// # Errors
    /// As [`History::transaction`].
    pub fn find_entry(&self, entry: &Digest) -> Result<Option<EntryPlace>, HistoryError> {
        for location in self.find(Key::Entry(entry), Order::OldestFirst, CANDIDATES_MAX)? {
            let Some(transaction) = self.at(location)? else { continue };
            for appended in transaction.outcome.events.iter().filter_map(Appended::read) {
                let Appended { log, first_index, count } = appended;
                let entries = self.evidence().entries(log, first_index, count.into())?;
                if let Some(place) = entries.iter().position(|found| found == entry) {
                    let index = first_index + place as u64;
                    let transaction = transaction.id;
                    return Ok(Some(EntryPlace { log, index, transaction, location }));
                }
            }
        }
        Ok(None)
    }

    /// Finds the transaction that appended the entry at `index` of a log; none when there is none,
    /// or when [`PAGE_LIMIT_MAX`] transactions before it appended an equal entry somewhere.
    ///
    /// # Errors
    /// As [`History::transaction`].
    pub fn entry(&self, log: LogId, index: u64) -> Result<Option<EntryPlace>, HistoryError> {
        let Some(entry) = self.evidence().entry(log, index)? else { return Ok(None) };
        // The same digest can be appended many times; most often it is the first find.
        let found = self.find(Key::Entry(&entry), Order::OldestFirst, PAGE_LIMIT_MAX)?;
        for location in found {
            let Some(transaction) = self.at(location)? else { continue };
            let mut appends = transaction.outcome.events.iter().filter_map(Appended::read);
            let holds = |append: &Appended| {
                let end = append.first_index.saturating_add(append.count.into());
                append.log == log && (append.first_index..end).contains(&index)
            };
            if appends.any(|append| holds(&append)) {
                let transaction = transaction.id;
                return Ok(Some(EntryPlace { log, index, transaction, location }));
            }
        }
        Ok(None)
    }
}
