//! Test the verifier on the proof vectors: every bit, every length, other trust, other files.

use std::{collections::BTreeSet, fs, path::PathBuf};
use trine_types::{Suite, identifiers::tagged_hash};
use trine_verify::{
    Fact, FileFacts, Proof, Receipt, TrustAnchor, VerifyError, verify_proof, verify_receipt,
};

const SUITE: Suite = Suite::Intl;
/// Bytes of the envelope after the body: key, head and seal.
const SEAL_BYTES: usize = 3 + 32;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/proofs/vectors")
}

fn read(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn trust() -> TrustAnchor {
    TrustAnchor::from_json(&read("trust.json")).unwrap()
}

fn files(extension: &str) -> Vec<String> {
    let names = fs::read_dir(folder()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<_> = names.filter(|name| name.ends_with(extension)).collect();
    assert!(!names.is_empty());
    names.into_iter().collect()
}

fn original() -> FileFacts {
    let file = read("vector.txt");
    FileFacts { digest: SUITE.hash(&[&file]), size: file.len() as u64 }
}

/// Whether a file of either kind is accepted, or why not.
fn verdict(name: &str, file: &[u8], trust: &TrustAnchor) -> Result<(), VerifyError> {
    match name.ends_with(".proof") {
        true => verify_proof(file, trust).map(drop),
        false => verify_receipt(file, trust, &original()).map(drop),
    }
}

/// Where the body stands in a file.
fn body(file: &[u8], name: &str) -> std::ops::Range<usize> {
    let text = if name.ends_with(".proof") { "trine-proof" } else { "trine-receipt" };
    // Map, key 0, head and text, key 1, version, key 2, head of the body.
    let start = 3 + text.len() + 2 + 1 + 3;
    start..file.len() - SEAL_BYTES
}

/// Puts the right seal under an altered body.
fn seal(file: &mut [u8], name: &str) {
    let body = body(file, name);
    let seal = tagged_hash(SUITE, "trine/proof-file", &[&file[body]]);
    let end = file.len();
    file[end - 32..].copy_from_slice(&seal.0);
}

/// Goal: the vectors verify and show what they are about. Method: verify all of them.
#[test]
fn vectors_verify() {
    let trust = trust();
    for name in files(".proof") {
        let verified = verify_proof(&read(&name), &trust).unwrap();
        assert_eq!(verified.signers.len(), 3, "{name}");
        let kind = match verified.fact {
            Fact::Transaction { transaction, .. } => {
                assert_eq!(transaction.body.nonce, 3);
                "transaction"
            }
            Fact::Block => "block",
            Fact::Account { .. } => "account",
            Fact::Value { .. } => "value",
            Fact::Absence { .. } => "absence",
            Fact::Evidence { index, size, .. } => {
                assert_eq!((index, size), (6, 11));
                "evidence"
            }
            Fact::Transfer { record, .. } => {
                assert_eq!(record.amount.0, 103);
                "transfer"
            }
            Fact::ConflictingVotes { votes, validator, .. } => {
                assert_eq!(votes.validator, validator.key);
                "conflicting-votes"
            }
        };
        assert!(name.starts_with(kind) || name.starts_with("handed-over"), "{name}");
    }
    for name in files(".receipt") {
        let verified = verify_receipt(&read(&name), &trust, &original()).unwrap();
        assert_eq!((verified.name.as_str(), verified.index), ("vector.txt", 6));
    }
}

/// Goal: no bit of a file can be changed. Method: flip each bit of each vector.
#[test]
fn every_bit_flip_is_refused() {
    let trust = trust();
    for name in files(".proof").into_iter().chain(files(".receipt")) {
        let mut file = read(&name);
        for bit in 0..8 * file.len() {
            file[bit / 8] ^= 1 << (bit % 8);
            assert!(verdict(&name, &file, &trust).is_err(), "{name}, bit {bit}");
            file[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// Parts of a vector that no hash on the chain covers: name and media type of a receipt, and the
/// key of which an absence is shown, since the same proof shows it of every key between the
/// neighbours.
fn uncovered(name: &str, trust: &TrustAnchor) -> Vec<Vec<u8>> {
    if name.ends_with(".receipt") {
        return vec![b"vector.txt".to_vec(), b"text/plain".to_vec()];
    }
    match verify_proof(&read(name), trust).unwrap().fact {
        Fact::Absence { key } => vec![key.0.to_vec()],
        _ => Vec::new(),
    }
}

/// Goal: the seal is not what protects a proof. Method: flip each bit of each body and seal it
/// anew; only what no hash covers may change.
#[test]
fn every_bit_flip_under_a_right_seal_is_refused() {
    let trust = trust();
    for name in files(".proof").into_iter().chain(files(".receipt")) {
        let file = read(&name);
        let mut accepted = Vec::new();
        for place in body(&file, &name) {
            for bit in 0..8 {
                let mut altered = file.clone();
                altered[place] ^= 1 << bit;
                seal(&mut altered, &name);
                let verdict = verdict(&name, &altered, &trust);
                assert!(!matches!(verdict, Err(VerifyError::Damaged)), "sealed anew");
                if verdict.is_ok() {
                    accepted.push(place);
                }
            }
        }
        let may_change: Vec<_> = uncovered(&name, &trust)
            .iter()
            .map(|part| {
                let start = file.windows(part.len()).position(|found| found == part).unwrap();
                start..start + part.len()
            })
            .collect();
        let expected = |place: &usize| may_change.iter().any(|range| range.contains(place));
        assert!(accepted.iter().all(expected), "{name}: {accepted:?}");
    }
}

/// Goal: a truncated file is bad input, not a negative verdict, and nothing panics. Method: every
/// length of each vector; then one byte more.
#[test]
fn every_truncation_is_bad_input() {
    let trust = trust();
    for name in files(".proof").into_iter().chain(files(".receipt")) {
        let mut file = read(&name);
        for length in 0..file.len() {
            let error = verdict(&name, &file[..length], &trust).unwrap_err();
            assert!(error.is_bad_input(), "{name}, {length} bytes: {error}");
        }
        file.push(0);
        let error = verdict(&name, &file, &trust).unwrap_err();
        assert!(!error.is_bad_input(), "{name}: {error}");
    }
}

/// Goal: an altered byte in the body is a negative verdict. Method: change each byte of each body.
#[test]
fn an_altered_body_is_a_negative_verdict() {
    let trust = trust();
    for name in files(".proof").into_iter().chain(files(".receipt")) {
        let mut file = read(&name);
        for place in body(&file, &name) {
            file[place] ^= 0xff;
            assert_eq!(verdict(&name, &file, &trust), Err(VerifyError::Damaged), "{name}, {place}");
            file[place] ^= 0xff;
        }
    }
}

/// Goal: input of other kinds is bad input. Method: a receipt as a proof and the reverse, text,
/// nothing, too much.
#[test]
fn other_files_are_bad_input() {
    let (trust, too_much) = (trust(), vec![0xa4; trine_types::limits::PROOF_BYTES_MAX + 1]);
    let receipt = read("vector.receipt");
    for input in [&receipt, &read("trust.json"), &Vec::new(), &too_much] {
        assert!(verify_proof(input, &trust).unwrap_err().is_bad_input());
    }
    for input in [&read("evidence.proof"), &read("vector.txt"), &Vec::new(), &too_much] {
        assert!(verify_receipt(input, &trust, &original()).unwrap_err().is_bad_input());
    }
}

/// Goal: another file is refused, and the sentence says what differs. Method: other contents of
/// the same size; another size.
#[test]
fn another_file_is_refused() {
    let (trust, receipt, file) = (trust(), read("vector.receipt"), original());
    let other = FileFacts { digest: SUITE.hash(&[b"other"]), ..file };
    assert_eq!(verify_receipt(&receipt, &trust, &other), Err(VerifyError::FileAltered));
    let other = FileFacts { size: file.size + 1, ..file };
    let error = verify_receipt(&receipt, &trust, &other).unwrap_err();
    assert_eq!(error, VerifyError::OtherSize { found: file.size + 1, expected: file.size });
    assert_eq!(error.code(), "file_altered");
}

/// Goal: an altered trust file never lets a proof through for other validators. Method: flip each
/// bit; where the file still reads, a proof passes only if chain and keys are what they were.
#[test]
fn altered_trust_is_refused() {
    let (good, proof) = (trust(), read("evidence.proof"));
    let mut text = read("trust.json");
    let keys = |trust: &TrustAnchor| -> Vec<_> {
        trust.validators().iter().map(|validator| validator.key).collect()
    };
    let mut refused = 0;
    for bit in 0..8 * text.len() {
        text[bit / 8] ^= 1 << (bit % 8);
        if let Ok(altered) = TrustAnchor::from_json(&text) {
            let same = altered.chain_id() == good.chain_id() && keys(&altered) == keys(&good);
            let verdict = verify_proof(&proof, &altered);
            assert!(same || verdict.is_err() || still_enough(&altered, &good), "bit {bit}");
            refused += u32::from(verdict.is_err());
        }
        text[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(refused > 300, "altered keys and chains are met: {refused}");
}

/// Whether the three validators that signed the vectors keep key and place.
fn still_enough(altered: &TrustAnchor, good: &TrustAnchor) -> bool {
    let same = altered.validators().iter().zip(good.validators());
    altered.chain_id() == good.chain_id() && same.filter(|(a, b)| a.key == b.key).count() == 3
}

/// Goal: reading never panics and gives back what was written. Method: bodies of random bytes and
/// of vectors with random changes, sealed; what reads is written again to the same bytes.
#[test]
fn random_bodies_never_panic() {
    use proptest::prelude::*;
    let vectors: Vec<_> = files(".proof").iter().map(|name| (name.clone(), read(name))).collect();
    let (trust, count) = (trust(), vectors.len());
    proptest!(ProptestConfig::with_cases(3_000), |(
        which in 0..count,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    )| {
        let (name, mut file) = vectors[which].clone();
        let body = body(&file, &name);
        for (place, value) in changes {
            let place = body.start + place.index(body.len());
            file[place] = value;
        }
        seal(&mut file, &name);
        if let Ok(proof) = Proof::from_bytes(SUITE, &file) {
            prop_assert_eq!(proof.to_bytes(SUITE), file.clone());
        }
        let _ = verify_proof(&file, &trust);
        let _ = Receipt::from_bytes(SUITE, &file);
    });
}
