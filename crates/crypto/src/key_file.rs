//! Read and write keys as PKCS#8, SEC 1 and SPKI, in DER and PEM, as other programs do.

use crate::{Algorithm, KeyError, SecretKey, p256, secp256k1, sm2};
use der::asn1::{AnyRef, BitStringRef, ContextSpecific, ObjectIdentifier, OctetStringRef};
use der::pem::LineEnding;
use der::{Decode, Encode, Reader, SliceReader, TagMode, TagNumber};
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use pkcs8::{Document, PrivateKeyInfoRef, SecretDocument};
use sec1::{EcParameters, EcPrivateKey};
use zeroize::Zeroizing;

mod encrypted;

pub use encrypted::{PBKDF2_ITERATIONS_MAX, SCRYPT_BYTES_MAX};

/// Longest key file that is read, in bytes.
pub const KEY_FILE_BYTES_MAX: usize = 64 * 1024;

/// `id-ecPublicKey`, RFC 5480, section 2.1.1; its parameter names the curve.
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// `secp256r1`, RFC 5480, section 2.1.1.1.
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// `secp256k1`, SEC 2, appendix A.2.
const SECP256K1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.10");
/// `sm2`, GM/T 0006-2012: the curve, and by it the algorithm.
const SM2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.301");
/// `id-Ed25519`, RFC 8410, section 3.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// `id-ml-dsa-65`, RFC 9881, section 2.
const ML_DSA_65: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18");
/// Tag of the seed in a private key, RFC 9881, section 6.
const SEED: TagNumber = TagNumber(0);

const PRIVATE_KEY: &str = "PRIVATE KEY";
const ENCRYPTED_PRIVATE_KEY: &str = "ENCRYPTED PRIVATE KEY";
const EC_PRIVATE_KEY: &str = "EC PRIVATE KEY";
/// What OpenSSL 3 writes for SM2, with the content of an EC PRIVATE KEY.
const SM2_PRIVATE_KEY: &str = "SM2 PRIVATE KEY";
const PUBLIC_KEY: &str = "PUBLIC KEY";

/// A key file was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    /// Neither PEM nor DER of a known structure, or over [`KEY_FILE_BYTES_MAX`].
    #[error("not a key file: {0}")]
    Malformed(String),
    /// A key of an algorithm, a curve or a form that is not supported.
    #[error("unsupported key: {0}")]
    Unsupported(String),
    /// The file is encrypted and no password was given.
    #[error("the key file is encrypted: give its password")]
    PasswordNeeded,
    /// Decryption failed: the password is wrong or the file damaged.
    #[error("the password is wrong, or the key file is damaged")]
    WrongPassword,
    /// The work that the file asks for before its password can be tried is over the limit.
    #[error("the key file asks for too much work: {0}")]
    TooCostly(String),
    /// The public key beside the secret key is not its own.
    #[error("the public key in the key file does not belong to its secret key")]
    WrongPublicKey,
    /// The secret key has the wrong length or value.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Not a well-formed public key of the algorithm.
    #[error("not a public key of {0}")]
    BadPublicKey(Algorithm),
}

impl KeyFileError {
    /// Stable name of the error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "bad_key_file",
            Self::Unsupported(_) => "unsupported_key",
            Self::PasswordNeeded => "password_needed",
            Self::WrongPassword => "wrong_password",
            Self::TooCostly(_) => "key_file_too_costly",
            Self::WrongPublicKey => "wrong_public_key",
            Self::Key(KeyError::UnknownAlgorithm(_)) => "unknown_algorithm",
            Self::Key(KeyError::BadSecretKey { .. }) => "bad_secret_key",
            Self::BadPublicKey(_) => "bad_public_key",
        }
    }
}

fn malformed(error: impl ToString) -> KeyFileError {
    KeyFileError::Malformed(error.to_string())
}

impl SecretKey {
    /// Reads a secret key in PEM or DER: PKCS#8 (RFC 5958), encrypted PKCS#8 (PBES2 of RFC 8018
    /// with PBKDF2 or scrypt) or `ECPrivateKey` (SEC 1, appendix C.4; RFC 5915).
    ///
    /// In PEM other blocks before the key, such as curve parameters, are passed over. `password` is
    /// used for an encrypted file alone. A public key in the file must belong to the secret key.
    ///
    /// # Errors
    /// [`KeyFileError`]; any bytes give an error, and none asks for work beyond the limits.
    pub fn from_key_file(file: &[u8], password: Option<&[u8]>) -> Result<Self, KeyFileError> {
        let labels = [PRIVATE_KEY, EC_PRIVATE_KEY, SM2_PRIVATE_KEY, ENCRYPTED_PRIVATE_KEY];
        match read_pem(file, &labels)? {
            Some((EC_PRIVATE_KEY | SM2_PRIVATE_KEY, der)) => of_sec1(&der, None),
            Some((PRIVATE_KEY, der)) => of_pkcs8(&der),
            Some((_, der)) => of_pkcs8(&encrypted::decrypt(&der, password)?),
            None => of_any_der(file, password),
        }
    }

    /// Writes the key as PKCS#8 in DER (RFC 5958; RFC 5915, 8410 and 9881 for what is inside).
    ///
    /// # Errors
    /// [`KeyFileError::Malformed`] when the encoder refuses, which no key is known to cause.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
        Ok(self.to_pkcs8()?.to_bytes())
    }

    /// Writes the key as PKCS#8 in PEM, label `PRIVATE KEY`.
    ///
    /// # Errors
    /// As [`SecretKey::to_pkcs8_der`].
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, KeyFileError> {
        self.to_pkcs8()?.to_pem(PRIVATE_KEY, LineEnding::LF).map_err(malformed)
    }

    fn to_pkcs8(&self) -> Result<SecretDocument, KeyFileError> {
        let inner = Zeroizing::new(self.private_key_field().map_err(malformed)?);
        let curve = curve_of(self.algorithm());
        let key = OctetStringRef::new(&inner).map_err(malformed)?;
        let info = PrivateKeyInfoRef::new(identifier(self.algorithm(), curve.as_ref()), key);
        SecretDocument::encode_msg(&info).map_err(malformed)
    }

    /// The content of `privateKey` in PKCS#8.
    fn private_key_field(&self) -> der::Result<Vec<u8>> {
        let secret = self.expose();
        match self.algorithm() {
            Algorithm::Ed25519 => OctetStringRef::new(secret)?.to_der(),
            Algorithm::MlDsa65 => ContextSpecific {
                tag_number: SEED,
                tag_mode: TagMode::Implicit,
                value: OctetStringRef::new(secret)?,
            }
            .to_der(),
            Algorithm::Sm2 | Algorithm::P256 | Algorithm::Secp256k1 => {
                let public_key = point(self.algorithm(), &self.public_key());
                EcPrivateKey {
                    private_key: secret,
                    parameters: None,
                    public_key: public_key.as_deref(),
                }
                .to_der()
            }
        }
    }
}

/// Reads a public key: `SubjectPublicKeyInfo` (RFC 5280, section 4.1) in PEM or DER.
///
/// Returns the algorithm and the key in its one encoding on the wire; points of curves may be
/// compressed or not in the file.
///
/// # Errors
/// [`KeyFileError`]; any bytes give an error.
pub fn public_key_from_spki(file: &[u8]) -> Result<(Algorithm, Vec<u8>), KeyFileError> {
    let pem = read_pem(file, &[PUBLIC_KEY])?;
    let der = pem.as_ref().map_or(file, |(_, der)| der);
    let info = SubjectPublicKeyInfoRef::try_from(der).map_err(malformed)?;
    let algorithm = identify(&info.algorithm)?;
    let bits = info.subject_public_key.as_bytes();
    let bits = bits.ok_or(KeyFileError::BadPublicKey(algorithm))?;
    Ok((algorithm, wire_key(algorithm, bits)?))
}

/// Writes a public key as `SubjectPublicKeyInfo` in DER; points of curves uncompressed, the form
/// that every program reads.
///
/// # Errors
/// [`KeyFileError::BadPublicKey`] when `key` is no key of the algorithm.
pub fn public_key_to_spki_der(algorithm: Algorithm, key: &[u8]) -> Result<Vec<u8>, KeyFileError> {
    spki(algorithm, key).map(Document::into_vec)
}

/// Writes a public key as `SubjectPublicKeyInfo` in PEM, label `PUBLIC KEY`.
///
/// # Errors
/// As [`public_key_to_spki_der`].
pub fn public_key_to_spki_pem(algorithm: Algorithm, key: &[u8]) -> Result<String, KeyFileError> {
    spki(algorithm, key)?.to_pem(PUBLIC_KEY, LineEnding::LF).map_err(malformed)
}

fn spki(algorithm: Algorithm, key: &[u8]) -> Result<Document, KeyFileError> {
    if !algorithm.is_public_key(key) {
        return Err(KeyFileError::BadPublicKey(algorithm));
    }
    let point = point(algorithm, key);
    let bits = point.as_deref().unwrap_or(key);
    let curve = curve_of(algorithm);
    let info = SubjectPublicKeyInfoRef {
        algorithm: identifier(algorithm, curve.as_ref()),
        subject_public_key: BitStringRef::from_bytes(bits).map_err(malformed)?,
    };
    Document::encode_msg(&info).map_err(malformed)
}

/// The label of a PEM block and its content.
type Block<'a> = (&'a str, Zeroizing<Vec<u8>>);

/// The PEM block with one of `labels` and its label; none when `file` is not PEM.
fn read_pem<'a>(file: &[u8], labels: &[&'a str]) -> Result<Option<Block<'a>>, KeyFileError> {
    if file.len() > KEY_FILE_BYTES_MAX {
        let length = file.len();
        return Err(malformed(format!("{length} bytes, at most {KEY_FILE_BYTES_MAX}")));
    }
    let Some(text) = std::str::from_utf8(file).ok().filter(|text| text.contains("-----BEGIN "))
    else {
        return Ok(None);
    };
    let found = labels.iter().find_map(|label| {
        let start = text.find(&format!("-----BEGIN {label}-----"))?;
        Some((*label, &text[start..]))
    });
    let Some((label, block)) = found else {
        return Err(malformed(format!("PEM without a block {}", labels.join(" or "))));
    };
    let (_, der) = der::pem::decode_vec(block.as_bytes()).map_err(malformed)?;
    Ok(Some((label, Zeroizing::new(der))))
}

/// Tells the three structures apart by what follows the SEQUENCE's header: a version of 0 or 1
/// (PKCS#8), of 1 and an OCTET STRING (SEC 1), or another SEQUENCE (encrypted).
fn of_any_der(der: &[u8], password: Option<&[u8]>) -> Result<SecretKey, KeyFileError> {
    if EcPrivateKey::from_der(der).is_ok() {
        of_sec1(der, None)
    } else if encrypted::is_encrypted(der) {
        of_pkcs8(&encrypted::decrypt(der, password)?)
    } else {
        of_pkcs8(der)
    }
}

fn of_pkcs8(der: &[u8]) -> Result<SecretKey, KeyFileError> {
    let info = PrivateKeyInfoRef::try_from(der).map_err(malformed)?;
    let algorithm = identify(&info.algorithm)?;
    let inner = info.private_key.as_bytes();
    let key = match algorithm {
        Algorithm::Sm2 | Algorithm::P256 | Algorithm::Secp256k1 => of_sec1(inner, Some(algorithm))?,
        Algorithm::Ed25519 => {
            let seed = <&OctetStringRef>::from_der(inner).map_err(malformed)?;
            SecretKey::from_bytes(algorithm, seed.as_bytes())?
        }
        Algorithm::MlDsa65 => SecretKey::from_bytes(algorithm, seed(inner)?)?,
    };
    if let Some(bits) = info.public_key {
        let bits = bits.as_bytes().ok_or(KeyFileError::WrongPublicKey)?;
        check_public_key(&key, bits)?;
    }
    Ok(key)
}

/// The seed of an ML-DSA private key, RFC 9881, section 6: `[0]` alone, or beside the expanded key.
fn seed(inner: &[u8]) -> Result<&[u8], KeyFileError> {
    let mut reader = SliceReader::new(inner).map_err(malformed)?;
    let alone = ContextSpecific::<&OctetStringRef>::decode_implicit(&mut reader, SEED);
    if let Some(seed) = alone.map_err(malformed)? {
        reader.finish().map_err(malformed)?;
        return Ok(seed.value.as_bytes());
    }
    let both = Vec::<&OctetStringRef>::from_der(inner).map_err(|_| {
        KeyFileError::Unsupported("ML-DSA-65 without its seed (an expanded key alone)".to_owned())
    })?;
    match both[..] {
        [seed, _expanded] => Ok(seed.as_bytes()),
        _ => Err(malformed("ML-DSA-65: expected a seed and an expanded key")),
    }
}

/// Reads `ECPrivateKey`; its own curve, if any, must be that of `algorithm`, if any.
fn of_sec1(der: &[u8], algorithm: Option<Algorithm>) -> Result<SecretKey, KeyFileError> {
    let key = EcPrivateKey::from_der(der).map_err(malformed)?;
    let curve = key.parameters.and_then(EcParameters::named_curve);
    let algorithm = match (curve.map(of_curve).transpose()?, algorithm) {
        (Some(own), Some(outer)) if own != outer => {
            return Err(malformed(format!("a key of {own} inside one of {outer}")));
        }
        (own, outer) => own.or(outer).ok_or_else(|| malformed("no curve is named"))?,
    };
    let secret = SecretKey::from_bytes(algorithm, key.private_key)?;
    if let Some(bits) = key.public_key {
        check_public_key(&secret, bits)?;
    }
    Ok(secret)
}

fn check_public_key(key: &SecretKey, bits: &[u8]) -> Result<(), KeyFileError> {
    match wire_key(key.algorithm(), bits) {
        Ok(public_key) if public_key == key.public_key() => Ok(()),
        _ => Err(KeyFileError::WrongPublicKey),
    }
}

/// Brings a public key as other programs write it to its one encoding on the wire.
fn wire_key(algorithm: Algorithm, bits: &[u8]) -> Result<Vec<u8>, KeyFileError> {
    let key = match point(algorithm, bits) {
        Some(point) => compressed(&point),
        None => bits.to_vec(),
    };
    if algorithm.is_public_key(&key) { Ok(key) } else { Err(KeyFileError::BadPublicKey(algorithm)) }
}

/// The uncompressed form of a point; none for an algorithm without points or for no point.
fn point(algorithm: Algorithm, bits: &[u8]) -> Option<Vec<u8>> {
    match algorithm {
        Algorithm::Sm2 => sm2::uncompressed(bits),
        Algorithm::P256 => p256::uncompressed(bits),
        Algorithm::Secp256k1 => secp256k1::uncompressed(bits),
        Algorithm::Ed25519 | Algorithm::MlDsa65 => None,
    }
}

/// Compresses `04 || x || y` (SEC 1, section 2.3.3).
fn compressed(point: &[u8]) -> Vec<u8> {
    let odd = point.last().is_some_and(|byte| byte & 1 == 1);
    [&[2 + u8::from(odd)], &point[1..33]].concat()
}

const fn curve_of(algorithm: Algorithm) -> Option<ObjectIdentifier> {
    match algorithm {
        Algorithm::Sm2 => Some(SM2),
        Algorithm::P256 => Some(SECP256R1),
        Algorithm::Secp256k1 => Some(SECP256K1),
        Algorithm::Ed25519 | Algorithm::MlDsa65 => None,
    }
}

fn of_curve(curve: ObjectIdentifier) -> Result<Algorithm, KeyFileError> {
    Algorithm::ALL
        .into_iter()
        .find(|algorithm| curve_of(*algorithm) == Some(curve))
        .ok_or_else(|| KeyFileError::Unsupported(format!("curve {curve}")))
}

fn identifier(
    algorithm: Algorithm,
    curve: Option<&ObjectIdentifier>,
) -> AlgorithmIdentifierRef<'_> {
    let oid = match algorithm {
        Algorithm::Ed25519 => ED25519,
        Algorithm::MlDsa65 => ML_DSA_65,
        Algorithm::Sm2 | Algorithm::P256 | Algorithm::Secp256k1 => EC_PUBLIC_KEY,
    };
    AlgorithmIdentifierRef { oid, parameters: curve.map(AnyRef::from) }
}

fn identify(identifier: &AlgorithmIdentifierRef<'_>) -> Result<Algorithm, KeyFileError> {
    match (identifier.oid, identifier.parameters) {
        (EC_PUBLIC_KEY, Some(parameters)) => {
            let curve = parameters.decode_as::<ObjectIdentifier>().map_err(|_| {
                KeyFileError::Unsupported("curve given by explicit parameters".to_owned())
            })?;
            of_curve(curve)
        }
        (ED25519, None) => Ok(Algorithm::Ed25519),
        (ML_DSA_65, None) => Ok(Algorithm::MlDsa65),
        (ED25519 | ML_DSA_65, Some(_)) => Err(malformed("parameters that the algorithm forbids")),
        (EC_PUBLIC_KEY, None) => Err(malformed("no curve is named")),
        (oid, _) => Err(KeyFileError::Unsupported(format!("algorithm {oid}"))),
    }
}

#[cfg(test)]
mod tests;
