//! Describe a load: how much, how long, from whom, and to which nodes.

use trine_crypto::SecretKey;
use trine_types::Genesis;

/// Transactions a second that one loader may offer.
pub const RATE_PER_S_MAX: u64 = 1_000_000;
/// Seconds that one run may take, warm-up included.
pub const DURATION_S_MAX: u64 = 86_400;

/// Transactions that a loader may sign before it starts; each takes half a kilobyte of memory.
pub const PRESIGNED_MAX: u64 = 10_000_000;
/// Lookups a second that one loader may make.
pub const LOOKUPS_PER_S_MAX: u64 = 100_000;
/// Payments that an audit may look up; the loader remembers as many.
pub const AUDIT_MAX: u64 = 1_000_000;

/// How payments are looked up by their references.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookupPlan {
    /// Lookups a second while the load runs, of payments that became final a short while ago.
    pub per_s: u64,
    /// Payments of the whole run that are looked up after it.
    pub audit: u64,
}

/// What each transaction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Moves one unit of the primary asset between two generated accounts.
    Transfer,
    /// Moves some units between two generated accounts under a reference, and is looked up by it.
    Payment(LookupPlan),
    /// Appends this many entries to the log of organisation 0.
    Evidence {
        /// Entries in each transaction.
        entries: u16,
    },
}

/// A load.
#[derive(Clone, Debug)]
pub struct LoadPlan {
    /// Genesis of the network; it names the generated accounts.
    pub genesis: Genesis,
    /// Base URLs of the nodes, `http://host:port`; batches go to them in turn.
    pub nodes: Vec<String>,
    /// Transactions a second.
    pub rate_per_s: u64,
    /// Seconds that are measured.
    pub duration_s: u64,
    /// Seconds before them.
    pub warmup_s: u64,
    /// What each transaction does.
    pub payload: Payload,
    /// Hostile transactions for each 100 honest ones: bad signatures, duplicates, replays, cut
    /// bytes.
    pub hostile_percent: u64,
    /// Whether all transactions are signed before the first is due: signing takes no time from the
    /// validators then, where they share the machine.
    pub presign: bool,
    /// Process ids of the validators, where they run on this machine.
    pub validator_pids: Vec<u32>,
    /// Secret keys, of the suite's algorithm, of accounts with the role of notary, for evidence.
    pub notary_keys: Vec<[u8; 32]>,
}

/// A plan was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("load plan: {field} is {found}, expected {expected}")]
pub struct PlanError {
    /// Field of the plan.
    pub field: &'static str,
    /// Value given.
    pub found: String,
    /// What it should be.
    pub expected: String,
}

fn refuse(field: &'static str, found: impl ToString, expected: impl ToString) -> PlanError {
    PlanError { field, found: found.to_string(), expected: expected.to_string() }
}

impl LookupPlan {
    fn check(&self) -> Result<(), PlanError> {
        if self.per_s > LOOKUPS_PER_S_MAX {
            return Err(refuse("lookups", self.per_s, format!("0 to {LOOKUPS_PER_S_MAX}")));
        }
        if self.audit > AUDIT_MAX {
            return Err(refuse("audit", self.audit, format!("0 to {AUDIT_MAX}")));
        }
        Ok(())
    }
}

impl LoadPlan {
    /// Refuses a plan that cannot run.
    ///
    /// # Errors
    /// [`PlanError`] that names the field, the value and what was expected.
    pub fn check(&self) -> Result<(), PlanError> {
        if self.nodes.is_empty() {
            return Err(refuse("nodes", 0, "at least one URL"));
        }
        if !(1..=RATE_PER_S_MAX).contains(&self.rate_per_s) {
            return Err(refuse("rate", self.rate_per_s, format!("1 to {RATE_PER_S_MAX}")));
        }
        let total_s = self.duration_s.saturating_add(self.warmup_s);
        if self.duration_s == 0 || total_s > DURATION_S_MAX {
            let expected = format!("1 to {DURATION_S_MAX} seconds, warm-up included");
            return Err(refuse("duration", total_s, expected));
        }
        let count = self.rate_per_s.saturating_mul(total_s);
        if self.presign && count > PRESIGNED_MAX {
            let expected = format!("{PRESIGNED_MAX} transactions or fewer");
            return Err(refuse("presign", count, expected));
        }
        if let Payload::Payment(lookups) = self.payload {
            lookups.check()?;
        }
        match self.payload {
            Payload::Transfer | Payload::Payment(_) => {
                let count = self.genesis.generated_accounts.as_ref().map_or(0, |all| all.count);
                if count < 2 {
                    return Err(refuse("accounts", count, "a genesis with 2 or more generated"));
                }
            }
            Payload::Evidence { entries } => {
                let most = trine_types::limits::ENTRIES_MAX;
                if entries == 0 || usize::from(entries) > most {
                    return Err(refuse("entries", entries, format!("1 to {most}")));
                }
                if self.notary_keys.is_empty() {
                    return Err(refuse("notary keys", 0, "at least one"));
                }
                self.check_notary_keys()?;
            }
        }
        Ok(())
    }

    fn check_notary_keys(&self) -> Result<(), PlanError> {
        let suite = self.genesis.suite();
        let suite = suite.map_err(|_| refuse("suite", &self.genesis.suite, "a known suite"))?;
        let is_key =
            |secret: &&[u8; 32]| SecretKey::from_bytes(suite.algorithm(), &secret[..]).is_ok();
        let good = self.notary_keys.iter().filter(is_key).count();
        match good == self.notary_keys.len() {
            true => Ok(()),
            false => Err(refuse("notary keys", good, "every one a key of the suite")),
        }
    }
}
