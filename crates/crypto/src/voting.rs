//! Let validators sign with any algorithm of theirs: keys and signatures as the engine wants them.
//!
//! The engine's traits ask for one key type and one signature type of fixed size. These hold every
//! algorithm that validators may use, so that one engine serves every suite, and a key may live in
//! a hardware token: whoever can sign is a [`Signing`].

use crate::{Algorithm, BatchItem, SecretKey, Suite, verify};
use bytes::BufMut;
use commonware_codec::{
    Buf, Error as CodecError, FixedArray, FixedSize, Read, ReadExt as _, Write,
};
use commonware_cryptography::{PublicKey, Signature, Signer, Verifier};
use commonware_math::algebra::Random;
use commonware_utils::{Array, Span};
use rand::CryptoRng;
use std::{fmt, ops::Deref, sync::Arc};

/// Bytes of the longest key that a validator may have.
const KEY_BYTES_MAX: usize = 33;
/// Bytes of a validator's key with the number of its algorithm.
pub const VOTE_KEY_BYTES: usize = 1 + KEY_BYTES_MAX;
/// Bytes of every signature that a validator may make.
pub const VOTE_SIGNATURE_BYTES: usize = 64;

/// Whether validators of some suite may sign with this algorithm.
fn is_for_validators(algorithm: Algorithm) -> bool {
    Suite::ALL.iter().any(|suite| suite.admits_validator(algorithm))
}

/// A validator's public key: number of the algorithm, then the key, padded with zeros.
///
/// Keys of one algorithm are ordered as their bytes are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, FixedArray)]
pub struct VoteKey([u8; VOTE_KEY_BYTES]);

impl VoteKey {
    /// Takes an encoded key; none for bytes that are no key, or an algorithm that validators may
    /// not use.
    pub fn new(algorithm: Algorithm, key: &[u8]) -> Option<Self> {
        if !is_for_validators(algorithm) || !algorithm.is_public_key(key) {
            return None;
        }
        let mut bytes = [0; VOTE_KEY_BYTES];
        bytes[0] = algorithm.number();
        bytes[1..=key.len()].copy_from_slice(key);
        Some(Self(bytes))
    }

    /// Takes a key as it travels; none for bytes that are not the one encoding of a key.
    pub fn from_array(bytes: &[u8; VOTE_KEY_BYTES]) -> Option<Self> {
        let algorithm = Algorithm::from_number(bytes[0]).filter(|one| is_for_validators(*one))?;
        let (key, padding) = bytes[1..].split_at(algorithm.public_key_bytes());
        Self::new(algorithm, key).filter(|_| padding.iter().all(|byte| *byte == 0))
    }

    /// The key as it travels.
    pub const fn to_array(&self) -> [u8; VOTE_KEY_BYTES] {
        self.0
    }

    /// Algorithm of the key.
    pub fn algorithm(&self) -> Algorithm {
        Algorithm::from_number(self.0[0]).expect("a vote key is checked when it is made")
    }

    /// The key, encoded as its algorithm says.
    pub fn key(&self) -> &[u8] {
        &self.0[1..=self.algorithm().public_key_bytes()]
    }
}

impl Write for VoteKey {
    fn write(&self, to: &mut impl BufMut) {
        self.0.write(to);
    }
}

impl Read for VoteKey {
    type Cfg = ();

    fn read_cfg(from: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        let bytes = <[u8; VOTE_KEY_BYTES]>::read(from)?;
        Self::from_array(&bytes).ok_or(CodecError::Invalid("VoteKey", "no validator's key"))
    }
}

impl FixedSize for VoteKey {
    const SIZE: usize = VOTE_KEY_BYTES;
}

impl Span for VoteKey {}
impl Array for VoteKey {}
impl PublicKey for VoteKey {}

impl Verifier for VoteKey {
    type Signature = VoteSignature;

    fn verify(&self, namespace: &[u8], message: &[u8], signature: &VoteSignature) -> bool {
        verify(signature.item(self, namespace, message))
    }
}

/// A validator's signature: 64 bytes in every algorithm, the hint of SM2 and P-256 left out.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, FixedArray)]
#[fixed_array(infallible)]
pub struct VoteSignature([u8; VOTE_SIGNATURE_BYTES]);

impl VoteSignature {
    /// What the signature says, for a batch.
    pub fn item<'a>(
        &'a self,
        key: &'a VoteKey,
        namespace: &'a [u8],
        message: &'a [u8],
    ) -> BatchItem<'a> {
        let (algorithm, public_key) = (key.algorithm(), key.key());
        BatchItem { algorithm, public_key, namespace, message, signature: &self.0 }
    }
}

impl Write for VoteSignature {
    fn write(&self, to: &mut impl BufMut) {
        self.0.write(to);
    }
}

impl Read for VoteSignature {
    type Cfg = ();

    fn read_cfg(from: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self(<[u8; VOTE_SIGNATURE_BYTES]>::read(from)?))
    }
}

impl FixedSize for VoteSignature {
    const SIZE: usize = VOTE_SIGNATURE_BYTES;
}

impl Span for VoteSignature {}
impl Array for VoteSignature {}
impl Signature for VoteSignature {}

/// Whoever can sign for a validator: a key in memory, or one in a token.
pub trait Signing: Send + Sync {
    /// The key that checks its signatures.
    fn public_key(&self) -> VoteKey;

    /// Signs `length(namespace) || namespace || message` (see [`SecretKey::sign`]).
    ///
    /// The same input must always give the same bytes: the engine compares votes as bytes, and two
    /// signatures of one vote look like two votes.
    ///
    /// None when it cannot sign any more, such as with a token that is lost: the validator then
    /// stops voting.
    fn sign(&self, namespace: &[u8], message: &[u8]) -> Option<VoteSignature>;
}

impl Signing for SecretKey {
    fn public_key(&self) -> VoteKey {
        VoteKey::new(self.algorithm(), &Self::public_key(self)).expect("checked by VoteSigner::new")
    }

    fn sign(&self, namespace: &[u8], message: &[u8]) -> Option<VoteSignature> {
        let signature = Self::sign(self, namespace, message);
        let scalars = signature.first_chunk().expect("checked by VoteSigner::new");
        Some(VoteSignature(*scalars))
    }
}

/// A validator's signer, shared by all parts of a node.
#[derive(Clone)]
pub struct VoteSigner(Arc<dyn Signing>);

impl VoteSigner {
    /// Takes a key; none when validators may not use its algorithm.
    pub fn new(key: SecretKey) -> Option<Self> {
        is_for_validators(key.algorithm()).then(|| Self(Arc::new(key)))
    }

    /// The key that checks its signatures.
    pub fn vote_key(&self) -> VoteKey {
        self.0.public_key()
    }

    /// Takes a signer of another kind.
    pub fn from_signing(signing: Arc<dyn Signing>) -> Self {
        Self(signing)
    }

    /// Signs a vote; none when the signer cannot sign any more.
    pub fn try_sign(&self, namespace: &[u8], message: &[u8]) -> Option<VoteSignature> {
        self.0.sign(namespace, message)
    }
}

impl fmt::Debug for VoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VoteSigner({})", self.0.public_key())
    }
}

impl Signer for VoteSigner {
    type Signature = VoteSignature;
    type PublicKey = VoteKey;

    fn public_key(&self) -> VoteKey {
        self.0.public_key()
    }

    /// Signs what cannot be left out, such as an introduction to a peer. Where the signer cannot
    /// sign any more, zeros are given: no key accepts them, so that the peer refuses.
    fn sign(&self, namespace: &[u8], message: &[u8]) -> VoteSignature {
        let signature = self.0.sign(namespace, message);
        signature.unwrap_or(VoteSignature([0; VOTE_SIGNATURE_BYTES]))
    }
}

impl Random for VoteSigner {
    /// Makes an Ed25519 key, as the library's simulations ask for.
    fn random(mut rng: impl CryptoRng) -> Self {
        let mut seed = zeroize::Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *seed);
        let key = SecretKey::from_bytes(Algorithm::Ed25519, &*seed);
        Self(Arc::new(key.expect("every 32 bytes are an Ed25519 seed")))
    }
}

macro_rules! show_as_hex {
    ($name:ident) => {
        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl Deref for $name {
            type Target = [u8];

            fn deref(&self) -> &[u8] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

show_as_hex!(VoteKey);
show_as_hex!(VoteSignature);

#[cfg(test)]
mod tests;
