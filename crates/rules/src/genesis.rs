//! Make the state at height 0 from the genesis document.

use crate::accounts::first_record;
use crate::organisations::FIRST_LOG;
use std::thread;
use trine_crypto::SecretKey;
use trine_types::account::is_recorded;
use trine_types::application::GenesisState;
use trine_types::call::PublicKey;
use trine_types::genesis::{GeneratedAccounts, GenesisError};
use trine_types::merkle::Frontier;
use trine_types::record::{Asset, Counters, Log, Organisation};
use trine_types::{
    Account, Address, Amount, AssetId, Encode, Genesis, LogId, OrganisationId, Roles, StateKey,
    Suite,
};

/// The state at height 0: accounts and values in the order of their keys.
///
/// # Errors
/// [`GenesisError`] for a document that is not consistent.
pub(crate) fn state(genesis: &Genesis, suite: Suite) -> Result<GenesisState, GenesisError> {
    let accounts = accounts(genesis, suite)?;
    let supply = accounts.iter().map(|(_, account)| account.balance.0).sum();
    let mut values = vec![
        (StateKey::parameters(suite), genesis.parameters()?.to_bytes()),
        (StateKey::validators(suite), genesis.validator_set()?.to_bytes()),
        (StateKey::counters(suite), counters(genesis).to_bytes()),
    ];
    for (number, name) in (0..).zip(&genesis.organisations) {
        values.extend(organisation(genesis, suite, OrganisationId(number), name)?);
    }
    for (number, asset) in (1..).zip(&genesis.assets) {
        let id = AssetId(number);
        let record = Asset {
            organisation: asset.organisation,
            symbol: asset.symbol.clone(),
            name: asset.name.clone(),
            decimals: asset.decimals,
            supply: Amount(if id == AssetId::PRIMARY { supply } else { 0 }),
        };
        let index = StateKey::asset_symbol(suite, asset.organisation, &asset.symbol);
        values.push((StateKey::asset(suite, id), record.to_bytes()));
        values.push((index, id.to_bytes()));
    }
    values.extend(recorded_keys(genesis, suite)?);
    values.sort();
    values.dedup();
    Ok(GenesisState { accounts, values })
}

fn counters(genesis: &Genesis) -> Counters {
    let organisations = genesis.organisations.len() as u32;
    Counters {
        organisations,
        assets: genesis.assets.len() as u32,
        logs: organisations,
        proposals: 0,
        parameters_version: 0,
    }
}

fn organisation(
    genesis: &Genesis,
    suite: Suite,
    id: OrganisationId,
    name: &str,
) -> Result<[(StateKey, Vec<u8>); 4], GenesisError> {
    let mut administrators = 0;
    for account in genesis.accounts.iter().filter(|account| account.organisation == id) {
        administrators += u32::from(account.roles()?.has(Roles::ADMINISTRATOR));
    }
    let name = name.to_owned();
    let index = StateKey::organisation_name(suite, &name);
    let record = Organisation { name, administrators, quota_window: 0, quota_used: 0 };
    let log_id = LogId(id.0);
    let log = Log { organisation: id, name: FIRST_LOG.to_owned(), frontier: Frontier::default() };
    Ok([
        (StateKey::organisation(suite, id), record.to_bytes()),
        (index, id.to_bytes()),
        (StateKey::log(suite, log_id), log.to_bytes()),
        (StateKey::log_name(suite, id, FIRST_LOG), log_id.to_bytes()),
    ])
}

fn accounts(genesis: &Genesis, suite: Suite) -> Result<Vec<(Address, Account)>, GenesisError> {
    let mut accounts = Vec::new();
    for listed in &genesis.accounts {
        let (algorithm, key) = listed.public_key()?;
        let mut account =
            Account::new(suite, listed.organisation, listed.roles()?, algorithm, &key);
        account.balance = listed.balance;
        accounts.push((Address::of_key(suite, algorithm, &key), account));
    }
    if let Some(generated) = &genesis.generated_accounts {
        let parts = generate(generated, suite);
        accounts.reserve_exact(parts.iter().map(Vec::len).sum());
        parts.into_iter().for_each(|part| accounts.extend(part));
    }
    // The sort is stable and the listed accounts come first: of two, the listed one stays.
    accounts.sort_by_key(|(address, _)| *address);
    accounts.dedup_by_key(|(address, _)| *address);
    Ok(accounts)
}

/// First keys that are too long for their account's record.
fn recorded_keys(
    genesis: &Genesis,
    suite: Suite,
) -> Result<Vec<(StateKey, Vec<u8>)>, GenesisError> {
    let mut keys = Vec::new();
    for listed in &genesis.accounts {
        let (algorithm, bytes) = listed.public_key()?;
        if is_recorded(algorithm) {
            let address = Address::of_key(suite, algorithm, &bytes);
            let record = first_record(PublicKey { algorithm, bytes });
            keys.push((StateKey::account_key(suite, address, 0), record.to_bytes()));
        }
    }
    Ok(keys)
}

/// Keys that are derived together, in bulk.
const KEYS_AT_ONCE: u64 = 4_096;

/// Accounts whose keys follow from a seed; made on every core, since a key costs microseconds and
/// there may be millions, whose memory counts too.
fn generate(generated: &GeneratedAccounts, suite: Suite) -> Vec<Vec<(Address, Account)>> {
    let one = |key: SecretKey| {
        let key = key.public_key();
        let roles = Roles::default();
        let mut account =
            Account::new(suite, generated.organisation, roles, suite.algorithm(), &key);
        account.balance = generated.balance;
        (Address::of_key(suite, suite.algorithm(), &key), account)
    };
    let many = |from: u64, to: u64| {
        let mut accounts = Vec::with_capacity(to.saturating_sub(from) as usize);
        for first in (from..to).step_by(KEYS_AT_ONCE as usize) {
            let keys = generated.secret_keys(suite, first..to.min(first + KEYS_AT_ONCE));
            accounts.extend(keys.into_iter().map(one));
        }
        accounts
    };
    let workers = thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let share = generated.count.div_ceil(workers);
    thread::scope(|scope| {
        let parts: Vec<_> = (0..workers)
            .map(|worker| {
                let to = generated.count.min((worker + 1) * share);
                scope.spawn(move || many(worker * share, to))
            })
            .collect();
        parts.into_iter().map(|part| part.join().expect("deriving a key does not panic")).collect()
    })
}
