//! Decide when a leader proposes and when a verifier looks at a block's time.
//!
//! Stands around the state actor, not inside it: finalization waits for a build or a verification
//! that runs, so nothing in there may sleep.

use crate::{guard::unix_ms, share::Share, source::Source};
use commonware_consensus::{Application, Handoff, Heightable as _, marshal::ancestry::Ancestry};
use commonware_cryptography::{Digested, Digestible as _};
use commonware_runtime::Clock;
use futures::future::{Either, select};
use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tracing::warn;
use trine_ledger::{
    Block, Candidates, Ledger,
    preset::{BlockDigest, Context},
};
use trine_types::limits;

/// When and how much to propose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Shortest time between a block and its parent, in milliseconds.
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
}

impl Picker {
    /// Waits for transactions, at most until the idle interval is over.
    async fn pick(&self, context: &impl Clock, parent: &Digested<Block>, epoch: u64) -> Candidates {
        let idle_until = context.current() + Duration::from_millis(self.pace.idle_ms);
        let (digest, parent) = (parent.digest(), parent.inner().header());
        let earliest_ms = parent.time_ms.saturating_add(self.pace.interval_ms_min);
        sleep_until_ms(context, earliest_ms, idle_until).await;
        if parent.height.0 == 0 || parent.epoch.0 != epoch {
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

/// How long the first leader of an epoch waits for the other validators to enter it. Whoever enters
/// later than the first votes arrive loses them, takes their senders for silent, and skips the view
/// that one of these leads; the others wait for it until their timeouts.
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
    clock: ClockWatch,
}

impl<A> Paced<A> {
    /// Wraps the mailbox of the state actor.
    pub fn new(inner: A, ledger: Ledger, source: Arc<dyn Source>, pace: Pace) -> Self {
        let picker = Picker { ledger, source, pace, share: Arc::default() };
        Self { inner, picker, clock: ClockWatch::default() }
    }
}

/// Sleeps until the wall clock shows `time_ms`, but never beyond `limit`.
async fn sleep_until_ms(context: &impl Clock, time_ms: u64, limit: SystemTime) {
    let time = UNIX_EPOCH.checked_add(Duration::from_millis(time_ms)).unwrap_or(limit);
    context.sleep_until(time.min(limit)).await;
}

impl<E, A> Application<E> for Paced<A>
where
    E: Clock,
    A: Application<E, Block = Block, Context = Context, Input = Candidates>,
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
        self.inner.prepare(context, ancestry, Vec::new()).await
    }

    async fn propose(
        &mut self,
        context: (E, Context),
        ancestry: impl Ancestry<Block>,
        _: (),
    ) -> Option<Digested<Block>> {
        let parent = ancestry.peek()?.clone();
        let epoch = context.1.round.epoch().get();
        let share = &self.picker.share;
        share.settle(parent.digest());
        let candidates = self.picker.pick(&context.0, &parent, epoch).await;
        share.building();
        tracing::trace!(height = parent.height().get() + 1, count = candidates.len(), "propose");
        let proposed = self.inner.propose(context, ancestry, candidates).await;
        if let Some(block) = &proposed {
            share.made(block.digest());
        }
        proposed
    }

    /// Waits while the block's time lies too far ahead of this node's clock: the verdict is final,
    /// and a clock is no ground for one. Consensus cancels the wait when the view is over.
    async fn verify(&mut self, context: (E, Context), ancestry: impl Ancestry<Block>) -> bool {
        if let Some(block) = ancestry.peek() {
            self.picker.share.built_on(BlockDigest::from(block.inner().header().parent.0));
            let time_ms = block.inner().header().time_ms;
            self.clock.compare(time_ms, unix_ms(&context.0));
            let allowed = time_ms.saturating_sub(limits::BLOCK_AHEAD_MS_MAX);
            while unix_ms(&context.0) < allowed {
                let step = (allowed - unix_ms(&context.0)).min(self.picker.pace.idle_ms.max(1));
                context.0.sleep(Duration::from_millis(step)).await;
            }
        }
        self.inner.verify(context, ancestry).await
    }
}
