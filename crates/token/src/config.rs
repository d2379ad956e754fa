//! Say which token and which key are meant.

use std::{fmt, path::PathBuf};

/// Most sessions that one [`Token`](crate::Token) opens: each is one signature at a time.
pub const SESSIONS_MAX: usize = 16;
const SESSIONS_DEFAULT: usize = 2;
/// How long an operation may take when nothing else is said, in milliseconds; a token that was
/// pulled has this long to come back.
pub const WAIT_MS_DEFAULT: u64 = 10_000;
/// The longest such time, in milliseconds.
pub const WAIT_MS_MAX: u64 = 600_000;
/// Longest label or id of a key, in bytes.
pub const NAME_BYTES_MAX: usize = 128;

/// How a token is told from others: slot numbers change when readers are plugged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenName {
    /// The label that its owner gave it.
    Label(String),
    /// The serial number that its maker gave it.
    Serial(String),
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label(label) => write!(f, "{label:?}"),
            Self::Serial(serial) => write!(f, "with serial number {serial:?}"),
        }
    }
}

/// Where the PIN is read from, each time that it is needed; it is never kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinSource {
    /// First line of a file that only its owner can read.
    File(PathBuf),
    /// The environment variable of this name.
    Variable(String),
}

impl fmt::Display for PinSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "the file {}", file.display()),
            Self::Variable(name) => write!(f, "the environment variable {name}"),
        }
    }
}

/// How a vendor numbers SM2, for which PKCS #11 has no numbers: all from `0x80000000` on.
///
/// The mechanism must be the signature of GB/T 32918.2 over a digest `e` of 32 bytes that the
/// caller computed (with Z_A), giving `r || s`. ECDSA on the curve of SM2 is not SM2: its
/// signatures do not verify, and are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sm2Codes {
    /// Key type (`CKK_...`).
    pub key_type: u64,
    /// Mechanism that generates a key pair (`CKM_..._KEY_PAIR_GEN`).
    pub generate: u64,
    /// Mechanism that signs (`CKM_...`).
    pub sign: u64,
}

/// Which token, and how it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenConfig {
    /// The vendor's module, a shared library.
    pub module: PathBuf,
    /// The token.
    pub token: TokenName,
    /// Where its PIN is.
    pub pin: PinSource,
    /// Sessions at once, 1 to [`SESSIONS_MAX`].
    pub sessions: usize,
    /// How long an operation may take, in milliseconds, 1 to [`WAIT_MS_MAX`]: with waiting for a
    /// session, and for a token that was pulled.
    pub wait_ms: u64,
    /// The vendor's numbers for SM2; none where the token has no SM2.
    pub sm2: Option<Sm2Codes>,
}

impl TokenConfig {
    /// Names a token, with the default limits and without SM2.
    pub fn new(module: impl Into<PathBuf>, token: TokenName, pin: PinSource) -> Self {
        let (sessions, wait_ms) = (SESSIONS_DEFAULT, WAIT_MS_DEFAULT);
        Self { module: module.into(), token, pin, sessions, wait_ms, sm2: None }
    }
}

/// How a key is told from others in its token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyName {
    /// Its label (`CKA_LABEL`).
    pub label: String,
    /// Its id (`CKA_ID`), where several keys share a label.
    pub id: Option<Vec<u8>>,
}

impl KeyName {
    /// Names a key by its label alone.
    pub fn label(label: impl Into<String>) -> Self {
        Self { label: label.into(), id: None }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.label)?;
        let Some(id) = &self.id else { return Ok(()) };
        f.write_str(" with id ")?;
        id.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
