//! Give each test a process and a token of its own: modules keep state for a whole process.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
};
use trine_token::{PinSource, Token, TokenConfig, TokenError, TokenName};

pub const LABEL: &str = "trine";
pub const PIN: &str = "1234567";
const CHILD: &str = "TRINE_TOKEN_TEST";
const FOLDER: &str = "TRINE_TOKEN_FOLDER";
const MODULES: [&str; 4] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];

/// SoftHSM2's module; where it is missing, none, and a failure where CI is set.
pub fn softhsm() -> Option<&'static Path> {
    let found = MODULES.map(Path::new).into_iter().find(|path| path.exists());
    if found.is_none() {
        assert!(env::var_os("CI").is_none(), "SoftHSM2 is missing: install the package softhsm2");
        eprintln!("skipped: SoftHSM2 is missing; install the package softhsm2");
    }
    found
}

/// The configuration of a token in `folder`.
pub fn config(module: &Path, folder: &Path) -> TokenConfig {
    let pin = PinSource::File(folder.join("pin"));
    TokenConfig::new(module, TokenName::Label(LABEL.into()), pin)
}

/// Writes the PIN's file, readable by its owner alone.
pub fn write_pin(folder: &Path, pin: &str) {
    let file = folder.join("pin");
    fs::write(&file, format!("{pin}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Makes a private token folder with one token, and the PIN's file.
pub fn new_token(folder: &Path) {
    let tokens = folder.join("tokens");
    fs::create_dir(&tokens).unwrap();
    let conf = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
        tokens.display()
    );
    fs::write(folder.join("softhsm2.conf"), conf).unwrap();
    write_pin(folder, PIN);
    init_token(folder, LABEL);
}

/// Adds a token to the folder.
pub fn init_token(folder: &Path, label: &str) {
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", label, "--so-pin", "7654321", "--pin", PIN])
        .env("SOFTHSM2_CONF", folder.join("softhsm2.conf"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}

/// Runs the test `name` in a process of its own, with SoftHSM2's folder; `body` runs there.
pub fn alone(name: &str, body: impl FnOnce(&Path, &Path)) {
    let Some(module) = softhsm() else { return };
    if env::var(CHILD).is_ok_and(|child| child == name) {
        let folder = PathBuf::from(env::var_os(FOLDER).unwrap());
        return body(module, &folder);
    }
    let folder = tempfile::tempdir().unwrap();
    new_token(folder.path());
    let ended = run(name, folder.path(), &[]);
    assert!(ended.success(), "{name} ended with {ended}");
}

/// Runs one test of this binary as a child with the folder of a token.
pub fn run(name: &str, folder: &Path, variables: &[(&str, &str)]) -> ExitStatus {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--include-ignored", "--test-threads", "1"])
        .env("SOFTHSM2_CONF", folder.join("softhsm2.conf"))
        .env(CHILD, name)
        .env(FOLDER, folder)
        .envs(variables.iter().copied())
        .status()
        .unwrap()
}

/// The folder of a child that [`run`] started; none when the test was started otherwise.
pub fn child_folder(name: &str) -> Option<PathBuf> {
    let is_it = env::var(CHILD).is_ok_and(|child| child == name);
    is_it.then(|| env::var_os(FOLDER).map(PathBuf::from)).flatten()
}

/// The code with which opening a token is refused.
pub fn refusal(config: TokenConfig) -> TokenError {
    Token::open(config).expect_err("the token must not open")
}
