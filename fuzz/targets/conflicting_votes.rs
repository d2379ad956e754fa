//! Read conflicting votes as a node keeps them, and verify them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trine_fuzz::{GOOD_VOTES, SUITE, TRUST, named};
use trine_verify::ConflictingVotes;

fuzz_target!(|bytes: &[u8]| {
    let Ok(votes) = ConflictingVotes::from_bytes(bytes) else {
        return;
    };
    let written = votes.to_bytes();
    assert_eq!(ConflictingVotes::from_bytes(&written).as_ref(), Ok(&votes));
    let change = named(votes.epoch);
    let verified = votes.verify(SUITE, &TRUST.chain_id(), &change);
    assert!(verified.is_err() || GOOD_VOTES.contains(&votes));
});
