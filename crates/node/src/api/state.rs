//! Answer values of the cold state, raw by key and decoded for the other handlers.

use super::{Answer, Api, Shared, problem::Problem, request};
use axum::Json;
use axum::extract::{Path, State};
use serde_json::json;
use trine_types::record::{Counters, Parameters};
use trine_types::{Account, Address, Decode, StateKey, codec::to_hex};

impl Api {
    /// Reads and decodes one value of the newest final state.
    ///
    /// # Errors
    /// [`Problem`] when storage fails or holds what this version cannot read.
    pub(super) async fn record<T: Decode>(&self, key: StateKey) -> Result<Option<T>, Problem> {
        Ok(self.records(vec![key]).await?.pop().flatten())
    }

    /// As [`Api::record`], for several values.
    ///
    /// # Errors
    /// As [`Api::record`].
    pub(super) async fn records<T: Decode>(
        &self,
        keys: Vec<StateKey>,
    ) -> Result<Vec<Option<T>>, Problem> {
        let values = self.parts.reader.values(keys).await?;
        let decode = |value: Option<Vec<u8>>| {
            value.map(|bytes| T::from_bytes(&bytes)).transpose().map_err(Problem::internal)
        };
        values.into_iter().map(decode).collect()
    }

    /// Account in the newest final state.
    ///
    /// # Errors
    /// [`Problem`] `account_not_found`, or when storage fails.
    pub(super) async fn account(&self, address: Address) -> Result<Account, Problem> {
        let accounts = self.parts.reader.accounts(vec![address]).await?;
        accounts.into_iter().next().flatten().ok_or_else(|| {
            let detail = format!("{address} has no account on this chain");
            Problem::not_found("account_not_found", detail)
        })
    }

    /// How many of each thing exist.
    ///
    /// # Errors
    /// [`Problem`] before the first block, or when storage fails.
    pub(super) async fn counters(&self) -> Result<Counters, Problem> {
        let counters = self.record(StateKey::counters(self.parts.suite)).await?;
        counters.ok_or_else(Problem::not_ready)
    }

    /// The chain's parameters.
    ///
    /// # Errors
    /// As [`Api::counters`].
    pub(super) async fn parameters(&self) -> Result<Parameters, Problem> {
        let parameters = self.record(StateKey::parameters(self.parts.suite)).await?;
        parameters.ok_or_else(Problem::not_ready)
    }
}

/// Reads a state key of a path.
///
/// # Errors
/// [`Problem`] that says what was expected.
pub(super) fn key(text: &str) -> Result<StateKey, Problem> {
    let bytes = request::hex("key", text)?;
    let length = bytes.len();
    bytes.try_into().map(StateKey).map_err(|_| {
        let expected = StateKey::default().0.len();
        Problem::bad_request(format!("key: {length} bytes, expected {expected}"))
    })
}

/// `GET /v1/state/{key}`.
pub(super) async fn show(
    State(api): Shared,
    Path(text): Path<String>,
    request::Params(request::Nothing {}): request::Params<request::Nothing>,
) -> Answer {
    let key = key(&text)?;
    let value = api.parts.reader.values(vec![key]).await?.pop().flatten().ok_or_else(|| {
        Problem::not_found("state_not_found", format!("the state has no value under {text}"))
    })?;
    Ok(Json(json!({"key": to_hex(&key.0), "value": to_hex(&value)})))
}
