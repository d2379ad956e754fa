//! Make proof files for the API: a statement, the block under its certificate, the hand-overs.

use super::reader::{Attached, NodeReader};
use crate::reader::{ReadError, Subject};
use std::time::Duration;
use trine_ledger::history::History;
use trine_ledger::proofs::block::{EvidencePlace, evidence, transaction};
use trine_ledger::proofs::{FinalBlocks, ProofError, certificate, certified_chain};
use trine_types::limits::PROOF_HEADERS_MAX;
use trine_types::{Digest, Encode as _, Header, Height, LogId, TransactionId};
use trine_verify::{Certificate, CertifiedChain, Proof, Statement};

/// How often, and how long apart, a certificate is looked for that is on its way.
const CERTIFICATE_TRIES: usize = 40;
const CERTIFICATE_PAUSE: Duration = Duration::from_millis(50);

/// Headers and certificates of this node, for the library of proofs.
pub(super) struct Blocks<'a> {
    pub(super) reader: &'a NodeReader,
    pub(super) attached: &'a Attached,
}

impl FinalBlocks for Blocks<'_> {
    async fn header(&self, height: Height) -> Option<Header> {
        match self.reader.header(self.attached, height) {
            // History begins after the block with whose state the node began.
            Ok(None) => Some(self.attached.chain.block(height).await?.header().clone()),
            Ok(header) => header,
            Err(error) => {
                tracing::error!(%error, "reading a header for a proof");
                None
            }
        }
    }

    async fn certificate(&self, height: Height) -> Option<Certificate> {
        let found = self.attached.chain.certificate(height).await?;
        let certificate = certificate(&found);
        certificate.inspect_err(|error| tracing::error!(%error, %height, "a certificate")).ok()
    }
}

fn failed(error: impl std::fmt::Display) -> ReadError {
    ReadError(error.to_string())
}

impl NodeReader {
    /// The chain of headers from `height` to the next certificate, waiting a little where the
    /// block has just become final; none where it is still not there.
    async fn certified(
        &self,
        attached: &Attached,
        height: Height,
    ) -> Result<Option<CertifiedChain>, ReadError> {
        let blocks = Blocks { reader: self, attached };
        for _ in 0..CERTIFICATE_TRIES {
            match certified_chain(&blocks, height).await {
                Ok(chain) => return Ok(Some(chain)),
                Err(ProofError::NoCertificate(_) | ProofError::NoHeader(_)) => {
                    tokio::time::sleep(CERTIFICATE_PAUSE).await;
                }
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(None)
    }

    /// Joins a statement about the block at `height` with what shows that the block is final.
    async fn close(
        &self,
        attached: &Attached,
        statement: Statement,
        height: Height,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(chain) = self.certified(attached, height).await? else { return Ok(None) };
        let hand_overs = self.hand_overs_of(attached, &chain).await?;
        Ok(Some(Proof { statement, chain, hand_overs }.to_bytes(self.suite)))
    }

    async fn hand_overs_of(
        &self,
        attached: &Attached,
        chain: &CertifiedChain,
    ) -> Result<Vec<CertifiedChain>, ReadError> {
        let blocks = Blocks { reader: self, attached };
        self.hand_overs.until(&blocks, chain.certificate.epoch).await.map_err(failed)
    }

    /// Proof file about `subject`; none where there is no such subject under a certificate.
    pub(super) async fn prove(&self, subject: Subject) -> Result<Option<Vec<u8>>, ReadError> {
        let attached = self.attached()?;
        let state = &attached.state;
        let (statement, height) = match subject {
            Subject::Transaction(id) => match self.transaction_statement(attached, id).await? {
                Some(found) => found,
                None => return Ok(None),
            },
            Subject::Block(height) => (Statement::Block, height),
            Subject::Account(address) => {
                match state.prove_account(address).await.map_err(failed)? {
                    Some(found) => found,
                    None => return Ok(None),
                }
            }
            Subject::State(key) => state.prove_value(key).await.map_err(failed)?,
            Subject::Transfer { sender, reference } => {
                state.prove_transfer(sender, reference).await.map_err(failed)?
            }
            Subject::Misbehaviour(id) => match self.votes_statement(attached, id) {
                Some(found) => found,
                None => return Ok(None),
            },
            Subject::Entry { log, index } => {
                return Ok(self.prove_entries(log, index, 1).await?.pop());
            }
        };
        self.close(attached, statement, height).await
    }

    /// Conflicting votes, and the block that names the validators of their epoch.
    fn votes_statement(&self, attached: &Attached, id: Digest) -> Option<(Statement, Height)> {
        let kept = attached.chain.conflicts().list().into_iter().find(|one| one.id == id)?;
        let height = attached.chain.naming(kept.votes.epoch);
        Some((Statement::ConflictingVotes(Box::new(kept.votes.clone())), height))
    }

    async fn transaction_statement(
        &self,
        attached: &Attached,
        id: TransactionId,
    ) -> Result<Option<(Statement, Height)>, ReadError> {
        let Some(place) = self.history.transaction(&id).map_err(failed)? else { return Ok(None) };
        let height = place.location.height;
        let outcomes = self.history.outcomes(height).map_err(failed)?;
        let (Some(outcomes), Some(block)) = (outcomes, attached.chain.block(height).await) else {
            return Ok(None);
        };
        let encoded: Vec<(TransactionId, Vec<u8>)> =
            outcomes.iter().map(|(id, outcome)| (*id, outcome.to_bytes())).collect();
        let bodies = &block.inner().transactions;
        let index = place.location.place as usize;
        let statement = transaction(self.suite, bodies, &encoded, index);
        Ok(statement.map(|statement| (statement, height)))
    }

    /// Newest final block that has a certificate of its own.
    async fn newest_certified(&self, attached: &Attached) -> Option<Height> {
        let newest = self.history.last_height()?;
        for height in (0..=newest.0).rev().take(PROOF_HEADERS_MAX).map(Height) {
            if attached.chain.certificate(height).await.is_some() {
                return Some(height);
            }
        }
        None
    }

    /// Proof files about `count` entries of a log from `first` on, all against one header; fewer
    /// where the log, as that header commits it, ends.
    pub(super) async fn prove_entries(
        &self,
        log: LogId,
        first: u64,
        count: usize,
    ) -> Result<Vec<Vec<u8>>, ReadError> {
        let attached = self.attached()?;
        let Some(height) = self.newest_certified(attached).await else { return Ok(Vec::new()) };
        let Some(head) = self.forest.head_path(log, height) else { return Ok(Vec::new()) };
        let Some(chain) = self.certified(attached, height).await? else { return Ok(Vec::new()) };
        let hand_overs = self.hand_overs_of(attached, &chain).await?;
        let end = first.saturating_add(count as u64).min(head.size);
        let (history, suite) = (self.history.clone(), self.suite);
        // Up to a thousand paths are read and encoded: not on the reactor.
        let work = move || {
            let mut proofs = Vec::new();
            for index in first..end {
                let place = place(&history, log, index, &head)?;
                let statement = evidence(place)
                    .ok_or_else(|| ReadError(format!("log {log}, entry {index}: no path")))?;
                let (chain, hand_overs) = (chain.clone(), hand_overs.clone());
                proofs.push(Proof { statement, chain, hand_overs }.to_bytes(suite));
            }
            Ok(proofs)
        };
        tokio::task::spawn_blocking(work).await.map_err(failed)?
    }
}

fn place(
    history: &History,
    log: LogId,
    index: u64,
    head: &trine_ledger::evidence::HeadPath,
) -> Result<EvidencePlace, ReadError> {
    let missing = || ReadError(format!("log {log} has no entry {index} of {}", head.size));
    let store = history.evidence();
    let entry = store.entry(log, index).map_err(failed)?.ok_or_else(missing)?;
    let path = store.inclusion(log, index, head.size).map_err(failed)?.ok_or_else(missing)?;
    Ok(EvidencePlace {
        entry,
        log,
        index,
        size: head.size,
        path,
        logs: head.logs,
        logs_path: head.path.clone(),
    })
}
