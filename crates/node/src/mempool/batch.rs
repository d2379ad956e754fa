//! Read and write a batch: a count, then each transaction with its length.
//!
//! `u32 count`, then `count` times `u32 length` and that many bytes; integers are big-endian.

use bytes::{BufMut, Bytes, BytesMut};
use trine_types::codec::{Decode as _, DecodeError, Decoder, check_limit};
use trine_types::limits::{BATCH_BYTES_MAX, BATCH_TRANSACTIONS_MAX};

/// Splits a batch into its transactions, sharing their memory.
///
/// A transaction over its own limit is handed on: it is refused alone, not with its neighbours.
///
/// # Errors
/// [`DecodeError`] when the frame is malformed or over a limit.
pub fn split(batch: &Bytes) -> Result<Vec<Bytes>, DecodeError> {
    check_limit(batch.len(), BATCH_BYTES_MAX, "batch bytes")?;
    let mut decoder = Decoder::new(batch);
    let count = u32::decode(&mut decoder)? as usize;
    check_limit(count, BATCH_TRANSACTIONS_MAX, "batch transactions")?;
    let mut transactions = Vec::with_capacity(count);
    for _ in 0..count {
        let bytes = decoder.bytes32(BATCH_BYTES_MAX, "transaction")?;
        // An empty slice has no place in the buffer that could be shared.
        let shared = if bytes.is_empty() { Bytes::new() } else { batch.slice_ref(bytes) };
        transactions.push(shared);
    }
    decoder.finish()?;
    Ok(transactions)
}

/// Joins transactions into one batch.
pub fn join<'a>(transactions: impl ExactSizeIterator<Item = &'a Bytes> + Clone) -> Bytes {
    let bytes: usize = transactions.clone().map(|bytes| 4 + bytes.len()).sum();
    let mut batch = BytesMut::with_capacity(4 + bytes);
    batch.put_u32(transactions.len() as u32);
    for bytes in transactions {
        batch.put_u32(bytes.len() as u32);
        batch.put_slice(bytes);
    }
    batch.freeze()
}
