//! Look one payment up: ask a node by the UETR, fetch the proof, verify it without the node.

use super::{FinalPayment, Tally};
use crate::client::Client;
use crate::process::thread_cpu;
use crate::shared::lock;
use bytes::Bytes;
use serde::Deserialize;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use trine_types::genesis::GenesisError;
use trine_types::{Address, AssetId, Epoch, Genesis, Height};
use trine_verify::{Fact, TrustAnchor, VerifyError, verify_proof};

/// Pause before a node is asked again.
const AGAIN: Duration = Duration::from_millis(25);

/// The validators of the genesis; every proof must lead from them to its block.
#[derive(Clone)]
pub struct Committee(Arc<TrustAnchor>);

impl Committee {
    /// Reads the first validators of a chain.
    ///
    /// # Errors
    /// [`VerifyError::Trust`] when the genesis names none that can be trusted.
    pub fn of(genesis: &Genesis) -> Result<Self, VerifyError> {
        let refused = |problem: GenesisError| VerifyError::Trust(problem.to_string());
        let suite = genesis.suite().map_err(refused)?;
        let validators = genesis.validator_set().map_err(refused)?;
        let validators = validators.as_slice().iter().map(Into::into).collect();
        let (name, chain_id) = (genesis.name.clone(), genesis.chain_id());
        TrustAnchor::new(name, chain_id, suite, Epoch(0), validators).map(Arc::new).map(Self)
    }
}

/// How a lookup ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A valid proof shows the payment as it was sent.
    Proven,
    /// No node showed it in time.
    NotFound,
    /// A proof did not verify.
    InvalidProof,
    /// A node showed another payment, several, or one that differs from what was sent.
    Different,
}

/// One try: a verdict, or what to say of the node that should be asked again.
type Try = Result<Verdict, String>;

#[derive(Deserialize)]
struct Found {
    transfers: Vec<FoundTransfer>,
}

#[derive(Deserialize)]
struct FoundTransfer {
    sender: Address,
}

/// Looks `wanted` up on one node until it is proven, or until `until`.
pub async fn look_up(
    client: &Client,
    committee: &Committee,
    wanted: &FinalPayment,
    until: Instant,
    tally: &Mutex<Tally>,
) -> Verdict {
    loop {
        let attempt = attempt(client, committee, wanted, tally);
        let problem = match tokio::time::timeout_at(until.into(), attempt).await {
            Ok(Ok(verdict)) => return verdict,
            Ok(Err(problem)) => problem,
            Err(_) => "timeout".to_owned(),
        };
        lock(tally).again(problem);
        if Instant::now() + AGAIN >= until {
            return Verdict::NotFound;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn attempt(
    client: &Client,
    committee: &Committee,
    wanted: &FinalPayment,
    tally: &Mutex<Tally>,
) -> Try {
    let uetr = wanted.payment.uetr;
    let found = get(client, &format!("/v1/transfers?reference={uetr}")).await?;
    let Found { transfers } =
        serde_json::from_slice(&found).map_err(|_| "bad_answer".to_owned())?;
    let sender = match &transfers[..] {
        [] => return Err("transfer_not_found".to_owned()),
        [only] => only.sender,
        _ => return Ok(Verdict::Different),
    };
    let proof = get(client, &format!("/v1/transfers/{sender}/{uetr}/proof")).await?;
    let (committee, wanted, proof_bytes) = (committee.clone(), *wanted, proof.len());
    // Signatures are checked beside the reactor, which keeps the load's schedule.
    let work = move || {
        let before = thread_cpu();
        let verdict = judge(&proof, &committee, &wanted);
        (verdict, thread_cpu().saturating_sub(before))
    };
    let checked = tokio::task::spawn_blocking(work).await;
    let (verdict, cpu) = checked.map_err(|error| error.to_string())?;
    lock(tally).verified(cpu, proof_bytes);
    verdict
}

async fn get(client: &Client, path: &str) -> Result<Bytes, String> {
    match client.get(path).await {
        Ok((status, body)) if status.is_success() => Ok(body),
        Ok((status, _)) => Err(format!("status_{}", status.as_u16())),
        Err(_) => Err("cannot_reach_node".to_owned()),
    }
}

/// Verifies a proof and compares what it shows with what was sent.
fn judge(proof: &[u8], committee: &Committee, wanted: &FinalPayment) -> Try {
    match verify_proof(proof, &committee.0) {
        Ok(shown) => compare(&shown.fact, shown.header.height, wanted),
        Err(_) => Ok(Verdict::InvalidProof),
    }
}

/// Compares what was proven of the state at `height` with what was sent.
fn compare(fact: &Fact, height: Height, wanted: &FinalPayment) -> Try {
    let Fact::Transfer { sender, reference, record } = fact else {
        // The node proved from a state before the payment's block that there is none.
        let absent = matches!(fact, Fact::Absence { .. });
        return match absent && height < wanted.height {
            true => Err("proof_of_older_state".to_owned()),
            false => Ok(Verdict::Different),
        };
    };
    let sent = &wanted.payment;
    let same = *sender == sent.sender
        && reference[..] == sent.uetr.0
        && record.to == sent.to
        && record.amount == sent.amount
        && record.asset == AssetId::PRIMARY
        && record.transaction == wanted.transaction
        && record.height == wanted.height
        && height >= wanted.height;
    Ok(if same { Verdict::Proven } else { Verdict::Different })
}

#[cfg(test)]
mod tests;
