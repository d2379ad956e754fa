//! Read calls and the arguments of every method.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trine_fuzz::{read, read_call};
use trine_types::RawCall;

fuzz_target!(|data: &[u8]| {
    if let Some(raw) = read::<RawCall>(data) {
        read_call(&raw);
    }
});
