//! Let a validator vote with a key in a hardware token.

use crate::{config::ValidatorToken, node::Control};
use std::{path::Path, sync::Arc};
use trine_crypto::Suite;
use trine_token::{PersistedVotes, Token, TokenKey, VotesError};

/// The votes already signed, in the node's data folder.
const LOG: &str = "token-votes.log";

/// A validator's signer in a token.
pub type TokenVotes = Arc<PersistedVotes<TokenKey>>;

/// Opens the token, checks that it signs, and opens the log of its votes in `data`.
///
/// A token that is lost for longer than its configuration waits ends the node through `control`:
/// [`PersistedVotes::ended`] then says why.
///
/// # Errors
/// [`VotesError`] that says what to change.
pub fn open(
    validator: &ValidatorToken,
    suite: Suite,
    data: &Path,
    control: &Control,
) -> Result<TokenVotes, VotesError> {
    let key = Token::open(validator.token.clone())?.key(&validator.key)?;
    if !suite.admits_validator(key.algorithm()) {
        return Err(VotesError::NotForValidators);
    }
    let health = key.health()?;
    tracing::info!(?key, took_us = health.took.as_micros() as u64, "votes with a token's key");
    let control = control.clone();
    let votes = PersistedVotes::open(key, &data.join(LOG), Box::new(move |_| control.stop()))?;
    Ok(Arc::new(votes))
}
