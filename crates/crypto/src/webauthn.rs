//! Verify that a passkey signed a digest: a WebAuthn assertion under a P-256 key.
//!
//! An authenticator does not sign a digest itself. It signs `authenticator data || SHA-256(client
//! data)`, and the client data, a JSON text that the browser writes, names the digest as its
//! challenge. The steps are those of Web Authentication, level 2, section 7.2, that need no server:
//! registration, counters kept from one assertion to the next and transport are the caller's.

use crate::{Algorithm, Suite, verify_unframed};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// Longest client data accepted, in bytes; browsers write a few hundred.
pub const CLIENT_DATA_BYTES_MAX: usize = 4096;
/// Longest authenticator data accepted, in bytes; without extensions they are 37.
pub const AUTHENTICATOR_DATA_BYTES_MAX: usize = 1024;

/// Bytes of `rpIdHash`, flags and counter (section 6.1).
pub(crate) const HEADER_BYTES: usize = 37;
pub(crate) const USER_PRESENT: u8 = 0x01;
pub(crate) const USER_VERIFIED: u8 = 0x04;
pub(crate) const ATTESTED_CREDENTIAL: u8 = 0x40;
pub(crate) const EXTENSIONS: u8 = 0x80;

/// What an authenticator and a browser returned.
#[derive(Clone, Copy, Debug)]
pub struct Assertion<'a> {
    /// `authenticatorData` (section 6.1), as it was signed.
    pub authenticator_data: &'a [u8],
    /// `clientDataJSON` (section 5.8.1), as it was signed.
    pub client_data_json: &'a [u8],
    /// `r || s || hint` with the low `s`: see [`signature_from_der`](crate::signature_from_der) for
    /// the DER that an authenticator returns.
    pub signature: &'a [u8],
}

/// What the verifier asks of an assertion.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The challenge, as bytes: the digest that was to be signed.
    pub challenge: &'a [u8],
    /// Relying party identifier, such as `example.org`.
    pub relying_party: &'a str,
    /// Origins of the pages that may ask, each in full, such as `https://wallet.example.org`.
    pub origins: &'a [&'a str],
    /// Whether the authenticator must have verified the user (PIN, fingerprint), beyond presence.
    pub user_verification: bool,
}

/// What a valid assertion says beside the challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whether the authenticator verified the user.
    pub user_verified: bool,
    /// Counter of the authenticator; 0 for one that keeps none.
    pub sign_count: u32,
}

/// The rule that an assertion breaks; the number in brackets is the step of section 7.2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebauthnError {
    /// \[9, 10\] Longer than the limit, or no JSON object with the members once each.
    #[error("the client data is no JSON object with type, challenge and origin: {0}")]
    BadClientData(String),
    /// \[11\] Made at registration, or for another purpose.
    #[error("the client data has type {0:?}, expected \"webauthn.get\"")]
    WrongType(String),
    /// \[12\] Another digest was signed.
    #[error("the client data names challenge {found:?}, expected {expected:?}")]
    WrongChallenge {
        /// Challenge in the client data.
        found: String,
        /// The expected one, in base64url without padding.
        expected: String,
    },
    /// \[13\] Another page asked, or one inside a frame of another origin.
    #[error("the assertion was made for origin {0:?}, which is not admitted")]
    WrongOrigin(String),
    /// \[15\] Authenticator data of wrong length.
    #[error("authenticator data of {length} bytes do not fit flags {flags:#04x}")]
    BadAuthenticatorData {
        /// Bytes given.
        length: usize,
        /// Flags in them; 0 where there are too few bytes.
        flags: u8,
    },
    /// \[15\] Another relying party.
    #[error("the authenticator data are of another relying party than {0:?}")]
    WrongRelyingParty(String),
    /// \[16\] No user was present.
    #[error("no user was present")]
    UserNotPresent,
    /// \[17\] The user was present but not verified.
    #[error("the user was not verified")]
    UserNotVerified,
    /// \[20\] Not a signature of this key over these data.
    #[error("the signature does not verify")]
    BadSignature,
}

/// `CollectedClientData`, section 5.8.1; members beside these are ignored, as the section asks.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

/// Checks an assertion under `public_key`, a compressed P-256 key (33 bytes).
///
/// A page in a frame of another origin (`crossOrigin`) is refused: the user could not see who asks.
///
/// # Errors
/// [`WebauthnError`], for the first rule that is broken, in the order of the steps.
pub fn verify(
    public_key: &[u8],
    assertion: &Assertion<'_>,
    expected: &Expected<'_>,
) -> Result<Verified, WebauthnError> {
    check_client_data(assertion.client_data_json, expected)?;
    let verified = check_authenticator_data(assertion.authenticator_data, expected)?;
    let hash = Suite::Intl.hash(&[assertion.client_data_json]);
    let signed = [assertion.authenticator_data, hash.as_bytes()].concat();
    if verify_unframed(Algorithm::P256, public_key, &signed, assertion.signature) {
        Ok(verified)
    } else {
        Err(WebauthnError::BadSignature)
    }
}

fn check_client_data(json: &[u8], expected: &Expected<'_>) -> Result<(), WebauthnError> {
    if json.len() > CLIENT_DATA_BYTES_MAX {
        let message = format!("{} bytes, at most {CLIENT_DATA_BYTES_MAX}", json.len());
        return Err(WebauthnError::BadClientData(message));
    }
    // A leading byte order mark is dropped by "UTF-8 decode" (step 9).
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let data: ClientData = serde_json::from_slice(json)
        .map_err(|error| WebauthnError::BadClientData(error.to_string()))?;
    if data.r#type != "webauthn.get" {
        return Err(WebauthnError::WrongType(data.r#type));
    }
    let challenge = URL_SAFE_NO_PAD.encode(expected.challenge);
    if data.challenge != challenge {
        let found = data.challenge;
        return Err(WebauthnError::WrongChallenge { found, expected: challenge });
    }
    if data.cross_origin || !expected.origins.contains(&data.origin.as_str()) {
        return Err(WebauthnError::WrongOrigin(data.origin));
    }
    Ok(())
}

fn check_authenticator_data(
    data: &[u8],
    expected: &Expected<'_>,
) -> Result<Verified, WebauthnError> {
    let length = data.len();
    let malformed = |flags| WebauthnError::BadAuthenticatorData { length, flags };
    let (header, rest) = data.split_first_chunk::<HEADER_BYTES>().ok_or(malformed(0))?;
    let [party @ .., flags, c0, c1, c2, c3] = header;
    // What follows the header is signed but carries no meaning here, so it is not read.
    let extended = flags & (ATTESTED_CREDENTIAL | EXTENSIONS) != 0;
    if extended == rest.is_empty() || length > AUTHENTICATOR_DATA_BYTES_MAX {
        return Err(malformed(*flags));
    }
    if party != Suite::Intl.hash(&[expected.relying_party.as_bytes()]).as_bytes() {
        return Err(WebauthnError::WrongRelyingParty(expected.relying_party.to_owned()));
    }
    let user_verified = flags & USER_VERIFIED != 0;
    if flags & USER_PRESENT == 0 {
        return Err(WebauthnError::UserNotPresent);
    }
    if expected.user_verification && !user_verified {
        return Err(WebauthnError::UserNotVerified);
    }
    Ok(Verified { user_verified, sign_count: u32::from_be_bytes([*c0, *c1, *c2, *c3]) })
}

#[cfg(test)]
mod tests;
