//! Test sorted runs against a plain scan.

use crate::history::{
    HistoryError,
    run::{self, Item, Order},
};
use proptest::prelude::*;

fn scan(items: &[Item], fingerprint: u64, order: Order, limit: usize) -> Vec<u64> {
    let (low, high) = Item::bounds(fingerprint);
    let matching = items.iter().filter(|item| **item >= low && **item <= high);
    let mut found: Vec<u64> = matching.map(|item| item.location()).collect();
    if order == Order::NewestFirst {
        found.reverse();
    }
    found.truncate(limit);
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Goal: a search finds exactly the items of a key, in order, however skewed the keys are.
    /// Method: runs over several pages of random items, some keys with hundreds of items.
    #[test]
    fn a_search_equals_a_scan(
        spread in prop::collection::vec(any::<u64>(), 0..1_500),
        heavy in prop::collection::vec((any::<u64>(), 1usize..900), 0..4),
        narrow in 0u64..2_000,
        limit in 1usize..700,
    ) {
        let mut items: Vec<Item> = Vec::new();
        items.extend((0..).zip(&spread).map(|(at, key)| Item::new(*key, at)));
        for (key, count) in &heavy {
            items.extend((0..*count as u64).map(|at| Item::new(*key, 10_000 + 3 * at)));
        }
        items.extend((0..narrow).map(|at| Item::new(at / 5, at)));
        items.sort_unstable();
        let folder = tempfile::tempdir().unwrap();
        let source = items.iter().map(|item| Ok::<_, HistoryError>(*item));
        let run = run::write(folder.path(), 0, 0, source).unwrap();
        let keys = spread.iter().take(50).copied();
        let keys = keys.chain(heavy.iter().map(|heavy| heavy.0));
        let keys = keys.chain([0, 1, 77, u64::MAX, 1 << 40]);
        for key in keys {
            for order in [Order::OldestFirst, Order::NewestFirst] {
                let mut found = Vec::new();
                run.find(key, order, limit, &mut found).unwrap();
                prop_assert_eq!(found, scan(&items, key, order, limit));
            }
        }
        let all: Vec<Item> = std::sync::Arc::new(run).iter().map(Result::unwrap).collect();
        prop_assert_eq!(all, items);
    }

    /// Goal: merging keeps every item in order. Method: merge random sorted lists.
    #[test]
    fn a_merge_is_the_sorted_union(lists in prop::collection::vec(
        prop::collection::vec((any::<u64>(), any::<u64>()), 0..50), 0..6,
    )) {
        let mut all = Vec::new();
        let mut sources = Vec::new();
        for list in lists {
            let mut items: Vec<Item> = list.iter().map(|one| Item::new(one.0, one.1)).collect();
            items.sort_unstable();
            all.extend(&items);
            sources.push(items.into_iter().map(Ok::<_, HistoryError>));
        }
        all.sort_unstable();
        let merged: Vec<Item> = run::merge(sources).map(Result::unwrap).collect();
        prop_assert_eq!(merged, all);
    }
}

/// Goal: a damaged page is noticed. Method: flip one bit in each page and read all items.
#[test]
fn a_damaged_page_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let items = (0..1_000).map(|at| Ok::<_, HistoryError>(Item::new(at << 38, at)));
    let info = run::write(folder.path(), 7, 0, items).unwrap().info();
    let path = folder.path().join(info.name());
    let sound = std::fs::read(&path).unwrap();
    for page in 0..sound.len() / run::PAGE_BYTES {
        let mut damaged = sound.clone();
        damaged[page * run::PAGE_BYTES + 10] ^= 4;
        std::fs::write(&path, &damaged).unwrap();
        let read = run::Run::open(folder.path(), info)
            .and_then(|run| std::sync::Arc::new(run).iter().collect::<Result<Vec<_>, _>>());
        assert!(matches!(read, Err(HistoryError::Corrupt { .. })), "page {page}");
    }
    std::fs::write(&path, &sound[..sound.len() - 1]).unwrap();
    assert!(run::Run::open(folder.path(), info).is_err(), "a short file");
}
