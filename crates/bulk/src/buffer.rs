//! Keep large buffers of a thread for its next batch: fresh memory costs a page fault every 4 KB.

use std::any::Any;
use std::cell::RefCell;
use std::mem::{size_of, take};
use std::ops::{Deref, DerefMut};

/// Bytes that a thread keeps at most between batches.
const KEPT_BYTES_MAX: usize = 16 << 20;

thread_local! {
    static KEPT: RefCell<Kept> = const { RefCell::new(Kept { buffers: Vec::new(), bytes: 0 }) };
}

struct Kept {
    /// Vectors of any type, with their bytes.
    buffers: Vec<(Box<dyn Any>, usize)>,
    bytes: usize,
}

/// A vector whose memory stays with the thread.
///
/// It begins empty. Only public data belongs here: what was in it is not overwritten.
pub(crate) struct Buffer<T: 'static>(Vec<T>);

impl<T: 'static> Buffer<T> {
    /// An empty vector with room for `capacity` elements at least.
    pub fn with_capacity(capacity: usize) -> Self {
        let found = KEPT.with_borrow_mut(|kept| {
            let fits = |(buffer, _): &(Box<dyn Any>, usize)| {
                buffer.downcast_ref::<Vec<T>>().is_some_and(|vec| vec.capacity() >= capacity)
            };
            let (buffer, bytes) = kept.buffers.swap_remove(kept.buffers.iter().position(fits)?);
            kept.bytes -= bytes;
            buffer.downcast().ok()
        });
        Self(found.map_or_else(|| Vec::with_capacity(capacity), |vec| *vec))
    }
}

impl<T: 'static> FromIterator<T> for Buffer<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let items = items.into_iter();
        let mut buffer = Self::with_capacity(items.size_hint().0);
        buffer.extend(items);
        buffer
    }
}

impl<T: 'static> Drop for Buffer<T> {
    fn drop(&mut self) {
        self.0.clear();
        let vec = take(&mut self.0);
        let bytes = vec.capacity() * size_of::<T>();
        // A thread that ends has no place to keep anything; the memory is freed as usual then.
        let _ = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            if bytes > 0 && kept.bytes + bytes <= KEPT_BYTES_MAX {
                kept.bytes += bytes;
                kept.buffers.push((Box::new(vec), bytes));
            }
        });
    }
}

impl<T: 'static> Deref for Buffer<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T: 'static> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}

#[cfg(test)]
mod tests;
