//! Share what the fuzz targets promise of the formats that they read.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::LazyLock;
use trine_types::identifiers::tagged_hash;
use trine_types::{Call, Code, Decode, Digest, Encode, Epoch, EpochChange, RawCall, Suite};
use trine_verify::{
    ConflictingVotes, FileFacts, Proof, Receipt, Statement, TrustAnchor, VerifiedProof,
};

/// Suite of everything that the targets read.
pub const SUITE: Suite = Suite::Intl;

macro_rules! vectors {
    ($($name:literal),*) => {
        &[$(include_bytes!(concat!("../../tests/proofs/vectors/", $name))),*]
    };
}

/// Proofs about blocks that the trusted validators did certify.
const PROOFS: &[&[u8]] = vectors![
    "absence-end.proof",
    "absence.proof",
    "account-2.proof",
    "account.proof",
    "block.proof",
    "conflicting-votes-first-epoch.proof",
    "conflicting-votes-handed-over.proof",
    "conflicting-votes.proof",
    "evidence.proof",
    "handed-over.proof",
    "transaction.proof",
    "transfer.proof",
    "value.proof"
];

/// Receipts that such blocks show.
const RECEIPTS: &[&[u8]] = vectors!["handed-over.receipt", "vector.receipt"];

/// What every target of proofs trusts.
pub static TRUST: LazyLock<TrustAnchor> = LazyLock::new(|| {
    let text = include_bytes!("../../tests/proofs/vectors/trust.json");
    TrustAnchor::from_json(text).expect("the vectors' trust file is good")
});

/// The file for which the vectors hold a receipt.
pub static ORIGINAL: LazyLock<FileFacts> = LazyLock::new(|| {
    let file = include_bytes!("../../tests/proofs/vectors/vector.txt");
    FileFacts { digest: SUITE.hash(&[file]), size: file.len() as u64 }
});

static BLOCKS: LazyLock<BTreeSet<Digest>> = LazyLock::new(|| {
    let proofs = PROOFS.iter().map(|file| Proof::from_bytes(SUITE, file));
    let receipts = RECEIPTS.iter().map(|file| Ok(Receipt::from_bytes(SUITE, file)?.proof));
    let chains = proofs.chain(receipts).flat_map(|proof| {
        let Proof { chain, mut hand_overs, .. } = proof.expect("the vectors are good");
        hand_overs.push(chain);
        hand_overs
    });
    chains.flat_map(|chain| chain.headers).map(|header| header.digest(SUITE)).collect()
});

/// Votes that exclude each other and that validators did sign.
pub static GOOD_VOTES: LazyLock<Vec<ConflictingVotes>> = LazyLock::new(|| {
    let votes = |proof: Proof| match proof.statement {
        Statement::ConflictingVotes(votes) => Some(*votes),
        _ => None,
    };
    PROOFS.iter().filter_map(|file| votes(Proof::from_bytes(SUITE, file).ok()?)).collect()
});

static NAMED: LazyLock<Vec<EpochChange>> = LazyLock::new(|| {
    let proofs = PROOFS.iter().filter_map(|file| Proof::from_bytes(SUITE, file).ok());
    let headers = proofs.flat_map(|proof| proof.chain.headers);
    headers.filter_map(|header| header.epoch_change).collect()
});

/// What the vectors' blocks say of the validators of an epoch; of another, what they say first.
pub fn named(epoch: Epoch) -> EpochChange {
    NAMED.iter().find(|change| change.epoch == epoch).unwrap_or(&NAMED[0]).clone()
}

/// Reads a value that fills `data`; what is read has no other encoding.
pub fn read<T: Decode + Encode + Debug>(data: &[u8]) -> Option<T> {
    let value = T::from_bytes(data).ok()?;
    assert_eq!(value.to_bytes(), data, "a second encoding of {value:?}");
    Some(value)
}

/// Reads a call's arguments; what is read has no other encoding.
pub fn read_call(raw: &RawCall) {
    match Call::from_raw(raw) {
        Ok(call) => assert_eq!(call.to_raw(), *raw, "a second encoding of {call:?}"),
        Err(Code::UnknownModule | Code::UnknownMethod | Code::BadArguments) => (),
        Err(code) => panic!("a call is never refused with {code:?}"),
    }
}

/// Puts a body into the envelope of a proof file, under the right seal.
pub fn seal(text: &str, body: &[u8]) -> Vec<u8> {
    let head = |major: u8, length: usize| match length {
        0..=23 => vec![major | length as u8],
        24..=0xff => vec![major | 24, length as u8],
        0x100..=0xffff => [&[major | 25], &(length as u16).to_be_bytes()[..]].concat(),
        _ => [&[major | 26], &(length as u32).to_be_bytes()[..]].concat(),
    };
    let seal = tagged_hash(SUITE, "trine/proof-file", &[body]);
    let (text_head, body_head) = (head(0x60, text.len()), head(0x40, body.len()));
    let start = [&[0xa4, 0x00], &text_head[..], text.as_bytes(), &[0x01, 0x01, 0x02]].concat();
    [&start[..], &body_head, body, &[0x03, 0x58, 0x20], &seal.0].concat()
}

/// Compares a file with what was written from what it was read as.
///
/// The two differ only where the reader skips fields of later versions, which makes the second
/// shorter.
pub fn same_file(read: &[u8], written: &[u8]) {
    let is_shorter = written.len() < read.len();
    assert!(is_shorter || read == written, "a second encoding of a file");
}

/// Nobody can certify another block in the validators' name.
pub fn is_certified(verified: &VerifiedProof) {
    assert!(BLOCKS.contains(&verified.digest), "a forged block: {:?}", verified.header);
    assert_eq!(verified.header.digest(SUITE), verified.digest);
}
