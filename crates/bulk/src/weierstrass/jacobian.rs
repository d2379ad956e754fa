//! Add points in Jacobian coordinates: quicker than complete formulas, for points known to differ.
//!
//! (X : Y : Z) is the point (X / Z^2, Y / Z^3), for Z other than zero.

use super::engine::{Engine, invert};
use std::hint::black_box;

/// Doubling ("dbl-2001-b" of the Explicit-Formulas Database, for a = -3).
#[inline(always)]
pub(super) fn double<E: Engine>([x, y, z]: [E::V; 3]) -> [E::V; 3] {
    let delta = E::sqr(z);
    let gamma = E::sqr(y);
    let beta4 = E::twice(E::twice(E::mul(x, gamma)));
    let product = E::mul(E::sub(x, delta), E::add(x, delta));
    let alpha = E::add(E::twice(product), product);
    let x3 = E::sub(E::sqr(alpha), E::twice(beta4));
    let z3 = E::sub(E::sqr(E::add(y, z)), E::add(gamma, delta));
    let eight = E::sqr(E::twice(gamma));
    let y3 = E::sub(E::mul(alpha, E::sub(beta4, x3)), E::twice(eight));
    [x3, y3, z3]
}

/// Addition of an affine point ("madd" of Cohen, Miyaji, Ono 1998), for different x.
#[inline(always)]
pub(super) fn add<E: Engine>([x1, y1, z1]: [E::V; 3], [x2, y2]: [E::V; 2]) -> [E::V; 3] {
    let square = E::sqr(z1);
    let h = E::sub(E::mul(x2, square), x1);
    let r = E::sub(E::mul(y2, E::mul(square, z1)), y1);
    let hh = E::sqr(h);
    let hhh = E::mul(h, hh);
    let v = E::mul(x1, hh);
    let x3 = E::sub(E::sqr(r), E::add(hhh, E::add(v, v)));
    let y3 = E::sub(E::mul(r, E::sub(v, x3)), E::mul(y1, hhh));
    [x3, y3, E::mul(z1, h)]
}

/// Divides finite points by their Z, with one inversion for all of them: x and y become least
/// residues, Z becomes one.
///
/// Points may be secret: what this needs besides is overwritten.
#[inline(always)]
pub(super) fn make_affine<E: Engine>(points: &mut [[E::V; 3]]) {
    let mut product = E::one();
    let mut before = Vec::with_capacity(points.len());
    for point in &*points {
        before.push(product);
        product = E::mul(product, point[2]);
    }
    let mut inverse = invert::<E>(product);
    for (point, before) in points.iter_mut().zip(&before).rev() {
        let [x, y, z] = *point;
        let z_inverse = E::mul(inverse, *before);
        inverse = E::mul(inverse, z);
        let square = E::sqr(z_inverse);
        let x = E::canonical(E::mul(x, square));
        let y = E::canonical(E::mul(y, E::mul(square, z_inverse)));
        *point = [x, y, E::one()];
    }
    before.fill(E::one());
    black_box(&before);
}
