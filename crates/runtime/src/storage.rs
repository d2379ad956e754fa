//! Route each partition to its kind of files.

use crate::{blob::Blob, context::Context, files::FileName};
use commonware_runtime::{BlobVersion, Error, Storage};
use std::ops::RangeInclusive;

impl Storage for Context {
    type Blob = Blob;

    async fn open_versioned(
        &self,
        partition: &str,
        name: &[u8],
        versions: RangeInclusive<BlobVersion>,
    ) -> Result<(Blob, u64, BlobVersion), Error> {
        if !(self.files.logged)(partition) {
            let opened = self.files.library.open_versioned(partition, name, versions).await?;
            let (blob, length, version) = opened;
            return Ok((Blob::Library(blob), length, version));
        }
        let name = FileName::new(partition, name)?;
        let (blob, length, version) = self.files.log.open_file(name, versions).await?;
        Ok((Blob::Logged(blob), length, version))
    }

    async fn remove(&self, partition: &str, name: Option<&[u8]>) -> Result<(), Error> {
        if (self.files.logged)(partition) {
            // An empty name is none that a file has, not the whole partition.
            let file = name.map(|name| FileName::new(partition, name)).transpose()?;
            let file = file.map(|name| name.file);
            return self.files.log.remove(partition.to_owned(), file).await;
        }
        self.files.library.remove(partition, name).await
    }

    async fn scan(&self, partition: &str) -> Result<Vec<Vec<u8>>, Error> {
        self.library.scan(partition).await
    }
}
