//! Add and double points of edwards25519, eight in eight lanes.
//!
//! The formulas are those of the portable twin, complete for every pair of points.

use std::arch::x86_64::*;

use super::super::field::Fe;
use super::super::point::Point;
use super::field::{F8, LANES};
use super::transpose::to_row;

/// Eight points in extended coordinates.
#[derive(Clone, Copy)]
pub(super) struct P8 {
    pub(super) x: F8,
    pub(super) y: F8,
    pub(super) z: F8,
    pub(super) t: F8,
}

/// Eight points prepared for additions: Y + X, Y - X, 2Z, 2dT.
#[derive(Clone, Copy)]
pub(super) struct Cached8 {
    pub(super) sum: F8,
    pub(super) difference: F8,
    pub(super) z2: F8,
    pub(super) t2d: F8,
}

impl Cached8 {
    /// The negative in the lanes of `mask`.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn neg_lanes(self, mask: __mmask8) -> Self {
        Self {
            sum: self.sum.blend(mask, self.difference),
            difference: self.difference.blend(mask, self.sum),
            z2: self.z2,
            t2d: self.t2d.neg_lanes(mask),
        }
    }

    /// `other` in the lanes of `mask`, `self` elsewhere.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn blend(self, mask: __mmask8, other: &Self) -> Self {
        Self {
            sum: self.sum.blend(mask, other.sum),
            difference: self.difference.blend(mask, other.difference),
            z2: self.z2.blend(mask, other.z2),
            t2d: self.t2d.blend(mask, other.t2d),
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn neutral() -> Self {
        let one = F8::one();
        Self { sum: one, difference: one, z2: one.add(one), t2d: F8::zero() }
    }
}

impl P8 {
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn neutral() -> Self {
        Self { x: F8::zero(), y: F8::one(), z: F8::one(), t: F8::zero() }
    }

    /// From affine coordinates.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn from_affine(x: F8, y: F8) -> Self {
        Self { x, y, z: F8::one(), t: x.mul(y) }
    }

    /// From coordinates on the Montgomery curve, v with the sign of its lane: (0, 0) is the
    /// point of order two, and the lanes of `absent` are neutral.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn from_montgomery(u: F8, v: F8, negative: __mmask8, absent: __mmask8) -> Self {
        let vertical = v.zero_lanes();
        let v = v.neg_lanes(negative);
        let one = F8::one();
        let (above, below) = (u.add(one), u.sub(one));
        let scaled = F8::splat(Fe::MONTGOMERY_SCALE).mul(u);
        let point =
            Self { x: scaled.mul(above), y: below.mul(v), z: above.mul(v), t: scaled.mul(below) };
        let fixed = absent | vertical;
        Self {
            x: point.x.blend(fixed, F8::zero()),
            y: point.y.blend(vertical, one.neg()).blend(absent, one),
            z: point.z.blend(fixed, one),
            t: point.t.blend(fixed, F8::zero()),
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn cached(&self) -> Cached8 {
        Cached8 {
            sum: self.y.add(self.x),
            difference: self.y.sub(self.x),
            z2: self.z.add(self.z),
            t2d: self.t.mul(F8::splat(Fe::D2)),
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    fn complete(a: F8, b: F8, c: F8, d: F8) -> Self {
        let (e, f, g, h) = (b.sub(a), d.sub(c), d.add(c), b.add(a));
        Self { x: e.mul(f), y: g.mul(h), z: f.mul(g), t: e.mul(h) }
    }

    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn add(&self, other: &Cached8) -> Self {
        let a = self.y.sub(self.x).mul(other.difference);
        let b = self.y.add(self.x).mul(other.sum);
        Self::complete(a, b, self.t.mul(other.t2d), self.z.mul(other.z2))
    }

    /// Adds affine points: y + x, y - x, 2dxy.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn add_affine(&self, sum: F8, difference: F8, t2d: F8) -> Self {
        let a = self.y.sub(self.x).mul(difference);
        let b = self.y.add(self.x).mul(sum);
        Self::complete(a, b, self.t.mul(t2d), self.z.add(self.z))
    }

    /// Adds affine points given as (y + x) / 2, (y - x) / 2 and dxy.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn add_halved(&self, sum: F8, difference: F8, product: F8) -> Self {
        let a = self.y.sub(self.x).mul(difference);
        let b = self.y.add(self.x).mul(sum);
        Self::complete(a, b, self.t.mul(product), self.z)
    }

    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn double(&self) -> Self {
        let (a, b) = (self.x.square(), self.y.square());
        let z2 = self.z.square();
        let h = a.add(b);
        let e = self.x.add(self.y).square().sub(h);
        let g = b.sub(a);
        let f = g.sub(z2.add(z2));
        let h = h.neg();
        Self { x: e.mul(f), y: g.mul(h), z: f.mul(g), t: e.mul(h) }
    }

    /// The point of each lane.
    #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
    #[inline]
    pub(super) fn lanes(&self) -> [Point; LANES] {
        let rows = [self.x, self.y, self.z, self.t].map(|value| value.0.map(|l| to_row(l)));
        std::array::from_fn(|lane| {
            let [x, y, z, t] = rows.map(|limbs| Fe(limbs.map(|limb| limb[lane])));
            Point { x, y, z, t }
        })
    }
}
