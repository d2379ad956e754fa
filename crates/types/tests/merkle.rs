//! Check the Merkle trees against the standard's definition and known answers.

use proptest::collection::vec;
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};
use trine_types::merkle::{
    Frontier, empty_root, inclusion_path, leaf_hash, leaf_hashes, node_hash, root, root_of_path,
};
use trine_types::{Decode, Digest, Encode, Suite};

const SUITE: Suite = Suite::Intl;

/// RFC 9162, section 2.1.1, word for word.
fn defined(leaves: &[Vec<u8>]) -> Digest {
    match leaves {
        [] => SUITE.hash(&[]),
        [leaf] => SUITE.hash(&[&[0], leaf]),
        _ => {
            let mut split = 1;
            while split * 2 < leaves.len() {
                split *= 2;
            }
            let (left, right) = leaves.split_at(split);
            SUITE.hash(&[&[1], &defined(left).0, &defined(right).0])
        }
    }
}

/// Goal: the trees are those of Certificate Transparency. Method: the roots over none, one and
/// eight of the test leaves that its implementations share.
#[test]
fn known_answers() {
    let leaves: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    for (size, expected) in [
        (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ] {
        let leaves = leaves[..size].iter().copied();
        assert_eq!(root(SUITE, leaves).to_string(), expected, "{size} leaves");
    }
    assert_eq!(empty_root(SUITE), SUITE.hash(&[]));
}

proptest! {
    /// Goal: roots and paths are the standard's. Method: its recursive definition; every index; a
    /// path that is altered, cut, longer, or of another leaf, index or size leads elsewhere.
    #[test]
    fn roots_and_paths_are_the_standards(
        leaves in vec(vec(any::<u8>(), 0..4), 1..70),
        place in any::<usize>(),
        bit in 0..8u8,
    ) {
        let expected = defined(&leaves);
        prop_assert_eq!(root(SUITE, leaves.iter().map(Vec::as_slice)), expected);
        let hashes: Vec<Digest> = leaves.iter().map(|leaf| leaf_hash(SUITE, leaf)).collect();
        let size = hashes.len() as u64;
        prop_assert_eq!(inclusion_path(SUITE, &hashes, hashes.len()), None);
        for (index, hash) in hashes.iter().enumerate() {
            let path = inclusion_path(SUITE, &hashes, index).expect("the index is inside");
            let index = index as u64;
            let leads = |hash, index, size, path: &[Digest]| {
                root_of_path(SUITE, hash, index, size, path) == Some(expected)
            };
            prop_assert!(leads(*hash, index, size, &path));
            prop_assert!(!leads(*hash, size, size, &path));
            let longer = [path.as_slice(), &[Digest([0; 32])]].concat();
            prop_assert!(!leads(*hash, index, size, &longer));
            let mut other = *hash;
            other.0[place % 32] ^= 1 << bit;
            prop_assert!(!leads(other, index, size, &path));
            for step in 0..path.len() {
                let mut altered = path.clone();
                altered[step].0[place % 32] ^= 1 << bit;
                prop_assert!(!leads(*hash, index, size, &altered));
                let cut = [&path[..step], &path[step + 1..]].concat();
                prop_assert!(!leads(*hash, index, size, &cut));
            }
        }
    }

    /// Goal: a tree grows the same from any saved frontier. Method: save, read back, append.
    #[test]
    fn a_frontier_goes_on_where_it_was(
        leaves in vec(any::<[u8; 2]>(), 0..100),
        cut in 0..100usize,
    ) {
        let cut = cut.min(leaves.len());
        let mut frontier = Frontier::default();
        for leaf in &leaves[..cut] {
            frontier.append(SUITE, leaf_hash(SUITE, leaf));
        }
        let mut saved = Frontier::from_bytes(&frontier.to_bytes()).expect("it was written here");
        prop_assert_eq!(&saved, &frontier);
        for leaf in &leaves[cut..] {
            saved.append(SUITE, leaf_hash(SUITE, leaf));
        }
        prop_assert_eq!(saved.size(), leaves.len() as u64);
        prop_assert_eq!(saved.root(SUITE), root(SUITE, leaves.iter().map(|leaf| &leaf[..])));
    }

    /// Goal: many leaves at once give the frontier that they give one by one, of either suite.
    /// Method: random leaves in random portions.
    #[test]
    fn a_frontier_takes_many_leaves_at_once(
        portions in vec(vec(any::<[u8; 2]>(), 0..70), 0..6),
        suite in prop::sample::select(&Suite::ALL),
    ) {
        let (mut one_by_one, mut at_once) = (Frontier::default(), Frontier::default());
        for portion in portions {
            let hashes = leaf_hashes(suite, portion.iter().map(|leaf| &leaf[..]));
            hashes.iter().for_each(|hash| one_by_one.append(suite, *hash));
            at_once.extend(suite, hashes);
            prop_assert_eq!(&at_once, &one_by_one);
        }
    }
}

/// Goal: leaves and nodes never collide. Method: a leaf that holds two digests, and their node.
#[test]
fn a_leaf_is_no_node() {
    let (left, right) = (leaf_hash(SUITE, b"l"), leaf_hash(SUITE, b"r"));
    let leaf = [left.0, right.0].concat();
    assert_ne!(leaf_hash(SUITE, &leaf), node_hash(SUITE, &left, &right));
}
