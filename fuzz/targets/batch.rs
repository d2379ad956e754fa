//! Split batches, as clients post them and nodes forward them.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use trine_fuzz::SUITE;
use trine_types::{Transaction, limits::BATCH_TRANSACTIONS_MAX};

// The file itself: the crate around it would bring the whole engine.
#[path = "../../crates/node/src/mempool/batch.rs"]
mod batch;

fuzz_target!(|data: &[u8]| {
    let Ok(transactions) = batch::split(&Bytes::copy_from_slice(data)) else {
        return;
    };
    assert!(transactions.len() <= BATCH_TRANSACTIONS_MAX);
    assert_eq!(batch::join(transactions.iter()), data);
    for bytes in transactions {
        let _ = Transaction::from_bytes(SUITE, bytes);
    }
});
