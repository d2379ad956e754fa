//! Configure a node, and check before the start what would fail after it.
//!
//! [`NodeConfig`] is the file `node.toml`, specified in `docs/reference/configuration.md`.
//! [`prepare`] takes the folder, the ports and the key that it names, or says what is wrong with
//! them; [`log`] writes the log, [`clock`] watches the clock.

pub mod clock;
mod document;
mod error;
mod fields;
mod follow;
pub mod log;
mod prepare;
mod token;

#[cfg(test)]
mod tests;

pub use document::{EngineConfig, LogConfig, LogFormat, NodeConfig};
pub use error::SetupError;
pub use follow::{FollowConfig, ReaderConfig};
pub use prepare::{
    FolderLock, Prepared, disk_full, is_disk_full, prepare, read_genesis, read_secret_key,
};
pub use token::ValidatorToken;
