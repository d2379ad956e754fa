//! Hash what SM2 signs: the signer's identity, then the message.

use super::{ID_BYTES_MAX, Item, PUBLIC_KEY_BYTES, Prime, Sm2};
use crate::Path;
use crate::buffer::Buffer;
use crate::keyed_map::{Keyed, KeyedMap};
use crate::sm3::{BLOCK_BYTES, DIGEST_BYTES, Prefixed, Sm3, digest_many};
use crate::weierstrass::modulus::{Modulus, Words, subtract};
use crate::weierstrass::{Curve, bytes_of, pair_of};
use std::collections::hash_map::Entry;

/// Distinct keys, and each item's key and digest e.
pub(super) struct Digests {
    pub keys: Buffer<[Words; 2]>,
    /// The key of each item; `None` where the identifier is too long.
    pub key_of: Buffer<Option<u32>>,
    /// The digest of each item, of nothing where it has no key.
    pub digests: Buffer<[u8; DIGEST_BYTES]>,
}

/// What precedes the public key in the hash of an identity, its whole blocks hashed already.
struct Header {
    state: [u32; 8],
    hashed_bytes: u64,
    rest: Vec<u8>,
}

impl Header {
    /// ENTL, identifier, a, b, x and y of G (GB/T 32918.2-2016, section 5.5).
    fn new(id: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(2 + id.len() + 4 * DIGEST_BYTES);
        bytes.extend_from_slice(&((id.len() * 8) as u16).to_be_bytes());
        bytes.extend_from_slice(id);
        let a = subtract(&Prime::M, &[3, 0, 0, 0]).0;
        for words in [&a, &Sm2::B, &Sm2::G[0], &Sm2::G[1]] {
            bytes.extend_from_slice(&bytes_of(words));
        }
        let hashed = bytes.len() / BLOCK_BYTES * BLOCK_BYTES;
        let mut hasher = Sm3::new();
        hasher.update(&bytes[..hashed]);
        let rest = bytes.split_off(hashed);
        Self { state: hasher.state(), hashed_bytes: hashed as u64, rest }
    }

    fn identity<'a>(&'a self, public_key: &'a [u8; PUBLIC_KEY_BYTES]) -> Prefixed<'a> {
        Prefixed {
            state: &self.state,
            hashed_bytes: self.hashed_bytes,
            head: &self.rest,
            body: public_key,
        }
    }
}

/// Z of one signer (GB/T 32918.2-2016, section 5.5).
pub(super) fn identity(id: &[u8], public_key: &[u8; PUBLIC_KEY_BYTES]) -> [u8; DIGEST_BYTES] {
    Header::new(id).identity(public_key).digest()
}

/// Keys and digests of `items`: every identity and every message is hashed once.
///
/// A key that comes with two identifiers is listed twice.
pub(super) fn digests<'a>(path: Path, items: &[Item<'a>]) -> Digests {
    let mut headers: Vec<Header> = Vec::new();
    let mut header_of: KeyedMap<&[u8], u32> = KeyedMap::default();
    let mut signer_of = KeyedMap::with_capacity_and_hasher(items.len(), Keyed::default());
    let mut signers: Vec<(u32, &[u8; PUBLIC_KEY_BYTES])> = Vec::new();
    let mut last: Option<(&[u8], u32)> = None;
    let number = |item: &Item<'a>| {
        if item.id.len() > ID_BYTES_MAX {
            return None;
        }
        let header = match last {
            Some((id, header)) if id == item.id => header,
            _ => *header_of.entry(item.id).or_insert_with(|| {
                headers.push(Header::new(item.id));
                headers.len() as u32 - 1
            }),
        };
        last = Some((item.id, header));
        Some(match signer_of.entry((header, item.public_key)) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                signers.push((header, item.public_key));
                *entry.insert(signers.len() as u32 - 1)
            }
        })
    };
    let key_of: Buffer<Option<u32>> = items.iter().map(number).collect();
    let identity = |(header, public_key): &(u32, &'a [u8; PUBLIC_KEY_BYTES])| {
        headers[*header as usize].identity(public_key)
    };
    let mut identities = Buffer::with_capacity(signers.len());
    digest_many(path, signers.iter().map(identity), &mut identities);
    let message = |(item, key): (&Item<'a>, &Option<u32>)| match key {
        Some(key) => Prefixed::new(&identities[*key as usize], item.message),
        None => Prefixed::new(&[], &[]),
    };
    let mut digests = Buffer::with_capacity(items.len());
    digest_many(path, items.iter().zip(&*key_of).map(message), &mut digests);
    let keys = signers.iter().map(|(_, key)| pair_of(key)).collect();
    Digests { keys, key_of, digests }
}
