//! Run a node that votes on nothing and checks everything: fed by other nodes, not by the network
//! of the validators.
//!
//! Marshal, state actor, driver and delivery are those of a validator. It has no consensus;
//! in its place the [`Chase`] asks upstreams how far they are, and marshal fetches what is missing
//! and checks it. Heights are asked for epoch by epoch: who may certify a block is known once the
//! last block of the epoch before is there.

use crate::{
    config::{Config, ms},
    conflicts::Conflicts,
    engine::{Environment, Parts, StartError, Tap, Tapped},
    gossip::Gossip,
    node::{MAILBOX, Node},
    peers::Addresses,
    running::Running,
    state_sync::Anchor,
    upstream::{self, Claim, Distrust, Upstream},
};
use commonware_consensus::{
    Reporters,
    types::{Epoch, Epocher as _, FixedEpocher, Height as EngineHeight},
};
use commonware_glue::dkg::fence::Fence;
use commonware_runtime::{Clock, Handle, Spawner};
use commonware_utils::non_empty_vec;
use futures::{
    future::{Either, select},
    pin_mut,
};
use std::{sync::Arc, time::Duration};
use trine_ledger::{Committees, committees::public_key, preset::Marshal};
use trine_types::Height;

/// How long a block that nobody had is not asked for again.
const RETRY: Duration = ms(200);
/// How often the chase looks whether it gets on.
const LOOK_INTERVAL: Duration = ms(1_000);
/// How often it looks for the validators of the next epoch.
const EPOCH_INTERVAL: Duration = ms(20);
/// How long an upstream may claim blocks of which none comes.
const PATIENCE: Duration = ms(10_000);

/// Starts all actors of a node that follows `upstream`. One whose state was taken over (see
/// [`crate::state_sync::adopt`]) begins after `anchor`, at each start.
///
/// # Errors
/// [`StartError`] when the configuration is refused or the folder does not serve.
pub async fn follow<E: Environment>(
    context: E,
    config: Config,
    parts: Parts,
    upstream: Arc<dyn Upstream>,
    anchor: Option<&Anchor>,
    tap: Option<Tap>,
) -> Result<Running<E>, StartError> {
    config.check()?;
    let node = Node::open(context, config, parts).await?;
    if let Some(Anchor { change, .. }) = anchor {
        node.committees.register(Epoch::new(change.epoch.0), change, false);
    }
    let child = |label| node.context.child(label);
    // Nobody waits at the gate: there is no consensus.
    let (fence, _gate) = Fence::new();
    let core = node.core(Addresses::default(), fence, anchor).await?;
    let (marshal, state) = (core.marshal, core.state);
    let (requests, verdicts) =
        upstream::start(&child("upstream"), upstream.clone(), MAILBOX, RETRY);
    let reporters =
        Reporters::from((Tapped(tap), Reporters::from((core.delivery, core.driver_mailbox))));
    let marshal_handle = core.marshal_actor.start_unbuffered(reporters, requests);
    // Marshal fetches the block of its anchor first.
    while anchor.is_some() && marshal.get_processed().await.is_none() {
        node.context.sleep(RETRY).await;
    }
    node.settle(&core.driver, &marshal).await?;
    let chase = Chase {
        context: child("chase"),
        marshal: marshal.clone(),
        committees: node.committees.clone(),
        epocher: node.epocher.clone(),
        upstream: upstream.clone(),
    };
    let handles = vec![
        ("marshal", marshal_handle),
        ("verdicts", verdicts),
        ("delivery", core.delivered),
        ("driver", core.driver.start()),
        ("state", core.state_actor.start()),
        ("chase", chase.start()),
    ];
    let gossip = Gossip::through(move |batch| upstream.forward(batch));
    let chain = node.chain(marshal, gossip, Conflicts::default());
    Ok(Running::new(handles, chain, state))
}

/// Asks upstreams for their newest block, again and again.
struct Chase<E> {
    context: E,
    marshal: Marshal,
    committees: Committees,
    epocher: FixedEpocher,
    upstream: Arc<dyn Upstream>,
}

/// How far a chase is.
#[derive(Clone, Copy, Debug)]
struct Reach {
    /// Highest block that was asked for.
    asked: Height,
    /// Upstream that claimed it.
    source: Option<usize>,
    /// Highest block that is applied.
    processed: Height,
    /// How long none has been applied that was asked for.
    waited: Duration,
}

impl<E: Spawner + Clock> Chase<E> {
    /// Starts the task. It ends only when the node stops.
    fn start(self) -> Handle<()> {
        let context = self.context.child("run");
        context.spawn(move |_| async move { self.run().await })
    }

    async fn run(self) {
        let processed = self.processed().await;
        let waited = Duration::ZERO;
        let mut reach = Reach { asked: processed, source: None, processed, waited };
        loop {
            let epoch = self.epoch_of(Height(reach.asked.0 + 1));
            if self.committees.change(epoch).is_none() {
                self.context.sleep(EPOCH_INTERVAL).await;
                self.look(&mut reach, EPOCH_INTERVAL).await;
                continue;
            }
            if let Some(claim) = self.claim(&mut reach).await {
                self.ask(&mut reach, claim, epoch);
            }
        }
    }

    /// Waits for a claim above what was asked for; none when the reach fell back meanwhile.
    async fn claim(&self, reach: &mut Reach) -> Option<Claim> {
        let asked = reach.asked;
        let mut tip = self.upstream.tip(asked);
        loop {
            let tick = self.context.sleep(LOOK_INTERVAL);
            pin_mut!(tick);
            if let Either::Left((claim, _)) = select(&mut tip, tick).await {
                return Some(claim);
            }
            self.look(reach, LOOK_INTERVAL).await;
            if reach.asked < asked {
                return None;
            }
        }
    }

    /// Has marshal fetch what is claimed, as far as its validators are known.
    fn ask(&self, reach: &mut Reach, claim: Claim, epoch: Epoch) {
        let last = self.epocher.last(epoch).map_or(u64::MAX, EngineHeight::get);
        let height = claim.height.0.min(last);
        let Some(change) = self.committees.change(epoch).filter(|_| height > reach.asked.0) else {
            return;
        };
        // Upstreams have no keys: whose block it is does not matter.
        let anybody = public_key(&change.validators.as_slice()[0].key);
        self.marshal.hint_finalized(EngineHeight::new(height), non_empty_vec![anybody]);
        (reach.asked, reach.source) = (Height(height), Some(claim.source));
    }

    /// Looks whether blocks come, and gives up on an upstream whose claims come to nothing.
    async fn look(&self, reach: &mut Reach, since: Duration) {
        let processed = self.processed().await;
        reach.waited += since;
        if processed > reach.processed || processed >= reach.asked {
            reach.waited = Duration::ZERO;
        }
        reach.processed = processed;
        if reach.waited < PATIENCE {
            return;
        }
        if let Some(source) = reach.source.take() {
            self.upstream.distrust(source, Distrust::Unproven);
        }
        (reach.asked, reach.waited) = (processed, Duration::ZERO);
    }

    fn epoch_of(&self, height: Height) -> Epoch {
        let bounds = self.epocher.containing(EngineHeight::new(height.0));
        bounds.expect("a fixed epoch length covers every height").epoch()
    }

    async fn processed(&self) -> Height {
        let processed = self.marshal.get_processed().await;
        Height(processed.map_or(0, |processed| processed.height().get()))
    }
}
