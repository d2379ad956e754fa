//! Name things: chains, accounts, organisations, assets, logs, heights, amounts.

use crate::codec::{Decode, DecodeError, Decoder, Encode, Encoder};
use std::fmt;
use trine_crypto::{Algorithm, Digest, Suite, VOTE_KEY_BYTES, VoteKey, ethereum_address};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl Encode for $name {
            fn encode(&self, to: &mut Encoder) {
                self.0.encode(to);
            }
        }

        impl Decode for $name {
            fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
                <$inner>::decode(from).map(Self)
            }
        }
    };
}

/// What a table in memory hashes of bytes that are a digest themselves: their head. It takes 2³²
/// hashes to make two with one head, and more for each further one than anybody has.
pub(crate) fn hashed_head<const N: usize>(digest: &[u8; N]) -> u64 {
    u64::from_le_bytes(*digest.first_chunk().expect("a digest has 20 bytes or more"))
}

macro_rules! bytes {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub [u8; $length]);

        impl std::hash::Hash for $name {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                state.write_u64(hashed_head(&self.0));
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self([0; $length])
            }
        }

        impl $name {
            /// Length in bytes.
            pub const LENGTH: usize = $length;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&crate::codec::to_hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = DecodeError;

            fn from_str(text: &str) -> Result<Self, DecodeError> {
                crate::codec::parse_hex(text)?.try_into().map(Self).map_err(|_| {
                    DecodeError::Malformed(concat!(stringify!($name), ": wrong length"))
                })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl Encode for $name {
            fn encode(&self, to: &mut Encoder) {
                to.raw(&self.0);
            }
        }

        impl Decode for $name {
            fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
                from.array().map(Self)
            }
        }
    };
}

number!(
    /// Position of a block; genesis has 0.
    Height, u64
);
number!(
    /// Number of an epoch; the first has 0.
    Epoch, u64
);
number!(
    /// Quantity of an asset in its smallest unit.
    Amount, u64
);
number!(
    /// Number of an organisation, in the order of creation, from 0.
    OrganisationId, u32
);
number!(
    /// Number of an asset, in the order of definition, from 1. Asset 1 is the primary asset, whose
    /// balance lies in the account itself.
    AssetId, u32
);
number!(
    /// Number of an evidence log, in the order of creation, from 0.
    LogId, u32
);
number!(
    /// Number of a proposal, in the order of submission, from 0.
    ProposalId, u64
);
bytes!(
    /// Hash of a chain's genesis document.
    ChainId, 32
);
bytes!(
    /// Key of a validator: number of the algorithm, then the key, padded with zeros. All zeros
    /// where there is no validator, as in the header of genesis.
    ValidatorKey, 34
);
bytes!(
    /// Hash of a transaction without its signature.
    TransactionId, 32
);
bytes!(
    /// Address of an account.
    Address, 20
);

impl AssetId {
    /// The asset whose balance lies in the account itself.
    pub const PRIMARY: Self = Self(1);
}

impl Encode for Digest {
    fn encode(&self, to: &mut Encoder) {
        to.raw(&self.0);
    }
}

impl Decode for Digest {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        from.array().map(Self)
    }
}

const _: () = assert!(ValidatorKey::LENGTH == VOTE_KEY_BYTES);

impl ValidatorKey {
    /// Takes an encoded public key; none for bytes that are no key, or an algorithm with which no
    /// validator signs.
    pub fn new(algorithm: Algorithm, key: &[u8]) -> Option<Self> {
        Some(Self(VoteKey::new(algorithm, key)?.to_array()))
    }

    /// The key as the engine takes it; none for bytes that are no key.
    pub fn vote_key(&self) -> Option<VoteKey> {
        VoteKey::from_array(&self.0)
    }

    /// Algorithm and encoded key, unchecked; none where the number means no algorithm.
    pub fn parts(&self) -> Option<(Algorithm, &[u8])> {
        let algorithm = Algorithm::from_number(self.0[0])?;
        Some((algorithm, self.0[1..].get(..algorithm.public_key_bytes())?))
    }
}

/// Hashes `parts` under a tag, so that digests of different kinds never collide:
/// `H(length(tag) as one byte || tag || parts...)`.
pub fn tagged_hash(suite: Suite, tag: &'static str, parts: &[&[u8]]) -> Digest {
    let mut hasher = suite.hasher();
    hasher.update(&[tag.len() as u8]);
    hasher.update(tag.as_bytes());
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finish()
}

impl Address {
    /// Derives the address of an account from its first key: the first 20 bytes of
    /// `tagged_hash("trine/address", algorithm number || key)`. A key of secp256k1 has the address
    /// that Ethereum gives it; bytes that are no such key have one by the hash.
    pub fn of_key(suite: Suite, algorithm: Algorithm, public_key: &[u8]) -> Self {
        if let (Algorithm::Secp256k1, Some(address)) = (algorithm, ethereum_address(public_key)) {
            return Self(address);
        }
        let digest = tagged_hash(suite, "trine/address", &[&[algorithm.number()], public_key]);
        let mut address = [0; 20];
        address.copy_from_slice(&digest.0[..20]);
        Self(address)
    }
}
