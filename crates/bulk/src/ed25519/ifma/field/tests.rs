//! Compare the lanes with the portable field.

use proptest::prelude::*;

use super::super::transpose::{load, store, to_row};
use super::*;
use crate::Path;
use crate::ed25519::field::tests::{limbs, words};

type Eight = [[u64; 5]; LANES];

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
pub(in crate::ed25519::ifma) fn gather(values: &[Fe; LANES]) -> F8 {
    let mut limbs = F8::zero();
    for (i, limb) in limbs.0.iter_mut().enumerate() {
        *limb = super::super::transpose::from_row(&values.map(|value| value.0[i]));
    }
    limbs
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
pub(in crate::ed25519::ifma) fn scatter(value: F8) -> [Fe; LANES] {
    let rows = value.0.map(|limb| to_row(limb));
    std::array::from_fn(|lane| Fe(rows.map(|row| row[lane])))
}

fn same(value: F8, expected: impl Fn(usize) -> Fe) {
    // SAFETY: callers run only where the processor has the features.
    let lanes = unsafe { scatter(value) };
    for (lane, value) in lanes.into_iter().enumerate() {
        assert_eq!(value.to_words(), expected(lane).to_words(), "lane {lane}");
        // Reduced: below 2^51 + 2^15.
        assert!(value.0.iter().all(|limb| *limb <= LIMB_MASK + (1 << 15)), "{value:?}");
    }
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
fn compare(a: &Eight, b: &Eight, mask: u8) {
    let (a, b) = (a.map(Fe), b.map(Fe));
    let (x, y) = (gather(&a), gather(&b));
    same(x.mul(y), |i| a[i].mul(b[i]));
    same(x.square(), |i| a[i].square());
    same(x.add(y), |i| a[i].add(b[i]));
    same(x.sub(y), |i| a[i].sub(b[i]));
    same(x.biased_sub(multiple_of_p(4), y), |i| a[i].sub(b[i]));
    same(x.neg(), |i| a[i].neg());
    same(x.blend(mask, y), |i| if mask >> i & 1 == 1 { b[i] } else { a[i] });
    same(x.neg_lanes(mask).mul(y), |i| {
        if mask >> i & 1 == 1 { a[i].neg().mul(b[i]) } else { a[i].mul(b[i]) }
    });
    for i in 0..LANES {
        assert_eq!(x.sub(y).zero_lanes() >> i & 1 == 1, a[i].equals(b[i]));
        assert_eq!(x.odd_lanes() >> i & 1 == 1, a[i].is_odd());
    }
    let rows = store(x.to_words(), y.to_words()).map(|row| to_row(row));
    for (lane, row) in rows.iter().enumerate() {
        assert_eq!(row[..4], a[lane].to_words());
        assert_eq!(row[4..], b[lane].to_words());
    }
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
fn compare_words(words: &[[u64; 4]; LANES]) {
    let value = F8::from_words(load(std::array::from_fn(|lane| &words[lane])));
    let portable = words.map(|words| Fe::from_words(&words));
    same(value, |i| portable[i]);
    same(invert(value), |i| portable[i].invert());
    let [first, second] = power_p58(&[value, value.square()]);
    same(first, |i| portable[i].power_p58());
    same(second, |i| portable[i].square().power_p58());
}

proptest! {
    /// Goal: every operation gives the twin's answer and reduced limbs. Method: limbs at their
    /// limits, a random mask.
    #[test]
    fn lanes_match_the_portable_field(
        a in prop::array::uniform8(limbs()),
        b in prop::array::uniform8(limbs()),
        mask in any::<u8>(),
    ) {
        if Path::best() == Path::Ifma {
            // SAFETY: the processor has the features, as just checked.
            unsafe { compare(&a, &b, mask) };
        }
    }

    /// Goal: equal operands give zero however they are written. Method: a against a and a + p.
    #[test]
    fn zero_is_found_in_every_form(a in prop::array::uniform8(limbs())) {
        if Path::best() == Path::Ifma {
            // SAFETY: the processor has the features, as just checked.
            unsafe { compare(&a, &a, 0) };
        }
    }

    /// Goal: words, inverses and powers match. Method: words up to 2^255 - 1.
    #[test]
    fn words_and_powers_match(words in prop::array::uniform8(words())) {
        if Path::best() == Path::Ifma {
            // SAFETY: the processor has the features, as just checked.
            unsafe { compare_words(&words) };
        }
    }
}
