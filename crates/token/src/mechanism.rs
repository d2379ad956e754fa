//! Name the mechanisms, key types and curves of each algorithm, and read tokens' points.

use crate::{Sm2Codes, TokenConfig, TokenError};
use cryptoki::{
    mechanism::{
        Mechanism, MechanismType,
        eddsa::{EddsaParams, EddsaSignatureScheme},
        vendor_defined::VendorDefinedMechanism,
    },
    object::KeyType,
};
use trine_crypto::Algorithm;

/// `secp256r1` as a DER object identifier (RFC 5480, section 2.1.1.1).
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// `id-Ed25519` as a DER object identifier (RFC 8410, section 3).
const ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];
/// `edwards25519` as a PrintableString, the other form that PKCS #11 allows.
const EDWARDS25519: &[u8] = b"\x13\x0cedwards25519";
/// `sm2` as a DER object identifier (GM/T 0006-2012).
const SM2: &[u8] = &[0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d];

const OCTET_STRING: u8 = 4;
const UNCOMPRESSED: u8 = 4;
const COORDINATE_BYTES: usize = 32;

/// What an algorithm is called in a token.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    pub algorithm: Algorithm,
    pub key_type: KeyType,
    pub generate: MechanismType,
    pub sign: MechanismType,
    /// Forms of the curve's name, the best first.
    pub curves: &'static [&'static [u8]],
}

impl Names {
    /// Finds the names of an algorithm.
    ///
    /// # Errors
    /// [`TokenError::Mechanism`] for one that tokens are not asked for, or that has no numbers.
    pub fn of(algorithm: Algorithm, config: &TokenConfig) -> Result<Self, TokenError> {
        let refuse = || TokenError::Mechanism {
            token: config.token.clone(),
            algorithm,
            mechanism: "mechanism number".into(),
        };
        let names = match algorithm {
            Algorithm::P256 => Self {
                algorithm,
                key_type: KeyType::EC,
                generate: MechanismType::ECC_KEY_PAIR_GEN,
                sign: MechanismType::ECDSA,
                curves: &[P256],
            },
            Algorithm::Ed25519 => Self {
                algorithm,
                key_type: KeyType::EC_EDWARDS,
                generate: MechanismType::ECC_EDWARDS_KEY_PAIR_GEN,
                sign: MechanismType::EDDSA,
                curves: &[ED25519, EDWARDS25519],
            },
            Algorithm::Sm2 => Self::sm2(config.sm2.ok_or_else(refuse)?)?,
            Algorithm::Secp256k1 | Algorithm::MlDsa65 => return Err(refuse()),
        };
        Ok(names)
    }

    fn sm2(codes: Sm2Codes) -> Result<Self, TokenError> {
        let refuse = |field, value: u64| TokenError::Config {
            field,
            value: format!("{value:#x}"),
            expected: "a number of a vendor, from 0x80000000 on".into(),
        };
        let mechanism = |field, value| {
            MechanismType::new_vendor_defined(value).map_err(|_| refuse(field, value))
        };
        let key_type = KeyType::new_vendor_defined(codes.key_type);
        Ok(Self {
            algorithm: Algorithm::Sm2,
            key_type: key_type.map_err(|_| refuse("sm2.key_type", codes.key_type))?,
            generate: mechanism("sm2.generate", codes.generate)?,
            sign: mechanism("sm2.sign", codes.sign)?,
            curves: &[SM2],
        })
    }

    /// Finds the names of the algorithm that a key has by its type and curve.
    pub fn of_key(key_type: KeyType, curve: &[u8], config: &TokenConfig) -> Option<Self> {
        Algorithm::ALL
            .into_iter()
            .filter_map(|algorithm| Self::of(algorithm, config).ok())
            .find(|names| names.key_type == key_type && names.curves.contains(&curve))
    }

    /// The mechanism that generates a key pair.
    pub fn generating(&self) -> Mechanism<'static> {
        match self.algorithm {
            Algorithm::P256 => Mechanism::EccKeyPairGen,
            Algorithm::Ed25519 => Mechanism::EccEdwardsKeyPairGen,
            _ => vendor(self.generate),
        }
    }

    /// The mechanism that signs.
    pub fn signing(&self) -> Mechanism<'static> {
        match self.algorithm {
            Algorithm::P256 => Mechanism::Ecdsa,
            Algorithm::Ed25519 => Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure)),
            _ => vendor(self.sign),
        }
    }

    /// Reads `CKA_EC_POINT` into the key's one encoding on the wire; none for no key.
    ///
    /// The standard asks for a DER OCTET STRING; some tokens leave its header out. A bare key can
    /// look like a header (`04 3f` before 63 bytes): what the header leaves is no key then.
    pub fn public_key(&self, point: &[u8]) -> Option<Vec<u8>> {
        let content = match point {
            [OCTET_STRING, length, content @ ..] if usize::from(*length) == content.len() => {
                content
            }
            bare => bare,
        };
        self.key_of_point(content).or_else(|| self.key_of_point(point))
    }

    fn key_of_point(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let key = match (self.algorithm, bytes) {
            (Algorithm::Ed25519, bytes) => bytes.to_vec(),
            (_, [UNCOMPRESSED, coordinates @ ..]) => {
                let (x, y) = coordinates.split_at_checked(COORDINATE_BYTES)?;
                let last = y.last().filter(|_| y.len() == COORDINATE_BYTES)?;
                [&[2 | last & 1], x].concat()
            }
            (_, compressed) => compressed.to_vec(),
        };
        self.algorithm.is_public_key(&key).then_some(key)
    }
}

fn vendor(mechanism: MechanismType) -> Mechanism<'static> {
    Mechanism::VendorDefined(VendorDefinedMechanism::new::<()>(mechanism, None))
}

#[cfg(test)]
mod tests;
