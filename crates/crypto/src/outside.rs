//! Let signers outside this process, such as hardware tokens, sign as the wire wants it.

use crate::{Algorithm, BatchItem, Suite, framed, p256, sm2, verify};
use trine_bulk::{p256 as bulk_p256, sm2 as bulk_sm2};

/// Bytes of a signature as signers outside give it: `R || s` or `r || s`.
pub const RAW_SIGNATURE_BYTES: usize = 64;

/// Gives what a signer outside has to sign itself: the bytes for Ed25519, their digest for the
/// curves (FIPS 186-5, section 6.4.1; GB/T 32918.2-2016, section 6.1, with the default identifier).
///
/// None for an algorithm whose signatures are not [`RAW_SIGNATURE_BYTES`], or a malformed key.
pub fn input_to_sign(
    algorithm: Algorithm,
    public_key: &[u8],
    namespace: &[u8],
    message: &[u8],
) -> Option<Vec<u8>> {
    let signed = framed(namespace, message);
    match algorithm {
        _ if !algorithm.is_public_key(public_key) => None,
        Algorithm::Ed25519 => Some(signed),
        Algorithm::P256 => Some(Suite::Intl.hash(&[&signed]).as_bytes().to_vec()),
        Algorithm::Sm2 => {
            let point = sm2::uncompressed(public_key)?;
            let point = point[1..].try_into().ok()?;
            Some(bulk_sm2::digest(point, sm2::DEFAULT_ID, &signed)?.to_vec())
        }
        Algorithm::Secp256k1 | Algorithm::MlDsa65 => None,
    }
}

/// Brings a signature made outside over [`input_to_sign`] to the form of the wire: low `s`, and the
/// hint that speeds batches.
///
/// None for a signature that does not verify: a defective signer must not speak for the key.
pub fn complete_signature(
    algorithm: Algorithm,
    public_key: &[u8],
    namespace: &[u8],
    message: &[u8],
    raw: &[u8; RAW_SIGNATURE_BYTES],
) -> Option<Vec<u8>> {
    match algorithm {
        Algorithm::Ed25519 => {
            let item = BatchItem { algorithm, public_key, namespace, message, signature: raw };
            verify(item).then(|| raw.to_vec())
        }
        Algorithm::P256 => {
            let low = p256::low_s(raw)?;
            let point = p256::uncompressed(public_key)?;
            let item = bulk_p256::Item {
                public_key: point[1..].try_into().ok()?,
                message: &framed(namespace, message),
                signature: &low,
                hint: None,
            };
            let hint = bulk_p256::hint(&item, bulk_p256::HighS::Reject)?;
            Some([&low[..], &[hint]].concat())
        }
        Algorithm::Sm2 => {
            let point = sm2::uncompressed(public_key)?;
            let item = bulk_sm2::Item {
                public_key: point[1..].try_into().ok()?,
                id: sm2::DEFAULT_ID,
                message: &framed(namespace, message),
                signature: raw,
                hint: None,
            };
            Some([&raw[..], &[bulk_sm2::hint(&item)?]].concat())
        }
        Algorithm::Secp256k1 | Algorithm::MlDsa65 => None,
    }
}

#[cfg(test)]
mod tests;
