//! Read the table `follow` of `node.toml`: whom a node without a key follows.

use super::{SetupError, document::is_url, fields::Fields};
use std::path::{Path, PathBuf};
use trine_types::limits::ACCOUNT_KEYS_MAX;
use trine_types::{Address, Algorithm};

/// Upstreams that a node may have.
const UPSTREAMS_MAX: usize = 16;

/// Whom a node follows, and how it proves itself to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowConfig {
    /// URLs of the HTTP APIs of other nodes; one is asked at a time, the first one first.
    pub upstreams: Vec<String>,
    /// PEM file of authorities of their certificates, beside those that the system trusts.
    pub authorities: Option<PathBuf>,
    /// PEM files of this node's certificate and key as their client.
    pub client: Option<(PathBuf, PathBuf)>,
    /// Account that reads where the chain is not read by anyone.
    pub reader: Option<ReaderConfig>,
    /// Whether an empty folder begins with the newest state instead of the first block.
    pub late_start: bool,
}

/// As whom a node reads from its upstreams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderConfig {
    /// File with the secret key, as that of a validator's key.
    pub key: PathBuf,
    /// Its algorithm, where it is not the suite's.
    pub algorithm: Option<Algorithm>,
    /// Account, where it is not the one whose first key this is.
    pub account: Option<Address>,
    /// Index of the key among the account's keys.
    pub key_index: u8,
}

/// Reads the table, and refuses fields that a node with a part in consensus has.
pub(super) fn follow(
    document: &mut Fields<'_>,
    folder: &Path,
) -> Result<Option<FollowConfig>, SetupError> {
    let mut fields = document.table("follow")?;
    if fields.is_empty() {
        return Ok(None);
    }
    let expected = format!("1 to {UPSTREAMS_MAX} URLs such as [\"https://a.example:8000\"]");
    let upstreams = fields.list("upstreams", &expected, UPSTREAMS_MAX, is_url)?;
    let upstreams = fields.required("upstreams", upstreams, &expected)?;
    let path = |text: String| folder.join(text);
    let authorities = fields.text("authorities")?.map(path);
    let certificate = fields.text("client_certificate")?.map(path);
    let client = match (certificate, fields.text("client_key")?.map(path)) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        (Some(_), None) => return Err(fields.refuse("client_key", "missing", "a path")),
        (None, Some(_)) => return Err(fields.refuse("client_certificate", "missing", "a path")),
    };
    let reader = reader(fields.table("reader")?, folder)?;
    let late_start = fields.flag("late_start")?;
    fields.finish()?;
    Ok(Some(FollowConfig { upstreams, authorities, client, reader, late_start }))
}

fn reader(mut fields: Fields<'_>, folder: &Path) -> Result<Option<ReaderConfig>, SetupError> {
    if fields.is_empty() {
        return Ok(None);
    }
    let key = fields.text("key")?;
    let key = folder.join(fields.required("key", key, "the path of a key")?);
    let algorithm = fields.parsed("algorithm", "the name of an algorithm in quotes")?;
    let account = fields.parsed("account", "an address, 40 hexadecimal digits in quotes")?;
    let last = ACCOUNT_KEYS_MAX as u64 - 1;
    let key_index = fields.number("key_index", 0..=last, 0)? as u8;
    fields.finish()?;
    Ok(Some(ReaderConfig { key, algorithm, account, key_index }))
}
