//! Read headers.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trine_fuzz::{SUITE, read};
use trine_types::Header;

fuzz_target!(|data: &[u8]| {
    if let Some(header) = read::<Header>(data) {
        let altered = Header { view: header.view ^ 1, ..header.clone() };
        assert_ne!(header.digest(SUITE), altered.digest(SUITE));
        let _ = header.state_root(SUITE);
    }
});
