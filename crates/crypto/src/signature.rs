//! Translate signatures between the form of the wire and the DER that other programs write.

use crate::{Algorithm, p256, secp256k1, sm2};
use der::{Decode, Encode, asn1::UintRef};

/// A DER signature was refused, or has no DER form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The algorithm's signatures are plain bytes everywhere.
    #[error("signatures of {0} have no DER form")]
    NoDerForm(Algorithm),
    /// Not a SEQUENCE of two INTEGERs in DER, or an integer is zero or too large.
    #[error("not a signature of {0} in DER: SEQUENCE of two INTEGERs from 1 to below the order")]
    Malformed(Algorithm),
}

/// The integers of `Ecdsa-Sig-Value` (RFC 3279, section 2.2.3) and `SM2Signature` (GM/T 0009,
/// section 7.3), read as a SEQUENCE OF INTEGER, which has the same encoding.
type Integers<'a> = Vec<UintRef<'a>>;

type Normalise = fn(&[u8; 64]) -> Option<[u8; 64]>;

/// Reads a DER signature of an ECDSA or SM2 program into `r || s || 0`, the form of the wire with
/// the hint or recovery id left at 0.
///
/// For ECDSA the low one of `s` and `n - s` is taken: other programs write either, both are valid
/// by FIPS 186-5, the ledger admits only the low one. For secp256k1 the caller must still find the
/// recovery id (see [`recover_secp256k1`](crate::recover_secp256k1)).
///
/// # Errors
/// [`SignatureError`] for bytes that are not strict DER and for an algorithm without a DER form.
pub fn signature_from_der(algorithm: Algorithm, der: &[u8]) -> Result<Vec<u8>, SignatureError> {
    let normalise: Normalise = match algorithm {
        Algorithm::Sm2 => sm2::checked,
        Algorithm::P256 => p256::low_s,
        Algorithm::Secp256k1 => secp256k1::low_s,
        Algorithm::Ed25519 | Algorithm::MlDsa65 => {
            return Err(SignatureError::NoDerForm(algorithm));
        }
    };
    read(der)
        .and_then(|rs| normalise(&rs))
        .map(|rs| [&rs[..], &[0]].concat())
        .ok_or(SignatureError::Malformed(algorithm))
}

fn read(der: &[u8]) -> Option<[u8; 64]> {
    let integers = Integers::from_der(der).ok()?;
    let [r, s] = integers.try_into().ok()?;
    let mut rs = [0; 64];
    for (integer, place) in [r, s].iter().zip(rs.chunks_exact_mut(32)) {
        let bytes = integer.as_bytes();
        let start = 32usize.checked_sub(bytes.len())?;
        place[start..].copy_from_slice(bytes);
    }
    Some(rs)
}

/// Writes a signature `r || s || last byte` of the wire as DER, for other programs; the last byte
/// has no place in that form.
///
/// # Errors
/// [`SignatureError`] for another length and for an algorithm without a DER form.
pub fn signature_to_der(algorithm: Algorithm, signature: &[u8]) -> Result<Vec<u8>, SignatureError> {
    match algorithm {
        Algorithm::Sm2 | Algorithm::P256 | Algorithm::Secp256k1 => {}
        Algorithm::Ed25519 | Algorithm::MlDsa65 => {
            return Err(SignatureError::NoDerForm(algorithm));
        }
    }
    let malformed = || SignatureError::Malformed(algorithm);
    let [rs @ .., _] = <&[u8; 65]>::try_from(signature).map_err(|_| malformed())?;
    let (r, s) = rs.split_at(32);
    let integer = |bytes| UintRef::new(bytes).map_err(|_| malformed());
    let integers: Integers<'_> = vec![integer(r)?, integer(s)?];
    integers.to_der().map_err(|_| malformed())
}
