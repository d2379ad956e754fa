//! Test the store in its own process: reading back, torn writes, damage, redelivery.

mod chain;
mod faults;
mod runs;

use super::{Base, FinalizedBlock, History, HistoryError, Location, Settings};
use chain::{Builder, SUITE, chain_id};
use futures::executor::block_on;
use proptest::prelude::*;
use std::{path::Path, sync::Arc};
use trine_types::{Address, Digest, Height, LogId, TransactionId, application::LogAppend};

/// Small enough that a few dozen blocks seal segments and write checkpoints.
const SMALL: Settings =
    Settings { segment_bytes: 4_096, checkpoint_items: 60, checkpoint_blocks: 7, staggered: false };

fn open(folder: &Path) -> History {
    History::open_with(folder, SUITE, chain_id(), 0, SMALL).unwrap()
}

fn append_all(history: &History, blocks: &[Arc<FinalizedBlock>]) {
    let waiting: Vec<_> = blocks.iter().map(|block| history.append(block.clone())).collect();
    waiting.into_iter().for_each(|one| block_on(one).unwrap());
}

/// Checks everything that the store answers against the blocks themselves.
fn check(history: &History, blocks: &[Arc<FinalizedBlock>]) {
    let last = blocks.last().map(|block| block.header.height);
    assert_eq!(history.last_height(), last);
    let mut total = 0;
    let mut logs: Vec<Vec<Digest>> = Vec::new();
    for block in blocks {
        let height = block.header.height;
        let record = history.record(height).unwrap().unwrap();
        assert_eq!(record.head.header, block.header);
        assert_eq!(record.head.digest, block.digest);
        assert_eq!(record.head.transactions_before, total);
        assert_eq!(record.tail.outcomes, block.execution.outcomes);
        assert_eq!(record.tail.log_appends, block.execution.log_appends);
        total += block.transactions.len() as u64;
        for (place, transaction) in (0..).zip(block.transactions.iter()) {
            let found = history.transaction(&transaction.id).unwrap().unwrap();
            assert_eq!(found.location, Location { height, place });
            assert_eq!(found.sender, transaction.body.sender);
            assert_eq!(found.outcome, block.execution.outcomes[place as usize]);
            assert_eq!(found.time_ms, block.header.time_ms);
        }
        for append in &block.execution.log_appends {
            let log = append.log.0 as usize;
            logs.resize(logs.len().max(log + 1), Vec::new());
            logs[log].extend(&append.entries);
        }
    }
    for (log, entries) in (0..).zip(&logs) {
        for (index, entry) in (0..).zip(entries) {
            let place = history.find_entry(entry).unwrap().unwrap();
            assert_eq!((place.log, place.index), (LogId(log), index));
            assert_eq!(history.entry(LogId(log), index).unwrap(), Some(place));
        }
    }
    let totals = history.totals().unwrap();
    let entries = logs.iter().map(|log| log.len() as u64).sum();
    let expected = last.map(|_| (total, entries));
    assert_eq!(totals.map(|totals| (totals.transactions, totals.entries)), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Goal: what goes in comes out, whenever the store was closed. Method: random blocks, appended
    /// in random portions with a reopening after each; then compare every answer.
    #[test]
    fn everything_is_found_again(
        seed in any::<u64>(),
        sizes in prop::collection::vec(0usize..12, 1..40),
        portions in prop::collection::vec(1usize..12, 1..6),
        first in prop::sample::select(vec![0, 1, 77]),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut builder = Builder::new(seed, Height(first));
        let blocks: Vec<_> = sizes.into_iter().map(|size| builder.block(size)).collect();
        let mut rest = &blocks[..];
        for portion in portions.into_iter().cycle() {
            let history = open(folder.path());
            let now;
            (now, rest) = rest.split_at(portion.min(rest.len()));
            append_all(&history, now);
            check(&history, &blocks[..blocks.len() - rest.len()]);
            if rest.is_empty() {
                break;
            }
        }
        check(&open(folder.path()), &blocks);
    }
}

/// Goal: a history that begins in the middle of the chain holds what comes after, and its logs
/// whole. Method: give it the logs of the first half, then the blocks of the second, with a
/// reopening after each; compare with a store of all blocks; begin again, and otherwise.
#[test]
fn a_history_begins_after_a_block() {
    let (all, late) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut builder = Builder::new(11, Height(1));
    let blocks: Vec<_> = (0..40).map(|_| builder.block(9)).collect();
    let (before, after) = blocks.split_at(20);
    let whole = open(all.path());
    append_all(&whole, before);
    let sizes = whole.evidence().sizes();
    assert!(sizes.iter().any(|size| *size > 8), "the test needs logs with entries");
    let base = Base { height: Height(20), digest: before[19].digest, sizes: sizes.clone() };

    let history = open(late.path());
    assert!(history.begin_after(base.clone()).is_err(), "its logs are missing");
    for (log, size) in (0..).map(LogId).zip(&sizes) {
        let entries = whole.evidence().entries(log, 0, *size).unwrap();
        history.evidence().append(&LogAppend { log, first_index: 0, entries }).unwrap();
    }
    history.begin_after(base.clone()).unwrap();
    history.check_covers(Height(20)).unwrap();
    drop(history);
    append_all(&whole, after);

    for (place, block) in after.iter().enumerate() {
        let history = open(late.path());
        assert_eq!(history.base(), Some(&base));
        history.begin_after(base.clone()).unwrap_or_else(|error| assert!(place > 0, "{error}"));
        if let Some(next) = after.get(place + 1) {
            let gap = block_on(history.append(next.clone()));
            assert!(matches!(gap, Err(HistoryError::Gap { .. })), "{gap:?}");
        }
        append_all(&history, std::slice::from_ref(block));
    }
    let history = open(late.path());
    history.check_covers(Height(40)).unwrap();
    assert!(history.check_covers(Height(41)).is_err());
    let other = Base { height: Height(21), ..base };
    assert!(history.begin_after(other).is_err(), "it has begun");
    assert_eq!(history.evidence().sizes(), whole.evidence().sizes());
    for (log, size) in (0..).map(LogId).zip(whole.evidence().sizes()) {
        let root = |history: &History| history.evidence().root(log, size).unwrap();
        assert_eq!(root(&history), root(&whole));
    }
    for transaction in before.iter().flat_map(|block| block.transactions.iter()) {
        assert!(history.transaction(&transaction.id).unwrap().is_none());
    }
    for transaction in after.iter().flat_map(|block| block.transactions.iter()) {
        let found = history.transaction(&transaction.id).unwrap().map(|place| place.location);
        let expected = whole.transaction(&transaction.id).unwrap().map(|place| place.location);
        assert_eq!(found, expected);
    }
}

/// Goal: a damaged base is found. Method: turn over each bit of it.
#[test]
fn a_damaged_base_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let base = Base { height: Height(7), digest: Digest([1; 32]), sizes: Vec::new() };
    open(folder.path()).begin_after(base).unwrap();
    let path = folder.path().join("base");
    let good = std::fs::read(&path).unwrap();
    for bit in 0..8 * good.len() {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, bytes).unwrap();
        let opened = History::open_with(folder.path(), SUITE, chain_id(), 0, SMALL);
        assert!(matches!(opened, Err(HistoryError::Corrupt { .. })), "bit {bit}");
    }
    std::fs::write(&path, &good).unwrap();
    assert_eq!(open(folder.path()).base().unwrap().height, Height(7));
}

/// Goal: lists by account and by reference are complete, in order and bounded. Method: compare
/// with a scan over all blocks.
#[test]
fn accounts_and_references_list_their_transactions() {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = Builder::new(5, Height(1));
    let blocks: Vec<_> = (0..60).map(|_| builder.block(10)).collect();
    let history = open(folder.path());
    append_all(&history, &blocks);
    for account in builder.accounts() {
        let expected: Vec<TransactionId> = builder.of_account(&blocks, &account);
        let found = history.recent_transactions(&account, 50).unwrap();
        let found: Vec<_> = found.into_iter().map(|found| found.id).collect();
        assert!(expected.len() > 50, "the test needs lists that are cut");
        assert_eq!(found, expected[..50]);
    }
    let stranger = Address([0xee; 20]);
    assert_eq!(history.recent_transactions(&stranger, 50).unwrap(), []);
    let references = builder.references();
    assert!(references.len() > 50);
    for (reference, expected) in references {
        let found = history.transfers_by_reference(reference, 50).unwrap();
        let found: Vec<_> =
            found.into_iter().map(|found| (found.transaction, found.from, found.to)).collect();
        assert_eq!(&found, expected);
    }
    assert_eq!(history.transfers_by_reference(&[9; 16], 50).unwrap(), []);
}

/// Goal: an entry that others append again stays where it was first. Method: append it three times,
/// twice in one block, and look it up.
#[test]
fn the_first_of_equal_entries_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let history = open(folder.path());
    let mut builder = Builder::new(5, Height(1));
    let entry = Digest([7; 32]);
    let blocks = [
        builder.block_with_entries(&[(0, vec![Digest([1; 32]), entry])]),
        builder.block(3),
        builder.block_with_entries(&[(1, vec![entry, entry]), (0, vec![entry])]),
    ];
    append_all(&history, &blocks);
    let first = history.find_entry(&entry).unwrap().unwrap();
    assert_eq!((first.log, first.index, first.location.height), (LogId(0), 1, Height(1)));
    assert_eq!(first.transaction, blocks[0].transactions[0].id);
    let size = history.evidence().size(LogId(0)).unwrap();
    let later = history.entry(LogId(0), size - 1).unwrap().unwrap();
    assert_eq!(later.transaction, blocks[2].transactions[1].id);
    assert_eq!(history.entry(LogId(0), size).unwrap(), None);
    assert_eq!(history.find_entry(&Digest([8; 32])).unwrap(), None);
}

/// Goal: pages of blocks go down from a height and end at the first. Method: ask around the ends.
#[test]
fn heads_come_newest_first() {
    let folder = tempfile::tempdir().unwrap();
    let history = open(folder.path());
    assert_eq!(history.heads(Height(u64::MAX), 10).unwrap(), []);
    assert_eq!(history.totals().unwrap(), None);
    let mut builder = Builder::new(5, Height(3));
    append_all(&history, &(0..30).map(|_| builder.block(1)).collect::<Vec<_>>());
    let heights = |from, limit| -> Vec<u64> {
        let heads = history.heads(Height(from), limit).unwrap();
        heads.into_iter().map(|head| head.header.height.0).collect()
    };
    assert_eq!(heights(u64::MAX, 3), [32, 31, 30]);
    assert_eq!(heights(10, 2), [10, 9]);
    assert_eq!(heights(4, 10), [4, 3]);
    assert_eq!(heights(2, 10), [0; 0]);
    assert_eq!(history.first_height(), Some(Height(3)));
    assert_eq!(history.record(Height(2)).unwrap(), None);
    assert_eq!(history.record(Height(33)).unwrap(), None);
}

/// Goal: a block may come twice, but not as another block, and none may be missing. Method: deliver
/// all of these, at the end and long after.
#[test]
fn redelivery_is_compared() {
    let folder = tempfile::tempdir().unwrap();
    let history = open(folder.path());
    let mut builder = Builder::new(5, Height(1));
    let blocks: Vec<_> = (0..30).map(|_| builder.block(3)).collect();
    append_all(&history, &blocks[..29]);
    append_all(&history, &blocks[20..29]);
    append_all(&history, &blocks[..3]);
    let mut other = (*blocks[4]).clone();
    other.digest = Digest([1; 32]);
    let conflict = block_on(history.append(Arc::new(other))).unwrap_err();
    assert!(matches!(conflict, HistoryError::Conflict { height: Height(5), .. }), "{conflict}");
    let later = builder.block(1);
    let gap = block_on(history.append(later)).unwrap_err();
    assert!(matches!(gap, HistoryError::Gap { expected: Height(30), .. }), "{gap}");
    let mut torn = (*blocks[29]).clone();
    torn.transactions = torn.transactions[1..].into();
    let odd = block_on(history.append(Arc::new(torn))).unwrap_err();
    assert!(matches!(odd, HistoryError::Inconsistent { height: Height(30), .. }), "{odd}");
    append_all(&history, &blocks[29..]);
    check(&history, &blocks);
}

/// Goal: the logs of genesis are there from the first block on, and stay. Method: append to the
/// last of three, reopen with and without a checkpoint.
#[test]
fn genesis_logs_are_there_from_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let reopen = || History::open_with(folder.path(), SUITE, chain_id(), 3, SMALL).unwrap();
    let history = reopen();
    assert_eq!(history.evidence().sizes(), [0; 3]);
    drop(history);
    let history = reopen();
    let mut builder = Builder::new(1, Height(1));
    let entry = Digest([7; 32]);
    append_all(&history, &[builder.block_with_entries(&[(2, vec![entry])])]);
    assert_eq!(history.find_entry(&entry).unwrap().map(|place| place.log), Some(LogId(2)));
    drop(history);
    assert_eq!(reopen().evidence().sizes(), [0, 0, 1]);
}

/// Goal: a history that lacks blocks of the state is noticed. Method: ask around both ends.
#[test]
fn history_covers_the_state() {
    let check = |folder: &Path, state| open(folder).check_covers(Height(state));
    let folder = tempfile::tempdir().unwrap();
    check(folder.path(), 0).unwrap();
    let error = check(folder.path(), 1).unwrap_err().to_string();
    assert!(error.contains("holds no block and the state is at block 1"), "{error}");
    let mut builder = Builder::new(1, Height(1));
    append_all(&open(folder.path()), &[builder.block(1), builder.block(1)]);
    check(folder.path(), 1).unwrap();
    check(folder.path(), 2).unwrap();
    let error = check(folder.path(), 3).unwrap_err().to_string();
    assert!(error.contains("holds blocks 1 to 2 and the state is at block 3"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    append_all(&open(folder.path()), &[Builder::new(1, Height(5)).block(1)]);
    assert!(check(folder.path(), 5).is_err(), "blocks 1 to 4 are missing");
}

/// Goal: nodes on one machine write their checkpoints at different times, none later than it must.
/// Method: what eight folders draw.
#[test]
fn folders_draw_different_times_for_checkpoints() {
    let draw = |_| {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path()).shared.index.draw(1_000_000)
    };
    let drawn: std::collections::BTreeSet<usize> = (0..8).map(draw).collect();
    assert!(drawn.len() > 1, "{drawn:?}");
    assert!(drawn.iter().all(|drawn| *drawn < 1_000_000), "{drawn:?}");
}

/// Goal: what a folder draws brings its first checkpoint forward by so many items. Method: half the
/// items of a checkpoint in 32 folders; those that drew most wrote one, the others did not.
#[test]
fn a_draw_brings_the_first_checkpoint_forward() {
    let wrote = |staggered| {
        let settings =
            Settings { checkpoint_items: 200, checkpoint_blocks: 100, staggered, ..SMALL };
        let folder = tempfile::tempdir().unwrap();
        let open = || History::open_with(folder.path(), SUITE, chain_id(), 0, settings).unwrap();
        append_all(&open(), &[Builder::new(1, Height(1)).block(30)]);
        let index = &open().shared.index;
        (index.draw(settings.checkpoint_items), index.checkpoint().0.is_some())
    };
    assert!((0..8).all(|_| !wrote(false).1), "no checkpoint is due without the draw");
    let (mut with, mut without): (Vec<_>, Vec<_>) =
        (0..32).map(|_| wrote(true)).partition(|folder| folder.1);
    with.sort_unstable();
    without.sort_unstable();
    assert!(without.last().unwrap().0 < with.first().unwrap().0, "{with:?} {without:?}");
}
