//! Read what validators and loader use within the measured window.

use crate::plan::LoadPlan;
use crate::process::{Usage, own_cpu, usage};
use crate::sign::Signers;
use std::time::Duration;

/// What the processes had used at the ends of the measured window.
#[derive(Default)]
pub struct Window {
    /// When it opened: the validators, this process, its signers.
    pub opened: Option<(Usage, Duration, Duration)>,
    /// When it closed.
    pub closed: Option<(Usage, Duration, Duration)>,
    /// Largest resident memory of one validator in between.
    pub resident_bytes_max: u64,
    sampled_s: u64,
}

impl Window {
    /// Looks once a second, from the end of the warm-up on.
    pub fn sample(&mut self, plan: &LoadPlan, signers: &Signers, now: Duration, warmup: Duration) {
        if now < warmup || (self.opened.is_some() && now.as_secs() == self.sampled_s) {
            return;
        }
        self.sampled_s = now.as_secs();
        let current = usage(&plan.validator_pids);
        self.resident_bytes_max = self.resident_bytes_max.max(current.resident_bytes_max);
        self.opened.get_or_insert((current, own_cpu(), signers.cpu()));
    }

    /// Looks for the last time.
    pub fn close(&mut self, plan: &LoadPlan, signers: &Signers) {
        self.closed = Some((usage(&plan.validator_pids), own_cpu(), signers.cpu()));
    }
}
