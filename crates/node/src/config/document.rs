//! Read `node.toml`.

use crate::api::tls::TlsFiles;

use super::follow::{FollowConfig, follow};
use super::{SetupError, ValidatorToken, fields::Fields, token::validator_token};
use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
};
use tracing::Level;
use trine_consensus::OBSERVERS_MAX;
use trine_types::genesis::is_name;
use trine_types::limits::VALIDATORS_MAX;

/// Bytes of a configuration file.
const FILE_BYTES_MAX: usize = 1_024 * 1_024;
const SOCKET: &str = "an address and a port, such as \"127.0.0.1:9000\"";
const MINUTE_MS: u64 = 60_000;
/// Peers that a node knows at most where the file does not say: twelve validators, all of whom an
/// epoch replaces, and observers.
const PEERS_DEFAULT: u64 = 32;
/// Peers of the largest chain: all validators, all of whom an epoch replaces, and observers.
const PEERS_MAX: u64 = (2 * VALIDATORS_MAX + OBSERVERS_MAX) as u64;

/// How the engine works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// A leader without transactions proposes an empty block after this time, in milliseconds.
    pub idle_ms: u64,
    /// Shortest time between a block and its parent, in milliseconds.
    pub interval_ms_min: u64,
    /// How long a view waits for its leader's proposal, in milliseconds.
    pub leader_ms: u64,
    /// How long a view waits for a certificate, in milliseconds.
    pub certification_ms: u64,
    /// Bytes of the page cache, taken at the start.
    pub cache_bytes: usize,
    /// Bytes of tables of validators' keys, at most, for each algorithm that has tables.
    pub key_tables_bytes: usize,
    /// Peers that may be known at once.
    pub peers_max: usize,
    /// Threads that execute blocks and hash.
    pub threads: usize,
    /// Threads that verify the signatures of submitted transactions.
    pub verify_threads: usize,
    /// Threads for everything else.
    pub workers: usize,
}

/// How an event is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for programs.
    Json,
}

impl FromStr for LogFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(()),
        }
    }
}

/// Where and how much is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// File; standard error when `None`.
    pub file: Option<PathBuf>,
    /// Least important level that is written.
    pub level: Level,
    /// How each event is written.
    pub format: LogFormat,
    /// Bytes at which a new file is begun.
    pub file_bytes_max: u64,
    /// Older files that are kept.
    pub files_max: u32,
}

/// The configuration of one node. Paths are complete: those in the file start at its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeConfig {
    /// The file itself.
    pub file: PathBuf,
    /// Name of the node.
    pub name: String,
    /// Genesis document.
    pub genesis: PathBuf,
    /// Folder of everything that the node stores.
    pub data_dir: PathBuf,
    /// File with the validator's secret key; a follower has none.
    pub validator_key: Option<PathBuf>,
    /// The validator's key in a hardware token, in place of the file.
    pub validator_token: Option<ValidatorToken>,
    /// Address on which peers connect; a follower has none.
    pub p2p_listen: Option<SocketAddr>,
    /// Whom it follows, in place of a key and of peers.
    pub follow: Option<FollowConfig>,
    /// Address of the HTTP API.
    pub http_listen: SocketAddr,
    /// Certificate and secret key of the HTTP API, and whose clients it serves.
    pub tls: Option<TlsFiles>,
    /// URL of the HTTP API of other nodes, by the name of the validator.
    pub peers: BTreeMap<String, String>,
    /// Address of validators for the engine, by name, where it is not the one on the chain.
    pub p2p_peers: BTreeMap<String, String>,
    /// Engine.
    pub engine: EngineConfig,
    /// Log.
    pub log: LogConfig,
}

impl NodeConfig {
    /// Reads a file.
    ///
    /// # Errors
    /// [`SetupError`] that names file, field, value and what would be accepted.
    pub fn from_file(file: &Path) -> Result<Self, SetupError> {
        let unreadable = |source| SetupError::Unreadable { file: file.to_owned(), source };
        let bytes = fs::read(file).map_err(unreadable)?;
        let syntax = |reason: String| Err(SetupError::Syntax { file: file.to_owned(), reason });
        if bytes.len() > FILE_BYTES_MAX {
            return syntax(format!("{} bytes, at most {FILE_BYTES_MAX}", bytes.len()));
        }
        match str::from_utf8(&bytes) {
            Ok(text) => Self::from_text(file, text),
            Err(error) => syntax(format!("not UTF-8 at byte {}", error.valid_up_to())),
        }
    }

    /// Reads the text of a file that lies at `file`.
    ///
    /// # Errors
    /// As [`NodeConfig::from_file`].
    pub fn from_text(file: &Path, text: &str) -> Result<Self, SetupError> {
        let folder = file.parent().unwrap_or(Path::new(""));
        let path = |text: String| folder.join(text);
        let mut fields = Fields::read(file, text)?;
        let name = fields.text("name")?;
        let name = fields.required("name", name, "a name")?;
        if !is_name(&name) {
            return Err(fields.refuse("name", format!("{name:?}"), "a-z, 0-9 and -, at most 32"));
        }
        let genesis = fields.text("genesis")?;
        let genesis = path(fields.required("genesis", genesis, "a path")?);
        let data_dir = fields.text("data_dir")?;
        let data_dir = path(fields.required("data_dir", data_dir, "a path")?);
        let validator_key = fields.text("validator_key")?.map(path);
        let validator_token = validator_token(fields.table("validator_token")?, folder)?;
        if validator_key.is_some() && validator_token.is_some() {
            let expected = "either a key's file here or the table validator_token";
            return Err(fields.refuse("validator_key", "given beside validator_token", expected));
        }
        let p2p_listen: Option<SocketAddr> = fields.parsed("p2p_listen", SOCKET)?;
        let http_listen = fields.parsed("http_listen", SOCKET)?;
        let http_listen = fields.required("http_listen", http_listen, SOCKET)?;
        let tls = tls(fields.table("tls")?, folder)?;
        let peers = fields.texts("peers", "a URL such as \"http://127.0.0.1:8000\"", is_url)?;
        let p2p_peers =
            fields.texts("p2p_peers", "a host and a port, such as \"a.example:9000\"", is_host)?;
        let follow = follow(&mut fields, folder)?;
        if follow.is_none() {
            fields.required("p2p_listen", p2p_listen, SOCKET)?;
        }
        let given = [
            ("validator_key", validator_key.is_some()),
            ("validator_token", validator_token.is_some()),
            ("p2p_listen", p2p_listen.is_some()),
            ("p2p_peers", !p2p_peers.is_empty()),
        ];
        if let Some((name, _)) = given.iter().find(|(_, given)| *given && follow.is_some()) {
            let expected = "nothing: a node that follows others has no part in consensus";
            return Err(fields.refuse(name, "given beside the table follow", expected));
        }
        let engine = engine(fields.table("engine")?)?;
        let log = log(fields.table("log")?, folder)?;
        fields.finish()?;
        Ok(Self {
            file: file.to_owned(),
            name,
            genesis,
            data_dir,
            validator_key,
            validator_token,
            p2p_listen,
            follow,
            http_listen,
            tls,
            peers,
            p2p_peers,
            engine,
            log,
        })
    }
}

fn tls(mut fields: Fields<'_>, folder: &Path) -> Result<Option<TlsFiles>, SetupError> {
    let path = |text: String| folder.join(text);
    let files = (fields.text("certificate")?.map(path), fields.text("key")?.map(path));
    let client_authorities = fields.text("client_authorities")?.map(path);
    let files = match files {
        (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key, client_authorities }),
        (None, None) if client_authorities.is_none() => None,
        (Some(_), None) => return Err(fields.refuse("key", "missing", "a path")),
        (None, _) => return Err(fields.refuse("certificate", "missing", "a path")),
    };
    fields.finish()?;
    Ok(files)
}

pub(super) fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
}

fn is_host(text: &str) -> bool {
    let port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    text.rsplit_once(':').is_some_and(|(host, number)| !host.is_empty() && port(number))
}

const KEY_TABLES_MIB_DEFAULT: u64 = trine_crypto::KEY_TABLES_BYTES_DEFAULT as u64 >> 20;

/// Threads that verify signatures where nobody names a number: the rest of the processors has
/// other work.
const VERIFY_THREADS_DEFAULT_MAX: usize = 4;

/// Threads that execute and hash where nobody names a number: more than these wait for each other.
const THREADS_DEFAULT_MAX: usize = 8;

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn verify_threads_default() -> u64 {
    processors().min(VERIFY_THREADS_DEFAULT_MAX) as u64
}

/// Half of the processors: a block is executed in a burst, while others are verified.
fn threads_default() -> u64 {
    (processors() / 2).clamp(1, THREADS_DEFAULT_MAX) as u64
}

fn engine(mut fields: Fields<'_>) -> Result<EngineConfig, SetupError> {
    let idle_ms = fields.number("idle_ms", 1..=MINUTE_MS, 1_000)?;
    let interval_ms_min = fields.number("interval_ms_min", 0..=MINUTE_MS, 25)?;
    let leader_ms = fields.number("leader_ms", idle_ms + 1..=2 * MINUTE_MS, idle_ms + 1_000)?;
    let certification_ms =
        fields.number("certification_ms", leader_ms + 1..=3 * MINUTE_MS, leader_ms + 1_000)?;
    let cache_mib = fields.number("cache_mib", 1..=1_048_576, 256)?;
    let key_tables_mib = fields.number("key_tables_mib", 0..=65_536, KEY_TABLES_MIB_DEFAULT)?;
    let config = EngineConfig {
        idle_ms,
        interval_ms_min,
        leader_ms,
        certification_ms,
        cache_bytes: (cache_mib as usize) << 20,
        key_tables_bytes: (key_tables_mib as usize) << 20,
        peers_max: fields.number("peers_max", 2..=PEERS_MAX, PEERS_DEFAULT)? as usize,
        threads: fields.number("threads", 1..=256, threads_default())? as usize,
        verify_threads: fields.number("verify_threads", 1..=256, verify_threads_default())?
            as usize,
        workers: fields.number("workers", 1..=256, 2)? as usize,
    };
    fields.finish()?;
    Ok(config)
}

fn log(mut fields: Fields<'_>, folder: &Path) -> Result<LogConfig, SetupError> {
    let level = fields.parsed("level", "error, warn, info, debug or trace in quotes")?;
    let format: Option<LogFormat> = fields.parsed("format", "\"text\" or \"json\"")?;
    let config = LogConfig {
        format: format.unwrap_or_default(),
        file: fields.text("file")?.map(|file| folder.join(file)),
        level: level.unwrap_or(Level::INFO),
        file_bytes_max: fields.number("file_mib_max", 1..=1_024, 16)? << 20,
        files_max: fields.number("files_max", 1..=100, 5)? as u32,
    };
    fields.finish()?;
    Ok(config)
}
