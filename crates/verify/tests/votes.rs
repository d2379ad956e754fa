//! Test proofs of conflicting votes on both suites: what is accepted, and every refusal.
//!
//! `TRINE_WRITE_VECTORS=1` writes `tests/proofs/vectors/gm` anew; without it the files there must
//! be those that are made here.

use std::{fs, path::PathBuf};
use trine_crypto::{Algorithm, SecretKey, VoteSigner};
use trine_types::{
    ChainId, Digest, Epoch, EpochChange, Header, Height, OrganisationId, StateCommitment, Suite,
    Validator, ValidatorKey, ValidatorSet,
};
use trine_verify::{
    Ballot, Certificate, CertifiedChain, Conflict, ConflictingVotes, Fact, Proof, Statement,
    TrustAnchor, VerifyError, verify_proof,
};

const CHAIN: ChainId = ChainId([7; 32]);
const EPOCH: u64 = 3;
const VIEW: u64 = 300;
/// A validator of the epoch that was none in the epoch before.
const NEW: u8 = 5;
const NOTARIZE: &str = "_NOTARIZE";
const NULLIFY: &str = "_NULLIFY";
const FINALIZE: &str = "_FINALIZE";

fn signer(suite: Suite, number: u8) -> VoteSigner {
    // Validators of `intl` may have keys of P-256: every other one has.
    let algorithm = match suite {
        Suite::Intl if number.is_multiple_of(2) => Algorithm::P256,
        _ => suite.algorithm(),
    };
    VoteSigner::new(SecretKey::from_bytes(algorithm, &[number; 32]).unwrap()).unwrap()
}

fn validator(suite: Suite, number: u8) -> Validator {
    Validator {
        key: ValidatorKey(signer(suite, number).vote_key().to_array()),
        organisation: OrganisationId(number.into()),
        name: format!("n{number}"),
        address: format!("127.0.0.1:{}", 9_000 + u16::from(number)),
    }
}

fn set(suite: Suite, numbers: impl IntoIterator<Item = u8>) -> ValidatorSet {
    ValidatorSet::new(numbers.into_iter().map(|one| validator(suite, one)).collect()).unwrap()
}

fn varint(value: u64) -> Vec<u8> {
    match value {
        0..0x80 => vec![value as u8],
        _ => [vec![value as u8 | 0x80], varint(value >> 7)].concat(),
    }
}

/// Who votes where; a test changes one thing.
#[derive(Clone)]
struct Voter {
    signer: VoteSigner,
    chain: ChainId,
    epoch: u64,
    view: u64,
}

impl Voter {
    fn of(suite: Suite, number: u8) -> Self {
        Self { signer: signer(suite, number), chain: CHAIN, epoch: EPOCH, view: VIEW }
    }

    fn sign(&self, word: &str, rest: &[u8]) -> [u8; 64] {
        let namespace = [b"trine/consensus/".as_slice(), &self.chain.0, word.as_bytes()].concat();
        let message = [varint(self.epoch), varint(self.view), rest.to_vec()].concat();
        self.signer.try_sign(&namespace, &message).unwrap().as_ref().try_into().unwrap()
    }

    fn ballot(&self, word: &str, parent_view: u64, digest: u8) -> Ballot {
        let digest = Digest([digest; 32]);
        let rest = [varint(parent_view), digest.0.to_vec()].concat();
        Ballot { parent_view, digest, signature: self.sign(word, &rest) }
    }

    fn votes(&self, conflict: Conflict) -> ConflictingVotes {
        ConflictingVotes {
            validator: ValidatorKey(self.signer.vote_key().to_array()),
            epoch: Epoch(EPOCH),
            view: VIEW,
            conflict,
        }
    }
}

/// Two notarizations of one voter each.
fn notarizations(one: &Voter, other: &Voter) -> ConflictingVotes {
    let (first, second) = (one.ballot(NOTARIZE, 298, 2), other.ballot(NOTARIZE, 299, 1));
    one.votes(Conflict::notarizations(first, second))
}

/// All kinds, by a validator with this number.
fn kinds(suite: Suite, number: u8) -> [ConflictingVotes; 3] {
    let voter = Voter::of(suite, number);
    let two = [voter.ballot(FINALIZE, 299, 1), voter.ballot(FINALIZE, 299, 2)];
    let [first, second] = two.clone();
    let nullified = voter.sign(NULLIFY, &[]);
    [
        notarizations(&voter, &voter),
        voter.votes(Conflict::finalizations(second, first)),
        voter.votes(Conflict::NullificationAndFinalization(nullified, two[0].clone())),
    ]
}

/// The last block of the epoch before the votes', certified by validators 0 to 3.
fn boundary(suite: Suite, change: Option<EpochChange>) -> CertifiedChain {
    let header = Header {
        chain_id: CHAIN,
        height: Height(23),
        epoch: Epoch(EPOCH - 1),
        view: 30,
        parent_view: 29,
        proposer: ValidatorKey([1; 34]),
        parent: Digest([3; 32]),
        time_ms: 1_800_000_000_000,
        body_root: Digest([4; 32]),
        outcome_root: Digest([5; 32]),
        evidence_root: Digest([6; 32]),
        accounts: StateCommitment::default(),
        values: StateCommitment::default(),
        parameters_version: 0,
        epoch_change: change,
        extension: Vec::new(),
    };
    let digest = header.digest(suite);
    let mut numbers = [1, 2, 3, 4];
    numbers.sort_by_key(|number| validator(suite, *number).key);
    let sign = |number: &u8| {
        let voter = Voter { epoch: EPOCH - 1, view: 30, ..Voter::of(suite, *number) };
        voter.sign(FINALIZE, &[varint(29), digest.0.to_vec()].concat())
    };
    let signatures = numbers.iter().take(3).map(sign).collect();
    let certificate = Certificate {
        epoch: Epoch(EPOCH - 1),
        view: 30,
        parent_view: 29,
        digest,
        signers: vec![0b111],
        signatures,
    };
    CertifiedChain { headers: vec![header], certificate }
}

/// Validators 2 to 5 of the votes' epoch.
fn change(suite: Suite) -> EpochChange {
    EpochChange { epoch: Epoch(EPOCH), validators: set(suite, 2..=NEW), following: None }
}

fn proof(suite: Suite, votes: ConflictingVotes) -> Proof {
    Proof {
        statement: Statement::ConflictingVotes(Box::new(votes)),
        chain: boundary(suite, Some(change(suite))),
        hand_overs: Vec::new(),
    }
}

fn trust(suite: Suite) -> TrustAnchor {
    let validators = set(suite, 1..5);
    let validators = validators.as_slice().iter().map(Into::into).collect();
    TrustAnchor::new("votes".into(), CHAIN, suite, Epoch(0), validators).unwrap()
}

fn refusal(suite: Suite, votes: ConflictingVotes) -> VerifyError {
    let file = proof(suite, votes).to_bytes(suite);
    let error = verify_proof(&file, &trust(suite)).unwrap_err();
    assert!(!error.is_bad_input(), "{error}");
    error
}

/// Goal: a stranger sees who signed what. Method: every kind of conflict, by validators with keys
/// of every algorithm, also by one who was none an epoch before.
#[test]
fn conflicting_votes_verify() {
    for suite in Suite::ALL {
        for (number, votes) in (2..=NEW).flat_map(|one| kinds(suite, one).map(|all| (one, all))) {
            let proof = proof(suite, votes.clone());
            let file = proof.to_bytes(suite);
            assert_eq!(Proof::from_bytes(suite, &file).unwrap(), proof);
            let shown = verify_proof(&file, &trust(suite)).unwrap();
            let id = votes.id(suite);
            let validator = validator(suite, number);
            let expected = Fact::ConflictingVotes { votes: Box::new(votes), validator, id };
            assert_eq!(shown.fact, expected);
        }
    }
}

/// Goal: nobody who votes once in each view of each chain can be accused. Method: pairs of honest
/// votes, made to look alike; pairs of which one has another signer.
#[test]
fn honest_votes_are_no_evidence() {
    for suite in Suite::ALL {
        let voter = Voter::of(suite, 3);
        let bad = VerifyError::BadSignature("n3".into());
        let other_view = Voter { view: VIEW + 1, ..voter.clone() };
        let other_epoch = Voter { epoch: EPOCH + 1, ..voter.clone() };
        let other_chain = Voter { chain: ChainId([8; 32]), ..voter.clone() };
        let somebody = Voter::of(suite, 4);
        for other in [&other_view, &other_epoch, &other_chain, &somebody] {
            assert_eq!(refusal(suite, notarizations(&voter, other)), bad);
            let (nullified, last) = (other.sign(NULLIFY, &[]), voter.ballot(FINALIZE, 299, 1));
            let conflict = Conflict::NullificationAndFinalization(nullified, last);
            assert_eq!(refusal(suite, voter.votes(conflict)), bad);
        }
        // One proposal is first notarized and then finalized; a view may be given up after that.
        let (first, last) = (voter.ballot(NOTARIZE, 299, 1), voter.ballot(FINALIZE, 299, 2));
        assert_eq!(refusal(suite, voter.votes(Conflict::notarizations(first, last))), bad);
        let (nullified, first) = (voter.sign(NULLIFY, &[]), voter.ballot(NOTARIZE, 299, 1));
        let conflict = Conflict::NullificationAndFinalization(nullified, first);
        assert_eq!(refusal(suite, voter.votes(conflict)), bad);
        // The same vote twice, also with another signature of it.
        let vote = voter.ballot(NOTARIZE, 299, 1);
        let again = Ballot { signature: [9; 64], ..vote.clone() };
        for again in [vote.clone(), again] {
            let conflict = Conflict::Notarizations(vote.clone(), again);
            assert_eq!(refusal(suite, voter.votes(conflict)), VerifyError::NoConflict);
        }
    }
}

/// Goal: there is one file for two votes. Method: the votes in the other order.
#[test]
fn the_other_order_is_refused() {
    for suite in Suite::ALL {
        let voter = Voter::of(suite, 3);
        let (one, two) = (voter.ballot(FINALIZE, 299, 1), voter.ballot(FINALIZE, 299, 2));
        let swapped = voter.votes(Conflict::Finalizations(two, one));
        assert_eq!(refusal(suite, swapped), VerifyError::NoConflict);
    }
}

/// Goal: only a validator of the epoch can be accused, and only by its own votes. Method: a
/// stranger, one who was a validator before, and votes under another's key.
#[test]
fn others_cannot_be_accused() {
    for suite in Suite::ALL {
        let missing = VerifyError::NotAValidator(Epoch(EPOCH));
        for stranger in [1, 9] {
            let voter = Voter::of(suite, stranger);
            assert_eq!(refusal(suite, notarizations(&voter, &voter)), missing);
        }
        for votes in kinds(suite, 3) {
            let framed = ConflictingVotes { validator: validator(suite, 4).key, ..votes };
            assert_eq!(refusal(suite, framed), VerifyError::BadSignature("n4".into()));
        }
        let [votes, ..] = kinds(suite, 3);
        let later = ConflictingVotes { view: VIEW + 1, ..votes.clone() };
        assert_eq!(refusal(suite, later), VerifyError::BadSignature("n3".into()));
        let other = ConflictingVotes { epoch: Epoch(EPOCH + 1), ..votes };
        let (height, epoch) = (Height(23), Epoch(EPOCH + 1));
        assert_eq!(refusal(suite, other), VerifyError::NotNamed { height, epoch });
    }
}

/// Goal: who validates is the chain's word. Method: a block that names nobody, one that names
/// others, and one that nobody certified.
#[test]
fn the_validators_are_those_of_the_chain() {
    for suite in Suite::ALL {
        let [votes, ..] = kinds(suite, NEW);
        let named = |chain| Proof { chain, ..proof(suite, votes.clone()) }.verify(&trust(suite));
        let (height, epoch) = (Height(23), Epoch(EPOCH));
        let nobody = named(boundary(suite, None)).unwrap_err();
        assert_eq!(nobody, VerifyError::NotNamed { height, epoch });
        let others = EpochChange { validators: set(suite, 1..5), ..change(suite) };
        let others = named(boundary(suite, Some(others))).unwrap_err();
        assert_eq!(others, VerifyError::NotAValidator(epoch));
        let mut forged = boundary(suite, None);
        forged.headers[0].epoch_change = Some(change(suite));
        assert!(matches!(named(forged).unwrap_err(), VerifyError::OtherBlock { .. }));
    }
}

/// Goal: the other verifiers judge `gm` alike. Method: files for them, whose bytes are kept.
#[test]
fn the_files_of_the_other_suite_keep_their_bytes() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/proofs/vectors/gm");
    let keep = |name: &str, bytes: Vec<u8>| {
        if std::env::var_os("TRINE_WRITE_VECTORS").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(name), &bytes).unwrap();
        }
        assert!(fs::read(folder.join(name)).unwrap() == bytes, "{name} changed");
    };
    let suite = Suite::Gm;
    keep("trust.json", trust(suite).to_json());
    for votes in kinds(suite, 3) {
        let name = votes.conflict.to_string().replace('_', "-");
        keep(&format!("{name}.proof"), proof(suite, votes).to_bytes(suite));
    }
    let voter = Voter::of(suite, 3);
    let other = Voter { view: VIEW + 1, ..voter.clone() };
    keep("other-view.refused", proof(suite, notarizations(&voter, &other)).to_bytes(suite));
    let stranger = Voter::of(suite, 9);
    keep("stranger.refused", proof(suite, notarizations(&stranger, &stranger)).to_bytes(suite));
}
