//! Read blocks, every transaction in them, and the root over their bodies.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use trine_fuzz::SUITE;
use trine_types::{Block, Encode as _};

fuzz_target!(|data: &[u8]| {
    let Ok(block) = Block::from_shared(&Bytes::copy_from_slice(data)) else {
        return;
    };
    assert_eq!(block.to_bytes(), data);
    let _ = block.body_root(SUITE);
    if let Ok(transactions) = block.decode_transactions(SUITE) {
        assert!(transactions.iter().map(|one| &one.bytes).eq(&block.transactions));
    }
});
