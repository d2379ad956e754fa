//! Share a few sessions among many callers, each of whom waits a bounded time.
//!
//! Every session has a thread of its own, so that a module that does not answer holds up its own
//! thread and no caller.

use crate::{
    TokenConfig, TokenError,
    connection::{Connection, Failure, Live, lost},
};
use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::AtomicBool,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

/// Callers that wait for a session; more are refused at once.
const WAITING_MAX: usize = 1_024;
/// How long a dropped pool waits for its threads to leave the module.
const LEAVE_WAIT: Duration = Duration::from_secs(2);

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// The threads end when the pool is dropped.
pub struct Pool {
    config: Arc<TokenConfig>,
    known: Arc<AtomicBool>,
    jobs: SyncSender<Job>,
    queue: Arc<Mutex<Receiver<Job>>>,
    /// Held by every thread until it has closed its session; nothing is ever sent.
    inside: SyncSender<()>,
    left: Mutex<Receiver<()>>,
}

impl Pool {
    /// Starts without a thread.
    pub fn new(config: Arc<TokenConfig>) -> Self {
        let (jobs, queue) = sync_channel(WAITING_MAX);
        let (known, queue) = (Arc::default(), Arc::new(Mutex::new(queue)));
        let (inside, left) = sync_channel(0);
        Self { config, known, jobs, queue, inside, left: Mutex::new(left) }
    }

    /// Adds a session, opened when it is first needed.
    ///
    /// # Errors
    /// The system's answer when it starts no thread.
    pub fn add(&self) -> io::Result<()> {
        let (queue, known) = (self.queue.clone(), self.known.clone());
        let mut connection = Connection::new(self.config.clone(), known);
        let inside = self.inside.clone();
        let work = move || {
            // No job runs while the lock is held: nobody can have left the queue half taken.
            let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            while let Ok(job) = next() {
                job(&mut connection);
            }
            drop(connection);
            drop(inside);
        };
        thread::Builder::new().name("token".into()).spawn(work).map(drop)
    }

    /// Does `work` in a session, again where the token was lost meanwhile.
    ///
    /// # Errors
    /// [`TokenError::Lost`] when the time of the configuration is over, or what else is wrong.
    pub fn call<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Live) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, TokenError> {
        let wait = Duration::from_millis(self.config.wait_ms);
        let deadline = Instant::now() + wait;
        let (answer, answers) = sync_channel(1);
        let job: Job = Box::new(move |connection| {
            // The caller of an old job has gone.
            if Instant::now() < deadline {
                let _ = answer.send(connection.run(deadline, &work));
            }
        });
        self.jobs.try_send(job).map_err(|error| {
            let reason = match error {
                TrySendError::Full(_) => format!("{WAITING_MAX} callers wait for it"),
                TrySendError::Disconnected(_) => "its threads ended".into(),
            };
            lost(&self.config, reason)
        })?;
        answers
            .recv_timeout(wait)
            .unwrap_or_else(|_| Err(lost(&self.config, "no answer in time".into())))
    }
}

impl Drop for Pool {
    /// Waits until the sessions are closed: a module crashes that is called while the process
    /// exits. One that does not answer is left behind.
    fn drop(&mut self) {
        // A channel that ends in nothing takes the place of the one that the threads wait at.
        self.jobs = sync_channel(0).0;
        self.inside = sync_channel(0).0;
        let left = self.left.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = left.recv_timeout(LEAVE_WAIT);
    }
}
