//! Read bodies of receipt files behind the seal, and verify them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trine_fuzz::{ORIGINAL, SUITE, TRUST, is_certified, same_file, seal};
use trine_verify::Receipt;

fuzz_target!(|body: &[u8]| {
    let file = seal("trine-receipt", body);
    let Ok(receipt) = Receipt::from_bytes(SUITE, &file) else {
        return;
    };
    let written = receipt.to_bytes(SUITE);
    same_file(&file, &written);
    assert_eq!(Receipt::from_bytes(SUITE, &written).as_ref(), Ok(&receipt));
    if let Ok(verified) = receipt.proof.verify(&TRUST) {
        is_certified(&verified);
    }
    if let Ok(verified) = receipt.verify(&TRUST, &ORIGINAL) {
        assert_eq!((verified.size, verified.name), (ORIGINAL.size, receipt.name));
    }
});
