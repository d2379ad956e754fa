//! Read transactions, their calls, and what the identifier covers.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use trine_fuzz::{SUITE, read_call};
use trine_types::Transaction;

fuzz_target!(|data: &[u8]| {
    let Ok(transaction) = Transaction::from_bytes(SUITE, Bytes::copy_from_slice(data)) else {
        return;
    };
    let Transaction { body, algorithm, signature, id, bytes, .. } = transaction.clone();
    assert_eq!(bytes, data);
    assert_eq!(id, body.id(SUITE), "the identifier covers what was signed");
    body.calls.iter().for_each(read_call);
    assert_eq!(body.with_signature(SUITE, algorithm, signature), transaction);
});
