//! Read proof files, envelope and seal as they are, and verify them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trine_fuzz::{SUITE, TRUST, is_certified, same_file};
use trine_verify::Proof;

fuzz_target!(|file: &[u8]| {
    let Ok(proof) = Proof::from_bytes(SUITE, file) else {
        return;
    };
    let written = proof.to_bytes(SUITE);
    same_file(file, &written);
    assert_eq!(Proof::from_bytes(SUITE, &written).as_ref(), Ok(&proof));
    if let Ok(verified) = proof.verify(&TRUST) {
        is_certified(&verified);
    }
});
