//! Read the headers of a signed request for records, as clients send them: two lines.

#![no_main]

use libfuzzer_sys::fuzz_target;

// The file itself: the crate around it would bring the whole engine.
#[path = "../../crates/node/src/read_signature.rs"]
#[allow(dead_code)]
mod read_signature;

use read_signature::{INPUT_BYTES_MAX, ReadSignature, SIGNATURE_BYTES_MAX, headers};

fuzz_target!(|text: &str| {
    let (input, signature) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(read) = ReadSignature::parse(input, signature) else {
        return;
    };
    assert!(input.len() <= INPUT_BYTES_MAX && signature.len() <= SIGNATURE_BYTES_MAX);
    let base = read.base("GET", "/v1/blocks", Some(signature));
    assert!(base.ends_with(input.split_once('=').expect("there is a label").1));
    let who = (read.address, read.key_index);
    let sign = |_: &[u8]| read.signature.clone();
    let written = headers(read.chain_id, who, read.created_s, ("/", None), sign);
    let again = ReadSignature::parse(&written.0, &written.1).expect("what is written is read");
    assert_eq!((again.address, again.key_index), who);
    assert_eq!((again.chain_id, again.created_s), (read.chain_id, read.created_s));
    assert_eq!(again.signature, read.signature);
});
