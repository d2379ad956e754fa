//! Write every vote down before it is given out, and give the same bytes when it is asked again.
//!
//! A validator that signs one vote twice with different bytes looks like one that cheats, and a
//! token may do so: ECDSA and SM2 in hardware draw a random number for each signature. Here every
//! signature is synced to disk before anybody sees it:
//!
//! 1. ask the log for the signature of this namespace and message; if it has one, give that;
//! 2. sign;
//! 3. append signature and checksum to the log, sync;
//! 4. give the signature out.
//!
//! A crash before 3 is done loses a signature that nobody saw. A crash after it gives the same
//! bytes at the next start. A record that is cut off at the end of the log was never synced, so
//! never given out, and is dropped; any other damage is refused.
//!
//! When the token is lost for longer than its configuration waits, or the log cannot be written,
//! the votes end: no signature is given any more, [`PersistedVotes::ended`] says why, and the
//! caller's `on_end` ends the node.

mod log;

pub use log::{NAMESPACES_MAX, VOTES_MAX, VotesError};

use crate::{TokenError, TokenKey};
use log::VoteLog;
use std::{
    fmt,
    path::Path,
    sync::{Mutex, OnceLock, PoisonError},
};
use trine_crypto::{RAW_SIGNATURE_BYTES, Signing, VoteKey, VoteSignature};

/// Whoever makes a validator's signatures, and may fail to.
pub trait VoteSource: Send + Sync {
    /// The key that checks the signatures; none where validators may not use its algorithm.
    fn vote_key(&self) -> Option<VoteKey>;

    /// Signs `length(namespace) || namespace || message`, each time as it likes.
    ///
    /// # Errors
    /// [`TokenError`] when there is no signature and will be none.
    fn sign_vote(&self, namespace: &[u8], message: &[u8]) -> Result<VoteSignature, TokenError>;
}

impl VoteSource for TokenKey {
    fn vote_key(&self) -> Option<VoteKey> {
        VoteKey::new(self.algorithm(), self.public_key())
    }

    fn sign_vote(&self, namespace: &[u8], message: &[u8]) -> Result<VoteSignature, TokenError> {
        let signature = self.sign(namespace, message)?;
        // Votes have no hint: it may follow in signatures of transactions.
        let raw = signature.first_chunk::<RAW_SIGNATURE_BYTES>();
        Ok(VoteSignature::from(*raw.expect("a completed signature begins with the raw one")))
    }
}

/// What is told once when no vote can be signed any more.
pub type OnEnd = Box<dyn Fn(&VotesError) + Send + Sync>;

/// A validator's signer whose signatures survive a crash.
///
/// It alone makes a [`TokenKey`] a [`Signing`]: a token that voted without it could equivocate.
pub struct PersistedVotes<S> {
    source: S,
    key: VoteKey,
    log: Mutex<VoteLog>,
    ended: OnceLock<VotesError>,
    on_end: OnEnd,
}

impl<S> fmt::Debug for PersistedVotes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersistedVotes({})", self.key)
    }
}

impl<S: VoteSource> PersistedVotes<S> {
    /// Opens the log at `file`, or begins one. `on_end` is called once, when no vote can be signed
    /// any more.
    ///
    /// # Errors
    /// [`VotesError`] for a log that is damaged, of another key or cannot be written.
    pub fn open(source: S, file: &Path, on_end: OnEnd) -> Result<Self, VotesError> {
        let key = source.vote_key().ok_or(VotesError::NotForValidators)?;
        let log = Mutex::new(VoteLog::open(file, &key)?);
        Ok(Self { source, key, log, ended: OnceLock::new(), on_end })
    }

    /// Why no vote is signed any more.
    pub fn ended(&self) -> Option<&VotesError> {
        self.ended.get()
    }

    fn try_sign(&self, namespace: &[u8], message: &[u8]) -> Result<VoteSignature, VotesError> {
        // One at a time: two callers that ask for the same vote get the same bytes. A panic while
        // it was held left the log as it was, or with a record more: both are whole.
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let vote = log::Vote::new(namespace, message);
        if let Some(signature) = log.find(&vote) {
            return Ok(signature);
        }
        let signature = self.source.sign_vote(namespace, message)?;
        log.append(vote, signature.clone())?;
        Ok(signature)
    }
}

impl<S: VoteSource> Signing for PersistedVotes<S> {
    fn public_key(&self) -> VoteKey {
        self.key.clone()
    }

    fn sign(&self, namespace: &[u8], message: &[u8]) -> Option<VoteSignature> {
        if self.ended.get().is_some() {
            return None;
        }
        match self.try_sign(namespace, message) {
            Ok(signature) => Some(signature),
            Err(error) => {
                tracing::error!(%error, code = error.code(), "no vote can be signed any more");
                if self.ended.set(error.clone()).is_ok() {
                    (self.on_end)(&error);
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
