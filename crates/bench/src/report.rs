//! Say what a load measured.

use crate::payment::PaymentsReport;
use hdrhistogram::Histogram;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Longest time that a histogram tells apart, in microseconds.
const TIME_US_MAX: u64 = 600_000_000;
/// Significant digits of a time.
const TIME_DIGITS: u8 = 3;

/// Makes an empty histogram of times, in microseconds.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, TIME_US_MAX, TIME_DIGITS)
        .expect("the bounds and digits are within what the histogram allows")
}

/// Adds a time to a histogram; one too long counts as the longest.
pub fn record(histogram: &mut Histogram<u64>, time: Duration) {
    histogram.saturating_record((time.as_micros() as u64).clamp(1, TIME_US_MAX));
}

/// Lists a histogram by buckets that grow by a tenth: (milliseconds, times).
pub fn distribution(histogram: &Histogram<u64>) -> Vec<(f64, u64)> {
    histogram
        .iter_log(100, 1.1)
        .filter(|step| step.count_since_last_iteration() > 0)
        .map(|step| {
            let ms = step.value_iterated_to() as f64 / 1_000.0;
            (ms, step.count_since_last_iteration())
        })
        .collect()
}

/// Latencies, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Latency {
    /// Half are at most this.
    pub p50: f64,
    /// 95 of 100 are at most this.
    pub p95: f64,
    /// 99 of 100 are at most this.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl Latency {
    /// Reads the quantiles of a histogram of microseconds.
    pub fn of(histogram: &Histogram<u64>) -> Self {
        let ms = |us: u64| us as f64 / 1_000.0;
        Self {
            p50: ms(histogram.value_at_quantile(0.50)),
            p95: ms(histogram.value_at_quantile(0.95)),
            p99: ms(histogram.value_at_quantile(0.99)),
            max: ms(histogram.max()),
        }
    }
}

/// One second of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Second {
    /// Seconds since the start, warm-up included.
    pub at_s: u64,
    /// Honest transactions sent.
    pub sent: u64,
    /// Honest transactions that became final.
    pub finalized: u64,
    /// Latencies of those.
    pub latency_ms: Latency,
}

/// What a load measured. Rates and costs are of the measured window, without warm-up.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Transactions a second that were due.
    pub scheduled_per_s: f64,
    /// Honest transactions a second that were sent.
    pub offered_per_s: f64,
    /// Honest transactions a second that became final and durable.
    pub finalized_per_s: f64,
    /// Evidence entries a second in them; 0 for transfers.
    pub entries_per_s: f64,
    /// From the time a transaction was due to the time it was final and durable.
    pub latency_ms: Latency,
    /// CPU time a finalized transaction and validator; none where the processes are elsewhere.
    pub cpu_us_per_tx_validator: Option<f64>,
    /// CPU time of the loader a finalized transaction, signing included.
    pub cpu_us_per_tx_loader: f64,
    /// Part of it that went to signing.
    pub cpu_us_per_tx_signing: f64,
    /// Largest resident memory of one validator, in MiB.
    pub rss_mib_max: Option<f64>,
    /// Bytes written to disk a finalized transaction and validator.
    pub disk_bytes_per_tx: Option<f64>,
    /// Longest delay between the time a batch was due and the time it was sent, in milliseconds.
    pub send_delay_ms_max: f64,
    /// Share of the scheduled transactions that the loader itself failed to send in time, in
    /// percent. Above 1 the run measures the loader, not the network.
    pub shortfall_percent: f64,
    /// Honest transactions accepted in the window that were not final when the run ended.
    pub unfinished: u64,
    /// Honest transactions that a node refused, by code.
    pub refused: BTreeMap<String, u64>,
    /// Honest transactions that became final with a failed outcome, by code.
    pub failed: BTreeMap<String, u64>,
    /// Hostile transactions sent, and how nodes answered them, by code.
    pub hostile: BTreeMap<String, u64>,
    /// What lookups of payments showed; none where no payments were sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payments: Option<PaymentsReport>,
    /// Every second of the run.
    pub seconds: Vec<Second>,
    /// Latency distribution: (milliseconds, transactions), by buckets that grow by a tenth.
    pub distribution: Vec<(f64, u64)>,
    /// Processor and cores.
    pub hardware: String,
    /// Version of the software.
    pub version: String,
}
