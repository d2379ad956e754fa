//! Build, sign and read transactions.

use crate::detached::detached;
use crate::errors::{bad_argument, of_decode, refuse};
use crate::keys::{SecretKey, algorithm, suite};
use crate::token::{TokenKey, of_token};
use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict};
use trine_crypto::Suite;
use trine_token::TokenError;
use trine_types::limits::{CALLS_MAX, TRANSACTION_BYTES_MAX};
use trine_types::signing::sign_many as sign_transactions;
use trine_types::transaction::TRANSACTION_NAMESPACE;
use trine_types::{
    Address, ChainId, Code, Decode, Encode, RawCall, Transaction, UnsignedTransaction,
};

/// Bytes of the length before each transaction of a batch.
const LENGTH_BYTES: usize = 4;

/// Whoever signs: a key in memory, one in a token, or an object with `algorithm` and
/// `sign(namespace, message)`.
#[derive(FromPyObject)]
enum SigningKey<'py> {
    Memory(PyRef<'py, SecretKey>),
    Token(PyRef<'py, TokenKey>),
    Object(Bound<'py, PyAny>),
}

fn array<const N: usize>(bytes: &[u8], what: &str) -> PyResult<[u8; N]> {
    bytes
        .try_into()
        .map_err(|_| bad_argument(format!("{what}: {} bytes, expected {N}", bytes.len())))
}

/// Nonce, last block time in Unix milliseconds, encoded calls.
type Draft = (u64, u64, Vec<PyBackedBytes>);

fn unsigned(
    chain_id: ChainId,
    sender: Address,
    key_index: u8,
    nonce: u64,
    valid_until_ms: u64,
    calls: &[PyBackedBytes],
) -> PyResult<UnsignedTransaction> {
    if calls.is_empty() {
        return Err(refuse(Code::Malformed.name(), "a transaction has at least one call"));
    }
    if calls.len() > CALLS_MAX {
        let message = format!("{} calls, at most {CALLS_MAX} allowed", calls.len());
        return Err(refuse(Code::TooLarge.name(), message));
    }
    let calls = calls
        .iter()
        .map(|call| RawCall::from_bytes(call).map_err(|error| of_decode(&error)))
        .collect::<PyResult<_>>()?;
    Ok(UnsignedTransaction { chain_id, sender, key_index, nonce, valid_until_ms, calls })
}

fn sign_in_token(
    body: UnsignedTransaction,
    suite: Suite,
    key: &trine_token::TokenKey,
) -> Result<Transaction, TokenError> {
    let signature = key.sign(TRANSACTION_NAMESPACE, &body.id(suite).0)?;
    Ok(body.with_signature(suite, key.algorithm(), signature))
}

fn sign_by_object(
    body: UnsignedTransaction,
    suite: Suite,
    key: &Bound<'_, PyAny>,
) -> PyResult<Transaction> {
    let algorithm = algorithm(&key.getattr("algorithm")?.extract::<String>()?)?;
    let id = body.id(suite);
    let signature = key.call_method1("sign", (TRANSACTION_NAMESPACE, &id.0[..]))?;
    Ok(body.with_signature(suite, algorithm, signature.extract::<Vec<u8>>()?))
}

/// Signs one transaction for each draft; returns (identifier, bytes) of each, in order.
#[pyfunction]
fn sign<'py>(
    py: Python<'py>,
    suite_name: &str,
    chain_id: &[u8],
    sender: &[u8],
    key_index: u8,
    key: SigningKey<'py>,
    drafts: Vec<Draft>,
) -> PyResult<Vec<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)>> {
    let suite = suite(suite_name)?;
    let chain_id = ChainId(array(chain_id, "chain id")?);
    let sender = Address(array(sender, "sender")?);
    let bodies = drafts
        .into_iter()
        .map(|(nonce, until, calls)| unsigned(chain_id, sender, key_index, nonce, until, &calls))
        .collect::<PyResult<Vec<_>>>()?;
    let signed = match &key {
        SigningKey::Memory(key) => {
            let key = &key.0;
            detached(py, || bodies.into_iter().map(|body| body.sign(suite, key)).collect())?
        }
        SigningKey::Token(key) => {
            let key = &key.0;
            let signed = detached(py, || {
                bodies.into_iter().map(|body| sign_in_token(body, suite, key)).collect()
            })?;
            let signed: Result<Vec<_>, TokenError> = signed;
            signed.map_err(|error| of_token(&error))?
        }
        SigningKey::Object(key) => {
            let signed = bodies.into_iter().map(|body| sign_by_object(body, suite, key));
            signed.collect::<PyResult<_>>()?
        }
    };
    let signed: Vec<Transaction> = signed;
    signed
        .into_iter()
        .map(|transaction| {
            check_length(transaction.bytes.len())?;
            let id = PyBytes::new(py, &transaction.id.0);
            Ok((id, PyBytes::new(py, &transaction.bytes)))
        })
        .collect()
}

/// Index of the signer, nonce, last block time in Unix milliseconds, encoded calls.
type DraftOf = (usize, u64, u64, Vec<PyBackedBytes>);

/// Identifiers, and transactions as a batch holds them.
type Framed<'py> = (Vec<Bound<'py, PyBytes>>, Vec<Bound<'py, PyBytes>>);

/// Signs one transaction for each draft, in bulk; `signers` are (key, sender, key index). Returns
/// the identifiers, and the transactions with their lengths before them, in order.
#[pyfunction]
fn sign_many<'py>(
    py: Python<'py>,
    suite_name: &str,
    chain_id: &[u8],
    signers: Vec<(Py<SecretKey>, PyBackedBytes, u8)>,
    drafts: Vec<DraftOf>,
) -> PyResult<Framed<'py>> {
    let suite = suite(suite_name)?;
    let chain_id = ChainId(array(chain_id, "chain id")?);
    let signers = signers
        .iter()
        .map(|(key, sender, index)| Ok((&key.get().0, Address(array(sender, "sender")?), *index)))
        .collect::<PyResult<Vec<_>>>()?;
    let items = drafts
        .into_iter()
        .map(|(signer, nonce, until, calls)| {
            let (key, sender, key_index) = *signers.get(signer).ok_or_else(|| {
                bad_argument(format!("signer {signer}, expected below {}", signers.len()))
            })?;
            Ok((unsigned(chain_id, sender, key_index, nonce, until, &calls)?, key))
        })
        .collect::<PyResult<Vec<_>>>()?;
    let signed = detached(py, || sign_transactions(suite, &items))?;
    let mut framed = (Vec::with_capacity(signed.len()), Vec::with_capacity(signed.len()));
    for one in signed {
        check_length(one.bytes.len())?;
        framed.0.push(PyBytes::new(py, &one.id.0));
        framed.1.push(PyBytes::new_with(py, LENGTH_BYTES + one.bytes.len(), |place| {
            let (length, transaction) = place.split_at_mut(LENGTH_BYTES);
            length.copy_from_slice(&(one.bytes.len() as u32).to_be_bytes());
            transaction.copy_from_slice(&one.bytes);
            Ok(())
        })?);
    }
    Ok(framed)
}

fn check_length(length: usize) -> PyResult<()> {
    if length <= TRANSACTION_BYTES_MAX {
        return Ok(());
    }
    let message = format!("{length} bytes, at most {TRANSACTION_BYTES_MAX} allowed");
    Err(refuse(Code::TooLarge.name(), message))
}

fn parse(suite: Suite, bytes: &[u8]) -> PyResult<Transaction> {
    Transaction::from_bytes(suite, Bytes::copy_from_slice(bytes)).map_err(|error| of_decode(&error))
}

/// Reads a transaction into a dictionary of its fields; `calls` are encoded calls.
#[pyfunction]
fn decode<'py>(
    py: Python<'py>,
    suite_name: &str,
    transaction: &[u8],
) -> PyResult<Bound<'py, PyDict>> {
    let transaction = parse(suite(suite_name)?, transaction)?;
    let body = &transaction.body;
    let fields = PyDict::new(py);
    fields.set_item("id", PyBytes::new(py, &transaction.id.0))?;
    fields.set_item("chain_id", PyBytes::new(py, &body.chain_id.0))?;
    fields.set_item("sender", PyBytes::new(py, &body.sender.0))?;
    fields.set_item("key_index", body.key_index)?;
    fields.set_item("nonce", body.nonce)?;
    fields.set_item("valid_until_ms", body.valid_until_ms)?;
    let calls: Vec<_> = body.calls.iter().map(|call| PyBytes::new(py, &call.to_bytes())).collect();
    fields.set_item("calls", calls)?;
    fields.set_item("algorithm", transaction.algorithm.to_string())?;
    fields.set_item("signature", PyBytes::new(py, &transaction.signature))?;
    Ok(fields)
}

/// Says whether the transaction's signature is valid under `public_key`.
#[pyfunction]
fn verify_signature(
    py: Python<'_>,
    suite_name: &str,
    transaction: &[u8],
    public_key: &[u8],
) -> PyResult<bool> {
    let transaction = parse(suite(suite_name)?, transaction)?;
    detached(py, || trine_crypto::verify(transaction.batch_item(public_key)))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(sign, module)?)?;
    module.add_function(wrap_pyfunction!(sign_many, module)?)?;
    module.add_function(wrap_pyfunction!(decode, module)?)?;
    module.add_function(wrap_pyfunction!(verify_signature, module)?)
}
