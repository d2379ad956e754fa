//! Measure Ed25519 in bulk: thread CPU time a signature, beside ed25519-dalek.
//!
//! Run as `cargo run -p trine-bulk --example ed25519`; with `sign`, only signing is measured; with
//! a number, only a batch of that size is verified, over and over for a profiler.

use std::hint::black_box;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use trine_bulk::Path;
use trine_bulk::ed25519::{
    Item, KeyCache, SigningItem, SigningKey as BulkKey, sign_batch_on, verify, verify_batch_on,
    verify_each_on,
};

const COUNTS: [usize; 6] = [64, 256, 1024, 4096, 8192, 32768];
const MESSAGE_BYTES: usize = 150;
/// Repeats of a measurement end after this much CPU time or number, whichever is later.
const REPEATS_MIN: usize = 3;
const NANOSECONDS_MIN: u64 = 150_000_000;
/// Measurements for a profiler.
const PROFILED_REPEATS: usize = 8;
const CACHE_BYTES: usize = 64 << 20;

struct Signed {
    key: [u8; 32],
    message: Vec<u8>,
    signature: [u8; 64],
}

fn thread_nanoseconds() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Least CPU time of `work`, microseconds for each of `count`.
fn measure<T>(count: usize, mut work: impl FnMut() -> T) -> f64 {
    let (mut least, mut total, mut repeats) = (u64::MAX, 0, 0);
    while repeats < REPEATS_MIN || total < NANOSECONDS_MIN {
        let start = thread_nanoseconds();
        black_box(work());
        let spent = thread_nanoseconds() - start;
        least = least.min(spent);
        total += spent;
        repeats += 1;
    }
    least as f64 / 1000.0 / count as f64
}

fn sign(count: usize, keys: usize) -> Vec<Signed> {
    let keys: Vec<_> = (0..keys.min(count))
        .map(|i| {
            let mut seed = [7; 32];
            seed[..8].copy_from_slice(&(i as u64).to_le_bytes());
            SigningKey::from_bytes(&seed)
        })
        .collect();
    (0..count)
        .map(|i| {
            let key = &keys[i % keys.len()];
            let mut message = vec![3; MESSAGE_BYTES];
            message[..8].copy_from_slice(&(i as u64).to_le_bytes());
            let signature = key.sign(&message).to_bytes();
            Signed { key: key.verifying_key().to_bytes(), message, signature }
        })
        .collect()
}

fn with_items<T>(signed: &[Signed], work: impl FnOnce(&[Item<'_>]) -> T) -> T {
    let parts: Vec<[&[u8]; 1]> = signed.iter().map(|signed| [&signed.message[..]]).collect();
    let items: Vec<_> = signed
        .iter()
        .zip(&parts)
        .map(|(signed, parts)| Item {
            public_key: &signed.key,
            message: parts,
            signature: &signed.signature,
        })
        .collect();
    work(&items)
}

fn batch(path: Path, signed: &[Signed], keys: &KeyCache, bad: usize) -> f64 {
    with_items(signed, |items| {
        measure(items.len(), || {
            let verdicts = verify_batch_on(path, items, keys);
            assert_eq!(verdicts.iter().filter(|verdict| !**verdict).count(), bad);
        })
    })
}

fn library_batch(signed: &[Signed]) -> f64 {
    measure(signed.len(), || {
        let messages: Vec<_> = signed.iter().map(|signed| &signed.message[..]).collect();
        let signatures: Vec<_> =
            signed.iter().map(|signed| Signature::from_bytes(&signed.signature)).collect();
        let keys: Vec<_> = signed
            .iter()
            .map(|signed| VerifyingKey::from_bytes(&signed.key).expect("the key is a point"))
            .collect();
        ed25519_dalek::verify_batch(&messages, &signatures, &keys).expect("all are valid");
    })
}

fn library_single(signed: &[Signed]) -> f64 {
    measure(signed.len(), || {
        for signed in signed {
            let key = VerifyingKey::from_bytes(&signed.key).expect("the key is a point");
            let signature = Signature::from_bytes(&signed.signature);
            key.verify_strict(&signed.message, &signature).expect("valid");
        }
    })
}

fn spoil(signed: &mut [Signed], bad: usize) {
    let step = signed.len() / bad;
    for signed in signed.iter_mut().step_by(step).take(bad) {
        signed.message[9] ^= 1;
    }
}

fn print_batches(path: Path) {
    println!("{path:?}: microseconds a signature, {MESSAGE_BYTES}-byte messages");
    println!("  count    cold  cached 1000keys 100keys   1 bad  16 bad all bad    each");
    for count in COUNTS {
        let signed = sign(count, count);
        let cold = batch(path, &signed, &KeyCache::new(0), 0);
        let cache = KeyCache::new(CACHE_BYTES);
        let cached = batch(path, &signed, &cache, 0);
        let [many, few] =
            [1000, 100].map(|keys| batch(path, &sign(count, keys), &KeyCache::new(CACHE_BYTES), 0));
        let [one, some, all] = [1, 16, count].map(|bad| {
            let mut signed = sign(count, count);
            spoil(&mut signed, bad);
            batch(path, &signed, &cache, bad)
        });
        let each =
            with_items(&signed, |items| measure(count, || verify_each_on(path, items, &cache)));
        let figures = [cold, cached, many, few, one, some, all, each];
        let columns: String = figures.iter().map(|figure| format!("{figure:8.2}")).collect();
        println!("{count:7}{columns}");
    }
}

/// Bytes of the message that a transaction's signature covers.
const SIGNED_BYTES: usize = 52;

fn print_signing() {
    let library = SigningKey::from_bytes(&[7; 32]);
    let single =
        measure(64, || (0..64u8).map(|i| library.sign(&[i; SIGNED_BYTES])).collect::<Vec<_>>());
    let expanded =
        measure(64, || (0..64u8).map(|i| SigningKey::from_bytes(&[i; 32])).collect::<Vec<_>>());
    println!("ed25519-dalek: {single:.2} us a signature, {expanded:.2} us a key from its seed");
    for path in Path::available().iter().rev() {
        println!("{path:?}: microseconds, messages of {SIGNED_BYTES} bytes, all keys different");
        println!("  count    sign     key");
        for count in [1, 8, 16, 64, 256, 1024, 8192] {
            let seeds: Vec<[u8; 32]> =
                (0..count).map(|i| std::array::from_fn(|at| (i >> (8 * (at % 8))) as u8)).collect();
            let keys = BulkKey::new_many_on(*path, &seeds);
            let messages: Vec<_> = seeds.iter().map(|seed| [seed[0]; SIGNED_BYTES]).collect();
            let parts: Vec<[&[u8]; 1]> = messages.iter().map(|message| [&message[..]]).collect();
            let items: Vec<_> = keys
                .iter()
                .zip(&parts)
                .map(|(key, message)| SigningItem { key, message })
                .collect();
            let sign = measure(count, || sign_batch_on(*path, &items));
            let key = measure(count, || BulkKey::new_many_on(*path, &seeds));
            println!("{count:7}{sign:8.2}{key:8.2}");
        }
    }
}

fn main() {
    let only = std::env::args().nth(1);
    if only.as_deref() == Some("sign") {
        return print_signing();
    }
    if let Some(count) = only {
        let count = count.parse().expect("a number of signatures");
        let signed = sign(count, count);
        for _ in 0..PROFILED_REPEATS {
            println!("{:.2}", batch(Path::best(), &signed, &KeyCache::new(0), 0));
        }
        return;
    }
    print_signing();
    println!("ed25519-dalek: microseconds a signature, all keys different, decoding included");
    println!("  count   batch  single");
    for count in [64, 256, 1024, 4096, 8192] {
        let signed = sign(count, count);
        let single = library_single(&signed[..64]);
        println!("{count:7} {:7.2} {single:7.2}", library_batch(&signed));
    }
    let signed = sign(64, 64);
    let own = with_items(&signed, |items| measure(64, || items.iter().all(verify)));
    println!("portable single {own:.2}");
    for path in Path::available().iter().rev() {
        print_batches(*path);
    }
}
