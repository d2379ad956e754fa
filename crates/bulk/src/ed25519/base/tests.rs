//! Compare secret multiples of the base point with another library's.

use curve25519_dalek::constants::ED25519_BASEPOINT_TABLE;
use proptest::prelude::*;

use super::*;
use crate::ed25519::scalar::tests::scalar;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Goal: multiples and their encodings are right on every path. Method: random scalars and
    /// those at the limits of digits, counts that do not fill the lanes.
    #[test]
    fn multiples_are_those_of_the_library(scalars in prop::collection::vec(scalar(), 1..40)) {
        let expected: Vec<_> = scalars
            .iter()
            .map(|scalar| {
                let scalar = curve25519_dalek::Scalar::from_bytes_mod_order(scalar.to_bytes());
                (&scalar * ED25519_BASEPOINT_TABLE).compress().0
            })
            .collect();
        prop_assert_eq!(&multiply(&scalars), &expected);
        #[cfg(target_arch = "x86_64")]
        if crate::Path::best() == crate::Path::Ifma {
            prop_assert_eq!(&crate::ed25519::ifma::multiply_base(&scalars), &expected);
        }
    }

    /// Goal: digits sum to the scalar and stay in their range. Method: whole numbers.
    #[test]
    fn digits_sum_to_the_scalar(scalar in scalar()) {
        use crate::ed25519::field::tests::number;
        let digits = digits(&scalar);
        let mut total = num_bigint::BigInt::ZERO;
        for (place, digit) in digits.iter().enumerate() {
            prop_assert!(digit.unsigned_abs() as usize <= MULTIPLES);
            total += num_bigint::BigInt::from(*digit) << (DIGIT_BITS * place);
        }
        prop_assert_eq!(total, num_bigint::BigInt::from(number(&scalar.0)));
    }
}
