//! Read what is in memory where it is asked for; fill the buffers of callers.

use bytes::BufMut as _;
use commonware_runtime::{IoBufMut, IoBufsMut};
use std::{fs::File, io};

/// Most bytes that one read moves in place: copying them takes as long as waking a thread.
const IN_PLACE_BYTES_MAX: usize = 16 << 10;

/// Reads a small range that takes no disk; `None` for any other, and for what cannot be read.
pub(crate) fn read_small(file: &File, at: u64, length: usize) -> Option<IoBufMut> {
    if length > IN_PLACE_BYTES_MAX {
        return None;
    }
    let mut buffer = IoBufMut::zeroed(length);
    let mut at = at;
    let mut rest = buffer.as_mut();
    while !rest.is_empty() {
        match read_some(file, at, rest) {
            Ok(0) | Err(_) => return None,
            Ok(count) => {
                at += count as u64;
                rest = &mut rest[count..];
            }
        }
    }
    Some(buffer)
}

#[cfg(target_os = "linux")]
fn read_some(file: &File, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
    use rustix::io::{ReadWriteFlags, preadv2};
    let buffers = &mut [io::IoSliceMut::new(buffer)];
    Ok(preadv2(file, buffers, at, ReadWriteFlags::NOWAIT)?)
}

#[cfg(not(target_os = "linux"))]
fn read_some(_: &File, _: u64, _: &mut [u8]) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Copies `bytes` into the buffers of a caller, which keep their pieces.
///
/// # Panics
/// Where the buffers have no room for them.
pub(crate) fn fill(mut buffers: IoBufsMut, bytes: &[u8]) -> IoBufsMut {
    if buffers.len() == bytes.len() {
        buffers.copy_from_slice(bytes);
    } else if let Some(single) = buffers.as_single_mut() {
        single.clear();
        single.put_slice(bytes);
    } else {
        return IoBufMut::from(bytes).into();
    }
    buffers
}
