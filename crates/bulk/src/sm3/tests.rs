//! Check SM3 against published answers and its paths against each other.

use super::*;
use crate::Path;
use crate::weierstrass::vectors;
use proptest::prelude::*;

fn bytes_of(case: &serde_json::Value) -> Vec<u8> {
    match case["msg_hex"].as_str() {
        Some(text) => vectors::unhex(text),
        None => {
            let repeat = &case["msg_repeat"];
            let byte = vectors::unhex(repeat["byte_hex"].as_str().expect("a byte"));
            byte.repeat(repeat["count"].as_u64().expect("a count") as usize)
        }
    }
}

/// Goal: the published digests on every path. Method: all cases of the file in one call.
#[test]
fn published_digests_are_met() {
    let Some(file) = vectors::read("crypto/sm3/sm3_kat.json") else { return };
    let cases = file["cases"].as_array().expect("a list");
    let messages: Vec<_> = cases.iter().map(bytes_of).collect();
    let borrowed: Vec<_> = messages.iter().map(Vec::as_slice).collect();
    for &path in Path::available() {
        for (case, digest) in cases.iter().zip(hash_many_on(path, &borrowed)) {
            let expected = vectors::unhex(case["digest_hex"].as_str().expect("a digest"));
            assert_eq!(digest.as_slice(), expected, "{path:?} {case}");
        }
    }
    for (case, message) in cases.iter().zip(&messages) {
        assert_eq!(hash(message).as_slice(), vectors::unhex_field(case, "digest_hex"));
    }
}

/// Goal: the published HMAC codes. Method: OpenSSL's and Wycheproof's cases.
#[test]
fn published_codes_are_met() {
    if let Some(file) = vectors::read("crypto/sm3/hmac_sm3_kat.json") {
        for case in file["cases"].as_array().expect("a list") {
            let mut hmac = Hmac::new(&vectors::unhex_field(case, "key_hex"));
            hmac.update(&vectors::unhex_field(case, "msg_hex"));
            assert_eq!(hmac.code().as_slice(), vectors::unhex_field(case, "mac_hex"));
        }
    }
    let Some(file) = vectors::read("crypto/wycheproof/hmac_sm3_test.json") else { return };
    for group in file["testGroups"].as_array().expect("a list") {
        let bytes = group["tagSize"].as_u64().expect("a size") as usize / 8;
        for case in group["tests"].as_array().expect("a list") {
            let mut hmac = Hmac::new(&vectors::unhex_field(case, "key"));
            hmac.update(&vectors::unhex_field(case, "msg"));
            let matches = hmac.code()[..bytes] == vectors::unhex_field(case, "tag");
            assert_eq!(matches, case["result"] == "valid", "{case}");
        }
    }
}

fn digests_of(path: Path, messages: &[Prefixed]) -> Vec<[u8; DIGEST_BYTES]> {
    let mut digests = Vec::new();
    digest_many(path, messages.iter().copied(), &mut digests);
    digests
}

/// Goal: a block of padding that messages share is theirs. Method: groups of equal lengths around
/// the ends of blocks, one length after the other in one call, the same bytes with and without a
/// block before them.
#[test]
fn messages_of_one_length_agree() {
    let bytes: [u8; 256] = std::array::from_fn(|place| place as u8);
    let lengths = [0, 55, 56, 63, 64, 65, 119, 120, 127, 128, 192];
    for count in [1, 16, 17, 32, 33] {
        let messages: Vec<_> = lengths
            .iter()
            .flat_map(|length| {
                bytes.windows(*length.max(&1)).map(|window| &window[..*length]).take(count)
            })
            .collect();
        let expected: Vec<_> = messages.iter().map(|message| hash(message)).collect();
        for &path in Path::available() {
            assert_eq!(hash_many_on(path, &messages), expected, "{path:?} {count}");
        }
    }
    let mut before = Sm3::new();
    before.update(&bytes[..64]);
    let state = before.state();
    let both: Vec<_> = (0..32)
        .map(|place| match place {
            0..31 => Prefixed::new(&[], &bytes[64..128]),
            _ => Prefixed { state: &state, hashed_bytes: 64, head: &[], body: &bytes[64..128] },
        })
        .collect();
    for &path in Path::available() {
        let digests = digests_of(path, &both);
        assert_eq!([digests[0], digests[31]], [hash(&bytes[64..128]), hash(&bytes[..128])]);
    }
}

proptest! {
    /// Goal: one answer, however a message is cut and wherever it lies in a call. Method: random
    /// messages of different length, in one call on every path, and cut in two at random.
    #[test]
    fn paths_and_pieces_agree(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let expected: Vec<_> = messages.iter().map(|message| hash(message)).collect();
        let borrowed: Vec<_> = messages.iter().map(Vec::as_slice).collect();
        let cuts: Vec<_> = messages
            .iter()
            .map(|message| message.split_at(cut.index(message.len() + 1)))
            .collect();
        let prefixed: Vec<_> =
            cuts.iter().map(|(head, body)| Prefixed::new(head, body)).collect();
        for &path in Path::available() {
            prop_assert_eq!(&hash_many_on(path, &borrowed), &expected);
            prop_assert_eq!(&digests_of(path, &prefixed), &expected);
        }
        for ((head, body), digest) in cuts.iter().zip(&expected) {
            let mut hasher = Sm3::new();
            hasher.update(head);
            hasher.update(body);
            prop_assert_eq!(&hasher.finish(), digest);
        }
    }
}
