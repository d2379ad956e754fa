//! Read outcomes of transactions and their events.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trine_fuzz::read;
use trine_types::{Encode as _, Event, Outcome};

fuzz_target!(|data: &[u8]| {
    if let Some(outcome) = read::<Outcome>(data) {
        for event in &outcome.events {
            assert_eq!(read::<Event>(&event.to_bytes()).as_ref(), Some(event));
        }
    }
    read::<Event>(data);
});
