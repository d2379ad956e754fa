//! Check that equations of good claims hold, and that claims with rare x get the exact answer.

use super::*;
use crate::p256::P256;
use crate::sm2::Sm2;
use crate::weierstrass::modulus::{is_reduced, sum};

/// A scalar that depends on `number` alone.
fn scalar<C: Curve>(number: u64) -> Fe<C::N> {
    Fe::raw(reduce::<C::N>(&[number + 1, number << 32, !number, number * number]))
}

/// Claims that hold, of `keys` keys in turn: u is chosen so that u G + v K = k G for a known k.
fn good_claims<C: Curve>(count: u64, keys: u64) -> Claims {
    let plain = |scalar: Fe<C::N>| scalar.plain();
    let point = |scalar: &Words| combine::<C>(scalar, &[0; 4], &C::G).expect("finite");
    let secrets: Vec<_> = (0..keys).map(|key| scalar::<C>(1000 + key)).collect();
    let claims = (0..count)
        .map(|index| {
            let key = index % keys;
            let (nonce, v) = (scalar::<C>(5000 + index), scalar::<C>(90_000 + index));
            let u = nonce.sub(&v.mul(&secrets[key as usize]));
            let [x, y] = point(&plain(nonce));
            let hint = Some(y[0] as u8 & 1);
            Claim { key: key as u32, x: reduce::<C::N>(&x), u: plain(u), v: plain(v), hint }
        })
        .collect();
    Claims { keys: secrets.iter().map(|secret| point(&plain(*secret))).collect(), claims }
}

fn check_equation<C: Curve, E: Engine<M = C::P>>(path: Path, generator: &[Point]) {
    let tables = Tables::new::<C>(path, 0);
    for (count, keys) in [(16, 16), (40, 3), (300, 300), (700, 1)] {
        let claims = good_claims::<C>(count, keys);
        let checker = Checker::<C, E>::new(path, &claims, generator, &tables);
        let chunk: Vec<_> = (0..claims.claims.len()).collect();
        let mut alone = Vec::new();
        assert!(checker.holds(&chunk, &mut alone), "{count} claims, {keys} keys");
        assert_eq!(alone, [0usize; 0], "{count} claims, {keys} keys");
    }
    let mut claims = good_claims::<C>(64, 64);
    claims.claims[40].u[0] ^= 1;
    let checker = Checker::<C, E>::new(path, &claims, generator, &tables);
    assert!(!checker.holds(&(0..64).collect::<Vec<_>>(), &mut Vec::new()));
}

fn check_equations<C: Curve>() {
    let tables = C::generator_tables();
    check_equation::<C, Portable<C::P>>(Path::Portable, &tables.portable);
    #[cfg(target_arch = "x86_64")]
    if Path::best() == Path::Ifma {
        check_equation::<C, Wide<C>>(Path::Ifma, &tables.wide);
    }
}

/// Goal: good batches pass by their equation, not by the exact path behind it. Method: the equation
/// alone, on claims of known discrete logarithms; one wrong claim makes it fail.
#[test]
fn equations_of_good_claims_hold() {
    check_equations::<Sm2>();
    check_equations::<P256>();
}

/// Claims that hold though x of the point is n or more: the key is solved for.
///
/// Such a point is R = (n + d, y); with K = (R - u G) / v, the claim "x is d" holds.
fn claims_with_large_x<C: Curve>(count: usize) -> Claims {
    let mut made = Claims { keys: Buffer::with_capacity(0), claims: Buffer::with_capacity(0) };
    for distance in 0.. {
        if made.claims.len() == count {
            return made;
        }
        let less: Words = [distance, 0, 0, 0];
        let x = sum(&C::N::M, &less).0;
        assert!(is_reduced::<C::P>(&x), "few points have so large an x");
        let found = decode::decompress::<C, Portable<C::P>>(&[x], &[1]);
        let Some(point) = found[0] else { continue };
        let point = [point.x, point.y].map(|words| Fe::<C::P>::raw(words).plain());
        let (u, v) = (scalar::<C>(distance + 7), scalar::<C>(distance + 70));
        let inverse = v.invert();
        let minus = Fe::<C::N>::ZERO.sub(&u).mul(&inverse);
        let key = combine::<C>(&minus.plain(), &inverse.plain(), &point).expect("finite");
        let number = made.keys.len() as u32;
        made.keys.push(key);
        let (u, v) = (u.plain(), v.plain());
        made.claims.push(Claim { key: number, x: less, u, v, hint: Some(1) });
    }
    unreachable!("the loop returns")
}

fn check_large_x<C: Curve>() {
    let mut claims = claims_with_large_x::<C>(3);
    let good = good_claims::<C>(60, 60);
    let first = claims.keys.len() as u32;
    claims.keys.extend(good.keys.iter());
    let later = |claim: &Claim| Claim { key: claim.key + first, ..claim.clone() };
    claims.claims.extend(good.claims.iter().map(later));
    let mut expected = vec![true; claims.claims.len()];
    for round in ["good", "one bad"] {
        for &path in Path::available() {
            let tables = Tables::new::<C>(path, 0);
            assert_eq!(verify::<C>(path, &claims, &tables), expected, "{path:?} {round}");
            let found = parities::<C>(path, &claims, &tables);
            let found: Vec<_> = found.iter().map(Option::is_some).collect();
            assert_eq!(found, expected, "{path:?} {round}");
        }
        for (claim, expected) in claims.claims.iter().zip(&expected) {
            let key = &claims.keys[claim.key as usize];
            assert_eq!(parity_of::<C>(claim, key).is_some(), *expected, "{round}");
        }
        claims.claims[1].x[0] += 1;
        expected[1] = false;
    }
}

/// Goal: x between n and p, which anybody can provoke, gets the answer of the standards on every
/// path. Method: points with such an x, found by trying, and keys solved for them.
#[test]
fn points_with_x_of_the_order_or_more_are_judged_exactly() {
    check_large_x::<Sm2>();
    check_large_x::<P256>();
}
