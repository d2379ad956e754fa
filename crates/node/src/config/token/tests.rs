//! Check how the table of a validator's token is read and refused.

use crate::config::NodeConfig;
use std::path::{Path, PathBuf};
use trine_token::{PinSource, Sm2Codes, TokenName};

const HEAD: &str = "name = \"city\"\ngenesis = \"g.json\"\ndata_dir = \"data\"\n\
                    p2p_listen = \"127.0.0.1:9000\"\nhttp_listen = \"127.0.0.1:8000\"\n";

fn read(head: &str, table: &str) -> Result<NodeConfig, String> {
    let text = format!("{HEAD}{head}\n[validator_token]\n{table}");
    NodeConfig::from_text(Path::new("/home/city/node.toml"), &text)
        .map_err(|error| error.to_string())
}

const GOOD: &str = "module = \"/usr/lib/softhsm/libsofthsm2.so\"\ntoken = \"city\"\n\
                    key = \"votes\"\npin_file = \"pin\"\n";

/// Goal: all fields are read. Method: a small table, and one with every field.
#[test]
fn the_table_is_read() {
    let small = read("", GOOD).unwrap().validator_token.unwrap();
    assert_eq!(small.token.module, PathBuf::from("/usr/lib/softhsm/libsofthsm2.so"));
    assert_eq!(small.token.token, TokenName::Label("city".into()));
    assert_eq!(small.token.pin, PinSource::File("/home/city/pin".into()));
    assert_eq!((small.key.label.as_str(), small.key.id), ("votes", None));
    let full = "module = \"m.so\"\nserial = \"00ff\"\nkey = \"votes\"\nkey_id = \"0a0b\"\n\
                pin_variable = \"PIN\"\nsessions = 3\nwait_ms = 700\n[validator_token.sm2]\n\
                key_type = 0x80000001\ngenerate = 0x80000002\nsign = 0x80000003\n";
    let full = read("", full).unwrap().validator_token.unwrap();
    assert_eq!(full.token.module, PathBuf::from("/home/city/m.so"));
    assert_eq!(full.token.token, TokenName::Serial("00ff".into()));
    assert_eq!(full.token.pin, PinSource::Variable("PIN".into()));
    assert_eq!(full.key.id, Some(vec![10, 11]));
    assert_eq!((full.token.sessions, full.token.wait_ms), (3, 700));
    let codes = Sm2Codes { key_type: 0x8000_0001, generate: 0x8000_0002, sign: 0x8000_0003 };
    assert_eq!(full.token.sm2, Some(codes));
}

/// Goal: every mistake names field, value and what would be accepted. Method: make each.
#[test]
fn mistakes_are_named() {
    for (table, field) in [
        ("token = \"a\"", "validator_token.module is missing"),
        ("module = \"m\"", "validator_token.token is missing"),
        ("module = \"m\"\ntoken = \"a\"\nserial = \"b\"", "validator_token.token is given twice"),
        ("module = \"m\"\ntoken = \"a\"", "validator_token.pin_file is missing"),
        ("module = \"m\"\ntoken = \"a\"\npin_file = \"p\"", "validator_token.key is missing"),
        (&format!("{GOOD}key_id = \"xyz\""), "validator_token.key_id is \"xyz\""),
        (&format!("{GOOD}sessions = 17"), "validator_token.sessions is 17"),
        (&format!("{GOOD}wait_ms = 0"), "validator_token.wait_ms is 0"),
        (&format!("{GOOD}pin = \"1234\""), "validator_token.pin is unknown"),
        (
            &format!("{GOOD}[validator_token.sm2]\nsign = 0x1041"),
            "validator_token.sm2.sign is 4161",
        ),
        (
            &format!("{GOOD}[validator_token.sm2]\nsign = 0x80000001"),
            "validator_token.sm2.key_type is missing",
        ),
    ] {
        let refused = read("", table).unwrap_err();
        assert!(refused.contains(field), "{refused}");
        assert!(!refused.contains("1234"), "{refused}");
    }
    let both = read("validator_key = \"k\"", GOOD).unwrap_err();
    assert!(both.contains("validator_key"), "{both}");
}
