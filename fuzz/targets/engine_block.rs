//! Read blocks as the engine does when peers send them: the body is the one of the header.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use trine_fuzz::SUITE;
use trine_ledger::Block;
use trine_types::Encode as _;

fn check(bytes: Bytes) {
    let Ok(block) = Block::from_bytes(SUITE, bytes.clone()) else {
        return;
    };
    assert_eq!(block.encoded(), &bytes);
    assert_eq!(block.id(), block.header().digest(SUITE));
    assert_eq!(block.inner().body_root(SUITE), block.header().body_root);
    let again = Block::new(SUITE, block.inner().as_ref().clone()).expect("it was read");
    assert_eq!(again.encoded(), &bytes);
    let _ = block.transactions();
}

fuzz_target!(|data: &[u8]| {
    let bytes = Bytes::copy_from_slice(data);
    check(bytes.clone());
    // Hardly a mutation keeps the root over the body; behind it there is more to check.
    if let Ok(mut block) = trine_types::Block::from_shared(&bytes) {
        block.header.body_root = block.body_root(SUITE);
        check(block.to_bytes().into());
    }
});
