//! Let a passkey sign in the place of a P-256 key: an assertion of Web Authentication, level 2.
//!
//! An authenticator signs no bytes that it is given: it signs its own data and the hash of a JSON
//! text that the browser writes around a challenge. The challenge is the hash of the bytes that
//! another key would sign, and the assertion travels in the place of the signature:
//! `r || s || hint`, the length of the authenticator data (two bytes, big-endian), the
//! authenticator data, the client data.
//!
//! No JSON is parsed: browsers write the client data byte for byte as section 5.8.1.1 says, and the
//! "limited verification" of section 5.8.1.2 compares them, so that all implementations judge
//! alike. The page's origin and the relying party are not judged: an authenticator uses a key for
//! the relying party alone that it was made for.

use crate::webauthn::{
    ATTESTED_CREDENTIAL, AUTHENTICATOR_DATA_BYTES_MAX, EXTENSIONS, HEADER_BYTES, USER_PRESENT,
    USER_VERIFIED,
};
use crate::{Digest, Suite, framed, p256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Longest assertion in the place of a signature, in bytes.
pub const ASSERTION_BYTES_MAX: usize = 4096;
/// Place of the authenticator data.
const HEAD_BYTES: usize = p256::SIGNATURE_BYTES + size_of::<u16>();

/// Whether an assertion may have this length, which no other signature of P-256 has.
pub(crate) fn is_assertion_length(bytes: usize) -> bool {
    (HEAD_BYTES + HEADER_BYTES..=ASSERTION_BYTES_MAX).contains(&bytes)
}

/// Gives what a passkey is asked to sign in the place of `message` in `namespace`: SHA-256 of the
/// [`framed`] bytes.
pub fn passkey_challenge(namespace: &[u8], message: &[u8]) -> Digest {
    challenge(&framed(namespace, message))
}

fn challenge(signed: &[u8]) -> Digest {
    Suite::Intl.hash(&[signed])
}

/// The bytes that the authenticator signed and its `r || s || hint`; none where the assertion is
/// not one of `signed` by a user who was verified.
pub(crate) fn asserted<'a>(signed: &[u8], assertion: &'a [u8]) -> Option<(Vec<u8>, &'a [u8])> {
    if !is_assertion_length(assertion.len()) {
        return None;
    }
    let (signature, rest) = assertion.split_at(p256::SIGNATURE_BYTES);
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (authenticator_data, client_data) = rest.split_at_checked(length)?;
    if !is_of_verified_user(authenticator_data) || !is_client_data(client_data, &challenge(signed))
    {
        return None;
    }
    let hash = Suite::Intl.hash(&[client_data]);
    Some(([authenticator_data, hash.as_bytes()].concat(), signature))
}

/// Whether the authenticator data (section 6.1) say that the user was present and verified.
fn is_of_verified_user(data: &[u8]) -> bool {
    let Some(([.., flags, _, _, _, _], rest)) = data.split_first_chunk::<HEADER_BYTES>() else {
        return false;
    };
    let is_extended = flags & (ATTESTED_CREDENTIAL | EXTENSIONS) != 0;
    let wanted = USER_PRESENT | USER_VERIFIED;
    flags & wanted == wanted
        && is_extended != rest.is_empty()
        && data.len() <= AUTHENTICATOR_DATA_BYTES_MAX
}

/// Whether the client data are those of an assertion of the challenge, outside foreign frames.
fn is_client_data(json: &[u8], challenge: &Digest) -> bool {
    let challenge = URL_SAFE_NO_PAD.encode(challenge.as_bytes());
    let start = format!(r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":""#);
    let Some(origin) = json.strip_prefix(start.as_bytes()) else { return false };
    let Some(end) = origin.iter().position(|byte| matches!(byte, b'"' | b'\\')) else {
        return false;
    };
    let rest = origin[end..].strip_prefix(br#"","crossOrigin":false"#);
    rest.is_some_and(|rest| rest == b"}" || (rest.starts_with(b",") && rest.ends_with(b"}")))
}

#[cfg(test)]
mod tests;
