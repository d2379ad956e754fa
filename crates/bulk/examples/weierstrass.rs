//! Measure SM2, P-256 and SM3: CPU time of one core, the least of several repeats.
//!
//! `cargo run -p trine-bulk --release --example weierstrass [batch] [repeats]`

use p256::{HighS, Item as P256Item, KeyCache as P256Cache};
use std::hint::black_box;
use trine_bulk::{Path, p256, sm2, sm3};

/// CPU time of this thread, in microseconds.
fn now_us() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

/// Least time of `repeats` runs over `count` parts, in microseconds a part.
fn measure<T>(repeats: usize, count: usize, mut run: impl FnMut() -> T) -> f64 {
    let once = |run: &mut dyn FnMut() -> T| {
        let start = now_us();
        black_box(run());
        now_us() - start
    };
    let run: &mut dyn FnMut() -> T = &mut run;
    (0..repeats).map(|_| once(run)).fold(f64::INFINITY, f64::min) / count as f64
}

struct Signed {
    public_key: [u8; 64],
    message: [u8; 32],
    signature: [u8; 64],
    hint: u8,
}

fn sm2_keys(count: usize) -> Vec<sm2::SigningKey> {
    (0..count as u64)
        .map(|number| {
            let mut secret = [3; 32];
            secret[..8].copy_from_slice(&number.to_be_bytes());
            sm2::SigningKey::new(&secret).expect("a key")
        })
        .collect()
}

/// One at a time and in bulk, all keys different, their identities hashed before.
fn measure_sm2_signing(repeats: usize) {
    let keys = sm2_keys(1024);
    let identities: Vec<_> = keys.iter().map(|key| key.identity(sm2::DEFAULT_ID)).collect();
    let messages: Vec<_> = (0..1024u64).map(|i| sm3::hash(&i.to_be_bytes())).collect();
    let items: Vec<_> = keys
        .iter()
        .zip(identities.iter().zip(&messages))
        .map(|(key, (identity, message))| sm2::SigningItem { key, identity, message })
        .collect();
    let each = measure(repeats, 100, || {
        let sign = |item: &sm2::SigningItem| item.key.sign_for(item.identity, item.message);
        items[..100].iter().map(sign).collect::<Vec<_>>()
    });
    report("SM2 signing, one at a time", each);
    for &path in Path::available().iter().rev() {
        for size in [8, 16, 64, 256, 1024] {
            let each = measure(repeats, size, || sm2::sign_batch_on(path, &items[..size]));
            report(&format!("SM2 {path:?} signing {size} at once"), each);
        }
    }
}

/// Signatures of `keys` keys in turn.
fn sm2_signatures(count: usize, keys: usize) -> Vec<Signed> {
    let keys = sm2_keys(keys);
    (0..count)
        .map(|index| {
            let key = &keys[index % keys.len()];
            let message = sm3::hash(&index.to_be_bytes());
            let (signature, hint) = key.sign(sm2::DEFAULT_ID, &message);
            Signed { public_key: *key.public_key(), message, signature, hint }
        })
        .collect()
}

fn sm2_items<'a>(signed: &'a [Signed]) -> Vec<sm2::Item<'a>> {
    let item = |signed: &'a Signed| {
        let Signed { public_key, message, signature, hint } = signed;
        let id = sm2::DEFAULT_ID;
        sm2::Item { public_key, id, message, signature, hint: Some(*hint) }
    };
    signed.iter().map(item).collect()
}

fn report(name: &str, microseconds: f64) {
    println!("{name:<56}{microseconds:>9.3} us");
}

fn measure_sm2(path: Path, count: usize, repeats: usize) {
    let empty = sm2::KeyCache::new_on(path, 0);
    let all_different = sm2_signatures(count, count);
    let items = sm2_items(&all_different);
    let all_good = |verdicts: Vec<bool>| assert!(verdicts.iter().all(|verdict| *verdict));
    for size in [64, 256, 1024, 2048, count].into_iter().filter(|size| *size <= count) {
        let each = measure(repeats, size, || {
            all_good(sm2::verify_batch_on(path, &items[..size], &empty));
        });
        report(&format!("SM2 {path:?} batch of {size}, all keys different"), each);
    }
    let few = sm2_signatures(count, 1000);
    let few_items = sm2_items(&few);
    let each = measure(repeats, count, || all_good(sm2::verify_batch_on(path, &few_items, &empty)));
    report(&format!("SM2 {path:?} batch of {count}, 1,000 keys"), each);
    let some = &items[..count.min(1024)];
    let each = measure(repeats, some.len(), || all_good(sm2::verify_exact_on(path, some, &empty)));
    report(&format!("SM2 {path:?} exact, {} unknown keys", some.len()), each);
    let known = sm2::KeyCache::new_on(path, 64 * sm2::TABLE_BYTES);
    let learn = measure(1, 64, || {
        known.learn(&few.iter().take(64).map(|signed| &signed.public_key).collect::<Vec<_>>());
    });
    report(&format!("SM2 {path:?} table of a key"), learn);
    let of_known: Vec<_> =
        few_items.chunks(1000).flat_map(|round| round.iter().take(64)).copied().collect();
    let each = measure(repeats, of_known.len(), || {
        all_good(sm2::verify_exact_on(path, &of_known, &known));
    });
    report(&format!("SM2 {path:?} exact, {} of 64 known keys", of_known.len()), each);
    measure_attacks(path, &items, repeats);
}

/// Batches that somebody made to cost more than others.
fn measure_attacks<'a>(path: Path, items: &[sm2::Item<'a>], repeats: usize) {
    let empty = sm2::KeyCache::new_on(path, 0);
    let count = items.len();
    let attack = |name: &str, change: &dyn Fn(usize, &mut sm2::Item<'a>)| {
        let mut hostile = items.to_vec();
        hostile.iter_mut().enumerate().for_each(|(index, item)| change(index, item));
        let expected = sm2::verify_exact_on(path, &hostile, &empty);
        let each = measure(repeats, count, || {
            assert_eq!(sm2::verify_batch_on(path, &hostile, &empty), expected);
        });
        report(&format!("SM2 {path:?} batch of {count}, {name}"), each);
    };
    let wrong = |item: &mut sm2::Item| item.hint = item.hint.map(|hint| 1 - hint);
    let bad = |item: &mut sm2::Item| item.message = b"another message";
    attack("one wrong hint", &|index, item| {
        if index == count / 2 {
            wrong(item)
        }
    });
    attack("all hints wrong", &|_, item| wrong(item));
    attack("no hints", &|_, item| item.hint = None);
    attack("one bad", &|index, item| {
        if index == count / 2 {
            bad(item)
        }
    });
    attack("16 bad", &|index, item| {
        if index % count.div_ceil(16) == 0 {
            bad(item)
        }
    });
    attack("all bad", &|_, item| bad(item));
    attack("one signature repeated", &|_, item| *item = items[0]);
    attack("every signature twice", &|index, item| *item = items[index / 2]);
}

/// Signs with P-256, for the sake of this measurement alone: `r` from a nonce, not in secret.
fn p256_signatures(count: usize, keys: usize) -> Vec<Signed> {
    use ::p256::ecdsa::signature::Signer;
    let keys: Vec<_> = (0..keys as u64)
        .map(|number| {
            let mut secret = [3; 32];
            secret[..8].copy_from_slice(&number.to_be_bytes());
            ::p256::ecdsa::SigningKey::from_bytes(&secret.into()).expect("a key")
        })
        .collect();
    (0..count)
        .map(|index| {
            let key = &keys[index % keys.len()];
            let message = sm3::hash(&index.to_be_bytes());
            let signature: ::p256::ecdsa::Signature = key.sign(&message);
            let signature: [u8; 64] = signature.normalize_s().to_bytes().into();
            let point = key.verifying_key().to_sec1_point(false);
            let public_key = point.as_bytes()[1..].try_into().expect("64 bytes");
            Signed { public_key, message, signature, hint: 0 }
        })
        .collect()
}

fn measure_p256(path: Path, count: usize, repeats: usize) {
    let empty = P256Cache::new_on(path, 0);
    let all_good = |verdicts: Vec<bool>| assert!(verdicts.iter().all(|verdict| *verdict));
    for keys in [count, 1000] {
        let signed = p256_signatures(count, keys);
        let mut items: Vec<_> = signed
            .iter()
            .map(|signed| {
                let Signed { public_key, message, signature, .. } = signed;
                P256Item { public_key, message, signature, hint: None }
            })
            .collect();
        let hints = p256::hints_on(path, &items, HighS::Reject, &empty);
        items.iter_mut().zip(hints).for_each(|(item, hint)| item.hint = hint);
        let each = measure(repeats, count, || {
            all_good(p256::verify_batch_on(path, &items, HighS::Reject, &empty));
        });
        report(&format!("P-256 {path:?} batch of {count}, {keys} keys"), each);
        let each = measure(repeats, 1024, || {
            all_good(p256::verify_exact_on(path, &items[..1024], HighS::Reject, &empty));
        });
        report(&format!("P-256 {path:?} exact, 1,024 of {keys} keys, none known"), each);
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number =
        |default| arguments.next().map_or(default, |text| text.parse().expect("a number"));
    let count = number(8192);
    let repeats = number(5);
    let messages: Vec<_> = (0..1024u64).map(|i| sm3::hash(&i.to_be_bytes()).repeat(2)).collect();
    let messages: Vec<_> = messages.iter().map(Vec::as_slice).collect();
    for &path in Path::available().iter().rev() {
        let each = measure(repeats, messages.len(), || sm3::hash_many_on(path, &messages));
        report(&format!("SM3 {path:?}, 64 bytes"), each);
    }
    measure_sm2_signing(repeats);
    let one = sm2_signatures(1, 1);
    let item = sm2_items(&one)[0];
    let each = measure(repeats, 20, || (0..20).filter(|_| sm2::verify(&item)).count());
    report("SM2 single, portable", each);
    for &path in Path::available().iter().rev() {
        measure_sm2(path, count, repeats);
        measure_p256(path, count, repeats);
    }
}
