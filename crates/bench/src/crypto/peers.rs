//! Measure other Rust libraries on the same signatures: the engine's own batch, RustCrypto, dalek.

use super::kernels::{self, Kernel};
use super::{About, Sink};
use commonware_codec::{Copying, DecodeExt as _};
use commonware_cryptography::{BatchEntry, BatchVerifier, Verifier as _, ed25519 as engine};
use commonware_parallel::Sequential;
use p256::ecdsa::signature::Verifier as _;
use rand::rngs::StdRng;
use trine_bulk::sm3;
use trine_crypto::{Algorithm, SecretKey};

/// Signatures of one run of single verifications.
const SINGLES: usize = 32;
/// Batches of the engine's own verification.
const BATCHES: [usize; 2] = [256, 4_096];

pub(super) fn measure(sink: &mut Sink<'_>) {
    dalek(sink);
    rust_crypto(sink);
    engine_batch(sink);
}

fn about(algorithm: &'static str, by: &'static str, count: usize) -> About<'static> {
    About { algorithm, operation: "verify", case: "one at a time", count, by }
}

fn dalek(sink: &mut Sink<'_>) {
    let signed = kernels::sign::<kernels::Ed25519>(SINGLES, SINGLES);
    let parsed: Vec<_> = signed
        .iter()
        .map(|one| {
            let (key, message, signature) = one.parts();
            let key = key.first_chunk().expect("32 of 64 bytes");
            let key = ed25519_dalek::VerifyingKey::from_bytes(key).expect("a key of ours");
            (key, *message, ed25519_dalek::Signature::from_bytes(signature))
        })
        .collect();
    sink.measure(about(kernels::Ed25519::ALGORITHM.name(), "ed25519-dalek", SINGLES), || {
        let good = parsed.iter().filter(|(key, message, signature)| {
            ed25519_dalek::Verifier::verify(key, message, signature).is_ok()
        });
        assert_eq!(good.count(), SINGLES, "every signature is good");
    });
}

fn rust_crypto(sink: &mut Sink<'_>) {
    let signed = kernels::sign::<kernels::P256>(SINGLES, SINGLES);
    let parsed: Vec<_> = signed
        .iter()
        .map(|one| {
            let (key, message, signature) = one.parts();
            let point = [&[4][..], key].concat();
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).expect("a key of ours");
            let signature = p256::ecdsa::Signature::from_slice(signature).expect("one of ours");
            (key, *message, signature)
        })
        .collect();
    sink.measure(about("p256", "RustCrypto p256", SINGLES), || {
        let good = parsed
            .iter()
            .filter(|(key, message, signature)| key.verify(message, signature).is_ok());
        assert_eq!(good.count(), SINGLES, "every signature is good");
    });
}

/// The engine verifies with a namespace before each message.
const NAMESPACE: &[u8] = b"trine/bench";

fn engine_batch(sink: &mut Sink<'_>) {
    for count in BATCHES {
        let signed: Vec<_> = (0..count as u64).map(signed_for_engine).collect();
        let indices: Vec<usize> = (0..count).collect();
        let about = About {
            operation: "batch",
            case: "all keys different, decoded",
            ..about("ed25519", "the engine's own batch", count)
        };
        sink.measure(about, || {
            let mut rng: StdRng = rand::make_rng();
            let entry = |_: usize, place: &usize| {
                let (key, message, signature) = &signed[*place];
                BatchEntry { namespace: NAMESPACE, message, public_key: key, signature }
            };
            assert!(engine::PublicKey::verify_batch(&mut rng, &indices, entry, &Sequential));
        });
    }
    let (key, message, signature) = signed_for_engine(0);
    assert!(key.verify(NAMESPACE, &message, &signature));
}

fn signed_for_engine(number: u64) -> (engine::PublicKey, [u8; 32], engine::Signature) {
    let mut secret = [3; 32];
    secret[..8].copy_from_slice(&number.to_be_bytes());
    let key = SecretKey::from_bytes(Algorithm::Ed25519, &secret).expect("any bytes are a seed");
    let message = sm3::hash(&number.to_be_bytes());
    let public_key = engine::PublicKey::decode(Copying(&key.public_key())).expect("a key of ours");
    let signature = key.sign(NAMESPACE, &message);
    (public_key, message, engine::Signature::decode(Copying(&signature)).expect("one of ours"))
}
