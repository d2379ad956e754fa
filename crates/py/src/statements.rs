//! Take signed statements of the usual form apart, verify them, and make receipts, many at once.

use crate::detached::detached;
use crate::errors::bad_argument;
use crate::keys::{algorithm, suite_hashing};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyString};
use trine_verify::inclusion_receipt::{Head, Nodes, TILE_BYTES};
use trine_verify::signed_statement::{self, SignedStatement};

/// Algorithm, issuer, subject, content type, name of the key, time of issue in seconds, entry in a
/// log, and digest of the payload.
type Taken<'py> = (
    &'static str,
    Bound<'py, PyString>,
    Bound<'py, PyString>,
    Bound<'py, PyString>,
    Bound<'py, PyBytes>,
    Option<u64>,
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
);

/// The last text that was made: neighbours mostly have the same, and share it.
struct Shared<'a, 'py>(Option<(&'a str, Bound<'py, PyString>)>);

impl<'a, 'py> Shared<'a, 'py> {
    fn get(&mut self, py: Python<'py>, text: &'a str) -> Bound<'py, PyString> {
        match &self.0 {
            Some((last, made)) if *last == text => made.clone(),
            _ => {
                let made = PyString::new(py, text);
                self.0 = Some((text, made.clone()));
                made
            }
        }
    }
}

/// What each statement says, nothing where it is not of the usual form.
#[pyfunction]
fn take<'py>(
    py: Python<'py>,
    function: &str,
    statements: Vec<PyBackedBytes>,
) -> PyResult<Vec<Option<Taken<'py>>>> {
    let suite = suite_hashing(function)?;
    let (read, digests) = detached(py, || {
        let read: Vec<Option<SignedStatement<'_>>> =
            statements.iter().map(|data| SignedStatement::read(data)).collect();
        let usual: Vec<(&[u8], SignedStatement<'_>)> = (statements.iter().zip(&read))
            .filter_map(|(data, one)| Some((&**data, (*one)?)))
            .collect();
        let digests = signed_statement::digests(suite, &usual);
        (read, digests)
    })?;
    let mut digests = digests.into_iter();
    let (mut issuers, mut types) = (Shared(None), Shared(None));
    let mut taken = Vec::with_capacity(read.len());
    for one in &read {
        let Some((one, [entry, content])) = one.and_then(|one| Some((one, digests.next()?))) else {
            taken.push(None);
            continue;
        };
        taken.push(Some((
            one.algorithm.name(),
            issuers.get(py, one.issuer),
            PyString::new(py, one.subject),
            types.get(py, one.content_type),
            PyBytes::new(py, one.key_id),
            one.issued_at_s,
            PyBytes::new(py, &entry.0),
            PyBytes::new(py, &content.0),
        )));
    }
    Ok(taken)
}

/// For each statement one byte, 1 where it is of the usual form and its key signed it.
#[pyfunction]
fn verify<'py>(
    py: Python<'py>,
    algorithm_name: &str,
    keys: Vec<PyBackedBytes>,
    statements: Vec<PyBackedBytes>,
) -> PyResult<Bound<'py, PyBytes>> {
    let algorithm = algorithm(algorithm_name)?;
    if keys.len() != statements.len() {
        let (keys, statements) = (keys.len(), statements.len());
        return Err(bad_argument(format!("{keys} keys, expected {statements}")));
    }
    let verdicts = detached(py, || {
        let keys: Vec<&[u8]> = keys.iter().map(|key| &**key).collect();
        let statements: Vec<&[u8]> = statements.iter().map(|data| &**data).collect();
        signed_statement::verify_signed(algorithm, &keys, &statements)
    })?;
    Ok(PyBytes::new(py, &verdicts.into_iter().map(u8::from).collect::<Vec<_>>()))
}

/// The items of an array of byte strings; nothing where it is something else, or has too many.
#[pyfunction]
fn byte_strings<'py>(
    py: Python<'py>,
    data: &[u8],
    count_max: usize,
) -> Option<Vec<Bound<'py, PyBytes>>> {
    let found = signed_statement::byte_strings(data, count_max)?;
    Some(found.into_iter().map(|item| PyBytes::new(py, item)).collect())
}

/// Receipts of entries below one full tile of a log, which share all but index and path.
///
/// `places` has a byte for each entry, its place in the tile; `above` what leads from the tile to
/// the root, `before` and `behind` what stands around the proofs.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "one call makes many receipts")]
fn receipts<'py>(
    py: Python<'py>,
    function: &str,
    size: u64,
    number: u64,
    tile: &[u8],
    places: &[u8],
    above: &[u8],
    before: &[u8],
    behind: &[u8],
) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    let suite = suite_hashing(function)?;
    let (Ok(tile), (above, [])) = (<&[u8; TILE_BYTES]>::try_from(tile), above.as_chunks()) else {
        let (tile, above) = (tile.len(), above.len());
        return Err(bad_argument(format!("a tile of {tile} and a path of {above} bytes")));
    };
    let head = Head { size, above, before, behind };
    let made = detached(py, || head.receipts(&Nodes::over(suite, tile), number, places))?;
    Ok(made.iter().map(|one| PyBytes::new(py, one)).collect())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(take, module)?)?;
    module.add_function(wrap_pyfunction!(verify, module)?)?;
    module.add_function(wrap_pyfunction!(receipts, module)?)?;
    module.add_function(wrap_pyfunction!(byte_strings, module)?)
}
