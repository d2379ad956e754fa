//! Run the load generator from Python.

use crate::allocator::keep_memory;
use crate::detached::detached;
use crate::errors::{bad_argument, refuse};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde::Deserialize;
use std::path::PathBuf;
use trine_bench::{
    CryptoPlan, CryptoRow, LoadError, LoadPlan, LookupPlan, Payload, Progress, StagesError,
    StagesPlan, measure_crypto, measure_stages,
};
use trine_types::Genesis;

/// A plan as Python writes it, in JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    genesis: Genesis,
    nodes: Vec<String>,
    rate_per_s: u64,
    duration_s: u64,
    warmup_s: u64,
    /// Entries of each evidence transaction; none for transfers.
    entries: Option<u16>,
    hostile_percent: u64,
    presign: bool,
    validator_pids: Vec<u32>,
    notary_keys: Vec<[u8; 32]>,
    /// Whether no account of the plan has sent anything yet.
    fresh: bool,
    /// How payments are looked up; none where transfers are no payments.
    lookups: Option<Lookups>,
}

/// As [`LookupPlan`].
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lookups {
    per_s: u64,
    audit: u64,
}

impl Plan {
    fn split(self) -> (LoadPlan, bool) {
        let payload = match (self.entries, self.lookups) {
            (Some(entries), _) => Payload::Evidence { entries },
            (None, Some(Lookups { per_s, audit })) => Payload::Payment(LookupPlan { per_s, audit }),
            (None, None) => Payload::Transfer,
        };
        let plan = LoadPlan {
            genesis: self.genesis,
            nodes: self.nodes,
            rate_per_s: self.rate_per_s,
            duration_s: self.duration_s,
            warmup_s: self.warmup_s,
            payload,
            hostile_percent: self.hostile_percent,
            presign: self.presign,
            validator_pids: self.validator_pids,
            notary_keys: self.notary_keys,
        };
        (plan, self.fresh)
    }
}

fn of_load(error: &LoadError) -> PyErr {
    match error {
        LoadError::Plan(_) | LoadError::Genesis(_) => bad_argument(error.to_string()),
        LoadError::Node(_) => refuse("cannot_reach_node", error.to_string()),
        LoadError::Start(_) => refuse("internal", error.to_string()),
    }
}

/// Accounts and connections that load a network, one run after another.
#[pyclass(frozen, module = "trine._core.load")]
struct Loader(trine_bench::Loader);

#[pymethods]
impl Loader {
    /// Derives the accounts of `plan` (JSON); asks for their nonces where it is not `fresh`.
    #[new]
    fn open(py: Python<'_>, plan: &[u8]) -> PyResult<Self> {
        let plan: Plan = serde_json::from_slice(plan)
            .map_err(|error| bad_argument(format!("load plan: {error}")))?;
        let (plan, fresh) = plan.split();
        let loader = detached(py, || trine_bench::Loader::open(plan, fresh))?;
        loader.map(Self).map_err(|error| of_load(&error))
    }

    /// Runs the load at `rate_per_s` and returns its report (JSON).
    ///
    /// `progress(elapsed_s, total_s, finalized_per_s, waiting, audited, signed)` is called once a
    /// second and stops the run by returning false or raising.
    fn run<'py>(
        &self,
        py: Python<'py>,
        rate_per_s: u64,
        progress: Py<PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let mut raised = None;
        keep_memory();
        let result = detached(py, || {
            self.0.run(rate_per_s, |now| {
                tell(&progress, now).unwrap_or_else(|error| {
                    raised = Some(error);
                    false
                })
            })
        })?;
        if let Some(error) = raised {
            return Err(error);
        }
        let report = result.map_err(|error| of_load(&error))?;
        let json =
            serde_json::to_vec(&report).map_err(|error| refuse("internal", error.to_string()))?;
        Ok(PyBytes::new(py, &json))
    }
}

fn tell(progress: &Py<PyAny>, now: Progress) -> PyResult<bool> {
    Python::attach(|py| {
        py.check_signals()?;
        let Progress { elapsed_s, total_s, finalized_per_s, waiting, audited, signed } = now;
        let arguments = (elapsed_s, total_s, finalized_per_s, waiting, audited, signed);
        progress.call1(py, arguments)?.extract(py)
    })
}

/// Name of the processor and number of cores.
#[pyfunction]
fn hardware() -> String {
    trine_bench::hardware()
}

/// Measures signatures and hashes; gives the figures as JSON. `tell` gets each figure as JSON and
/// says whether to go on.
#[pyfunction]
#[pyo3(name = "measure_crypto")]
fn run_measure_crypto<'py>(
    py: Python<'py>,
    repeats: u32,
    distinct_keys: usize,
    tell: Py<PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let mut failed = None;
    let rows = detached(py, || {
        let mut each = |row: &CryptoRow| {
            let told = Python::attach(|py| {
                let row = serde_json::to_string(row).unwrap_or_default();
                tell.call1(py, (row,))?.extract::<bool>(py)
            });
            told.unwrap_or_else(|error| {
                failed = Some(error);
                false
            })
        };
        measure_crypto(CryptoPlan { repeats, distinct_keys }, &mut each)
    })?;
    match failed {
        Some(error) => Err(error),
        None => {
            let text =
                serde_json::to_vec(&rows).map_err(|error| bad_argument(error.to_string()))?;
            Ok(PyBytes::new(py, &text))
        }
    }
}

/// Measures each stage of a transaction's path on blocks of transfers, in `folder`, which is empty;
/// gives the figures as JSON. `tell` gets the number of each block and says whether to go on.
#[pyfunction]
#[pyo3(name = "measure_stages")]
fn run_measure_stages<'py>(
    py: Python<'py>,
    genesis: &[u8],
    transactions: usize,
    blocks: usize,
    folder: PathBuf,
    tell: Py<PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let genesis: Genesis = serde_json::from_slice(genesis)
        .map_err(|error| bad_argument(format!("genesis: {error}")))?;
    let plan = StagesPlan { genesis, transactions, blocks };
    let mut raised = None;
    keep_memory();
    let rows = detached(py, || {
        measure_stages(&plan, &folder, &mut |number| {
            let told = Python::attach(|py| {
                py.check_signals()?;
                tell.call1(py, (number,))?.extract::<bool>(py)
            });
            told.unwrap_or_else(|error| {
                raised = Some(error);
                false
            })
        })
    })?;
    if let Some(error) = raised {
        return Err(error);
    }
    let rows = rows.map_err(|error| match error {
        StagesError::Plan(_) => bad_argument(error.to_string()),
        StagesError::Failed { .. } => refuse("internal", error.to_string()),
    })?;
    let text = serde_json::to_vec(&rows).map_err(|error| refuse("internal", error.to_string()))?;
    Ok(PyBytes::new(py, &text))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Loader>()?;
    module.add_function(wrap_pyfunction!(hardware, module)?)?;
    module.add_function(wrap_pyfunction!(run_measure_crypto, module)?)?;
    module.add_function(wrap_pyfunction!(run_measure_stages, module)?)
}
