//! Read the engine's log as a start does, behind the right checksums.

#![no_main]

use crc_fast::{CrcAlgorithm::Crc32Iscsi, checksum};
use libfuzzer_sys::fuzz_target;
use trine_runtime::count_changes;

const PAGE_BYTES: usize = 4_096;

/// Appends records as the batch of this number.
fn append(segment: &mut Vec<u8>, records: &[u8], index: u64) {
    let length = u32::try_from(records.len()).expect("inputs are short");
    let mut covered = length.to_be_bytes().to_vec();
    covered.extend(0_u32.to_be_bytes());
    covered.extend(1_u64.to_be_bytes());
    covered.extend(index.to_be_bytes());
    covered.extend(records);
    let sum = u32::try_from(checksum(Crc32Iscsi, &covered)).expect("the sum has 32 bits");
    segment.extend(b"TWAL");
    segment.extend(sum.to_be_bytes());
    segment.extend(covered);
    segment.resize(segment.len().next_multiple_of(PAGE_BYTES), 0);
}

// The first byte says where the input is cut into two batches.
fuzz_target!(|data: &[u8]| {
    let _ = count_changes(data);
    let Some((cut, records)) = data.split_first() else { return };
    let (first, second) = records.split_at(usize::from(*cut).min(records.len()));
    let mut segment = Vec::new();
    append(&mut segment, first, 0);
    let before = count_changes(&segment);
    append(&mut segment, second, 1);
    if let Ok(all) = count_changes(&segment) {
        assert!(before.is_ok_and(|before| before <= all), "a longer log has fewer changes");
    }
});
