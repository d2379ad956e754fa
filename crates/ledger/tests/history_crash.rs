//! Kill a process that appends to history, and check what it had been told was safe.

#[path = "../src/history/tests/chain.rs"]
#[allow(dead_code)]
mod chain;
mod history {
    pub use trine_ledger::history::FinalizedBlock;
}

use chain::{Builder, SUITE, chain_id};
use futures::executor::block_on;
use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use trine_ledger::history::{FinalizedBlock, History, Location, Settings};
use trine_types::{Height, LogId};

/// Folder in which the child process works; without it the child's test does nothing.
const FOLDER: &str = "TRINE_HISTORY_CRASH_FOLDER";
const KILLS: u64 = 12;
/// The child stops by itself, should the parent fail.
const BLOCKS_MAX: usize = 20_000;

fn open(folder: &Path) -> History {
    let settings = Settings {
        segment_bytes: 60_000,
        checkpoint_items: 500,
        checkpoint_blocks: 40,
        staggered: true,
    };
    History::open_with(folder, SUITE, chain_id(), 0, settings).unwrap()
}

/// Blocks from height 1 on; the same in every process.
fn blocks() -> impl Iterator<Item = Arc<FinalizedBlock>> {
    let mut builder = Builder::new(2_026, Height(1));
    (0..BLOCKS_MAX).map(move |number| builder.block(number % 9))
}

/// Goal: be the process that is killed. Method: append the blocks that are missing, and say which
/// are safe.
#[test]
fn child_appends_until_killed() {
    let Ok(folder) = env::var(FOLDER) else { return };
    let history = open(Path::new(&folder));
    let stored = history.last_height().map_or(0, |height| height.0 as usize);
    for block in blocks().skip(stored) {
        let height = block.header.height;
        block_on(history.append(block)).unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nsafe {height}").unwrap();
        out.flush().unwrap();
    }
}

/// Runs the child for a while, kills it, and returns the last height it called safe.
fn run_and_kill(folder: &Path, after: Duration) -> u64 {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child_appends_until_killed", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut safe = 0;
    let mut killed_at = None;
    for line in lines.map_while(Result::ok) {
        if let Some(height) = line.strip_prefix("safe ") {
            safe = height.parse().unwrap();
            let started = *killed_at.get_or_insert_with(Instant::now);
            if started.elapsed() >= after {
                child.kill().unwrap();
            }
        }
    }
    child.wait().unwrap();
    safe
}

/// Goal: kill -9 at any moment loses nothing that was acknowledged, and the store opens by itself.
/// Method: kill a child a dozen times at different moments, each time compare the store with the
/// blocks it must hold, and let the next child go on.
#[test]
fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let mut checked = 0;
    for kill in 0..KILLS {
        let safe = run_and_kill(folder.path(), Duration::from_millis(3 + 17 * kill));
        let history = open(folder.path());
        let last = history.last_height().unwrap().0;
        assert!(last >= safe, "the child was told that {safe} is safe, {last} is there");
        assert!(last as usize > checked, "each child adds blocks");
        let expected: Vec<_> = blocks().take(last as usize).collect();
        // Blocks before the last check are looked at again, some of them.
        let look = |at: &usize| *at + 100 >= checked || at.is_multiple_of(41);
        for block in (0..expected.len()).filter(look).map(|at| &expected[at]) {
            check(&history, block);
        }
        let entries = expected.iter().flat_map(|block| &block.execution.log_appends);
        let entries: usize = entries.map(|append| append.entries.len()).sum();
        let totals = history.totals().unwrap().unwrap();
        assert_eq!(totals.entries, entries as u64);
        checked = expected.len();
    }
}

fn check(history: &History, block: &FinalizedBlock) {
    let height = block.header.height;
    let record = history.record(height).unwrap().unwrap();
    assert_eq!(record.head.header, block.header);
    assert_eq!(record.tail.outcomes, block.execution.outcomes);
    for (place, transaction) in (0..).zip(block.transactions.iter()) {
        let found = history.transaction(&transaction.id).unwrap().unwrap();
        assert_eq!(found.location, Location { height, place });
    }
    for append in &block.execution.log_appends {
        let LogId(log) = append.log;
        for (index, entry) in (append.first_index..).zip(&append.entries) {
            assert_eq!(history.evidence().entry(append.log, index).unwrap(), Some(*entry));
            let place = history.find_entry(entry).unwrap().unwrap();
            assert_eq!((place.log, place.index), (LogId(log), index));
            let size = index + 1;
            assert!(history.evidence().inclusion(append.log, index, size).unwrap().is_some());
        }
    }
}
