//! Take signed statements of the form that most have apart, many at once.
//!
//! A signed statement is a COSE_Sign1 message (RFC 9052, section 4.2) whose protected header says
//! who says what about what (RFC 9943, section 6). The usual form is what `trine` writes of content
//! with a media type: the four protected headers and the claims in deterministic order, nothing
//! unprotected, the payload attached. `docs/reference/scitt.md` knows other forms too; those are
//! `None` here, and the Python reader's to take or to refuse with a reason.

use trine_crypto::{
    Algorithm, Digest, Suite, UnframedItem, hash_many, lower_p256, verify_each_unframed,
};

/// Bytes of issuer, subject and content type.
pub const CLAIM_BYTES_MAX: usize = 8_192;
/// Bytes of the name of a key.
pub const KEY_ID_BYTES_MAX: usize = 256;
/// Bytes of the protected header.
pub const PROTECTED_BYTES_MAX: usize = 32 * 1_024;
/// Bytes of a whole statement.
pub const STATEMENT_BYTES_MAX: usize = 1_024 * 1_024;
/// Last second of the year 9999.
pub const TIME_S_MAX: u64 = 253_402_300_799;
/// Bytes of a signature.
pub const SIGNATURE_BYTES: usize = 64;

/// Tag 18 and an array of four.
const TAG_AND_ARRAY: &[u8] = &[0xd2, 0x84];
const EMPTY_MAP: &[u8] = &[0xa0];
/// Array of four, and the first of what is signed.
const CONTEXT: &[u8] = b"\x84\x6aSignature1";
pub(crate) const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
pub(crate) const BYTES: u8 = 2;
const TEXT: u8 = 3;
pub(crate) const ARRAY: u8 = 4;
const MAP: u8 = 5;
/// Labels of the protected headers (RFC 9052, section 3.1; RFC 9597, section 2).
const ALGORITHM: u64 = 1;
const CONTENT_TYPE: u64 = 3;
const KEY_ID: u64 = 4;
const CWT_CLAIMS: u64 = 15;
/// Claims (RFC 8392, section 3.1).
const ISSUER: u64 = 1;
const SUBJECT: u64 = 2;
const ISSUED_AT: u64 = 6;

/// A signed statement of the usual form; its signature is not verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedStatement<'a> {
    /// Algorithm of the key that signs.
    pub algorithm: Algorithm,
    /// Media type of the payload.
    pub content_type: &'a str,
    /// Name of the key.
    pub key_id: &'a [u8],
    /// Who says it.
    pub issuer: &'a str,
    /// What it is about.
    pub subject: &'a str,
    /// Unix time in seconds at which the issuer says that it was made.
    pub issued_at_s: Option<u64>,
    /// Content of the protected header, as received.
    pub protected: &'a [u8],
    /// What is said.
    pub payload: &'a [u8],
    /// The signature as received.
    pub signature: &'a [u8; SIGNATURE_BYTES],
}

impl<'a> SignedStatement<'a> {
    /// Takes a statement apart; nothing where it is of another form, or none.
    pub fn read(data: &'a [u8]) -> Option<Self> {
        if data.len() > STATEMENT_BYTES_MAX {
            return None;
        }
        let mut rest = Cursor(data);
        rest.expect(TAG_AND_ARRAY)?;
        let protected = rest.string(BYTES, PROTECTED_BYTES_MAX)?;
        rest.expect(EMPTY_MAP)?;
        let payload = rest.string(BYTES, STATEMENT_BYTES_MAX)?;
        let signature = rest.string(BYTES, SIGNATURE_BYTES)?.try_into().ok()?;
        rest.end()?;

        let mut rest = Cursor(protected);
        rest.map(4)?;
        rest.label(ALGORITHM)?;
        let algorithm = rest.algorithm()?;
        rest.label(CONTENT_TYPE)?;
        let content_type = rest.text()?;
        rest.label(KEY_ID)?;
        let key_id = rest.string(BYTES, KEY_ID_BYTES_MAX)?;
        rest.label(CWT_CLAIMS)?;
        let claims = rest.head(MAP)?;
        rest.label(ISSUER)?;
        let issuer = rest.text()?;
        rest.label(SUBJECT)?;
        let subject = rest.text()?;
        let issued_at_s = match claims {
            2 => None,
            3 => Some(rest.time()?),
            _ => return None,
        };
        rest.end()?;
        let statement = Self {
            algorithm,
            content_type,
            key_id,
            issuer,
            subject,
            issued_at_s,
            protected,
            payload,
            signature,
        };
        (!key_id.is_empty()).then_some(statement)
    }

    /// The bytes that are signed: the `Sig_structure` (RFC 9052, section 4.4).
    pub fn signed_bytes(&self) -> Vec<u8> {
        let mut signed = Vec::with_capacity(self.protected.len() + self.payload.len() + 24);
        signed.extend_from_slice(CONTEXT);
        for part in [self.protected, &[], self.payload] {
            write_head(&mut signed, BYTES, part.len() as u64);
            signed.extend_from_slice(part);
        }
        signed
    }
}

/// Hashes of many statements: their entries in a log (`docs/reference/scitt.md`, section 4), and
/// those of their payloads.
pub fn digests(suite: Suite, statements: &[(&[u8], SignedStatement<'_>)]) -> Vec<[Digest; 2]> {
    let whole: Vec<&[u8]> = statements.iter().map(|(data, _)| *data).collect();
    let payloads: Vec<&[u8]> = statements.iter().map(|(_, read)| read.payload).collect();
    let entries = hash_many(suite, &whole);
    entries.into_iter().zip(hash_many(suite, &payloads)).map(<[Digest; 2]>::from).collect()
}

/// Says for each statement whether its key signed it, all in bulk; a statement of another form, or
/// of another algorithm than the key, counts as not signed.
pub fn verify_signed(algorithm: Algorithm, keys: &[&[u8]], statements: &[&[u8]]) -> Vec<bool> {
    let mut verdicts = vec![false; statements.len()];
    let mut chosen = Vec::with_capacity(statements.len());
    for (place, (key, data)) in keys.iter().zip(statements).enumerate() {
        let read = SignedStatement::read(data).filter(|read| read.algorithm == algorithm);
        if let Some(read) = read {
            chosen.push((place, *key, read.signed_bytes(), signature_of(&read)));
        }
    }
    let items: Vec<_> = (chosen.iter())
        .map(|(_, public_key, message, signature)| UnframedItem { public_key, message, signature })
        .collect();
    let found = verify_each_unframed(algorithm, &items);
    for ((place, ..), verdict) in chosen.iter().zip(found) {
        verdicts[*place] = verdict;
    }
    verdicts
}

/// The signature as the chain has it, which knows the low `s` of ECDSA alone; COSE knows both.
fn signature_of(read: &SignedStatement<'_>) -> [u8; SIGNATURE_BYTES] {
    match read.algorithm {
        Algorithm::P256 => lower_p256(read.signature).unwrap_or(*read.signature),
        _ => *read.signature,
    }
}

/// Takes an array of byte strings apart; nothing where it is something else, or has over
/// `count_max` of them.
pub fn byte_strings(data: &[u8], count_max: usize) -> Option<Vec<&[u8]>> {
    let mut rest = Cursor(data);
    let count = usize::try_from(rest.head(ARRAY)?).ok().filter(|count| *count <= count_max)?;
    // Each has a head of one byte at least: the count of what is there is bounded by its length.
    let mut found = Vec::with_capacity(count.min(data.len()));
    for _ in 0..count {
        found.push(rest.string(BYTES, usize::MAX)?);
    }
    rest.end()?;
    Some(found)
}

/// Writes a head in its shortest form.
pub(crate) fn write_head(to: &mut Vec<u8>, major: u8, argument: u64) {
    let bytes = argument.to_be_bytes();
    let (low, width) = match argument {
        0..24 => (bytes[7], 0),
        24..0x100 => (24, 1),
        0x100..0x1_0000 => (25, 2),
        0x1_0000..0x1_0000_0000 => (26, 4),
        _ => (27, 8),
    };
    to.push(major << 5 | low);
    to.extend_from_slice(&bytes[8 - width..]);
}

/// What is left to read. Every head must be in its shortest form.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn expect(&mut self, bytes: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(bytes)?;
        Some(())
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }

    /// Reads a head of a type; gives its argument.
    fn head(&mut self, major: u8) -> Option<u64> {
        let [first] = *self.take(1)? else { return None };
        if first >> 5 != major {
            return None;
        }
        let low = first & 31;
        let (width, least) = match low {
            0..24 => return Some(u64::from(low)),
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            _ => return None,
        };
        let argument = self.take(width)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        (argument >= least).then_some(argument)
    }

    fn label(&mut self, label: u64) -> Option<()> {
        (self.head(UNSIGNED)? == label).then_some(())
    }

    fn map(&mut self, count: u64) -> Option<()> {
        (self.head(MAP)? == count).then_some(())
    }

    fn string(&mut self, major: u8, bytes_max: usize) -> Option<&'a [u8]> {
        let length = usize::try_from(self.head(major)?).ok()?;
        if length > bytes_max { None } else { self.take(length) }
    }

    fn text(&mut self) -> Option<&'a str> {
        let found = std::str::from_utf8(self.string(TEXT, CLAIM_BYTES_MAX)?).ok()?;
        (!found.is_empty()).then_some(found)
    }

    /// Reads the number of an algorithm (RFC 9053, RFC 9864); SM2 with SM3 has a private one.
    fn algorithm(&mut self) -> Option<Algorithm> {
        match self.head(NEGATIVE)? {
            7 | 18 => Some(Algorithm::Ed25519),
            6 | 8 => Some(Algorithm::P256),
            65_599 => Some(Algorithm::Sm2),
            _ => None,
        }
    }

    fn time(&mut self) -> Option<u64> {
        self.label(ISSUED_AT)?;
        self.head(UNSIGNED).filter(|time_s| *time_s <= TIME_S_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trine_crypto::SecretKey;

    fn text(content: &str) -> Vec<u8> {
        let mut encoded = Vec::new();
        write_head(&mut encoded, TEXT, content.len() as u64);
        encoded.extend_from_slice(content.as_bytes());
        encoded
    }

    fn string(content: &[u8]) -> Vec<u8> {
        let mut encoded = Vec::new();
        write_head(&mut encoded, BYTES, content.len() as u64);
        encoded.extend_from_slice(content);
        encoded
    }

    /// A statement of an algorithm with a payload of so many bytes.
    fn signed(
        algorithm: Algorithm,
        number: &[u8],
        payload: usize,
        time: &[u8],
    ) -> (Vec<u8>, Vec<u8>) {
        let key = SecretKey::from_bytes(algorithm, &[7; 32]).unwrap();
        let claims = if time.is_empty() { 0xa2 } else { 0xa3 };
        let protected = [
            &[0xa4, 1][..],
            number,
            &[3],
            &text("text/plain"),
            &[4],
            &string(&[9; 33]),
            &[15, claims, 1],
            &text("https://city.example"),
            &[2],
            &text("Brücke 7"),
            time,
        ]
        .concat();
        let payload = vec![0x70; payload];
        let signed = [CONTEXT, &string(&protected), &string(&[]), &string(&payload)].concat();
        let signature = key.sign_unframed(&signed);
        let data = [
            TAG_AND_ARRAY,
            &string(&protected),
            EMPTY_MAP,
            &string(&payload),
            &string(&signature[..SIGNATURE_BYTES]),
        ];
        (data.concat(), key.public_key())
    }

    const NUMBERS: [(Algorithm, &[u8]); 5] = [
        (Algorithm::Ed25519, &[0x27]),
        (Algorithm::Ed25519, &[0x32]),
        (Algorithm::P256, &[0x26]),
        (Algorithm::P256, &[0x28]),
        (Algorithm::Sm2, &[0x3a, 0, 1, 0, 0x3f]),
    ];

    /// Goal: all that is said is found, and the signature holds. Method: each algorithm, payloads
    /// of lengths around those of longer heads, with and without a time.
    #[test]
    fn statements_are_taken_apart_and_verified() {
        for (algorithm, number) in NUMBERS {
            for payload in [0, 23, 24, 255, 256, 65_535, 65_536] {
                for (time, expected) in [
                    (&[][..], None),
                    (&[6, 0][..], Some(0)),
                    (&[6, 0x1a, 0x6b, 0x49, 0xd2, 0], Some(1_800_000_000)),
                ] {
                    let (data, key) = signed(algorithm, number, payload, time);
                    let read = SignedStatement::read(&data).unwrap();
                    assert_eq!(read.algorithm, algorithm);
                    assert_eq!((read.issuer, read.subject), ("https://city.example", "Brücke 7"));
                    assert_eq!((read.content_type, read.key_id), ("text/plain", &[9; 33][..]));
                    assert_eq!((read.issued_at_s, read.payload.len()), (expected, payload));
                    assert_eq!(verify_signed(algorithm, &[&key], &[&data]), [true]);
                }
            }
        }
    }

    /// Goal: nothing can change. Method: flip each bit of a statement, cut it anywhere, add a byte.
    #[test]
    fn every_altered_bit_is_refused() {
        let (data, key) = signed(Algorithm::Sm2, &[0x3a, 0, 1, 0, 0x3f], 30, &[6, 0x18, 99]);
        let altered: Vec<Vec<u8>> = (0..data.len() * 8)
            .map(|bit| {
                let mut altered = data.clone();
                altered[bit / 8] ^= 1 << (bit % 8);
                altered
            })
            .collect();
        let keys = vec![&key[..]; altered.len()];
        let altered: Vec<&[u8]> = altered.iter().map(Vec::as_slice).collect();
        assert!(!verify_signed(Algorithm::Sm2, &keys, &altered).contains(&true));
        for cut in 0..data.len() {
            assert_eq!(SignedStatement::read(&data[..cut]), None);
        }
        let longer = [&data[..], &[0]].concat();
        assert_eq!(SignedStatement::read(&longer), None);
    }

    /// Goal: verdicts stand where their statements stood. Method: one of another algorithm, and
    /// none, between good ones.
    #[test]
    fn a_batch_tells_which_are_signed() {
        let (sm2, sm2_key) = signed(Algorithm::Sm2, &[0x3a, 0, 1, 0, 0x3f], 30, &[]);
        let (p256, p256_key) = signed(Algorithm::P256, &[0x26], 30, &[]);
        let keys = [&sm2_key[..], &p256_key, &sm2_key, &sm2_key];
        let found = verify_signed(Algorithm::Sm2, &keys, &[&sm2, &p256, b"none", &sm2]);
        assert_eq!(found, [true, false, false, true]);
    }

    /// Goal: one encoding, and no more items than may be. Method: one array, cut, longer, of texts,
    /// of an impossible length, with a longer head than needed.
    #[test]
    fn arrays_of_byte_strings_are_taken_apart() {
        let data = [&[0x83][..], &string(b""), &string(b"ab"), &string(&[1; 300])].concat();
        assert_eq!(byte_strings(&data, 3).unwrap(), [&b""[..], b"ab", &[1; 300]]);
        assert_eq!(byte_strings(&data, 2), None);
        assert_eq!(byte_strings(&[&data[..], &[0]].concat(), 3), None);
        for cut in 0..data.len() {
            assert_eq!(byte_strings(&data[..cut], 3), None);
        }
        assert_eq!(byte_strings(&[0x81, 0x61, 0x61], 3), None);
        assert_eq!(byte_strings(&[0x9b, 255, 255, 255, 255, 255, 255, 255, 255], 3), None);
        assert_eq!(byte_strings(&[0x81, 0x58, 1, 0], 3), None);
    }

    /// Goal: entry and content have the hashes of the suite. Method: compare with single ones.
    #[test]
    fn entries_and_contents_are_hashed() {
        let (data, _) = signed(Algorithm::Ed25519, &[0x27], 3, &[]);
        let read = SignedStatement::read(&data).unwrap();
        for suite in [Suite::Intl, Suite::Gm] {
            let found = digests(suite, &[(&data, read)]);
            assert_eq!(found, [[hash_many(suite, &[&data])[0], hash_many(suite, &[b"ppp"])[0]]]);
        }
    }
}
