//! Write batches to the segments, and free a full one while the other fills.

use super::{
    record::{Change, Record},
    replay::Resumed,
    segment::{self, BATCH_HEADER_BYTES, Place, Segment},
    touched::Touched,
};
use std::{
    io,
    path::PathBuf,
    thread::{self, JoinHandle},
};

/// The one that writes the log.
pub(super) struct Writer {
    root: PathBuf,
    segments: [Segment; 2],
    current: usize,
    pub(super) sequence: u64,
    pub(super) index: u64,
    position: u64,
    /// Batches of the segment before that a start would need.
    previous: u32,
    /// What the current segment speaks of.
    touched: Touched,
    /// Makes durable what the other segment speaks of; none where nobody needs that one.
    checkpoint: Option<JoinHandle<io::Result<()>>>,
}

impl Writer {
    /// Goes on behind a replay that has made everything durable, in a segment of its own.
    pub(super) fn resume(
        root: PathBuf,
        segments: [Segment; 2],
        resumed: Option<&Resumed>,
    ) -> io::Result<Self> {
        let mut writer = Self {
            root,
            segments,
            current: 0,
            sequence: 1,
            index: 0,
            position: 0,
            previous: 0,
            touched: Touched::default(),
            checkpoint: None,
        };
        if let Some(resumed) = resumed {
            writer.current = resumed.current;
            writer.sequence = resumed.sequence;
            writer.index = resumed.index;
            writer.position = resumed.position;
            if !resumed.stands_alone {
                writer.mark()?;
            }
            writer.turn(0);
            // From here on the old segments are read no more.
            writer.put(&mut empty())?;
        }
        Ok(writer)
    }

    /// Makes a batch durable, whose records begin behind room for a header.
    pub(super) fn write(&mut self, batch: &mut Vec<u8>, touched: Touched) -> io::Result<()> {
        if !segment::fits(self.position, batch.len() - BATCH_HEADER_BYTES) {
            self.switch()?;
        }
        self.touched.merge(touched);
        self.put(batch)
    }

    fn put(&mut self, batch: &mut Vec<u8>) -> io::Result<()> {
        let previous = if self.index == 0 { self.previous } else { 0 };
        segment::seal(batch, Place { sequence: self.sequence, index: self.index, previous });
        self.segments[self.current].write(batch, self.position)?;
        self.index += 1;
        self.position += batch.len() as u64;
        Ok(())
    }

    /// Begins the next segment when the one before the current one is needed no more.
    fn switch(&mut self) -> io::Result<()> {
        if let Some(checkpoint) = self.checkpoint.take() {
            checkpoint.join().map_err(|_| io::Error::other("the checkpoint panicked"))??;
            self.mark()?;
        }
        let (touched, root) = (std::mem::take(&mut self.touched), self.root.clone());
        let checkpoint = thread::Builder::new().name("checkpoint".into());
        self.checkpoint = Some(checkpoint.spawn(move || touched.sync(&root))?);
        let batches = u32::try_from(self.index).expect("a segment has fewer pages");
        self.turn(batches);
        Ok(())
    }

    fn turn(&mut self, previous: u32) {
        self.current = 1 - self.current;
        self.sequence += 1;
        self.index = 0;
        self.position = 0;
        self.previous = previous;
    }

    /// Puts other files in the place of the segments.
    #[cfg(test)]
    pub(super) fn break_files(&mut self, mut other: impl FnMut() -> std::fs::File) {
        for segment in &mut self.segments {
            segment.break_file(other());
        }
    }

    /// Says that the segment before the current one is needed no more.
    fn mark(&mut self) -> io::Result<()> {
        let mut batch = empty();
        let change = Change::Checkpointed(self.sequence - 1);
        Record { partition: "", file: "", change }.encode(&mut batch);
        self.put(&mut batch)
    }
}

/// A batch without records.
pub(super) fn empty() -> Vec<u8> {
    vec![0; BATCH_HEADER_BYTES]
}
