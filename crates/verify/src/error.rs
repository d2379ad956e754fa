//! Say in one sentence what does not match.

use trine_types::{ChainId, DecodeError, Digest, Epoch, Height};

/// Why a proof or receipt was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The input is something else.
    #[error("this is not a {0} file")]
    NotA(&'static str),
    /// The input starts well and ends before its end.
    #[error("this {0} file ends early: part of it is missing")]
    Truncated(&'static str),
    /// The input is over the limit.
    #[error("the file has {actual} bytes, at most {limit} are read")]
    TooLarge {
        /// Bytes given.
        actual: usize,
        /// Largest number read.
        limit: usize,
    },
    /// The trust file cannot be used.
    #[error("the trust file cannot be used: {0}")]
    Trust(String),

    /// The seal is not that of the body.
    #[error("the file was altered or damaged: its seal does not match its contents")]
    Damaged,
    /// A later format.
    #[error("the file has version {0} of the format, this verifier knows version 1")]
    UnknownVersion(u64),
    /// A part breaks the rules of the format.
    #[error("the {part} is malformed: {problem}")]
    Malformed {
        /// What was read.
        part: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A part holds a field that must not be ignored and that this verifier does not know.
    #[error("the {part} has an unknown field {key}, a later version may know it")]
    UnknownKey {
        /// What was read.
        part: &'static str,
        /// Key of the field.
        key: u64,
    },
    /// The proof is of another chain than the trust file.
    #[error("the proof is of chain {found}, the trust file of chain {expected}")]
    OtherChain {
        /// Chain in the header.
        found: ChainId,
        /// Chain in the trust file.
        expected: ChainId,
    },
    /// A header does not follow the one before it.
    #[error("the header of height {0} does not follow the header before it")]
    BrokenChain(Height),
    /// The certificate names another block.
    #[error("the certificate is of block {found}, the header has digest {expected}")]
    OtherBlock {
        /// Digest in the certificate.
        found: Digest,
        /// Digest of the header.
        expected: Digest,
    },
    /// The certificate is of another epoch.
    #[error("the certificate is of epoch {found}, expected epoch {expected}")]
    WrongEpoch {
        /// Epoch in the certificate.
        found: Epoch,
        /// Epoch expected.
        expected: Epoch,
    },
    /// An epoch lies before the one from which the verifier trusts.
    #[error("epoch {found} lies before epoch {trusted}, from which the validators are trusted")]
    EpochBeforeTrust {
        /// Epoch found.
        found: Epoch,
        /// First epoch of the trusted validators.
        trusted: Epoch,
    },
    /// The field of signers is not one of the set.
    #[error("the certificate's signers do not fit a set of {0} validators")]
    BadSigners(usize),
    /// Too few validators signed.
    #[error("{found} validators signed, at least {needed} of {validators} must")]
    TooFewSignatures {
        /// Signatures found.
        found: usize,
        /// Signatures needed.
        needed: usize,
        /// Validators in the set.
        validators: usize,
    },
    /// A signature does not verify.
    #[error("the signature of validator {0} does not verify")]
    BadSignature(String),
    /// A hand-over's header does not end an epoch.
    #[error("the header of height {0} hands over to no next epoch")]
    NotAHandOver(Height),
    /// Something is not under the root that should commit to it.
    #[error("the {what} is not in the block: the path leads to another {root}")]
    NotIncluded {
        /// What was to be shown.
        what: &'static str,
        /// Root that was not reached.
        root: &'static str,
    },
    /// The state proof shows a value that is not current.
    #[error("the {0} is not current: its activity bit is not set")]
    NotCurrent(&'static str),
    /// The key to be shown absent is not between its neighbours.
    #[error("the proof does not show that the key has no value")]
    NotAbsent,
    /// The record is of another transfer.
    #[error("the transfer record has another reference")]
    OtherReference,
    /// The header says nothing of the validators of the votes' epoch.
    #[error("the header of height {height} does not name the validators of epoch {epoch}")]
    NotNamed {
        /// Height of the header.
        height: Height,
        /// Epoch of the votes.
        epoch: Epoch,
    },
    /// The votes are of somebody else.
    #[error("the key under the votes is that of no validator of epoch {0}")]
    NotAValidator(Epoch),
    /// The votes do not exclude each other.
    #[error("the votes do not exclude each other: expected two proposals in ascending order")]
    NoConflict,
    /// The receipt is about another kind of statement.
    #[error("the receipt holds no proof of an evidence entry")]
    NotAnEntry,
    /// The file at hand has another size.
    #[error("the file has {found} bytes, the receipt is of a file of {expected} bytes")]
    OtherSize {
        /// Bytes of the file at hand.
        found: u64,
        /// Bytes in the receipt.
        expected: u64,
    },
    /// The file at hand has other contents.
    #[error("the file's contents are not those that were recorded")]
    FileAltered,
}

impl VerifyError {
    /// Whether the input is no proof or receipt at all, or only part of one, or the trust file is
    /// unusable (exit code 5); otherwise something does not match (exit code 1).
    pub const fn is_bad_input(&self) -> bool {
        matches!(self, Self::NotA(_) | Self::Truncated(_) | Self::TooLarge { .. } | Self::Trust(_))
    }

    /// Stable code of the error in HTTP, SDK and command line.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotA(_) => "not_a_proof",
            Self::Truncated(_) => "proof_truncated",
            Self::TooLarge { .. } => "proof_too_large",
            Self::Trust(_) => "bad_trust_file",
            Self::UnknownVersion(_) | Self::UnknownKey { .. } => "proof_version",
            Self::OtherChain { .. } => "wrong_trust",
            Self::OtherSize { .. } | Self::FileAltered => "file_altered",
            _ => "proof_mismatch",
        }
    }

    pub(crate) fn malformed(part: &'static str, problem: impl ToString) -> Self {
        Self::Malformed { part, problem: problem.to_string() }
    }

    pub(crate) fn decode(part: &'static str) -> impl FnOnce(DecodeError) -> Self {
        move |error| Self::malformed(part, error)
    }
}
