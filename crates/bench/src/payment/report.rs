//! Count lookups and say what they showed.

use super::lookup::Verdict;
use crate::report::{Latency, distribution, histogram, record};
use hdrhistogram::Histogram;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Time after finality within which a payment must be found with a valid proof.
pub const PROVEN_WITHIN: Duration = Duration::from_secs(1);

/// Counts of lookups so far.
pub struct Tally {
    proven: u64,
    late: u64,
    not_found: u64,
    invalid_proofs: u64,
    different: u64,
    retries: BTreeMap<String, u64>,
    latencies: Histogram<u64>,
    since_final: Histogram<u64>,
    verified: u64,
    verify_cpu: Duration,
    proof_bytes: u64,
    /// Lookups that were due while no payment had become final a short while ago.
    pub without_payment: u64,
    /// Lookups that were due while too many were on their way.
    pub not_started: u64,
}

impl Tally {
    /// Starts with nothing looked up.
    pub fn new() -> Self {
        Self {
            proven: 0,
            late: 0,
            not_found: 0,
            invalid_proofs: 0,
            different: 0,
            retries: BTreeMap::new(),
            latencies: histogram(),
            since_final: histogram(),
            verified: 0,
            verify_cpu: Duration::ZERO,
            proof_bytes: 0,
            without_payment: 0,
            not_started: 0,
        }
    }

    /// Notes that a node has to be asked again, and why.
    pub fn again(&mut self, problem: String) {
        *self.retries.entry(problem).or_default() += 1;
    }

    /// Notes that a proof was checked, whatever came out.
    pub fn verified(&mut self, cpu: Duration, proof_bytes: usize) {
        self.verified += 1;
        self.verify_cpu += cpu;
        self.proof_bytes += proof_bytes as u64;
    }

    /// Notes the end of a lookup: how long it took from the time it was due, and how long after
    /// the payment became final it ended.
    pub fn end(&mut self, verdict: &Verdict, took: Duration, since_final: Duration) {
        match verdict {
            Verdict::Proven => {
                self.proven += 1;
                self.late += u64::from(since_final > PROVEN_WITHIN);
                record(&mut self.latencies, took);
                record(&mut self.since_final, since_final);
            }
            Verdict::NotFound => self.not_found += 1,
            Verdict::InvalidProof => self.invalid_proofs += 1,
            Verdict::Different => self.different += 1,
        }
    }

    /// Lookups that have ended.
    pub fn ended(&self) -> u64 {
        self.proven + self.not_found + self.invalid_proofs + self.different
    }

    /// Sums up lookups that took `seconds` together.
    pub fn audit(&self, seconds: f64) -> AuditReport {
        let verified = self.verified.max(1) as f64;
        AuditReport {
            lookups: self.ended(),
            lookups_per_s: self.ended() as f64 / seconds.max(f64::EPSILON),
            proven: self.proven,
            not_found: self.not_found,
            invalid_proofs: self.invalid_proofs,
            different: self.different,
            retries: self.retries.clone(),
            latency_ms: Latency::of(&self.latencies),
            verify_cpu_us: self.verify_cpu.as_secs_f64() * 1e6 / verified,
            proof_bytes: self.proof_bytes as f64 / verified,
        }
    }

    /// Sums up lookups of which `scheduled_per_s` were due, for `seconds`.
    pub fn lookups(&self, scheduled_per_s: u64, seconds: f64) -> LookupReport {
        LookupReport {
            scheduled_per_s: scheduled_per_s as f64,
            proven_in_time: self.proven - self.late,
            proven_late: self.late,
            without_payment: self.without_payment,
            not_started: self.not_started,
            final_to_proven_ms: Latency::of(&self.since_final),
            final_to_proven_distribution: distribution(&self.since_final),
            all: self.audit(seconds),
        }
    }
}

/// What lookups showed.
#[derive(Clone, Debug, Serialize)]
pub struct AuditReport {
    /// Lookups that ended.
    pub lookups: u64,
    /// Lookups a second.
    pub lookups_per_s: f64,
    /// Payments that a valid proof showed as they were sent.
    pub proven: u64,
    /// Payments that were not shown before their lookup gave up.
    pub not_found: u64,
    /// Proofs that did not verify.
    pub invalid_proofs: u64,
    /// Answers that showed something else than what was sent.
    pub different: u64,
    /// Tries after which the node was asked again, by what was wrong.
    pub retries: BTreeMap<String, u64>,
    /// From the time a lookup was due to the time its proof was verified, retries included.
    pub latency_ms: Latency,
    /// CPU time of verifying one proof, in microseconds.
    pub verify_cpu_us: f64,
    /// Size of one proof, in bytes.
    pub proof_bytes: f64,
}

/// What the lookups beside the load showed.
#[derive(Clone, Debug, Serialize)]
pub struct LookupReport {
    /// Lookups a second that were due.
    pub scheduled_per_s: f64,
    /// Payments proven within [`PROVEN_WITHIN`] of their finality.
    pub proven_in_time: u64,
    /// Payments proven later.
    pub proven_late: u64,
    /// Lookups that were due while no payment had become final a short while ago.
    pub without_payment: u64,
    /// Lookups that were due while too many were on their way, and were left out.
    pub not_started: u64,
    /// From finality to a verified proof.
    pub final_to_proven_ms: Latency,
    /// Their distribution: (milliseconds, lookups), by buckets that grow by a tenth.
    pub final_to_proven_distribution: Vec<(f64, u64)>,
    /// As of an audit.
    #[serde(flatten)]
    pub all: AuditReport,
}

/// What a load of payments showed beside its rates.
#[derive(Clone, Debug, Serialize)]
pub struct PaymentsReport {
    /// Payments that became final, warm-up included.
    pub finalized: u64,
    /// Lookups while the load ran, in the measured window.
    pub lookups: LookupReport,
    /// Lookups after it, of payments of the whole run.
    pub audit: AuditReport,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: each lookup counts once, under what it ended as. Method: one of each; the limit of
    /// time and just past it.
    #[test]
    fn lookups_count_once() {
        let (ms, mut tally) = (Duration::from_millis, Tally::new());
        tally.end(&Verdict::Proven, ms(10), PROVEN_WITHIN);
        tally.end(&Verdict::Proven, ms(20), PROVEN_WITHIN + ms(1));
        tally.end(&Verdict::NotFound, ms(9_000), ms(9_000));
        tally.end(&Verdict::InvalidProof, ms(1), ms(1));
        tally.end(&Verdict::Different, ms(1), ms(1));
        tally.again("timeout".to_owned());
        tally.verified(ms(1), 100);
        tally.verified(ms(3), 300);
        let report = tally.lookups(7, 2.0);
        let all = &report.all;
        assert_eq!((report.proven_in_time, report.proven_late, all.proven), (1, 1, 2));
        assert_eq!((all.not_found, all.invalid_proofs, all.different, all.lookups), (1, 1, 1, 5));
        assert_eq!((all.retries["timeout"], all.proof_bytes as u64), (1, 200));
        let rates = (all.lookups_per_s, all.verify_cpu_us, report.scheduled_per_s);
        assert_eq!(rates, (2.5, 2_000.0, 7.0));
        assert!((all.latency_ms.max - 20.0).abs() < 0.1, "{:?}", all.latency_ms);
        let in_all: u64 = report.final_to_proven_distribution.iter().map(|(_, count)| count).sum();
        assert_eq!(in_all, 2);
    }

    /// Goal: a run without lookups is no division by zero. Method: an empty tally.
    #[test]
    fn nothing_looked_up_is_zero() {
        let report = Tally::new().audit(0.0);
        let figures = (report.lookups_per_s, report.verify_cpu_us, report.proof_bytes);
        assert_eq!(figures, (0.0, 0.0, 0.0));
    }
}
