//! Count what the node does and write it in the text format of Prometheus (version 0.0.4).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A count that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds to the count.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// The count so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A value that is set now and then; zero before.
#[derive(Debug, Default)]
pub struct Setting(AtomicU64);

impl Setting {
    /// Sets the value.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

/// Counts by a label's value; values are from a fixed set.
#[derive(Debug, Default)]
pub struct Family(Mutex<BTreeMap<&'static str, u64>>);

impl Family {
    /// Adds to the count of one value.
    pub fn add(&self, label: &'static str, count: u64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(label).or_default() += count;
    }

    fn snapshot(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Everything that the node counts itself.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Transactions taken into the pool.
    pub accepted: Counter,
    /// Transactions refused, by code.
    pub refused: Family,
    /// Batches sent to the other nodes.
    pub batches_sent: Counter,
    /// Batches received from other nodes.
    pub batches_received: Counter,
    /// Batches from other nodes dropped because too many waited.
    pub batches_dropped: Counter,
    /// Blocks that became durable.
    pub blocks: Counter,
    /// Transactions that became durable.
    pub transactions: Counter,
    /// Answers to requests, by class of status.
    pub answers: Family,
    /// Times that a follower left an upstream for another, by reason.
    pub upstreams_left: Family,
    /// Times that new files of the HTTP API's certificate were read, by what came of it.
    pub tls_reloads: Family,
    /// End of the HTTP API's certificate, seconds since 1970; zero without TLS.
    pub tls_expires_s: Setting,
}

/// A value measured when metrics are asked for: name, meaning, value.
pub type Gauge = (&'static str, &'static str, u64);

fn header(text: &mut String, name: &str, help: &str, kind: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

impl Metrics {
    /// Writes all counts and `gauges`, and how often each name is among those accused.
    pub fn render<'a>(
        &self,
        gauges: &[Gauge],
        accused: impl IntoIterator<Item = &'a str>,
    ) -> String {
        let mut text = String::new();
        let counters = [
            ("trine_accepted_total", "Transactions taken into the pool.", &self.accepted),
            ("trine_batches_sent_total", "Batches sent to other nodes.", &self.batches_sent),
            ("trine_batches_received_total", "Batches from other nodes.", &self.batches_received),
            ("trine_batches_dropped_total", "Batches dropped unread.", &self.batches_dropped),
            ("trine_blocks_total", "Blocks that became durable.", &self.blocks),
            ("trine_transactions_total", "Transactions made durable.", &self.transactions),
        ];
        for (name, help, counter) in counters {
            header(&mut text, name, help, "counter");
            let _ = writeln!(text, "{name} {}", counter.get());
        }
        let families = [
            ("trine_refused_total", "Transactions refused, by code.", "code", &self.refused),
            ("trine_answers_total", "Answers, by class of status.", "class", &self.answers),
            ("trine_upstreams_left_total", "Upstreams left.", "reason", &self.upstreams_left),
            ("trine_tls_reloads_total", "New certificates.", "result", &self.tls_reloads),
        ];
        for (name, help, label, family) in families {
            header(&mut text, name, help, "counter");
            for (value, count) in family.snapshot() {
                let _ = writeln!(text, "{name}{{{label}=\"{value}\"}} {count}");
            }
        }
        let expires_s = self.tls_expires_s.0.load(Ordering::Relaxed);
        let help = "End of the HTTP API's certificate, Unix seconds; 0 without TLS.";
        let own = [("trine_tls_certificate_expires_seconds", help, expires_s)];
        for (name, help, value) in gauges.iter().chain(&own) {
            header(&mut text, name, help, "gauge");
            let _ = writeln!(text, "{name} {value}");
        }
        render_accused(&mut text, accused);
        text
    }
}

/// Writes how much evidence is kept against each validator. Names are of letters, digits and `-`.
fn render_accused<'a>(text: &mut String, accused: impl IntoIterator<Item = &'a str>) {
    let mut counts = BTreeMap::<&str, u64>::new();
    accused.into_iter().for_each(|name| *counts.entry(name).or_default() += 1);
    let name = "trine_conflicting_votes";
    header(text, name, "Conflicting votes kept as evidence, by validator.", "gauge");
    for (validator, count) in counts {
        let _ = writeln!(text, "{name}{{validator=\"{validator}\"}} {count}");
    }
}
