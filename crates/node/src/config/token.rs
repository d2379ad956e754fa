//! Read the table of `node.toml` that names a validator's key in a hardware token.

use super::{SetupError, fields::Fields};
use std::path::Path;
use trine_token::{
    KeyName, NAME_BYTES_MAX, PinSource, SESSIONS_MAX, Sm2Codes, TokenConfig, TokenName,
    WAIT_MS_DEFAULT, WAIT_MS_MAX,
};
use trine_types::codec::parse_hex;

/// Sessions of a validator: it signs one vote at a time, and introduces itself to peers meanwhile.
const SESSIONS_DEFAULT: u64 = 2;
/// First number that PKCS #11 leaves to vendors.
const VENDOR_NUMBER_MIN: u64 = 0x8000_0000;
const VENDOR_NUMBER_MAX: u64 = 0xffff_ffff;

/// A validator's key in a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorToken {
    /// The token.
    pub token: TokenConfig,
    /// The key in it.
    pub key: KeyName,
}

/// Reads the table; none where it is missing.
pub fn validator_token(
    mut fields: Fields<'_>,
    folder: &Path,
) -> Result<Option<ValidatorToken>, SetupError> {
    if fields.is_empty() {
        return Ok(None);
    }
    let module = fields.text("module")?;
    let module = folder.join(fields.required("module", module, "the path of a library")?);
    let label = fields.text("token")?.map(TokenName::Label);
    let serial = fields.text("serial")?.map(TokenName::Serial);
    let token = one_of(&fields, "token", label, serial, "a label here, or `serial`")?;
    let file = fields.text("pin_file")?.map(|file| PinSource::File(folder.join(file)));
    let variable = fields.text("pin_variable")?.map(PinSource::Variable);
    let pin = one_of(&fields, "pin_file", file, variable, "a path here, or `pin_variable`")?;
    let key = fields.text("key")?;
    let label = fields.required("key", key, "the label of a key")?;
    let id = match fields.text("key_id")? {
        None => None,
        Some(text) => {
            let id = parse_hex(&text).ok().filter(|id| (1..=NAME_BYTES_MAX).contains(&id.len()));
            let id = id.ok_or_else(|| {
                fields.refuse("key_id", format!("{text:?}"), "the id in hexadecimal digits")
            })?;
            Some(id)
        }
    };
    let sessions = fields.number("sessions", 1..=SESSIONS_MAX as u64, SESSIONS_DEFAULT)? as usize;
    let wait_ms = fields.number("wait_ms", 1..=WAIT_MS_MAX, WAIT_MS_DEFAULT)?;
    let sm2 = sm2(fields.table("sm2")?)?;
    fields.finish()?;
    let token = TokenConfig { module, token, pin, sessions, wait_ms, sm2 };
    Ok(Some(ValidatorToken { token, key: KeyName { label, id } }))
}

fn one_of<T>(
    fields: &Fields<'_>,
    name: &str,
    one: Option<T>,
    other: Option<T>,
    expected: &str,
) -> Result<T, SetupError> {
    match (one, other) {
        (Some(one), None) | (None, Some(one)) => Ok(one),
        (None, None) => Err(fields.refuse(name, "missing", expected)),
        (Some(_), Some(_)) => {
            Err(fields.refuse(name, "given twice", format!("{expected}, not both")))
        }
    }
}

fn sm2(mut fields: Fields<'_>) -> Result<Option<Sm2Codes>, SetupError> {
    if fields.is_empty() {
        return Ok(None);
    }
    let mut number = |name| fields.number(name, VENDOR_NUMBER_MIN..=VENDOR_NUMBER_MAX, 0);
    let codes = Sm2Codes {
        key_type: number("key_type")?,
        generate: number("generate")?,
        sign: number("sign")?,
    };
    let all = [("key_type", codes.key_type), ("generate", codes.generate), ("sign", codes.sign)];
    if let Some((name, _)) = all.iter().find(|(_, number)| *number == 0) {
        return Err(fields.refuse(name, "missing", "the vendor's number"));
    }
    fields.finish()?;
    Ok(Some(codes))
}

#[cfg(test)]
mod tests;
