//! Read hand-overs from epoch to epoch and their sets of validators.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trine_fuzz::read;
use trine_types::{EpochChange, ValidatorSet};

fn check(set: &ValidatorSet) {
    let validators = set.as_slice();
    assert!(validators.windows(2).all(|pair| pair[0].key < pair[1].key));
    assert_eq!(ValidatorSet::new(validators.to_vec()).as_ref(), Ok(set));
    assert!(set.quorum() <= validators.len() && 3 * set.quorum() > 2 * validators.len());
}

fuzz_target!(|data: &[u8]| {
    if let Some(change) = read::<EpochChange>(data) {
        check(&change.validators);
        check(change.following());
    }
});
