//! Keep altered files with their verdicts, for the other verifier to compare.
//!
//! `TRINE_WRITE_VECTORS=1` writes `tests/proofs/vectors/cases.json` anew; without it the verdicts
//! there must be those that are made here.

use serde::{Deserialize, Serialize};
use std::{fs, path::PathBuf};
use trine_types::{Epoch, Suite, ValidatorKey, codec::to_hex, identifiers::tagged_hash};
use trine_verify::{
    Ballot, Conflict, ConflictingVotes, FileFacts, Proof, Statement, TrustAnchor, VerifyError,
    verify_proof, verify_receipt,
};

const SUITE: Suite = Suite::Intl;

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Case {
    name: String,
    verdict: String,
    /// The file in hexadecimal, where it is no altered vector.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// Places and new values in the vector `name`, which is then sealed anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    edits: Option<Vec<(usize, u8)>>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/proofs/vectors")
}

fn read(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

fn verdict(name: &str, file: &[u8]) -> String {
    let trust = TrustAnchor::from_json(&read("trust.json")).unwrap();
    let original = read("vector.txt");
    let facts = FileFacts { digest: SUITE.hash(&[&original]), size: original.len() as u64 };
    let verdict = match name.ends_with(".proof") {
        true => verify_proof(file, &trust).map(drop),
        false => verify_receipt(file, &trust, &facts).map(drop),
    };
    let word = match verdict {
        Ok(()) => "accepted",
        Err(error) if error.is_bad_input() => "bad_input",
        Err(_) => "refused",
    };
    word.to_owned()
}

fn body(file: &[u8]) -> std::ops::Range<usize> {
    let text = usize::from(file[2] - 0x60);
    3 + text + 2 + 1 + 3..file.len() - 35
}

fn seal(body: &[u8]) -> [u8; 32] {
    tagged_hash(SUITE, "trine/proof-file", &[body]).0
}

/// A proof file around a body of 256 to 65,535 bytes.
fn close(body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16).to_be_bytes();
    let start = b"\xa4\x00\x6btrine-proof\x01\x01\x02\x59";
    [start, &length[..], body, b"\x03\x58\x20", &seal(body)].concat()
}

/// Bodies of a block's proof whose encoding differs from the good one in one rule each.
fn encodings() -> Vec<Vec<u8>> {
    let file = read("block.proof");
    let good = file[body(&file)].to_vec();
    assert_eq!(good[..6], [0xa4, 0x00, 0x02, 0x01, 0xa0, 0x02], "the body starts as specified");
    let with = |head: u8, more: &[u8]| [&[head], &good[1..], more].concat();
    let nested = |depth: usize| [vec![0x20], vec![0x81; depth], vec![0x00]].concat();
    let kind = |bytes: &[u8]| [&good[..2], bytes, &good[3..]].concat();
    let statement = |bytes: &[u8]| [&good[..4], bytes, &good[5..]].concat();
    vec![
        good.clone(),
        // Keys of later versions: negative ones are ignored, others refused.
        with(0xa5, &[0x20, 0x01]),
        with(0xa6, &[0x20, 0x61, b'x', 0x38, 0x18, 0xa1, 0x61, b'k', 0x41, 0xff]),
        with(0xa5, &nested(7)),
        with(0xa5, &nested(8)),
        with(0xa5, &[0x04, 0x01]),
        with(0xa5, &[0x18, 0x64, 0x01]),
        with(0xa5, &[0x61, b'k', 0x01]),
        with(0xa5, &[0x20, 0xf5]),
        with(0xa5, &[0x20, 0xf6]),
        with(0xa5, &[0x20, 0xc1, 0x01]),
        with(0xa5, &[0x20, 0xfa, 0, 0, 0, 0]),
        with(0xa5, &[0x20, 0x62, 0xc3, 0x28]),
        with(0xa5, &[0x20, 0x5f, 0x41, 0x00, 0xff]),
        with(0xa5, &[0x20, 0x3b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        with(0xa5, &[0x3b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        with(0xa5, &[0x20, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        with(0xa6, &[0x21, 0x01, 0x20, 0x01]),
        with(0xa6, &[0x20, 0x01, 0x20, 0x01]),
        with(0xa5, &[0x03, 0x80]),
        with(0xbf, &[0xff]),
        with(0xa5, &[]),
        with(0xa3, &[]),
        with(0xa4, &[0x00]),
        // The kind in longer forms, and other kinds.
        kind(&[0x18, 0x02]),
        kind(&[0x19, 0x00, 0x02]),
        kind(&[0x1b, 0, 0, 0, 0, 0, 0, 0, 2]),
        kind(&[0x20]),
        kind(&[0x00]),
        kind(&[0x09]),
        kind(&[0x06]),
        kind(&[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        // A statement that is no empty map.
        statement(&[0x80]),
        statement(&[0xa1, 0x00, 0x00]),
        statement(&[0xa1, 0x20, 0x00]),
        statement(&[0xa1, 0x80, 0x00]),
    ]
}

/// Files whose envelope breaks one rule each.
fn envelopes() -> Vec<Vec<u8>> {
    let good = read("block.proof");
    let at = |place: usize, value: u8| {
        let mut file = good.clone();
        file[place] = value;
        file
    };
    let end = good.len();
    vec![
        at(0, 0xa5),
        at(1, 0x01),
        at(3, b'T'),
        at(15, 0x02),
        at(15, 0x00),
        at(end - 1, good[end - 1] ^ 1),
        at(end - 33, 0x1f),
        at(17, 0x5a),
        at(18, 0xff),
        [&good[..], &[0x00]].concat(),
        good[..end - 35].to_vec(),
        good[..10].to_vec(),
        Vec::new(),
    ]
}

fn cases() -> Vec<Case> {
    let name = "block.proof".to_owned();
    let case = |file: Vec<u8>| Case {
        verdict: verdict(&name, &file),
        name: name.clone(),
        file: Some(to_hex(&file)),
        edits: None,
    };
    let mut cases: Vec<_> = encodings().iter().map(|body| case(close(body))).collect();
    cases.extend(envelopes().into_iter().map(case));
    cases.extend(votes());
    let edited_ones = ["account.proof", "absence-end.proof", "evidence.proof"];
    for name in edited_ones.into_iter().chain(["conflicting-votes.proof", "handed-over.receipt"]) {
        cases.extend((0..60).map(|number| edited(name, number)));
    }
    cases
}

/// Votes that are no evidence: each differs from a vector in what one of its rules is about.
fn votes() -> Vec<Case> {
    let name = "conflicting-votes.proof".to_owned();
    let good = Proof::from_bytes(SUITE, &read(&name)).unwrap();
    let Statement::ConflictingVotes(votes) = good.statement.clone() else {
        panic!("{name} is about another thing");
    };
    let Conflict::Notarizations(one, other) = votes.conflict.clone() else {
        panic!("{name} has another conflict");
    };
    let block = Proof::from_bytes(SUITE, &read("block.proof")).unwrap();
    let change = good.chain.headers[0].epoch_change.as_ref().unwrap();
    let members = change.validators.as_slice().iter().map(|member| member.key);
    let somebody = members.clone().find(|key| *key != votes.validator).unwrap();
    let signature = one.signature;
    let conflicts = [
        Conflict::Notarizations(one.clone(), one.clone()),
        Conflict::Notarizations(other.clone(), one.clone()),
        Conflict::Finalizations(one.clone(), other.clone()),
        Conflict::NullificationAndFinalization(signature, other.clone()),
        Conflict::Notarizations(Ballot { signature, ..one.clone() }, Ballot { signature, ..other }),
    ];
    let altered = [
        ConflictingVotes { validator: somebody, ..(*votes).clone() },
        ConflictingVotes { validator: ValidatorKey::default(), ..(*votes).clone() },
        ConflictingVotes { epoch: Epoch(votes.epoch.0 + 1), ..(*votes).clone() },
        ConflictingVotes { view: votes.view + 1, ..(*votes).clone() },
        ConflictingVotes { view: u64::MAX, ..(*votes).clone() },
    ];
    let conflicts = conflicts.map(|conflict| ConflictingVotes { conflict, ..(*votes).clone() });
    let statements = conflicts.into_iter().chain(altered);
    let statements = statements.map(|one| Statement::ConflictingVotes(Box::new(one)));
    let proofs = statements.map(|statement| Proof { statement, ..good.clone() });
    let elsewhere = Proof { statement: good.statement.clone(), ..block };
    let files = proofs.chain([elsewhere, good.clone()]).map(|proof| proof.to_bytes(SUITE));
    let case = |file: Vec<u8>| Case {
        verdict: verdict(&name, &file),
        name: name.clone(),
        file: Some(to_hex(&file)),
        edits: None,
    };
    files.map(case).collect()
}

/// Changes up to three bytes, chosen by a hash so that the cases are the same everywhere.
fn edited(name: &str, number: u8) -> Case {
    let mut file = read(name);
    let body = body(&file);
    let choice = SUITE.hash(&[name.as_bytes(), &[number]]).0;
    let edits: Vec<_> = (0..1 + usize::from(choice[0] % 3))
        .map(|edit| {
            let [high, low, pick, random] = [1, 2, 3, 4].map(|place| choice[8 * edit + place]);
            let place = usize::from(u16::from_be_bytes([high, low])) % body.len();
            // Small values hit heads, keys and numbers more often than random ones.
            let value = [0, 1, 2, 0x20, 0x40, 0xa1, random][usize::from(pick) % 7];
            (body.start + place, value)
        })
        .collect();
    edits.iter().for_each(|(place, value)| file[*place] = *value);
    let seal = seal(&file[body]);
    let end = file.len();
    file[end - 32..].copy_from_slice(&seal);
    Case { name: name.to_owned(), verdict: verdict(name, &file), file: None, edits: Some(edits) }
}

/// Goal: verdicts never change unnoticed, and the other verifier can compare. Method: altered files
/// of every kind, whose verdicts are kept.
#[test]
fn verdicts_are_those_kept() {
    let path = folder().join("cases.json");
    let made = cases();
    if std::env::var_os("TRINE_WRITE_VECTORS").is_some() {
        let text: Vec<_> = made.iter().map(|case| serde_json::to_string(case).unwrap()).collect();
        fs::write(&path, format!("[\n{}\n]\n", text.join(",\n"))).unwrap();
    }
    let kept: Vec<Case> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(made, kept);
    for word in ["accepted", "refused", "bad_input"] {
        assert!(made.iter().any(|case| case.verdict == word), "no case is {word}");
    }
}

/// Goal: votes that are no evidence are refused. Method: the verdicts on the files above.
#[test]
fn votes_are_judged_as_specified() {
    let verdicts: Vec<_> = votes().into_iter().map(|case| case.verdict).collect();
    let (last, refused) = verdicts.split_last().unwrap();
    assert_eq!(last, "accepted");
    assert!(refused.iter().all(|verdict| verdict == "refused"), "{verdicts:?}");
}

/// Goal: the rules of the encoding decide as the specification says. Method: the bodies above, with
/// the verdicts written by hand.
#[test]
fn encodings_are_judged_as_specified() {
    let accepted: Vec<_> = encodings()
        .iter()
        .enumerate()
        .filter(|(_, body)| verdict("block.proof", &close(body)) == "accepted")
        .map(|(place, _)| place)
        .collect();
    // Itself, four with negative keys that are well-formed, one in the statement.
    assert_eq!(accepted, [0, 1, 2, 3, 14, 15, 34]);
    let unknown = encodings()[5].clone();
    let trust = TrustAnchor::from_json(&read("trust.json")).unwrap();
    let error = verify_proof(&close(&unknown), &trust).unwrap_err();
    assert_eq!(error, VerifyError::UnknownKey { part: "proof", key: 4 });
    assert_eq!(error.code(), "proof_version");
}
