//! Give tasks the library's context on tokio, with our storage in the place of its own.

use crate::{
    open_files::{OPEN_FILES_MAX, OpenFiles},
    wal::Wal,
};
use commonware_runtime::{
    Clock, Error, Handle, Metrics, Name, Network, Runner as _, SinkOf, Spawner, Strategizer,
    StreamOf, Supervisor, signal,
    telemetry::metrics::{Metric, Registered},
    tokio,
};
use governor::clock::{Clock as RateClock, ReasonablyRealtime};
use rand::{TryCryptoRng, TryRng};
use std::{
    convert::Infallible,
    fmt::Display,
    future::Future,
    io,
    net::SocketAddr,
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// What tasks of a node are given: the library's context, but for the files and the clock.
///
/// Its [`Clock`] shows the system's time at the start, and goes on evenly from there: deadlines
/// lie on it, and a system's clock that is set back would move them into the future. What the
/// system's clock shows is [`WallClock::wall`].
pub struct Context {
    pub(crate) library: tokio::Context,
    pub(crate) files: Arc<Files>,
    pub(crate) started: Started,
}

/// A clock that shows the time of day, and may be set.
pub trait WallClock {
    /// What the clock shows now.
    fn wall(&self) -> SystemTime;
}

impl WallClock for Context {
    fn wall(&self) -> SystemTime {
        self.library.current()
    }
}

impl WallClock for commonware_runtime::deterministic::Context {
    fn wall(&self) -> SystemTime {
        self.current()
    }
}

/// When a runtime started.
#[derive(Clone, Copy)]
pub(crate) struct Started {
    wall: SystemTime,
    instant: Instant,
}

impl Started {
    pub(crate) fn now() -> Self {
        Self { wall: SystemTime::now(), instant: Instant::now() }
    }
}

/// The files of both kinds.
pub(crate) struct Files {
    pub(crate) log: Arc<Wal>,
    pub(crate) library: Arc<OpenFiles>,
    /// Whether the files of a partition are in the log.
    pub(crate) logged: fn(&str) -> bool,
}

/// Runs `task` on a new runtime; blocks the thread until it ends. Changes of the files of
/// partitions that are `logged` go through the log.
///
/// # Errors
/// The log of the folder cannot be read or written, or is damaged ([`io::ErrorKind::InvalidData`]).
///
/// # Panics
/// Where the library's runner does: the folder cannot be made or is held by another process, or a
/// task of the runtime panicked.
pub fn run<F: Future>(
    config: tokio::Config,
    logged: fn(&str) -> bool,
    task: impl FnOnce(Context) -> F,
) -> io::Result<F::Output> {
    run_with(OPEN_FILES_MAX, config, logged, task)
}

/// Runs a task as [`run`] does, with so many open files.
pub(crate) fn run_with<F: Future>(
    open_max: usize,
    config: tokio::Config,
    logged: fn(&str) -> bool,
    task: impl FnOnce(Context) -> F,
) -> io::Result<F::Output> {
    let root = config.storage_directory().clone();
    tokio::Runner::new(config).start(|library| async move {
        // The runner holds the folder: nobody else changes its files.
        let log = Wal::open(&root)?;
        let opened = Arc::new(OpenFiles::new(library.child("files"), open_max));
        let files = Arc::new(Files { log, library: opened, logged });
        Ok(task(Context { library, files, started: Started::now() }).await)
    })
}

impl Context {
    fn with(self, change: impl FnOnce(tokio::Context) -> tokio::Context) -> Self {
        Self { library: change(self.library), files: self.files, started: self.started }
    }
}

impl Spawner for Context {
    fn shared(self, blocking: bool) -> Self {
        self.with(|library| library.shared(blocking))
    }

    fn dedicated(self) -> Self {
        self.with(Spawner::dedicated)
    }

    fn spawn<F, Fut, T>(self, task: F) -> Handle<T>
    where
        F: FnOnce(Self) -> Fut + Send + 'static,
        Fut: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let (files, started) = (self.files, self.started);
        self.library.spawn(move |library| task(Self { library, files, started }))
    }

    async fn stop(self, value: i32, timeout: Option<Duration>) -> Result<(), Error> {
        self.library.stop(value, timeout).await
    }

    fn stopped(&self) -> signal::Signal {
        self.library.stopped()
    }
}

impl Supervisor for Context {
    fn name(&self) -> Name {
        self.library.name()
    }

    fn child(&self, label: &'static str) -> Self {
        let (files, started) = (self.files.clone(), self.started);
        Self { library: self.library.child(label), files, started }
    }

    fn with_attribute(self, key: &'static str, value: impl Display) -> Self {
        self.with(|library| library.with_attribute(key, value))
    }
}

impl Metrics for Context {
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

impl Clock for Context {
    fn current(&self) -> SystemTime {
        self.started.wall + self.started.instant.elapsed()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.library.sleep(duration)
    }

    fn sleep_until(
        &self,
        deadline: SystemTime,
    ) -> impl Future<Output = ()> + Send + 'static + use<> {
        let left = deadline.duration_since(self.current()).unwrap_or_default();
        self.library.sleep(left)
    }
}

impl RateClock for Context {
    type Instant = SystemTime;

    fn now(&self) -> SystemTime {
        self.current()
    }
}

impl ReasonablyRealtime for Context {}

impl Network for Context {
    type Listener = <tokio::Context as Network>::Listener;

    async fn bind(&self, address: SocketAddr) -> Result<Self::Listener, Error> {
        self.library.bind(address).await
    }

    async fn dial(&self, address: SocketAddr) -> Result<(SinkOf<Self>, StreamOf<Self>), Error> {
        self.library.dial(address).await
    }
}

impl commonware_runtime::Resolver for Context {
    async fn resolve(&self, host: &str) -> Result<Vec<std::net::IpAddr>, Error> {
        self.library.resolve(host).await
    }
}

impl Strategizer for Context {
    fn strategy(&self, parallelism: NonZeroUsize) -> commonware_parallel::Rayon {
        self.library.strategy(parallelism)
    }
}

impl TryRng for Context {
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

impl TryCryptoRng for Context {}
