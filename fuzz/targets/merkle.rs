//! Climb inclusion paths of trees: with sides and without, they lead to the same root.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trine_fuzz::SUITE;
use trine_types::Digest;
use trine_types::merkle::{Frontier, inclusion_path, leaf_hash, root_of_path};
use trine_verify::SidedPath;

fuzz_target!(|input: (u64, u64, &[u8], &[u8])| {
    let (index, size, leaf, siblings) = input;
    let hash = leaf_hash(SUITE, leaf);
    let path: Vec<_> = siblings.as_chunks().0.iter().copied().map(Digest).collect();
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
