//! Look how a node whose clock was set wrong learns what time it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use trine_consensus::Clocks;
use trine_ledger::preset::BlockDigest;

/// A time of day, in milliseconds since 1970.
const NOON_MS: u64 = 1_800_000_000_000;

fn block(number: u8) -> BlockDigest {
    BlockDigest::from([number; 32])
}

/// The even clock, so many milliseconds after its start.
fn at(ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms)
}

/// Blocks of others, 100 ms apart, that arrive after `delay_ms` by a clock that is ahead by
/// `ahead_ms`.
fn seen(count: u8, delay_ms: u64, ahead_ms: u64) -> Clocks {
    let clocks = Clocks::default();
    for number in 0..count {
        let ms = 100 * u64::from(number);
        let wall_ms = NOON_MS + ms + delay_ms + ahead_ms;
        clocks.saw(block(number), NOON_MS + ms, at(ms + delay_ms), Some(wall_ms));
    }
    clocks
}

/// Goal: a right clock is believed, however slow the network. Method: delays up to 1.9 s.
#[test]
fn delays_are_no_wrong_clock() {
    for delay_ms in [0, 20, 1_900] {
        assert_eq!(seen(9, delay_ms, 0).proposal_ms(NOON_MS + 7), NOON_MS + 7);
    }
}

/// Goal: a clock that is ahead dates proposals right, once enough blocks of others agree. Method:
/// 30 s, with three blocks and with four; then the clock is set, and four more arrive.
#[test]
fn a_clock_that_is_ahead_is_corrected() {
    let wall_ms = NOON_MS + 30_500;
    assert_eq!(seen(3, 40, 30_000).proposal_ms(wall_ms), wall_ms);
    let clocks = seen(4, 40, 30_000);
    assert_eq!(clocks.proposal_ms(wall_ms), NOON_MS + 500 - 40);
    clocks.saw(block(10), NOON_MS + 600, at(640), Some(NOON_MS + 640));
    assert_eq!(clocks.proposal_ms(NOON_MS + 700), NOON_MS + 700, "one block by the set clock");
}

/// Goal: blocks that one liar dates back do not move a right clock. Method: three of four say
/// that it is an hour ahead.
#[test]
fn one_right_block_is_enough() {
    let clocks = seen(1, 40, 0);
    for number in 1..4 {
        let ms = u64::from(number);
        clocks.saw(block(number), NOON_MS + ms - 3_600_000, at(ms), Some(NOON_MS + ms));
    }
    assert_eq!(clocks.proposal_ms(NOON_MS + 50), NOON_MS + 50);
}

/// Goal: a clock that is behind does not hold up children of blocks that a quorum accepted.
/// Method: a parent 30 s in the future; 200 ms after it arrived.
#[test]
fn a_clock_that_is_behind_goes_by_the_parent() {
    let clocks = Clocks::default();
    clocks.saw(block(1), NOON_MS + 30_000, at(1_000), Some(NOON_MS));
    assert_eq!(clocks.now_ms(block(1), NOON_MS + 200, at(1_200)), NOON_MS + 30_200);
    assert_eq!(clocks.now_ms(block(2), NOON_MS + 200, at(1_200)), NOON_MS + 200, "unknown parent");
}

/// Goal: times cannot run away from right clocks. Method: a parent as far ahead as right clocks
/// accept, and one a little further: the own clock counts.
#[test]
fn a_right_clock_counts() {
    for ahead_ms in [0, 500, 1_999] {
        let clocks = Clocks::default();
        clocks.saw(block(1), NOON_MS + ahead_ms, at(0), Some(NOON_MS));
        assert_eq!(clocks.now_ms(block(1), NOON_MS + 100, at(100)), NOON_MS + 100);
    }
}

/// Goal: memory is bounded, and a block counts once. Method: more blocks than are kept; one twice.
#[test]
fn old_blocks_are_forgotten() {
    let clocks = Clocks::default();
    for number in 0..100 {
        clocks.saw(block(number), NOON_MS + 30_000, at(0), None);
        clocks.saw(block(number), NOON_MS + 90_000, at(0), None);
    }
    assert_eq!(clocks.now_ms(block(1), NOON_MS, at(0)), NOON_MS);
    assert_eq!(clocks.now_ms(block(99), NOON_MS, at(0)), NOON_MS + 30_000);
}
