//! Test that every way to hash gives SM3.

use super::Sm3;
use crate::Suite;
use commonware_cryptography::Hasher as _;
use commonware_parallel::Sequential;
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    /// Goal: all ways of the engine give the suite's hash. Method: messages of any length, alone,
    /// in parts, in pairs and many at once.
    #[test]
    fn every_way_is_sm3(messages in vec(vec(any::<u8>(), 0..200), 2..40)) {
        let expected: Vec<_> = messages.iter().map(|one| Suite::Gm.hash(&[one]).0).collect();
        let many = Sm3::hash_many(&messages, &Sequential);
        prop_assert_eq!(many.iter().map(|one| one.0).collect::<Vec<_>>(), expected.clone());
        let (head, tail) = messages[0].split_at(messages[0].len() / 2);
        let pair = Sm3::hash_pair(&[head, tail], &[&messages[1]], &Sequential);
        prop_assert_eq!([pair.0.0, pair.1.0], [expected[0], expected[1]]);
        let mut hasher = Sm3::default();
        hasher.update(head).update(tail);
        let (mut hasher, digest) = hasher.finalize();
        prop_assert_eq!(digest.0, expected[0]);
        hasher.update(&messages[1]);
        prop_assert_eq!(hasher.finalize().1.0, expected[1]);
    }

    /// Goal: more messages than a task holds keep their order. Method: short messages.
    #[test]
    fn many_tasks_keep_their_order(messages in vec(any::<u16>(), 500..900)) {
        let messages: Vec<_> = messages.iter().map(|number| number.to_be_bytes()).collect();
        let many = Sm3::hash_many(&messages, &Sequential);
        let expected = messages.iter().map(|one| Suite::Gm.hash(&[one]).0);
        prop_assert!(many.iter().map(|one| one.0).eq(expected));
    }
}
