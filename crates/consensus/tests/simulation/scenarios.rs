//! Play scenarios over many seeds.

use super::{
    double_voter::Second,
    engine::{EPOCH, IDLE_MS, LEADER_MS, Planted, Validators},
    follower::{BOASTED, FORGED},
    properties::{
        EverybodyAt, FirstAccused, Holds, LiarFound, NoPause, NobodyAccused, NobodyCutOff,
        NothingLost, Sound, TookTurns,
    },
};
use crate::support::Fault;
use commonware_glue::simulate::{
    action::{Action, Crash, Schedule},
    plan::{PlanBuilder, PlanResult},
};
use commonware_p2p::simulated::Link;
use commonware_utils::probability;
use std::{
    fmt::Debug,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::Duration,
};
use tracing_subscriber::{EnvFilter, fmt};
use trine_ledger::{
    planted::{Fault as LedgerFault, plant},
    preset::PublicKey,
};
use trine_types::limits::VALIDATORS_MAX;

/// Seeds of every scenario, unless `TRINE_SEEDS` names another number.
const SEEDS: u64 = 64;
/// Runs one seed alone, to look at it: `TRINE_SEED=15 RUST_LOG=info cargo test … -- --nocapture`.
const ONE_SEED: &str = "TRINE_SEED";
/// Bytes a second that a validator behind a thin line sends.
const EGRESS_BYTES: usize = 24_000;
/// Simulated time within which a run must end.
const PATIENCE: Duration = Duration::from_secs(240);
/// Longer than a follower waits for blocks that are claimed, and for its upstreams in turn.
const UNPROVEN: Duration = Duration::from_secs(20);

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is {text:?}, expected a number")))
}

/// Seeds to run; `share` says which part of them: long runs get fewer.
fn seeds(share: u64) -> Range<u64> {
    if let Some(seed) = number(ONE_SEED) {
        let log = fmt().with_env_filter(EnvFilter::from_default_env()).without_time();
        // Another scenario of the same run has set it up before.
        let _ = log.with_writer(std::io::stderr).try_init();
        return seed..seed + 1;
    }
    0..number("TRINE_SEEDS").unwrap_or(SEEDS).div_ceil(share)
}

/// Validators of the network that a seed plays: four, seven in each fourth, sixteen in each eighth.
pub const fn size(seed: u64) -> u8 {
    match seed % 8 {
        1 | 4 => 7,
        7 => 16,
        _ => 4,
    }
}

fn plan(count: u8, planted: Planted, seed: u64) -> PlanBuilder<Validators> {
    plan_to(4 * EPOCH + 3, count, planted, seed)
}

fn plan_to(height: u64, count: u8, planted: Planted, seed: u64) -> PlanBuilder<Validators> {
    plan_of(Validators::new(count, planted), height, seed)
}

pub fn plan_of(validators: Validators, height: u64, seed: u64) -> PlanBuilder<Validators> {
    let plan = plan_but(0, validators, height, seed);
    plan.finalization_property(NobodyCutOff).property(Holds(NobodyAccused))
}

/// What must hold of all but the liars, the first so many, whom the others may cut off.
pub fn plan_but(
    liars: usize,
    validators: Validators,
    height: u64,
    seed: u64,
) -> PlanBuilder<Validators> {
    let (count, fits) = (validators.public_keys().len(), validators.fits());
    PlanBuilder::new(validators)
        .seed(seed)
        .exit_condition(EverybodyAt { validators: count, height, liars })
        .property(Holds(Sound { liars }))
        .property(Holds(NothingLost { liars, fits }))
        .timeout(PATIENCE)
}

/// A plan in which the first validator misbehaves, and the others go on without it.
fn without_the_first(planted: Planted, seed: u64) -> PlanBuilder<Validators> {
    plan_but(1, Validators::new(4, planted), 3 * EPOCH + 3, seed)
}

/// Runs a scenario over its share of the seeds. A seed that fails is named with the command that
/// plays it again.
pub fn play(share: u64, build: impl Fn(u64) -> PlanBuilder<Validators>) {
    for seed in seeds(share) {
        let plan = build(seed);
        match catch_unwind(AssertUnwindSafe(|| plan.run())) {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => panic!("{error}\n{}", replay(seed)),
            Err(panic) => {
                eprintln!("{}", replay(seed));
                resume_unwind(panic);
            }
        }
    }
}

/// The command that plays a seed of this thread's test again.
fn replay(seed: u64) -> String {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("simulation");
    let suite = std::env::var("TRINE_TEST_SUITE")
        .map_or(String::new(), |suite| format!("TRINE_TEST_SUITE={suite} "));
    format!(
        "play it again: {suite}{ONE_SEED}={seed} RUST_LOG=info cargo test --locked \
         -p trine-consensus --test simulation {test} -- --exact --nocapture"
    )
}

fn run(plan: PlanBuilder<Validators>) -> PlanResult<Validators> {
    plan.run().unwrap_or_else(|error| panic!("{error}")).remove(0)
}

fn crashing(count: u8, planted: Planted, seed: u64) -> PlanBuilder<Validators> {
    plan(count, planted, seed).crash(Crash::Random {
        frequency: Duration::from_millis(900 + 37 * (seed % 20)),
        downtime: Duration::from_millis(100 + 53 * (seed % 17)),
        count: 1 + usize::from(count > 4),
    })
}

pub const fn good() -> Link {
    Link {
        latency: Duration::from_millis(10),
        jitter: Duration::from_millis(5),
        success_rate: probability!(1.0),
    }
}

const fn cut() -> Link {
    Link { success_rate: probability!(0.0), ..good() }
}

/// Goal: validators stay safe and go on. Method: random crashes and restarts over seeds of
/// networks of four, seven and sixteen; of the larger two crash at a time.
#[test]
fn validators_survive_crashes() {
    play(1, |seed| crashing(size(seed), Planted::Nothing, seed));
}

/// Goal: the same for seven alone. Method: two crash at a time.
#[test]
fn seven_validators_survive_crashes() {
    play(1, |seed| crashing(7, Planted::Nothing, seed));
}

/// Goal: nothing breaks where validators hand over. Method: each crashes around an epoch's end.
#[test]
fn crashes_at_epoch_boundaries() {
    play(1, |seed| {
        let mut plan = plan(4, Planted::Nothing, seed);
        let keys = Validators::new(4, Planted::Nothing).public_keys();
        for (place, participant) in keys.into_iter().enumerate() {
            let boundary = (1 + place as u64 % 3) * EPOCH - 1;
            let first = (boundary + seed % 4).saturating_sub(2);
            let heights = first..=first + EPOCH;
            let downtime = Duration::from_millis(200 * (1 + (seed + place as u64) % 5));
            plan = plan.crash(Crash::ProcessedHeight { participant, heights, downtime });
        }
        plan
    });
}

/// Goal: no epoch begins with a pause. Method: six epochs, in which all messages of one validator
/// take longer than the others'; no two blocks are as far apart as the shortest timeout.
#[test]
fn epochs_begin_without_a_pause() {
    play(2, |seed| {
        let keys = Validators::new(4, Planted::Nothing).public_keys();
        let slow = &keys[seed as usize % 4];
        let link = Link { latency: Duration::from_millis(20 + 5 * (seed % 8)), ..good() };
        let mut schedule = Schedule::new();
        for other in keys.iter().filter(|key| *key != slow) {
            for (from, to) in [(slow, other), (other, slow)] {
                let (from, to, link) = (from.clone(), to.clone(), link.clone());
                let action = Action::UpdateLink { from, to, link };
                schedule = schedule.at(Duration::from_millis(1), action);
            }
        }
        let plan = plan_to(6 * EPOCH + 3, 4, Planted::Nothing, seed);
        let plan = plan.property(Holds(NoPause { after: 0, gap_ms_max: LEADER_MS - 1 }));
        plan.link(good()).crash(Crash::Schedule(schedule))
    });
}

/// Goal: a validator that dies holds up the chain for two leader timeouts at most, each time that
/// it would lead, and for no more than a block takes beside. Method: one of four dies, and comes
/// back after ten timeouts.
#[test]
fn a_dead_leader_costs_two_timeouts_at_most() {
    play(1, |seed| {
        let dead = &Validators::new(4, Planted::Nothing).public_keys()[seed as usize % 4];
        let at = Duration::from_millis(1_500 + 97 * (seed % 16));
        let schedule = (Schedule::new().at(at, Action::Crash(dead.clone())))
            .at(at + 10 * Duration::from_millis(LEADER_MS), Action::Restart(dead.clone()));
        let plan = plan_to(6 * EPOCH + 3, 4, Planted::Nothing, seed);
        let pause = NoPause { after: 0, gap_ms_max: 2 * LEADER_MS + IDLE_MS };
        let plan = plan.property(Holds(pause));
        plan.link(good()).crash(Crash::Schedule(schedule))
    });
}

/// Goal: validators leave and come back while transactions run, and whoever does not validate
/// follows. Method: five, of whom each epoch leaves another one out; random crashes; all have all
/// blocks of nine epochs.
#[test]
fn validators_come_and_go() {
    play(4, |seed| {
        let plan = plan_of(Validators::taking_turns(5), 9 * EPOCH + 3, seed);
        plan.property(Holds(TookTurns { validators: 5 })).crash(Crash::Random {
            frequency: Duration::from_millis(1_900 + 37 * (seed % 20)),
            downtime: Duration::from_millis(100 + 53 * (seed % 17)),
            count: 1,
        })
    });
}

/// Goal: a node that follows has what the validators have, whoever lies to it, and takes nothing
/// from liars. Method: one upstream sends other bytes, one claims blocks that nobody has;
/// validators change in each epoch; the follower stops at random with one of them.
#[test]
fn a_follower_believes_nobody() {
    play(4, |seed| {
        let plan = plan_of(Validators::followed(5), 6 * EPOCH + 3, seed);
        plan.property(Holds(LiarFound(FORGED))).crash(Crash::Random {
            frequency: Duration::from_millis(2_900 + 37 * (seed % 20)),
            downtime: Duration::from_millis(100 + 53 * (seed % 17)),
            count: 1,
        })
    });
}

/// Goal: a node that follows leaves who claims blocks and shows none, calls nobody honest a liar,
/// and gets what comes later. Method: no validator reaches another for so long that the blocks
/// which one upstream claims do not come; then the chain goes on.
#[test]
fn a_follower_leaves_who_proves_nothing() {
    play(4, |seed| {
        let validators = Validators::followed(5);
        let keys = validators.public_keys();
        let at = Duration::from_millis(1_500 + 97 * (seed % 16));
        let pairs = keys.iter().flat_map(|from| keys.iter().map(move |to| (from, to)));
        let mut schedule = Schedule::new();
        for (from, to) in pairs.filter(|(from, to)| from != to) {
            let (from, to, link) = (from.clone(), to.clone(), cut());
            schedule = schedule.at(at, Action::UpdateLink { from, to, link });
        }
        let schedule = schedule.at(at + UNPROVEN, Action::Heal(good()));
        let plan = plan_of(validators, 6 * EPOCH + 3, seed).link(good());
        plan.property(Holds(LiarFound(BOASTED))).crash(Crash::Schedule(schedule))
    });
}

/// Goal: blocks that a network cannot carry within a view do not stop the chain. Method: lines that
/// take half of what comes, so that ever more waits to be proposed.
#[test]
fn thin_lines_do_not_stop_the_chain() {
    play(2, |seed| {
        let validators = Validators::behind_thin_lines(4, EGRESS_BYTES);
        plan_of(validators, 4 * EPOCH + 3, seed).link(good())
    });
}

/// Goal: a minority and an even split do no harm, and the chain goes on after healing. Method: cut
/// links for seconds, heal, repeat, with delay growing by the seed.
#[test]
fn partitions_heal() {
    play(1, |seed| {
        let keys = Validators::new(4, Planted::Nothing).public_keys();
        let link = Link {
            latency: Duration::from_millis(10 + 7 * (seed % 10)),
            jitter: Duration::from_millis(5 + 3 * (seed % 10)),
            success_rate: probability!(1.0),
        };
        let mut schedule = Schedule::new();
        for round in 0..3_u64 {
            let at = Duration::from_millis(1_500 + 6_000 * round + 97 * (seed % 16));
            let group = 1 + (seed + round) as usize % 2;
            for inside in &keys[..group] {
                for outside in &keys[group..] {
                    for (from, to) in [(inside, outside), (outside, inside)] {
                        let (from, to, link) = (from.clone(), to.clone(), cut());
                        schedule = schedule.at(at, Action::UpdateLink { from, to, link });
                    }
                }
            }
            schedule = schedule.at(at + Duration::from_secs(3), Action::Heal(link.clone()));
        }
        plan(4, Planted::Nothing, seed).link(link).crash(Crash::Schedule(schedule))
    });
}

/// Goal: a run can be repeated. Method: the same seed twice gives the same trace.
#[test]
fn a_seed_gives_one_trace() {
    for seed in seeds(4) {
        let first = run(crashing(4, Planted::Nothing, seed)).state;
        assert_eq!(first, run(crashing(4, Planted::Nothing, seed)).state, "seed {seed}");
    }
}

/// Goal: one to three validators run too. Method: no faults, four epochs.
#[test]
fn small_networks_run() {
    for count in 1..=3 {
        run(plan(count, Planted::Nothing, 1));
    }
}

/// Goal: the largest network runs, and hands over. Method: 100 validators, no faults, past the end
/// of an epoch.
#[test]
fn a_hundred_validators_run() {
    let most = u8::try_from(VALIDATORS_MAX).expect("a number of validators");
    run(plan_to(EPOCH + 3, most, Planted::Nothing, 1));
}

fn losing_its_folder(guarded: bool, seed: u64) -> PlanBuilder<Validators> {
    let planted = Planted::LostFolder { guarded };
    let participant = Validators::new(4, planted).public_keys().remove(0);
    let mut plan = plan(4, planted, seed);
    for epoch in 0..3 {
        let first = epoch * EPOCH + 2 + seed % (EPOCH - 4);
        let participant = participant.clone();
        let downtime = Duration::from_millis(5 + 10 * (seed % 7));
        let heights = first..=first + 2 * EPOCH;
        plan = plan.crash(Crash::ProcessedHeight { participant, heights, downtime });
    }
    plan
}

/// Goal: a validator that lost its folder does no harm and comes back. Method: take the folder
/// away at three heights; it replays the chain and must not be seen to vote twice.
#[test]
fn a_lost_folder_does_no_harm() {
    play(1, |seed| losing_its_folder(true, seed));
}

/// Goal: the guard is what prevents the harm. Method: the same without it is found.
#[test]
fn a_lost_folder_without_the_guard_is_caught() {
    assert_caught(Planted::LostFolder { guarded: false }, |seed| losing_its_folder(false, seed));
}

/// Runs until a seed finds the fault; [`SEEDS`] must be enough.
fn assert_caught(planted: impl Debug, build: impl Fn(u64) -> PlanBuilder<Validators>) {
    assert_caught_as("", planted, build);
}

/// The same, where a property is to find it, with these words.
fn assert_caught_as(
    words: &str,
    planted: impl Debug,
    build: impl Fn(u64) -> PlanBuilder<Validators>,
) {
    let caught = (0..SEEDS).find_map(|seed| {
        let plan = build(seed);
        let found = match catch_unwind(AssertUnwindSafe(|| plan.run())) {
            Ok(Ok(_)) => return None,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "a panic".to_owned(),
        };
        Some((seed, found))
    });
    let (seed, found) = caught.unwrap_or_else(|| panic!("{planted:?} was not found"));
    println!("{planted:?} found with seed {seed}: {found}");
    assert!(found.contains(words), "{planted:?} was found as {found:?}, expected {words:?}");
}

/// Goal: the simulation finds votes that leave before they are stored. Method: plant it.
#[test]
fn a_vote_before_sync_is_caught() {
    let planted = Planted::VoteBeforeSync;
    assert_caught(planted, |seed| crashing(4, planted, seed));
}

/// Goal: the simulation finds a validator that votes twice. Method: plant each kind.
#[test]
fn a_double_vote_is_caught() {
    for planted in Second::SIGNED.map(Planted::DoubleVote) {
        assert_caught(planted, |seed| plan(4, planted, seed));
    }
}

/// Goal: whoever votes twice leaves evidence at all others, which survives their crashes, and
/// nobody else is accused. Method: each kind of second vote; one of the others crashes afterwards.
#[test]
fn a_double_vote_leaves_evidence() {
    for second in Second::SIGNED {
        play(4, |seed| {
            let validators = Validators::new(4, Planted::DoubleVote(second));
            let participant = validators.public_keys().remove(1);
            let (heights, downtime) = (EPOCH + 2..=2 * EPOCH, Duration::from_millis(300));
            let accused = FirstAccused { genesis: validators.genesis };
            let plan =
                without_the_first(Planted::DoubleVote(second), seed).property(Holds(accused));
            plan.crash(Crash::ProcessedHeight { participant, heights, downtime })
        });
    }
}

/// Goal: votes that mean nothing accuse nobody. Method: the first validator sends votes that nobody
/// signed, that stand under another's name, and that are of an epoch to come.
#[test]
fn void_votes_are_no_evidence() {
    for second in Second::VOID {
        let planted = Planted::DoubleVote(second);
        play(4, |seed| without_the_first(planted, seed).property(Holds(NobodyAccused)));
    }
}

/// Goal: votes of long ago change nothing. Method: the first validator sends such votes.
#[test]
fn outdated_votes_change_nothing() {
    let planted = Planted::DoubleVote(Second::Outdated);
    play(1, |seed| without_the_first(planted, seed));
}

/// Goal: nonsense harms nobody but its sender. Method: the first validator sends random bytes on
/// every channel.
#[test]
fn garbage_harms_nobody() {
    play(1, |seed| without_the_first(Planted::Garbage, seed).property(Holds(NobodyAccused)));
}

/// Goal: a line that loses messages in one direction stops nobody. Method: a third of what one
/// validator sends is lost, and a tenth of what another gets.
#[test]
fn messages_are_lost_in_one_direction() {
    play(1, |seed| {
        let keys = Validators::new(4, Planted::Nothing).public_keys();
        let (sender, receiver) = (&keys[seed as usize % 4], &keys[(seed as usize + 1) % 4]);
        let lossy = |success_rate| Link { success_rate, ..good() };
        let mut schedule = Schedule::new();
        let mut cut = |from: &PublicKey, to: &PublicKey, link: Link| {
            let action = Action::UpdateLink { from: from.clone(), to: to.clone(), link };
            schedule = schedule.clone().at(Duration::from_millis(1), action);
        };
        for other in &keys {
            if other != receiver {
                cut(other, receiver, lossy(probability!(0.9)));
            }
            if other != sender {
                cut(sender, other, lossy(probability!(0.67)));
            }
        }
        plan(4, Planted::Nothing, seed).link(good()).crash(Crash::Schedule(schedule))
    });
}

/// A plan in which one after the other of five is cut off for a while, and nodes crash.
pub fn cut_and_crash(validators: Validators, seed: u64) -> PlanBuilder<Validators> {
    let keys = validators.public_keys();
    let mut schedule = Schedule::new();
    for round in 0..2_u64 {
        let at = Duration::from_millis(2_000 + 7_000 * round + 97 * (seed % 16));
        let alone = &keys[(seed + round) as usize % 5];
        for other in keys.iter().filter(|key| *key != alone) {
            for (from, to) in [(alone, other), (other, alone)] {
                let (from, to, link) = (from.clone(), to.clone(), cut());
                schedule = schedule.at(at, Action::UpdateLink { from, to, link });
            }
        }
        schedule = schedule.at(at + Duration::from_secs(3), Action::Heal(good()));
    }
    let plan = plan_of(validators, 6 * EPOCH + 3, seed).link(good());
    plan.crash(Crash::Schedule(schedule)).crash(Crash::Random {
        frequency: Duration::from_millis(2_900 + 37 * (seed % 20)),
        downtime: Duration::from_millis(100 + 53 * (seed % 17)),
        count: 1,
    })
}

/// Goal: validators come and go while lines are cut and nodes crash. Method: five, of whom each
/// epoch leaves another one out; two partitions; random crashes.
#[test]
fn validators_come_and_go_while_lines_are_cut() {
    play(4, |seed| cut_and_crash(Validators::taking_turns(5), seed));
}

/// Goal: the simulation finds a missing nonce check. Method: plant it in the rules of all.
#[test]
fn a_missing_nonce_check_is_caught() {
    let planted = Planted::Rules(Fault::NoNonceCheck);
    assert_caught(planted, |seed| plan(4, planted, seed));
}

/// Goal: the simulation finds outcomes in another order. Method: plant it in one node's rules.
#[test]
fn another_order_of_outcomes_is_caught() {
    let planted = Planted::Rules(Fault::OutcomeOrder(0));
    assert_caught(planted, |seed| plan(4, planted, seed));
}

/// Goal: the simulation finds a boundary block without the next validators. Method: plant it in
/// the ledger of all.
#[test]
fn a_forgotten_validator_set_is_caught() {
    let _planted = plant(LedgerFault::ForgetValidators);
    assert_caught(Planted::Nothing, |seed| plan(4, Planted::Nothing, seed));
}

/// Goal: the simulation finds validators that decide an epoch early. Method: plant it in the
/// ledger of all, where each epoch leaves another one out.
#[test]
fn early_validators_are_caught() {
    let _planted = plant(LedgerFault::EarlyValidators);
    assert_caught_as("others decide epoch", LedgerFault::EarlyValidators, |seed| {
        plan_of(Validators::taking_turns(5), 6 * EPOCH + 3, seed)
    });
}

/// Goal: the simulation finds times that do not ascend. Method: leaders propose their parent's
/// time, and nobody minds.
#[test]
fn an_old_time_is_caught() {
    let _planted = plant(LedgerFault::OldTime);
    let plan = |seed| plan(4, Planted::Nothing, seed);
    assert_caught_as("have no time between", LedgerFault::OldTime, plan);
}

/// Goal: the simulation finds a pool that loses what it has acknowledged. Method: plant it in all.
#[test]
fn a_forgetful_pool_is_caught() {
    let planted = Planted::ForgetfulPool;
    assert_caught_as("is lost", planted, |seed| plan(4, planted, seed));
}

/// Goal: the simulation finds that nobody checks signatures. Method: plant it in all; some of the
/// load is signed by another than its sender.
#[test]
fn unchecked_signatures_are_caught() {
    let planted = Planted::NoSignatureCheck;
    assert_caught_as("its sender did not sign it", planted, |seed| plan(4, planted, seed));
}
