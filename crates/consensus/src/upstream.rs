//! Ask other nodes for final blocks, and believe none of them.
//!
//! Whatever an upstream sends is checked by marshal: a certificate against the validators whom the
//! chain named, a block against the digest that is certified. An upstream whose answer does not
//! hold is told apart and left for another one.

use bytes::Bytes;
use commonware_consensus::marshal::resolver::handler::{self, Annotation, Handler, Key};
use commonware_resolver::{Consumer, Delivery, Outcome, opaque};
use commonware_runtime::{Clock, Handle, Metrics, Spawner};
use commonware_utils::channel::{mpsc, oneshot};
use futures::{
    StreamExt as _,
    future::{BoxFuture, Either, select},
    pin_mut,
    stream::FuturesUnordered,
};
use std::{num::NonZeroUsize, sync::Arc, time::Duration};
use trine_ledger::{
    preset::{BlockDigest, PublicKey},
    state::Table,
};
use trine_types::{Digest, Height};

/// What a follower asks an upstream for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A block by its digest: see [`Chain::encoded_block`](crate::Chain::encoded_block).
    Block(Digest),
    /// The block at a height behind its certificate: see
    /// [`Chain::encoded_finalization`](crate::Chain::encoded_finalization).
    Finalized(Height),
}

/// What an upstream sent.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its bytes; nothing is checked yet.
    pub bytes: Bytes,
    /// Number of the upstream that sent them.
    pub source: usize,
}

/// What an upstream says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Height of a block that it can prove.
    pub height: Height,
    /// Number of the upstream.
    pub source: usize,
}

/// Why an upstream is left for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// What it sent is not what was asked for, or is not certified.
    #[error("its answer does not hold")]
    Invalid,
    /// It claims a height of which it has shown nothing.
    #[error("it did not show the block that it claims to have")]
    Unproven,
}

/// Other nodes of the chain, of whom one is asked at a time.
pub trait Upstream: Send + Sync + 'static {
    /// Waits until an upstream claims a block above `above`.
    fn tip(&self, above: Height) -> BoxFuture<'_, Claim>;

    /// Asks for a block; none when nobody who was asked has it.
    fn fetch(&self, wanted: Wanted) -> BoxFuture<'_, Option<Answer>>;

    /// Asks for operations of a table's log; request and answer as the engine encodes them. Waits
    /// until somebody answers.
    fn operations(&self, table: Table, request: Bytes) -> BoxFuture<'_, Answer>;

    /// Leaves an upstream for another one.
    fn distrust(&self, source: usize, why: Distrust);

    /// Sends transactions (see [`Gossip`](crate::Gossip)) on their way to the validators. They may
    /// be lost.
    fn forward(&self, batch: Bytes);
}

/// Marshal's requests, asked of upstreams.
pub type Requests =
    (handler::Receiver<BlockDigest>, opaque::Resolver<Key<BlockDigest>, Annotation, PublicKey>);

/// Starts to ask `upstream` for what marshal needs; the second part is a task that has to run.
pub fn start<E: Clock + Spawner + Metrics>(
    context: &E,
    upstream: Arc<dyn Upstream>,
    mailbox: NonZeroUsize,
    retry: Duration,
) -> (Requests, Handle<()>) {
    let (receiver, handler) = handler::init(context.child("handler"), mailbox);
    // Marshal bounds the requests in flight, so the channel needs no bound of its own.
    let (verdicts, told) = mpsc::unbounded_channel();
    let judge = Judge { handler, verdicts };
    let fetcher = Fetcher(upstream.clone());
    let resolver = opaque::init(context.child("resolver"), fetcher, judge, mailbox, retry);
    let handle = context.child("verdicts").spawn(move |_| tell(told, upstream));
    ((receiver, resolver), handle)
}

#[derive(Clone)]
struct Fetcher(Arc<dyn Upstream>);

impl opaque::Fetcher for Fetcher {
    type Key = Key<BlockDigest>;
    type Value = Answer;

    async fn fetch(&self, key: Key<BlockDigest>) -> Option<Answer> {
        let wanted = match key {
            Key::Block(digest) => Wanted::Block(Digest(digest.0)),
            Key::Finalized { height } => Wanted::Finalized(Height(height.get())),
            // Asked for by those who vote only.
            Key::Notarized { .. } => return None,
        };
        self.0.fetch(wanted).await
    }
}

/// An answer that marshal checks.
struct Verdict {
    source: usize,
    outcome: oneshot::Receiver<Outcome>,
    asked: oneshot::Sender<Outcome>,
}

/// Hands answers to marshal, and has what it says of them told.
#[derive(Clone)]
struct Judge {
    handler: Handler<BlockDigest>,
    verdicts: mpsc::UnboundedSender<Verdict>,
}

impl Consumer for Judge {
    type Key = Key<BlockDigest>;
    type Value = Answer;
    type Subscriber = Annotation;
    type Outcome = Outcome;

    fn deliver(
        &mut self,
        delivery: Delivery<Key<BlockDigest>, Annotation>,
        answer: Answer,
    ) -> oneshot::Receiver<Outcome> {
        let outcome = self.handler.deliver(delivery, answer.bytes);
        let (asked, answered) = oneshot::channel();
        // Without the task nobody answers, which the resolver takes for no verdict.
        let _ = self.verdicts.send(Verdict { source: answer.source, outcome, asked });
        answered
    }
}

/// Passes verdicts on, and leaves upstreams whose answers do not hold.
async fn tell(mut verdicts: mpsc::UnboundedReceiver<Verdict>, upstream: Arc<dyn Upstream>) {
    let mut pending = FuturesUnordered::new();
    loop {
        let next = verdicts.recv();
        pin_mut!(next);
        // An empty set is finished at once, and there is nothing to wait for in it.
        let told = match pending.is_empty() {
            true => Either::Left((next.await, ())),
            false => match select(next, pending.next()).await {
                Either::Left((verdict, _)) => Either::Left((verdict, ())),
                Either::Right((done, _)) => Either::Right(done),
            },
        };
        match told {
            Either::Left((None, ())) => return,
            Either::Left((Some(Verdict { source, outcome, asked }), ())) => {
                pending.push(async move { (source, outcome.await, asked) });
            }
            Either::Right(Some((source, Ok(outcome), asked))) => {
                if outcome == Outcome::Invalid {
                    upstream.distrust(source, Distrust::Invalid);
                }
                // Whoever asked may not wait any more.
                let _ = asked.send(outcome);
            }
            // Marshal gave no verdict; dropping the sender says so.
            Either::Right(_) => (),
        }
    }
}
