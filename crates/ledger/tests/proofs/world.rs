//! Fill real state databases with known random contents.

use commonware_cryptography::Sha256;
use commonware_parallel::Rayon;
use commonware_runtime::{Supervisor as _, buffer::paged::CacheRef, deterministic::Context};
use commonware_storage::qmdb::floor::Proportional;
use commonware_utils::{NZU16, NZUsize};
use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};
use std::collections::BTreeMap;
use trine_crypto::Sm3;
use trine_ledger::databases::{self, ColdDb, ColdKey, Hash, HotDb, HotKey, HotValue};
use trine_types::{
    Account, Address, Algorithm, Amount, Digest, OrganisationId, Roles, StateCommitment, StateKey,
    Suite,
};

/// The hash of one suite.
pub trait SuiteHash: Hash {
    const SUITE: Suite;
}

impl SuiteHash for Sha256 {
    const SUITE: Suite = Suite::Intl;
}

impl SuiteHash for Sm3 {
    const SUITE: Suite = Suite::Gm;
}

/// Both databases and what they should hold.
pub struct World<H: SuiteHash> {
    pub rng: StdRng,
    pub hot: HotDb<Context, H>,
    pub cold: ColdDb<Context, H>,
    pub accounts: BTreeMap<Address, Account>,
    pub values: BTreeMap<StateKey, Vec<u8>>,
    pub deleted: Vec<StateKey>,
}

macro_rules! commitment {
    ($batch:expr) => {
        StateCommitment {
            root: Digest($batch.root().0),
            operations_root: Digest($batch.ops_root().0),
            floor: *$batch.sync_boundary(),
            size: *$batch.bounds().tip.size,
        }
    };
}

impl<H: SuiteHash> World<H> {
    pub async fn open(context: &Context, seed: u64) -> Self {
        let strategy = Rayon::new(NZUsize!(1)).unwrap();
        let cache = CacheRef::new(NZU16!(4_096), NZUsize!(64));
        let (_, (hot, cold)) = databases::config(H::SUITE, "test", &cache, &strategy);
        Self {
            rng: StdRng::seed_from_u64(seed),
            hot: HotDb::init(context.child("hot"), hot, None).await.unwrap(),
            cold: ColdDb::init(context.child("cold"), cold, None).await.unwrap(),
            accounts: BTreeMap::new(),
            values: BTreeMap::new(),
            deleted: Vec::new(),
        }
    }

    fn account(&mut self) -> Account {
        let key: [u8; 32] = self.rng.random();
        let mut account = Account::new(
            H::SUITE,
            OrganisationId(self.rng.random()),
            Roles(3),
            Algorithm::Ed25519,
            &key,
        );
        account.balance = Amount(self.rng.random());
        account
    }

    /// Writes accounts; about half of them exist already.
    pub async fn write_accounts(mut self, count: usize) -> (Self, StateCommitment) {
        let mut writes = BTreeMap::new();
        for _ in 0..count {
            let place = self.rng.random_range(0..=self.accounts.len());
            let old = self.accounts.keys().nth(place).copied();
            let address = match old.filter(|_| self.rng.random()) {
                Some(address) => address,
                None => Address(self.rng.random()),
            };
            writes.insert(address, self.account());
        }
        let mut batch = self.hot.new_batch();
        for (address, account) in &writes {
            let value = HotValue::new(account.to_array());
            batch = batch.write(HotKey::new(address.0), Some(value));
        }
        let batch = batch.merkleize(&self.hot, None, &mut Proportional).await.unwrap();
        let commitment = commitment!(batch);
        self.hot = self.hot.apply_batch(batch).await.unwrap();
        self.accounts.extend(writes);
        (self, commitment)
    }

    /// Writes values and deletes a fifth as many; `extra` is written too.
    pub async fn write_values(
        mut self,
        count: usize,
        extra: &[(StateKey, Vec<u8>)],
    ) -> (Self, StateCommitment) {
        let mut writes: BTreeMap<StateKey, Option<Vec<u8>>> = BTreeMap::new();
        for place in 0..count {
            let old = self.rng.random_range(0..=self.values.len());
            let old = self.values.keys().nth(old).copied();
            match old {
                Some(key) if place % 5 == 0 => {
                    writes.insert(key, None);
                }
                old => {
                    let fresh = StateKey(self.rng.random());
                    let key = old.filter(|_| self.rng.random()).unwrap_or(fresh);
                    let mut value = vec![0; self.rng.random_range(0..300)];
                    self.rng.fill_bytes(&mut value);
                    writes.insert(key, Some(value));
                }
            }
        }
        writes.extend(extra.iter().map(|(key, value)| (*key, Some(value.clone()))));
        let mut batch = self.cold.new_batch();
        for (key, value) in &writes {
            batch = batch.write(ColdKey::new(key.0), value.clone());
        }
        let batch = batch.merkleize(&self.cold, None, &mut Proportional).await.unwrap();
        let commitment = commitment!(batch);
        self.cold = self.cold.apply_batch(batch).await.unwrap();
        for (key, value) in writes {
            match value {
                Some(value) => {
                    self.values.insert(key, value);
                }
                None => {
                    self.values.remove(&key);
                    self.deleted.push(key);
                }
            }
        }
        (self, commitment)
    }

    /// An address that has an account.
    pub fn some_account(&mut self) -> Address {
        let place = self.rng.random_range(0..self.accounts.len());
        *self.accounts.keys().nth(place).unwrap()
    }

    /// A key that has a value.
    pub fn some_value(&mut self) -> StateKey {
        let place = self.rng.random_range(0..self.values.len());
        *self.values.keys().nth(place).unwrap()
    }
}
