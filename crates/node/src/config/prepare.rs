//! Take the folder, check the ports and read the files that a configuration names.

use super::{NodeConfig, SetupError};
use std::{
    fs::{self, File, TryLockError},
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};
use trine_crypto::{Algorithm, SecretKey};
use trine_types::{Genesis, codec::parse_hex, limits::GENESIS_BYTES_MAX};
use zeroize::Zeroizing;

/// Bytes that must be free for a node to start.
const FREE_BYTES_MIN: u64 = 256 * 1_024 * 1_024;
/// Free bytes below which the operator is warned.
const FREE_BYTES_WARN: u64 = 4 * 1_024 * 1_024 * 1_024;
/// Bytes of a secret key.
const SECRET_BYTES: usize = 32;
/// Bytes of its file: hexadecimal digits and the end of a line.
const KEY_FILE_BYTES_MAX: usize = 2 * SECRET_BYTES + 2;
const LOCK: &str = "node.lock";
const PROBE: &str = "node.probe";

/// What a node starts with.
#[derive(Debug)]
pub struct Prepared {
    /// Genesis document.
    pub genesis: Genesis,
    /// The validator's secret key, in the algorithm of the suite; a follower has none.
    pub validator_key: Option<SecretKey>,
    /// Keeps other nodes out of the folder as long as it lives.
    pub lock: FolderLock,
}

/// Holds a folder for this process.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

/// Checks and takes everything that a configuration names, in the order in which an operator can
/// mend it: files, folder, disk, ports.
///
/// # Errors
/// [`SetupError`] for the first that does not serve.
pub fn prepare(config: &NodeConfig) -> Result<Prepared, SetupError> {
    let genesis = read_genesis(&config.genesis)?;
    let suite = genesis.suite().map_err(|error| SetupError::Genesis {
        file: config.genesis.clone(),
        reason: error.to_string(),
    })?;
    let read = |file| read_secret_key(suite.algorithm(), file);
    let validator_key = config.validator_key.as_deref().map(read).transpose()?;
    if let Some(reader) = config.follow.as_ref().and_then(|follow| follow.reader.as_ref()) {
        read_secret_key(reader.algorithm.unwrap_or(suite.algorithm()), &reader.key)?;
    }
    let lock = FolderLock::take(&config.data_dir)?;
    check_writable(&config.data_dir)?;
    check_space(&config.data_dir)?;
    if let Some(p2p_listen) = config.p2p_listen {
        check_port("p2p_listen", p2p_listen)?;
    }
    check_port("http_listen", config.http_listen)?;
    Ok(Prepared { genesis, validator_key, lock })
}

/// Reads and checks a genesis document.
///
/// # Errors
/// [`SetupError::Unreadable`] or [`SetupError::Genesis`].
pub fn read_genesis(file: &Path) -> Result<Genesis, SetupError> {
    let refuse = |reason: String| SetupError::Genesis { file: file.to_owned(), reason };
    let too_long = || refuse(format!("the document has more than {GENESIS_BYTES_MAX} bytes"));
    let bytes = read(file, GENESIS_BYTES_MAX)?.ok_or_else(too_long)?;
    Genesis::from_json(&bytes).map_err(|error| refuse(error.to_string()))
}

/// Reads a secret key, of a validator or of a reader: 64 hexadecimal digits in a file that only its
/// owner can read.
///
/// # Errors
/// [`SetupError::Unreadable`] or [`SetupError::Key`], which says nothing of the content.
pub fn read_secret_key(algorithm: Algorithm, file: &Path) -> Result<SecretKey, SetupError> {
    let refuse = |reason: &str| SetupError::Key {
        file: file.to_owned(),
        reason: format!("{reason}, expected 64 hexadecimal digits and nothing else"),
    };
    check_private(file)?;
    let bytes = read(file, KEY_FILE_BYTES_MAX)?.ok_or_else(|| refuse("the file is too long"))?;
    let bytes = Zeroizing::new(bytes);
    let text = str::from_utf8(&bytes).map_err(|_| refuse("the file is no text"))?.trim_end();
    let secret = parse_hex(text).map_err(|_| refuse("the file holds other characters"))?;
    let secret = Zeroizing::new(secret);
    SecretKey::from_bytes(algorithm, &secret).map_err(|error| refuse(&error.to_string()))
}

#[cfg(unix)]
fn check_private(file: &Path) -> Result<(), SetupError> {
    use std::os::unix::fs::PermissionsExt as _;
    let unreadable = |source| SetupError::Unreadable { file: file.to_owned(), source };
    let mode = fs::metadata(file).map_err(unreadable)?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let reason = format!("others can read the key (mode {mode:03o}), expected mode 600");
    Err(SetupError::Key { file: file.to_owned(), reason })
}

#[cfg(not(unix))]
fn check_private(_: &Path) -> Result<(), SetupError> {
    Ok(())
}

/// Reads a file of at most `limit` bytes; none for a longer one.
fn read(file: &Path, limit: usize) -> Result<Option<Vec<u8>>, SetupError> {
    let unreadable = |source| SetupError::Unreadable { file: file.to_owned(), source };
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(unreadable)?;
    opened.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() <= limit))
}

impl FolderLock {
    /// Creates the folder where it is missing, and takes it.
    ///
    /// # Errors
    /// [`SetupError::FolderLocked`] when another process has it, [`SetupError::ReadOnly`] or
    /// [`SetupError::DiskFull`] when it cannot be written.
    pub fn take(folder: &Path) -> Result<Self, SetupError> {
        let failed = |error| cannot_write(folder, error);
        fs::create_dir_all(folder).map_err(failed)?;
        let path = folder.join(LOCK);
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => (),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let process = file.read_to_string(&mut holder).ok();
                let process = process.and_then(|_| holder.trim().parse().ok());
                return Err(SetupError::FolderLocked { folder: folder.to_owned(), process });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

fn check_writable(folder: &Path) -> Result<(), SetupError> {
    let path = folder.join(PROBE);
    let probe = || {
        let mut file = File::create(&path)?;
        file.write_all(&[0; 4_096])?;
        file.sync_all()?;
        drop(file);
        fs::remove_file(&path)
    };
    probe().map_err(|error| cannot_write(folder, error))
}

pub(super) fn cannot_write(folder: &Path, source: io::Error) -> SetupError {
    let folder: PathBuf = folder.to_owned();
    if is_disk_full(&source) {
        return SetupError::DiskFull { folder, available: 0, needed: FREE_BYTES_MIN };
    }
    SetupError::ReadOnly { folder, source }
}

/// Says whether an error means that the disk, or the share of it that the user may take, is full.
pub fn is_disk_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Says how much is left in a folder whose disk turned out to be full.
pub fn disk_full(folder: &Path) -> SetupError {
    let available = rustix::fs::statvfs(folder)
        .map_or(0, |space| space.f_bavail.saturating_mul(space.f_frsize));
    SetupError::DiskFull { folder: folder.to_owned(), available, needed: FREE_BYTES_MIN }
}

fn check_space(folder: &Path) -> Result<(), SetupError> {
    let space = rustix::fs::statvfs(folder).map_err(|error| cannot_write(folder, error.into()))?;
    check_available(folder, space.f_bavail.saturating_mul(space.f_frsize))
}

/// Refuses to start on a disk that is about to be full.
pub(super) fn check_available(folder: &Path, available: u64) -> Result<(), SetupError> {
    if available < FREE_BYTES_MIN {
        let folder = folder.to_owned();
        return Err(SetupError::DiskFull { folder, available, needed: FREE_BYTES_MIN });
    }
    if available < FREE_BYTES_WARN {
        let free_mib = available >> 20;
        tracing::warn!(folder = %folder.display(), free_mib, "the disk is nearly full");
    }
    Ok(())
}

/// Listens for a moment: the port must be free before anything else is started.
fn check_port(field: &'static str, address: SocketAddr) -> Result<(), SetupError> {
    let listener = TcpListener::bind(address);
    listener.map(drop).map_err(|source| SetupError::PortInUse { field, address, source })
}
