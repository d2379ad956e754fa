//! Read the parts of a request: path, query, body. Every fault is a problem document.

use crate::api::problem::Problem;
use axum::body::Body;
use axum::extract::{FromRequestParts, Query};
use axum::http::{StatusCode, request::Parts};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::Deserialize;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;
use trine_types::{Digest, codec::parse_hex, limits};

/// The query of a request, read strictly.
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: for<'de> Deserialize<'de>> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Query(value) = Query::try_from_uri(&parts.uri)
            .map_err(|error| Problem::bad_request(format!("query: {}", error.body_text())))?;
        Ok(Self(value))
    }
}

/// No parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Which part of a list is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// First number; the meaning depends on the list.
    pub from: Option<u64>,
    /// Number of items.
    pub limit: Option<usize>,
}

impl Page {
    /// Number of items asked for.
    ///
    /// # Errors
    /// [`Problem`] when it is zero or over the limit.
    pub fn limit(&self) -> Result<usize, Problem> {
        within("limit", self.limit.unwrap_or(limits::PAGE_LIMIT_DEFAULT), limits::PAGE_LIMIT_MAX)
    }
}

/// Accepts 1 to `max`.
///
/// # Errors
/// [`Problem`] that names the parameter, its value and the limit.
pub fn within(name: &str, value: usize, max: usize) -> Result<usize, Problem> {
    if (1..=max).contains(&value) {
        return Ok(value);
    }
    Err(Problem::bad_request(format!("{name} is {value}, expected 1 to {max}")))
}

/// How long a request may wait, in milliseconds.
///
/// # Errors
/// [`Problem`] over the limit.
pub fn wait(wait_ms: Option<u64>) -> Result<Option<Duration>, Problem> {
    match wait_ms {
        Some(wait_ms) if wait_ms > limits::WAIT_MS_MAX => {
            let max = limits::WAIT_MS_MAX;
            Err(Problem::bad_request(format!("wait_ms is {wait_ms}, at most {max} allowed")))
        }
        wait_ms => Ok(wait_ms.map(Duration::from_millis)),
    }
}

/// Reads a part of the path.
///
/// # Errors
/// [`Problem`] that says what was expected.
pub fn part<T: FromStr<Err: Display>>(
    name: &str,
    text: &str,
    expected: &str,
) -> Result<T, Problem> {
    text.parse().map_err(|error| {
        // What was given is shown only as far as it may be longer than anything expected.
        let shown: String = text.chars().take(80).collect();
        Problem::bad_request(format!("{name} {shown:?}, expected {expected}: {error}"))
    })
}

/// Reads bytes given in hexadecimal.
///
/// # Errors
/// [`Problem`] that says what was expected.
pub fn hex(name: &str, text: &str) -> Result<Vec<u8>, Problem> {
    parse_hex(text).map_err(|error| Problem::bad_request(format!("{name}: {error}")))
}

/// Reads a digest given in hexadecimal.
///
/// # Errors
/// [`Problem`] that says what was expected.
pub fn digest(text: &str) -> Result<Digest, Problem> {
    let bytes = hex("digest", text)?;
    let length = bytes.len();
    bytes.try_into().map(Digest).map_err(|_| {
        Problem::bad_request(format!("digest: {length} bytes, expected {}", Digest::LENGTH))
    })
}

/// Reads a body of at most `bytes_max` bytes in the time allowed.
///
/// # Errors
/// [`Problem`] when it is too large, too slow or broken off.
pub async fn body(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let time = Duration::from_millis(limits::BODY_MS_MAX);
    let read = tokio::time::timeout(time, Limited::new(body, bytes_max).collect()).await;
    let Ok(read) = read else {
        let detail = format!("the body took longer than {} ms", limits::BODY_MS_MAX);
        return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", detail));
    };
    match read {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let detail = format!("the body has more than {bytes_max} bytes, the most allowed");
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail))
        }
        Err(error) => Err(Problem::bad_request(format!("the body ended early: {error}"))),
    }
}
