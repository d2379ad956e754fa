//! Tell the observer when a block survives a crash.
//!
//! Stands between marshal and the state actor: an acknowledgement means that the block's state, and
//! so its history, is on disk.

use commonware_actor::Feedback;
use commonware_consensus::{Heightable as _, Reporter, marshal::Update};
use commonware_runtime::{Handle, Spawner};
use commonware_utils::{
    Acknowledgement as _,
    acknowledgement::{Exact, ExactWaiter},
    channel::mpsc,
};
use std::sync::Arc;
use trine_ledger::{Block, observer::Observer};
use trine_types::Height;

type Pending = (Height, ExactWaiter, Exact);

/// Passes finalized blocks on and watches their acknowledgements.
#[derive(Clone)]
pub struct Delivery<R> {
    inner: R,
    pending: mpsc::UnboundedSender<Pending>,
}

impl<R: Reporter<Activity = Update<Block>>> Delivery<R> {
    /// Wraps the reporter of the state actor and starts the task that informs `observer`.
    pub fn start<E: Spawner>(
        context: E,
        inner: R,
        observer: Arc<dyn Observer>,
    ) -> (Self, Handle<()>) {
        // Marshal bounds the deliveries in flight, so the channel needs no bound of its own.
        let (pending, mut deliveries) = mpsc::unbounded_channel::<Pending>();
        let handle = context.spawn(move |_| async move {
            while let Some((height, waiter, acknowledgement)) = deliveries.recv().await {
                if waiter.await.is_err() {
                    return;
                }
                observer.durable(height);
                acknowledgement.acknowledge();
            }
        });
        (Self { inner, pending }, handle)
    }
}

impl<R: Reporter<Activity = Update<Block>>> Reporter for Delivery<R> {
    type Activity = Update<Block>;

    fn report(&mut self, activity: Update<Block>) -> Feedback {
        let Update::Block(block, acknowledgement) = activity else {
            return self.inner.report(activity);
        };
        let (inner, waiter) = Exact::handle();
        let height = Height(block.height().get());
        if self.pending.send((height, waiter, acknowledgement)).is_err() {
            return Feedback::Closed;
        }
        self.inner.report(Update::Block(block, inner))
    }
}
