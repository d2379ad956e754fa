//! Lead the engine from epoch to epoch.
//!
//! Before anything executes a block, the driver reads the boundary block on which the node stands,
//! makes its validators known and opens the gate. Then one task takes finalized blocks in the order
//! of heights.

use crate::{guard::VoteGuard, peers::Addresses};
use commonware_actor::Feedback;
use commonware_consensus::{
    Heightable as _, Reporter,
    marshal::Update,
    types::{Epoch, Epocher as _, FixedEpocher, Height},
};
use commonware_cryptography::Digested;
use commonware_glue::dkg::fence::Fence;
use commonware_runtime::{Handle, Spawner, Storage};
use commonware_utils::{Acknowledgement as _, acknowledgement::Exact, channel::mpsc};
use tracing::{info, warn};
use trine_ledger::{
    Block,
    committees::{Committees, Role},
    preset::Marshal,
};

/// Epochs for which the votes of a finished epoch stay on disk.
const PARTITIONS_KEPT: u64 = 2;
/// Older partitions that a start looks for, left by a crash between two removals.
const PARTITIONS_SWEPT: u64 = 8;

type Delivery = (Digested<Block>, Exact);

/// Reporter through which marshal hands finalized blocks to the driver.
#[derive(Clone, Debug)]
pub struct Mailbox(mpsc::UnboundedSender<Delivery>);

impl Reporter for Mailbox {
    type Activity = Update<Block>;

    fn report(&mut self, activity: Update<Block>) -> Feedback {
        match activity {
            Update::Tip(..) => Feedback::Ok,
            Update::Block(block, acknowledgement) => match self.0.send((block, acknowledgement)) {
                Ok(()) => Feedback::Ok,
                Err(_) => Feedback::Closed,
            },
        }
    }
}

/// Registers validator sets as their boundary blocks become final.
pub struct Driver<E> {
    context: E,
    marshal: Marshal,
    committees: Committees,
    addresses: Addresses,
    fence: Fence,
    epocher: FixedEpocher,
    guard: VoteGuard,
    votes_prefix: String,
    deliveries: mpsc::UnboundedReceiver<Delivery>,
}

impl<E: Spawner + Storage> Driver<E> {
    /// Creates the driver and its mailbox. `votes_prefix` is the partition prefix under which the
    /// orchestrator keeps the votes of each epoch.
    #[allow(clippy::too_many_arguments, reason = "each is a part of its own, given once")]
    pub fn new(
        context: E,
        marshal: Marshal,
        committees: Committees,
        addresses: Addresses,
        fence: Fence,
        epocher: FixedEpocher,
        guard: VoteGuard,
        votes_prefix: String,
    ) -> (Self, Mailbox) {
        // Marshal bounds the deliveries in flight, so the channel needs no bound of its own.
        let (sender, deliveries) = mpsc::unbounded_channel();
        let driver = Self {
            context,
            marshal,
            committees,
            addresses,
            fence,
            epocher,
            guard,
            votes_prefix,
            deliveries,
        };
        (driver, Mailbox(sender))
    }

    /// Makes the validators of the epoch known in which this node stands.
    ///
    /// Call it when marshal runs and before the state actor does: blocks handed out again after a
    /// crash may close that epoch.
    ///
    /// # Errors
    /// The height of the boundary block, when it is missing.
    pub async fn enter_current(&self) -> Result<(), Height> {
        let next = self
            .marshal
            .get_processed()
            .await
            .map_or(Height::zero(), |processed| processed.height().next());
        let epoch = self.epoch_of(next);
        let boundary = epoch
            .previous()
            .and_then(|previous| self.epocher.last(previous))
            .unwrap_or(Height::zero());
        match self.marshal.get_block(boundary).await {
            Some(block) => self.enter(epoch, block.inner()),
            // The state was taken over in this epoch, whose validators came with it.
            None if self.committees.change(epoch).is_some() => self.fence.mark(epoch),
            None => return Err(boundary),
        }
        for kept in PARTITIONS_KEPT..PARTITIONS_KEPT + PARTITIONS_SWEPT {
            self.remove_votes(epoch, kept).await;
        }
        Ok(())
    }

    /// Starts the task. It ends only when the node stops.
    pub fn start(mut self) -> Handle<()> {
        let context = self.context.child("run");
        context.spawn(move |_| async move { self.run().await })
    }

    async fn run(&mut self) {
        while let Some((block, acknowledgement)) = self.deliveries.recv().await {
            let height = block.height();
            let epoch = self.epoch_of(height);
            if self.epocher.last(epoch) == Some(height) {
                self.enter(epoch.next(), block.inner());
                self.remove_votes(epoch.next(), PARTITIONS_KEPT).await;
            }
            acknowledgement.acknowledge();
        }
    }

    fn epoch_of(&self, height: Height) -> Epoch {
        let bounds = self.epocher.containing(height);
        bounds.expect("a fixed epoch length covers every height").epoch()
    }

    fn enter(&self, epoch: Epoch, boundary: &Block) {
        let change = boundary.header().epoch_change.as_ref();
        let change = change.expect("a boundary block is valid only with the next validators");
        self.addresses.learn(change);
        let may_vote = self.guard.allows(boundary.header().time_ms);
        match self.committees.register(epoch, change, may_vote) {
            Role::Silent => warn!(
                %epoch,
                "this node started on an empty folder and does not vote before the next epoch"
            ),
            role => info!(%epoch, ?role, "validators of the epoch are known"),
        }
        self.fence.mark(epoch);
    }

    async fn remove_votes(&self, epoch: Epoch, kept: u64) {
        let Some(old) = epoch.get().checked_sub(kept) else { return };
        let partition = format!("{}_consensus_{old}", self.votes_prefix);
        // A partition that is not there was removed before.
        let _ = self.context.remove(&partition, None).await;
    }
}
