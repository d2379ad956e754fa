//! Sign with one key and verify one signature or many, by algorithm.

use crate::scheme::{Signed, Signer, ToSign, Verifier, frame, framed};
use crate::{ed25519, ml_dsa, p256, passkey, secp256k1, sm2};
use std::{fmt, str::FromStr};
use zeroize::Zeroizing;

/// A signature algorithm; the number is its value on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Algorithm {
    /// Ed25519 (RFC 8032), verified by the rule of ZIP 215 in every path.
    Ed25519 = 1,
    /// SM2 with SM3 (GB/T 32918.2-2016), the signer named by the default identifier.
    Sm2 = 2,
    /// ECDSA on P-256 with SHA-256 (FIPS 186-5), low `s` only.
    P256 = 3,
    /// ECDSA on secp256k1 with SHA-256 (SEC 1) and a recovery id, low `s` only.
    Secp256k1 = 4,
    /// ML-DSA-65 (FIPS 204), deterministic, with the empty context.
    MlDsa65 = 5,
}

/// A key or an algorithm name was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No algorithm has this number or name.
    #[error("unknown algorithm {0:?}, expected one of {names}", names = names())]
    UnknownAlgorithm(String),
    /// The secret key has the wrong length or value.
    #[error("not a secret key of {algorithm}: {length} bytes, expected {expected}")]
    BadSecretKey {
        /// Algorithm of the key.
        algorithm: Algorithm,
        /// Bytes given.
        length: usize,
        /// Bytes expected.
        expected: usize,
    },
}

fn names() -> String {
    Algorithm::ALL.map(|algorithm| format!("{:?}", algorithm.name())).join(", ")
}

impl Algorithm {
    /// Every algorithm, in the order of the numbers.
    pub const ALL: [Self; 5] =
        [Self::Ed25519, Self::Sm2, Self::P256, Self::Secp256k1, Self::MlDsa65];

    /// Returns the algorithm with this number on the wire.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Ed25519),
            2 => Some(Self::Sm2),
            3 => Some(Self::P256),
            4 => Some(Self::Secp256k1),
            5 => Some(Self::MlDsa65),
            _ => None,
        }
    }

    /// Number on the wire.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Name in configuration, command line and documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::Sm2 => "sm2",
            Self::P256 => "p256",
            Self::Secp256k1 => "secp256k1",
            Self::MlDsa65 => "ml-dsa-65",
        }
    }

    /// Length of a secret key, in bytes: a seed (Ed25519, ML-DSA) or a scalar, big-endian.
    pub const fn secret_key_bytes(self) -> usize {
        match self {
            Self::Ed25519 => ed25519::SECRET_KEY_BYTES,
            Self::Sm2 => sm2::SECRET_KEY_BYTES,
            Self::P256 => p256::SECRET_KEY_BYTES,
            Self::Secp256k1 => secp256k1::SECRET_KEY_BYTES,
            Self::MlDsa65 => ml_dsa::SECRET_KEY_BYTES,
        }
    }

    /// Length of a public key, in bytes.
    pub const fn public_key_bytes(self) -> usize {
        match self {
            Self::Ed25519 => ed25519::PUBLIC_KEY_BYTES,
            Self::Sm2 => sm2::PUBLIC_KEY_BYTES,
            Self::P256 => p256::PUBLIC_KEY_BYTES,
            Self::Secp256k1 => secp256k1::PUBLIC_KEY_BYTES,
            Self::MlDsa65 => ml_dsa::PUBLIC_KEY_BYTES,
        }
    }

    /// Whether a signature may have this length: its own, or with P-256 that of a passkey's
    /// assertion (see [`passkey_challenge`](crate::passkey_challenge)).
    pub fn admits_signature_bytes(self, bytes: usize) -> bool {
        let is_assertion = self == Self::P256 && passkey::is_assertion_length(bytes);
        bytes == self.signature_bytes() || is_assertion
    }

    /// Length of a signature, in bytes, that is no passkey's assertion.
    pub const fn signature_bytes(self) -> usize {
        match self {
            Self::Ed25519 => ed25519::SIGNATURE_BYTES,
            Self::Sm2 => sm2::SIGNATURE_BYTES,
            Self::P256 => p256::SIGNATURE_BYTES,
            Self::Secp256k1 => secp256k1::SIGNATURE_BYTES,
            Self::MlDsa65 => ml_dsa::SIGNATURE_BYTES,
        }
    }

    /// Says whether `key` is a well-formed public key (on the curve, finite).
    pub fn is_public_key(self, key: &[u8]) -> bool {
        self.verifier().is_public_key(key)
    }

    pub(crate) fn verifier(self) -> &'static dyn Verifier {
        match self {
            Self::Ed25519 => &ed25519::Ed25519,
            Self::Sm2 => &sm2::Sm2,
            Self::P256 => &p256::P256,
            Self::Secp256k1 => &secp256k1::Secp256k1,
            Self::MlDsa65 => &ml_dsa::MlDsa,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == text)
            .ok_or_else(|| KeyError::UnknownAlgorithm(text.to_owned()))
    }
}

/// Candidates that [`SecretKey::generate`] draws at most. A candidate is refused at most once in
/// 2^32 draws, so that only a broken source uses them up.
pub const KEY_CANDIDATES_MAX: usize = 8;

/// A secret key in memory; erased when dropped, never printed.
pub struct SecretKey {
    algorithm: Algorithm,
    secret: Zeroizing<Vec<u8>>,
    signer: Box<dyn Signer>,
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.algorithm)
    }
}

impl SecretKey {
    /// Takes a secret key of [`Algorithm::secret_key_bytes`]: the seed of RFC 8032 for Ed25519 and
    /// of FIPS 204 for ML-DSA, the big-endian scalar, from 1 to below the order, for the curves.
    ///
    /// # Errors
    /// [`KeyError::BadSecretKey`] when the length or the value is wrong.
    pub fn from_bytes(algorithm: Algorithm, secret: &[u8]) -> Result<Self, KeyError> {
        Self::with_signer(algorithm, secret, algorithm.verifier().signer(secret))
    }

    /// Takes many secret keys, each as [`SecretKey::from_bytes`] does; Ed25519 keys in bulk.
    pub fn from_many(algorithm: Algorithm, secrets: &[&[u8]]) -> Vec<Result<Self, KeyError>> {
        let signers = algorithm.verifier().signers(secrets);
        secrets
            .iter()
            .zip(signers)
            .map(|(secret, signer)| Self::with_signer(algorithm, secret, signer))
            .collect()
    }

    fn with_signer(
        algorithm: Algorithm,
        secret: &[u8],
        signer: Option<Box<dyn Signer>>,
    ) -> Result<Self, KeyError> {
        // Libraries take shorter numbers too, which would be a second encoding of a key.
        let is_sized = secret.len() == algorithm.secret_key_bytes();
        let signer = signer.filter(|_| is_sized).ok_or(KeyError::BadSecretKey {
            algorithm,
            length: secret.len(),
            expected: algorithm.secret_key_bytes(),
        })?;
        Ok(Self { algorithm, secret: Zeroizing::new(secret.to_vec()), signer })
    }

    /// Makes a key from the bytes that `fill` writes, which must be uniform and secret: candidates
    /// are drawn until one is in range (FIPS 186-5, appendix A.2.2).
    ///
    /// # Errors
    /// [`KeyError::BadSecretKey`] when [`KEY_CANDIDATES_MAX`] candidates were out of range.
    pub fn generate(
        algorithm: Algorithm,
        mut fill: impl FnMut(&mut [u8]),
    ) -> Result<Self, KeyError> {
        let mut candidate = Zeroizing::new(vec![0; algorithm.secret_key_bytes()]);
        let mut draw = || {
            fill(&mut candidate);
            Self::from_bytes(algorithm, &candidate)
        };
        (1..KEY_CANDIDATES_MAX).fold(draw(), |key, _| key.or_else(|_| draw()))
    }

    /// Algorithm of the key.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The secret itself, for a keystore to encrypt.
    pub fn expose(&self) -> &[u8] {
        &self.secret
    }

    /// Public key, encoded.
    pub fn public_key(&self) -> Vec<u8> {
        self.signer.public_key()
    }

    /// The key as SM2 decrypts with it; none for other algorithms.
    pub(crate) fn sm2(&self) -> Option<&trine_bulk::sm2::SigningKey> {
        self.signer.sm2().map(|(key, _)| key)
    }

    /// Signs `length(namespace) || namespace || message`, the length as one byte (a LEB128 varint
    /// from 128 bytes on); the same input always gives the same bytes.
    pub fn sign(&self, namespace: &[u8], message: &[u8]) -> Vec<u8> {
        self.signer.sign(&framed(namespace, message))
    }

    /// Signs exactly `message`, without a namespace: for files that other programs verify. Whoever
    /// signs bytes of others must look at them first: they could be a [`framed`] message.
    pub fn sign_unframed(&self, message: &[u8]) -> Vec<u8> {
        self.signer.sign(message)
    }
}

/// One signature to make.
#[derive(Clone, Copy, Debug)]
pub struct SigningItem<'a> {
    /// Key that signs.
    pub key: &'a SecretKey,
    /// Namespace of the signature (see [`SecretKey::sign`]).
    pub namespace: &'a [u8],
    /// Bytes to sign.
    pub message: &'a [u8],
}

/// Signs each message as [`SecretKey::sign`] does, in bulk where the algorithm can (Ed25519, SM2);
/// the signatures are in the order of the items.
pub fn sign_batch(items: &[SigningItem<'_>]) -> Vec<Vec<u8>> {
    let heads: Vec<_> = items.iter().map(|item| frame(item.namespace.len())).collect();
    let mut signatures = vec![Vec::new(); items.len()];
    for algorithm in Algorithm::ALL {
        let places: Vec<_> =
            (0..items.len()).filter(|place| items[*place].key.algorithm == algorithm).collect();
        if places.is_empty() {
            continue;
        }
        let to_sign = |place: &usize| {
            let (item, (head, length)) = (&items[*place], &heads[*place]);
            let signer = item.key.signer.as_ref();
            ToSign { signer, parts: [&head[..*length], item.namespace, item.message] }
        };
        let group: Vec<_> = places.iter().map(to_sign).collect();
        for (place, signature) in places.into_iter().zip(algorithm.verifier().sign_many(&group)) {
            signatures[place] = signature;
        }
    }
    signatures
}

/// One signature to check.
#[derive(Clone, Copy, Debug)]
pub struct BatchItem<'a> {
    /// Algorithm of the key.
    pub algorithm: Algorithm,
    /// Encoded public key.
    pub public_key: &'a [u8],
    /// Namespace of the signature (see [`SecretKey::sign`]).
    pub namespace: &'a [u8],
    /// Signed bytes.
    pub message: &'a [u8],
    /// Encoded signature.
    pub signature: &'a [u8],
}

/// Checks one signature. False for any malformed key or signature.
pub fn verify(item: BatchItem<'_>) -> bool {
    let signed = framed(item.namespace, item.message);
    item.algorithm.verifier().verify(item.public_key, &signed, item.signature)
}

/// Checks one signature over exactly `signed`, without a namespace: for what others sign, such as
/// X.509 certificates. A signature of this project covers [`framed`](crate::framed) bytes.
///
/// False for any malformed key or signature.
pub fn verify_unframed(
    algorithm: Algorithm,
    public_key: &[u8],
    signed: &[u8],
    signature: &[u8],
) -> bool {
    algorithm.verifier().verify(public_key, signed, signature)
}

/// A signature over exactly `message`, see [`verify_unframed`].
#[derive(Clone, Copy, Debug)]
pub struct UnframedItem<'a> {
    /// Encoded public key.
    pub public_key: &'a [u8],
    /// Signed bytes.
    pub message: &'a [u8],
    /// Encoded signature.
    pub signature: &'a [u8],
}

/// Checks each signature as [`verify_unframed`] does, in bulk.
pub fn verify_each_unframed(algorithm: Algorithm, items: &[UnframedItem<'_>]) -> Vec<bool> {
    fn signed<'a>(item: &UnframedItem<'a>) -> Signed<'a> {
        let UnframedItem { public_key, message, signature } = *item;
        Signed { public_key, parts: [&[], &[], message], signature }
    }
    algorithm.verifier().verify_many(&items.iter().map(signed).collect::<Vec<_>>())
}

/// Says whether every signature is valid; true for none.
///
/// Probabilistic for invalid input (accepted at most once in 2^127), exact for valid input: a good
/// batch is never refused.
pub fn verify_batch(items: &[BatchItem<'_>]) -> bool {
    verify_each(items).into_iter().all(|verdict| verdict)
}

/// Checks each signature: in bulk by algorithm while all is well, one by one where that fails.
pub fn verify_each(items: &[BatchItem<'_>]) -> Vec<bool> {
    let heads: Vec<_> = items.iter().map(|item| frame(item.namespace.len())).collect();
    let mut verdicts = vec![false; items.len()];
    for algorithm in Algorithm::ALL {
        let places: Vec<_> =
            (0..items.len()).filter(|place| items[*place].algorithm == algorithm).collect();
        if places.is_empty() {
            continue;
        }
        let signed = |place: &usize| {
            let (item, (head, length)) = (&items[*place], &heads[*place]);
            Signed {
                public_key: item.public_key,
                parts: [&head[..*length], item.namespace, item.message],
                signature: item.signature,
            }
        };
        let group: Vec<_> = places.iter().map(signed).collect();
        for (place, verdict) in places.into_iter().zip(algorithm.verifier().verify_many(&group)) {
            verdicts[place] = verdict;
        }
    }
    verdicts
}
