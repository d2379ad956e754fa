//! What the log says: one change of one file each.

use crate::files::{FileName, NAME_BYTES_MAX, is_file, is_partition};
use std::fmt;

const CREATE: u8 = 1;
const WRITE: u8 = 2;
const RESIZE: u8 = 3;
const REMOVE: u8 = 4;
const REMOVE_PARTITION: u8 = 5;
const CHECKPOINTED: u8 = 6;
/// Most bytes of a record beside those that it writes: kind, two names with lengths, place.
pub(super) const OVERHEAD_BYTES_MAX: usize = 1 + 2 * (4 + NAME_BYTES_MAX) + 8 + 4;

/// One change of the engine's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    pub(super) partition: &'a str,
    /// In hexadecimal digits; empty where the change is of a whole partition or of none.
    pub(super) file: &'a str,
    pub(super) change: Change<'a>,
}

/// What happens to a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change<'a> {
    /// It begins, with content of this version.
    Create(u16),
    Write {
        offset: u64,
        bytes: &'a [u8],
    },
    /// Its content has this many bytes from now on.
    Resize(u64),
    Remove,
    /// All files of the partition go.
    RemovePartition,
    /// No file: everything that the segment with this sequence number says is on disk.
    Checkpointed(u64),
}

impl fmt::Debug for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(version) => write!(f, "Create({version})"),
            Self::Write { offset, bytes } => write!(f, "Write({offset}, {} bytes)", bytes.len()),
            Self::Resize(length) => write!(f, "Resize({length})"),
            Self::Remove => f.write_str("Remove"),
            Self::RemovePartition => f.write_str("RemovePartition"),
            Self::Checkpointed(sequence) => write!(f, "Checkpointed({sequence})"),
        }
    }
}

impl<'a> Record<'a> {
    pub(super) fn of(name: &'a FileName, change: Change<'a>) -> Self {
        Self { partition: &name.partition, file: &name.file, change }
    }

    /// Length of the encoding in bytes, at most.
    pub(super) fn bytes_max(&self) -> usize {
        let written = if let Change::Write { bytes, .. } = self.change { bytes.len() } else { 0 };
        OVERHEAD_BYTES_MAX + written
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(match self.change {
            Change::Create(_) => CREATE,
            Change::Write { .. } => WRITE,
            Change::Resize(_) => RESIZE,
            Change::Remove => REMOVE,
            Change::RemovePartition => REMOVE_PARTITION,
            Change::Checkpointed(_) => CHECKPOINTED,
        });
        put_bytes(out, self.partition.as_bytes());
        put_bytes(out, self.file.as_bytes());
        match self.change {
            Change::Create(version) => out.extend(version.to_be_bytes()),
            Change::Write { offset, bytes } => {
                out.extend(offset.to_be_bytes());
                put_bytes(out, bytes);
            }
            Change::Resize(number) | Change::Checkpointed(number) => {
                out.extend(number.to_be_bytes());
            }
            Change::Remove | Change::RemovePartition => {}
        }
    }

    /// Takes the next record from the front of `input`; `None` for anything that no encoder made.
    pub(super) fn decode(input: &mut &'a [u8]) -> Option<Self> {
        let [kind] = take(input)?;
        let partition = std::str::from_utf8(take_bytes(input)?).ok()?;
        let file = std::str::from_utf8(take_bytes(input)?).ok()?;
        let change = match kind {
            CREATE => Change::Create(u16::from_be_bytes(take(input)?)),
            WRITE => Change::Write {
                offset: u64::from_be_bytes(take(input)?),
                bytes: take_bytes(input)?,
            },
            RESIZE => Change::Resize(u64::from_be_bytes(take(input)?)),
            REMOVE => Change::Remove,
            REMOVE_PARTITION => Change::RemovePartition,
            CHECKPOINTED => Change::Checkpointed(u64::from_be_bytes(take(input)?)),
            _ => return None,
        };
        let (needs_partition, needs_file) = match change {
            Change::Checkpointed(_) => (false, false),
            Change::RemovePartition => (true, false),
            _ => (true, true),
        };
        let named = needs_partition == is_partition(partition) && needs_file == is_file(file);
        (named && (needs_partition || partition.is_empty()) && (needs_file || file.is_empty()))
            .then_some(Self { partition, file, change })
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("writes are split into pieces");
    out.extend(length.to_be_bytes());
    out.extend(bytes);
}

fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = input.split_first_chunk()?;
    *input = rest;
    Some(*taken)
}

fn take_bytes<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(u32::from_be_bytes(take(input)?)).ok()?;
    let (taken, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGES: [Change<'_>; 6] = [
        Change::Create(7),
        Change::Write { offset: u64::MAX, bytes: b"bytes" },
        Change::Resize(1 << 40),
        Change::Remove,
        Change::RemovePartition,
        Change::Checkpointed(9),
    ];

    fn record(change: Change<'_>) -> Record<'_> {
        let (partition, file) = match change {
            Change::Checkpointed(_) => ("", ""),
            Change::RemovePartition => ("votes_1", ""),
            _ => ("votes_1", "00ff"),
        };
        Record { partition, file, change }
    }

    /// Goal: nothing is lost in the encoding. Method: each kind there and back, and cut anywhere.
    #[test]
    fn records_come_back_and_nothing_shorter_does() {
        for change in CHANGES {
            let mut bytes = Vec::new();
            record(change).encode(&mut bytes);
            assert!(bytes.len() <= record(change).bytes_max());
            let mut input = &bytes[..];
            assert_eq!(Record::decode(&mut input), Some(record(change)));
            assert!(input.is_empty());
            for end in 0..bytes.len() {
                assert_eq!(Record::decode(&mut &bytes[..end]), None, "{change:?} cut at {end}");
            }
        }
    }

    /// Goal: a log cannot lead out of its folder. Method: names that would, and ones left out.
    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for (partition, file) in [
            ("..", "00"),
            ("a/b", "00"),
            ("", "00"),
            ("a", ""),
            ("a", "../b"),
            ("a", "0A"),
            ("a", "xy"),
        ] {
            let mut bytes = Vec::new();
            Record { partition, file, change: Change::Remove }.encode(&mut bytes);
            assert_eq!(Record::decode(&mut &bytes[..]), None, "{partition:?} {file:?}");
        }
        let mut bytes = Vec::new();
        Record { partition: "a", file: "00", change: Change::RemovePartition }.encode(&mut bytes);
        assert_eq!(Record::decode(&mut &bytes[..]), None);
    }
}
