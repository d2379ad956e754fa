//! Sign requests for records, and read such signatures, by RFC 9421.
//!
//! The profile is strict, so that a signature has one form: the header `Signature-Input` has one
//! member, which covers method, path and query in this order, without spaces between its
//! parameters. `created`, `keyid` and `tag` must be there, `expires` may. What is signed
//! is the signature base (section 2.5) in the namespace [`NAMESPACE`], by the algorithm of the key.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use trine_types::codec::to_hex;
use trine_types::{Address, ChainId};

/// Namespace of the signatures, as for every signature of the project.
pub const NAMESPACE: &[u8] = b"trine/read";
/// What a signature covers.
pub const COMPONENTS: &str = r#"("@method" "@path" "@query")"#;
/// What the tag begins with; the chain id in hexadecimal follows.
pub const TAG: &str = "trine-read-";
/// Bytes of the header `Signature-Input`.
pub const INPUT_BYTES_MAX: usize = 512;
/// Bytes of the header `Signature`: one of ML-DSA-65 or of a passkey in base64, and its label.
pub const SIGNATURE_BYTES_MAX: usize = 6_144;
/// Bytes of a label.
const LABEL_BYTES_MAX: usize = 32;
/// Digits of a number (RFC 9651, section 3.3.1).
const DIGITS_MAX: usize = 15;

/// A signature was refused before anybody looked at its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A header is over its limit.
    #[error("{0} has {1} bytes, at most {2} allowed")]
    TooLong(&'static str, usize, usize),
    /// The label is none.
    #[error("Signature-Input: expected one label of a-z, 0-9, -, _, ., * and then =")]
    Label,
    /// Something else is covered.
    #[error("Signature-Input: expected it to cover exactly {COMPONENTS}")]
    Components,
    /// A parameter cannot be read.
    #[error("Signature-Input: {0}, expected created, expires, keyid and tag, each at most once")]
    Unknown(&'static str),
    /// A parameter has no value that it may have, or has two.
    #[error("Signature-Input: {0} stands twice, or is not {1}")]
    Parameter(&'static str, &'static str),
    /// A parameter is not there.
    #[error("Signature-Input: the parameter {0} is missing")]
    Missing(&'static str),
    /// The header `Signature` is none of that label.
    #[error("Signature: expected the label of Signature-Input, and base64 between colons")]
    Signature,
}

const BAD_CREATED: Fault = Fault::Parameter("created", "a time in Unix seconds");
const BAD_EXPIRES: Fault = Fault::Parameter("expires", "a time in Unix seconds");
const BAD_KEYID: Fault = Fault::Parameter("keyid", "ADDRESS/INDEX in quotes");
const BAD_TAG: Fault = Fault::Parameter("tag", "trine-read- and a chain id in quotes");

/// A signature as a request carries it; nothing of it is believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadSignature {
    /// Account that asks.
    pub address: Address,
    /// Which of its keys signed.
    pub key_index: u8,
    /// When, in Unix seconds.
    pub created_s: u64,
    /// Until when it holds, where it says so.
    pub expires_s: Option<u64>,
    /// Chain for which it was made.
    pub chain_id: ChainId,
    /// The signature.
    pub signature: Vec<u8>,
    /// The member of `Signature-Input`, which the signature covers too.
    covered: String,
}

/// What parameters said so far.
#[derive(Default)]
struct Parameters<'a> {
    created: Option<u64>,
    expires: Option<u64>,
    keyid: Option<&'a str>,
    tag: Option<&'a str>,
}

impl ReadSignature {
    /// Reads the headers `Signature-Input` and `Signature`.
    ///
    /// # Errors
    /// [`Fault`] that says what was expected.
    pub fn parse(input: &str, signature: &str) -> Result<Self, Fault> {
        check_length("Signature-Input", input, INPUT_BYTES_MAX)?;
        check_length("Signature", signature, SIGNATURE_BYTES_MAX)?;
        let (label, covered) = input.split_once('=').ok_or(Fault::Label)?;
        if !is_label(label) {
            return Err(Fault::Label);
        }
        let parameters = covered.strip_prefix(COMPONENTS).ok_or(Fault::Components)?;
        let found = parameters_of(parameters)?;
        let keyid = found.keyid.ok_or(Fault::Missing("keyid"))?;
        let (address, key_index) = key_of(keyid).ok_or(BAD_KEYID)?;
        let tag = found.tag.ok_or(Fault::Missing("tag"))?;
        let chain_id = tag.strip_prefix(TAG).and_then(|id| id.parse().ok());
        let bytes = signature
            .strip_prefix(label)
            .and_then(|rest| rest.strip_prefix("=:")?.strip_suffix(':'))
            .and_then(|text| STANDARD.decode(text).ok())
            .ok_or(Fault::Signature)?;
        Ok(Self {
            address,
            key_index,
            created_s: found.created.ok_or(Fault::Missing("created"))?,
            expires_s: found.expires,
            chain_id: chain_id.ok_or(BAD_TAG)?,
            signature: bytes,
            covered: covered.to_owned(),
        })
    }

    /// The signature base of a request (RFC 9421, section 2.5).
    pub fn base(&self, method: &str, path: &str, query: Option<&str>) -> String {
        base(method, path, query, &self.covered)
    }
}

/// Says what the header `Accept-Signature` asks for (RFC 9421, section 5.1).
pub fn wanted(chain_id: ChainId) -> String {
    format!("trine={COMPONENTS};created;keyid;tag=\"{TAG}{}\"", to_hex(&chain_id.0))
}

/// Signs a GET request; returns the headers `Signature-Input` and `Signature`. `sign` signs a
/// message in [`NAMESPACE`].
pub fn headers(
    chain_id: ChainId,
    (address, key_index): (Address, u8),
    created_s: u64,
    (path, query): (&str, Option<&str>),
    sign: impl FnOnce(&[u8]) -> Vec<u8>,
) -> (String, String) {
    let (key, tag) = (to_hex(&address.0), to_hex(&chain_id.0));
    let parameters = format!(";created={created_s};keyid=\"{key}/{key_index}\";tag=\"{TAG}{tag}\"");
    let covered = format!("{COMPONENTS}{parameters}");
    let signature = sign(base("GET", path, query, &covered).as_bytes());
    (format!("trine={covered}"), format!("trine=:{}:", STANDARD.encode(signature)))
}

fn base(method: &str, path: &str, query: Option<&str>, covered: &str) -> String {
    let query = query.unwrap_or("");
    format!(
        "\"@method\": {method}\n\"@path\": {path}\n\"@query\": ?{query}\n\
         \"@signature-params\": {covered}"
    )
}

fn check_length(name: &'static str, text: &str, max: usize) -> Result<(), Fault> {
    if text.len() > max { Err(Fault::TooLong(name, text.len(), max)) } else { Ok(()) }
}

/// Whether a text is a key of a dictionary (RFC 9651, section 3.1.2).
fn is_label(text: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_lowercase() || byte == b'*';
    let rest = |byte: u8| first(byte) || byte.is_ascii_digit() || b"_-.".contains(&byte);
    text.len() <= LABEL_BYTES_MAX
        && text.bytes().next().is_some_and(first)
        && text.bytes().all(rest)
}

/// Reads `;name=value` again and again; a value is a number, or a text in quotes.
fn parameters_of(mut text: &str) -> Result<Parameters<'_>, Fault> {
    let mut found = Parameters::default();
    while !text.is_empty() {
        let pair = text.strip_prefix(';').and_then(|rest| rest.split_once('='));
        let (name, rest) = pair.ok_or(Fault::Unknown("something else after the components"))?;
        text = match name {
            "created" => number(&mut found.created, rest).ok_or(BAD_CREATED)?,
            "expires" => number(&mut found.expires, rest).ok_or(BAD_EXPIRES)?,
            "keyid" => quoted(&mut found.keyid, rest).ok_or(BAD_KEYID)?,
            "tag" => quoted(&mut found.tag, rest).ok_or(BAD_TAG)?,
            _ => return Err(Fault::Unknown("another parameter")),
        };
    }
    Ok(found)
}

/// Takes a number without leading zeros into an empty place; returns what follows.
fn number<'a>(place: &mut Option<u64>, text: &'a str) -> Option<&'a str> {
    let end = text.find(|one: char| !one.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let is_canonical = digits == "0" || !digits.starts_with('0');
    if !is_canonical || digits.len() > DIGITS_MAX || place.is_some() {
        return None;
    }
    *place = Some(digits.parse().ok()?);
    Some(rest)
}

/// Takes a text in quotes, in which nothing is escaped, into an empty place; returns what follows.
fn quoted<'a>(place: &mut Option<&'a str>, text: &'a str) -> Option<&'a str> {
    let (inner, rest) = text.strip_prefix('"')?.split_once('"')?;
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'\\';
    if !inner.bytes().all(is_plain) || place.is_some() {
        return None;
    }
    *place = Some(inner);
    Some(rest)
}

/// Reads address and index of a key.
fn key_of(text: &str) -> Option<(Address, u8)> {
    let (address, index) = text.split_once('/')?;
    let key_index: u8 = index.parse().ok()?;
    // One form alone: no plus sign, no leading zeros.
    (key_index.to_string() == index).then_some(())?;
    Some((address.parse().ok()?, key_index))
}

// The fuzz target includes this file from elsewhere, so the path must be said.
#[cfg(test)]
#[path = "read_signature/tests.rs"]
mod tests;
