//! Let those read who may: where the chain says so, a request for records proves who asks.
//!
//! What a client needs before it can sign stays open to all, and so do submissions, which carry
//! signatures of their own. Everything is decided from the newest final state: nothing is kept but
//! what the state of one height says of all.

use super::problem::Problem;
use super::{Api, Shared};
use crate::clock;
use crate::read_signature::{NAMESPACE, ReadSignature, TAG, wanted};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::PoisonError;
use trine_crypto::BatchItem;
use trine_types::account::is_recorded;
use trine_types::call::PublicKey;
use trine_types::limits::{ACCOUNT_KEYS_MAX, READ_SIGNATURE_MS_MAX};
use trine_types::record::{AccountKey, ReadAccess, RemovedOrganisations};
use trine_types::{Account, Height, Roles, StateKey};

#[cfg(test)]
mod tests;

/// Paths below `/v1` that tell what a client needs before it can sign.
const OPEN: [&str; 4] = ["/v1/openapi.json", "/v1/status", "/v1/genesis", "/v1/trust"];
const ACCEPT_SIGNATURE: HeaderName = HeaderName::from_static("accept-signature");

/// What the state of one height says of all readers.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    height: Height,
    access: ReadAccess,
    removed: RemovedOrganisations,
}

/// Who asked, where somebody proved it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proven {
    address: trine_types::Address,
    key_index: u8,
}

/// Refuses requests for records of those who may not read.
pub(super) async fn check(State(api): Shared, mut request: Request, next: Next) -> Response {
    if is_open(request.method(), request.uri().path()) {
        return next.run(request).await;
    }
    match admit(&api, request.method(), request.uri(), request.headers()).await {
        Ok(None) => next.run(request).await,
        Ok(Some(proven)) => {
            request.extensions_mut().insert(proven);
            let mut response = next.run(request).await;
            // A cache between would answer others from what this reader may see.
            let private = HeaderValue::from_static("private");
            response.headers_mut().entry(header::CACHE_CONTROL).or_insert(private);
            response
        }
        Err(problem) => refuse(&api, problem),
    }
}

fn is_open(method: &Method, path: &str) -> bool {
    let submits = method == Method::POST && path == "/v1/transactions";
    !path.starts_with("/v1/") || OPEN.contains(&path) || submits
}

/// Answers a refusal; one for want of a signature says which one is wanted.
fn refuse(api: &Api, problem: Problem) -> Response {
    let mut response = problem.into_response();
    if response.status() == StatusCode::UNAUTHORIZED {
        let (id, suite) = (api.parts.chain_id, api.parts.suite);
        let asked = format!("Signature realm=\"trine\", suite=\"{suite}\", tag=\"{TAG}{id}\"");
        let named = [(ACCEPT_SIGNATURE, wanted(id)), (header::WWW_AUTHENTICATE, asked)];
        for (name, value) in named {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
    }
    response
}

/// Says who asks; none where anyone may read.
async fn admit(
    api: &Api,
    method: &Method,
    uri: &Uri,
    carried: &HeaderMap,
) -> Result<Option<Proven>, Problem> {
    let policy = api.policy().await?;
    if policy.access == ReadAccess::Anyone {
        return Ok(None);
    }
    let Some((input, signature)) = headers(api, carried)? else {
        let name = policy.access.name();
        let detail =
            format!("this chain is read by {name} only: sign the request with a key of an account");
        return Err(unauthorised(api, "unsigned_read", detail));
    };
    let bad = |detail: String| unauthorised(api, "bad_read_signature", detail);
    let read = ReadSignature::parse(input, signature).map_err(|fault| bad(fault.to_string()))?;
    if read.chain_id != api.parts.chain_id {
        let (found, own) = (read.chain_id, api.parts.chain_id);
        return Err(bad(format!("the request is signed for chain {found}, this is {own}")));
    }
    check_time(api, &read)?;
    let proven = Proven { address: read.address, key_index: read.key_index };
    let (account, key) = api.key_of(proven).await?.map_err(bad)?;
    let base = read.base(method.as_str(), uri.path(), uri.query());
    let item = BatchItem {
        algorithm: key.algorithm,
        public_key: &key.bytes,
        namespace: NAMESPACE,
        message: base.as_bytes(),
        signature: &read.signature,
    };
    if !key.algorithm.admits_signature_bytes(read.signature.len()) || !trine_crypto::verify(item) {
        let (address, index) = (read.address, read.key_index);
        let detail = format!("the signature is not one of key {index} of {address} over this");
        return Err(bad(format!("{detail} method, path and query")));
    }
    decide(&policy, &account).map_err(|why| {
        let detail = format!("account {} may not read this chain: {why}", read.address);
        Problem::new(StatusCode::FORBIDDEN, "no_read_access", detail)
    })?;
    Ok(Some(proven))
}

/// The two headers of a signature, none where there is neither.
fn headers<'a>(api: &Api, headers: &'a HeaderMap) -> Result<Option<(&'a str, &'a str)>, Problem> {
    let mut found = ["", ""];
    for (place, name) in found.iter_mut().zip(["signature-input", "signature"]) {
        let mut values = headers.get_all(name).iter();
        let text = values.next().map(|value| value.to_str().unwrap_or("?"));
        *place = text.unwrap_or("");
        if values.next().is_some() {
            let detail = format!("the header {name} stands twice, expected one signature");
            return Err(unauthorised(api, "bad_read_signature", detail));
        }
    }
    Ok(Some(found.into())
        .filter(|(input, signature): &(&str, &str)| !input.is_empty() || !signature.is_empty()))
}

fn unauthorised(api: &Api, code: &'static str, detail: impl Into<String>) -> Problem {
    let id = api.parts.chain_id.to_string();
    Problem::new(StatusCode::UNAUTHORIZED, code, detail).with("chain_id", id)
}

/// Refuses a signature of another time.
fn check_time(api: &Api, read: &ReadSignature) -> Result<(), Problem> {
    let now_ms = clock::now_ms();
    // A number of at most 15 digits.
    let made_ms = read.created_s * 1_000;
    let over = read.expires_s.is_some_and(|until| until * 1_000 < now_ms);
    if made_ms.abs_diff(now_ms) <= READ_SIGNATURE_MS_MAX && !over {
        return Ok(());
    }
    let (made, limit) = (read.created_s, READ_SIGNATURE_MS_MAX / 1_000);
    let detail = format!(
        "the request was signed at {made}, the node's clock says {now}, at most {limit} s may lie \
         between: sign it again, or set the clock",
        now = now_ms / 1_000
    );
    Err(unauthorised(api, "stale_read", detail).with("time_ms", now_ms))
}

/// Says whether an account may read.
///
/// # Errors
/// Why it may not.
fn decide(policy: &Policy, account: &Account) -> Result<(), &'static str> {
    if account.frozen {
        return Err("it is frozen");
    }
    if policy.removed.contains(account.organisation) {
        return Err("its organisation was removed");
    }
    match policy.access {
        ReadAccess::Roles if account.roles == Roles::default() => {
            Err("it has no role, and the chain is read by accounts with a role only")
        }
        ReadAccess::Anyone | ReadAccess::Members | ReadAccess::Roles => Ok(()),
    }
}

impl Api {
    /// What the newest durable height says of readers.
    async fn policy(&self) -> Result<Policy, Problem> {
        let height = self.parts.feed.height().ok_or_else(Problem::not_ready)?;
        let known = self.policy.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| known.height == height) {
            return Ok(known);
        }
        let removed = StateKey::removed_organisations(self.parts.suite);
        let found = Policy {
            height,
            access: self.parameters().await?.readers(),
            removed: self.record(removed).await?.unwrap_or_default(),
        };
        *self.policy.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
        Ok(found)
    }

    /// Who may read the chain.
    pub(super) async fn read_access(&self) -> Result<ReadAccess, Problem> {
        Ok(self.policy().await?.access)
    }

    /// An account and a key of it that lives; else why there is none.
    async fn key_of(
        &self,
        Proven { address, key_index }: Proven,
    ) -> Result<Result<(Account, PublicKey), String>, Problem> {
        let accounts = self.parts.reader.accounts(vec![address]).await?;
        let Some(account) = accounts.into_iter().next().flatten() else {
            return Ok(Err(format!("{address} has no account on this chain")));
        };
        let may = key_index < account.key_count && usize::from(key_index) < ACCOUNT_KEYS_MAX;
        if !may || account.live_keys >> key_index & 1 == 0 {
            return Ok(Err(format!("key {key_index} of {address} does not exist, or was revoked")));
        }
        if key_index == 0 && !is_recorded(account.algorithm) {
            let bytes = account.first_key().to_vec();
            let key = PublicKey { algorithm: account.algorithm, bytes };
            return Ok(Ok((account, key)));
        }
        let place = StateKey::account_key(self.parts.suite, address, key_index);
        let record: Option<AccountKey> = self.record(place).await?;
        let found = record.map(|record| (account, record.key));
        Ok(found.ok_or_else(|| format!("key {key_index} of {address} was revoked")))
    }

    /// Whether whoever began to read may go on, by the state as it is now.
    pub(super) async fn may_go_on(&self, proven: Option<Proven>) -> Result<bool, Problem> {
        let policy = self.policy().await?;
        if policy.access == ReadAccess::Anyone {
            return Ok(true);
        }
        let Some(proven) = proven else { return Ok(false) };
        let found = self.key_of(proven).await?;
        Ok(found.is_ok_and(|(account, _)| decide(&policy, &account).is_ok()))
    }
}
