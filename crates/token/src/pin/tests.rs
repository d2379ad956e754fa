//! Check what is read as a PIN, and what is remembered of a refused one.

use super::*;
use crate::TokenName;
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt as _;

fn written(content: &[u8]) -> (tempfile::TempDir, TokenConfig) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pin");
    fs::write(&file, content).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let token = TokenName::Label("token".into());
    (folder, TokenConfig::new("module.so", token, PinSource::File(file)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Goal: any file gives a PIN or a coded error. Method: random bytes; a PIN is the first line.
    #[test]
    fn any_file_gives_a_pin_or_an_error(content: Vec<u8>) {
        let (_folder, config) = written(&content);
        match Pin::read(&config, "1") {
            Ok(pin) => {
                prop_assert!(content.starts_with(pin.text.as_bytes()));
                prop_assert!((1..=PIN_BYTES_MAX).contains(&pin.text.len()));
                prop_assert!(!pin.text.contains(['\r', '\n']));
            }
            Err(error) => prop_assert_eq!(error.code(), "pin_unreadable"),
        }
    }
}

/// Goal: a refused PIN is refused for its token alone, and no copy of it lies on disk. Method: two
/// serial numbers, one refusal; another PIN in the file is tried again.
#[test]
fn refusals_are_remembered_by_token() {
    let (folder, config) = written(b"314159265\n");
    let refused = Pin::read(&config, "1").ok().unwrap().refused();
    assert!(matches!(refused, TokenError::WrongPin { before: false, .. }));
    assert!(matches!(Pin::read(&config, "1"), Err(TokenError::WrongPin { before: true, .. })));
    Pin::read(&config, "2").ok().unwrap().accepted();
    assert!(folder.path().join("pin.refused").exists());
    assert!(matches!(Pin::read(&config, "1"), Err(TokenError::WrongPin { before: true, .. })));
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path != folder.path().join("pin") {
            assert!(!fs::read_to_string(path).unwrap().contains("314159265"));
        }
    }
    fs::write(folder.path().join("pin"), "271828182845\n").unwrap();
    assert_eq!(&*Pin::read(&config, "1").ok().unwrap().text, "271828182845");
}
