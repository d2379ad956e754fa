//! Measure the bulk kernels: batches of every size, few keys, known keys, and attacks.

use super::{About, BATCH, BATCHES, FEW_KEYS, Sink, WRONG, ours};
use trine_bulk::{Path, ed25519, p256, sm2, sm3};
use trine_crypto::{Algorithm, SecretKey};

/// Keys whose tables are kept in the case of known keys.
const KNOWN_KEYS: usize = 64;
/// Bytes for decoded Ed25519 keys in the case of known keys.
const ED25519_CACHE_BYTES: usize = 64 << 20;
/// Signatures of a run without a random equation.
const EXACT: usize = 1_024;

/// A signature with everything that verifies it.
#[derive(Clone)]
pub(super) struct Signed {
    key: [u8; 64],
    message: [u8; 32],
    signature: [u8; 64],
    hint: Option<u8>,
}

/// How signatures are verified.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Way {
    /// By one random equation for many.
    Batch,
    /// Each on its own, keys unknown.
    Exact,
    /// Each on its own (Ed25519: by one equation), keys known from before.
    Known,
}

/// An algorithm that has kernels.
pub(super) trait Kernel {
    const ALGORITHM: Algorithm;
    /// Whether a signature carries a hint, which an attacker can falsify.
    const HAS_HINT: bool;
    /// A byte of the signature that may be wrong without anybody seeing it before the equation: the
    /// lowest of s.
    const HIDDEN_BYTE: usize;
    /// The public key as the kernel takes it.
    fn key_of(public_key: &[u8]) -> [u8; 64];
    /// Makes a function that verifies all of `signed` and counts the good ones.
    fn verifier<'a>(path: Path, signed: &'a [Signed], way: Way) -> Box<dyn FnMut() -> usize + 'a>;
}

fn count(verdicts: Vec<bool>) -> usize {
    verdicts.into_iter().filter(|verdict| *verdict).count()
}

pub(super) struct Sm2;

impl Kernel for Sm2 {
    const ALGORITHM: Algorithm = Algorithm::Sm2;
    const HAS_HINT: bool = true;
    const HIDDEN_BYTE: usize = 63;

    fn key_of(public_key: &[u8]) -> [u8; 64] {
        let key = public_key.try_into().expect("a compressed point");
        sm2::uncompress(&[key])[0].expect("a key of ours")
    }

    fn verifier<'a>(path: Path, signed: &'a [Signed], way: Way) -> Box<dyn FnMut() -> usize + 'a> {
        let item = |one: &'a Signed| sm2::Item {
            public_key: &one.key,
            id: sm2::DEFAULT_ID,
            message: &one.message,
            signature: &one.signature,
            hint: one.hint,
        };
        let items: Vec<_> = signed.iter().map(item).collect();
        let known = if way == Way::Known { KNOWN_KEYS } else { 0 };
        let cache = sm2::KeyCache::new_on(path, known * sm2::TABLE_BYTES);
        cache.learn(&items.iter().map(|item| item.public_key).take(known).collect::<Vec<_>>());
        match way {
            Way::Batch => Box::new(move || count(sm2::verify_batch_on(path, &items, &cache))),
            _ => Box::new(move || count(sm2::verify_exact_on(path, &items, &cache))),
        }
    }
}

pub(super) struct P256;

impl Kernel for P256 {
    const ALGORITHM: Algorithm = Algorithm::P256;
    const HAS_HINT: bool = true;
    const HIDDEN_BYTE: usize = 63;

    fn key_of(public_key: &[u8]) -> [u8; 64] {
        let key = public_key.try_into().expect("a compressed point");
        p256::uncompress(&[key])[0].expect("a key of ours")
    }

    fn verifier<'a>(path: Path, signed: &'a [Signed], way: Way) -> Box<dyn FnMut() -> usize + 'a> {
        let item = |one: &'a Signed| p256::Item {
            public_key: &one.key,
            message: &one.message,
            signature: &one.signature,
            hint: one.hint,
        };
        let items: Vec<_> = signed.iter().map(item).collect();
        let known = if way == Way::Known { KNOWN_KEYS } else { 0 };
        let cache = p256::KeyCache::new_on(path, known * p256::TABLE_BYTES);
        cache.learn(&items.iter().map(|item| item.public_key).take(known).collect::<Vec<_>>());
        let low = p256::HighS::Reject;
        match way {
            Way::Batch => Box::new(move || count(p256::verify_batch_on(path, &items, low, &cache))),
            _ => Box::new(move || count(p256::verify_exact_on(path, &items, low, &cache))),
        }
    }
}

pub(super) struct Ed25519;

impl Kernel for Ed25519 {
    const ALGORITHM: Algorithm = Algorithm::Ed25519;
    const HAS_HINT: bool = false;
    const HIDDEN_BYTE: usize = 32;

    fn key_of(public_key: &[u8]) -> [u8; 64] {
        let mut key = [0; 64];
        key[..32].copy_from_slice(public_key);
        key
    }

    fn verifier<'a>(path: Path, signed: &'a [Signed], way: Way) -> Box<dyn FnMut() -> usize + 'a> {
        let cache_bytes = if way == Way::Known { ED25519_CACHE_BYTES } else { 0 };
        let cache = ed25519::KeyCache::new(cache_bytes);
        Box::new(move || {
            let parts: Vec<[&[u8]; 1]> = signed.iter().map(|one| [&one.message[..]]).collect();
            let item = |(one, message): (&'a Signed, _)| ed25519::Item {
                public_key: one.key.first_chunk().expect("32 of 64 bytes"),
                message,
                signature: &one.signature,
            };
            let items: Vec<_> =
                signed.iter().zip(parts.iter().map(|parts| &parts[..])).map(item).collect();
            match way {
                Way::Exact => count(ed25519::verify_each_on(path, &items, &cache)),
                _ => count(ed25519::verify_batch_on(path, &items, &cache)),
            }
        })
    }
}

/// Signs `count` messages with `keys` keys in turn.
pub(super) fn sign<K: Kernel>(count: usize, keys: usize) -> Vec<Signed> {
    let keys: Vec<_> = (0..keys as u64)
        .map(|number| {
            let mut secret = [3; 32];
            secret[..8].copy_from_slice(&number.to_be_bytes());
            let key = SecretKey::from_bytes(K::ALGORITHM, &secret).expect("small numbers are keys");
            let public_key = K::key_of(&key.public_key());
            (key, public_key)
        })
        .collect();
    let signed = |number: usize| {
        let (key, public_key) = &keys[number % keys.len()];
        let message = sm3::hash(&number.to_be_bytes());
        let signature = key.sign_unframed(&message);
        Signed {
            key: *public_key,
            message,
            signature: *signature.first_chunk().expect("64 bytes or more"),
            hint: signature.get(64).copied(),
        }
    };
    (0..count).map(signed).collect()
}

impl Signed {
    /// The parts that other libraries take: key, message, signature.
    pub(super) const fn parts(&self) -> (&[u8; 64], &[u8; 32], &[u8; 64]) {
        (&self.key, &self.message, &self.signature)
    }
}

/// Measures one way over all of `signed`.
fn run<K: Kernel>(
    sink: &mut Sink<'_>,
    (path, way): (Path, Way),
    case: &str,
    signed: &[Signed],
    good: usize,
) {
    let operation = if way == Way::Exact { "exact" } else { "batch" };
    let operation = if way == Way::Known && K::HAS_HINT { "exact" } else { operation };
    let (algorithm, count, by) = (K::ALGORITHM.name(), signed.len(), ours(path));
    let mut verify = K::verifier(path, signed, way);
    if way == Way::Known {
        verify();
    }
    sink.measure(About { algorithm, operation, case, count, by }, || {
        assert_eq!(verify(), good, "{algorithm}, {case}: as many good signatures as were made");
    });
}

pub(super) fn measure<K: Kernel>(sink: &mut Sink<'_>) {
    let best = Path::best();
    let different = sign::<K>(BATCHES[BATCHES.len() - 1], BATCHES[BATCHES.len() - 1]);
    for size in BATCHES {
        let case = "all keys different";
        run::<K>(sink, (best, Way::Batch), case, &different[..size], size);
    }
    for keys in FEW_KEYS {
        let signed = sign::<K>(BATCH, keys);
        run::<K>(sink, (best, Way::Batch), &format!("{keys} keys"), &signed, BATCH);
    }
    run::<K>(sink, (best, Way::Exact), "unknown keys", &different[..EXACT], EXACT);
    let known = sign::<K>(EXACT, KNOWN_KEYS);
    run::<K>(sink, (best, Way::Known), "known keys", &known, EXACT);
    measure_attacks::<K>(sink, &different[..BATCH]);
    if best != Path::Portable {
        let way = (Path::Portable, Way::Batch);
        run::<K>(sink, way, "all keys different", &different[..BATCH], BATCH);
    }
    measure_distinct::<K>(sink);
}

fn measure_attacks<K: Kernel>(sink: &mut Sink<'_>, good: &[Signed]) {
    let way = (Path::best(), Way::Batch);
    for wrong in WRONG {
        let mut signed = good.to_vec();
        // Spread out, so that every part of the batch has one.
        for place in 0..wrong {
            signed[place * (BATCH / wrong)].signature[K::HIDDEN_BYTE] ^= 1;
        }
        let case = match wrong {
            BATCH => "every signature wrong".to_owned(),
            wrong => format!("{wrong} wrong"),
        };
        run::<K>(sink, way, &case, &signed, BATCH - wrong);
    }
    if K::HAS_HINT {
        let mut signed = good.to_vec();
        signed.iter_mut().for_each(|one| one.hint = one.hint.map(|hint| hint ^ 1));
        run::<K>(sink, way, "every hint wrong", &signed, BATCH);
        signed.iter_mut().for_each(|one| one.hint = None);
        run::<K>(sink, way, "no hints", &signed, BATCH);
    }
}

/// The longest case: no key comes twice among very many.
fn measure_distinct<K: Kernel>(sink: &mut Sink<'_>) {
    let keys = sink.plan.distinct_keys;
    if keys == 0 || !sink.goes_on {
        return;
    }
    let signed = sign::<K>(keys, keys);
    let mut batches: Vec<_> =
        signed.chunks(BATCH).map(|part| K::verifier(Path::best(), part, Way::Batch)).collect();
    let (algorithm, by) = (K::ALGORITHM.name(), ours(Path::best()));
    let case = format!("{keys} different keys, {BATCH} at a time");
    let about = About { algorithm, operation: "batch", case: &case, count: keys, by };
    sink.measure(about, || {
        let good: usize = batches.iter_mut().map(|verify| verify()).sum();
        assert_eq!(good, keys, "every signature is good");
    });
}
