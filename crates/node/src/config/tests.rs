//! Test what an operator can get wrong, each with the error that names it.

mod clocks;
mod logs;
mod setups;

use super::{LogFormat, NodeConfig, SetupError};
use crate::api::tls::TlsFiles;
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use trine_types::{Address, Algorithm};

const GOOD: &str = r#"
name = "city"
genesis = "../../genesis.json"
data_dir = "data"
validator_key = "validator.key"
p2p_listen = "127.0.0.1:30000"
http_listen = "127.0.0.1:8000"

[peers]
university = "http://127.0.0.1:8001"

[p2p_peers]
university = "node.example:30001"

[tls]
certificate = "cert.pem"
key = "/etc/key.pem"
client_authorities = "clients.pem"

[engine]
idle_ms = 500
cache_mib = 64
key_tables_mib = 8
peers_max = 64

[log]
level = "debug"
format = "json"
file = "node.log"
"#;

fn read(text: &str) -> Result<NodeConfig, SetupError> {
    NodeConfig::from_text(Path::new("/home/nodes/city/node.toml"), text)
}

/// Goal: every field is read, and paths start at the file's folder. Method: one file with all.
#[test]
fn a_full_file_is_read() {
    let config = read(GOOD).unwrap();
    assert_eq!(config.name, "city");
    assert_eq!(config.genesis, Path::new("/home/nodes/city/../../genesis.json"));
    assert_eq!(config.data_dir, Path::new("/home/nodes/city/data"));
    assert_eq!(config.validator_key, Some(PathBuf::from("/home/nodes/city/validator.key")));
    assert_eq!(config.p2p_listen, Some("127.0.0.1:30000".parse().unwrap()));
    assert_eq!(config.follow, None);
    assert_eq!(config.http_listen.port(), 8_000);
    assert_eq!(config.peers["university"], "http://127.0.0.1:8001");
    assert_eq!(config.p2p_peers["university"], "node.example:30001");
    let tls = TlsFiles {
        certificate: "/home/nodes/city/cert.pem".into(),
        key: "/etc/key.pem".into(),
        client_authorities: Some("/home/nodes/city/clients.pem".into()),
    };
    assert_eq!(config.tls, Some(tls));
    assert_eq!((config.engine.idle_ms, config.engine.leader_ms), (500, 1_500));
    assert_eq!(config.engine.cache_bytes, 64 << 20);
    assert_eq!(config.engine.key_tables_bytes, 8 << 20);
    assert_eq!(config.engine.peers_max, 64);
    assert_eq!(config.log.level, tracing::Level::DEBUG);
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.log.file, Some("/home/nodes/city/node.log".into()));
}

/// Goal: what may be left out has a default. Method: the shortest file.
#[test]
fn a_short_file_is_read() {
    let text = "name='f'\ngenesis='g'\ndata_dir='d'\np2p_listen='[::1]:1'\nhttp_listen='[::1]:2'";
    let config = read(text).unwrap();
    assert_eq!(config.validator_key, None);
    assert_eq!(config.tls, None);
    assert_eq!(config.log.file, None);
}

const FOLLOWER: &str = r#"
name = "library"
genesis = "genesis.json"
data_dir = "data"
http_listen = "127.0.0.1:8000"

[follow]
upstreams = ["https://a.example:8443", "http://127.0.0.1:8001"]
authorities = "ca.pem"
client_certificate = "me.pem"
client_key = "me.key"
late_start = true
"#;

/// Goal: a follower has upstreams in place of a key and of peers. Method: a file with all of them,
/// and one with the shortest table.
#[test]
fn a_follower_is_read() {
    let config = read(FOLLOWER).unwrap();
    assert_eq!((config.validator_key, config.p2p_listen), (None, None));
    let follow = config.follow.unwrap();
    assert_eq!(follow.upstreams, ["https://a.example:8443", "http://127.0.0.1:8001"]);
    assert_eq!(follow.authorities, Some("/home/nodes/city/ca.pem".into()));
    let client = ("/home/nodes/city/me.pem".into(), "/home/nodes/city/me.key".into());
    assert_eq!(follow.client, Some(client));
    assert!(follow.late_start);
    let end = FOLLOWER.find("authorities").unwrap();
    let follow = read(&FOLLOWER[..end]).unwrap().follow.unwrap();
    assert_eq!((follow.authorities, follow.client, follow.late_start), (None, None, false));
}

/// Goal: a follower may read with a key. Method: the whole table, its shortest form, and a fault in
/// each field.
#[test]
fn a_followers_reader_is_read() {
    let read = |lines: &str| read(&format!("{FOLLOWER}[follow.reader]\n{lines}"));
    let reader = |lines: &str| read(lines).unwrap().follow.unwrap().reader.unwrap();
    let address = "02".repeat(20);
    let full = "key = \"r.key\"\nalgorithm = \"p256\"\nkey_index = 7\n";
    let found = reader(&format!("{full}account = \"{address}\""));
    assert_eq!(found.key, Path::new("/home/nodes/city/r.key"));
    assert_eq!((found.algorithm, found.key_index), (Some(Algorithm::P256), 7));
    assert_eq!(found.account, Some(Address([2; 20])));
    let short = reader("key = \"r.key\"");
    assert_eq!((short.algorithm, short.account, short.key_index), (None, None, 0));
    for (lines, field) in [
        ("key_index = 1", "follow.reader.key "),
        ("key = \"k\"\nkey_index = 8", "follow.reader.key_index "),
        ("key = \"k\"\nalgorithm = \"rsa\"", "follow.reader.algorithm "),
        ("key = \"k\"\naccount = \"02\"", "follow.reader.account "),
        ("key = \"k\"\nsecret = \"s\"", "follow.reader.secret "),
    ] {
        let error = read(lines).unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
}

/// Goal: a follower's file says what is wrong with it. Method: spoil one line at a time.
#[test]
fn an_error_in_a_followers_file_is_named() {
    let many = format!("upstreams = [{}]", "\"http://a\",".repeat(17));
    let cases = [
        ("upstreams = [\"https://a.example:8443\", \"http://127.0.0.1:8001\"]", "", "is missing"),
        ("\"https://a.example:8443\", \"http://127.0.0.1:8001\"", "", "upstreams is []"),
        ("https://a.example:8443", "a.example:8443", "expected 1 to 16 URLs such as"),
        ("\"https://a.example:8443\"", "7", "follow.upstreams is [7, "),
        ("upstreams = [\"https://a.example:8443\", \"http://127.0.0.1:8001\"]", &many, "1 to 16"),
        ("client_key = \"me.key\"", "", "follow.client_key is missing, expected a path"),
        ("client_certificate = \"me.pem\"", "", "follow.client_certificate is missing"),
        ("late_start = true", "late_start = 1", "follow.late_start is 1, expected true or false"),
        ("authorities", "authority", "follow.authority is unknown, expected only upstreams"),
        ("[follow]", "validator_key = \"k\"\n[follow]", "validator_key is given beside the table"),
        ("[follow]", "p2p_listen = \"127.0.0.1:1\"\n[follow]", "p2p_listen is given beside"),
        ("[follow]", "[p2p_peers]\na = \"a:1\"\n[follow]", "p2p_peers is given beside the table"),
    ];
    for (line, replacement, expected) in cases {
        let text = FOLLOWER.replacen(line, replacement, 1);
        assert_ne!(text, FOLLOWER, "{line} stands in the file");
        let error = read(&text).unwrap_err();
        assert_eq!(error.code(), "bad_configuration");
        assert!(error.to_string().contains(expected), "{error:?} says {expected:?}");
    }
    let neither = FOLLOWER.split("[follow]").next().unwrap();
    let error = read(neither).unwrap_err();
    assert!(error.to_string().contains("p2p_listen is missing, expected an address"), "{error}");
}

/// Goal: each error names file, field, value and what is expected. Method: spoil one line of a good
/// file at a time.
#[test]
fn an_error_names_field_value_and_expectation() {
    let cases = [
        ("name = \"city\"", "", "name is missing, expected a name"),
        ("\"city\"", "\"City Hall\"", "name is \"City Hall\", expected a-z, 0-9 and -"),
        ("\"data\"", "7", "data_dir is 7, expected a text in quotes"),
        ("\"data\"", "\"\"", "data_dir is \"\", expected a text"),
        ("127.0.0.1:30000", "localhost", "p2p_listen is \"localhost\", expected an address"),
        ("\"127.0.0.1:8000\"", "8000", "http_listen is 8000, expected an address and a port"),
        ("http://127.0.0.1:8001", "127.0.0.1:8001", "peers.university is \"127.0.0.1:8001\""),
        ("node.example:30001", "node.example", "p2p_peers.university is \"node.example\""),
        ("key = \"/etc/key.pem\"", "", "tls.key is missing, expected a path"),
        ("certificate = \"cert.pem\"", "", "tls.certificate is missing, expected a path"),
        ("idle_ms = 500", "idle_ms = 0", "engine.idle_ms is 0, expected a whole number from 1"),
        ("idle_ms = 500", "idle_ms = -5", "engine.idle_ms is -5, expected a whole number"),
        ("idle_ms = 500", "idle_ms = 60001", "engine.idle_ms is 60001, expected a whole number"),
        ("idle_ms = 500", "idle_ms = 1.5", "engine.idle_ms is 1.5, expected a whole number"),
        ("idle_ms = 500", "leader_ms = 1000", "engine.leader_ms is 1000, expected a whole number"),
        (
            "peers_max = 64",
            "peers_max = 1",
            "engine.peers_max is 1, expected a whole number from 2",
        ),
        ("cache_mib = 64", "cache_mb = 64", "engine.cache_mb is unknown, expected only idle_ms"),
        ("\"debug\"", "\"loud\"", "log.level is \"loud\", expected error, warn, info, debug"),
        ("\"json\"", "\"xml\"", "log.format is \"xml\", expected \"text\" or \"json\""),
        ("[log]", "[logs]", "logs is unknown, expected only name, genesis, data_dir"),
        ("[peers]", "[[peers]]", "expected a table"),
    ];
    for (line, replacement, expected) in cases {
        let text = GOOD.replacen(line, replacement, 1);
        assert_ne!(text, GOOD, "{line} stands in the file");
        let error = read(&text).unwrap_err();
        assert_eq!(error.code(), "bad_configuration");
        let message = error.to_string();
        assert!(message.starts_with("/home/nodes/city/node.toml: "), "{message}");
        assert!(message.contains(expected), "{message:?} says {expected:?}");
    }
}

/// Goal: text that is no TOML is refused with its place. Method: leave out a quote.
#[test]
fn a_syntax_error_names_its_line() {
    let error = read(&GOOD.replacen("\"city\"", "\"city", 1)).unwrap_err();
    assert!(matches!(error, SetupError::Syntax { .. }));
    assert!(error.to_string().contains("line 2"), "{error}");
}

/// Goal: an unreadable file is named. Method: a missing file, a folder, bytes that are no text, a
/// file over its limit.
#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.toml");
    let error = || NodeConfig::from_file(&path).unwrap_err();
    assert_eq!(error().code(), "unreadable_file");
    assert!(error().to_string().contains("node.toml"));
    std::fs::write(&path, b"name = \"\xff\"").unwrap();
    assert!(error().to_string().contains("not UTF-8 at byte 8"), "{}", error());
    std::fs::write(&path, vec![b'#'; 1_024 * 1_024 + 1]).unwrap();
    assert!(error().to_string().contains("at most 1048576"), "{}", error());
    std::fs::write(&path, GOOD).unwrap();
    NodeConfig::from_file(&path).unwrap();
}

proptest! {
    /// Goal: no text makes the reader panic. Method: random edits of a good file.
    #[test]
    fn any_text_gives_a_configuration_or_an_error(
        at in 0..GOOD.len(), length in 0usize..40, text in "\\PC{0,12}",
    ) {
        prop_assume!(GOOD.is_ascii());
        let end = (at + length).min(GOOD.len());
        let edited = format!("{}{text}{}", &GOOD[..at], &GOOD[end..]);
        if let Err(error) = read(&edited) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
