//! Compare the field with exact arithmetic on whole numbers.

use num_bigint::BigUint;
use proptest::prelude::*;

use super::*;

pub(in crate::ed25519) fn prime() -> BigUint {
    (BigUint::from(1u8) << 255) - 19u8
}

pub(in crate::ed25519) fn number(words: &[u64; 4]) -> BigUint {
    BigUint::from_slice(
        &words.iter().flat_map(|word| [*word as u32, (word >> 32) as u32]).collect::<Vec<_>>(),
    )
}

/// Words below 2^255: random ones and those near 0, p and limits of limbs.
pub(in crate::ed25519) fn words() -> impl Strategy<Value = [u64; 4]> {
    let top = u64::MAX >> 1;
    let edge = prop::sample::select(vec![
        [0; 4],
        [1, 0, 0, 0],
        [18, 0, 0, 0],
        [19, 0, 0, 0],
        [u64::MAX, u64::MAX, u64::MAX, top],
        [u64::MAX - 18, u64::MAX, u64::MAX, top],
        [u64::MAX - 19, u64::MAX, u64::MAX, top],
        [u64::MAX - 17, u64::MAX, u64::MAX, top],
        [(1 << 51) - 1, 0, 0, 0],
        [0, 0, 0, 1 << 62],
        [u64::MAX, 0, u64::MAX, 0],
    ]);
    let random = any::<[u64; 4]>().prop_map(|[a, b, c, d]| [a, b, c, d >> 1]);
    prop_oneof![1 => edge, 2 => random]
}

/// Limbs of every size that an operand may have, up to 2^52 - 1.
pub(in crate::ed25519) fn limbs() -> impl Strategy<Value = [u64; 5]> {
    let limb = prop_oneof![
        Just(0),
        Just(LIMB_MASK),
        Just(LIMB_MASK + (1 << 15)),
        Just(LIMB_MASK + 1),
        0..LIMB_MASK + (1 << 15)
    ];
    prop::array::uniform5(limb)
}

pub(in crate::ed25519) fn value(fe: Fe) -> BigUint {
    let total =
        fe.0.iter()
            .enumerate()
            .fold(BigUint::ZERO, |sum, (i, limb)| sum + (BigUint::from(*limb) << (51 * i)));
    total % prime()
}

proptest! {
    /// Goal: products, squares, sums and differences are exact. Method: whole numbers modulo p,
    /// limbs at their limits.
    #[test]
    fn arithmetic_is_that_of_whole_numbers(a in limbs(), b in limbs()) {
        let (a, b) = (Fe(a), Fe(b));
        let (x, y) = (value(a), value(b));
        prop_assert_eq!(value(a.mul(b)), &x * &y % prime());
        prop_assert_eq!(value(a.square()), &x * &x % prime());
        prop_assert_eq!(value(a.add(b)), (&x + &y) % prime());
        prop_assert_eq!(value(a.sub(b)), (&x + prime() - &y) % prime());
        prop_assert_eq!(value(a.neg()), (prime() - &x) % prime());
        let wide = a.add(b).add(a);
        prop_assert_eq!(value(wide.mul(wide)), (&x + &x + &y).pow(2) % prime());
        prop_assert_eq!(value(wide.square()), (&x + &x + &y).pow(2) % prime());
    }

    /// Goal: words are read as they are and written least. Method: numbers up to 2^255 - 1.
    #[test]
    fn words_are_least(words in words()) {
        let fe = Fe::from_words(&words);
        prop_assert_eq!(number(&fe.to_words()), number(&words) % prime());
        prop_assert_eq!(fe.is_zero(), number(&words) % prime() == BigUint::ZERO);
    }

    /// Goal: limbs out of their range are carried. Method: compare the words with the value.
    #[test]
    fn words_of_any_limbs_are_least(limbs in limbs()) {
        prop_assert_eq!(number(&Fe(limbs).to_words()), value(Fe(limbs)));
    }

    /// Goal: powers are right. Method: modular powers of whole numbers.
    #[test]
    fn powers_are_exact(words in words()) {
        let fe = Fe::from_words(&words);
        let number = value(fe);
        let p58: BigUint = (prime() - 5u8) / 8u8;
        prop_assert_eq!(value(fe.power_p58()), number.modpow(&p58, &prime()));
        prop_assert_eq!(value(fe.invert()), number.modpow(&(prime() - 2u8), &prime()));
    }
}

/// Goal: constants are what they claim. Method: their defining equations.
#[test]
fn constants_satisfy_their_equations() {
    let number = |value: u64| Fe::from_words(&[value, 0, 0, 0]);
    assert!(Fe::D.mul(number(121666)).equals(number(121665).neg()));
    assert!(Fe::D2.equals(Fe::D.add(Fe::D)));
    assert!(Fe::SQRT_M1.square().equals(Fe::ONE.neg()));
    assert!(Fe::MONTGOMERY_SCALE.square().equals(number(486664).neg()));
}
