//! Read the final state, with the height to which an answer belongs.

use crate::{
    by_suite::{BySuite, either},
    databases::{ColdOperation, Databases, Family, HotOperation, Runtime},
    execute::{cold_key, decode_account, hot_key},
    preset::BlockDigest,
    proofs::{ProofError, state},
};
use bytes::Bytes;
use commonware_codec::{Decode as _, DecodeExt as _, Encode as _, RangeCfg};
use commonware_storage::qmdb::sync::{Request, Source as _, source::Response};
use commonware_utils::sync::Mutex;
use futures::future::BoxFuture;
use std::{collections::VecDeque, sync::Arc};
use trine_types::{Account, Address, Digest, Header, Height, StateKey, Suite, limits};
use trine_verify::Statement;

/// Blocks whose roots are remembered: more than can be applied while one answer is made.
const ROOTS_KEPT: usize = 64;

/// Says to which block a state root belongs.
#[derive(Clone, Debug, Default)]
pub struct Roots(Arc<Mutex<VecDeque<(Height, Digest, Digest)>>>);

impl Roots {
    /// Adds the block that is applied next.
    pub fn push(&self, header: &Header) {
        let mut roots = self.0.lock();
        if roots.len() == ROOTS_KEPT {
            roots.pop_front();
        }
        roots.push_back((header.height, header.accounts.root, header.values.root));
    }

    /// Height of the block with this root of the accounts.
    pub fn of_accounts(&self, root: Digest) -> Option<Height> {
        self.0.lock().iter().rev().find(|(_, accounts, _)| *accounts == root).map(|found| found.0)
    }

    /// Height of the block with this root of the values.
    pub fn of_values(&self, root: Digest) -> Option<Height> {
        self.0.lock().iter().rev().find(|(_, _, values)| *values == root).map(|found| found.0)
    }
}

/// What a read of the state gives.
pub type Read<'a, T> = BoxFuture<'a, Result<T, ProofError>>;

/// One of the two state databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Accounts.
    Accounts,
    /// Everything else.
    Values,
}

/// Operations that one request for the state's log may ask for.
pub const OPERATIONS_MAX: u64 = 4_096;

/// Operations `O` of a table's log with their proof, of which nothing is verified yet.
pub type Operations<O> = Response<Family, O, BlockDigest>;

/// Reads what another node answers for [`Table::Accounts`] (see [`StateReader::operations`]): at
/// most `max` operations.
pub fn read_accounts(bytes: Bytes, max: usize) -> Option<Operations<HotOperation>> {
    Response::decode_cfg(bytes, &(max, ())).ok()
}

/// Reads what another node answers for [`Table::Values`] (see [`StateReader::operations`]): at most
/// `max` operations.
pub fn read_values(bytes: Bytes, max: usize) -> Option<Operations<ColdOperation>> {
    let value = (RangeCfg::from(0..=limits::STATE_VALUE_BYTES_MAX), ());
    Response::decode_cfg(bytes, &(max, ((), value))).ok()
}

/// Reads the state that was applied last: final, perhaps not durable yet.
pub trait StateReader: Send + Sync + 'static {
    /// Accounts in the order asked, and the block after which they were so.
    fn accounts(&self, addresses: Vec<Address>) -> Read<'_, (Vec<Option<Account>>, Height)>;

    /// Values in the order asked, and the block after which they were so.
    fn values(&self, keys: Vec<StateKey>) -> Read<'_, (Vec<Option<Vec<u8>>>, Height)>;

    /// Proves an account against the header at the height; none where there is no account.
    fn prove_account(&self, address: Address) -> Read<'_, Option<(Statement, Height)>>;

    /// Proves a value, or that there is none, against the header at the height.
    fn prove_value(&self, key: StateKey) -> Read<'_, (Statement, Height)>;

    /// Answers another node that takes over the state: operations of a table's log with proof,
    /// request and answer as the engine encodes them; none for a request that cannot be answered.
    fn operations(&self, table: Table, request: Bytes) -> Read<'_, Option<Bytes>>;

    /// Proves a transfer, or that there is none, against the header at the height.
    fn prove_transfer(&self, sender: Address, reference: Vec<u8>) -> Read<'_, (Statement, Height)>;
}

/// The state databases of one node.
pub struct State<E: Runtime> {
    suite: Suite,
    databases: Databases<E>,
    roots: Roots,
}

impl<E: Runtime> State<E> {
    /// Reads from `databases`, whose roots `roots` knows.
    pub const fn new(suite: Suite, databases: Databases<E>, roots: Roots) -> Self {
        Self { suite, databases, roots }
    }

    fn accounts_height(&self, root: Digest) -> Result<Height, ProofError> {
        self.roots.of_accounts(root).ok_or(ProofError::Inconsistent("a root of the accounts"))
    }

    fn values_height(&self, root: Digest) -> Result<Height, ProofError> {
        self.roots.of_values(root).ok_or(ProofError::Inconsistent("a root of the values"))
    }
}

fn failed(error: impl std::fmt::Debug) -> ProofError {
    ProofError::Database(format!("{error:?}"))
}

impl<E: Runtime> StateReader for State<E> {
    fn accounts(&self, addresses: Vec<Address>) -> Read<'_, (Vec<Option<Account>>, Height)> {
        Box::pin(async move {
            let keys: Vec<_> = addresses.iter().map(hot_key).collect();
            let keys: Vec<_> = keys.iter().collect();
            let (found, root) = either!(&self.databases, pair => {
                let db = pair.0.read().await;
                (db.get_many(&keys).await.map_err(failed)?, Digest(db.root().0))
            });
            let height = self.accounts_height(root)?;
            let accounts = found.iter().map(|one| one.as_ref().map(decode_account).transpose());
            Ok((accounts.collect::<Result<_, _>>().map_err(failed)?, height))
        })
    }

    fn values(&self, keys: Vec<StateKey>) -> Read<'_, (Vec<Option<Vec<u8>>>, Height)> {
        Box::pin(async move {
            let keys: Vec<_> = keys.iter().map(cold_key).collect();
            let keys: Vec<_> = keys.iter().collect();
            let (found, root) = either!(&self.databases, pair => {
                let db = pair.1.read().await;
                (db.get_many(&keys).await.map_err(failed)?, Digest(db.root().0))
            });
            Ok((found, self.values_height(root)?))
        })
    }

    fn prove_account(&self, address: Address) -> Read<'_, Option<(Statement, Height)>> {
        Box::pin(async move {
            let answer = either!(&self.databases, pair => {
                state::account(&*pair.0.read().await, address).await?
            });
            let Some(answer) = answer else { return Ok(None) };
            Ok(Some((answer.statement, self.accounts_height(answer.root)?)))
        })
    }

    fn prove_value(&self, key: StateKey) -> Read<'_, (Statement, Height)> {
        Box::pin(async move {
            let answer = either!(&self.databases, pair => {
                state::value(&*pair.1.read().await, key).await?
            });
            Ok((answer.statement, self.values_height(answer.root)?))
        })
    }

    fn operations(&self, table: Table, request: Bytes) -> Read<'_, Option<Bytes>> {
        Box::pin(async move {
            let request = Request::<Family>::decode(request);
            let Ok(request) = request else { return Ok(None) };
            if request.max_ops().get() > OPERATIONS_MAX {
                return Ok(None);
            }
            // What the log does not hold any more, or not yet, is the asker's mistake.
            either!(&self.databases, pair => match table {
                Table::Accounts => {
                    let served = pair.0.read().await.serve(request).await;
                    Ok(served.ok().map(|(response, _)| response.encode()))
                }
                Table::Values => {
                    let served = pair.1.read().await.serve(request).await;
                    Ok(served.ok().map(|(response, _)| response.encode()))
                }
            })
        })
    }

    fn prove_transfer(&self, sender: Address, reference: Vec<u8>) -> Read<'_, (Statement, Height)> {
        Box::pin(async move {
            let answer = either!(&self.databases, pair => {
                let db = pair.1.read().await;
                state::transfer(&*db, self.suite, sender, &reference).await?
            });
            Ok((answer.statement, self.values_height(answer.root)?))
        })
    }
}
