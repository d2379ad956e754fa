//! Make whole proof files on real state and with real certificates, and keep them as vectors.
//!
//! `TRINE_WRITE_VECTORS=1` writes `tests/proofs/vectors` anew; without it the files there must be
//! those that are made here.

use crate::{databases::header, votes::conflicting_votes, world::World};
use commonware_consensus::{
    simplex::types::{Finalize, Proposal},
    types::{Epoch as EngineEpoch, Round, View},
};
use commonware_cryptography::Sha256;
use commonware_parallel::Sequential;
use commonware_runtime::{Runner as _, deterministic};
use commonware_utils::non_empty;
use std::{collections::BTreeMap, path::PathBuf};
use trine_crypto::SecretKey;
use trine_ledger::{
    committees::members,
    preset::{BlockDigest, Finalization, PrivateKey, Scheme},
    proofs::{
        FinalBlocks, HandOvers, ProofError,
        block::{EvidencePlace, evidence, transaction},
        certificate, certified_chain, state,
    },
};
use trine_types::{
    Address, Algorithm, Amount, AssetId, Call, ChainId, Code, Digest, Encode as _, Epoch,
    EpochChange, Event, Header, Height, LogId, OrganisationId, Outcome, StateCommitment, StateKey,
    Suite, Transaction, TransactionId, UnsignedTransaction, Validator, ValidatorKey, ValidatorSet,
    call::TransferReference, merkle, record,
};
use trine_verify::{
    Certificate, CertifiedChain, Fact, FileFacts, Proof, Receipt, Statement, TrustAnchor,
    VerifiedProof, VerifyError, entry_of, verify_proof, verify_receipt,
};

const SUITE: Suite = Suite::Intl;
const BLOCKS_PER_EPOCH: u64 = 8;
const FILE: &[u8] = b"A file whose receipt is a test vector.\n";
const REFERENCE: &[u8] = b"invoice-2026-000123";
const SALT: [u8; 32] = [0x5a; 32];
/// The log of the vectors' entry, among `LOGS`.
const LOG: LogId = LogId(2);
const LOGS: u64 = 5;
const ENTRIES: usize = 11;
const ENTRY: usize = 6;

pub fn secret(number: u8) -> SecretKey {
    SecretKey::from_bytes(Algorithm::Ed25519, &[number; 32]).unwrap()
}

pub fn chain_id() -> ChainId {
    ChainId(SUITE.hash(&[b"the chain of the proof vectors"]).0)
}

/// Validators with these numbers.
pub fn set(numbers: impl IntoIterator<Item = u8>) -> ValidatorSet {
    let validator = |number: u8| Validator {
        key: ValidatorKey::new(Algorithm::Ed25519, &secret(number).public_key()).unwrap(),
        organisation: OrganisationId(number.into()),
        name: format!("n{number}"),
        address: format!("127.0.0.1:{}", 9_000 + u16::from(number)),
    };
    ValidatorSet::new(numbers.into_iter().map(validator).collect()).unwrap()
}

/// Certifies a header with the engine's own scheme, by the first signers that suffice.
fn finalize(header: &Header, numbers: impl IntoIterator<Item = u8>) -> Finalization {
    let numbers: Vec<u8> = numbers.into_iter().collect();
    let namespace = [b"trine/consensus/".as_slice(), &header.chain_id.0].concat();
    let validators = set(numbers.clone());
    let round = Round::new(EngineEpoch::new(header.epoch.0), View::new(header.view + 1));
    let digest = BlockDigest::from(header.digest(SUITE).0);
    let proposal = Proposal::new(round, View::new(header.parent_view), digest);
    let schemes: Vec<_> = numbers
        .iter()
        .map(|number| {
            let key = PrivateKey::new(secret(*number)).unwrap();
            Scheme::signer(&namespace, members(&validators), key).unwrap()
        })
        .collect();
    let votes: Vec<_> = schemes
        .iter()
        .take(validators.quorum())
        .map(|scheme| Finalize::sign(scheme, proposal.clone()).unwrap())
        .collect();
    let votes = non_empty![@votes.iter()];
    Finalization::from_finalizes(&schemes[0], votes, &Sequential).unwrap()
}

/// A chain of three epochs: validators 0 to 3, then 1 to 4 in the last two.
struct Chain {
    headers: Vec<Header>,
    certificates: BTreeMap<u64, Certificate>,
    transactions: Vec<Vec<u8>>,
    outcomes: Vec<(TransactionId, Vec<u8>)>,
    entries: Vec<Digest>,
    heads: Vec<(u64, Digest)>,
    world: World<Sha256>,
}

impl FinalBlocks for Chain {
    async fn header(&self, height: Height) -> Option<Header> {
        self.headers.get(height.0 as usize).cloned()
    }

    async fn certificate(&self, height: Height) -> Option<Certificate> {
        self.certificates.get(&height.0).cloned()
    }
}

fn epoch_change(height: u64) -> Option<EpochChange> {
    let epoch = (height + 1) / BLOCKS_PER_EPOCH;
    match (height, (height + 1) % BLOCKS_PER_EPOCH) {
        (0, _) => Some(EpochChange { epoch: Epoch(0), validators: set(0..4), following: None }),
        (_, 0) => Some(EpochChange { epoch: Epoch(epoch), validators: set(1..5), following: None }),
        _ => None,
    }
}

pub fn signers(epoch: Epoch) -> std::ops::Range<u8> {
    match epoch {
        Epoch(0) => 0..4,
        _ => 1..5,
    }
}

/// Sender of the vectors' transactions.
fn sender() -> Address {
    Address::of_key(SUITE, Algorithm::Ed25519, &secret(100).public_key())
}

fn signed(nonce: u64) -> Transaction {
    let call = Call::AssetTransfer {
        asset: AssetId(1),
        to: Address([9; 20]),
        amount: Amount(100 + nonce),
        reference: Some(TransferReference(REFERENCE.to_vec())),
    };
    let unsigned = UnsignedTransaction {
        chain_id: chain_id(),
        sender: sender(),
        key_index: 0,
        nonce,
        valid_until_ms: 2_000_000_000_000,
        calls: [call.to_raw()].into(),
    };
    unsigned.sign(SUITE, &secret(100))
}

fn outcome(number: u8) -> Outcome {
    let event = Event {
        emitter: Event::module_emitter(5),
        topics: vec![Event::address_topic(&sender())],
        data: vec![3, number],
    };
    Outcome { code: Code::Ok, failed_call: 0, gas_used: 1, events: vec![event] }
}

fn transfer_record() -> Vec<u8> {
    let record = record::Transfer {
        transaction: signed(3).id,
        call: 0,
        height: Height(4),
        asset: AssetId(1),
        to: Address([9; 20]),
        amount: Amount(103),
        reference: TransferReference(REFERENCE.to_vec()),
    };
    record.to_bytes()
}

impl Chain {
    /// Builds 20 blocks with the same contents; `uncertified` heights get no certificate.
    async fn build(context: &deterministic::Context, uncertified: &[u64]) -> Self {
        let mut world = World::<Sha256>::open(context, 77).await;
        let mut accounts = StateCommitment::default();
        for _ in 0..12 {
            (world, accounts) = world.write_accounts(90).await;
            (world, _) = world.write_values(40, &[]).await;
        }
        let key = StateKey::transfer(SUITE, sender(), REFERENCE);
        let extra = [(key, transfer_record())];
        let (world, values) = world.write_values(3, &extra).await;
        let transactions: Vec<_> = (0..5).map(signed).collect();
        let outcomes = transactions
            .iter()
            .zip(0..)
            .map(|(transaction, number)| (transaction.id, outcome(number).to_bytes()));
        let mut entries: Vec<_> = (0..ENTRIES).map(|n| SUITE.hash(&[&[n as u8]])).collect();
        entries[ENTRY] = entry_of(SUITE, &SALT, &SUITE.hash(&[FILE]));
        let mut chain = Self {
            headers: Vec::new(),
            certificates: BTreeMap::new(),
            outcomes: outcomes.collect(),
            transactions: transactions.iter().map(|one| one.bytes.to_vec()).collect(),
            heads: heads(&entries),
            entries,
            world,
        };
        for height in 0..20 {
            let header = chain.next(height, accounts, values);
            if height > 0 && !uncertified.contains(&height) {
                let finalization = finalize(&header, signers(header.epoch));
                chain.certificates.insert(height, certificate(&finalization).unwrap());
            }
            chain.headers.push(header);
        }
        chain
    }

    fn next(&self, height: u64, accounts: StateCommitment, values: StateCommitment) -> Header {
        let logs: Vec<_> = (0..LOGS).map(|log| self.log_leaf(log)).collect();
        let results = self.outcomes.iter().map(|(id, outcome)| [&id.0, &outcome[..]].concat());
        let results: Vec<_> = results.collect();
        let root = |leaves: &[Vec<u8>]| merkle::root(SUITE, leaves.iter().map(Vec::as_slice));
        Header {
            chain_id: chain_id(),
            height: Height(height),
            epoch: Epoch(height / BLOCKS_PER_EPOCH),
            view: 3 * height,
            parent_view: (3 * height).saturating_sub(3),
            proposer: ValidatorKey([1; 34]),
            parent: self.headers.last().map_or(Digest::default(), |last| last.digest(SUITE)),
            time_ms: 1_800_000_000_000 + 500 * height,
            body_root: root(&self.transactions),
            outcome_root: root(&results),
            evidence_root: root(&logs),
            accounts,
            values,
            parameters_version: 0,
            epoch_change: epoch_change(height),
            extension: Vec::new(),
        }
    }

    fn log_leaf(&self, log: u64) -> Vec<u8> {
        let (size, head) = self.heads[log as usize];
        [&(log as u32).to_be_bytes()[..], &size.to_be_bytes(), &head.0].concat()
    }

    fn transaction(&self) -> Statement {
        transaction(SUITE, &self.transactions, &self.outcomes, 3).unwrap()
    }

    fn evidence(&self) -> Statement {
        let leaves: Vec<_> =
            self.entries.iter().map(|entry| merkle::leaf_hash(SUITE, &entry.0)).collect();
        let logs: Vec<_> =
            (0..LOGS).map(|log| merkle::leaf_hash(SUITE, &self.log_leaf(log))).collect();
        let place = EvidencePlace {
            entry: self.entries[ENTRY],
            log: LOG,
            index: ENTRY as u64,
            size: ENTRIES as u64,
            path: merkle::inclusion_path(SUITE, &leaves, ENTRY).unwrap(),
            logs: LOGS,
            logs_path: merkle::inclusion_path(SUITE, &logs, LOG.0 as usize).unwrap(),
        };
        evidence(place).unwrap()
    }

    /// Statements of every kind, by the names of their vectors.
    async fn statements(&mut self) -> Vec<(&'static str, Statement)> {
        let early = *self.world.accounts.keys().next().unwrap();
        let late = *self.world.accounts.keys().nth(40).unwrap();
        let key = *self.world.values.keys().nth(7).unwrap();
        let (hot, cold) = (&self.world.hot, &self.world.cold);
        let absent = |key| state::value(cold, key);
        vec![
            ("transaction", self.transaction()),
            ("block", Statement::Block),
            ("account", state::account(hot, early).await.unwrap().unwrap().statement),
            ("account-2", state::account(hot, late).await.unwrap().unwrap().statement),
            ("value", state::value(cold, key).await.unwrap().statement),
            ("absence", absent(StateKey([0x77; 32])).await.unwrap().statement),
            ("absence-end", absent(StateKey([0xff; 32])).await.unwrap().statement),
            ("evidence", self.evidence()),
            (
                "transfer",
                state::transfer(cold, SUITE, sender(), REFERENCE).await.unwrap().statement,
            ),
        ]
    }

    async fn prove(&self, statement: Statement, height: u64) -> Proof {
        let chain = certified_chain(self, Height(height)).await.unwrap();
        let hand_overs = HandOvers::new(BLOCKS_PER_EPOCH, set(0..4));
        let hand_overs = hand_overs.until(self, chain.certificate.epoch).await.unwrap();
        Proof { statement, chain, hand_overs }
    }
}

fn heads(entries: &[Digest]) -> Vec<(u64, Digest)> {
    let head = |log: u64| match log == u64::from(LOG.0) {
        true => (
            entries.len() as u64,
            merkle::root(SUITE, entries.iter().map(|entry| entry.0.as_slice())),
        ),
        false => (log, SUITE.hash(&[&log.to_be_bytes()])),
    };
    (0..LOGS).map(head).collect()
}

fn trust(epoch: u64, numbers: impl IntoIterator<Item = u8>) -> TrustAnchor {
    let validators = set(numbers);
    let validators = validators.as_slice().iter().map(Into::into).collect();
    TrustAnchor::new("vectors".into(), chain_id(), SUITE, Epoch(epoch), validators).unwrap()
}

fn receipt(proof: Proof) -> Receipt {
    Receipt {
        salt: SALT,
        name: "vector.txt".into(),
        size: FILE.len() as u64,
        media_type: "text/plain".into(),
        proof,
    }
}

const fn file_facts(digest: Digest) -> FileFacts {
    FileFacts { digest, size: FILE.len() as u64 }
}

/// Describes a fact for the vectors' table: kind, then what it is about.
fn describe(verified: &VerifiedProof) -> serde_json::Value {
    let (kind, about) = match &verified.fact {
        Fact::Transaction { transaction, .. } => ("transaction", transaction.id.to_string()),
        Fact::Block => ("block", verified.digest.to_string()),
        Fact::Account { address, .. } => ("account", address.to_string()),
        Fact::Value { key, .. } => ("value", format!("{key:?}")),
        Fact::Absence { key } => ("absence", format!("{key:?}")),
        Fact::Evidence { entry, .. } => ("evidence", entry.to_string()),
        Fact::Transfer { record, .. } => ("transfer", record.transaction.to_string()),
        Fact::ConflictingVotes { id, .. } => ("conflicting_votes", id.to_string()),
    };
    serde_json::json!({
        "about": about, "digest": verified.digest.to_string(), "height": verified.header.height,
        "kind": kind, "signers": verified.signers, "time_ms": verified.header.time_ms,
    })
}

fn keep(name: &str, bytes: &[u8]) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/proofs/vectors");
    let path = folder.join(name);
    if std::env::var_os("TRINE_WRITE_VECTORS").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
    let kept = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(kept == bytes, "{name} is not what is made now: the format or its contents changed");
}

/// Goal: every kind of proof and the receipt verify, with and without hand-over, and their bytes
/// never change unnoticed. Method: real databases, real certificates of the engine, a chain of
/// three epochs; the files are compared with those in the repository.
#[test]
fn files_verify_and_keep_their_bytes() {
    deterministic::Runner::seeded(1).start(|context| async move {
        let mut chain = Chain::build(&context, &[9, 10, 17]).await;
        let (first, second) = (trust(0, 0..4), trust(1, 1..5));
        keep("trust.json", &first.to_json());
        keep("trust-1.json", &second.to_json());
        keep("vector.txt", FILE);
        let mut table = BTreeMap::<String, _>::new();
        for (name, statement) in chain.statements().await {
            let proof = chain.prove(statement.clone(), 4).await;
            assert!(proof.hand_overs.is_empty());
            let file = proof.to_bytes(SUITE);
            let verified = verify_proof(&file, &first).unwrap();
            assert_eq!(verified.signers.len(), 3);
            keep(&format!("{name}.proof"), &file);
            table.insert(format!("{name}.proof"), describe(&verified));
            assert_eq!(Proof::from_bytes(SUITE, &file).unwrap(), proof);

            let later = chain.prove(statement, 9).await;
            assert_eq!((later.chain.headers.len(), later.hand_overs.len()), (3, 1));
            let file = later.to_bytes(SUITE);
            let handed = verify_proof(&file, &first).unwrap();
            assert_eq!(verify_proof(&file, &second).unwrap(), handed);
            assert_eq!(handed.fact, verified.fact);
            if name == "block" {
                keep("handed-over.proof", &file);
                table.insert("handed-over.proof".into(), describe(&handed));
            }
        }
        for (name, height, votes) in conflicting_votes() {
            let proof = chain.prove(Statement::ConflictingVotes(Box::new(votes)), height).await;
            let file = proof.to_bytes(SUITE);
            let verified = verify_proof(&file, &first).unwrap();
            assert_eq!(Proof::from_bytes(SUITE, &file).unwrap(), proof);
            keep(&format!("{name}.proof"), &file);
            table.insert(format!("{name}.proof"), describe(&verified));
        }
        for (name, height) in [("vector.receipt", 4), ("handed-over.receipt", 17)] {
            let receipt = receipt(chain.prove(chain.evidence(), height).await);
            let file = receipt.to_bytes(SUITE);
            let verified = verify_receipt(&file, &first, &file_facts(SUITE.hash(&[FILE]))).unwrap();
            assert_eq!((verified.log, verified.index), (LOG, ENTRY as u64));
            assert_eq!(Receipt::from_bytes(SUITE, &file).unwrap(), receipt);
            assert!(file.len() < 4_096, "{name} has {} bytes", file.len());
            keep(name, &file);
        }
        let table = serde_json::to_string_pretty(&table).unwrap() + "\n";
        keep("table.json", table.as_bytes());
    });
}

/// Goal: a proof of the wrong set, epoch, chain or block is refused with the right words. Method:
/// change one thing each and compare the error.
#[test]
fn what_does_not_match_is_named() {
    deterministic::Runner::seeded(1).start(|context| async move {
        let chain = Chain::build(&context, &[]).await;
        let trusted = trust(0, 0..4);
        let good = chain.prove(Statement::Block, 9).await;
        assert!(good.verify(&trusted).is_ok());
        let error = |change: &dyn Fn(&mut Proof)| {
            let mut proof = good.clone();
            change(&mut proof);
            proof.verify(&trusted).unwrap_err()
        };

        let other = error(&|proof| proof.hand_overs.clear());
        assert!(matches!(other, VerifyError::BadSignature(_)), "{other}");
        let other = error(&|proof| proof.chain.certificate.epoch = Epoch(2));
        assert!(matches!(other, VerifyError::WrongEpoch { .. }), "{other}");
        let other = error(&|proof| proof.chain.headers[0].time_ms += 1);
        assert!(matches!(other, VerifyError::OtherBlock { .. }), "{other}");
        let other = error(&|proof| proof.chain.headers.push(chain.headers[11].clone()));
        assert_eq!(other, VerifyError::BrokenChain(Height(11)));
        let other = error(&|proof| {
            proof.chain.certificate.signatures.pop();
        });
        assert_eq!(other, VerifyError::BadSigners(4));
        let other = error(&|proof| {
            proof.chain.certificate.signatures.truncate(2);
            proof.chain.certificate.signers = vec![0b11];
        });
        assert_eq!(other, VerifyError::TooFewSignatures { found: 2, needed: 3, validators: 4 });
        let other = error(&|proof| proof.chain.certificate.signers[0] |= 0x10);
        assert_eq!(other, VerifyError::BadSigners(4));
        let other = error(&|proof| proof.hand_overs[0] = proof.chain.clone());
        assert!(matches!(other, VerifyError::BadSignature(_)), "{other}");
        let other = error(&|proof| {
            let header = chain.headers[6].clone();
            let certificate = chain.certificates[&6].clone();
            proof.hand_overs[0] = CertifiedChain { headers: vec![header], certificate };
        });
        assert_eq!(other, VerifyError::NotAHandOver(Height(6)));
        let backwards = chain.prove(Statement::Block, 5).await;
        let other = error(&|proof| proof.chain = backwards.chain.clone());
        assert!(other.to_string().contains("signature"), "{other}");

        let mut foreign = trusted.to_json();
        let place = foreign.windows(10).position(|part| part == b"\"chain_id\"").unwrap() + 13;
        foreign[place] = if foreign[place] == b'0' { b'1' } else { b'0' };
        let foreign = TrustAnchor::from_json(&foreign).unwrap();
        let other = good.verify(&foreign).unwrap_err();
        assert!(matches!(other, VerifyError::OtherChain { .. }), "{other}");
    });
}

/// Goal: an old set cannot speak for later epochs once it has handed over. Method: the first set
/// certifies a block of the third epoch; the proof follows the hand-over.
#[test]
fn a_former_set_is_refused_after_its_hand_over() {
    deterministic::Runner::seeded(1).start(|context| async move {
        let chain = Chain::build(&context, &[]).await;
        let mut proof = chain.prove(Statement::Block, 17).await;
        let forged = finalize(&chain.headers[17], 0..4);
        proof.chain.certificate = certificate(&forged).unwrap();
        let error = proof.verify(&trust(0, 0..4)).unwrap_err();
        assert!(matches!(error, VerifyError::BadSignature(_)), "{error}");
        // The new set cannot speak for the epochs before its own either.
        let forged = finalize(&chain.headers[4], 1..5);
        proof.chain.headers = vec![chain.headers[4].clone()];
        proof.chain.certificate = certificate(&forged).unwrap();
        let error = proof.verify(&trust(0, 0..4)).unwrap_err();
        assert!(matches!(error, VerifyError::EpochBeforeTrust { .. }), "{error}");
    });
}

/// Goal: a verifier that slept through a thousand epochs, in each of which all seven validators
/// changed, needs one file of at most 2 MB. Method: make the hand-overs, verify, tell size and time
/// (`cargo test --release -p trine-ledger --test proofs a_thousand -- --nocapture`).
#[test]
fn a_thousand_hand_overs_verify() {
    let nothing = StateCommitment::default();
    let of = |epoch: u64| if epoch.is_multiple_of(2) { 0..7 } else { 7..14 };
    let chain = |epoch: u64| {
        let change = EpochChange {
            epoch: Epoch(epoch + 1),
            validators: set(of(epoch + 1)),
            following: None,
        };
        let header = Header {
            chain_id: chain_id(),
            height: Height(512 * (epoch + 1) - 1),
            epoch: Epoch(epoch),
            epoch_change: Some(change),
            ..header(nothing, nothing)
        };
        let certificate = certificate(&finalize(&header, of(epoch))).unwrap();
        CertifiedChain { headers: vec![header], certificate }
    };
    let hand_overs = (0..1_000).map(chain).collect();
    let proof = Proof { statement: Statement::Block, chain: chain(1_000), hand_overs };
    let file = proof.to_bytes(SUITE);
    let started = std::time::Instant::now();
    let verified = verify_proof(&file, &trust(0, of(0))).unwrap();
    println!("{} bytes, verified in {:?}", file.len(), started.elapsed());
    assert_eq!((verified.header.epoch, verified.signers.len()), (Epoch(1_000), 5));
    assert!(file.len() < 2_000_000, "{} bytes", file.len());
    // One that hands over to bytes that are no key: what they would sign does not count.
    let mut padded = proof.clone();
    let change = padded.hand_overs[0].headers[0].epoch_change.as_mut().unwrap();
    let mut validators = change.validators.clone().into_vec();
    let signer = validators.iter_mut().find(|one| one.organisation.0 == 7).unwrap();
    signer.key.0[33] = 1;
    change.validators = ValidatorSet::new(validators).unwrap();
    let header = padded.hand_overs[0].headers[0].clone();
    padded.hand_overs[0].certificate = certificate(&finalize(&header, of(0))).unwrap();
    let error = padded.verify(&trust(0, of(0))).unwrap_err();
    assert!(matches!(error, VerifyError::BadSignature(_)), "{error}");
    // One that was signed by others than those to whom it was handed over.
    let mut proof = proof;
    proof.hand_overs.swap(400, 401);
    assert!(proof.verify(&trust(0, of(0))).is_err());
}

/// Goal: certificates of sets of every shape verify, and one signature less does not. Method: the
/// engine's scheme for 1 to 100 validators, around the steps of quorum and signers' bytes.
#[test]
fn certificates_of_every_size_verify() {
    let nothing = StateCommitment::default();
    for validators in [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 100] {
        let header = Header { chain_id: chain_id(), ..header(nothing, nothing) };
        let chain = CertifiedChain {
            certificate: certificate(&finalize(&header, 0..validators)).unwrap(),
            headers: vec![header],
        };
        let mut proof = Proof { statement: Statement::Block, chain, hand_overs: Vec::new() };
        let trust = trust(0, 0..validators);
        let signers = proof.verify(&trust).unwrap().signers.len();
        assert_eq!(signers, set(0..validators).quorum());

        let certificate = &mut proof.chain.certificate;
        certificate.signatures.pop();
        let last = certificate.signers.iter().rposition(|byte| *byte != 0).unwrap();
        let highest = certificate.signers[last].ilog2();
        certificate.signers[last] ^= 1 << highest;
        let error = proof.verify(&trust).unwrap_err();
        assert!(matches!(error, VerifyError::TooFewSignatures { .. }), "{error}");
    }
}

/// Goal: what is not stored is said. Method: ask for heights without header or certificate.
#[test]
fn missing_parts_are_named() {
    deterministic::Runner::seeded(1).start(|context| async move {
        let chain = Chain::build(&context, &[18, 19]).await;
        let missing = certified_chain(&chain, Height(30)).await;
        assert_eq!(missing, Err(ProofError::NoHeader(Height(30))));
        let missing = certified_chain(&chain, Height(18)).await;
        assert_eq!(missing, Err(ProofError::NoCertificate(Height(18))));
    });
}
