//! Give one simulated validator a wall clock and a disk of its own.

use super::disk::{Disk, Platter};
use commonware_parallel::Rayon;
use commonware_runtime::{
    BlobVersion, Clock, Error, Handle, Metrics, Name, Network, Resolver, SinkOf, Spawner, Storage,
    Strategizer, StreamOf, Supervisor,
    deterministic::Context,
    signal,
    telemetry::metrics::{Metric, Registered},
};
use futures::FutureExt as _;
use governor::clock::{Clock as RateClock, ReasonablyRealtime};
use rand::{TryCryptoRng, TryRng};
use std::{
    convert::Infallible,
    fmt::Display,
    future::Future,
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
    ops::RangeInclusive,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::Arc,
    time::{Duration, SystemTime},
};
use trine_runtime::WallClock;

/// What right clocks show when a run begins: later than all clocks that are behind are wrong.
const BEGIN: Duration = Duration::from_secs(3_600);

/// How a wall clock is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wall {
    /// Seconds that it is ahead from the beginning.
    pub ahead_s: i64,
    /// Milliseconds that it gains in each second.
    pub gain_ms: i64,
    /// After how many seconds somebody sets it, and by how many seconds.
    pub step: Option<(u64, i64)>,
}

impl Wall {
    /// What a right clock shows.
    fn right(context: &impl Clock) -> SystemTime {
        context.current() + BEGIN
    }

    /// The same in milliseconds since 1970.
    pub fn right_ms(context: &impl Clock) -> u64 {
        let since = Self::right(context).duration_since(SystemTime::UNIX_EPOCH);
        since.unwrap_or_default().as_millis() as u64
    }

    fn show(self, context: &impl Clock) -> SystemTime {
        let right = Self::right(context);
        let passed = context.current().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let stepped = self.step.filter(|(after_s, _)| passed >= Duration::from_secs(*after_s));
        let seconds = self.ahead_s + stepped.map_or(0, |(_, seconds)| seconds);
        let gained_ms = self.gain_ms * passed.as_millis() as i64 / 1_000;
        let ahead_ms = 1_000 * seconds + gained_ms;
        let off = Duration::from_millis(ahead_ms.unsigned_abs());
        if ahead_ms < 0 { right - off } else { right + off }
    }
}

/// The library's context, but for the wall clock and the files.
pub struct Machine {
    library: Context,
    wall: Wall,
    disk: Arc<Disk>,
}

impl Machine {
    pub const fn new(library: Context, wall: Wall, disk: Arc<Disk>) -> Self {
        Self { library, wall, disk }
    }

    fn with(self, change: impl FnOnce(Context) -> Context) -> Self {
        Self { library: change(self.library), ..self }
    }
}

impl WallClock for Machine {
    fn wall(&self) -> SystemTime {
        self.wall.show(&self.library)
    }
}

impl Spawner for Machine {
    fn shared(self, blocking: bool) -> Self {
        self.with(|library| library.shared(blocking))
    }

    fn dedicated(self) -> Self {
        self.with(Spawner::dedicated)
    }

    /// Where a task panics, the machine's process ends, as on tokio.
    fn spawn<F, Fut, T>(self, task: F) -> Handle<T>
    where
        F: FnOnce(Self) -> Fut + Send + 'static,
        Fut: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let Self { library, wall, disk } = self;
        library.spawn(move |library| {
            let (process, now) = (disk.clone(), library.child("ending"));
            let task = AssertUnwindSafe(task(Self { library, wall, disk }));
            task.catch_unwind().map(move |result| {
                result.unwrap_or_else(|panic| {
                    process.end(now.current());
                    resume_unwind(panic)
                })
            })
        })
    }

    async fn stop(self, value: i32, timeout: Option<Duration>) -> Result<(), Error> {
        self.library.stop(value, timeout).await
    }

    fn stopped(&self) -> signal::Signal {
        self.library.stopped()
    }
}

impl Supervisor for Machine {
    fn name(&self) -> Name {
        self.library.name()
    }

    fn child(&self, label: &'static str) -> Self {
        Self::new(self.library.child(label), self.wall, self.disk.clone())
    }

    fn with_attribute(self, key: &'static str, value: impl Display) -> Self {
        self.with(|library| library.with_attribute(key, value))
    }
}

impl Metrics for Machine {
    fn register<N: Into<String>, H: Into<String>, M: Metric>(
        &self,
        name: N,
        help: H,
        metric: M,
    ) -> Registered<M> {
        self.library.register(name, help, metric)
    }

    fn encode(&self) -> String {
        self.library.encode()
    }
}

impl Clock for Machine {
    fn current(&self) -> SystemTime {
        self.library.current()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.library.sleep(duration)
    }

    fn sleep_until(
        &self,
        deadline: SystemTime,
    ) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.library.sleep_until(deadline)
    }
}

impl RateClock for Machine {
    type Instant = SystemTime;

    fn now(&self) -> SystemTime {
        self.library.current()
    }
}

impl ReasonablyRealtime for Machine {}

impl Network for Machine {
    type Listener = <Context as Network>::Listener;

    async fn bind(&self, address: SocketAddr) -> Result<Self::Listener, Error> {
        self.library.bind(address).await
    }

    async fn dial(&self, address: SocketAddr) -> Result<(SinkOf<Self>, StreamOf<Self>), Error> {
        self.library.dial(address).await
    }
}

impl Resolver for Machine {
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, Error> {
        self.library.resolve(host).await
    }
}

impl Strategizer for Machine {
    fn strategy(&self, parallelism: NonZeroUsize) -> Rayon {
        self.library.strategy(parallelism)
    }
}

impl TryRng for Machine {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.library.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.library.try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.library.try_fill_bytes(bytes)
    }
}

impl TryCryptoRng for Machine {}

impl Storage for Machine {
    type Blob = Platter;

    async fn open_versioned(
        &self,
        partition: &str,
        name: &[u8],
        versions: RangeInclusive<BlobVersion>,
    ) -> Result<(Platter, u64, BlobVersion), Error> {
        let (blob, length, version) =
            self.library.open_versioned(partition, name, versions).await?;
        let (file, dice) = ((partition, name), self.library.child("dice"));
        let (platter, length) = Platter::open(&self.disk, file, blob, length, dice).await?;
        Ok((platter, length, version))
    }

    async fn remove(&self, partition: &str, name: Option<&[u8]>) -> Result<(), Error> {
        self.disk.forget(partition, name);
        self.library.remove(partition, name).await
    }

    async fn scan(&self, partition: &str) -> Result<Vec<Vec<u8>>, Error> {
        self.library.scan(partition).await
    }
}
