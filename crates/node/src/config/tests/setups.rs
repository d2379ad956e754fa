//! Test folders, disks, ports and keys that do not serve.

use crate::config::{
    FolderLock, NodeConfig, SetupError, is_disk_full, prepare, prepare::check_available,
    read_secret_key,
};
use std::{
    fs::{self, Permissions},
    io,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

const KEY: &str = "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100";

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn genesis() -> String {
    let key = trine_crypto::SecretKey::from_bytes(trine_crypto::Algorithm::Ed25519, &[7; 32]);
    let public = trine_types::codec::to_hex(&key.unwrap().public_key());
    serde_json::json!({
        "format": "trine-genesis-v1",
        "name": "test",
        "suite": "intl",
        "time_ms": 1_700_000_000_000_u64,
        "blocks_per_epoch": 32,
        "organisations": ["city"],
        "validators": [
            {"name": "city", "organisation": 0, "key": public, "address": "127.0.0.1:1"}
        ],
        "accounts": [
            {"organisation": 0, "algorithm": "ed25519", "key": public, "roles": ["administrator"]}
        ],
    })
    .to_string()
}

/// A node's folder in which everything is in order.
struct Setup {
    folder: tempfile::TempDir,
    config: NodeConfig,
}

impl Setup {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("genesis.json"), genesis()).unwrap();
        write(&folder.path().join("validator.key"), &format!("{KEY}\n"), 0o600);
        let text = "name='city'\ngenesis='genesis.json'\ndata_dir='data'\n\
            validator_key='validator.key'\np2p_listen='127.0.0.1:0'\nhttp_listen='127.0.0.1:0'";
        let config = NodeConfig::from_text(&folder.path().join("node.toml"), text).unwrap();
        Self { folder, config }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn error(&self) -> SetupError {
        prepare(&self.config).unwrap_err()
    }
}

/// Goal: a good setup passes and leaves nothing but the lock behind. Method: prepare twice.
#[test]
fn a_good_setup_is_prepared() {
    let setup = Setup::new();
    for _ in 0..2 {
        let prepared = prepare(&setup.config).unwrap();
        assert_eq!(prepared.genesis.name, "test");
        assert_eq!(prepared.validator_key.unwrap().expose()[0], 0x1f);
        let files: Vec<_> = fs::read_dir(setup.path("data")).unwrap().collect();
        assert_eq!(files.len(), 1);
    }
}

/// Goal: two nodes never share a folder, and the second is told who has it. Method: take it twice,
/// drop the first, take it again.
#[test]
fn a_folder_has_one_node() {
    let setup = Setup::new();
    let held = prepare(&setup.config).unwrap();
    let error = setup.error();
    assert_eq!(error.code(), "folder_locked");
    let id = std::process::id();
    assert!(error.to_string().contains(&format!("another node (process {id})")), "{error}");
    drop(held);
    prepare(&setup.config).unwrap();
}

/// Goal: a folder that cannot be made or written is named. Method: a file stands in its place; for
/// ordinary users also a folder without the right to write.
#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let setup = Setup::new();
    fs::write(setup.path("data"), "a file").unwrap();
    let error = setup.error();
    assert_eq!(error.code(), "read_only_folder");
    assert!(error.to_string().contains("cannot write in"), "{error}");
    assert!(error.to_string().contains("data"), "{error}");
    fs::remove_file(setup.path("data")).unwrap();
    fs::create_dir(setup.path("data")).unwrap();
    fs::set_permissions(setup.path("data"), Permissions::from_mode(0o555)).unwrap();
    // The superuser may write everywhere.
    if fs::write(setup.path("data/try"), "").is_err() {
        assert_eq!(setup.error().code(), "read_only_folder");
    }
    fs::set_permissions(setup.path("data"), Permissions::from_mode(0o755)).unwrap();
}

/// Goal: a full disk is told from a read-only one, before and after the start. Method: the bound
/// itself, one byte less, and the system's own errors; writing to a device that is always full.
#[test]
fn a_full_disk_is_an_error_of_its_own() {
    let bound = 256 * 1_024 * 1_024;
    check_available(Path::new("/data"), bound).unwrap();
    let error = check_available(Path::new("/data"), bound - 1).unwrap_err();
    assert_eq!(error.code(), "disk_full");
    assert!(error.to_string().contains("/data has 255 MiB free, a node needs 256 MiB"), "{error}");
    assert!(is_disk_full(&io::ErrorKind::StorageFull.into()));
    assert!(!is_disk_full(&io::ErrorKind::PermissionDenied.into()));
    if Path::new("/dev/full").exists() {
        assert!(is_disk_full(&fs::write("/dev/full", "x").unwrap_err()));
    }
}

/// Goal: a taken port is named with its field. Method: hold a port, configure it twice.
#[test]
fn a_taken_port_is_named() {
    let mut setup = Setup::new();
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap();
    setup.config.http_listen = address;
    let error = setup.error();
    assert_eq!(error.code(), "port_in_use");
    let expected = format!("cannot listen on {address} (http_listen)");
    assert!(error.to_string().contains(&expected), "{error}");
    setup.config.p2p_listen = Some(address);
    assert!(setup.error().to_string().contains("(p2p_listen)"));
    drop(held);
    prepare(&setup.config).unwrap();
}

/// Goal: a bad key file is refused without a word of its content. Method: each way to spoil it.
#[test]
fn a_bad_key_file_is_refused_silently() {
    let setup = Setup::new();
    let path = setup.path("validator.key");
    let cases = [
        (KEY.to_owned(), 0o644, "others can read the key (mode 644)"),
        (KEY[..62].to_owned(), 0o600, "ed25519: 31 bytes"),
        (format!("{}zz", &KEY[..62]), 0o600, "the file holds other characters"),
        (format!("{KEY} {KEY}"), 0o600, "the file is too long"),
        (String::new(), 0o600, "ed25519: 0 bytes"),
    ];
    for (text, mode, expected) in cases {
        write(&path, &text, mode);
        let error = setup.error();
        assert_eq!(error.code(), "bad_secret_key");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(expected) && shown.contains("validator.key"), "{shown}");
        assert!(!shown.contains(&KEY[..16]), "{shown}");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(setup.error().code(), "unreadable_file");
    write(&path, KEY, 0o400);
    assert_eq!(read_secret_key(trine_crypto::Algorithm::Ed25519, &path).unwrap().expose()[31], 0);
}

/// Goal: a bad genesis document is named. Method: cut it, and leave it out.
#[test]
fn a_bad_genesis_is_named() {
    let setup = Setup::new();
    fs::write(setup.path("genesis.json"), &genesis()[..40]).unwrap();
    let error = setup.error();
    assert_eq!(error.code(), "bad_genesis");
    assert!(error.to_string().contains("genesis.json"), "{error}");
    fs::remove_file(setup.path("genesis.json")).unwrap();
    assert_eq!(setup.error().code(), "unreadable_file");
}

/// Goal: a lock left by a process that died does not keep anybody out. Method: a file with the
/// number of such a process.
#[test]
fn a_left_lock_file_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("node.lock"), "999999\n").unwrap();
    let lock = FolderLock::take(folder.path()).unwrap();
    let text = fs::read_to_string(folder.path().join("node.lock")).unwrap();
    assert_eq!(text.trim(), std::process::id().to_string());
    drop(lock);
}
