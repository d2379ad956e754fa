//! Say what keeps a node from starting.

use std::{io, net::SocketAddr, path::PathBuf};

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The configuration is no TOML.
    #[error("{}: {reason}", file.display())]
    Syntax {
        /// Configuration.
        file: PathBuf,
        /// Line, column and what is wrong there.
        reason: String,
    },
    /// A field of the configuration is missing, unknown, of another kind or out of range.
    #[error("{}: {field} is {value}, expected {expected}", file.display())]
    Field {
        /// Configuration.
        file: PathBuf,
        /// Field, with its table before a dot.
        field: String,
        /// Value found.
        value: String,
        /// What would be accepted.
        expected: String,
    },
    /// A file that the configuration names cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Unreadable {
        /// File.
        file: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The genesis document is refused.
    #[error("{}: {reason}", file.display())]
    Genesis {
        /// Document.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file with the validator's key is refused. What it holds is never shown.
    #[error("{}: {reason}", file.display())]
    Key {
        /// File.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another process uses the folder.
    #[error("{} is in use by another node{}", folder.display(), process.map_or_else(
        String::new, |id| format!(" (process {id})")
    ))]
    FolderLocked {
        /// Folder.
        folder: PathBuf,
        /// Process that holds it, where it said so.
        process: Option<u32>,
    },
    /// The folder cannot be written.
    #[error("cannot write in {}: {source}", folder.display())]
    ReadOnly {
        /// Folder.
        folder: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The disk is full, or so full that it soon would be.
    #[error(
        "the disk of {} has {} MiB free, a node needs {} MiB or more", folder.display(),
        available >> 20, needed >> 20
    )]
    DiskFull {
        /// Folder.
        folder: PathBuf,
        /// Bytes that are free.
        available: u64,
        /// Bytes that must be free.
        needed: u64,
    },
    /// A port is taken, or the address is not of this host.
    #[error("cannot listen on {address} ({field}): {source}")]
    PortInUse {
        /// Field of the configuration.
        field: &'static str,
        /// Address.
        address: SocketAddr,
        /// The system's answer.
        source: io::Error,
    },
}

impl SetupError {
    /// The stable code of the error; `trine explain CODE` tells cause and remedy.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } | Self::Field { .. } => "bad_configuration",
            Self::Unreadable { .. } => "unreadable_file",
            Self::Genesis { .. } => "bad_genesis",
            Self::Key { .. } => "bad_secret_key",
            Self::FolderLocked { .. } => "folder_locked",
            Self::ReadOnly { .. } => "read_only_folder",
            Self::DiskFull { .. } => "disk_full",
            Self::PortInUse { .. } => "port_in_use",
        }
    }
}
