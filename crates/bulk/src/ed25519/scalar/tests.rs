//! Compare scalars with exact arithmetic on whole numbers.

use num_bigint::{BigInt, BigUint};
use proptest::prelude::*;

use super::*;
use crate::ed25519::field::tests::number;

fn order() -> BigUint {
    number(&ORDER)
}

/// Scalars: random ones and those near 0, 2^252 and l.
pub(in crate::ed25519) fn scalar() -> impl Strategy<Value = Scalar> {
    let edge = prop::sample::select(vec![
        [0; 4],
        [1, 0, 0, 0],
        [u64::MAX, u64::MAX, 0, 0],
        [0, 0, 0, 1 << 60],
        [u64::MAX, u64::MAX, u64::MAX, (1 << 60) - 1],
        [ORDER[0] - 1, ORDER[1], 0, 1 << 60],
        [0x8000_8000_8000_8000, 0x8000_8000_8000_8000, 0x8000_8000_8000_8000, 0x800_8000_8000_8000],
    ]);
    let random = any::<[[u8; 32]; 2]>().prop_map(|bytes| {
        Scalar::from_wide(bytes.as_flattened().try_into().expect("twice 32 bytes"))
    });
    prop_oneof![1 => edge.prop_map(Scalar), 2 => random]
}

proptest! {
    /// Goal: 64 bytes reduce exactly. Method: whole numbers modulo l, words of ones included.
    #[test]
    fn reduction_is_exact(
        words in prop::array::uniform8(prop_oneof![Just(0), Just(u64::MAX), any::<u64>()]),
    ) {
        let mut bytes = [0; 64];
        for (chunk, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *chunk = word.to_le_bytes();
        }
        let expected = BigUint::from_bytes_le(&bytes) % order();
        prop_assert_eq!(number(&Scalar::from_wide(&bytes).0), expected);
    }

    /// Goal: sums of products reduce exactly. Method: whole numbers modulo l.
    #[test]
    fn sums_of_products_are_exact(
        terms in prop::collection::vec((scalar(), any::<u128>()), 0..20),
    ) {
        let mut sum = WideSum::default();
        let mut expected = BigUint::ZERO;
        for (scalar, factor) in terms {
            sum.add(scalar, factor);
            expected += number(&scalar.0) * factor;
        }
        prop_assert_eq!(number(&sum.total().0), expected % order());
    }

    /// Goal: the negative is the number that sums to zero. Method: whole numbers.
    #[test]
    fn negatives_cancel(scalar in scalar()) {
        let sum = number(&scalar.0) + number(&scalar.neg().0);
        prop_assert_eq!(sum % order(), BigUint::ZERO);
        prop_assert!(number(&scalar.neg().0) < order());
    }

    /// Goal: digits are small and sum to the scalar. Method: every width, weights of two.
    #[test]
    fn digits_sum_to_the_scalar(scalar in scalar(), bits in 2usize..15) {
        let mut total = BigInt::ZERO;
        scalar.digits(bits, SCALAR_BITS / bits + 1, |i, digit| {
            assert!(digit.unsigned_abs() <= 1 << (bits - 1));
            total += BigInt::from(digit) << (bits * i);
        });
        prop_assert_eq!(total, BigInt::from(number(&scalar.0)));
    }

    /// Goal: exactly the numbers below l are read. Method: numbers within 2^16 of l.
    #[test]
    fn only_numbers_below_the_order_are_read(offset in -65536i64..65536) {
        let near = BigInt::from(order()) + offset;
        let mut bytes = near.to_bytes_le().1;
        bytes.resize(32, 0);
        let read = Scalar::from_canonical(&bytes.try_into().expect("32 bytes"));
        prop_assert_eq!(read.is_some(), offset < 0);
    }
}
