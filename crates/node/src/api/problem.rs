//! Answer every error with a problem document (RFC 9457) that carries a stable code.

use crate::mempool::refusal::Refusal;
use crate::reader::ReadError;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use trine_types::Code;

/// Codes of the interface beside those of the chain.
pub const CODES: &[(&str, &str)] = &[
    ("transaction_not_found", "No such final transaction"),
    ("block_not_found", "No such final block"),
    ("account_not_found", "No such account"),
    ("state_not_found", "No such value"),
    ("entry_not_found", "No such evidence entry"),
    ("transfer_not_found", "No such transfer"),
    ("organisation_not_found", "No such organisation"),
    ("asset_not_found", "No such asset"),
    ("log_not_found", "No such evidence log"),
    ("proposal_not_found", "No such proposal"),
    ("misbehaviour_not_found", "No such evidence of misbehaviour"),
    ("certificate_not_found", "The account has no certificate"),
    ("unsigned_read", "The chain is not read by anyone"),
    ("stale_read", "The request was signed at another time"),
    ("bad_read_signature", "The request's signature does not hold"),
    ("no_read_access", "The account may not read the chain"),
    ("bad_request", "The request is not understood"),
    ("too_large", "The request is too large"),
    ("pending_full", "Too many transactions wait"),
    ("duplicate", "The transaction waits already"),
    ("busy", "Too many requests at the same time"),
    ("not_ready", "The node is not ready"),
    ("timeout", "The time is over"),
    ("internal", "The node failed"),
];

/// An error on its way to the client.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    more: Map<String, Value>,
}

impl Problem {
    /// Problem with a code of [`CODES`] or of the chain.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), more: Map::new() }
    }

    /// The request is not understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    /// There is no such thing.
    pub fn not_found(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// Too much is asked at the same time.
    pub fn busy(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
    }

    /// The node has no final block yet.
    pub fn not_ready() -> Self {
        let detail = "the node has no final block yet: ask again later";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail)
    }

    /// The node failed. What happened goes to its log, not to the client.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        let detail = "the node failed to answer: its log says why";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// Adds a member to the document.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.more.insert(member.to_owned(), value.into());
        self
    }

    /// The document. `instance` is the path of the request.
    fn document(&self, instance: &str) -> Value {
        let mut document = Map::new();
        document.insert("type".into(), json!(format!("/problems/{}", self.code)));
        document.insert("title".into(), json!(title(self.code)));
        document.insert("status".into(), json!(self.status.as_u16()));
        document.insert("code".into(), json!(self.code));
        document.insert("detail".into(), json!(self.detail));
        document.insert("instance".into(), json!(instance));
        document.extend(self.more.clone());
        Value::Object(document)
    }
}

fn title(code: &str) -> &str {
    match CODES.iter().find(|(known, _)| *known == code) {
        Some((_, title)) => title,
        None => "The chain refuses the transaction",
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        Self::internal(error)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = match &refusal {
            Refusal::Chain { code, .. } => status(*code),
            Refusal::Duplicate => StatusCode::CONFLICT,
            Refusal::AccountFull => StatusCode::TOO_MANY_REQUESTS,
            Refusal::PoolFull | Refusal::Behind | Refusal::NotReady => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Refusal::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, refusal.code(), refusal.to_string())
    }
}

/// Status of a refusal for a reason of the chain.
const fn status(code: Code) -> StatusCode {
    match code {
        Code::Malformed | Code::NonCanonical | Code::UnknownVersion | Code::WrongChain => {
            StatusCode::BAD_REQUEST
        }
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::AccountFrozen => StatusCode::FORBIDDEN,
        Code::AccountQuota | Code::OrganisationQuota => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

impl IntoResponse for Problem {
    /// Leaves the document to [`render`], which knows the path of the request.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Seconds after which whatever was refused for want of room may be sent again.
pub const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("1");

/// Writes the documents of problems, also of those that the server itself found.
pub async fn render(request: Request, next: Next) -> Response {
    let instance = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None => of_status(status),
    };
    let body = problem.document(&instance).to_string();
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    let kind = HeaderValue::from_static("application/problem+json");
    parts.headers.insert(header::CONTENT_TYPE, kind);
    if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
        parts.headers.insert(header::RETRY_AFTER, RETRY_AFTER_S);
    }
    Response::from_parts(parts, body.into())
}

fn of_status(status: StatusCode) -> Problem {
    let (code, detail) = match status {
        StatusCode::NOT_FOUND => ("bad_request", "no such path: see /v1/openapi.json"),
        StatusCode::METHOD_NOT_ALLOWED => ("bad_request", "the path does not take this method"),
        StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "the body is over the limit"),
        StatusCode::REQUEST_TIMEOUT => ("timeout", "the request took too long to arrive"),
        _ if status.is_client_error() => ("bad_request", "the request is not understood"),
        _ => ("internal", "the node failed to answer: its log says why"),
    };
    Problem::new(status, code, detail)
}
