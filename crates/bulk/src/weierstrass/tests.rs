//! Check field arithmetic against big integers, and points on one engine against the other.

use super::Curve;
use super::affine::Point;
use super::engine::{Engine, LANES_MAX, Portable, Task, invert, power};
use super::fixed::{GENERATOR, combine};
use super::modulus::{Fe, Modulus, Words, subtract};
use super::secret::multiply_point;
use crate::p256::P256;
use crate::sm2::Sm2;
use num_bigint::BigUint;
use proptest::prelude::*;

fn big(words: &Words) -> BigUint {
    words.iter().rev().fold(BigUint::ZERO, |sum, word| (sum << 64) + word)
}

fn words(number: &BigUint) -> Words {
    let digits = number.to_u64_digits();
    std::array::from_fn(|i| digits.get(i).copied().unwrap_or(0))
}

/// Residues at the edges of words, limbs and the modulus, and random ones.
fn residue<M: Modulus>() -> impl Strategy<Value = Words> {
    let edge = prop_oneof![
        Just(0u64),
        Just(1),
        Just(u64::MAX),
        Just(1 << 63),
        Just((1 << 52) - 1),
        Just(1 << 52),
        any::<u64>()
    ];
    let near = (0u64..40).prop_map(|less| big(&M::M) - 1u8 - less);
    let small = (0u64..40).prop_map(BigUint::from);
    prop_oneof![
        prop::array::uniform4(edge).prop_map(|w| big(&w)),
        prop::array::uniform4(any::<u64>()).prop_map(|w| big(&w)),
        near,
        small
    ]
    .prop_map(|number| words(&(number % big(&M::M))))
}

/// All operations on a vector of pairs.
struct Operations<'a, E> {
    a: &'a [Words; LANES_MAX],
    b: &'a [Words; LANES_MAX],
    engine: std::marker::PhantomData<E>,
}

impl<E: Engine> Task for Operations<'_, E> {
    type Output = [[Words; LANES_MAX]; 8];

    #[inline(always)]
    fn run(self) -> Self::Output {
        let (a, b) = (E::from_plain(self.a), E::from_plain(self.b));
        // Differences of unreduced values feed a product, as they do in the additions of points.
        let lazy = E::mul(E::sub(E::mul(a, b), E::sqr(a)), E::add(E::sqr(b), E::mul(b, a)));
        let root = power::<E>(a, &[5, 0, 0, 1 << 62]);
        let same = E::equal(E::canonical(a), E::canonical(b));
        let chosen = E::select(same, E::add(a, b), E::sub(E::zero(), b));
        [E::mul(a, b), E::sqr(a), E::add(a, b), E::sub(a, b), invert::<E>(a), lazy, root, chosen]
            .map(E::plain)
    }
}

fn check_operations<E: Engine>(pairs: &[(Words, Words)]) {
    let lane = |i: usize| pairs[i % pairs.len()];
    let a = std::array::from_fn(|i| lane(i).0);
    let b = std::array::from_fn(|i| lane(i).1);
    let found = E::execute(Operations::<E> { a: &a, b: &b, engine: std::marker::PhantomData });
    let m = big(&E::M::M);
    for i in 0..E::LANES {
        let (a, b) = (big(&a[i]), big(&b[i]));
        let minus = |x: &BigUint, y: &BigUint| (x + &m - y) % &m;
        let lazy = minus(&(&a * &b % &m), &(&a * &a % &m)) * ((&b * &b + &b * &a) % &m) % &m;
        let expected = [
            &a * &b % &m,
            &a * &a % &m,
            (&a + &b) % &m,
            minus(&a, &b),
            a.modpow(&(&m - 2u8), &m),
            lazy,
            a.modpow(&big(&[5, 0, 0, 1 << 62]), &m),
            if a == b { (&a + &b) % &m } else { minus(&BigUint::ZERO, &b) },
        ];
        for (operation, expected) in expected.iter().enumerate() {
            assert_eq!(found[operation][i], words(expected), "{operation} of {a} {b}");
        }
    }
}

macro_rules! field_tests {
    ($name:ident, $modulus:ty $(, $wide:ty)?) => {
        proptest! {
            /// Goal: exact field arithmetic. Method: big integers, edge and random values.
            #[test]
            fn $name(pairs in prop::collection::vec(
                (residue::<$modulus>(), residue::<$modulus>()), 16,
            )) {
                for pair in &pairs {
                    check_operations::<Portable<$modulus>>(std::slice::from_ref(pair));
                }
                $(if crate::Path::best() == crate::Path::Ifma {
                    check_operations::<$wide>(&pairs);
                })?
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod wide {
    use super::*;
    use crate::weierstrass::ifma::Ifma;

    field_tests!(sm2_one_set, crate::sm2::Prime, Ifma<crate::sm2::Prime, 1>);
    field_tests!(sm2_two_sets, crate::sm2::Prime, Ifma<crate::sm2::Prime, 2>);
    field_tests!(p256_one_set, crate::p256::Prime, Ifma<crate::p256::Prime, 1>);
    field_tests!(p256_two_sets, crate::p256::Prime, Ifma<crate::p256::Prime, 2>);
}

field_tests!(sm2_order, crate::sm2::Order);
field_tests!(p256_order, crate::p256::Order);

/// A multiple of the generator, added up by the formulas of the textbook over big integers.
fn textbook<C: Curve>(mut scalar: u64, b: &[Words; 2]) -> Option<[BigUint; 2]> {
    let p = big(&C::P::M);
    let add = |one: &Option<[BigUint; 2]>, two: &Option<[BigUint; 2]>| {
        let (Some([x1, y1]), Some([x2, y2])) = (one, two) else {
            return one.clone().or_else(|| two.clone());
        };
        let (top, bottom) = if x1 != x2 {
            (y2 + &p - y1, x2 + &p - x1)
        } else if y1 == y2 {
            (x1 * x1 * 3u8 + &p - 3u8, y1 * 2u8)
        } else {
            return None;
        };
        let slope = top * bottom.modpow(&(&p - 2u8), &p) % &p;
        let x3 = (&slope * &slope + &p + &p - x1 - x2) % &p;
        let y3 = (slope * (x1 + &p - &x3) + &p - y1) % &p;
        Some([x3, y3])
    };
    let mut power = Some(b.map(|w| big(&w)));
    let mut sum = None;
    while scalar > 0 {
        if scalar & 1 == 1 {
            sum = add(&sum, &power);
        }
        power = add(&power, &power.clone());
        scalar >>= 1;
    }
    sum
}

fn check_multiples<C: Curve>() {
    let tables = C::generator_tables();
    for index in [0usize, 1, 2, 17, 127] {
        let expected = textbook::<C>(index as u64 + 1, &C::G).expect("finite");
        let point = tables.portable[index];
        let plain = [point.x, point.y].map(|w| big(&Fe::<C::P>::raw(w).plain()));
        assert_eq!(plain, expected);
        let combined = combine::<C>(&[0; 4], &[index as u64 + 1, 0, 0, 0], &C::G);
        assert_eq!(combined.map(|c| c.map(|w| big(&w))), Some(expected));
    }
    let last = subtract(&C::N::M, &[1, 0, 0, 0]).0;
    assert_eq!(combine::<C>(&[1, 0, 0, 0], &last, &C::G), None);
    assert_eq!(combine::<C>(&last, &[1, 0, 0, 0], &C::G), None);
    assert!(combine::<C>(&last, &last, &C::G).is_some());
    assert_eq!(tables.portable.len(), GENERATOR.points());
    assert!(tables.portable.iter().all(|point| !Point::is_infinity(point)));
}

/// Goal: right multiples, infinity included. Method: big integers and the order of the group.
#[test]
fn multiples_of_the_generators_are_right() {
    check_multiples::<Sm2>();
    check_multiples::<P256>();
}

/// Scalars whose digits are at their edges, and random ones; none is zero.
fn scalar<C: Curve>() -> impl Strategy<Value = Words> {
    // Digits of 6 bits below the highest: all 31, or all -32.
    let [low, middle, high] = [0xf7df_7df7_df7d_f7df, 0xdf7d_f7df_7df7_df7d, 0x7df7_df7d_f7df_7df7];
    let full = move |more: u64| [low + more, middle, high, 0x07df_7df7_df7d_f7df];
    let power = |bit: usize| std::array::from_fn(|i| u64::from(i == bit / 64) << (bit % 64));
    prop_oneof![
        4 => residue::<C::N>().prop_filter("zero", |scalar| *scalar != [0; 4]),
        1 => (0u64..2).prop_map(full),
        2 => (0usize..256).prop_map(power),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Goal: secret multiples of any point are the right ones. Method: those of the code that
    /// verifies, which shares neither digits nor additions by masks; points are random multiples of
    /// the generator, the first ones and the last ones.
    #[test]
    fn secret_multiples_of_points_are_right(base in scalar::<Sm2>(), by in scalar::<Sm2>()) {
        let point = combine::<Sm2>(&base, &[0; 4], &Sm2::G).expect("finite");
        let expected = combine::<Sm2>(&[0; 4], &by, &point);
        prop_assert_eq!(Some(multiply_point::<Sm2>(&point, &by)), expected);
    }
}

/// Goal: multiples that meet a point's own multiples on the way. Method: small scalars and those
/// next to the order, of the generator and of its opposite, against big integers.
#[test]
fn small_and_last_multiples_are_right() {
    let p = big(&<Sm2 as Curve>::P::M);
    let opposite = [Sm2::G[0], words(&(&p - big(&Sm2::G[1])))];
    for scalar in 1..100u64 {
        let [x, y] = textbook::<Sm2>(scalar, &Sm2::G).expect("finite");
        let (plus, minus) = ([words(&x), words(&y)], [words(&x), words(&(&p - &y))]);
        let last = subtract(&<Sm2 as Curve>::N::M, &[scalar, 0, 0, 0]).0;
        let scalar = [scalar, 0, 0, 0];
        assert_eq!(multiply_point::<Sm2>(&Sm2::G, &scalar), plus);
        assert_eq!(multiply_point::<Sm2>(&opposite, &scalar), minus);
        assert_eq!(multiply_point::<Sm2>(&Sm2::G, &last), minus);
        assert_eq!(multiply_point::<Sm2>(&opposite, &last), plus);
    }
}
