//! Add points without exceptions: complete formulas in projective coordinates.
//!
//! Renes, Costello, Batina, "Complete addition formulas for prime order elliptic curves"
//! (Eurocrypt 2016), algorithms 4 to 6, for a = -3. Doubling uses the addition.

use super::Curve;
use super::engine::{Engine, Portable};
use super::modulus::{Modulus, Words};

/// A point (X : Y : Z) in every lane; infinity is (0 : 1 : 0).
pub(crate) struct Projective<E: Engine> {
    pub x: E::V,
    pub y: E::V,
    pub z: E::V,
}

impl<E: Engine> Clone for Projective<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E: Engine> Copy for Projective<E> {}

/// Sums of products that both kinds of addition have in common.
struct Products<V> {
    xx: V,
    yy: V,
    zz: V,
    xy: V,
    yz: V,
    xz: V,
}

/// p s + q r of (p, q) and (r, s), from the products p r and q s.
#[inline(always)]
fn cross<E: Engine>([p, q]: [E::V; 2], [r, s]: [E::V; 2], [pr, qs]: [E::V; 2]) -> E::V {
    E::sub(E::mul(E::add(p, q), E::add(r, s)), E::add(pr, qs))
}

impl<E: Engine> Projective<E> {
    #[inline(always)]
    pub fn infinity() -> Self {
        Self { x: E::zero(), y: E::one(), z: E::zero() }
    }

    /// Coefficient b of the curve, in every lane.
    #[inline(always)]
    pub fn coefficient<C: Curve<P = E::M>>() -> E::V {
        let b: &Words = &E::from_portable(super::modulus::Fe::new(&C::B));
        E::splat(b)
    }

    /// Sum of any two points.
    #[inline(always)]
    pub fn add(&self, other: &Self, b: E::V) -> Self {
        let (one, two) = (self, other);
        let xx = E::mul(one.x, two.x);
        let yy = E::mul(one.y, two.y);
        let zz = E::mul(one.z, two.z);
        let xy = cross::<E>([one.x, one.y], [two.x, two.y], [xx, yy]);
        let yz = cross::<E>([one.y, one.z], [two.y, two.z], [yy, zz]);
        let xz = cross::<E>([one.x, one.z], [two.x, two.z], [xx, zz]);
        Self::finish(Products { xx, yy, zz, xy, yz, xz }, b)
    }

    /// Sum of any point and a finite one.
    #[inline(always)]
    pub fn add_affine(&self, [x, y]: [E::V; 2], b: E::V) -> Self {
        let xx = E::mul(self.x, x);
        let yy = E::mul(self.y, y);
        let xy = E::mul(E::add(self.x, self.y), E::add(x, y));
        let xy = E::sub(xy, E::add(xx, yy));
        let yz = E::add(E::mul(y, self.z), self.y);
        let xz = E::add(E::mul(x, self.z), self.x);
        Self::finish(Products { xx, yy, zz: self.z, xy, yz, xz }, b)
    }

    /// Twice any point.
    #[inline(always)]
    pub fn double(&self, b: E::V) -> Self {
        let products = Products {
            xx: E::sqr(self.x),
            yy: E::sqr(self.y),
            zz: E::sqr(self.z),
            xy: E::twice(E::mul(self.x, self.y)),
            yz: E::twice(E::mul(self.y, self.z)),
            xz: E::twice(E::mul(self.x, self.z)),
        };
        Self::finish(products, b)
    }

    #[inline(always)]
    fn finish(t: Products<E::V>, b: E::V) -> Self {
        let zz3 = E::triple(t.zz);
        let difference = E::triple(E::sub(t.xz, E::mul(b, t.zz)));
        let minus = E::sub(t.yy, difference);
        let plus = E::add(t.yy, difference);
        let mixed = E::triple(E::sub(E::sub(E::mul(b, t.xz), zz3), t.xx));
        let slope = E::sub(E::triple(t.xx), zz3);
        Self {
            x: E::sub(E::mul(t.xy, plus), E::mul(t.yz, mixed)),
            y: E::add(E::mul(plus, minus), E::mul(slope, mixed)),
            z: E::add(E::mul(t.yz, minus), E::mul(t.xy, slope)),
        }
    }

    #[inline(always)]
    pub fn select(mask: u32, yes: &Self, no: &Self) -> Self {
        Self {
            x: E::select(mask, yes.x, no.x),
            y: E::select(mask, yes.y, no.y),
            z: E::select(mask, yes.z, no.z),
        }
    }
}

impl<M: Modulus> Projective<Portable<M>> {
    /// Affine x and y as plain numbers, or `None` for infinity.
    pub fn plain(&self) -> Option<[Words; 2]> {
        if self.z.is_zero() {
            return None;
        }
        let inverse = self.z.invert();
        Some([self.x.mul(&inverse).plain(), self.y.mul(&inverse).plain()])
    }
}
