//! Read operations of the state's log as another node sends them, and verify them as the engine
//! does.

#![no_main]

use bytes::Bytes;
use commonware_codec::Encode;
use commonware_cryptography::Sha256;
use commonware_storage::qmdb::sync::source::Response;
use commonware_storage::qmdb::verify::{verify_proof, verify_proof_and_pinned_nodes};
use libfuzzer_sys::fuzz_target;
use trine_ledger::databases::Location;
use trine_ledger::preset::BlockDigest;
use trine_ledger::state::{Operations, read_accounts, read_values};

/// A root that no log has.
const ROOT: BlockDigest = commonware_cryptography::sha256::Digest([7; 32]);

fn check<O: Encode>(answer: Option<Operations<O>>, sent: &Bytes, start: u64, max: usize) {
    let Some(answer) = answer else { return };
    assert_eq!(&answer.encode(), sent, "a second encoding of operations");
    let start = Location::new(start);
    // A request begins below the size that its answer must have.
    if start >= answer.proof().leaves {
        return;
    }
    let verified = match &answer {
        Response::Operations { proof, operations } => {
            assert!(operations.len() <= max, "more than was asked for");
            // The engine verifies no empty answer.
            !operations.is_empty() && verify_proof::<Sha256, _, _>(proof, start, operations, &ROOT)
        }
        Response::Boundary { proof, op, pinned_nodes } => {
            let op = std::slice::from_ref(op);
            verify_proof_and_pinned_nodes::<Sha256, _, _>(proof, start, op, pinned_nodes, &ROOT)
        }
    };
    assert!(!verified, "operations of a log that there is not");
}

// Before the answer: which table is asked for, from which operation, and for how many at most.
fuzz_target!(|data: &[u8]| {
    let Some(([table, start, max], rest)) = data.split_first_chunk() else { return };
    let (sent, start, max) = (Bytes::copy_from_slice(rest), u64::from(*start), usize::from(*max));
    match table % 2 {
        0 => check(read_accounts(sent.clone(), max), &sent, start, max),
        _ => check(read_values(sent.clone(), max), &sent, start, max),
    }
});
