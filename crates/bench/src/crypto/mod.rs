//! Measure signatures and hashes: CPU time of one thread, the least of several repeats.
//!
//! Beside each algorithm stand other libraries on the same inputs in the same run: machines are
//! noisy, ratios are not.

mod hashes;
mod kernels;
mod peers;
mod singles;

use serde::Serialize;
use std::hint::black_box;
use trine_bulk::Path;

/// Signatures of the largest measured batch, whose keys are all different.
const BATCH_MAX: usize = 32_768;
/// Batches that are measured.
const BATCHES: [usize; 6] = [64, 256, 1_024, 4_096, 8_192, BATCH_MAX];
/// Signatures of a batch in which keys repeat or signatures are wrong.
const BATCH: usize = 8_192;
/// Keys that sign a batch in turn.
const FEW_KEYS: [usize; 2] = [1_000, 100];
/// Wrong signatures in a batch that is attacked.
const WRONG: [usize; 3] = [1, 16, BATCH];

/// What is measured how often.
#[derive(Clone, Copy, Debug)]
pub struct CryptoPlan {
    /// Repeats, of which the fastest counts.
    pub repeats: u32,
    /// Different keys of the longest case; 0 leaves it out. Making a million takes minutes.
    pub distinct_keys: usize,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CryptoRow {
    /// Algorithm or hash function.
    pub algorithm: &'static str,
    /// `sign`, `verify` (one), `batch`, `exact` (many, without a random equation), `hash`,
    /// `hash many`, `seal` or `open`.
    pub operation: &'static str,
    /// What is particular: keys, wrong signatures, length.
    pub case: String,
    /// Items of one run.
    pub count: usize,
    /// Whose code: `trine` and the path (`IFMA`, `portable`), or another library.
    pub by: String,
    /// CPU time of an item, in microseconds.
    pub us: f64,
}

/// Collects figures and tells each at once.
struct Sink<'a> {
    plan: CryptoPlan,
    tell: &'a mut dyn FnMut(&CryptoRow) -> bool,
    rows: Vec<CryptoRow>,
    goes_on: bool,
}

/// What a figure is about.
#[derive(Clone, Copy)]
struct About<'a> {
    algorithm: &'static str,
    operation: &'static str,
    case: &'a str,
    count: usize,
    by: &'a str,
}

impl Sink<'_> {
    /// Measures `run`, which does `count` items at a time.
    fn measure<T>(&mut self, about: About<'_>, mut run: impl FnMut() -> T) {
        if !self.goes_on {
            return;
        }
        let once = |run: &mut dyn FnMut() -> T| {
            let start = now_us();
            black_box(run());
            now_us() - start
        };
        let run: &mut dyn FnMut() -> T = &mut run;
        let least = (0..self.plan.repeats).map(|_| once(run)).fold(f64::INFINITY, f64::min);
        let row = CryptoRow {
            algorithm: about.algorithm,
            operation: about.operation,
            case: about.case.to_owned(),
            count: about.count,
            by: about.by.to_owned(),
            us: least / about.count as f64,
        };
        self.goes_on = (self.tell)(&row);
        self.rows.push(row);
    }
}

/// CPU time of this thread, in microseconds.
fn now_us() -> f64 {
    crate::process::thread_cpu().as_secs_f64() * 1e6
}

/// Name of our own code on a path.
const fn ours(path: Path) -> &'static str {
    match path {
        Path::Ifma => "trine, IFMA",
        Path::Portable => "trine, portable",
    }
}

/// Measures everything; `tell` gets each figure and says whether to go on.
pub fn measure_crypto(
    plan: CryptoPlan,
    tell: &mut dyn FnMut(&CryptoRow) -> bool,
) -> Vec<CryptoRow> {
    let mut sink = Sink { plan, tell, rows: Vec::new(), goes_on: true };
    hashes::measure(&mut sink);
    singles::measure(&mut sink);
    kernels::measure::<kernels::Sm2>(&mut sink);
    kernels::measure::<kernels::P256>(&mut sink);
    kernels::measure::<kernels::Ed25519>(&mut sink);
    peers::measure(&mut sink);
    sink.rows
}

#[cfg(test)]
mod tests;
