//! Sign with keys that live in hardware tokens and never leave them (PKCS #11, version 2.40).
//!
//! [`Token::open`] loads a vendor's module, finds a token and logs in; [`TokenKey`] signs with one
//! key of it in any algorithm of the chain that the token has. [`PersistedVotes`] makes such a key
//! fit for a validator: tokens may sign the same vote differently each time, and two signatures of
//! one vote look like two votes.
//!
//! A wrong PIN is tried once: tokens count wrong PINs and lock themselves. A token that is pulled
//! and put back is found and logged into again, within a bounded time. A signature that does not
//! verify is never given out.
//!
//! ```no_run
//! use trine_crypto::Algorithm;
//! use trine_token::{KeyName, PinSource, Token, TokenConfig, TokenName};
//!
//! let config = TokenConfig::new(
//!     "/usr/lib/softhsm/libsofthsm2.so",
//!     TokenName::Label("validators".into()),
//!     PinSource::File("pin".into()),
//! );
//! let token = Token::open(config)?;
//! let key = token.generate(Algorithm::P256, &KeyName::label("alpha"))?;
//! let signature = key.sign(b"example", b"message")?;
//! # Ok::<(), trine_token::TokenError>(())
//! ```

#![forbid(unsafe_code)]

mod config;
mod connection;
mod error;
mod key;
mod mechanism;
mod module;
mod pin;
mod pool;
mod token;
mod votes;

pub use config::{
    KeyName, NAME_BYTES_MAX, PinSource, SESSIONS_MAX, Sm2Codes, TokenConfig, TokenName,
    WAIT_MS_DEFAULT, WAIT_MS_MAX,
};
pub use error::TokenError;
pub use key::{Health, TokenKey};
pub use token::Token;
pub use votes::{NAMESPACES_MAX, PersistedVotes, VOTES_MAX, VoteSource, VotesError};
