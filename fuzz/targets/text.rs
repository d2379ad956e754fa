//! Read identifiers, digits and names as people write them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::{fmt::Display, str::FromStr};
use trine_types::codec::{parse_hex, to_hex};
use trine_types::{Address, Algorithm, ChainId, Suite, TransactionId};

fn read<T: FromStr + Display>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert!(value.to_string().eq_ignore_ascii_case(text), "{value} was read from {text:?}");
    }
}

fuzz_target!(|text: &str| {
    read::<Address>(text);
    read::<ChainId>(text);
    read::<TransactionId>(text);
    read::<Algorithm>(text);
    read::<Suite>(text);
    if let Ok(bytes) = parse_hex(text) {
        assert!(to_hex(&bytes).eq_ignore_ascii_case(text));
    }
});
