//! Play scenarios in which disks fail.

use super::{
    disk::Faults,
    engine::{EPOCH, Planted, Validators},
    machine::Wall,
    properties::{DisksFailed, Holds},
    scenarios::{cut_and_crash, good, plan_of, play, size},
};
use commonware_glue::simulate::{
    action::{Action, Crash, Schedule},
    plan::PlanBuilder,
};
use commonware_runtime::deterministic::FaultConfig;
use std::time::Duration;

const TEARS: Faults = Faults { tears: true, fails_at: None };

/// Goal: what a crash leaves of writes that were not synced harms nobody. Method: random crashes
/// of four, after which each such write is there, in part or not at all.
#[test]
fn torn_writes_do_no_harm() {
    play(1, |seed| {
        let validators = Validators::new(4, Planted::Nothing).with_disks(&[TEARS; 4]);
        let plan = plan_of(validators, 4 * EPOCH + 3, seed).property(Holds(DisksFailed));
        plan.crash(Crash::Random {
            frequency: Duration::from_millis(900 + 37 * (seed % 20)),
            downtime: Duration::from_millis(100 + 53 * (seed % 17)),
            count: 1,
        })
    });
}

/// Of four validators, two have a disk that fails, one after the other; each gets a good one.
fn failing(seed: u64) -> PlanBuilder<Validators> {
    let keys = Validators::new(4, Planted::Nothing).public_keys();
    let mut disks = [Faults::default(); 4];
    let mut schedule = Schedule::new();
    for round in 0..2 {
        let place = (seed + round) as usize % 4;
        let at = Duration::from_millis(1_500 + 3_000 * round + 97 * (seed % 16));
        disks[place].fails_at = Some(at);
        let key = keys[place].clone();
        schedule = schedule.at(at + Duration::from_secs(2), Action::Crash(key.clone()));
        schedule = schedule.at(at + Duration::from_millis(2_500), Action::Restart(key));
    }
    let validators = Validators::new(4, Planted::Nothing).with_disks(&disks);
    let plan = plan_of(validators, 5 * EPOCH + 3, seed).property(Holds(DisksFailed));
    // With it, a panic ends a validator and not the run.
    let plan = plan.with_storage_fault(FaultConfig::default());
    plan.link(good()).crash(Crash::Schedule(schedule))
}

/// Goal: a validator whose disk fails stops at once, the others go on, and it comes back on a good
/// disk. Method: every fifth write or sync of one fails from a time on, then of another one.
#[test]
fn a_disk_that_fails_stops_its_validator() {
    play(1, failing);
}

/// Of so many, each epoch leaves another one out; one has a clock that is behind, one a clock that
/// is set ahead; writes are torn; two are cut off, one after the other; random crashes.
fn suffering(count: u8, seed: u64) -> PlanBuilder<Validators> {
    let all = usize::from(count);
    let mut walls = vec![Wall::default(); all];
    walls[seed as usize % all].ahead_s = -30;
    walls[(seed as usize + 2) % all].step = Some((3 + seed % 7, 30));
    let disks = vec![TEARS; all];
    let validators = Validators::taking_turns(count).with_walls(walls).with_disks(&disks);
    cut_and_crash(validators, seed).property(Holds(DisksFailed))
}

/// Goal: faults of all kinds at once do no harm. Method: four, seven and sixteen validators and one
/// more that waits for its turn, with all of them.
#[test]
fn faults_of_all_kinds_at_once_do_no_harm() {
    play(4, |seed| suffering(size(seed) + 1, seed));
}
