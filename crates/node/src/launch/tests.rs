//! Test what the end of a node is put down to.

use super::*;

fn panicked(text: &str) -> NodeError {
    NodeError::Engine(RunError::Panicked(text.to_owned()))
}

/// Goal: an engine that could not write for lack of space ends with the code that says so, and no
/// other panic does. Method: the operating system's own texts, framed as the engine frames them.
#[test]
fn a_full_disk_is_told_from_other_failures() {
    let folder = tempfile::tempdir().unwrap();
    for error in [rustix::io::Errno::NOSPC, rustix::io::Errno::DQUOT] {
        let text = format!("cannot sync: journal: {}", io::Error::from(error));
        let found = cause(panicked(&text), folder.path());
        assert_eq!(found.code(), "disk_full", "{text}");
        assert!(found.to_string().contains(folder.path().to_str().unwrap()), "{found}");
    }
    for text in ["", "(os error", "(os error )", "(os error 5)", "(os error 99999999999999)"] {
        assert_eq!(cause(panicked(text), folder.path()).code(), "internal", "{text:?}");
    }
}

/// Goal: an operator reads that data is damaged, and which file. Method: the engine's error for it.
#[test]
fn a_damaged_log_of_the_engine_is_damaged_data() {
    let damaged = io::Error::new(io::ErrorKind::InvalidData, ".log-0: the batch is damaged");
    let error = NodeError::Engine(RunError::Storage("data/engine".into(), damaged));
    let found = cause(error, Path::new("data"));
    assert_eq!(found.code(), "damaged_data");
    assert!(found.to_string().contains(".log-0"), "{found}");
}
