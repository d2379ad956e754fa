//! Check that the log keeps what was synced, drops what was not, and stays bounded.

use super::*;
use proptest::prelude::*;
use trine_crypto::{Algorithm, SecretKey};

fn key(number: u8) -> VoteKey {
    let key = SecretKey::from_bytes(Algorithm::Ed25519, &[number; 32]).unwrap();
    VoteKey::new(Algorithm::Ed25519, &key.public_key()).unwrap()
}

fn vote(number: usize) -> (Vote, VoteSignature) {
    let message = number.to_be_bytes();
    let mut signature = [0; SIGNATURE_BYTES];
    signature[..8].copy_from_slice(&message);
    (Vote::new(b"space", &message), signature.into())
}

fn filled(path: &Path, count: usize) -> VoteLog {
    let mut log = VoteLog::open(path, &key(1)).unwrap();
    for number in 0..count {
        let (vote, signature) = vote(number);
        log.append(vote, signature).unwrap();
    }
    log
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Goal: a crash at any byte of an append loses at most the vote that was not given out.
    /// Method: cut the file anywhere, or fill the rest of the cut record with zeros as file systems
    /// do; all earlier votes are there, and the log goes on.
    #[test]
    fn a_cut_file_keeps_what_was_synced(count in 1usize..6, cut in 0..RECORD_BYTES, zeros: bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("votes");
        drop(filled(&path, count));
        let whole = HEADER_BYTES + (count - 1) * RECORD_BYTES;
        let mut bytes = fs::read(&path).unwrap();
        bytes.truncate(whole + cut);
        if zeros {
            bytes.resize(whole + RECORD_BYTES, 0);
        }
        fs::write(&path, bytes).unwrap();
        let mut log = VoteLog::open(&path, &key(1)).unwrap();
        for number in 0..count - 1 {
            let (vote, signature) = vote(number);
            prop_assert_eq!(log.find(&vote), Some(signature));
        }
        let (last, signature) = vote(count - 1);
        prop_assert_eq!(log.find(&last), None);
        log.append(last, signature.clone()).unwrap();
        drop(log);
        prop_assert_eq!(VoteLog::open(&path, &key(1)).unwrap().find(&last), Some(signature));
    }

    /// Goal: other damage is never taken for a crash, and never changes a signature. Method: flip
    /// any bit before the last record.
    #[test]
    fn damage_is_refused(count in 2usize..6, place: prop::sample::Index, bit in 0..8) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("votes");
        drop(filled(&path, count));
        let mut bytes = fs::read(&path).unwrap();
        let place = place.index(bytes.len() - RECORD_BYTES);
        bytes[place] ^= 1u8 << bit;
        fs::write(&path, bytes).unwrap();
        let refused = VoteLog::open(&path, &key(1)).err().unwrap();
        let codes = ["damaged_votes", "votes_of_other_key"];
        prop_assert!(codes.contains(&refused.code()), "{}", refused);
    }

    /// Goal: any file gives a log or a coded error. Method: random bytes, after a header or none.
    #[test]
    fn any_file_gives_an_answer(bytes: Vec<u8>, header: bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("votes");
        drop(VoteLog::open(&path, &key(1)).unwrap());
        let head = if header { fs::read(&path).unwrap() } else { Vec::new() };
        fs::write(&path, [head, bytes].concat()).unwrap();
        if let Err(error) = VoteLog::open(&path, &key(1)) {
            prop_assert_eq!(error.code(), "damaged_votes");
        }
    }
}

/// Goal: memory and disk are bounded, the latest votes stay. Method: many more votes than are kept,
/// in one namespace; then more namespaces than are kept.
#[test]
fn old_votes_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("votes");
    let count = VOTES_MAX + STALE_MAX + 100;
    // All but the last hundred are written at once: a sync for each would take a minute.
    drop(filled(&path, 0));
    let mut bytes = fs::read(&path).unwrap();
    let all: Vec<_> = (0..count).map(vote).collect();
    let (written, appended) = all.split_at(count - 200);
    written.iter().for_each(|(vote, signature)| bytes.extend_from_slice(&record(vote, signature)));
    fs::write(&path, bytes).unwrap();
    let mut log = VoteLog::open(&path, &key(1)).unwrap();
    for (vote, signature) in appended {
        log.append(*vote, signature.clone()).unwrap();
    }
    assert_eq!(log.votes.len(), VOTES_MAX);
    for (number, is_kept) in [(0, false), (count - VOTES_MAX - 1, false), (count - VOTES_MAX, true)]
    {
        assert_eq!(log.find(&vote(number).0).is_some(), is_kept, "{number}");
    }
    let length = fs::metadata(&path).unwrap().len() as usize;
    assert!(length <= HEADER_BYTES + (VOTES_MAX + STALE_MAX) * RECORD_BYTES, "{length}");
    for number in 0..NAMESPACES_MAX {
        let signature = vote(number).1;
        log.append(Vote::new(&[number as u8], b"message"), signature).unwrap();
    }
    assert_eq!(log.votes.len(), NAMESPACES_MAX);
    assert_eq!(log.find(&vote(count - 1).0), None);
    drop(log);
    let log = VoteLog::open(&path, &key(1)).unwrap();
    assert_eq!(log.votes.len(), NAMESPACES_MAX);
}

/// Goal: the format stays. Method: the digest of a log with one vote, computed apart in Python.
#[test]
fn the_format_is_fixed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("votes");
    let mut log = VoteLog::open(&path, &key(1)).unwrap();
    log.append(Vote::new(b"space", b"message"), [0x5a; SIGNATURE_BYTES].into()).unwrap();
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes.len(), 48 + 108);
    let digest: String =
        Suite::Intl.hash(&[&bytes]).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, "d7f353b6da93ac91d679189a8123ac089012c3e6091c9f470ac1d5e382d3f30f");
}

/// Goal: a log speaks for one key. Method: open it with another.
#[test]
fn a_log_belongs_to_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("votes");
    drop(filled(&path, 1));
    let refused = VoteLog::open(&path, &key(2)).err().unwrap();
    assert_eq!(refused.code(), "votes_of_other_key");
    let missing = folder.path().join("no").join("votes");
    assert_eq!(VoteLog::open(&missing, &key(1)).err().unwrap().code(), "votes_not_written");
}
