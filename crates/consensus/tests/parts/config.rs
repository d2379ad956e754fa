//! Look whether configurations that halt a chain later are refused at the start.

use crate::support::secret;
use std::num::NonZeroU64;
use trine_consensus::{Config, ConfigError, parse_address};
use trine_crypto::VoteSigner;

fn config() -> Config {
    Config::new(
        Some(VoteSigner::new(secret(b'v', 0)).expect("validators use the suite's algorithm")),
        NonZeroU64::new(512).expect("epochs have blocks"),
    )
}

fn refused(change: impl FnOnce(&mut Config)) -> &'static str {
    let mut config = config();
    change(&mut config);
    match config.check() {
        Err(ConfigError::OutOfRange { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

/// Goal: the defaults run. Method: check them.
#[test]
fn defaults_are_accepted() {
    config().check().expect("defaults");
}

/// Goal: a node never keeps less than it needs to restart. Method: one block less than an epoch,
/// then exactly an epoch.
#[test]
fn retention_below_an_epoch_is_refused() {
    assert_eq!(refused(|config| config.retained_blocks = Some(511)), "retained_blocks");
    let mut config = config();
    config.retained_blocks = Some(512);
    config.check().expect("an epoch is enough");
}

/// Goal: timeouts never contradict each other. Method: set each equal to what it must exceed.
#[test]
fn contradicting_timeouts_are_refused() {
    assert_eq!(refused(|config| config.timing.leader_ms = config.timing.idle_ms), "leader_ms");
    let equal = |config: &mut Config| config.timing.certification_ms = config.timing.leader_ms;
    assert_eq!(refused(equal), "certification_ms");
    assert_eq!(refused(|config| config.timing.retry_ms = 0), "retry_ms");
    assert_eq!(refused(|config| config.threads = 0), "threads");
}

/// Goal: addresses are host:port or address:port and nothing else. Method: some of each.
#[test]
fn addresses_are_read() {
    for good in ["127.0.0.1:1", "[::1]:65535", "node-1.example.org:80"] {
        parse_address(good).unwrap_or_else(|error| panic!("{error}"));
    }
    for bad in ["", "127.0.0.1", "host:", "host:65536", ":80", "ho st:80"] {
        assert!(parse_address(bad).is_err(), "{bad:?}");
    }
}
