//! Tell the outside what became final and what became durable.

use crate::Block;
use futures::future::BoxFuture;
use std::sync::Arc;
use trine_types::{Height, application::Execution};

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
