//! Let a validator vote with a key in a token, restart it, and take its token away.

use crate::support::{Network, Token, transfer};
use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};
use trine_crypto::{Algorithm, SecretKey, Suite};
use trine_testkit::suite;

const MODULES: [&str; 4] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];
const PIN: &str = "1234567";
const SECRET: [u8; 32] = [0x51; 32];

fn run(folder: &Path, words: &[&str]) {
    let mut command = Command::new("softhsm2-util");
    let ended = command.args(words).env("SOFTHSM2_CONF", folder.join("softhsm2.conf")).output();
    let ended = ended.unwrap();
    assert!(ended.status.success(), "{ended:?}");
}

/// A private token folder with one key for votes; none where SoftHSM2 is missing.
fn token(folder: &Path) -> Option<Token> {
    let pin = folder.join("pin");
    fs::write(&pin, PIN).unwrap();
    fs::set_permissions(&pin, fs::Permissions::from_mode(0o600)).unwrap();
    fs::create_dir(folder.join("tokens")).unwrap();
    match suite() {
        Suite::Intl => p256_token(folder),
        Suite::Gm => Some(sm2_token(folder)),
    }
}

fn table(folder: &Path, module: &Path, token: &str) -> String {
    let pin = folder.join("pin");
    format!(
        "[validator_token]\nmodule = {module:?}\ntoken = {token:?}\nkey = \"votes\"\n\
         pin_file = {pin:?}\nwait_ms = 2000\n"
    )
}

/// A P-256 key in SoftHSM2.
fn p256_token(folder: &Path) -> Option<Token> {
    let Some(module) = MODULES.map(PathBuf::from).into_iter().find(|path| path.exists()) else {
        assert!(env::var_os("CI").is_none(), "SoftHSM2 is missing: install the package softhsm2");
        eprintln!("skipped: SoftHSM2 is missing; install the package softhsm2");
        return None;
    };
    let (tokens, conf) = (folder.join("tokens"), folder.join("softhsm2.conf"));
    fs::write(&conf, format!("directories.tokendir = {}\n", tokens.display())).unwrap();
    let init = ["--init-token", "--free", "--label", "city", "--so-pin", "7654321", "--pin", PIN];
    run(folder, &init);
    let key = SecretKey::from_bytes(Algorithm::P256, &SECRET).unwrap();
    let file = folder.join("key.pem");
    fs::write(&file, &*key.to_pkcs8_pem().unwrap()).unwrap();
    let file = file.to_str().unwrap();
    let name = ["--token", "city", "--label", "votes", "--id", "01", "--pin", PIN];
    run(folder, &[&["--import", file], &name[..]].concat());
    let table = table(folder, &module, "city");
    let public_key = key.public_key();
    Some(Token { variable: ("SOFTHSM2_CONF", conf), table, algorithm: Algorithm::P256, public_key })
}

/// An SM2 key in the test module of `trine-token`: SoftHSM2 has no SM2.
fn sm2_token(folder: &Path) -> Token {
    let test = env::current_exe().unwrap();
    let built = test.parent().and_then(Path::parent).unwrap().join("examples");
    let module = built.join("libsm2_module.so");
    assert!(module.exists(), "{}: build it with --example sm2_module", module.display());
    fs::write(folder.join("tokens/votes"), SECRET).unwrap();
    let table = table(folder, &module, "trine")
        + "[validator_token.sm2]\nkey_type = 0x80005301\ngenerate = 0x80005302\n\
           sign = 0x80005303\n";
    let public_key = SecretKey::from_bytes(Algorithm::Sm2, &SECRET).unwrap().public_key();
    let variable = ("TRINE_TEST_TOKEN", folder.to_owned());
    Token { variable, table, algorithm: Algorithm::Sm2, public_key }
}

/// Goal: a validator votes with a key that no file holds, and a lost token ends it in good order.
/// Method: three validators, of whom two are no quorum, so that each final block has its vote; it
/// is killed and started again; then its token is removed: it ends with `token_lost`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_validator_votes_with_a_key_in_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let Some(token) = token(folder.path()) else { return };
    let mut network = Network::start_with(3, Some(token));
    network.all_ready().await;
    network.reach(1, 8).await;
    assert!(network.folder(0).join("data/token-votes.log").exists());
    network.kill_node(0);
    network.start_node(0);
    network.all_ready().await;
    let paid = network.transaction("alice", 0, &[transfer("bob", 5)]);
    network.accept(2, &paid).await;
    assert_eq!(network.outcome(1, &paid).await["outcome"]["code"], "ok");
    // Beyond the first epoch: the validators were handed over with the key in the token.
    network.reach(1, 18).await;
    fs::rename(folder.path().join("tokens"), folder.path().join("pulled")).unwrap();
    assert!(!network.end_of_node(0), "a node without its token must not end well");
    let log = fs::read_to_string(network.folder(0).join("node.log")).unwrap();
    assert!(log.contains("token_lost"), "{log}");
    // Put back, it votes on: its votes are remembered, and the chain needs them.
    fs::rename(folder.path().join("pulled"), folder.path().join("tokens")).unwrap();
    network.start_node(0);
    network.all_ready().await;
    let height = network.get(1, "/v1/status").await["height"].as_u64().unwrap();
    network.reach(1, height + 3).await;
}
