//! Test the files of the log.

use crate::config::LogFormat;
use crate::config::log::{RotatingFile, lines};
use std::sync::{Arc, Mutex};
use std::{fs, io::Write as _};
use tracing_subscriber::layer::SubscriberExt as _;

/// Goal: programs can read the log. Method: write an event with fields that need quotes, read it
/// back as JSON.
#[test]
fn an_event_is_a_json_object() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.log");
    let file = RotatingFile::open(&path, 1 << 20, 1).unwrap();
    let written = lines(LogFormat::Json, Mutex::new(file));
    let subscriber = tracing_subscriber::registry().with(written);
    tracing::subscriber::with_default(subscriber, || {
        let why = Arc::new("a \"quoted\"\nline");
        tracing::warn!(code = "clock_off", count = 3, %why, "it happened");
    });
    let text = fs::read_to_string(&path).unwrap();
    let event: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
    assert_eq!(event["level"], "WARN");
    assert_eq!(event["message"], "it happened");
    assert_eq!((&event["code"], &event["count"]), (&"clock_off".into(), &3.into()));
    assert_eq!(event["why"], "a \"quoted\"\nline");
    assert!(event["timestamp"].as_str().unwrap().ends_with('Z'));
}

/// Goal: the log never takes more than its share of the disk and loses no line that fits. Method:
/// write many lines, look at all files.
#[test]
fn a_full_file_makes_room_for_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.log");
    let mut lines = 0;
    for _ in 0..2 {
        let mut file = RotatingFile::open(&path, 100, 3).unwrap();
        for _ in 0..20 {
            lines += 1;
            file.write_all(format!("line {lines:04}\n").as_bytes()).unwrap();
        }
    }
    let mut text = String::new();
    for name in ["node.log.3", "node.log.2", "node.log.1", "node.log"] {
        let part = fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(part.len() <= 100, "{name} has {} bytes", part.len());
        text.push_str(&part);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    let kept: Vec<&str> = text.lines().collect();
    let expected: Vec<String> =
        (lines - kept.len() + 1..=lines).map(|line| format!("line {line:04}")).collect();
    assert_eq!(kept, expected);
    assert!(kept.len() >= 30, "three full files and one begun");
}

/// Goal: a line longer than a file is still written. Method: one such line into an empty file.
#[test]
fn a_long_line_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.log");
    let mut file = RotatingFile::open(&path, 10, 2).unwrap();
    file.write_all(&[b'x'; 50]).unwrap();
    file.write_all(b"next").unwrap();
    assert_eq!(fs::read(folder.path().join("node.log.1")).unwrap(), [b'x'; 50]);
    assert_eq!(fs::read(&path).unwrap(), b"next");
}
