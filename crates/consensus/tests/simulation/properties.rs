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
};
use trine_ledger::preset::PublicKey;
use trine_types::{Digest, Validator};

type Verdict<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;

/// Ends a run when all validators run and have everything up to a height on disk.
#[derive(Clone, Copy)]
pub struct EverybodyAt {
    pub validators: usize,
    pub height: u64,
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
            for state in states {
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

/// No two blocks at a height, no transaction twice, transactions at all.
#[derive(Clone, Copy)]
pub struct Sound;

impl Property<PublicKey, State> for Sound {
    fn name(&self) -> &'static str {
        "sound"
    }

    fn check<'a>(
        &'a self,
        _: &'a ProgressTracker<PublicKey>,
        states: &'a [&'a State],
    ) -> Verdict<'a, ()> {
        Box::pin(async move { check(states) })
    }
}

/// No two blocks are this far apart: nobody waited for a timeout.
#[derive(Clone, Copy)]
pub struct NoPause {
    pub gap_ms_max: u64,
}

impl Property<PublicKey, State> for NoPause {
    fn name(&self) -> &'static str {
        "no pause"
    }

    fn check<'a>(
        &'a self,
        _: &'a ProgressTracker<PublicKey>,
        states: &'a [&'a State],
    ) -> Verdict<'a, ()> {
        Box::pin(async move {
            for state in states {
                let seen = state.seen.lock().expect("no test panics with this lock");
                for (before, after) in seen.times_ms.iter().zip(seen.times_ms.iter().skip(1)) {
                    let gap_ms = after.1.saturating_sub(*before.1);
                    if gap_ms > self.gap_ms_max {
                        return Err(format!("{gap_ms} ms before height {}", after.0));
                    }
                }
            }
            Ok(())
        })
    }
}

/// Each of so many validators was left out of some epoch.
#[derive(Clone, Copy)]
pub struct TookTurns {
    pub validators: usize,
}

impl Property<PublicKey, State> for TookTurns {
    fn name(&self) -> &'static str {
        "took turns"
    }

    fn check<'a>(
        &'a self,
        _: &'a ProgressTracker<PublicKey>,
        states: &'a [&'a State],
    ) -> Verdict<'a, ()> {
        Box::pin(async move {
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
        })
    }
}

/// The follower found who lied to it.
#[derive(Clone, Copy)]
pub struct LiarsFound;

impl Property<PublicKey, State> for LiarsFound {
    fn name(&self) -> &'static str {
        "liars found"
    }

    fn check<'a>(
        &'a self,
        _: &'a ProgressTracker<PublicKey>,
        states: &'a [&'a State],
    ) -> Verdict<'a, ()> {
        let mut followers = states.iter().filter_map(|state| state.follower.as_ref());
        Box::pin(async move { followers.try_for_each(|(_, feeds)| feeds.check()) })
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
        if seen.transactions.is_empty() {
            return Err("no transaction became final".into());
        }
    }
    Ok(())
}
