//! Climb inclusion paths of trees: with sides and without, they lead to the same root.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trine_fuzz::SUITE;
use trine_types::codec::Decoder;
use trine_types::merkle::{Frontier, inclusion_path, leaf_hash, root_of_path};
use trine_types::{Decode as _, DecodeError, Digest};
use trine_verify::SidedPath;

fn numbers(from: &mut Decoder<'_>) -> Result<(u64, u64), DecodeError> {
    Ok((u64::decode(from)?, u64::decode(from)?))
}

// Index, size, then the siblings, and what is left over is the leaf.
fuzz_target!(|data: &[u8]| {
    let mut decoder = Decoder::new(data);
    let Ok((index, size)) = numbers(&mut decoder) else {
        return;
    };
    let rest = decoder.raw(decoder.remaining()).expect("all that is left");
    let (siblings, leaf) = rest.as_chunks();
    let hash = leaf_hash(SUITE, leaf);
    let path: Vec<_> = siblings.iter().copied().map(Digest).collect();
    let sided = SidedPath::new(index, size, &path).map(|path| path.root(SUITE, leaf));
    assert_eq!(sided, root_of_path(SUITE, hash, index, size, &path));

    let mut leaves: Vec<_> = path.into_iter().take(40).collect();
    leaves.push(hash);
    let (count, own) = (leaves.len(), index as usize % leaves.len());
    let mut frontier = Frontier::default();
    leaves.iter().for_each(|leaf| frontier.append(SUITE, *leaf));
    let path = inclusion_path(SUITE, &leaves, own).expect("the index is inside");
    let root = root_of_path(SUITE, leaves[own], own as u64, count as u64, &path);
    assert_eq!(root, Some(frontier.root(SUITE)));
});
