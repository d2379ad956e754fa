//! Run transactions against the parent state and compute the roots of the result.
//!
//! Reads are staged: the databases find each declared entry once and keep where it lies. What is
//! committed is the difference between the staged and the final value of each entry, so that a
//! builder that tried and left out a transaction commits the same as a verifier that never saw it.

use crate::{
    by_suite::{BySuite, either},
    databases::{
        ColdKey, ColdValue, Hash, HotKey, HotValue, Merkleized, Pair, Runtime, Unmerkleized,
    },
    parallel::{joined, merged, stretches},
    preset::Strategy,
};
use commonware_glue::stateful::db::DatabaseSet;
use commonware_parallel::Strategy as _;
use commonware_storage::qmdb::any::batch::Slot;
use futures::future::join3;
use std::sync::Arc;
use trine_types::{
    Account, Address, Decode as _, Digest, StateCommitment, StateKey, Transaction, View,
    application::{Application, BlockContext},
};

/// The databases failed; the node cannot go on.
#[derive(Debug, thiserror::Error)]
#[error("state database: {0}")]
pub struct DatabaseError(pub String);

fn failed(error: impl std::fmt::Debug) -> DatabaseError {
    DatabaseError(format!("{error:?}"))
}

/// What executing in the databases gives.
pub struct Applied<E: Runtime, R> {
    /// What the rules said.
    pub result: R,
    /// The changes, with their roots.
    pub merkleized: Merkleized<E>,
    /// The view after execution.
    pub view: View,
}

/// Transactions and what surrounds them.
pub struct Work<'a> {
    /// Rules.
    pub application: Arc<dyn Application>,
    /// Pool for `run`.
    pub strategy: &'a Strategy,
    /// Block.
    pub context: BlockContext,
    /// Transactions.
    pub transactions: Arc<[Arc<Transaction>]>,
}

/// Stages what the transactions touch, calls `run` on the view, and merkleizes what it changed;
/// meanwhile `seal` works on what `run` gave.
///
/// Both work on the thread pool, never on the reactor, where the pool has threads to overlap.
///
/// # Errors
/// [`DatabaseError`] outside, what `run` refused inside.
pub async fn apply<E, R, T, X>(
    work: Work<'_>,
    batches: Unmerkleized<E>,
    run: impl FnOnce(&[&Transaction], &mut View) -> Result<R, X> + Send + 'static,
    seal: impl FnOnce(&[Arc<Transaction>], R) -> T + Send + 'static,
) -> Result<Result<Applied<E, T>, X>, DatabaseError>
where
    E: Runtime,
    R: Send + 'static,
    T: Send + 'static,
    X: Send + 'static,
{
    let applied = |result, merkleized, view| Applied { result, merkleized, view };
    Ok(match batches {
        BySuite::Intl(batches) => apply_to::<E, _, R, T, X>(work, batches, run, seal)
            .await?
            .map(|(result, merkleized, view)| applied(result, BySuite::Intl(merkleized), view)),
        BySuite::Gm(batches) => apply_to::<E, _, R, T, X>(work, batches, run, seal)
            .await?
            .map(|(result, merkleized, view)| applied(result, BySuite::Gm(merkleized), view)),
    })
}

type PairUnmerkleized<E, H> = <Pair<E, H> as DatabaseSet<E>>::Unmerkleized;
type PairMerkleized<E, H> = <Pair<E, H> as DatabaseSet<E>>::Merkleized;

async fn apply_to<E, H, R, T, X>(
    work: Work<'_>,
    batches: PairUnmerkleized<E, H>,
    run: impl FnOnce(&[&Transaction], &mut View) -> Result<R, X> + Send + 'static,
    seal: impl FnOnce(&[Arc<Transaction>], R) -> T + Send + 'static,
) -> Result<Result<(T, PairMerkleized<E, H>, View), X>, DatabaseError>
where
    E: Runtime,
    H: Hash,
    R: Send + 'static,
    T: Send + 'static,
    X: Send + 'static,
{
    let Work { application, strategy, context, transactions } = work;
    let references: Vec<&Transaction> = transactions.iter().map(|one| &**one).collect();
    let mut view = View::default();

    let touched =
        stretches(strategy, references.len(), |range| application.accounts(&references[range]));
    let addresses = merged(touched);
    let keys: Vec<HotKey> = addresses.iter().map(hot_key).collect();
    let (accounts, hot) =
        batches.0.stage(&keys.iter().collect::<Vec<_>>()).await.map_err(failed)?;
    let decoded = stretches(strategy, accounts.len(), |range| {
        accounts[range].iter().map(|one| one.as_ref().map(decode_account).transpose()).collect()
    });
    let decoded: Vec<Vec<_>> = decoded.into_iter().collect::<Result<_, _>>()?;
    view.reserve(addresses.len(), 0);
    for (address, account) in addresses.iter().zip(decoded.into_iter().flatten()) {
        view.stage_account(*address, account);
    }

    let touched = stretches(strategy, references.len(), |range| {
        application.values(&context, &references[range], &view)
    });
    let names = merged(touched);
    let keys: Vec<ColdKey> = names.iter().map(cold_key).collect();
    let (values, cold) = batches.1.stage(&keys.iter().collect::<Vec<_>>()).await.map_err(failed)?;
    view.reserve(0, names.len());
    for (name, value) in names.iter().zip(&values) {
        view.stage_value(*name, value.clone());
    }

    let shared = transactions.clone();
    let job = strategy.spawn(shared.len().max(1), move |_| {
        let references: Vec<&Transaction> = shared.iter().map(|one| &**one).collect();
        let result = run(&references, &mut view);
        (result, view)
    });
    let (result, view) = job.await;
    let result = match result {
        Ok(result) => result,
        Err(refused) => return Ok(Err(refused)),
    };

    let sealed = strategy.spawn(transactions.len().max(1), move |_| seal(&transactions, result));
    let changed = account_changes(strategy, &view, &accounts);
    let hot = hot.merkleize(changed.0, changed.1);
    let changed = value_changes(&view, &values);
    let cold = cold.merkleize(changed.0, changed.1);
    let (sealed, hot, cold) = join3(sealed, hot, cold).await;
    Ok(Ok((sealed, (hot.map_err(failed)?, cold.map_err(failed)?), view)))
}

type Changes<K, V> = (Vec<Slot<V>>, Vec<(K, Option<V>)>);

fn account_changes(
    strategy: &Strategy,
    view: &View,
    before: &[Option<HotValue>],
) -> Changes<HotKey, HotValue> {
    let staged: Vec<_> = view.staged_accounts().collect();
    let slot = |((_, account, dirty), before): (&(_, Option<&Account>, bool), _)| {
        if !dirty {
            return Slot::Keep;
        }
        change(account.map(|account| HotValue::new(account.to_array())), before)
    };
    let slots = stretches(strategy, staged.len(), |range| {
        staged[range.clone()].iter().zip(&before[range]).map(slot).collect()
    });
    let unstaged = view.unstaged_accounts().filter_map(|(address, account)| {
        let account = account?;
        Some((hot_key(address), Some(HotValue::new(account.to_array()))))
    });
    (joined(slots), unstaged.collect())
}

fn value_changes(view: &View, before: &[Option<ColdValue>]) -> Changes<ColdKey, ColdValue> {
    let slots = view.staged_values().zip(before).map(|((_, value, dirty), before)| {
        if !dirty {
            return Slot::Keep;
        }
        change(value.map(<[u8]>::to_vec), before)
    });
    // An entry that was never read cannot be deleted: nothing here means a write taken back.
    let unstaged = view
        .unstaged_values()
        .filter_map(|(key, value)| Some((cold_key(key), Some(value?.to_vec()))));
    (slots.collect(), unstaged.collect())
}

fn change<V: PartialEq>(after: Option<V>, before: &Option<V>) -> Slot<V> {
    match after {
        after if after == *before => Slot::Keep,
        Some(value) => Slot::Put(value),
        None => Slot::Delete,
    }
}

/// Reads an account from the hot database.
pub fn decode_account(value: &HotValue) -> Result<Account, DatabaseError> {
    Account::from_bytes(value.as_ref()).map_err(failed)
}

/// What a header commits about one database, whatever its types.
macro_rules! commitment {
    ($batch:expr) => {
        StateCommitment {
            root: Digest((*$batch).root().0),
            operations_root: Digest($batch.ops_root().0),
            floor: *$batch.sync_boundary(),
            size: *$batch.bounds().tip.size,
        }
    };
}

pub(crate) use commitment;

/// Key of an account in the hot database.
pub fn hot_key(address: &Address) -> HotKey {
    HotKey::new(address.0)
}

/// Key of a value in the cold database.
pub fn cold_key(key: &StateKey) -> ColdKey {
    ColdKey::new(key.0)
}

/// What a header commits about the two databases.
pub fn commitments<E: Runtime>(merkleized: &Merkleized<E>) -> (StateCommitment, StateCommitment) {
    either!(merkleized, both => (commitment!(both.0), commitment!(both.1)))
}
