//! Hold what a proof says about a block, and check it against the block's header.

use crate::{
    cbor::{Item, Writer},
    error::VerifyError,
    path::{SidedPath, read_digests, write_digests},
    state::{StateProof, account_operation, value_operation},
    votes::ConflictingVotes,
};
use bytes::Bytes;
use trine_types::{
    Account, Address, Decode as _, Digest, Encode as _, Header, LogId, Outcome, StateKey, Suite,
    Transaction, Validator,
    account::ACCOUNT_BYTES,
    limits::{STATE_VALUE_BYTES_MAX, TRANSFER_REFERENCE_BYTES_MAX, TRANSFER_REFERENCE_BYTES_MIN},
    merkle::{PATH_LENGTH_MAX, leaf_hash, root_of_path},
    record::Transfer,
};

/// A statement about a block with what shows it; see `docs/reference/proofs.md`, section 6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// A transaction is in the block, and this is its outcome.
    Transaction {
        /// Encoded transaction.
        transaction: Bytes,
        /// Path to the body root.
        body_path: SidedPath,
        /// Encoded outcome.
        outcome: Vec<u8>,
        /// Path to the outcome root.
        outcome_path: SidedPath,
    },
    /// The block is final.
    Block,
    /// An account after the block.
    Account {
        /// Address.
        address: Address,
        /// Encoded account.
        account: [u8; ACCOUNT_BYTES],
        /// Against the accounts' commitment.
        proof: StateProof,
    },
    /// A value of the state after the block.
    Value(Entry),
    /// A state key without a value after the block.
    Absence {
        /// The key.
        key: StateKey,
        /// The entry before it in the ring of keys.
        neighbour: Entry,
    },
    /// An evidence entry, recorded in the block or before.
    Evidence(Evidence),
    /// A transfer that carried a reference, made in the block or before.
    Transfer {
        /// Sender.
        sender: Address,
        /// Reference.
        reference: Vec<u8>,
        /// Encoded record.
        record: Vec<u8>,
        /// Next key in the ring.
        next_key: StateKey,
        /// Against the values' commitment.
        proof: StateProof,
    },
    /// Two votes that exclude each other, of a validator whom the block names for their epoch.
    ConflictingVotes(Box<ConflictingVotes>),
}

/// A key-value pair of the cold state with its proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Key.
    pub key: StateKey,
    /// Value.
    pub value: Vec<u8>,
    /// Next key in the ring of keys.
    pub next_key: StateKey,
    /// Against the values' commitment.
    pub proof: StateProof,
}

/// An entry of an evidence log with its paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The entry.
    pub entry: Digest,
    /// Log.
    pub log: LogId,
    /// Index in the log, from 0.
    pub index: u64,
    /// Size of the log after the block.
    pub size: u64,
    /// Inclusion path in the log.
    pub path: Vec<Digest>,
    /// Path of the log's size and head to the evidence root.
    pub root_path: SidedPath,
}

/// What a verified proof shows about its block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// This transaction is in the block and had this outcome.
    Transaction {
        /// Transaction.
        transaction: Box<Transaction>,
        /// Outcome.
        outcome: Outcome,
    },
    /// The block is final.
    Block,
    /// The account after the block.
    Account {
        /// Address.
        address: Address,
        /// Account.
        account: Account,
    },
    /// The key has this value after the block.
    Value {
        /// Key.
        key: StateKey,
        /// Value.
        value: Vec<u8>,
    },
    /// The key has no value after the block.
    Absence {
        /// Key.
        key: StateKey,
    },
    /// The entry was recorded in the block or before.
    Evidence {
        /// Entry.
        entry: Digest,
        /// Log.
        log: LogId,
        /// Index in the log.
        index: u64,
        /// Size of the log after the block.
        size: u64,
    },
    /// The transfer was made in the block or before.
    Transfer {
        /// Sender.
        sender: Address,
        /// Reference.
        reference: Vec<u8>,
        /// Record.
        record: Transfer,
    },
    /// The validator signed both votes.
    ConflictingVotes {
        /// The votes.
        votes: Box<ConflictingVotes>,
        /// The validator, as the block before their epoch names it.
        validator: Validator,
        /// Name of the votes.
        id: Digest,
    },
}

fn not_included(what: &'static str, root: &'static str) -> VerifyError {
    VerifyError::NotIncluded { what, root }
}

impl Statement {
    /// Checks the statement against a header that the caller knows to be final.
    ///
    /// # Errors
    /// [`VerifyError`] for the first thing that does not match.
    pub fn verify(&self, suite: Suite, header: &Header) -> Result<Fact, VerifyError> {
        match self {
            Self::Transaction { transaction, body_path, outcome, outcome_path } => {
                if body_path.root(suite, transaction) != header.body_root {
                    return Err(not_included("transaction", "body root"));
                }
                let transaction = Transaction::from_bytes(suite, transaction.clone())
                    .map_err(VerifyError::decode("transaction"))?;
                let leaf = [&transaction.id.0, outcome.as_slice()].concat();
                if outcome_path.root(suite, &leaf) != header.outcome_root {
                    return Err(not_included("outcome", "outcome root"));
                }
                let outcome =
                    Outcome::from_bytes(outcome).map_err(VerifyError::decode("outcome"))?;
                Ok(Fact::Transaction { transaction: Box::new(transaction), outcome })
            }
            Self::Block => Ok(Fact::Block),
            Self::Account { address, account, proof } => {
                let operation = account_operation(&address.0, account);
                proof.verify(suite, &operation, &header.accounts, "account")?;
                let account =
                    Account::from_bytes(account).map_err(VerifyError::decode("account"))?;
                Ok(Fact::Account { address: *address, account })
            }
            Self::Value(entry) => {
                entry.verify(suite, header, "value")?;
                Ok(Fact::Value { key: entry.key, value: entry.value.clone() })
            }
            Self::Absence { key, neighbour } => {
                neighbour.verify(suite, header, "neighbour")?;
                match neighbour.spans(key) {
                    true => Ok(Fact::Absence { key: *key }),
                    false => Err(VerifyError::NotAbsent),
                }
            }
            Self::Evidence(evidence) => evidence.verify(suite, header),
            Self::Transfer { sender, reference, record, next_key, proof } => {
                let key = StateKey::transfer(suite, *sender, reference);
                let operation = value_operation(&key.0, record, &next_key.0);
                proof.verify(suite, &operation, &header.values, "transfer")?;
                let record =
                    Transfer::from_bytes(record).map_err(VerifyError::decode("transfer record"))?;
                if record.reference.0 != *reference {
                    return Err(VerifyError::OtherReference);
                }
                Ok(Fact::Transfer { sender: *sender, reference: reference.clone(), record })
            }
            Self::ConflictingVotes(votes) => {
                let (height, epoch) = (header.height, votes.epoch);
                let change = header.epoch_change.as_ref().filter(|change| change.epoch == epoch);
                let change = change.ok_or(VerifyError::NotNamed { height, epoch })?;
                let validator = votes.verify(suite, &header.chain_id, change)?.clone();
                Ok(Fact::ConflictingVotes { votes: votes.clone(), validator, id: votes.id(suite) })
            }
        }
    }

    /// Number of the kind and the statement as a map.
    pub(crate) fn write(&self, to: &mut Writer) {
        match self {
            Self::Transaction { transaction, body_path, outcome, outcome_path } => {
                to.unsigned(1).unsigned(1).map(4);
                to.unsigned(0).bytes(transaction);
                body_path.write(to.unsigned(1));
                to.unsigned(2).bytes(outcome);
                outcome_path.write(to.unsigned(3));
            }
            Self::Block => {
                to.unsigned(2).unsigned(1).map(0);
            }
            Self::Account { address, account, proof } => {
                to.unsigned(3).unsigned(1).map(3);
                to.unsigned(0).bytes(&address.0);
                to.unsigned(1).bytes(account);
                proof.write(to.unsigned(2));
            }
            Self::Value(entry) => {
                to.unsigned(4).unsigned(1).map(4);
                entry.write(0, to);
            }
            Self::Absence { key, neighbour } => {
                to.unsigned(5).unsigned(1).map(5);
                to.unsigned(0).bytes(&key.0);
                neighbour.write(1, to);
            }
            Self::Evidence(evidence) => {
                to.unsigned(6).unsigned(1);
                evidence.write(to);
            }
            Self::Transfer { sender, reference, record, next_key, proof } => {
                to.unsigned(7).unsigned(1).map(5);
                to.unsigned(0).bytes(&sender.0);
                to.unsigned(1).bytes(reference);
                to.unsigned(2).bytes(record);
                to.unsigned(3).bytes(&next_key.0);
                proof.write(to.unsigned(4));
            }
            Self::ConflictingVotes(votes) => votes.write(to.unsigned(8).unsigned(1)),
        }
    }

    pub(crate) fn read(kind: u64, item: Item<'_>) -> Result<Self, VerifyError> {
        let item = item.named("statement");
        match kind {
            1 => {
                let [transaction, body_path, outcome, outcome_path] = item.fields()?;
                Ok(Self::Transaction {
                    transaction: Bytes::copy_from_slice(transaction.bytes()?),
                    body_path: SidedPath::read(body_path)?,
                    outcome: outcome.bytes()?.to_vec(),
                    outcome_path: SidedPath::read(outcome_path)?,
                })
            }
            2 => item.fields::<0>().map(|_| Self::Block),
            3 => {
                let [address, account, proof] = item.fields()?;
                Ok(Self::Account {
                    address: Address(address.array()?),
                    account: account.array()?,
                    proof: StateProof::read(proof)?,
                })
            }
            4 => Entry::read(item.fields()?).map(Self::Value),
            5 => {
                let [key, neighbour, value, next_key, proof] = item.fields()?;
                let neighbour = Entry::read([neighbour, value, next_key, proof])?;
                Ok(Self::Absence { key: StateKey(key.array()?), neighbour })
            }
            6 => Evidence::read(item.fields()?).map(Self::Evidence),
            7 => {
                let [sender, reference, record, next_key, proof] = item.fields()?;
                let limits = TRANSFER_REFERENCE_BYTES_MIN..=TRANSFER_REFERENCE_BYTES_MAX;
                let reference = reference.bytes()?.to_vec();
                if !limits.contains(&reference.len()) {
                    return Err(VerifyError::malformed("reference", "of impossible length"));
                }
                Ok(Self::Transfer {
                    sender: Address(sender.array()?),
                    reference,
                    record: value_of(record)?,
                    next_key: StateKey(next_key.array()?),
                    proof: StateProof::read(proof)?,
                })
            }
            8 => ConflictingVotes::read(item).map(Box::new).map(Self::ConflictingVotes),
            other => {
                let problem = format!("kind {other}, expected 1 to 8");
                Err(VerifyError::malformed("statement", problem))
            }
        }
    }
}

fn value_of(item: Item<'_>) -> Result<Vec<u8>, VerifyError> {
    let value = item.bytes()?;
    match value.len() <= STATE_VALUE_BYTES_MAX {
        true => Ok(value.to_vec()),
        false => Err(VerifyError::malformed("value", "too long")),
    }
}

impl Entry {
    fn verify(&self, suite: Suite, header: &Header, what: &'static str) -> Result<(), VerifyError> {
        let operation = value_operation(&self.key.0, &self.value, &self.next_key.0);
        self.proof.verify(suite, &operation, &header.values, what)
    }

    /// Whether `key` lies between this entry and the next in the ring of keys.
    fn spans(&self, key: &StateKey) -> bool {
        match self.key < self.next_key {
            true => self.key < *key && *key < self.next_key,
            false => self.key < *key || *key < self.next_key,
        }
    }

    fn write(&self, first: u64, to: &mut Writer) {
        to.unsigned(first).bytes(&self.key.0);
        to.unsigned(first + 1).bytes(&self.value);
        to.unsigned(first + 2).bytes(&self.next_key.0);
        self.proof.write(to.unsigned(first + 3));
    }

    fn read([key, value, next_key, proof]: [Item<'_>; 4]) -> Result<Self, VerifyError> {
        Ok(Self {
            key: StateKey(key.array()?),
            value: value_of(value)?,
            next_key: StateKey(next_key.array()?),
            proof: StateProof::read(proof)?,
        })
    }
}

impl Evidence {
    fn verify(&self, suite: Suite, header: &Header) -> Result<Fact, VerifyError> {
        let leaf = leaf_hash(suite, &self.entry.0);
        let head = root_of_path(suite, leaf, self.index, self.size, &self.path)
            .ok_or(not_included("evidence entry", "head of the log"))?;
        let mut leaf = self.log.to_bytes();
        leaf.extend_from_slice(&self.size.to_be_bytes());
        leaf.extend_from_slice(&head.0);
        if self.root_path.root(suite, &leaf) != header.evidence_root {
            return Err(not_included("evidence entry", "evidence root"));
        }
        let Self { entry, log, index, size, .. } = *self;
        Ok(Fact::Evidence { entry, log, index, size })
    }

    fn write(&self, to: &mut Writer) {
        to.map(6);
        to.unsigned(0).bytes(&self.entry.0);
        to.unsigned(1).unsigned(self.log.0.into());
        to.unsigned(2).unsigned(self.index);
        to.unsigned(3).unsigned(self.size);
        write_digests(&self.path, to.unsigned(4));
        self.root_path.write(to.unsigned(5));
    }

    fn read(fields: [Item<'_>; 6]) -> Result<Self, VerifyError> {
        let [entry, log, index, size, path, root_path] = fields;
        let log = u32::try_from(log.unsigned()?)
            .map_err(|_| VerifyError::malformed("log number", "too large"))?;
        Ok(Self {
            entry: Digest(entry.array()?),
            log: LogId(log),
            index: index.unsigned()?,
            size: size.unsigned()?,
            path: read_digests(path, PATH_LENGTH_MAX)?,
            root_path: SidedPath::read(root_path)?,
        })
    }
}
