//! Test that a measurement measures what it names.

use super::{CryptoPlan, measure_crypto};

/// Goal: every figure is positive, named once, and the run can be stopped. Method: one repeat, then
/// stop after three figures.
#[test]
fn figures_are_told_and_the_run_stops() {
    let plan = CryptoPlan { repeats: 1, distinct_keys: 0 };
    let mut told = 0;
    let rows = measure_crypto(plan, &mut |row| {
        assert!(row.us > 0.0 && row.us.is_finite(), "{row:?}");
        told += 1;
        told < 3
    });
    assert_eq!((rows.len(), told), (3, 3));
    let names: std::collections::BTreeSet<_> = rows
        .iter()
        .map(|row| (row.algorithm, row.operation, &row.case, row.count, &row.by))
        .collect();
    assert_eq!(names.len(), rows.len());
}
