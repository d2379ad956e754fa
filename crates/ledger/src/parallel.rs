//! Share passes over the transactions and accounts of a block among the threads of the pool.

use crate::preset::Strategy;
use commonware_parallel::Strategy as _;
use std::{num::NonZeroUsize, ops::Range};

/// Items below which a thread of its own costs more than it saves.
const STRETCH_ITEMS_MIN: NonZeroUsize = NonZeroUsize::new(512).expect("not zero");

/// Runs `work` on stretches that make up `0..count`, and returns what each gave, in order: one
/// stretch where the pool has one thread or there is little to do.
#[track_caller]
pub fn stretches<T: Send>(
    strategy: &Strategy,
    count: usize,
    work: impl Fn(Range<usize>) -> T + Send + Sync,
) -> Vec<T> {
    strategy.run_batches(count, STRETCH_ITEMS_MIN, 1, |batches| {
        batches.map_collect_vec(|ranges| ranges, work)
    })
}

/// Makes one list of the lists of [`stretches`], in order.
pub fn joined<T>(mut lists: Vec<Vec<T>>) -> Vec<T> {
    match lists.len() {
        1 => lists.swap_remove(0),
        _ => lists.into_iter().flatten().collect(),
    }
}

/// Makes one list of lists that are each in order without repetitions: in order, without any.
pub fn merged<T: Ord>(lists: Vec<Vec<T>>) -> Vec<T> {
    let is_one = lists.len() == 1;
    let mut all = joined(lists);
    if !is_one {
        // Finds the runs that the lists are, and merges those.
        all.sort();
        all.dedup();
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: however many threads share a pass, the result is the same. Method: lists of several
    /// lengths on pools of one and three threads.
    #[test]
    fn passes_give_the_same_on_any_number_of_threads() {
        let numbers: Vec<usize> = (0..5_000).map(|number| number * 7_919 % 3_001).collect();
        for threads in [1, 3] {
            let strategy = Strategy::new(NonZeroUsize::new(threads).expect("not zero"));
            let strategy = strategy.expect("threads start");
            for count in [0, 1, 511, 1_024, 5_000] {
                let doubled = stretches(&strategy, count, |range| {
                    numbers[range].iter().map(|number| number * 2).collect::<Vec<_>>()
                });
                let expected: Vec<_> = numbers[..count].iter().map(|number| number * 2).collect();
                assert_eq!(joined(doubled), expected);

                let ordered = stretches(&strategy, count, |range| {
                    let mut part = numbers[range].to_vec();
                    part.sort_unstable();
                    part.dedup();
                    part
                });
                let mut expected = numbers[..count].to_vec();
                expected.sort_unstable();
                expected.dedup();
                assert_eq!(merged(ordered), expected);
            }
        }
    }
}
