//! Sign with SM2 keys in a token whose vendor numbers SM2, pull it out, hang it, let it go wrong.

mod common;

use common::{LABEL, PIN, child_folder, run, write_pin};
use std::{
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use trine_crypto::{Algorithm, BatchItem, Signing as _, sm2, verify};
use trine_token::{KeyName, PersistedVotes, PinSource, Sm2Codes, Token, TokenConfig, TokenName};

const CODES: Sm2Codes =
    Sm2Codes { key_type: 0x8000_5301, generate: 0x8000_5302, sign: 0x8000_5303 };

/// The module of `examples/sm2_module.rs`, which is built with the tests.
fn module() -> PathBuf {
    let test = env::current_exe().unwrap();
    let built = test.parent().and_then(Path::parent).unwrap().join("examples");
    let module = built.join("libsm2_module.so");
    assert!(module.exists(), "{} is built with all tests of the crate", module.display());
    module
}

fn sm2_config(folder: &Path) -> TokenConfig {
    let pin = PinSource::File(folder.join("pin"));
    let config = TokenConfig::new(module(), TokenName::Label(LABEL.into()), pin);
    TokenConfig { sm2: Some(CODES), ..config }
}

/// Runs the test `name` in a process of its own.
fn alone(name: &str, body: impl FnOnce(&Path)) {
    if let Some(folder) = child_folder(name) {
        return body(&folder);
    }
    let folder = tempfile::tempdir().unwrap();
    write_pin(folder.path(), PIN);
    let path = folder.path().to_str().unwrap();
    let ended = run(name, folder.path(), &[("TRINE_TEST_TOKEN", path)]);
    assert!(ended.success(), "{name} ended with {ended}");
}

fn tell(folder: &Path, name: &str, is_so: bool) {
    let file = folder.join(name);
    if is_so { fs::write(file, "") } else { fs::remove_file(file) }.unwrap();
}

fn logins(folder: &Path) -> usize {
    fs::metadata(folder.join("logins")).map_or(0, |meta| meta.len() as usize)
}

/// Goal: SM2 of a vendor serves accounts and validators. Method: generate, sign, verify with the
/// ledger's rule and with the default identifier; vote.
#[test]
fn sm2_keys_sign() {
    alone("sm2_keys_sign", |folder| {
        let token = Token::open(sm2_config(folder)).unwrap();
        let key = token.generate(Algorithm::Sm2, &KeyName::label("one")).unwrap();
        assert_eq!(token.key(&KeyName::label("one")).unwrap().public_key(), key.public_key());
        for length in 0..32usize {
            let message = vec![length as u8; length * 5];
            let signature = key.sign(b"space", &message).unwrap();
            assert!(verify(BatchItem {
                algorithm: Algorithm::Sm2,
                public_key: key.public_key(),
                namespace: b"space",
                message: &message,
                signature: &signature,
            }));
            let framed = trine_crypto::framed(b"space", &message);
            assert!(sm2::verify_as(key.public_key(), sm2::DEFAULT_ID, &framed, &signature));
        }
        key.health().unwrap();
        let votes = PersistedVotes::open(key, &folder.join("log"), Box::new(|_| {})).unwrap();
        let vote = votes.sign(b"space", b"vote").unwrap();
        assert!(verify(vote.item(&votes.public_key(), b"space", b"vote")));
        let refused = token.generate(Algorithm::P256, &KeyName::label("two")).unwrap_err();
        assert_eq!(refused.code(), "mechanism_missing");
        let other = TokenConfig { sm2: None, ..sm2_config(folder) };
        let unknown = Token::open(other).unwrap().key(&KeyName::label("one")).unwrap_err();
        assert_eq!(unknown.code(), "key_unusable");
    });
}

/// Goal: a token may be pulled and put back. Method: pull it, put it back after a while: the
/// signature is made; leave it out: `token_lost` after the time of the configuration, not before.
#[test]
fn a_pulled_token_is_waited_for() {
    alone("a_pulled_token_is_waited_for", |folder| {
        let wait = Duration::from_millis(1_500);
        let config = TokenConfig { wait_ms: wait.as_millis() as u64, ..sm2_config(folder) };
        let token = Token::open(config).unwrap();
        let key = token.generate(Algorithm::Sm2, &KeyName::label("one")).unwrap();
        tell(folder, "pulled", true);
        std::thread::scope(|scope| {
            let signing = scope.spawn(|| key.sign(b"", b""));
            std::thread::sleep(wait / 3);
            tell(folder, "pulled", false);
            signing.join().unwrap().unwrap();
        });
        tell(folder, "pulled", true);
        let start = Instant::now();
        let lost = key.sign(b"", b"").unwrap_err();
        assert_eq!(lost.code(), "token_lost");
        assert!(start.elapsed() > wait / 3 && start.elapsed() < 2 * wait, "{lost}");
        tell(folder, "pulled", false);
        key.sign(b"", b"").unwrap();
    });
}

/// Goal: a module that does not answer holds up nobody for longer than is configured. Method: one
/// that sleeps in its signature.
#[test]
fn a_silent_module_is_not_waited_for() {
    alone("a_silent_module_is_not_waited_for", |folder| {
        let config = TokenConfig { wait_ms: 500, sessions: 1, ..sm2_config(folder) };
        let token = Token::open(config).unwrap();
        let key = token.generate(Algorithm::Sm2, &KeyName::label("one")).unwrap();
        tell(folder, "hangs", true);
        for _ in 0..3 {
            let start = Instant::now();
            assert_eq!(key.sign(b"", b"").unwrap_err().code(), "token_lost");
            assert!(start.elapsed() < Duration::from_secs(1));
        }
    });
}

/// Goal: what a mechanism signs that is not SM2 is never given out. Method: a token that signs
/// another digest, as one that leaves out Z_A does; a validator with it stops voting.
#[test]
fn a_wrong_mechanism_is_found_out() {
    alone("a_wrong_mechanism_is_found_out", |folder| {
        let token = Token::open(sm2_config(folder)).unwrap();
        let key = token.generate(Algorithm::Sm2, &KeyName::label("one")).unwrap();
        tell(folder, "wrong", true);
        assert_eq!(key.sign(b"", b"").unwrap_err().code(), "token_signature");
        assert_eq!(key.health().unwrap_err().code(), "token_signature");
        let votes = PersistedVotes::open(key, &folder.join("log"), Box::new(|_| {})).unwrap();
        assert_eq!(votes.sign(b"", b""), None);
        assert_eq!(votes.ended().unwrap().code(), "token_signature");
    });
}

/// Goal: a wrong PIN reaches the token once. Method: the module counts tries; many starts with the
/// wrong PIN, then other wrong ones: the last try is never used up.
#[test]
fn the_last_try_is_never_used_up() {
    alone("the_last_try_is_never_used_up", |folder| {
        write_pin(folder, "wrong-1");
        for _ in 0..10 {
            assert_eq!(common::refusal(sm2_config(folder)).code(), "wrong_pin");
            assert_eq!(logins(folder), 1);
        }
        write_pin(folder, "wrong-number-2");
        assert_eq!(common::refusal(sm2_config(folder)).code(), "wrong_pin");
        assert_eq!(logins(folder), 2);
        for pin in ["wrong-number-three", PIN] {
            write_pin(folder, pin);
            assert_eq!(common::refusal(sm2_config(folder)).code(), "pin_locked");
            assert_eq!(logins(folder), 2);
        }
    });
}
