//! Serve the node's HTTP API.
//!
//! `docs/reference/api.md` describes it for people, `openapi.json` for programs; a test compares
//! the table [`routes`] with the latter.

mod accounts;
mod assets;
mod blocks;
mod chain;
mod connections;
mod evidence;
mod health;
mod misbehaviour;
mod organisations;
pub mod problem;
mod proofs;
mod proposals;
mod readers;
mod render;
mod request;
pub mod server;
mod state;
mod stream;
mod submit;
mod sync;
pub mod tls;
mod transactions;
mod transfers;

#[cfg(test)]
mod tests;

use crate::{
    feed::Feed, mempool::Mempool, metrics::Metrics, page, peers::Peers, reader::ChainReader,
    upstream::HttpUpstream,
};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use problem::Problem;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;
use trine_types::{ChainId, Epoch, Genesis, Suite, ValidatorKey, ValidatorSet, limits};

/// Which node answers.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Name for people.
    pub name: String,
    /// Public key under which its peers know it; a follower has none.
    pub key: Option<ValidatorKey>,
}

/// Writes the metrics of the engine's runtime.
pub type EngineMetrics = Box<dyn Fn() -> String + Send + Sync>;

/// What the handlers share.
pub struct Parts {
    /// Genesis document of the chain.
    pub genesis: Arc<Genesis>,
    /// Suite of the chain.
    pub suite: Suite,
    /// Chain.
    pub chain_id: ChainId,
    /// This node.
    pub identity: Identity,
    /// Blocks and state.
    pub reader: Arc<dyn ChainReader>,
    /// Newest durable block.
    pub feed: Arc<Feed>,
    /// Transactions that wait.
    pub mempool: Arc<Mempool>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Metrics of the engine's runtime.
    pub engine_metrics: EngineMetrics,
    /// The other validators.
    pub peers: Peers,
    /// Whom a follower follows.
    pub upstream: Option<Arc<HttpUpstream>>,
}

/// The API of one node.
pub struct Api {
    parts: Parts,
    streams: Arc<Semaphore>,
    requests: Semaphore,
    /// Validators of the epoch asked for last.
    committee: Mutex<Option<(Epoch, ValidatorSet)>>,
    /// Who may read at the height asked for last.
    policy: Mutex<Option<readers::Policy>>,
}

/// The API as a handler's argument.
type Shared = State<Arc<Api>>;
/// A JSON document or a problem.
type Answer = Result<Json<Value>, Problem>;
/// A route: method, path, handler.
type Route = (&'static str, &'static str, MethodRouter<Arc<Api>>);

/// Every route but those of the page; the paths are those of `openapi.json`.
pub fn routes() -> Vec<Route> {
    let read = |path, handler| ("get", path, handler);
    vec![
        read("/healthz", get(health::alive)),
        read("/readyz", get(health::ready)),
        read("/metrics", get(health::metrics)),
        read("/v1/openapi.json", get(chain::openapi)),
        read("/v1/genesis", get(chain::genesis)),
        read("/v1/trust", get(chain::trust)),
        read("/v1/status", get(chain::status)),
        read("/v1/parameters", get(chain::parameters)),
        ("post", "/v1/transactions", post(submit::submit)),
        read("/v1/transactions/{id}", get(transactions::show)),
        read("/v1/transactions/{id}/proof", get(proofs::transaction)),
        read("/v1/blocks", get(blocks::list)),
        read("/v1/blocks/{height}", get(blocks::show)),
        read("/v1/blocks/{height}/proof", get(proofs::block)),
        read("/v1/stream", get(stream::follow)),
        read("/v1/sync/tip", get(sync::tip)),
        read("/v1/sync/finalized/{height}", get(sync::finalized)),
        read("/v1/sync/blocks/{digest}", get(sync::block)),
        read("/v1/sync/state/{table}/{request}", get(sync::state)),
        read("/v1/sync/logs/{log}/{first}/{count}", get(sync::entries)),
        read("/v1/accounts/{address}", get(accounts::show)),
        read("/v1/accounts/{address}/proof", get(proofs::account)),
        read("/v1/accounts/{address}/balances/{asset}", get(accounts::balance)),
        read("/v1/accounts/{address}/keys/{index}", get(accounts::key)),
        read("/v1/accounts/{address}/transactions", get(accounts::transactions)),
        read("/v1/accounts/{address}/certificate", get(accounts::certificate)),
        read("/v1/accounts/{address}/certificate/proof", get(proofs::certificate)),
        read("/v1/state/{key}", get(state::show)),
        read("/v1/state/{key}/proof", get(proofs::state)),
        read("/v1/organisations", get(organisations::list)),
        read("/v1/organisations/{organisation}", get(organisations::show)),
        read("/v1/organisations/{organisation}/authorities", get(organisations::authorities)),
        read("/v1/organisations/{organisation}/certificates", get(organisations::certificates)),
        read("/v1/assets", get(assets::list)),
        read("/v1/assets/{asset}", get(assets::show)),
        read("/v1/proposals", get(proposals::list)),
        read("/v1/proposals/{proposal}", get(proposals::show)),
        read("/v1/logs", get(evidence::list)),
        read("/v1/logs/{log}", get(evidence::show)),
        read("/v1/logs/{log}/{name}", get(evidence::show_by_name)),
        read("/v1/logs/{log}/entries/{index}", get(evidence::entry)),
        read("/v1/logs/{log}/entries/{index}/proof", get(proofs::entry)),
        read("/v1/logs/{log}/entries/{index}/proofs", get(proofs::entries)),
        read("/v1/entries/{digest}", get(evidence::find)),
        read("/v1/misbehaviour", get(misbehaviour::list)),
        read("/v1/misbehaviour/{id}", get(misbehaviour::show)),
        read("/v1/misbehaviour/{id}/proof", get(proofs::misbehaviour)),
        read("/v1/transfers", get(transfers::find)),
        read("/v1/transfers/{sender}/{reference}", get(transfers::show)),
        read("/v1/transfers/{sender}/{reference}/proof", get(proofs::transfer)),
    ]
}

impl Api {
    /// Makes the API ready to serve.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            parts,
            streams: Arc::new(Semaphore::new(limits::STREAM_CLIENTS_MAX)),
            requests: Semaphore::new(limits::REQUESTS_MAX),
            committee: Mutex::default(),
            policy: Mutex::default(),
        })
    }

    /// The router over all [`routes`], with what applies to each of them.
    pub fn router(self: Arc<Self>) -> Router {
        let add =
            |router: Router<Arc<Self>>, (_, path, handler): Route| router.route(path, handler);
        let router = routes().into_iter().fold(page::routes(), add);
        // The last layer is the outermost.
        router
            .layer(middleware::from_fn_with_state(self.clone(), readers::check))
            .layer(middleware::from_fn_with_state(self.clone(), limit))
            .layer(middleware::from_fn(problem::render))
            .layer(middleware::from_fn_with_state(self.clone(), count))
            .with_state(self)
    }
}

/// Refuses a request when too many are served, or when it asks for what is not open yet.
async fn limit(State(api): Shared, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let fixed = matches!(path, "/v1/openapi.json" | "/v1/genesis");
    if path.starts_with("/v1/") && !fixed && api.parts.feed.height().is_none() {
        return Problem::not_ready().into_response();
    }
    match api.requests.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => {
            let max = limits::REQUESTS_MAX;
            Problem::busy(format!("the node serves {max} requests, the most allowed"))
                .into_response()
        }
    }
}

/// Counts answers by the class of their status, and forbids browsers to guess types.
async fn count(State(api): Shared, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let class = match response.status().as_u16() / 100 {
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => "other",
    };
    api.parts.metrics.answers.add(class, 1);
    let nosniff = HeaderValue::from_static("nosniff");
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}
