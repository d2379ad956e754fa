//! Read the table `follow` of `node.toml`: whom a node without a key follows.

use super::{SetupError, document::is_url, fields::Fields};
use std::path::{Path, PathBuf};

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
    /// Whether an empty folder begins with the newest state instead of the first block.
    pub late_start: bool,
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
    let late_start = fields.flag("late_start")?;
    fields.finish()?;
    Ok(Some(FollowConfig { upstreams, authorities, client, late_start }))
}
