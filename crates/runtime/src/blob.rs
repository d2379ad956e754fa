//! One open file of either kind.

use crate::{open_files::LibraryBlob, wal::LoggedBlob};
use commonware_runtime::{Error, Handle, IoBufs, IoBufsMut, ReadOptions, WriteOptions};
use futures::{Stream, future::Either};

/// One open file of the engine.
pub enum Blob {
    /// It is the library's, and synced by itself.
    Library(LibraryBlob),
    /// Its changes are in the log.
    Logged(LoggedBlob),
}

/// Calls the same on either kind.
macro_rules! either {
    ($self:ident, $blob:ident => $call:expr) => {
        match $self {
            Self::Library($blob) => $call.await,
            Self::Logged($blob) => $call.await,
        }
    };
}

impl commonware_runtime::Blob for Blob {
    async fn read_at_buf(
        &self,
        offset: u64,
        length: usize,
        buffers: impl Into<IoBufsMut> + Send,
        options: ReadOptions,
    ) -> Result<IoBufsMut, Error> {
        either!(self, blob => blob.read_at_buf(offset, length, buffers, options))
    }

    async fn read_at(
        &self,
        offset: u64,
        length: usize,
        options: ReadOptions,
    ) -> Result<IoBufsMut, Error> {
        either!(self, blob => blob.read_at(offset, length, options))
    }

    fn read_many(
        &self,
        ranges: &[(u64, usize)],
        options: ReadOptions,
    ) -> impl Stream<Item = Result<(usize, IoBufsMut), Error>> + Send {
        match self {
            Self::Library(blob) => Either::Left(blob.read_many(ranges, options)),
            Self::Logged(blob) => Either::Right(blob.read_many(ranges, options)),
        }
    }

    async fn start_read_many(
        &self,
        ranges: &[(u64, usize)],
        options: ReadOptions,
    ) -> Handle<Vec<IoBufsMut>> {
        either!(self, blob => blob.start_read_many(ranges, options))
    }

    async fn write_at(
        &self,
        offset: u64,
        bytes: impl Into<IoBufs> + Send,
        options: WriteOptions,
    ) -> Result<(), Error> {
        either!(self, blob => blob.write_at(offset, bytes, options))
    }

    async fn resize(&self, length: u64) -> Result<(), Error> {
        either!(self, blob => blob.resize(length))
    }

    async fn sync(&self) -> Result<(), Error> {
        either!(self, blob => blob.sync())
    }

    async fn start_sync(&self) -> Handle<()> {
        either!(self, blob => blob.start_sync())
    }
}
