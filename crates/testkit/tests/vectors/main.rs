//! Hold the wire formats to the golden vectors in `tests/vectors/`.
//!
//! A change of these files is a change of the chain's format. `TRINE_WRITE_VECTORS=1 cargo test
//! --workspace --test vectors` writes them anew.

mod blocks;
mod wire;

use serde_json::Value;
use std::path::Path;

/// Environment variable that asks for new files.
const WRITE: &str = "TRINE_WRITE_VECTORS";

/// Compares `value` with the file, or writes it where the environment asks so.
fn check(file: &str, value: &Value) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    let path = folder.join(file);
    let text = serde_json::to_string_pretty(value).expect("a value is text") + "\n";
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, text).expect("the folder of the vectors is writable");
        return;
    }
    let golden = std::fs::read_to_string(&path).expect("the vectors are readable");
    for (number, (now, then)) in (1..).zip(text.lines().zip(golden.lines())) {
        assert_eq!(now, then, "{file}, line {number}: the format has changed");
    }
    assert_eq!(text.len(), golden.len(), "{file}: the format has changed");
}

/// Goal: bytes never change unnoticed. Method: compare every encoding with the golden file.
#[test]
fn encodings_are_golden() {
    check("wire.json", &wire::vectors());
}

/// Goal: what blocks do never changes unnoticed. Method: replay a scripted chain and compare
/// outcomes, roots and the digest of the state after each block.
#[test]
fn blocks_are_golden() {
    check("blocks.json", &blocks::vectors());
}

/// Goal: a change of the format fails. Method: compare a changed value with the golden file.
#[test]
#[should_panic(expected = "the format has changed")]
fn a_change_is_noticed() {
    let mut value = wire::vectors();
    value["transactions"][0]["id"] = Value::from("00");
    if std::env::var_os(WRITE).is_some() {
        panic!("the format has changed");
    }
    check("wire.json", &value);
}
