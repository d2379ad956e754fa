//! Build one simulated validator from the real engine.

use super::{
    disk::{Disk, Faults},
    double_voter::{DoubleVoter, Second, VoteSender},
    follower::{Feed, Feeds},
    garbage,
    liar::{BentQueue, Liar, Lie, Told, Voice},
    machine::{Machine, Wall},
    pen::Pen,
};
use crate::support::{
    ACCOUNTS, Counters, EverySignature, Fault, NoLogs, NoSignature, Queue, Seen, Witness, add,
    forged, genesis, secret,
};
use commonware_actor::Feedback;
use commonware_consensus::marshal::Update;
use commonware_cryptography::Signer as _;
use commonware_glue::simulate::{
    engine::{EngineDefinition, InitContext},
    processed::ProcessedHeight,
    tracker::FinalizationUpdate,
};
use commonware_p2p::{BlockedSubscription, Blocker, simulated::Control};
use commonware_runtime::{
    Clock as _, Handle, Quota, Spawner as _, Storage as _, Supervisor as _, deterministic::Context,
};
use commonware_utils::channel::mpsc;
use futures::future::{Either, select, select_all};
use std::{
    num::{NonZeroU32, NonZeroU64},
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};
use trine_consensus::{
    Addresses, CHANNELS, Chain, Config, Conflicts, Network, Parts, Running, Tap, Timing, follow,
    message_bytes_max, start,
};
use trine_ledger::{
    Block,
    preset::{PrivateKey, PublicKey},
};
use trine_testkit::suite;
use trine_types::Genesis;

/// Blocks of an epoch in the simulation.
pub const EPOCH: u64 = 16;
/// How long a view waits for its leader in the simulation, in milliseconds.
pub const LEADER_MS: u64 = 500;
/// Time after which a leader proposes a block without transactions.
pub const IDLE_MS: u64 = 100;
/// Time between two transactions of the load.
const LOAD_STEP: Duration = Duration::from_millis(40);
/// The same where more is offered than lines take.
const HEAVY_LOAD_STEP: Duration = Duration::from_millis(5);
/// Most transactions of a block there; the smallest share of it fits through every line.
const HEAVY_TRANSACTIONS_MAX: usize = 512;

/// Every so many transactions of the load, one comes that another signed than its sender.
const FORGED_EVERY: u64 = 64;

/// A fault planted into the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Planted {
    #[default]
    Nothing,
    /// Every node forgets its votes when it stops, as if they had left before they were stored.
    VoteBeforeSync,
    /// The first validator votes twice in each view.
    DoubleVote(Second),
    /// The first validator loses its folder whenever it stops; with or without the guard.
    LostFolder { guarded: bool },
    /// The rules have a fault.
    Rules(Fault),
    /// Every pool loses some of what it has acknowledged.
    ForgetfulPool,
    /// Nobody checks signatures of transactions.
    NoSignatureCheck,
    /// The first validator sends bytes that are no messages.
    Garbage,
    /// Of the first validators, as many as may lie do.
    Lies(Lie),
}

/// What outlives the restarts of one validator.
#[derive(Default)]
pub struct Memory {
    pub seen: Arc<Mutex<Seen>>,
    queue: Arc<Queue>,
    fed: AtomicU64,
    starts: AtomicU64,
    /// What it said where it lies.
    told: Arc<Mutex<Told>>,
}

/// The network under test.
#[derive(Clone)]
pub struct Validators {
    pub genesis: Arc<Genesis>,
    keys: Vec<PrivateKey>,
    pub memories: Arc<Vec<Memory>>,
    /// Peers that a node cut off because no honest peer behaves so.
    pub blocked: Arc<Mutex<Vec<PublicKey>>>,
    planted: Planted,
    /// Whether each epoch leaves another one of them out.
    take_turns: bool,
    /// Bytes a second that each sends, when not as many as it likes; more is offered then.
    egress_bytes: Option<usize>,
    /// What a follower knows that runs beside the first, where there is one.
    followed: Option<Arc<Followed>>,
    /// How their clocks are wrong.
    walls: Arc<Vec<Wall>>,
    /// What they run from.
    disks: Arc<Vec<Arc<Disk>>>,
}

/// A node that follows the validators; it stops and starts with the first of them.
struct Followed {
    memory: Memory,
    feeds: Arc<Feeds>,
}

impl Memory {
    fn new(planted: Planted) -> Self {
        match planted {
            Planted::ForgetfulPool => {
                Self { queue: Arc::new(Queue::forgetful()), ..Self::default() }
            }
            _ => Self::default(),
        }
    }
}

impl Validators {
    pub fn new(count: u8, planted: Planted) -> Self {
        let addresses: Vec<String> =
            (0..count).map(|number| format!("127.0.0.1:{}", 1_000 + u16::from(number))).collect();
        let key = |number| {
            PrivateKey::new(secret(b'v', number)).expect("validators use the suite's algorithm")
        };
        Self {
            genesis: Arc::new(genesis(EPOCH, &addresses)),
            keys: (0..count).map(key).collect(),
            memories: Arc::new((0..count).map(|_| Memory::new(planted)).collect()),
            blocked: Arc::default(),
            planted,
            take_turns: false,
            egress_bytes: None,
            followed: None,
            walls: Arc::new(vec![Wall::default(); count.into()]),
            disks: Arc::new((0..count).map(|_| Arc::default()).collect()),
        }
    }

    /// The same with wrong clocks, as many as are given.
    pub fn with_walls(self, walls: Vec<Wall>) -> Self {
        Self { walls: Arc::new(walls), ..self }
    }

    /// The same on disks with faults.
    pub fn with_disks(self, faults: &[Faults]) -> Self {
        let disks = faults.iter().map(|faults| Arc::new(Disk::new(*faults))).collect();
        Self { disks: Arc::new(disks), ..self }
    }

    /// The machine of a validator, on which a process starts.
    fn machine(&self, index: usize, context: &Context) -> Machine {
        let disk = &self.disks[index];
        disk.power_on();
        let fails_at = disk.faults.fails_at.map(|after| SystemTime::UNIX_EPOCH + after);
        if let Some(at) = fails_at.filter(|at| *at > context.current()) {
            let disk = disk.clone();
            context.child("disk").spawn(move |context| async move {
                context.sleep_until(at).await;
                disk.fail();
            });
        }
        Machine::new(context.child("machine"), self.walls[index], disk.clone())
    }

    /// Validators of whom each epoch leaves another one out, and a node that follows them.
    pub fn followed(count: u8) -> Self {
        let feeds = Arc::new(Feeds::of(count.into()));
        let followed = Followed { memory: Memory::default(), feeds };
        Self { followed: Some(Arc::new(followed)), ..Self::taking_turns(count) }
    }

    /// Validators of whom each epoch leaves another one out, from the third epoch on.
    pub fn taking_turns(count: u8) -> Self {
        Self { take_turns: true, ..Self::new(count, Planted::Nothing) }
    }

    /// Validators behind thin lines.
    pub fn behind_thin_lines(count: u8, egress_bytes: usize) -> Self {
        Self { egress_bytes: Some(egress_bytes), ..Self::new(count, Planted::Nothing) }
    }

    /// Whether lines take what is offered.
    pub const fn fits(&self) -> bool {
        self.egress_bytes.is_none()
    }

    pub fn public_keys(&self) -> Vec<PublicKey> {
        self.keys.iter().map(PrivateKey::public_key).collect()
    }

    fn config(&self, index: usize) -> Config {
        let mut config = bare_config(Some(self.keys[index].clone()));
        let start = self.memories[index].starts.fetch_add(1, Ordering::Relaxed);
        config.prefix = format!("v{index}");
        config.first_start = start == 0;
        if let (Planted::LostFolder { guarded }, 0) = (self.planted, index) {
            // Partitions under another name are an empty folder.
            config.prefix = format!("v{index}-{start}");
            config.first_start |= !guarded;
        }
        if self.egress_bytes.is_some() {
            config.transactions_max = HEAVY_TRANSACTIONS_MAX;
        }
        config
    }

    /// Starts the follower beside the first validator.
    async fn follow(
        &self,
        machine: &Machine,
        feed: Context,
        followed: &Followed,
    ) -> Running<Machine> {
        let feed = Arc::new(Feed { context: feed, feeds: followed.feeds.clone() });
        let parts = self.parts_of(0, &followed.memory);
        let mut config = bare_config(None);
        config.prefix = "follower".into();
        let follower = machine.child("follower");
        follow(follower, config, parts, feed, None, None).await.expect("the follower starts")
    }

    fn double_voter(&self, index: usize, votes: &VoteSender) -> Option<DoubleVoter> {
        let Planted::DoubleVote(second) = self.planted else { return None };
        let (key, genesis) = (self.keys[index].clone(), self.genesis.clone());
        (index == 0).then(|| DoubleVoter::new(second, key, votes.clone(), genesis))
    }

    /// How many of them may lie: fewer than a third.
    pub fn liars_max(&self) -> usize {
        (self.keys.len() - 1) / 3
    }

    /// How a validator lies, where it does.
    fn lie(&self, index: usize) -> Option<Lie> {
        let Planted::Lies(lie) = self.planted else { return None };
        (index < self.liars_max()).then_some(lie)
    }

    fn liar(&self, index: usize, votes: &VoteSender) -> Option<Arc<Liar>> {
        let (key, genesis) = (self.keys[index].clone(), self.genesis.clone());
        let Memory { seen, told, .. } = &self.memories[index];
        Some(Arc::new(Liar {
            lie: self.lie(index)?,
            key: key.public_key(),
            pen: Pen::new(key, genesis),
            votes: votes.clone(),
            held: Mutex::default(),
            seen: seen.clone(),
            told: told.clone(),
        }))
    }

    fn parts(&self, index: usize) -> Parts {
        self.parts_of(index, &self.memories[index])
    }

    fn parts_of(&self, index: usize, memory: &Memory) -> Parts {
        let lie = self.lie(index);
        let fault = match (self.planted, lie) {
            (Planted::Rules(Fault::OutcomeOrder(_)), _) => Fault::OutcomeOrder(index as u8),
            (Planted::Rules(fault), _) => fault,
            (_, Some(Lie::Twice)) => Fault::NoNonceCheck,
            _ => Fault::None,
        };
        Parts {
            genesis: self.genesis.clone(),
            application: Arc::new(Counters {
                fault,
                turns_of: self.take_turns.then_some(self.keys.len() as u8),
            }),
            checker: match (self.planted, lie) {
                (Planted::NoSignatureCheck, _) | (_, Some(Lie::Forged)) => Arc::new(NoSignature),
                _ => Arc::new(EverySignature),
            },
            source: match lie {
                Some(lie) => Arc::new(BentQueue::new(lie, &self.genesis, memory.queue.clone())),
                None => memory.queue.clone(),
            },
            observer: Arc::new(Witness { seen: memory.seen.clone(), queue: memory.queue.clone() }),
            log_heads: Arc::new(NoLogs),
            incoming: Arc::new(|_| ()),
        }
    }

    /// Sees what is final: tells the simulation, and notes when it was.
    fn tap(
        &self,
        index: usize,
        clock: Context,
        pk: PublicKey,
        monitor: mpsc::UnboundedSender<FinalizationUpdate<PublicKey>>,
        double: Option<DoubleVoter>,
    ) -> Tap {
        let seen = self.memories[index].seen.clone();
        Arc::new(move |update: &Update<Block>| match update {
            Update::Block(block, _) => {
                let mut seen = seen.lock().expect("no test panics with this lock");
                let height = block.inner().header().height.0;
                seen.arrived_ms.entry(height).or_insert_with(|| Wall::right_ms(&clock));
            }
            Update::Tip(round, height, digest) => {
                if let Some(double) = &double {
                    double.vote(*round);
                }
                let _ = monitor.send(FinalizationUpdate {
                    pk: pk.clone(),
                    round: *round,
                    height: *height,
                    block_digest: digest.to_vec(),
                });
            }
        })
    }

    fn state(&self, index: usize, conflicts: Conflicts, follower: Option<Follower>) -> State {
        let Memory { seen, queue, told, .. } = &self.memories[index];
        State {
            index,
            seen: seen.clone(),
            queue: queue.clone(),
            blocked: self.blocked.clone(),
            conflicts,
            disk: self.disks[index].clone(),
            told: told.clone(),
            follower,
        }
    }

    /// Offers one transaction after the other; every seventh a second time, as clients do.
    fn feed(&self, context: Context, index: usize) {
        let (memories, genesis) = (self.memories.clone(), self.genesis.clone());
        let step = if self.egress_bytes.is_some() { HEAVY_LOAD_STEP } else { LOAD_STEP };
        context.spawn(move |context| async move {
            let memory = &memories[index];
            loop {
                let place = memory.fed.fetch_add(1, Ordering::Relaxed);
                let offer = |place: u64| {
                    let account = (place % u64::from(ACCOUNTS)) as u8;
                    memory.queue.add(add(&genesis, account, place / u64::from(ACCOUNTS), place));
                };
                offer(place);
                if place % 7 == 6 {
                    offer(place - 6);
                }
                if place % FORGED_EVERY == 0 {
                    memory.queue.smuggle(forged(&genesis, place / FORGED_EVERY));
                }
                context.sleep(step).await;
            }
        });
    }
}

/// What every simulated node has in common.
fn bare_config(signer: Option<PrivateKey>) -> Config {
    let length = NonZeroU64::new(EPOCH).expect("epochs have blocks");
    let mut config = Config::new(signer, length);
    config.cache_bytes = 1 << 20;
    config.timing = Timing { idle_ms: IDLE_MS, interval_ms_min: 10, ..Timing::default() };
    config.timing.leader_ms = LEADER_MS;
    config.timing.certification_ms = 2 * LEADER_MS;
    config
}

/// Passes on and remembers who was cut off.
#[derive(Clone)]
pub struct Recorder {
    inner: Control<PublicKey, Context>,
    blocked: Arc<Mutex<Vec<PublicKey>>>,
}

impl Blocker for Recorder {
    type PublicKey = PublicKey;

    fn block(&mut self, peer: PublicKey) -> Feedback {
        self.blocked.lock().expect("no test panics with this lock").push(peer.clone());
        self.inner.block(peer)
    }

    fn blocked(&mut self) -> BlockedSubscription<PublicKey> {
        self.inner.blocked()
    }
}

/// A validator that runs.
pub struct Node {
    context: Context,
    /// The validator, and a follower where one runs beside it.
    running: Vec<Running<Machine>>,
    /// What a follower is fed from.
    chain: Option<Arc<Chain>>,
    disk: Arc<Disk>,
}

type Follower = (Arc<Mutex<Seen>>, Arc<Feeds>);

/// What properties look at.
pub struct State {
    pub index: usize,
    pub seen: Arc<Mutex<Seen>>,
    /// What it took from clients.
    pub queue: Arc<Queue>,
    pub blocked: Arc<Mutex<Vec<PublicKey>>>,
    /// What it keeps as evidence against validators.
    pub conflicts: Conflicts,
    pub disk: Arc<Disk>,
    /// What it said where it lies.
    pub told: Arc<Mutex<Told>>,
    /// What a follower that runs beside it saw, and from whom.
    pub follower: Option<Follower>,
}

impl State {
    /// What each node here saw.
    pub fn seen(&self) -> impl Iterator<Item = MutexGuard<'_, Seen>> {
        let follower = self.follower.iter().map(|(seen, _)| seen);
        let all = std::iter::once(&self.seen).chain(follower);
        all.map(|seen| seen.lock().expect("no test panics with this lock"))
    }
}

impl ProcessedHeight for State {
    async fn processed_height(&self) -> u64 {
        self.seen().map(|seen| seen.durable).min().expect("there is one at least")
    }
}

impl EngineDefinition for Validators {
    type PublicKey = PublicKey;
    type Engine = Node;
    type State = State;

    fn participants(&self) -> Vec<PublicKey> {
        self.public_keys()
    }

    fn channels(&self) -> Vec<(u64, Quota)> {
        let quota = |rate| Quota::per_second(NonZeroU32::new(rate).expect("rates are positive"));
        CHANNELS.iter().map(|(channel, rate)| (*channel, quota(*rate))).collect()
    }

    fn max_message_size(&self) -> u32 {
        message_bytes_max(suite())
    }

    async fn init(&self, init: InitContext<'_, PublicKey>) -> (Self::Engine, State) {
        let InitContext { context, index, public_key, oracle, channels, monitor, .. } = init;
        let config = self.config(index);
        if self.egress_bytes.is_some() {
            let limited = oracle.limit_bandwidth(public_key.clone(), self.egress_bytes, None);
            limited.await.expect("the simulated network runs");
        }
        if self.planted == Planted::VoteBeforeSync {
            for epoch in 0..64 {
                let partition = format!("{}-votes_consensus_{epoch}", config.prefix);
                let _ = context.remove(&partition, None).await;
            }
        }
        if self.planted == Planted::Garbage && index == 0 {
            garbage::send(&context, channels.iter().map(|(sender, _)| sender.clone()).collect());
        }
        let double = self.double_voter(index, &channels[0].0);
        let liar = self.liar(index, &channels[0].0);
        let mut channels = channels
            .into_iter()
            .zip(CHANNELS)
            .map(|((sender, receiver), (id, _))| (Voice::new(sender, id, liar.clone()), receiver));
        let mut channel = || channels.next().expect("as many channels as declared");
        // Whom a liar cuts off says nothing.
        let blocked = if liar.is_some() { Arc::default() } else { self.blocked.clone() };
        let blocker = Recorder { inner: oracle.control(public_key.clone()), blocked };
        let network = Network {
            votes: channel(),
            certificates: channel(),
            resolver: channel(),
            backfill: channel(),
            blocks: channel(),
            transactions: channel(),
            blocker,
            manager: oracle.manager(),
            addresses: Addresses::default(),
        };
        let tap = self.tap(index, context.child("clock"), public_key.clone(), monitor, double);
        self.feed(context.child("load"), index);
        let parts = self.parts(index);
        let machine = self.machine(index, &context);
        let running = start(machine.child("engine"), config, parts, network, Some(tap))
            .await
            .expect("the engine starts");
        let conflicts = running.chain().conflicts().clone();
        let mut running = vec![running];
        let (mut follower, mut chain) = (None, None);
        if let Some(followed) = &self.followed {
            let fed = chain.insert(Arc::new(running[0].chain().clone()));
            followed.feeds.feed(index, fed);
            if index == 0 {
                running.push(self.follow(&machine, context.child("feed"), followed).await);
                follower = Some((followed.memory.seen.clone(), followed.feeds.clone()));
            }
        }
        let disk = self.disks[index].clone();
        let state = self.state(index, conflicts, follower);
        (Node { context, running, chain, disk }, state)
    }

    fn start(node: Node) -> Handle<()> {
        let Node { context, running, chain, disk } = node;
        context.spawn(move |context| async move {
            let _fed = chain;
            let stopped = select_all(running.iter().map(Running::stopped));
            if let Either::Left(((stopped, ..), _)) = select(stopped, pin!(disk.ended())).await {
                disk.end(context.current());
                panic!("{stopped}");
            }
        })
    }
}
