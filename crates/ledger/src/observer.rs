//! Tell the outside what became final and what became durable.

use crate::{Block, state::StateReader};
use futures::future::BoxFuture;
use std::sync::Arc;
use trine_types::{Digest, Header, Height, application::Execution};

/// Why an observer could not take a block; stops the node.
pub type ObserverError = Box<dyn std::error::Error + Send + Sync>;

/// Follows the chain in the order of heights.
pub trait Observer: Send + Sync + 'static {
    /// Stores what belongs to a final block, before its state can become durable.
    ///
    /// The node waits for the result. After a crash the same block can come again, with the same
    /// content; heights never skip.
    ///
    /// # Errors
    /// Any error stops the node: it must not run ahead of its history.
    fn finalized(
        &self,
        block: Arc<Block>,
        execution: Arc<Execution>,
    ) -> BoxFuture<'_, Result<(), ObserverError>>;

    /// Takes over what belongs to the state after a final block that is not executed here: the node
    /// got that state from others, and has checked it. Before the first block that is executed; may
    /// come again after a crash.
    ///
    /// # Errors
    /// Any error stops the node.
    fn adopted<'a>(
        &'a self,
        _header: &'a Header,
        _digest: Digest,
        _state: Arc<dyn StateReader>,
    ) -> BoxFuture<'a, Result<(), ObserverError>> {
        Box::pin(async { Ok(()) })
    }

    /// Learns that state and history up to `height` survive a crash. Clients may be told now.
    fn durable(&self, height: Height);
}

/// Observes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn finalized(
        &self,
        _: Arc<Block>,
        _: Arc<Execution>,
    ) -> BoxFuture<'_, Result<(), ObserverError>> {
        Box::pin(async { Ok(()) })
    }

    fn durable(&self, _: Height) {}
}
