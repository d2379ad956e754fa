//! Name files, and write and read the header that begins each of them.

use commonware_formatting::hex;
use commonware_runtime::{BlobVersion, Error};
use crc_fast::{CrcAlgorithm::Crc32Iscsi, checksum};
use std::{
    fs::File,
    io,
    ops::RangeInclusive,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

/// Longest name of a partition or of a file; the limit of the usual file systems.
pub(crate) const NAME_BYTES_MAX: usize = 255;
/// Bytes before the content of a file.
pub(crate) const HEADER_BYTES: u64 = 4_096;
/// What a header says; zeros follow.
const SAID_BYTES: usize = 12;
const MAGIC: [u8; 4] = *b"CWIK";
const LAYOUT: u16 = 1;

/// What a file is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FileName {
    pub(crate) partition: String,
    /// In hexadecimal digits.
    pub(crate) file: String,
}

impl FileName {
    /// # Errors
    /// [`Error::PartitionNameInvalid`] for one that is no folder's name.
    pub(crate) fn new(partition: &str, file: &[u8]) -> Result<Self, Error> {
        let name = Self { partition: partition.to_owned(), file: hex(file) };
        if is_partition(partition) && is_file(&name.file) {
            return Ok(name);
        }
        Err(Error::PartitionNameInvalid(format!("{partition}/{}", name.file)))
    }

    /// Where the file lies in the folder `root`.
    pub(crate) fn path(&self, root: &Path) -> PathBuf {
        root.join(&self.partition).join(&self.file)
    }

    pub(crate) fn open_failed(&self, error: io::Error) -> Error {
        Error::BlobOpenFailed(self.partition.clone(), self.file.clone(), error.into())
    }

    pub(crate) fn corrupt(&self, reason: &str) -> Error {
        Error::BlobCorrupt(self.partition.clone(), self.file.clone(), reason.into())
    }
}

/// The library's rule for partitions, so that no name leads out of the folder.
pub(crate) fn is_partition(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.bytes().all(allowed)
}

/// Whether it is what a file is called in its partition.
pub(crate) fn is_file(name: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.bytes().all(allowed)
}

/// The header's bytes but for the zeros, as the library writes them: files may pass from its
/// handles to ours and back.
fn said(version: u16) -> [u8; SAID_BYTES] {
    let mut said = [0; SAID_BYTES];
    said[..4].copy_from_slice(&MAGIC);
    said[4..6].copy_from_slice(&LAYOUT.to_be_bytes());
    said[6..8].copy_from_slice(&version.to_be_bytes());
    #[allow(clippy::cast_possible_truncation, reason = "the checksum has 32 bits")]
    let sum = checksum(Crc32Iscsi, &said[..8]) as u32;
    said[8..].copy_from_slice(&sum.to_be_bytes());
    said
}

/// Makes the file an empty one with content of `version`.
pub(crate) fn write_header(file: &File, version: u16) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all_at(&said(version), 0)?;
    file.set_len(HEADER_BYTES)
}

/// Reads the header; `None` for a file whose creation was cut off.
///
/// # Errors
/// [`Error::BlobCorrupt`] for a file with content and no header, [`Error::BlobVersionMismatch`].
pub(crate) fn read_header(
    file: &File,
    name: &FileName,
    versions: &RangeInclusive<BlobVersion>,
) -> Result<Option<BlobVersion>, Error> {
    let length = file.metadata().map_err(|error| name.open_failed(error))?.len();
    if length < HEADER_BYTES {
        return Ok(None);
    }
    let mut found = [0; SAID_BYTES];
    file.read_exact_at(&mut found, 0).map_err(|error| name.open_failed(error))?;
    let version = u16::from_be_bytes([found[6], found[7]]);
    if found != said(version) {
        let cut = length == HEADER_BYTES;
        return if cut { Ok(None) } else { Err(name.corrupt("invalid header")) };
    }
    let found = BlobVersion::new(version);
    if versions.contains(&found) {
        return Ok(Some(found));
    }
    Err(Error::BlobVersionMismatch { expected: versions.clone(), found })
}
