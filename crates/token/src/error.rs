//! Say what a token refused, and what its owner can do.

use crate::{KeyName, PinSource, TokenName};
use std::path::PathBuf;
use trine_crypto::Algorithm;

/// Why a token did not do what was asked. No message holds a PIN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The configuration is out of range.
    #[error("{field} of the token is {value}, expected {expected}")]
    Config {
        /// Field.
        field: &'static str,
        /// Value found.
        value: String,
        /// What would be accepted.
        expected: String,
    },
    /// The module cannot be loaded, or is no PKCS #11 module.
    #[error(
        "cannot load the PKCS #11 module {}: {reason}; \
         give the path of the library that the token's vendor installs", path.display()
    )]
    Module {
        /// The library.
        path: PathBuf,
        /// What its loading ended with.
        reason: String,
    },
    /// No slot holds the token.
    #[error("no token {token} in any slot (found: {found}); plug it in or correct its name")]
    Missing {
        /// The token.
        token: TokenName,
        /// Labels and serial numbers of the tokens that are there.
        found: String,
    },
    /// Several slots hold a token of that name.
    #[error("{count} tokens are called {token}; name it by its serial number")]
    Ambiguous {
        /// The token.
        token: TokenName,
        /// How many there are.
        count: usize,
    },
    /// The PIN cannot be read.
    #[error("cannot take the PIN from {from}: {reason}")]
    Pin {
        /// Where it should be.
        from: PinSource,
        /// What is wrong there.
        reason: String,
    },
    /// The token refused the PIN, now or before.
    #[error(
        "the PIN in {from} is wrong for the token {token}{}; it is not tried again: \
         correct it, then start again",
        if *before { " (refused before, not tried now)" } else { "" }
    )]
    WrongPin {
        /// The token.
        token: TokenName,
        /// Where the PIN is.
        from: PinSource,
        /// Whether it was refused at an earlier time and not sent to the token now.
        before: bool,
    },
    /// The token accepts no PIN any more, or would lock itself at the next wrong one.
    #[error(
        "the token {token} {}; {}",
        if *final_try { "locks at the next wrong PIN, so none is tried" } else { "is locked" },
        if *final_try { "log in once with the vendor's tool" }
        else { "its security officer can set a new PIN with the vendor's tool" }
    )]
    PinLocked {
        /// The token.
        token: TokenName,
        /// Whether one try is left.
        final_try: bool,
    },
    /// The token has no such key.
    #[error(
        "the token {token} has no {part} key {key} (keys there: {found}); correct its name, \
         or make it with `trine key new --pkcs11`"
    )]
    KeyMissing {
        /// The token.
        token: TokenName,
        /// The key.
        key: KeyName,
        /// The half that is missing: "private" or "public".
        part: &'static str,
        /// Labels of the keys that are there.
        found: String,
    },
    /// Several keys have that name.
    #[error("the token {token} has {count} keys {key}; name one by its id too")]
    KeyAmbiguous {
        /// The token.
        token: TokenName,
        /// The key.
        key: KeyName,
        /// How many there are.
        count: usize,
    },
    /// A new key would have the name of another.
    #[error(
        "the token {token} has a key {key} already; keys are never replaced, take another name"
    )]
    KeyExists {
        /// The token.
        token: TokenName,
        /// The key.
        key: KeyName,
    },
    /// The key is of no algorithm that this release signs with.
    #[error("the key {key} of the token {token} cannot serve: {reason}")]
    KeyUnusable {
        /// The token.
        token: TokenName,
        /// The key.
        key: KeyName,
        /// What it is.
        reason: String,
    },
    /// The token does not offer what the algorithm needs.
    #[error(
        "the token {token} has no {mechanism} for {algorithm} keys; \
         take an algorithm that it offers{}",
        if *algorithm == Algorithm::P256 || *algorithm == Algorithm::Ed25519 { "" }
        else { ", or configure its vendor's mechanism numbers" }
    )]
    Mechanism {
        /// The token.
        token: TokenName,
        /// Algorithm of the key.
        algorithm: Algorithm,
        /// Name or number of the mechanism.
        mechanism: String,
    },
    /// The token was pulled, or does not answer, for longer than is waited.
    #[error("lost the token {token}, waited {wait_ms} ms ({reason}); plug it in and start again")]
    Lost {
        /// The token.
        token: TokenName,
        /// Time waited, in milliseconds.
        wait_ms: u64,
        /// Its last answer.
        reason: String,
    },
    /// The token gave a signature that does not verify; it was not given out.
    #[error(
        "the signature that the token {token} made with {key} does not verify under the key that \
         was opened; the token was exchanged, is defective, or its mechanism is not {algorithm}"
    )]
    Signature {
        /// The token.
        token: TokenName,
        /// The key.
        key: KeyName,
        /// Algorithm of the key.
        algorithm: Algorithm,
    },
    /// The token refused an operation for a reason of its own.
    #[error("the token {token} refused: {reason}; see the documents of its vendor")]
    Refused {
        /// The token.
        token: TokenName,
        /// Function and answer.
        reason: String,
    },
}

impl TokenError {
    /// The stable code of the error; `trine explain CODE` tells cause and remedy.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Config { .. } => "bad_token_configuration",
            Self::Module { .. } => "token_module",
            Self::Missing { .. } => "token_missing",
            Self::Ambiguous { .. } => "token_ambiguous",
            Self::Pin { .. } => "pin_unreadable",
            Self::WrongPin { .. } => "wrong_pin",
            Self::PinLocked { .. } => "pin_locked",
            Self::KeyMissing { .. } => "key_missing",
            Self::KeyAmbiguous { .. } => "key_ambiguous",
            Self::KeyExists { .. } => "token_key_exists",
            Self::KeyUnusable { .. } => "key_unusable",
            Self::Mechanism { .. } => "mechanism_missing",
            Self::Lost { .. } => "token_lost",
            Self::Signature { .. } => "token_signature",
            Self::Refused { .. } => "token_refused",
        }
    }
}
