//! Assemble proof files: statements from the stores, headers and certificates around them.
//!
//! A proof is made in two steps. First the statement: [`state::account`] and [`state::value`] ask
//! the databases and say under which root the answer stands, [`block::transaction`] and
//! [`block::evidence`] take what history and evidence index hold. Then [`certified_chain`] shows
//! that the block with that root is final, and [`HandOvers`] leads from the first validators to
//! its own. `docs/reference/proofs.md` specifies the result, `trine_verify` checks it.

pub mod block;
pub mod state;

use crate::preset::Finalization;
use commonware_codec::types::lazy::Lazy;
use futures::lock::Mutex;
use std::future::Future;
use trine_crypto::VoteSignature;
use trine_types::{
    Digest, Epoch, EpochChange, Header, Height, ValidatorKey, ValidatorSet,
    limits::{PROOF_HANDOVERS_MAX, PROOF_HEADERS_MAX},
};
use trine_verify::{Certificate, CertifiedChain, certificate::SIGNATURE_BYTES};

/// Why a proof cannot be made now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The state databases failed.
    #[error("state database: {0}")]
    Database(String),
    /// A header is not stored here.
    #[error("the header of height {0} is not stored here")]
    NoHeader(Height),
    /// No certificate above the block is stored here.
    #[error("no certificate of height {0} or of the {max} heights after it is stored here",
        max = PROOF_HEADERS_MAX - 1)]
    NoCertificate(Height),
    /// The validators changed more often than a proof can tell.
    #[error("the validators changed over {PROOF_HANDOVERS_MAX} times, a proof holds no more")]
    TooManyHandOvers,
    /// A stored part contradicts another.
    #[error("{0} does not fit the rest of the proof")]
    Inconsistent(&'static str),
}

/// Final headers and their certificates, as this node stores them.
pub trait FinalBlocks: Sync {
    /// Header at a height.
    fn header(&self, height: Height) -> impl Future<Output = Option<Header>> + Send;

    /// Certificate of the block at a height; a final block can lack one of its own.
    fn certificate(&self, height: Height) -> impl Future<Output = Option<Certificate>> + Send;
}

/// Rewrites a certificate of the engine for proof files.
///
/// # Errors
/// [`ProofError::Inconsistent`] for one whose signatures do not decode; verified ones do.
pub fn certificate(finalization: &Finalization) -> Result<Certificate, ProofError> {
    let proposal = &finalization.proposal;
    let parts = &finalization.certificate;
    let mut signers = vec![0; parts.signers.len().div_ceil(8)];
    for signer in parts.signers.iter() {
        let index = signer.get() as usize;
        signers[index / 8] |= 1 << (index % 8);
    }
    let signature =
        |lazy: &Lazy<VoteSignature>| <[u8; SIGNATURE_BYTES]>::try_from(lazy.get()?.as_ref()).ok();
    let signatures = parts.signatures.iter().map(signature).collect::<Option<_>>();
    Ok(Certificate {
        epoch: Epoch(proposal.round.epoch().get()),
        view: proposal.round.view().get(),
        parent_view: proposal.parent.get(),
        digest: Digest(proposal.payload.0),
        signers,
        signatures: signatures.ok_or(ProofError::Inconsistent("a signature"))?,
    })
}

/// Collects the header at `height` and those after it, up to the first with a certificate.
///
/// # Errors
/// [`ProofError`] when a header or every certificate in reach is missing.
pub async fn certified_chain(
    blocks: &impl FinalBlocks,
    height: Height,
) -> Result<CertifiedChain, ProofError> {
    let mut headers = Vec::new();
    for place in 0..PROOF_HEADERS_MAX as u64 {
        let at = Height(height.0.saturating_add(place));
        let Some(header) = blocks.header(at).await else {
            // Above the tip there is nothing; below it, something is missing.
            return Err(match place {
                0 => ProofError::NoHeader(at),
                _ => ProofError::NoCertificate(height),
            });
        };
        headers.push(header);
        if let Some(certificate) = blocks.certificate(at).await {
            return Ok(CertifiedChain { headers, certificate });
        }
    }
    Err(ProofError::NoCertificate(height))
}

/// Remembers the blocks at which the validators changed.
#[derive(Debug)]
pub struct HandOvers {
    blocks_per_epoch: u64,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// First epoch whose end was not looked at.
    next: Epoch,
    /// Validators of that epoch.
    validators: ValidatorSet,
    found: Vec<(Epoch, CertifiedChain)>,
}

impl HandOvers {
    /// Starts at the first epoch, with the validators of the genesis block.
    pub fn new(blocks_per_epoch: u64, validators: ValidatorSet) -> Self {
        let known = Known { next: Epoch(0), validators, found: Vec::new() };
        Self { blocks_per_epoch, known: Mutex::new(known) }
    }

    /// Starts at an epoch whose beginning is not stored here, with its validators and the verified
    /// hand-overs before it, each with the epoch that it ends.
    pub fn starting_at(
        blocks_per_epoch: u64,
        change: &EpochChange,
        found: Vec<(Epoch, CertifiedChain)>,
    ) -> Self {
        let validators = change.validators.clone();
        let known = Known { next: change.epoch, validators, found };
        Self { blocks_per_epoch, known: Mutex::new(known) }
    }

    /// Returns the hand-overs from the first validators to those of `epoch`, oldest first.
    ///
    /// # Errors
    /// [`ProofError`] when a header or certificate at an epoch's end is missing.
    pub async fn until(
        &self,
        blocks: &impl FinalBlocks,
        epoch: Epoch,
    ) -> Result<Vec<CertifiedChain>, ProofError> {
        let mut known = self.known.lock().await;
        while known.next < epoch {
            self.look(&mut known, blocks).await?;
        }
        let before = known.found.iter().filter(|(end, _)| *end < epoch);
        let hand_overs: Vec<_> = before.map(|(_, hand_over)| hand_over.clone()).collect();
        match hand_overs.len() <= PROOF_HANDOVERS_MAX {
            true => Ok(hand_overs),
            false => Err(ProofError::TooManyHandOvers),
        }
    }

    /// Looks at the end of one more epoch.
    async fn look(&self, known: &mut Known, blocks: &impl FinalBlocks) -> Result<(), ProofError> {
        let after = known.next.0.checked_add(1);
        let last = after.and_then(|next| next.checked_mul(self.blocks_per_epoch));
        let last = last.map(|next| Height(next - 1)).ok_or(ProofError::Inconsistent("an epoch"))?;
        let header = blocks.header(last).await.ok_or(ProofError::NoHeader(last))?;
        let change = header.epoch_change.as_ref();
        let change = change.ok_or(ProofError::Inconsistent("the end of an epoch"))?;
        let validators = change.validators.clone();
        if keys(&validators) != keys(&known.validators) {
            let hand_over = certified_chain(blocks, last).await?;
            known.found.push((known.next, hand_over));
        }
        *known = Known { next: change.epoch, validators, found: std::mem::take(&mut known.found) };
        Ok(())
    }
}

fn keys(validators: &ValidatorSet) -> Vec<ValidatorKey> {
    validators.as_slice().iter().map(|validator| validator.key).collect()
}
