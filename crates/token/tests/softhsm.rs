//! Sign with keys in SoftHSM2, lose its sessions, and give it wrong PINs.

mod common;

use common::{LABEL, PIN, alone, config, init_token, refusal, write_pin};
use cryptoki::{context::Pkcs11, session::UserType, slot::Slot, types::AuthPin};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, thread};
use trine_crypto::{Algorithm, BatchItem, verify};
use trine_token::{KeyName, PinSource, Token, TokenError, TokenKey, TokenName};

const ALGORITHMS: [Algorithm; 2] = [Algorithm::P256, Algorithm::Ed25519];

fn item<'a>(key: &'a TokenKey, message: &'a [u8], signature: &'a [u8]) -> BatchItem<'a> {
    BatchItem {
        algorithm: key.algorithm(),
        public_key: key.public_key(),
        namespace: b"space",
        message,
        signature,
    }
}

/// The module as another part of this process sees it.
fn elsewhere(module: &Path) -> (Pkcs11, Slot) {
    let other = Pkcs11::new(module).unwrap();
    let slots = other.get_slots_with_initialized_token().unwrap();
    let slot = slots
        .into_iter()
        .find(|slot| other.get_token_info(*slot).is_ok_and(|info| info.label() == LABEL));
    (other, slot.unwrap())
}

fn close_all_sessions(module: &Path, slot: Slot) {
    // SAFETY: the module is loaded already, so that no initialiser of it runs.
    let library = unsafe { cryptoki_sys::Pkcs11::new(module) }.unwrap();
    // SAFETY: the function takes a number; the module checks it.
    let answer = unsafe { library.C_CloseAllSessions(slot.id()) };
    assert_eq!(answer, cryptoki_sys::CKR_OK);
}

/// Goal: both algorithms sign for the ledger. Method: generate, sign many messages, verify each
/// with the ledger's own rule, and find the same key again by its label and by its id.
#[test]
fn keys_are_made_found_and_sign() {
    alone("keys_are_made_found_and_sign", |module, folder| {
        let token = Token::open(config(module, folder)).unwrap();
        for algorithm in ALGORITHMS {
            let label = KeyName::label(algorithm.name());
            let key = token.generate(algorithm, &label).unwrap();
            assert_eq!(key.algorithm(), algorithm);
            assert!(algorithm.is_public_key(key.public_key()));
            for length in 0..64usize {
                let message = vec![length as u8; length * 7];
                let signature = key.sign(b"space", &message).unwrap();
                assert!(verify(item(&key, &message, &signature)));
            }
            for name in [&label, key.name()] {
                assert_eq!(token.key(name).unwrap().public_key(), key.public_key());
            }
            assert!(key.health().unwrap().took.as_secs() < 10);
            let again = token.generate(algorithm, &label).unwrap_err();
            assert_eq!(again.code(), "token_key_exists");
        }
        // What SoftHSM2 signs with ECDSA is random, with Ed25519 it is not.
        let ecdsa = token.key(&KeyName::label("p256")).unwrap();
        assert_ne!(ecdsa.sign(b"", b"").unwrap(), ecdsa.sign(b"", b"").unwrap());
    });
}

/// Goal: a wrong key name is explained. Method: no such label; two keys of one label, told apart by
/// the id; a key of another kind of algorithm.
#[test]
fn key_names_are_refused_with_codes() {
    alone("key_names_are_refused_with_codes", |module, folder| {
        let token = Token::open(config(module, folder)).unwrap();
        let missing = token.key(&KeyName::label("nobody")).unwrap_err();
        assert_eq!(missing.code(), "key_missing");
        let one = KeyName { label: "twin".into(), id: Some(vec![1]) };
        let two = KeyName { label: "twin".into(), id: Some(vec![2]) };
        let first = token.generate(Algorithm::P256, &one).unwrap();
        token.generate(Algorithm::Ed25519, &two).unwrap();
        let ambiguous = token.key(&KeyName::label("twin")).unwrap_err();
        assert_eq!(ambiguous.code(), "key_ambiguous");
        assert_eq!(token.key(&one).unwrap().public_key(), first.public_key());
        assert_eq!(token.key(&two).unwrap().algorithm(), Algorithm::Ed25519);
        let listed = token.key(&KeyName::label("nobody")).unwrap_err().to_string();
        assert!(listed.contains("\"twin\""), "{listed}");
        for algorithm in [Algorithm::Sm2, Algorithm::Secp256k1, Algorithm::MlDsa65] {
            let refused = token.generate(algorithm, &KeyName::label("other")).unwrap_err();
            assert_eq!(refused.code(), "mechanism_missing", "{algorithm}");
        }
        let long = token.key(&KeyName::label("x".repeat(200))).unwrap_err();
        assert_eq!(long.code(), "bad_token_configuration");
    });
}

/// Goal: configurations that cannot serve are explained. Method: one of each kind.
#[test]
fn configurations_are_refused_with_codes() {
    alone("configurations_are_refused_with_codes", |module, folder| {
        let good = config(module, folder);
        let mut other = good.clone();
        other.module = folder.join("nothing.so");
        assert_eq!(refusal(other.clone()).code(), "token_module");
        other.module = folder.join("softhsm2.conf");
        assert_eq!(refusal(other).code(), "token_module");
        let mut other = good.clone();
        other.token = TokenName::Label("nobody".into());
        let missing = refusal(other);
        assert_eq!(missing.code(), "token_missing");
        assert!(missing.to_string().contains(LABEL), "{missing}");
        for (sessions, wait_ms) in [(0, 1), (17, 1), (1, 0), (1, 600_001)] {
            let mut other = good.clone();
            (other.sessions, other.wait_ms) = (sessions, wait_ms);
            assert_eq!(refusal(other).code(), "bad_token_configuration");
        }
    });
}

/// Goal: tokens of one label are told apart. Method: two of them, named by label and by serial
/// number.
#[test]
fn tokens_of_one_label_have_serial_numbers() {
    alone("tokens_of_one_label_have_serial_numbers", |module, folder| {
        let good = config(module, folder);
        init_token(folder, LABEL);
        let fresh = Token::open(good.clone());
        assert_eq!(fresh.unwrap_err().code(), "token_ambiguous");
        let (other, slot) = elsewhere(module);
        let serial = other.get_token_info(slot).unwrap().serial_number().to_owned();
        let mut by_serial = good;
        by_serial.token = TokenName::Serial(serial);
        Token::open(by_serial).unwrap();
    });
}

/// Goal: the PIN's file is kept private and read strictly. Method: missing, open to others, empty,
/// too long, not UTF-8, a folder; no message shows its content.
#[test]
fn files_of_the_pin_are_refused() {
    alone("files_of_the_pin_are_refused", |module, folder| {
        let file = folder.join("pin");
        let refused = |reason: &str| {
            let error = refusal(config(module, folder));
            assert_eq!(error.code(), "pin_unreadable");
            assert!(error.to_string().contains(reason), "{error}");
            assert!(!error.to_string().contains(PIN), "{error}");
        };
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        refused("mode 640");
        for (content, reason) in [
            (vec![], "empty"),
            (b"\n1234567".to_vec(), "empty"),
            (vec![b'1'; 300], "longer than 255"),
            (vec![0xff, 0xfe], "UTF-8"),
        ] {
            write_pin(folder, "");
            fs::write(&file, content).unwrap();
            refused(reason);
        }
        fs::remove_file(&file).unwrap();
        refused("os error 2");
        fs::create_dir(&file).unwrap();
        refused("no file");
        let mut variable = config(module, folder);
        variable.pin = PinSource::Variable("TRINE_TEST_NO_SUCH_PIN".into());
        assert_eq!(refusal(variable).code(), "pin_unreadable");
    });
}

/// Goal: a wrong PIN is tried once. Method: many tries after the first say that it was refused
/// before; no message and no file shows it; the corrected file opens the token.
#[test]
fn a_wrong_pin_is_tried_once() {
    alone("a_wrong_pin_is_tried_once", |module, folder| {
        write_pin(folder, "99999999");
        let first = refusal(config(module, folder));
        assert_eq!(first, wrong(folder, false));
        assert!(!first.to_string().contains("99999999"), "{first}");
        for _ in 0..20 {
            assert_eq!(refusal(config(module, folder)), wrong(folder, true));
        }
        let mark = fs::read_to_string(folder.join("pin.refused")).unwrap();
        assert!(!mark.contains("99999999"));
        write_pin(folder, PIN);
        Token::open(config(module, folder)).unwrap();
        assert!(!folder.join("pin.refused").exists());
    });
}

fn wrong(folder: &Path, before: bool) -> TokenError {
    let (token, from) = (TokenName::Label(LABEL.into()), PinSource::File(folder.join("pin")));
    TokenError::WrongPin { token, from, before }
}

/// Goal: another process does not try the refused PIN either. Method: a child tries it, then this
/// process, which knows of it by the mark alone.
#[test]
fn a_refused_pin_is_remembered_by_the_next_process() {
    alone("a_refused_pin_is_remembered_by_the_next_process", |module, folder| {
        write_pin(folder, "99999999");
        let child = common::run("child_tries_a_wrong_pin", folder, &[]);
        assert!(child.success());
        assert_eq!(refusal(config(module, folder)), wrong(folder, true));
    });
}

/// Goal: be the child of the test above. Method: try the PIN and expect the refusal.
#[test]
fn child_tries_a_wrong_pin() {
    let Some(folder) = common::child_folder("child_tries_a_wrong_pin") else { return };
    let module = common::softhsm().unwrap();
    assert_eq!(refusal(config(module, &folder)), wrong(&folder, false));
}

/// Goal: losing sessions costs no signature. Method: another part of the process closes all
/// sessions, logs out, and finalises the module; every key signs on.
#[test]
fn lost_sessions_are_opened_again() {
    alone("lost_sessions_are_opened_again", |module, folder| {
        let token = Token::open(config(module, folder)).unwrap();
        let keys = ALGORITHMS
            .map(|algorithm| token.generate(algorithm, &KeyName::label(algorithm.name())).unwrap());
        let signs = || {
            for key in &keys {
                let signature = key.sign(b"space", b"message").unwrap();
                assert!(verify(item(key, b"message", &signature)));
            }
        };
        for _ in 0..3 {
            signs();
            let (other, slot) = elsewhere(module);
            other.open_ro_session(slot).unwrap().logout().unwrap();
            signs();
            close_all_sessions(module, slot);
            signs();
            other.finalize().unwrap();
            signs();
        }
    });
}

/// Goal: a PIN that changed while the node ran is tried once. Method: change the token's PIN, close
/// the sessions: the key is refused again and again, the token counts one try; with the right PIN
/// in the file it signs on.
#[test]
fn a_pin_that_changed_is_tried_once() {
    alone("a_pin_that_changed_is_tried_once", |module, folder| {
        let token = Token::open(config(module, folder)).unwrap();
        let key = token.generate(Algorithm::P256, &KeyName::label("key")).unwrap();
        let (other, slot) = elsewhere(module);
        let session = other.open_rw_session(slot).unwrap();
        let (old, new) = (AuthPin::new(PIN.into()), AuthPin::new("24681357".into()));
        session.set_pin(&old, &new).unwrap();
        drop(session);
        close_all_sessions(module, slot);
        assert_eq!(key.sign(b"", b""), Err(wrong(folder, false)));
        for _ in 0..20 {
            assert_eq!(key.sign(b"", b""), Err(wrong(folder, true)));
        }
        let session = other.open_ro_session(slot).unwrap();
        assert!(other.get_token_info(slot).unwrap().user_pin_count_low());
        session.login(UserType::User, Some(&new)).unwrap();
        drop(session);
        write_pin(folder, "24681357");
        key.sign(b"", b"").unwrap();
    });
}

/// Goal: many callers share few sessions. Method: 16 threads, two sessions, every signature
/// verifies.
#[test]
fn callers_share_sessions() {
    alone("callers_share_sessions", |module, folder| {
        let token = Token::open(config(module, folder)).unwrap();
        let key = token.generate(Algorithm::P256, &KeyName::label("key")).unwrap();
        thread::scope(|scope| {
            for number in 0..16u8 {
                let key = &key;
                scope.spawn(move || {
                    for round in 0..20u8 {
                        let message = [number, round];
                        let signature = key.sign(b"space", &message).unwrap();
                        assert!(verify(item(key, &message, &signature)));
                    }
                });
            }
        });
    });
}
