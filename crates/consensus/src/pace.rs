//! Decide when a leader proposes and when a verifier looks at a block's time.
//!
//! Stands around the state actor, not inside it: finalization waits for a build or a verification
//! that runs, so nothing in there may sleep.

use crate::{clocks::Clocks, guard::to_unix_ms, share::Share, source::Source};
use commonware_consensus::{
    Application, Handoff, Heightable as _, marshal::ancestry::Ancestry, types::Round,
};
use commonware_cryptography::{Digested, Digestible as _};
use commonware_runtime::Clock;
use futures::future::{Either, select};
use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tracing::warn;
use trine_ledger::{
    Block, Candidates, FIRST_VIEWS, Ledger, Plan,
    preset::{BlockDigest, Context},
};
use trine_runtime::WallClock;
use trine_types::limits;

/// When and how much to propose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Shortest time between a block and its parent, in milliseconds; the chain may want more.
    pub interval_ms_min: u64,
    /// Time after which a leader proposes a block without transactions, in milliseconds.
    pub idle_ms: u64,
    /// Most transactions in a proposal.
    pub transactions_max: usize,
    /// Most bytes of transactions in a proposal.
    pub bytes_max: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            interval_ms_min: 80,
            idle_ms: 1_000,
            transactions_max: limits::BLOCK_TRANSACTIONS_MAX,
            bytes_max: limits::BLOCK_BYTES_MAX,
        }
    }
}

/// Picks what to propose, and when.
#[derive(Clone)]
struct Picker {
    ledger: Ledger,
    source: Arc<dyn Source>,
    pace: Pace,
    share: Arc<Share>,
    clocks: Arc<Clocks>,
}

impl Picker {
    /// Waits for transactions, at most until the idle interval is over.
    async fn pick<E: Clock + WallClock>(
        &self,
        context: &E,
        parent: &Digested<Block>,
        round: Round,
    ) -> Candidates {
        let (digest, parent) = (parent.digest(), parent.inner().header());
        let interval_ms = self.pace.interval_ms_min.max(self.ledger.interval_ms_min());
        let earliest_ms = parent.time_ms.saturating_add(interval_ms);
        let (wall_ms, at) = (to_unix_ms(context.wall()), context.current());
        let left_ms = earliest_ms.saturating_sub(self.clocks.now_ms(digest, wall_ms, at));
        let paced = at + Duration::from_millis(left_ms);
        let idle_until = at + Duration::from_millis(self.pace.idle_ms.max(interval_ms));
        context.sleep_until(paced.min(idle_until)).await;
        if round.view().get() <= FIRST_VIEWS {
            let others = context.current() + Duration::from_millis(EPOCH_START_MS);
            context.sleep_until(others.min(idle_until)).await;
        }
        loop {
            let changed = self.source.changed();
            let found = self.take(digest);
            if !found.is_empty() {
                return found;
            }
            match select(changed, pin!(context.sleep_until(idle_until))).await {
                Either::Left(_) => {}
                Either::Right(_) => return self.take(digest),
            }
        }
    }

    fn take(&self, parent: BlockDigest) -> Candidates {
        let taken = self.ledger.unfinalized(parent);
        let count_max = self.pace.transactions_max.min(self.ledger.transactions_max());
        let count_max = self.share.of(count_max, 1);
        let bytes_max = self.share.of(self.pace.bytes_max, limits::TRANSACTION_BYTES_MAX);
        self.source.candidates(count_max, bytes_max, &taken)
    }
}

/// How long the first leader of an epoch waits before each of its proposals: for the other
/// validators to enter the epoch, then for the vote of the slowest. Whoever enters later than the
/// first votes arrive loses them, takes their senders for silent, and skips the view that one of
/// these leads; the others wait for it until their timeouts.
const EPOCH_START_MS: u64 = 250;
/// Difference between a proposal's time and this node's clock that is worth a warning.
const CLOCK_WARNING_MS: u64 = 5_000;
/// Time between two such warnings.
const WARNING_INTERVAL_MS: u64 = 60_000;

/// Warns when this node's clock and the leaders' differ.
#[derive(Clone, Default)]
struct ClockWatch {
    warned_ms: Arc<AtomicU64>,
}

impl ClockWatch {
    fn compare(&self, block_ms: u64, now_ms: u64) {
        let difference_ms = block_ms.abs_diff(now_ms);
        let silent = self.warned_ms.load(Ordering::Relaxed).saturating_add(WARNING_INTERVAL_MS);
        if difference_ms < CLOCK_WARNING_MS || now_ms < silent {
            return;
        }
        self.warned_ms.store(now_ms, Ordering::Relaxed);
        let side = if block_ms > now_ms { "behind" } else { "ahead of" };
        warn!(
            difference_ms,
            "this node's clock is {side} the clock of the validator that proposes: set the clock"
        );
    }
}

/// The application as consensus sees it.
#[derive(Clone)]
pub struct Paced<A> {
    inner: A,
    picker: Picker,
    watch: ClockWatch,
}

impl<A> Paced<A> {
    /// Wraps the mailbox of the state actor.
    pub fn new(inner: A, ledger: Ledger, source: Arc<dyn Source>, pace: Pace) -> Self {
        let (share, clocks) = Default::default();
        let picker = Picker { ledger, source, pace, share, clocks };
        Self { inner, picker, watch: ClockWatch::default() }
    }
}

impl<E, A> Application<E> for Paced<A>
where
    E: Clock + WallClock,
    A: Application<E, Block = Block, Context = Context, Input = Plan>,
{
    type SigningScheme = A::SigningScheme;
    type Context = Context;
    type Block = Block;
    type Input = ();

    async fn prepare(
        &mut self,
        context: (E, Context),
        ancestry: impl Ancestry<Block>,
        _: (),
    ) -> Handoff<Digested<Block>> {
        self.inner.prepare(context, ancestry, Plan::default()).await
    }

    async fn propose(
        &mut self,
        context: (E, Context),
        ancestry: impl Ancestry<Block>,
        _: (),
    ) -> Option<Digested<Block>> {
        let parent = ancestry.peek()?.clone();
        let share = &self.picker.share;
        let (tip, tip_height) = (parent.digest(), parent.inner().header().height);
        let ledger = &self.picker.ledger;
        share.settle(|block, height| {
            if tip_height < height { Some(false) } else { ledger.contains(tip, block, height) }
        });
        let candidates = self.picker.pick(&context.0, &parent, context.1.round).await;
        share.building();
        tracing::trace!(height = parent.height().get() + 1, count = candidates.len(), "propose");
        let time_ms = self.picker.clocks.proposal_ms(to_unix_ms(context.0.wall()));
        let at = context.0.current();
        let plan = Plan { candidates, time_ms };
        let proposed = self.inner.propose(context, ancestry, plan).await;
        if let Some(block) = &proposed {
            let header = block.inner().header();
            share.made(block.digest(), header.height);
            self.picker.clocks.saw(block.digest(), header.time_ms, at, None);
        }
        proposed
    }

    /// Waits while the block's time lies too far ahead of this node's clock: the verdict is final,
    /// and a clock is no ground for one. Consensus cancels the wait when the view is over.
    async fn verify(&mut self, context: (E, Context), ancestry: impl Ancestry<Block>) -> bool {
        if let Some(block) = ancestry.peek() {
            let header = block.inner().header();
            let (parent, time_ms) = (BlockDigest::from(header.parent.0), header.time_ms);
            let wall_ms = to_unix_ms(context.0.wall());
            self.watch.compare(time_ms, wall_ms);
            self.picker.clocks.saw(block.digest(), time_ms, context.0.current(), Some(wall_ms));
            let allowed_ms = time_ms.saturating_sub(limits::BLOCK_AHEAD_MS_MAX);
            let idle_ms = self.picker.pace.idle_ms.max(1);
            loop {
                let (wall_ms, at) = (to_unix_ms(context.0.wall()), context.0.current());
                let left_ms =
                    allowed_ms.saturating_sub(self.picker.clocks.now_ms(parent, wall_ms, at));
                if left_ms == 0 {
                    break;
                }
                context.0.sleep(Duration::from_millis(left_ms.min(idle_ms))).await;
            }
        }
        self.inner.verify(context, ancestry).await
    }
}
