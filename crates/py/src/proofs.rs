//! Verify receipts and proofs offline, and make receipts.

use crate::detached::detached;
use crate::errors::{bad_argument, refuse};
use crate::keys::suite;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use trine_types::limits::MEDIA_TYPE_BYTES_MAX;
use trine_types::{Digest, Encode};
use trine_verify::receipt::is_file_name;
use trine_verify::{Fact, FileFacts, Proof, Receipt, TrustAnchor, VerifiedProof, VerifyError};

fn of_verify(error: &VerifyError) -> PyErr {
    refuse(error.code(), error.to_string())
}

fn anchor(trust: &[u8]) -> PyResult<TrustAnchor> {
    TrustAnchor::from_json(trust).map_err(|error| of_verify(&error))
}

fn array(bytes: &[u8], what: &str) -> PyResult<[u8; 32]> {
    bytes
        .try_into()
        .map_err(|_| bad_argument(format!("{what}: {} bytes, expected 32", bytes.len())))
}

/// Reads a trust file into a dictionary: chain, chain_id, suite, epoch, validators (number).
#[pyfunction]
fn read_trust<'py>(py: Python<'py>, trust: &[u8]) -> PyResult<Bound<'py, PyDict>> {
    let anchor = anchor(trust)?;
    let fields = PyDict::new(py);
    fields.set_item("chain", anchor.chain())?;
    fields.set_item("chain_id", PyBytes::new(py, &anchor.chain_id().0))?;
    fields.set_item("suite", anchor.suite().to_string())?;
    fields.set_item("epoch", anchor.epoch().0)?;
    fields.set_item("validators", anchor.validators().len())?;
    Ok(fields)
}

/// Makes the receipt of a file from the proof of its entry. Nothing is verified.
#[pyfunction]
fn make_receipt<'py>(
    py: Python<'py>,
    suite_name: &str,
    proof: &[u8],
    salt: &[u8],
    name: String,
    size: u64,
    media_type: String,
) -> PyResult<Bound<'py, PyBytes>> {
    let suite = suite(suite_name)?;
    if !is_file_name(&name) || media_type.len() > MEDIA_TYPE_BYTES_MAX {
        return Err(bad_argument(format!("file name {name:?} or media type {media_type:?}")));
    }
    let salt = array(salt, "salt")?;
    let receipt = detached(py, || {
        let proof = Proof::from_bytes(suite, proof)?;
        Ok(Receipt { salt, name, size, media_type, proof }.to_bytes(suite))
    })?
    .map_err(|error| of_verify(&error))?;
    Ok(PyBytes::new(py, &receipt))
}

/// Splits a CBOR sequence (RFC 8742) into its items.
#[pyfunction]
fn split_sequence<'py>(py: Python<'py>, sequence: &[u8]) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    let mut decoder = minicbor::Decoder::new(sequence);
    let mut items = Vec::new();
    while decoder.position() < sequence.len() {
        let start = decoder.position();
        decoder.skip().map_err(|error| {
            refuse("bad_answer", format!("item {} of a CBOR sequence: {error}", items.len()))
        })?;
        items.push(PyBytes::new(py, &sequence[start..decoder.position()]));
    }
    Ok(items)
}

/// Says whether a receipt may carry this file name.
#[pyfunction]
fn is_receipt_name(name: &str) -> bool {
    is_file_name(name)
}

/// Verifies a receipt for a file with this digest and size; returns what it shows.
#[pyfunction]
fn verify_receipt<'py>(
    py: Python<'py>,
    trust: &[u8],
    receipt: &[u8],
    digest: &[u8],
    size: u64,
) -> PyResult<Bound<'py, PyDict>> {
    let anchor = anchor(trust)?;
    let file = FileFacts { digest: Digest(array(digest, "digest")?), size };
    let shown = detached(py, || trine_verify::verify_receipt(receipt, &anchor, &file))?
        .map_err(|error| of_verify(&error))?;
    let fields = PyDict::new(py);
    fields.set_item("chain", shown.chain)?;
    fields.set_item("height", shown.height.0)?;
    fields.set_item("time_ms", shown.time_ms)?;
    fields.set_item("block", PyBytes::new(py, &shown.block.0))?;
    fields.set_item("signers", shown.signers)?;
    fields.set_item("log", shown.log.0)?;
    fields.set_item("index", shown.index)?;
    fields.set_item("entry", PyBytes::new(py, &shown.entry.0))?;
    fields.set_item("name", shown.name)?;
    fields.set_item("media_type", shown.media_type)?;
    fields.set_item("size", shown.size)?;
    Ok(fields)
}

/// Reads what a receipt says about its file, before any verification.
#[pyfunction]
fn read_receipt<'py>(
    py: Python<'py>,
    suite_name: &str,
    receipt: &[u8],
) -> PyResult<Bound<'py, PyDict>> {
    let suite = suite(suite_name)?;
    let receipt =
        detached(py, || Receipt::from_bytes(suite, receipt))?.map_err(|error| of_verify(&error))?;
    let fields = PyDict::new(py);
    fields.set_item("name", receipt.name)?;
    fields.set_item("size", receipt.size)?;
    fields.set_item("media_type", receipt.media_type)?;
    Ok(fields)
}

fn fact<'py>(py: Python<'py>, fact: &Fact) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    let bytes = |value: &[u8]| PyBytes::new(py, value);
    match fact {
        Fact::Transaction { transaction, outcome } => {
            fields.set_item("kind", "transaction")?;
            fields.set_item("id", bytes(&transaction.id.0))?;
            fields.set_item("transaction", bytes(&transaction.bytes))?;
            fields.set_item("sender", bytes(&transaction.body.sender.0))?;
            fields.set_item("code", outcome.code.name())?;
            fields.set_item("outcome", bytes(&outcome.to_bytes()))?;
        }
        Fact::Block => fields.set_item("kind", "block")?,
        Fact::Account { address, account } => {
            fields.set_item("kind", "account")?;
            fields.set_item("address", bytes(&address.0))?;
            fields.set_item("organisation", account.organisation.0)?;
            fields.set_item("roles", account.roles.0)?;
            fields.set_item("frozen", account.frozen)?;
            fields.set_item("balance", account.balance.0)?;
            fields.set_item("algorithm", account.algorithm.to_string())?;
            fields.set_item("key", bytes(account.first_key()))?;
            fields.set_item("account", bytes(&account.to_bytes()))?;
        }
        Fact::Value { key, value } => {
            fields.set_item("kind", "state")?;
            fields.set_item("key", bytes(&key.0))?;
            fields.set_item("value", bytes(value))?;
        }
        Fact::Absence { key } => {
            fields.set_item("kind", "absence")?;
            fields.set_item("key", bytes(&key.0))?;
        }
        Fact::Evidence { entry, log, index, size } => {
            fields.set_item("kind", "evidence")?;
            fields.set_item("entry", bytes(&entry.0))?;
            fields.set_item("log", log.0)?;
            fields.set_item("index", *index)?;
            fields.set_item("size", *size)?;
        }
        Fact::Transfer { sender, reference, record } => {
            fields.set_item("kind", "transfer")?;
            fields.set_item("sender", bytes(&sender.0))?;
            fields.set_item("reference", bytes(reference))?;
            fields.set_item("transaction", bytes(&record.transaction.0))?;
            fields.set_item("transfer_height", record.height.0)?;
            fields.set_item("asset", record.asset.0)?;
            fields.set_item("to", bytes(&record.to.0))?;
            fields.set_item("amount", record.amount.0)?;
        }
        Fact::ConflictingVotes { votes, validator, id } => {
            fields.set_item("kind", "conflicting_votes")?;
            fields.set_item("id", bytes(&id.0))?;
            fields.set_item("conflict", votes.conflict.to_string())?;
            fields.set_item("validator", &validator.name)?;
            fields.set_item("organisation", validator.organisation.0)?;
            let (algorithm, key) = validator.key.parts().unzip();
            fields.set_item("algorithm", algorithm.map(|one| one.to_string()))?;
            fields.set_item("key", key.map(bytes))?;
            fields.set_item("epoch", votes.epoch.0)?;
            fields.set_item("view", votes.view)?;
        }
    }
    Ok(fields)
}

/// Verifies a proof; returns the block's facts and, under `fact`, what was shown about it.
#[pyfunction]
fn verify_proof<'py>(py: Python<'py>, trust: &[u8], proof: &[u8]) -> PyResult<Bound<'py, PyDict>> {
    let anchor = anchor(trust)?;
    let shown: VerifiedProof = detached(py, || trine_verify::verify_proof(proof, &anchor))?
        .map_err(|error| of_verify(&error))?;
    let fields = PyDict::new(py);
    fields.set_item("chain", shown.chain)?;
    fields.set_item("height", shown.header.height.0)?;
    fields.set_item("time_ms", shown.header.time_ms)?;
    fields.set_item("block", PyBytes::new(py, &shown.digest.0))?;
    fields.set_item("signers", shown.signers)?;
    fields.set_item("fact", fact(py, &shown.fact)?)?;
    Ok(fields)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(read_trust, module)?)?;
    module.add_function(wrap_pyfunction!(make_receipt, module)?)?;
    module.add_function(wrap_pyfunction!(split_sequence, module)?)?;
    module.add_function(wrap_pyfunction!(is_receipt_name, module)?)?;
    module.add_function(wrap_pyfunction!(read_receipt, module)?)?;
    module.add_function(wrap_pyfunction!(verify_receipt, module)?)?;
    module.add_function(wrap_pyfunction!(verify_proof, module)?)
}
