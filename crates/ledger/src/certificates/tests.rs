//! Compare certificates with those of the library's Ed25519 scheme.

use super::*;
use commonware_codec::{Copying, Decode as _, DecodeExt as _, Encode as _};
use commonware_consensus::{
    simplex::{scheme::ed25519, types::Proposal},
    types::{Epoch, Round, View},
};
use commonware_cryptography::{ed25519 as library, sha256::Digest as Hash};
use commonware_parallel::Sequential;
use proptest::prelude::*;
use rand::{SeedableRng as _, rngs::StdRng};
use trine_crypto::{Algorithm, SecretKey, learned_keys};

const NAMESPACE: &[u8] = b"trine/consensus/test";

fn proposal(view: u64) -> Proposal<Hash> {
    Proposal::new(Round::new(Epoch::new(3), View::new(view)), View::new(1), Hash([9; 32]))
}

fn secret(number: u8) -> SecretKey {
    SecretKey::from_bytes(Algorithm::Ed25519, &[number; 32]).unwrap()
}

/// The same validators in our scheme and in the library's, in the order of their keys.
fn validators(count: u8) -> (Vec<Scheme>, Vec<ed25519::Scheme>) {
    let ours: Vec<_> = (0..count).map(|number| VoteSigner::new(secret(number)).unwrap()).collect();
    let set = Set::from_iter_dedup(ours.iter().map(|signer| signer.public_key()));
    let mut ours: Vec<_> = ours
        .into_iter()
        .map(|signer| Scheme::signer(NAMESPACE, set.clone(), signer).unwrap())
        .collect();
    ours.sort_by_key(|scheme| scheme.me.unwrap().index());
    let keys =
        (0..count).map(|number| library::PrivateKey::decode(Copying(&[number; 32])).unwrap());
    let keys: Vec<library::PrivateKey> = keys.collect();
    let set = Set::from_iter_dedup(keys.iter().map(|key| key.public_key()));
    let mut theirs: Vec<_> = keys
        .into_iter()
        .map(|key| ed25519::Scheme::signer(NAMESPACE, set.clone(), key).unwrap())
        .collect();
    theirs.sort_by_key(|scheme| scheme.me().unwrap().index());
    (ours, theirs)
}

fn rng() -> StdRng {
    StdRng::seed_from_u64(1)
}

/// Collects the certificate of the validators at `places`.
fn certify<S>(schemes: &[S], places: &[usize], view: u64) -> Result<S::Certificate, AssemblyError>
where
    S: for<'a> CertificateScheme<Subject<'a, Hash> = Subject<'a, Hash>>,
{
    let proposal = proposal(view);
    let votes: Vec<_> = places
        .iter()
        .map(|place| {
            schemes[*place].sign::<Hash>(Subject::Finalize { proposal: &proposal }).unwrap()
        })
        .collect();
    let votes = NonEmpty::try_new(votes.into_iter()).expect("the test names validators");
    schemes[0].assemble(votes, &Sequential)
}

/// Goal: certificates are the library's, byte for byte. Method: sets of every size, a quorum of
/// each, in both schemes; one signature fewer is refused by both.
#[test]
fn certificates_are_those_of_the_library() {
    for count in 1..=10_u8 {
        let (ours, theirs) = validators(count);
        let quorum = ours[0].quorum();
        let places: Vec<usize> = (0..quorum).rev().collect();
        let mine = certify(&ours, &places, 7).unwrap().encode();
        assert_eq!(mine, certify(&theirs, &places, 7).unwrap().encode(), "{count} validators");
        assert!(mine.len() <= Scheme::max_certificate_size(count.into()));
        if quorum > 1 {
            let refused = certify(&ours, &places[1..], 7).unwrap_err();
            assert_eq!(refused, certify(&theirs, &places[1..], 7).unwrap_err());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Goal: what the library refuses is refused, and nothing else. Method: change one byte of a
    /// certificate, or nothing, and compare decoding and verdict.
    #[test]
    fn verdicts_are_those_of_the_library(
        count in 1..8_u8, place: prop::sample::Index, change: u8, view in 7..9_u64,
    ) {
        let (ours, theirs) = validators(count);
        let places: Vec<usize> = (0..ours[0].quorum()).collect();
        let mut bytes = certify(&ours, &places, 7).unwrap().encode().to_vec();
        let at = place.index(bytes.len());
        bytes[at] ^= change;
        let proposal = proposal(view);
        let subject = Subject::Finalize { proposal: &proposal };
        let validators = usize::from(count);
        let mine = Certificate::decode_cfg(Copying(&bytes), &validators).is_ok_and(|certificate| {
            ours[0].verify_certificate(&mut rng(), subject, &certificate, &Sequential)
        });
        type Theirs = library::certificate::Certificate;
        let library = Theirs::decode_cfg(Copying(&bytes), &validators).is_ok_and(|certificate| {
            theirs[0].verify_certificate(&mut rng(), subject, &certificate, &Sequential)
        });
        prop_assert_eq!(mine, library);
        prop_assert_eq!(mine, change == 0 && view == 7);
    }

    /// Goal: bad votes are told from good ones. Method: votes of all, some for another view, one
    /// under a stranger's number; the rest is verified.
    #[test]
    fn bad_votes_are_named(wrong in prop::collection::vec(any::<bool>(), 5)) {
        let (ours, _) = validators(5);
        let (good, other) = (proposal(7), proposal(8));
        let votes = ours.iter().zip(&wrong).map(|(scheme, wrong)| {
            let proposal = if *wrong { &other } else { &good };
            scheme.sign(Subject::Notarize { proposal }).unwrap()
        });
        let mut votes: Vec<Attestation<Scheme>> = votes.collect();
        let stranger = Participant::new(5);
        votes.push(Attestation { signer: stranger, signature: votes[0].signature.clone() });
        let subject = Subject::Notarize { proposal: &good };
        let found = ours[0].verify_attestations(&mut rng(), subject, votes, &Sequential);
        let bad = |place: &u32| wrong.get(*place as usize).is_none_or(|wrong| *wrong);
        let expected: Vec<_> = (0..6).filter(bad).map(Participant::new).collect();
        prop_assert_eq!(&found.invalid, &expected);
        prop_assert_eq!(found.verified.len(), 6 - expected.len());
    }
}

/// Goal: a member does not vote, and a stranger is nobody. Method: ask them to.
#[test]
fn only_signers_sign() {
    let (ours, _) = validators(4);
    let set = ours[0].participants().clone();
    let proposal = proposal(7);
    let subject = Subject::Finalize { proposal: &proposal };
    let key = set.key(Participant::new(2)).unwrap();
    let member = Scheme::member(NAMESPACE, set.clone(), key).unwrap();
    assert_eq!(member.me(), Some(Membership::Member(Participant::new(2))));
    assert!(member.sign(subject).is_none());
    let verifier = Scheme::verifier(NAMESPACE, set.clone());
    assert_eq!(verifier.me(), None);
    assert!(verifier.sign(subject).is_none());
    let stranger = VoteSigner::new(secret(200)).unwrap();
    assert!(Scheme::member(NAMESPACE, set.clone(), &stranger.public_key()).is_none());
    assert!(Scheme::signer(NAMESPACE, set, stranger).is_none());
}

/// Goal: votes are checked with tables of the validators' keys. Method: count them around a scheme
/// of three validators with P-256; no other test here has such keys.
#[test]
fn a_scheme_learns_its_validators() {
    let before = learned_keys(Algorithm::P256);
    let keys = (1..=3).map(|number| {
        let key = SecretKey::from_bytes(Algorithm::P256, &[number; 32]).unwrap();
        VoteSigner::new(key).unwrap().public_key()
    });
    Scheme::verifier(NAMESPACE, Set::from_iter_dedup(keys));
    assert_eq!(learned_keys(Algorithm::P256), before + 3);
}
