//! Check SM2 against published answers and its paths against each other.

use super::nonces::first_nonces;
use super::sign::sign_with_nonces;
use super::*;
use crate::weierstrass::vectors::{read, unhex_field};
use crate::weierstrass::{bytes_of, modulus::sum};
use proptest::prelude::*;

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("the right length")
}

/// A signature that owns its bytes.
#[derive(Clone, Debug)]
struct Owned {
    public_key: [u8; 64],
    id: Vec<u8>,
    message: Vec<u8>,
    signature: [u8; 64],
    hint: Option<u8>,
}

impl Owned {
    fn item(&self) -> Item<'_> {
        Item {
            public_key: &self.public_key,
            id: &self.id,
            message: &self.message,
            signature: &self.signature,
            hint: self.hint,
        }
    }
}

/// Checks every way to verify against `expected`.
fn check_everywhere(items: &[Owned], expected: &[bool]) {
    let items: Vec<_> = items.iter().map(Owned::item).collect();
    let single: Vec<_> = items.iter().map(verify).collect();
    assert_eq!(single, expected, "single");
    for &path in Path::available() {
        let cache = KeyCache::new_on(path, 3 * TABLE_BYTES);
        for round in ["cold", "known"] {
            assert_eq!(verify_batch_on(path, &items, &cache), expected, "{path:?} {round}");
            assert_eq!(verify_exact_on(path, &items, &cache), expected, "{path:?} {round}");
            let keys: Vec<_> = items.iter().map(|item| item.public_key).take(4).collect();
            cache.learn(&keys);
        }
        let cache = KeyCache::new_on(path, items.len() * TABLE_BYTES);
        cache.learn(&items.iter().map(|item| item.public_key).collect::<Vec<_>>());
        let alone = |item: &Item| verify_exact_on(path, &[*item], &cache)[0];
        assert_eq!(items.iter().map(alone).collect::<Vec<_>>(), expected, "{path:?} alone");
    }
}

fn signer(number: u8) -> SigningKey {
    SigningKey::new(&[number + 1; 32]).expect("a key")
}

fn signed(number: u8, id: &[u8], message: &[u8]) -> Owned {
    let key = signer(number);
    let (signature, hint) = key.sign(id, message);
    let public_key = *key.public_key();
    Owned { public_key, id: id.to_vec(), message: message.to_vec(), signature, hint: Some(hint) }
}

/// Goal: the example of the standard, to the last byte. Method: its key, nonce and message.
#[test]
fn the_example_of_the_standard_is_met() {
    let Some(file) = read("crypto/sm2/sm2_standard_example.json") else { return };
    let case = &file["sign"];
    let key = SigningKey::new(&array(&unhex_field(case, "private_key_hex"))).expect("a key");
    assert_eq!(key.public_key()[..], unhex_field(case, "public_key_hex")[1..]);
    assert_eq!(key.identity(DEFAULT_ID)[..], unhex_field(case, "za_hex"));
    let e = words_of(&array(&unhex_field(case, "e_hex")));
    let nonce = words_of(&array(&unhex_field(case, "k_hex")));
    let (signature, hint) = signed_with(&key, &e, &nonce);
    assert_eq!(signature[..32], unhex_field(case, "r_hex"));
    assert_eq!(signature[32..], unhex_field(case, "s_hex"));
    let message = case["message"].as_str().expect("text").as_bytes().to_vec();
    let public_key = *key.public_key();
    let item = Owned { public_key, id: DEFAULT_ID.to_vec(), message, signature, hint: Some(hint) };
    check_everywhere(std::slice::from_ref(&item), &[true]);
    assert_eq!(super::hint(&item.item()), Some(hint));
}

/// Integer of a strict DER sequence at `at`; moves `at` behind it.
fn der_integer(bytes: &[u8], at: &mut usize) -> Option<[u8; 32]> {
    let (&tag, &len) = (bytes.get(*at)?, bytes.get(*at + 1)?);
    let body = bytes.get(*at + 2..*at + 2 + usize::from(len))?;
    *at += 2 + usize::from(len);
    let first = *body.first()?;
    let padded = first == 0 && body.len() > 1;
    if tag != 2 || first >= 0x80 || (padded && body[1] < 0x80) {
        return None;
    }
    let digits = if padded { &body[1..] } else { body };
    let mut number = [0; 32];
    number.get_mut(32usize.checked_sub(digits.len())?..)?.copy_from_slice(digits);
    Some(number)
}

/// r and s of a strict DER signature.
fn der_signature(bytes: &[u8]) -> Option<[u8; 64]> {
    if bytes.first() != Some(&0x30) || usize::from(*bytes.get(1)?) != bytes.len() - 2 {
        return None;
    }
    let mut at = 2;
    let pair = [der_integer(bytes, &mut at)?, der_integer(bytes, &mut at)?];
    (at == bytes.len()).then(|| array(&pair.concat()))
}

/// Goal: OpenSSL's verdicts. Method: its cases with a message, in one call and each on its own.
#[test]
fn published_verdicts_are_met() {
    let Some(file) = read("crypto/sm2/sm2_verify_openssl.json") else { return };
    let mut items = Vec::new();
    let mut expected = Vec::new();
    let mut digests = 0;
    for case in file["cases"].as_array().expect("a list") {
        let valid = case["expected"] == "valid";
        let key = unhex_field(case, "public_key_hex");
        let signature = unhex_field(case, "sig_hex");
        let signature = match case["sig_encoding"].as_str() {
            Some("rs") => signature.try_into().ok(),
            _ => der_signature(&signature),
        };
        let (Some(signature), Some((4, Ok(public_key)))) =
            (signature, key.split_first().map(|(tag, rest)| (*tag, rest.try_into())))
        else {
            assert!(!valid, "{case}");
            continue;
        };
        if case["mode"] == "message" {
            let id = unhex_field(case, "distid_hex");
            let message = unhex_field(case, "msg_hex");
            items.push(Owned { public_key, id, message, signature, hint: None });
            expected.push(valid);
        } else {
            let e = array(&unhex_field(case, "e_hex"));
            let found = claim_of(&signature, &e).and_then(|(x, u, v)| {
                let claim = Claim { key: 0, x, u, v, hint: None };
                claim::parity_of::<Sm2>(&claim, &pair_of(&public_key))
            });
            assert_eq!(found.is_some(), valid, "{case}");
            digests += 1;
        }
    }
    println!("{} cases with a message, {digests} with a digest", items.len());
    assert!(items.len() > 100);
    check_everywhere(&items, &expected);
    for item in &mut items {
        item.hint = super::hint(&item.item()).or(Some(0));
    }
    check_everywhere(&items, &expected);
    let (good, _): (Vec<_>, Vec<_>) =
        items.into_iter().zip(expected).filter(|(_, valid)| *valid).unzip();
    check_everywhere(&good, &vec![true; good.len()]);
}

/// What happens to a good signature.
#[derive(Clone, Debug)]
enum Change {
    Nothing,
    FlipSignature(usize),
    FlipKey(usize),
    FlipMessage,
    OtherKey,
    WrongHint,
    NoHint,
    OddHint,
    Repeat,
    Zero(usize),
    Order(usize),
    Maximum(usize),
    OppositeS,
    ZeroT,
    InfinityKey,
    NearZero(u64),
}

fn change() -> impl Strategy<Value = Change> {
    let half = 0usize..2;
    prop_oneof![
        8 => Just(Change::Nothing),
        1 => (0usize..512).prop_map(Change::FlipSignature),
        1 => (0usize..512).prop_map(Change::FlipKey),
        1 => Just(Change::FlipMessage),
        1 => Just(Change::OtherKey),
        1 => Just(Change::WrongHint),
        1 => Just(Change::NoHint),
        1 => Just(Change::OddHint),
        4 => Just(Change::Repeat),
        1 => half.clone().prop_map(Change::Zero),
        1 => half.clone().prop_map(Change::Order),
        1 => half.prop_map(Change::Maximum),
        1 => Just(Change::OppositeS),
        1 => Just(Change::ZeroT),
        1 => Just(Change::InfinityKey),
        1 => (1u64..40).prop_map(Change::NearZero),
    ]
}

/// The changed signature; the answer is that of the exact single verification.
fn changed(mut item: Owned, change: &Change, before: Option<&Owned>) -> Owned {
    let order = bytes_of(&Order::M);
    let half = |index: usize| 32 * index..32 * (index + 1);
    match change {
        Change::Nothing => {}
        Change::FlipSignature(bit) => item.signature[bit / 8] ^= 1 << (bit % 8),
        Change::FlipKey(bit) => item.public_key[bit / 8] ^= 1 << (bit % 8),
        Change::FlipMessage => item.message.push(1),
        Change::OtherKey => item.public_key = *signer(77).public_key(),
        Change::WrongHint => item.hint = item.hint.map(|hint| 1 - hint),
        Change::NoHint => item.hint = None,
        Change::OddHint => item.hint = Some(7),
        Change::Repeat => item = before.cloned().unwrap_or(item),
        Change::Zero(index) => item.signature[half(*index)].fill(0),
        Change::Order(index) => item.signature[half(*index)].copy_from_slice(&order),
        Change::Maximum(index) => item.signature[half(*index)].fill(0xff),
        Change::OppositeS => {
            let [_, s] = pair_of(&item.signature);
            let s = Fe::<Order>::ZERO.sub(&Fe::raw(s)).0;
            item.signature[half(1)].copy_from_slice(&bytes_of(&s));
        }
        Change::ZeroT => {
            let [r, _] = pair_of(&item.signature);
            let s = Fe::<Order>::ZERO.sub(&Fe::raw(r)).0;
            item.signature[half(1)].copy_from_slice(&bytes_of(&s));
        }
        Change::InfinityKey => item.public_key = [0; 64],
        Change::NearZero(t) => {
            let [r, _] = pair_of(&item.signature);
            let s = Fe::<Order>::raw([*t, 0, 0, 0]).sub(&Fe::raw(r)).0;
            item.signature[half(1)].copy_from_slice(&bytes_of(&s));
        }
    }
    item
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Goal: one answer on every path, batch or not. Method: mixes of good and changed signatures
    /// against the single verification.
    #[test]
    fn batch_and_single_verdicts_agree(
        parts in prop::collection::vec((0u8..5, 0u8..200, change()), 1..60),
        all_good in any::<bool>(),
    ) {
        let mut items: Vec<Owned> = Vec::new();
        for (key, message, change) in &parts {
            let id: &[u8] = if *message < 20 { b"another" } else { DEFAULT_ID };
            let item = signed(*key, id, &vec![*message; usize::from(*message)]);
            let change = if all_good { &Change::Repeat } else { change };
            items.push(changed(item, change, items.last()));
        }
        let expected: Vec<_> = items.iter().map(|item| verify(&item.item())).collect();
        check_everywhere(&items, &expected);
    }

    /// Goal: what is signed is valid, with the right hint. Method: random keys and messages.
    #[test]
    fn signatures_are_valid(
        secret in prop::array::uniform32(any::<u8>()),
        message in prop::collection::vec(any::<u8>(), 0..200),
        id in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let Some(key) = SigningKey::new(&secret) else { return Ok(()) };
        let (signature, hint) = key.sign(&id, &message);
        prop_assert_eq!((signature, hint), key.sign(&id, &message));
        let public_key = *key.public_key();
        let item = Owned { public_key, id, message, signature, hint: None };
        prop_assert_eq!(super::hint(&item.item()), Some(hint));
    }
}

/// A key's signature of e by a given nonce, the same on every path.
fn signed_with(key: &SigningKey, e: &Words, nonce: &Words) -> ([u8; 64], u8) {
    let on = |&path: &Path| sign_with_nonces(path, &[(key, *e)], vec![*nonce].into())[0];
    let mut signed = Path::available().iter().map(on);
    let first = signed.next().expect("a path");
    assert!(signed.all(|other| other == first));
    first
}

/// A signature by a given nonce.
fn with_nonce(number: u8, message: &[u8], nonce: &Words) -> Owned {
    let key = signer(number);
    let mut item = signed(number, DEFAULT_ID, message);
    let (found, digests) = (item.clone(), digest::digests(Path::Portable, &[item.item()]));
    let e = reduce::<Order>(&words_of(&digests.digests[0]));
    let (signature, hint) = signed_with(&key, &e, nonce);
    item = Owned { signature, hint: Some(hint), ..found };
    item
}

/// Goal: what is drawn but is no nonce costs a second drawing, and nothing to its neighbours.
/// Method: numbers out of range in a batch whose other nonces are right, on every path.
#[test]
fn numbers_that_are_no_nonces_are_drawn_again() {
    let less = |by: u64| subtract(&Order::M, &[by, 0, 0, 0]).0;
    let bad = [[0; 4], less(0), sum(&Order::M, &[5, 0, 0, 0]).0, [u64::MAX; 4]];
    let keys: Vec<_> = (0..20).map(signer).collect();
    let to_sign: Vec<_> = keys.iter().zip(1..).map(|(key, e)| (key, [e, 0, 0, 0])).collect();
    let expected: Vec<_> = to_sign.iter().map(|(key, e)| key.sign_digest(&bytes_of(e))).collect();
    let secrets: Vec<_> = keys.iter().map(|key| words_of(&key.to_bytes())).collect();
    for &path in Path::available() {
        let seeds = secrets.iter().zip(&to_sign).map(|(secret, (_, e))| (secret, e));
        let mut drawn = first_nonces(path, seeds);
        assert_eq!(sign_with_nonces(path, &to_sign, drawn.clone()), expected);
        for (place, bad) in [2, 3, 9, 19].into_iter().zip(bad) {
            drawn[place] = bad;
        }
        assert_eq!(sign_with_nonces(path, &to_sign, drawn), expected);
    }
}

/// Goal: scalars at the edges of digits and of the order. Method: nonces whose sums have digits of
/// zero alone below the highest, or the largest of either sign; the verifier.
#[test]
fn nonces_at_the_edges_of_digits_sign_right() {
    let less = |by: u64| subtract(&Order::M, &[by, 0, 0, 0]).0;
    let mut nonces = vec![less(1), less(2), less(31), less(32), less(33), less(64)];
    nonces.extend((0..256).step_by(5).map(|bit| {
        let mut nonce = [0; 4];
        nonce[bit / 64] = 1 << (bit % 64);
        nonce
    }));
    // All digits below the highest are 31, or -32.
    let [low, middle, high] = [0xf7df_7df7_df7d_f7df, 0xdf7d_f7df_7df7_df7d, 0x7df7_df7d_f7df_7df7];
    nonces.extend([low, low + 1].map(|low| [low, middle, high, 0x07df_7df7_df7d_f7df]));
    let items: Vec<_> = nonces.iter().map(|nonce| with_nonce(1, b"edge", nonce)).collect();
    check_everywhere(&items, &vec![true; items.len()]);
}

/// Goal: points without a slope cost nothing and change nothing. Method: batches that are full of
/// repeated and opposite nonces, and of nonces whose points are near the generator.
#[test]
fn repeated_and_opposite_points_are_added_right() {
    let mut items = Vec::new();
    for message in 0..40u8 {
        for nonce in [1u64, 2, 3, 77] {
            let nonce = [nonce, 0, 0, 0];
            items.push(with_nonce(message % 3, &[message], &nonce));
            let opposite = Fe::<Order>::ZERO.sub(&Fe::raw(nonce)).0;
            items.push(with_nonce(message % 3, &[message], &opposite));
        }
    }
    check_everywhere(&items, &vec![true; items.len()]);
    items[17].signature[40] ^= 1;
    let expected: Vec<_> = (0..items.len()).map(|index| index != 17).collect();
    check_everywhere(&items, &expected);
}

/// Goal: keys near the ends of the range. Method: the first, the last and those outside.
#[test]
fn keys_out_of_range_are_refused() {
    let less =
        |by: u64| bytes_of(&crate::weierstrass::modulus::subtract(&Order::M, &[by, 0, 0, 0]).0);
    assert!(SigningKey::new(&[0; 32]).is_none());
    assert!(SigningKey::new(&less(0)).is_none());
    assert!(SigningKey::new(&less(1)).is_none());
    assert!(SigningKey::new(&[0xff; 32]).is_none());
    assert!(SigningKey::new(&bytes_of(&sum(&Order::M, &[1, 0, 0, 0]).0)).is_none());
    for secret in [less(2), bytes_of(&[1, 0, 0, 0])] {
        let key = SigningKey::new(&secret).expect("a key");
        assert_eq!(*key.to_bytes(), secret);
        let (signature, hint) = key.sign(DEFAULT_ID, b"");
        let public_key = *key.public_key();
        let id = DEFAULT_ID.to_vec();
        let item = Owned { public_key, id, message: Vec::new(), signature, hint: Some(hint) };
        check_everywhere(&[item], &[true]);
    }
    let long = Owned { id: vec![0; ID_BYTES_MAX + 1], ..signed(1, DEFAULT_ID, b"long") };
    check_everywhere(&[long], &[false]);
}
