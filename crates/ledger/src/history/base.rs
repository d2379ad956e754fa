//! Remember after which block a history begins that does not hold the whole chain.
//!
//! `base` holds version, chain, height, digest and the sizes of all evidence logs after that block,
//! and a checksum. Where the file is missing, history begins with the chain.

use super::{
    HistoryError,
    files::{checksum, replace},
};
use std::{fs, io::ErrorKind, path::Path};
use trine_types::{
    ChainId, Decode as _, DecodeError, Digest, Encode as _, Height,
    codec::{Decoder, Encoder, check_limit},
    limits::LOGS_MAX,
};

const NAME: &str = "base";
const VERSION: u8 = 1;

/// The block whose state was taken over instead of being executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// Height of the block; history holds the blocks above it.
    pub height: Height,
    /// Digest of the block.
    pub digest: Digest,
    /// Entries of each evidence log after the block.
    pub sizes: Vec<u64>,
}

impl Base {
    /// Reads the base of a history's folder; none where history begins with the chain.
    pub(super) fn read(folder: &Path, chain_id: ChainId) -> Result<Option<Self>, HistoryError> {
        let path = folder.join(NAME);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(HistoryError::io("read", &path)(error)),
        };
        let decoded = Self::from_bytes(&bytes);
        let (found, base) =
            decoded.map_err(|_| HistoryError::corrupt(&path, 0, "the base of history"))?;
        if found != chain_id {
            return Err(HistoryError::OtherChain { path, found, expected: chain_id });
        }
        Ok(Some(base))
    }

    /// Writes it, so that it survives a crash.
    pub(super) fn write(&self, folder: &Path, chain_id: ChainId) -> Result<(), HistoryError> {
        replace(&folder.join(NAME), &self.to_bytes(chain_id))
    }

    fn to_bytes(&self, chain_id: ChainId) -> Vec<u8> {
        let mut to = Encoder(vec![VERSION]);
        chain_id.encode(&mut to);
        self.height.encode(&mut to);
        self.digest.encode(&mut to);
        (self.sizes.len() as u32).encode(&mut to);
        self.sizes.iter().for_each(|size| size.encode(&mut to));
        checksum(&to.0).encode(&mut to);
        to.0
    }

    fn from_bytes(bytes: &[u8]) -> Result<(ChainId, Self), DecodeError> {
        let summed = bytes.split_last_chunk::<4>();
        let (bytes, sum) = summed.ok_or(DecodeError::Malformed("ends early"))?;
        if checksum(bytes).to_be_bytes() != *sum {
            return Err(DecodeError::Malformed("checksum"));
        }
        let mut from = Decoder::new(bytes);
        if u8::decode(&mut from)? != VERSION {
            return Err(DecodeError::Malformed("unknown version"));
        }
        let chain_id = ChainId::decode(&mut from)?;
        let (height, digest) = (Height::decode(&mut from)?, Digest::decode(&mut from)?);
        let logs = u32::decode(&mut from)?;
        check_limit(logs as usize, LOGS_MAX as usize, "logs")?;
        let sizes = (0..logs).map(|_| u64::decode(&mut from)).collect::<Result<_, _>>()?;
        from.finish()?;
        Ok((chain_id, Self { height, digest, sizes }))
    }
}
