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
    sync::Arc,
};
use trine_consensus::Distrust;
use trine_ledger::preset::PublicKey;
use trine_testkit::suite;
use trine_types::{Digest, EpochChange, Genesis, Validator};
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
    /// One that the others may have cut off.
    pub but: Option<usize>,
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
            for state in states.iter().filter(|state| Some(state.index) != self.but) {
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
    fn check_one(&self, state: &State) -> Result<(), String> {
        let kept = state.conflicts.list();
        if kept.is_empty() {
            return Err(format!("validator {} keeps no evidence", state.index));
        }
        let validators = self.genesis.validator_set().map_err(|error| error.to_string())?;
        for one in kept {
            let read = ConflictingVotes::from_bytes(&one.votes.to_bytes());
            let votes = read.map_err(|error| error.to_string())?;
            let (epoch, validators) = (votes.epoch, validators.clone());
            let change = EpochChange { epoch, validators, following: None };
            let found = votes.verify(suite(), &self.genesis.chain_id(), &change);
            match found.map_err(|error| error.to_string())?.name.as_str() {
                "v0" => {}
                other => return Err(format!("{other} is honest")),
            }
        }
        Ok(())
    }
}

impl Law for FirstAccused {
    const NAME: &str = "first accused";

    fn check(&self, states: &[&State]) -> Result<(), String> {
        let mut honest = states.iter().filter(|state| state.index != 0);
        honest.try_for_each(|state| self.check_one(state))
    }
}

/// No two blocks at a height, no transaction twice, times that ascend, transactions at all.
#[derive(Clone, Copy)]
pub struct Sound {
    /// One that the others may have cut off.
    pub but: Option<usize>,
}

impl Law for Sound {
    const NAME: &str = "sound";

    fn check(&self, states: &[&State]) -> Result<(), String> {
        let looked_at = states.iter().copied().filter(|state| Some(state.index) != self.but);
        let looked_at: Vec<&State> = looked_at.collect();
        check(&looked_at)
    }
}

/// What a validator acknowledged is final, or waits to be; what it acknowledged long ago is final.
#[derive(Clone, Copy)]
pub struct NothingLost {
    /// One that the others may have cut off.
    pub but: Option<usize>,
    /// Whether the lines take what is offered.
    pub fits: bool,
}

impl Law for NothingLost {
    const NAME: &str = "nothing lost";

    fn check(&self, states: &[&State]) -> Result<(), String> {
        let mut states = states.iter().filter(|state| Some(state.index) != self.but);
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
    pub gap_ms_max: u64,
}

impl Law for NoPause {
    const NAME: &str = "no pause";

    fn check(&self, states: &[&State]) -> Result<(), String> {
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
