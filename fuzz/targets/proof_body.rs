//! Read bodies of proof files behind the seal, and verify them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trine_fuzz::{SUITE, TRUST, is_certified, same_file, seal};
use trine_verify::Proof;

fuzz_target!(|body: &[u8]| {
    let file = seal("trine-proof", body);
    let Ok(proof) = Proof::from_bytes(SUITE, &file) else {
        return;
    };
    let written = proof.to_bytes(SUITE);
    same_file(&file, &written);
    assert_eq!(Proof::from_bytes(SUITE, &written).as_ref(), Ok(&proof));
    if let Ok(verified) = proof.verify(&TRUST) {
        is_certified(&verified);
    }
});
