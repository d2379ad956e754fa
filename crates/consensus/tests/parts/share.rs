//! Look how proposals shrink and grow.

use trine_consensus::Share;
use trine_ledger::preset::BlockDigest;
use trine_types::Height;

fn block(number: u8) -> BlockDigest {
    BlockDigest::from([number; 32])
}

/// A turn that makes a block after it is known whether the chain has the last one.
fn turn(share: &Share, has: Option<bool>) {
    share.settle(|_, _| has);
    share.building();
    share.made(block(1), Height(1));
}

/// Goal: proposals that fail halve the next, down to a least, and those taken let it grow to the
/// whole again. Method: twenty that no chain has, then as many that it has.
#[test]
fn shrinks_and_grows() {
    let share = Share::default();
    let mut before = share.of(6_400, 1);
    assert_eq!(before, 6_400);
    turn(&share, None);
    for _ in 1..20 {
        turn(&share, Some(false));
        let now = share.of(6_400, 1);
        assert_eq!(now, (before / 2).max(100));
        before = now;
    }
    assert_eq!(share.of(6_400, 250), 250, "the least");
    for _ in 0..40 {
        turn(&share, Some(true));
        assert!(share.of(6_400, 1) > before || before == 6_400);
        before = share.of(6_400, 1);
    }
    assert_eq!(share.of(6_400, 1), 6_400);
}

/// Goal: a proposal that was not finished counts as one that failed, a turn without a proposal and
/// one of which nobody knows do not. Method: a turn of each kind.
#[test]
fn unfinished_is_failed() {
    let share = Share::default();
    share.settle(|_, _| unreachable!("there was no proposal"));
    share.settle(|_, _| unreachable!("there was no proposal"));
    assert_eq!(share.of(100, 1), 100);
    share.building();
    share.settle(|_, _| unreachable!("it was not finished"));
    assert_eq!(share.of(100, 1), 50);
    turn(&share, None);
    share.settle(|_, _| None);
    assert_eq!(share.of(100, 1), 50);
}

/// Goal: the block that was made last is asked for, once. Method: two turns.
#[test]
fn the_last_block_is_asked_for() {
    let share = Share::default();
    share.made(block(7), Height(70));
    share.settle(|asked, height| {
        assert_eq!((asked, height), (block(7), Height(70)));
        Some(false)
    });
    share.settle(|_, _| unreachable!("it was settled"));
    assert_eq!(share.of(100, 1), 50);
}
