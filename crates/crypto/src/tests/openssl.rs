//! Run the `openssl` command, where the machine has it.

use std::path::Path;
use std::process::Command;

/// Whether `openssl` 3 is there; says so when not.
pub(crate) fn is_there() -> bool {
    let output = Command::new("openssl").arg("version").output();
    let there = output.is_ok_and(|output| output.stdout.starts_with(b"OpenSSL 3"));
    if !there {
        println!("skipped: no openssl 3 on this machine");
    }
    there
}

/// Runs it in a folder; it must succeed.
pub(crate) fn run(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments:?}: {text}");
}
