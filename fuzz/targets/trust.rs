//! Read trust files.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trine_verify::TrustAnchor;

fuzz_target!(|text: &[u8]| {
    if let Ok(trust) = TrustAnchor::from_json(text) {
        assert_eq!(TrustAnchor::from_json(&trust.to_json()).as_ref(), Ok(&trust));
    }
});
