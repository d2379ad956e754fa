//! Find the published vectors that lie beside the checkout and read them in place.

use serde_json::Value;
use std::path::Path;

/// Reads a JSON file of vectors below `vectors/crypto`; none, with a message, when the checkout has
/// no vectors beside it at all.
pub(crate) fn read(name: &str) -> Option<Value> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    if !shared.is_dir() {
        println!("skipped: no published vectors beside the checkout ({name})");
        return None;
    }
    let path = shared.join("vectors/crypto").join(name);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(serde_json::from_str(&text).unwrap())
}

/// Bytes of a hexadecimal string.
pub(crate) fn hex(value: &Value) -> Vec<u8> {
    unhex(value.as_str().unwrap())
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    assert!(text.is_ascii() && text.len().is_multiple_of(2), "{text:?} is not hexadecimal");
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

/// Calls `check` with the group and the test of every Wycheproof test in a file; returns how many.
pub(crate) fn for_each_test(name: &str, mut check: impl FnMut(&Value, &Value)) -> usize {
    let Some(file) = read(name) else { return 0 };
    let mut count = 0;
    for group in file["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            check(group, test);
            count += 1;
        }
    }
    assert_eq!(Some(count as u64), file["numberOfTests"].as_u64(), "{name}");
    count
}

/// The expected verdict: `acceptable` occurs in none of the files and is no verdict of ours.
pub(crate) fn is_valid(test: &Value) -> bool {
    match test["result"].as_str().unwrap() {
        "valid" => true,
        "invalid" => false,
        other => panic!("verdict {other:?}"),
    }
}
