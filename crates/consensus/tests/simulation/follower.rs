//! Feed a follower from simulated validators, and lie to it.

use commonware_runtime::{Clock as _, deterministic::Context};
use futures::future::BoxFuture;
use std::{
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use trine_consensus::{Answer, Chain, Claim, Distrust, Upstream, Wanted};
use trine_ledger::state::Table;
use trine_types::Height;

/// Sends other bytes than those asked for.
const FORGER: usize = 0;
/// Claims blocks that nobody has.
const BOASTER: usize = 1;
/// How the forger is found.
pub const FORGED: (usize, Distrust) = (FORGER, Distrust::Invalid);
/// How the boaster is found, where nothing that it claims comes true.
pub const BOASTED: (usize, Distrust) = (BOASTER, Distrust::Unproven);
/// How often an upstream is asked for its height.
const STEP: Duration = Duration::from_millis(20);
/// Questions without a new height after which another upstream is asked.
const QUESTIONS_MAX: u32 = 50;

/// The validators' chains, as far as they run, and what a follower says of them. The first two
/// lie to it.
#[derive(Default)]
pub struct Feeds {
    /// Held by the nodes: the runtime ends only when nobody holds them.
    chains: Mutex<Vec<Weak<Chain>>>,
    asked: AtomicUsize,
    distrusted: Mutex<Vec<(usize, Distrust)>>,
}

impl Feeds {
    pub fn of(validators: usize) -> Self {
        let chains = std::iter::repeat_with(Weak::new).take(validators).collect();
        Self { chains: Mutex::new(chains), ..Self::default() }
    }

    /// Lets a validator feed the follower as long as it holds its chain.
    pub fn feed(&self, validator: usize, chain: &Arc<Chain>) {
        let mut chains = self.chains.lock().expect("no test panics with this lock");
        chains[validator] = Arc::downgrade(chain);
    }

    /// Whether a liar was found, and no honest one was called one. Who boasts does no harm where an
    /// epoch is as short as here and the chain goes on: what it claims comes true.
    pub fn check(&self, liar: (usize, Distrust)) -> Result<(), String> {
        let distrusted = self.distrusted.lock().expect("no test panics with this lock");
        if !distrusted.contains(&liar) {
            return Err(format!("{liar:?} was not found: {distrusted:?}"));
        }
        match distrusted.iter().find(|(source, _)| *source > BOASTER) {
            Some(honest) => Err(format!("{honest:?} is honest")),
            None => Ok(()),
        }
    }
}

/// What a follower asks.
pub struct Feed {
    pub context: Context,
    pub feeds: Arc<Feeds>,
}

impl Feed {
    fn chain(&self, source: usize) -> Option<Arc<Chain>> {
        self.feeds.chains.lock().expect("no test panics with this lock")[source].upgrade()
    }

    fn count(&self) -> usize {
        self.feeds.chains.lock().expect("no test panics with this lock").len()
    }

    fn current(&self) -> usize {
        self.feeds.asked.load(Ordering::Relaxed) % self.count()
    }

    fn next(&self) {
        self.feeds.asked.fetch_add(1, Ordering::Relaxed);
    }

    async fn encoded(&self, source: usize, wanted: Wanted) -> Option<bytes::Bytes> {
        let chain = self.chain(source)?;
        let mut bytes = match wanted {
            Wanted::Block(digest) => chain.encoded_block(digest).await?,
            Wanted::Finalized(height) => chain.encoded_finalization(height).await?,
        };
        if source == FORGER {
            let mut forged = bytes.to_vec();
            let place = forged.len() / 2;
            forged[place] ^= 1;
            bytes = forged.into();
        }
        Some(bytes)
    }
}

impl Upstream for Feed {
    fn tip(&self, above: Height) -> BoxFuture<'_, Claim> {
        Box::pin(async move {
            let mut questions = 0;
            loop {
                let source = self.current();
                let height = match self.chain(source) {
                    Some(_) if source == BOASTER => Some(Height(above.0 + 1_000)),
                    Some(chain) => chain.processed().await,
                    None => None,
                };
                if let Some(height) = height.filter(|height| *height > above) {
                    return Claim { height, source };
                }
                questions += 1;
                if questions % QUESTIONS_MAX == 0 {
                    self.next();
                }
                self.context.sleep(STEP).await;
            }
        })
    }

    fn fetch(&self, wanted: Wanted) -> BoxFuture<'_, Option<Answer>> {
        Box::pin(async move {
            let (first, count) = (self.current(), self.count());
            for source in (first..first + count).map(|source| source % count) {
                if let Some(bytes) = self.encoded(source, wanted).await {
                    return Some(Answer { bytes, source });
                }
            }
            None
        })
    }

    fn operations(&self, _: Table, _: bytes::Bytes) -> BoxFuture<'_, Answer> {
        Box::pin(std::future::pending())
    }

    fn distrust(&self, source: usize, why: Distrust) {
        self.feeds.distrusted.lock().expect("no test panics with this lock").push((source, why));
        if source == self.current() {
            self.next();
        }
    }

    fn forward(&self, _: bytes::Bytes) {}
}
