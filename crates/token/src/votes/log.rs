//! Keep the latest votes in a file of records that are synced one by one.
//!
//! The file is a header (`trine-votes-1`, zero, the key: 48 bytes) and records of 108 bytes: tag of
//! the namespace (8), digest of namespace and message (32), signature (64), CRC-32 of these (4).

use crate::TokenError;
use crc_fast::{CrcAlgorithm::Crc32IsoHdlc, checksum};
use std::{
    collections::{HashMap, VecDeque},
    fs::{self, File},
    io::{self, Read, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};
use trine_crypto::{Suite, VoteKey, VoteSignature, framed};

/// Votes kept of each namespace, the latest. Views end within seconds and are never voted on again
/// once a later one is final, so that far fewer would do.
pub const VOTES_MAX: usize = 4_096;
/// Namespaces kept: the kinds of votes, and the introductions to peers, are a handful.
pub const NAMESPACES_MAX: usize = 16;
/// Records that are no longer needed before the file is written anew.
const STALE_MAX: usize = 16_384;
const RECORDS_MAX: usize = NAMESPACES_MAX * VOTES_MAX + STALE_MAX;

const MAGIC: &[u8; 14] = b"trine-votes-1\0";
const KEY_BYTES: usize = 34;
const HEADER_BYTES: usize = MAGIC.len() + KEY_BYTES;
const TAG_BYTES: usize = 8;
const DIGEST_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 64;
const BODY_BYTES: usize = TAG_BYTES + DIGEST_BYTES + SIGNATURE_BYTES;
const RECORD_BYTES: usize = BODY_BYTES + 4;
const FILE_BYTES_MAX: usize = HEADER_BYTES + (RECORDS_MAX + 1) * RECORD_BYTES;

/// Why votes cannot be signed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VotesError {
    /// The token does not sign.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Validators may not use the key's algorithm.
    #[error(
        "validators may not use keys of this algorithm; take one that the chain's suite admits"
    )]
    NotForValidators,
    /// The log cannot be read or written.
    #[error("the log of votes {}: {source}; mend the disk, then start again", path.display())]
    Io {
        /// The log.
        path: PathBuf,
        /// The system's answer.
        source: Arc<io::Error>,
    },
    /// The log is damaged other than by a crash.
    #[error(
        "the log of votes {} is damaged at byte {place}: {reason}; do not remove it: a validator \
         without it may vote twice; replace the validator's key", path.display()
    )]
    Damaged {
        /// The log.
        path: PathBuf,
        /// First byte of what is damaged.
        place: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// The log belongs to another key.
    #[error(
        "the log of votes {} belongs to another key than {key}; give each key a log of its own",
        path.display()
    )]
    OtherKey {
        /// The log.
        path: PathBuf,
        /// Key that signs now.
        key: VoteKey,
    },
}

impl VotesError {
    /// The stable code of the error; `trine explain CODE` tells cause and remedy.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Token(error) => error.code(),
            Self::NotForValidators => "algorithm_not_for_validators",
            Self::Io { source, .. } if is_disk_full(source) => "disk_full",
            Self::Io { .. } => "votes_not_written",
            Self::Damaged { .. } => "damaged_votes",
            Self::OtherKey { .. } => "votes_of_other_key",
        }
    }
}

fn is_disk_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// What is voted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Vote {
    tag: [u8; TAG_BYTES],
    digest: [u8; DIGEST_BYTES],
}

impl Vote {
    pub fn new(namespace: &[u8], message: &[u8]) -> Self {
        let tag = Suite::Intl.hash(&[namespace]);
        let digest = Suite::Intl.hash(&[&framed(namespace, message)]);
        let tag = tag.as_bytes().first_chunk().expect("SHA-256 is longer than a tag");
        Self { tag: *tag, digest: *digest.as_bytes() }
    }
}

/// The latest votes, in memory and on disk.
pub struct VoteLog {
    path: PathBuf,
    file: File,
    header: [u8; HEADER_BYTES],
    /// Records of the file that are whole and synced.
    records: usize,
    votes: HashMap<Vote, VoteSignature>,
    /// Votes of each namespace, the oldest first; namespaces, the least recently used first.
    order: VecDeque<([u8; TAG_BYTES], VecDeque<Vote>)>,
    /// A sync that failed may have lost data that a later one does not report.
    failed: Option<Arc<io::Error>>,
}

impl VoteLog {
    /// Opens or begins the log of `key`.
    pub fn open(path: &Path, key: &VoteKey) -> Result<Self, VotesError> {
        let io = |source| VotesError::Io { path: path.to_owned(), source: Arc::new(source) };
        let mut header = [0; HEADER_BYTES];
        header[..MAGIC.len()].copy_from_slice(MAGIC);
        header[MAGIC.len()..].copy_from_slice(key);
        let _ = fs::remove_file(fresh(path));
        if !path.try_exists().map_err(io)? {
            replace(path, &header, std::iter::empty()).map_err(io)?;
        }
        let mut options = File::options();
        let mut file = options.read(true).write(true).open(path).map_err(io)?;
        let mut bytes = Vec::new();
        let limit = FILE_BYTES_MAX as u64 + 1;
        Read::by_ref(&mut file).take(limit).read_to_end(&mut bytes).map_err(io)?;
        let records = read(path, key, &header, &bytes)?;
        let mut log = Self {
            path: path.to_owned(),
            file,
            header,
            records: records.len(),
            votes: HashMap::new(),
            order: VecDeque::new(),
            failed: None,
        };
        // What a crash cut off goes before anything is appended.
        log.file.set_len((HEADER_BYTES + records.len() * RECORD_BYTES) as u64).map_err(io)?;
        log.file.sync_all().map_err(io)?;
        records.into_iter().for_each(|(vote, signature)| log.remember(vote, signature));
        Ok(log)
    }

    /// The signature that was made of a vote.
    pub fn find(&self, vote: &Vote) -> Option<VoteSignature> {
        self.votes.get(vote).cloned()
    }

    /// Writes a signature down; it may be given out when this returns.
    pub fn append(&mut self, vote: Vote, signature: VoteSignature) -> Result<(), VotesError> {
        let io = |source| VotesError::Io { path: self.path.clone(), source };
        if let Some(error) = &self.failed {
            return Err(io(error.clone()));
        }
        if let Err(error) = self.write(&vote, &signature) {
            let error = Arc::new(error);
            self.failed = Some(error.clone());
            return Err(VotesError::Io { path: self.path.clone(), source: error });
        }
        self.remember(vote, signature);
        Ok(())
    }

    fn write(&mut self, vote: &Vote, signature: &VoteSignature) -> io::Result<()> {
        if self.records >= self.votes.len() + STALE_MAX {
            let live = self.order.iter().flat_map(|(_, votes)| votes);
            let live = live.map(|vote| (vote, &self.votes[vote]));
            self.file = replace(&self.path, &self.header, live)?;
            self.records = self.votes.len();
        }
        let end = (HEADER_BYTES + self.records * RECORD_BYTES) as u64;
        self.file.seek(SeekFrom::Start(end))?;
        self.file.write_all(&record(vote, signature))?;
        self.file.sync_data()?;
        self.records += 1;
        Ok(())
    }

    /// Takes a vote into memory and forgets the oldest of its namespace over the limit.
    fn remember(&mut self, vote: Vote, signature: VoteSignature) {
        let known = self.order.iter().position(|(tag, _)| *tag == vote.tag);
        let (tag, mut votes) =
            known.and_then(|place| self.order.remove(place)).unwrap_or((vote.tag, VecDeque::new()));
        if votes.len() == VOTES_MAX
            && let Some(oldest) = votes.pop_front()
        {
            self.votes.remove(&oldest);
        }
        if self.order.len() == NAMESPACES_MAX
            && let Some((_, unused)) = self.order.pop_front()
        {
            unused.iter().for_each(|vote| {
                self.votes.remove(vote);
            });
        }
        votes.push_back(vote);
        self.order.push_back((tag, votes));
        self.votes.insert(vote, signature);
    }
}

fn record(vote: &Vote, signature: &VoteSignature) -> [u8; RECORD_BYTES] {
    let mut bytes = [0; RECORD_BYTES];
    let (body, sum) = bytes.split_at_mut(BODY_BYTES);
    let (tag, rest) = body.split_at_mut(TAG_BYTES);
    let (digest, made) = rest.split_at_mut(DIGEST_BYTES);
    tag.copy_from_slice(&vote.tag);
    digest.copy_from_slice(&vote.digest);
    made.copy_from_slice(signature);
    sum.copy_from_slice(&crc(body).to_le_bytes());
    bytes
}

fn crc(body: &[u8]) -> u32 {
    // The algorithm is one of 32 bits; the crate returns all in a `u64`.
    checksum(Crc32IsoHdlc, body) as u32
}

type Record = (Vote, VoteSignature);

fn parse(bytes: &[u8]) -> Option<Record> {
    let bytes: &[u8; RECORD_BYTES] = bytes.try_into().ok()?;
    let (body, sum) = bytes.split_at(BODY_BYTES);
    if crc(body).to_le_bytes() != sum {
        return None;
    }
    let (tag, rest) = body.split_first_chunk()?;
    let (digest, signature) = rest.split_first_chunk()?;
    let signature = <[u8; SIGNATURE_BYTES]>::try_from(signature).ok()?;
    Some((Vote { tag: *tag, digest: *digest }, signature.into()))
}

/// Reads all whole records. Only the last one may be broken: each was synced before the next.
fn read(
    path: &Path,
    key: &VoteKey,
    header: &[u8],
    bytes: &[u8],
) -> Result<Vec<Record>, VotesError> {
    let damaged = |place, reason| VotesError::Damaged { path: path.to_owned(), place, reason };
    if bytes.len() > FILE_BYTES_MAX {
        return Err(damaged(FILE_BYTES_MAX, "the file is longer than any that is written"));
    }
    let Some((found, body)) = bytes.split_at_checked(HEADER_BYTES) else {
        return Err(damaged(0, "the header is cut off"));
    };
    if !found.starts_with(MAGIC) {
        return Err(damaged(0, "it is no log of votes"));
    }
    if found != header {
        return Err(VotesError::OtherKey { path: path.to_owned(), key: key.clone() });
    }
    let count = body.len().div_ceil(RECORD_BYTES);
    let mut records = Vec::with_capacity(count);
    for (index, bytes) in body.chunks(RECORD_BYTES).enumerate() {
        match parse(bytes) {
            Some(record) => records.push(record),
            None if index + 1 == count => tracing::warn!(
                log = %path.display(),
                "drops a vote that a crash cut off; it was never sent"
            ),
            None => {
                let place = HEADER_BYTES + index * RECORD_BYTES;
                return Err(damaged(place, "the checksum of a record is wrong"));
            }
        }
    }
    Ok(records)
}

/// Where a file lies while it is written.
fn fresh(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// Writes a whole file beside the old one and puts it in its place.
fn replace<'a>(
    path: &Path,
    header: &[u8],
    records: impl Iterator<Item = (&'a Vote, &'a VoteSignature)>,
) -> io::Result<File> {
    let mut bytes = header.to_vec();
    records.for_each(|(vote, signature)| bytes.extend_from_slice(&record(vote, signature)));
    let new = fresh(path);
    let mut options = File::options();
    let mut file = options.read(true).write(true).create(true).truncate(true).open(&new)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests;
