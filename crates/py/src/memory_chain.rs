//! Run blocks in memory through the rules, so that the readable model can be compared with them.

use crate::detached::detached;
use crate::errors::{bad_argument, of_decode, refuse};
use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::sync::{Arc, Mutex, MutexGuard};
use trine_rules::Rules;
use trine_testkit::{Applied, MemoryLedger};
use trine_types::codec::{Encode, Encoder};
use trine_types::{Account, Address, Decode, Genesis, Height, StateKey};

/// Height, time and encoded transactions in; verdict or roots out.
#[pyclass(frozen, module = "trine._core.memory_chain")]
struct MemoryChain(Mutex<MemoryLedger>);

/// A value that is encoded already.
struct Encoded<'a>(&'a [u8]);

impl Encode for Encoded<'_> {
    fn encode(&self, to: &mut Encoder) {
        to.raw(self.0);
    }
}

type Entries<'py> = Vec<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)>;

#[pymethods]
impl MemoryChain {
    /// Starts a chain at height 0.
    #[new]
    fn new(py: Python<'_>, document: &[u8]) -> PyResult<Self> {
        let ledger = detached(py, || {
            let genesis = Genesis::from_json(document)?;
            MemoryLedger::new(&genesis, Arc::new(Rules::new(&genesis)?))
        })?;
        ledger
            .map(|ledger| Self(Mutex::new(ledger)))
            .map_err(|error| refuse("bad_genesis", error.to_string()))
    }

    /// Chain id.
    fn chain_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.ledger()?.chain_id().0))
    }

    /// Applies a block. Returns (index, number of the code) where it is invalid, else a mapping.
    fn apply<'py>(
        &self,
        py: Python<'py>,
        height: u64,
        time_ms: u64,
        transactions: Vec<Vec<u8>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let transactions: Vec<Bytes> = transactions.into_iter().map(Bytes::from).collect();
        let applied = detached(py, || {
            let mut ledger = self.ledger()?;
            let context = ledger.context(Height(height), time_ms);
            PyResult::Ok(ledger.apply(&context, &transactions))
        })??;
        match applied {
            Ok(applied) => Ok(mapping(py, &applied)?.into_any()),
            Err(invalid) => {
                let verdict = (invalid.index, invalid.code.number());
                Ok(verdict.into_pyobject(py)?.into_any())
            }
        }
    }

    /// Digest over every account and value.
    fn state_digest<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.ledger()?.state_digest().0))
    }

    /// Every account by its address, in order.
    fn accounts<'py>(&self, py: Python<'py>) -> PyResult<Entries<'py>> {
        let ledger = self.ledger()?;
        let entry = |(address, account): (&Address, &Account)| {
            (PyBytes::new(py, &address.0), PyBytes::new(py, &account.to_bytes()))
        };
        Ok(ledger.accounts().iter().map(entry).collect())
    }

    /// Every value by its key, in order.
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Entries<'py>> {
        let ledger = self.ledger()?;
        let entry = |(key, value): (&StateKey, &Vec<u8>)| {
            (PyBytes::new(py, &key.0), PyBytes::new(py, value))
        };
        Ok(ledger.values().iter().map(entry).collect())
    }

    /// Writes an account past the rules, to set a test up.
    fn set_account(&self, address: [u8; 20], account: &[u8]) -> PyResult<()> {
        let account = Account::from_bytes(account).map_err(|error| of_decode(&error))?;
        self.ledger()?.set_account(Address(address), account);
        Ok(())
    }

    /// Writes a value past the rules, to set a test up.
    fn set_value(&self, key: [u8; 32], value: &[u8]) -> PyResult<()> {
        self.ledger()?.set_record(StateKey(key), &Encoded(value));
        Ok(())
    }
}

impl MemoryChain {
    fn ledger(&self) -> PyResult<MutexGuard<'_, MemoryLedger>> {
        self.0.lock().map_err(|_| bad_argument("an earlier call on this chain failed"))
    }
}

fn mapping<'py>(py: Python<'py>, applied: &Applied) -> PyResult<Bound<'py, PyDict>> {
    let bytes = |value: &[u8]| PyBytes::new(py, value);
    let execution = &applied.execution;
    let outcomes: Vec<_> = execution.outcomes.iter().map(|one| bytes(&one.to_bytes())).collect();
    let appends: Vec<_> = (execution.log_appends.iter())
        .map(|append| {
            let entries: Vec<_> = append.entries.iter().map(|entry| bytes(&entry.0)).collect();
            (append.log.0, append.first_index, entries)
        })
        .collect();
    let validators = execution.next_validators.as_ref().map(|set| bytes(&set.to_bytes()));
    let mapping = PyDict::new(py);
    mapping.set_item("outcomes", outcomes)?;
    mapping.set_item("log_appends", appends)?;
    mapping.set_item("body_root", bytes(&applied.body_root.0))?;
    mapping.set_item("outcome_root", bytes(&applied.outcome_root.0))?;
    mapping.set_item("evidence_root", bytes(&applied.evidence_root.0))?;
    mapping.set_item("parameters_version", execution.parameters_version)?;
    mapping.set_item("next_validators", validators)?;
    mapping.set_item("state_digest", bytes(&applied.state_digest.0))?;
    Ok(mapping)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<MemoryChain>()
}
