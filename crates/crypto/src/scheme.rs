//! Say what each algorithm's file offers to the rest of the crate.

use trine_bulk::{ed25519, sm2};

/// Signs with the secret key that it holds; erases it when dropped.
pub(crate) trait Signer: Send + Sync {
    /// Public key, encoded as [`Algorithm`](crate::Algorithm) says.
    fn public_key(&self) -> Vec<u8>;

    /// Signs exactly these bytes; the same input always gives the same signature.
    fn sign(&self, signed: &[u8]) -> Vec<u8>;

    /// The key as the bulk signer of Ed25519 takes it; none for other algorithms.
    fn ed25519(&self) -> Option<&ed25519::SigningKey> {
        None
    }

    /// The key as the bulk signer of SM2 takes it, with the hash of its identity; none for other
    /// algorithms.
    fn sm2(&self) -> Option<(&sm2::SigningKey, &[u8; sm2::IDENTITY_BYTES])> {
        None
    }
}

/// One signature to make, with what it covers in parts.
#[derive(Clone, Copy)]
pub(crate) struct ToSign<'a> {
    pub(crate) signer: &'a dyn Signer,
    /// The signed bytes are these one after the other.
    pub(crate) parts: [&'a [u8]; 3],
}

/// One signature to check, with what it covers in parts.
#[derive(Clone, Copy)]
pub(crate) struct Signed<'a> {
    pub(crate) public_key: &'a [u8],
    /// The signed bytes are these one after the other.
    pub(crate) parts: [&'a [u8]; 3],
    pub(crate) signature: &'a [u8],
}

/// Checks signatures of one algorithm. Any bytes give an answer, never a panic.
pub(crate) trait Verifier: Sync {
    /// Takes a secret key; none when the length or the value is wrong.
    fn signer(&self, secret: &[u8]) -> Option<Box<dyn Signer>>;

    /// Takes many secret keys, as `signer` does.
    fn signers(&self, secrets: &[&[u8]]) -> Vec<Option<Box<dyn Signer>>> {
        secrets.iter().map(|secret| self.signer(secret)).collect()
    }

    /// Makes each signature, as its signer does; all signers are of this algorithm.
    fn sign_many(&self, items: &[ToSign<'_>]) -> Vec<Vec<u8>> {
        items.iter().map(|item| item.signer.sign(&item.parts.concat())).collect()
    }

    /// Says whether `key` has the one encoding that this algorithm's keys have and is usable.
    fn is_public_key(&self, key: &[u8]) -> bool;

    /// Checks a signature over `signed`, the bytes as they were signed.
    fn verify(&self, public_key: &[u8], signed: &[u8], signature: &[u8]) -> bool;

    /// Checks each signature; the verdicts are in the order of the items.
    fn verify_many(&self, items: &[Signed<'_>]) -> Vec<bool> {
        let verify =
            |one: &Signed<'_>| self.verify(one.public_key, &one.parts.concat(), one.signature);
        items.iter().map(verify).collect()
    }

    /// Makes tables for keys that will sign often, where the algorithm has some.
    fn learn(&self, _public_keys: &[&[u8]]) {}

    /// Keys that have a table.
    fn learned(&self) -> usize {
        0
    }
}

/// Gives the bytes that a signature covers: `length(namespace) || namespace || message`, the length
/// as a LEB128 varint (one byte below 128).
///
/// For a signer or a verifier outside this crate, such as a hardware token or `openssl`.
pub fn framed(namespace: &[u8], message: &[u8]) -> Vec<u8> {
    let (head, length) = frame(namespace.len());
    [&head[..length], namespace, message].concat()
}

/// Bytes of the longest LEB128 varint.
const FRAME_BYTES_MAX: usize = 10;

/// Gives the varint that stands before a namespace of this length, and its own length.
pub(crate) const fn frame(mut namespace_bytes: usize) -> ([u8; FRAME_BYTES_MAX], usize) {
    let (mut bytes, mut length) = ([0; FRAME_BYTES_MAX], 1);
    while namespace_bytes >= 0x80 {
        bytes[length - 1] = namespace_bytes as u8 | 0x80;
        namespace_bytes >>= 7;
        length += 1;
    }
    bytes[length - 1] = namespace_bytes as u8;
    (bytes, length)
}
