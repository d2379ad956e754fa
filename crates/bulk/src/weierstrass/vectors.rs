//! Read published test vectors where they lie, beside the checkout.

use serde_json::Value;
use std::path::PathBuf;

/// The file `name` of the shared vectors; `None`, with a line that says so, where there are none.
///
/// A folder of vectors that lacks the file is an error.
pub(crate) fn read(name: &str) -> Option<Value> {
    let shared = std::env::var_os("TRINE_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    if !shared.is_dir() {
        println!("skipped: no folder {} with {name}", shared.display());
        return None;
    }
    let path = shared.join("vectors").join(name);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    Some(serde_json::from_str(&text).expect("the vectors are JSON"))
}

/// Bytes of lower-case hexadecimal text.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "an odd number of digits: {text}");
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal digits"))
        .collect()
}

/// Bytes of the hexadecimal text of a field.
pub(crate) fn unhex_field(case: &Value, field: &str) -> Vec<u8> {
    unhex(case[field].as_str().unwrap_or_else(|| panic!("no field {field} in {case}")))
}
