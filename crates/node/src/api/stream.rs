//! Stream durable blocks as server-sent events, resumable by height.

use super::{Api, Shared, problem::Problem, readers::Proven, request};
use crate::reader::StoredBlock;
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::Stream;
use serde::Deserialize;
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};
use trine_types::{Height, limits};

/// Silence after which a comment keeps the connection open.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// What to stream.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    from: Option<u64>,
    ids: Option<u8>,
}

struct Follower {
    api: Arc<Api>,
    tip: watch::Receiver<Option<Arc<StoredBlock>>>,
    next: Height,
    ids: bool,
    reader: Option<Proven>,
    _permit: OwnedSemaphorePermit,
}

/// `GET /v1/stream`.
pub(super) async fn follow(
    State(api): Shared,
    request::Params(query): request::Params<Query>,
    reader: Option<Extension<Proven>>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let ids = match query.ids {
        None | Some(0) => false,
        Some(1) => true,
        Some(other) => {
            return Err(Problem::bad_request(format!("ids is {other}, expected 0 or 1")));
        }
    };
    let next = first(&api, query.from, &headers).await?;
    let permit = api.streams.clone().try_acquire_owned().map_err(|_| {
        let max = limits::STREAM_CLIENTS_MAX;
        Problem::busy(format!("{max} clients follow the stream, the most allowed"))
    })?;
    let tip = api.parts.feed.subscribe();
    let reader = reader.map(|Extension(reader)| reader);
    let follower = Follower { api, tip, next, ids, reader, _permit: permit };
    let events = futures::stream::unfold(follower, |mut follower| async move {
        let event = follower.event().await?;
        Some((Ok(event), follower))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// Height of the first block to send: the one after the last that a client saw, the one it asks
/// for, or the newest.
async fn first(api: &Api, from: Option<u64>, headers: &HeaderMap) -> Result<Height, Problem> {
    let last = match headers.get("last-event-id") {
        None => None,
        Some(value) => {
            let text = value.to_str().unwrap_or("");
            Some(request::part::<u64>("Last-Event-ID", text, "a height")?)
        }
    };
    let newest = api.parts.feed.height().map_or(0, |height| height.0);
    let first = Height(last.map(|last| last.saturating_add(1)).or(from).unwrap_or(newest));
    if api.is_durable(first) && api.block(first).await?.is_none() {
        return Err(super::blocks::unknown(first).with("newest", newest));
    }
    Ok(first)
}

impl Follower {
    /// Waits for the next block; ends the stream when storage fails, when the node stops, or when
    /// the reader may read no more.
    async fn event(&mut self) -> Option<Event> {
        let next = self.next;
        let reached = |tip: &Option<Arc<StoredBlock>>| {
            tip.as_ref().is_some_and(|tip| tip.header.height >= next)
        };
        self.tip.wait_for(reached).await.ok()?;
        if !self.api.may_go_on(self.reader).await.ok()? {
            return None;
        }
        let block = self.api.block(next).await.ok()??;
        self.next = Height(next.0 + 1);
        Some(event(&block, self.ids))
    }
}

fn event(block: &StoredBlock, ids: bool) -> Event {
    let header = &block.header;
    let mut data = json!({
        "height": header.height,
        "digest": block.digest.to_string(),
        "time_ms": header.time_ms,
        "epoch": header.epoch,
        "transactions": block.ids.len(),
    });
    if ids {
        let ids: Vec<u8> = block.ids.iter().flat_map(|id| id.0).collect();
        let codes: Vec<u8> = block.codes.iter().flat_map(|code| code.to_be_bytes()).collect();
        data["ids"] = json!(STANDARD.encode(ids));
        data["codes"] = json!(STANDARD.encode(codes));
    }
    Event::default().id(header.height.to_string()).event("block").data(data.to_string())
}
