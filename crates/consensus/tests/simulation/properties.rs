//! Say what must hold at the end of every simulated run.

use super::engine::State;
use commonware_glue::simulate::{
    exit::ExitCondition,
    processed::ProcessedHeight as _,
    property::{FinalizationProperty, Property},
    tracker::ProgressTracker,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use trine_consensus::Distrust;
use trine_ledger::preset::PublicKey;
use trine_testkit::suite;
use trine_types::{Digest, EpochChange, Genesis, Validator, limits::BLOCK_AHEAD_MS_MAX};
use trine_verify::ConflictingVotes;

type Verdict<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;

/// What must hold at the end of a run.
pub trait Law: Send + Sync + 'static {
    /// Its name, for whoever reads that it was broken.
    const NAME: &str;

    /// Says what breaks it.
    fn check(&self, states: &[&State]) -> Result<(), String>;
}

/// A law as the library asks for it.
#[derive(Clone, Copy)]
pub struct Holds<L>(pub L);

impl<L: Law> Property<PublicKey, State> for Holds<L> {
    fn name(&self) -> &'static str {
        L::NAME
    }

    fn check<'a>(
        &'a self,
        _: &'a ProgressTracker<PublicKey>,
        states: &'a [&'a State],
    ) -> Verdict<'a, ()> {
        Box::pin(async move { self.0.check(states) })
    }
}

/// Ends a run when all validators run and have everything up to a height on disk.
#[derive(Clone, Copy)]
pub struct EverybodyAt {
    pub validators: usize,
    pub height: u64,
    /// How many of them, the first, lie, so that the others may have cut them off.
    pub liars: usize,
}

impl ExitCondition<PublicKey, State> for EverybodyAt {
    fn name(&self) -> &'static str {
        "everybody at the height"
    }

    fn requires_polling(&self) -> bool {
        true
    }

    fn reached<'a>(
        &'a self,
        _: &'a ProgressTracker<PublicKey>,
        states: &'a [&'a State],
        _: usize,
    ) -> Verdict<'a, bool> {
        Box::pin(async move {
            if states.len() < self.validators {
                return Ok(false);
            }
            for state in states.iter().filter(|state| state.index >= self.liars) {
                if state.processed_height().await < self.height {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }
}

/// Ends a run at once when a node cut another off: no honest node gives a reason.
#[derive(Clone, Copy)]
pub struct NobodyCutOff;

impl FinalizationProperty<State> for NobodyCutOff {
    fn name(&self) -> &'static str {
        "nobody cut off"
    }

    fn check<'a>(&'a self, states: &'a [&'a State]) -> Verdict<'a, ()> {
        Box::pin(async move {
            let Some(state) = states.first() else { return Ok(()) };
            let blocked = state.blocked.lock().expect("no test panics with this lock");
            blocked.first().map_or(Ok(()), |peer| Err(format!("{peer} was cut off")))
        })
    }
}

/// Nobody keeps evidence against anybody: no honest validator gives any.
#[derive(Clone, Copy)]
pub struct NobodyAccused;

impl Law for NobodyAccused {
    const NAME: &str = "nobody accused";

    fn check(&self, states: &[&State]) -> Result<(), String> {
        let kept = states.iter().flat_map(|state| state.conflicts.list());
        kept.map(|kept| Err(format!("{kept:?}"))).next().unwrap_or(Ok(()))
    }
}

/// Every validator but the first keeps evidence against the first that a stranger can verify, and
/// none against another.
#[derive(Clone)]
pub struct FirstAccused {
    pub genesis: Arc<Genesis>,
}

impl FirstAccused {
    /// Names of those against whom a validator keeps evidence that a stranger can verify.
    fn accused(&self, state: &State) -> Result<Vec<String>, String> {
        let validators = self.genesis.validator_set().map_err(|error| error.to_string())?;
        let accused = state.conflicts.list().into_iter().map(|one| {
            let read = ConflictingVotes::from_bytes(&one.votes.to_bytes());
            let votes = read.map_err(|error| error.to_string())?;
            let (epoch, validators) = (votes.epoch, validators.clone());
            let change = EpochChange { epoch, validators, following: None };
            let found = votes.verify(suite(), &self.genesis.chain_id(), &change);
            Ok(found.map_err(|error| error.to_string())?.name.clone())
        });
        accused.collect()
    }

    fn check_one(&self, state: &State) -> Result<(), String> {
        let accused = self.accused(state)?;
        if accused.is_empty() {
            return Err(format!("validator {} keeps no evidence", state.index));
        }
        match accused.into_iter().find(|name| name != "v0") {
            Some(other) => Err(format!("{other} is honest")),
            None => Ok(()),
        }
    }
}

impl Law for FirstAccused {
    const NAME: &str = "first accused";

    fn check(&self, states: &[&State]) -> Result<(), String> {
        let mut honest = states.iter().filter(|state| state.index != 0);
        honest.try_for_each(|state| self.check_one(state))
    }
}

/// No lie is final where nobody lies; nobody but liars is accused or cut off.
#[derive(Clone)]
pub struct LiesFail {
    pub liars: usize,
    pub keys: Vec<PublicKey>,
    pub genesis: Arc<Genesis>,
    /// Lies told so far: leaders are drawn, and a run may pass without a turn of a liar.
    pub told: Arc<AtomicUsize>,
}

impl LiesFail {
    fn check_one(&self, state: &State, bad: &BTreeSet<Digest>) -> Result<(), String> {
        let seen = state.seen.lock().expect("no test panics with this lock");
        if let Some((height, _)) = seen.blocks.iter().find(|(_, block)| bad.contains(block)) {
            return Err(format!("the lie at height {height} is final"));
        }
        let blocked = state.blocked.lock().expect("no test panics with this lock");
        if let Some(honest) = blocked.iter().find(|key| self.keys[self.liars..].contains(key)) {
            return Err(format!("{honest} is honest and was cut off"));
        }
        let liars: Vec<String> = (0..self.liars).map(|number| format!("v{number}")).collect();
        let accused = FirstAccused { genesis: self.genesis.clone() }.accused(state)?;
        match accused.into_iter().find(|name| !liars.contains(name)) {
            Some(other) => Err(format!("{other} is honest and was accused")),
            None => Ok(()),
        }
    }
}

impl Law for LiesFail {
    const NAME: &str = "lies fail";

    fn check(&self, states: &[&State]) -> Result<(), String> {
        let mut bad = BTreeSet::new();
        for state in states.iter().filter(|state| state.index < self.liars) {
            let told = state.told.lock().expect("no test panics with this lock");
            self.told.fetch_add(told.lies, Ordering::Relaxed);
            bad.extend(&told.bad);
        }
        let mut honest = states.iter().filter(|state| state.index >= self.liars);
        honest.try_for_each(|state| self.check_one(state, &bad))
    }
}

/// No two blocks at a height, no transaction twice, times that ascend, transactions at all.
#[derive(Clone, Copy)]
pub struct Sound {
    /// How many of them, the first, lie, so that the others may have cut them off.
    pub liars: usize,
}

impl Law for Sound {
    const NAME: &str = "sound";

    fn check(&self, states: &[&State]) -> Result<(), String> {
        let looked_at = states.iter().copied().filter(|state| state.index >= self.liars);
        let looked_at: Vec<&State> = looked_at.collect();
        check(&looked_at)
    }
}

/// What a validator acknowledged is final, or waits to be; what it acknowledged long ago is final.
#[derive(Clone, Copy)]
pub struct NothingLost {
    /// How many of them, the first, lie, so that the others may have cut them off.
    pub liars: usize,
    /// Whether the lines take what is offered.
    pub fits: bool,
}

impl Law for NothingLost {
    const NAME: &str = "nothing lost";

    fn check(&self, states: &[&State]) -> Result<(), String> {
        let mut states = states.iter().filter(|state| state.index >= self.liars);
        states.try_for_each(|state| {
            let seen = state.seen.lock().expect("no test panics with this lock");
            let found = state.queue.check(&seen, self.fits);
            found.map_err(|fault| format!("validator {}: {fault}", state.index))
        })
    }
}

/// No two blocks are this far apart: nobody waited for a timeout.
#[derive(Clone, Copy)]
pub struct NoPause {
    /// Height from which on it holds.
    pub after: u64,
    pub gap_ms_max: u64,
}

impl Law for NoPause {
    const NAME: &str = "no pause";

    fn check(&self, states: &[&State]) -> Result<(), String> {
        for state in states {
            let seen = state.seen.lock().expect("no test panics with this lock");
            let times_ms = seen.times_ms.range(self.after..);
            for (before, after) in times_ms.clone().zip(times_ms.skip(1)) {
                let gap_ms = after.1.saturating_sub(*before.1);
                if gap_ms > self.gap_ms_max {
                    return Err(format!("{gap_ms} ms before height {}", after.0));
                }
            }
        }
        Ok(())
    }
}

/// Blocks have the times at which they were made: none lies further ahead of a right clock than
/// validators accept, and none further behind it than this. The first may be: no validator with a
/// right clock need have made one yet.
#[derive(Clone, Copy)]
pub struct RightTimes {
    /// Height after which it holds.
    pub after: u64,
    pub behind_ms_max: u64,
}

impl Law for RightTimes {
    const NAME: &str = "right times";

    fn check(&self, states: &[&State]) -> Result<(), String> {
        let mut final_ms: BTreeMap<u64, u64> = BTreeMap::new();
        for seen in states.iter().flat_map(|state| state.seen()) {
            for (height, at_ms) in &seen.arrived_ms {
                let first = final_ms.entry(*height).or_insert(*at_ms);
                *first = (*first).min(*at_ms);
            }
        }
        for seen in states.iter().flat_map(|state| state.seen()) {
            for (height, time_ms) in seen.times_ms.range(self.after + 1..) {
                let Some(final_ms) = final_ms.get(height) else { continue };
                let may = final_ms - self.behind_ms_max..=final_ms + BLOCK_AHEAD_MS_MAX;
                if !may.contains(time_ms) {
                    let off_ms = time_ms.cast_signed() - final_ms.cast_signed();
                    return Err(format!("height {height} lies {off_ms} ms from when it was final"));
                }
            }
        }
        Ok(())
    }
}

/// Disks that were to fail did, and whoever had an error ended.
#[derive(Clone, Copy)]
pub struct DisksFailed;

impl DisksFailed {
    /// How long after its disk's first error a process may run.
    const PATIENCE: Duration = Duration::from_millis(50);
}

impl Law for DisksFailed {
    const NAME: &str = "disks failed";

    fn check(&self, states: &[&State]) -> Result<(), String> {
        states.iter().try_for_each(|state| {
            let found = state.disk.check(Self::PATIENCE);
            found.map_err(|fault| format!("validator {}: {fault}", state.index))
        })
    }
}

/// Each of so many validators was left out of some epoch.
#[derive(Clone, Copy)]
pub struct TookTurns {
    pub validators: usize,
}

impl Law for TookTurns {
    const NAME: &str = "took turns";

    fn check(&self, states: &[&State]) -> Result<(), String> {
        for state in states {
            let seen = state.seen.lock().expect("no test panics with this lock");
            let smaller = seen.validators.values().map(|set| set.as_slice());
            let smaller = smaller.filter(|set| set.len() == self.validators - 1);
            let keys = |set: &[Validator]| set.iter().map(|one| one.key).collect::<Vec<_>>();
            let different: BTreeSet<_> = smaller.map(keys).collect();
            if different.len() < self.validators {
                let found = different.len();
                return Err(format!("validator {}: {found} sets", state.index));
            }
        }
        Ok(())
    }
}

/// The follower found who lied to it, and how.
#[derive(Clone, Copy)]
pub struct LiarFound(pub (usize, Distrust));

impl Law for LiarFound {
    const NAME: &str = "liar found";

    fn check(&self, states: &[&State]) -> Result<(), String> {
        let mut followers = states.iter().filter_map(|state| state.follower.as_ref());
        followers.try_for_each(|(_, feeds)| feeds.check(self.0))
    }
}

fn check(states: &[&State]) -> Result<(), String> {
    let mut chain: BTreeMap<u64, Digest> = BTreeMap::new();
    for (state, seen) in states.iter().flat_map(|state| state.seen().map(move |seen| (state, seen)))
    {
        if let Some(fault) = seen.faults.first() {
            return Err(format!("validator {}: {fault}", state.index));
        }
        for (height, digest) in &seen.blocks {
            if *chain.entry(*height).or_insert(*digest) != *digest {
                return Err(format!("two blocks at height {height}"));
            }
        }
        if let Some((id, heights)) = seen.transactions.iter().find(|(_, at)| at.len() > 1) {
            return Err(format!("transaction {id} is final at {heights:?}"));
        }
        let times = seen.times_ms.iter().zip(seen.times_ms.iter().skip(1));
        if let Some((before, after)) = times.into_iter().find(|(before, after)| before.1 >= after.1)
        {
            return Err(format!("heights {} and {} have no time between", before.0, after.0));
        }
        if seen.transactions.is_empty() {
            return Err("no transaction became final".into());
        }
    }
    Ok(())
}
