//! Add, double and decode points of edwards25519 with portable code.
//!
//! The formulas are the complete ones of Hisil, Wong, Carter and Dawson (2008) for a = -1 in
//! extended coordinates: x = X/Z, y = Y/Z, T = XY/Z.

use std::sync::OnceLock;

use super::field::Fe;
use super::scalar::Scalar;

/// Bits of a signed digit in [`Point::sum_of_products`].
const DIGIT_BITS: usize = 5;
/// Digits of a scalar in [`Point::sum_of_products`].
const DIGITS: usize = 51;

/// Point in extended coordinates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) x: Fe,
    pub(super) y: Fe,
    pub(super) z: Fe,
    pub(super) t: Fe,
}

/// Point prepared for additions: Y + X, Y - X, 2Z, 2dT.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cached {
    sum: Fe,
    difference: Fe,
    z2: Fe,
    t2d: Fe,
}

/// Affine point prepared for additions: y + x, y - x, 2dxy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Niels {
    sum: Fe,
    difference: Fe,
    t2d: Fe,
}

/// Decoded point: its affine coordinates on the Edwards curve and on the Montgomery curve
/// v^2 = u^3 + 486662 u^2 + u, least representatives, words least significant first.
///
/// Both Montgomery coordinates are zero for the two points with x = 0, which the map leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    /// u, then v.
    pub(super) montgomery: [u64; 8],
    /// x, then y.
    pub(super) edwards: [u64; 8],
}

fn joined(first: Fe, second: Fe) -> [u64; 8] {
    let ([a, b, c, d], [e, f, g, h]) = (first.to_words(), second.to_words());
    [a, b, c, d, e, f, g, h]
}

fn halves(words: &[u64; 8]) -> (Fe, Fe) {
    let [a, b, c, d, e, f, g, h] = *words;
    (Fe::from_words(&[a, b, c, d]), Fe::from_words(&[e, f, g, h]))
}

/// Montgomery coordinates in `words` as a point in extended coordinates; (0, 0) is (0, -1).
pub(super) fn from_montgomery(words: &[u64; 8]) -> Point {
    let (u, v) = halves(words);
    if v.is_zero() {
        return Point { x: Fe::ZERO, y: Fe::ONE.neg(), z: Fe::ONE, t: Fe::ZERO };
    }
    let (above, below) = (u.add(Fe::ONE), u.sub(Fe::ONE));
    let scaled = Fe::MONTGOMERY_SCALE.mul(u);
    Point { x: scaled.mul(above), y: below.mul(v), z: above.mul(v), t: scaled.mul(below) }
}

impl Decoded {
    /// The base point B, (x, 4/5) with even x (RFC 8032, section 5.1).
    pub(super) fn base() -> &'static Self {
        static BASE: OnceLock<Decoded> = OnceLock::new();
        BASE.get_or_init(|| {
            let mut words = [0x6666666666666666; 4];
            words[0] = 0x6666666666666658;
            Self::decode(&words).expect("the base point is on the curve")
        })
    }

    /// Decodes a point by the rule of ZIP 215: the highest bit is the parity of x, the others
    /// are y, which may be p or more; the parity of x = 0 may be odd. Nothing when no point of
    /// the curve has this y.
    pub(super) fn decode(words: &[u64; 4]) -> Option<Self> {
        let y = Fe::from_words(words);
        let y2 = y.square();
        let u = y2.sub(Fe::ONE);
        let v = Fe::D.mul(y2).add(Fe::ONE);
        let product = u.mul(v);
        // Inverse square root of uv: x = u/sqrt(uv) and 1/x = v/sqrt(uv).
        let mut root = product.power_p58();
        let check = product.mul(root.square());
        if check.equals(Fe::ONE.neg()) {
            root = root.mul(Fe::SQRT_M1);
        } else if !check.equals(Fe::ONE) && !product.is_zero() {
            return None;
        }
        let mut x = u.mul(root);
        let mut x_inverse = v.mul(root);
        if x.is_odd() != (words[3] >> 63 == 1) {
            x = x.neg();
            x_inverse = x_inverse.neg();
        }
        // (1 + y)/(1 - y) = -(1 + y)^2 / u, and 1/u = v / (uv).
        let montgomery_u = y.add(Fe::ONE).square().mul(v).mul(root.square()).neg();
        let montgomery_v = Fe::MONTGOMERY_SCALE.mul(montgomery_u).mul(x_inverse);
        Some(Self { montgomery: joined(montgomery_u, montgomery_v), edwards: joined(x, y) })
    }

    /// Whether x = 0: the neutral point or the one of order two.
    pub(super) fn is_vertical(&self) -> bool {
        self.edwards[..4] == [0; 4]
    }

    pub(super) fn point(&self) -> Point {
        let (x, y) = halves(&self.edwards);
        Point { x, y, z: Fe::ONE, t: x.mul(y) }
    }

    pub(super) fn niels(&self) -> Niels {
        let (x, y) = halves(&self.edwards);
        Niels { sum: y.add(x), difference: y.sub(x), t2d: x.mul(y).mul(Fe::D2) }
    }
}

impl Point {
    /// The neutral point (0, 1).
    pub(super) const NEUTRAL: Self = Self { x: Fe::ZERO, y: Fe::ONE, z: Fe::ONE, t: Fe::ZERO };

    pub(super) fn cached(&self) -> Cached {
        Cached {
            sum: self.y.add(self.x),
            difference: self.y.sub(self.x),
            z2: self.z.add(self.z),
            t2d: self.t.mul(Fe::D2),
        }
    }

    pub(super) fn neg(&self) -> Self {
        Self { x: self.x.neg(), y: self.y, z: self.z, t: self.t.neg() }
    }

    #[inline(always)]
    fn complete(a: Fe, b: Fe, c: Fe, d: Fe) -> Self {
        let (e, f, g, h) = (b.sub(a), d.sub(c), d.add(c), b.add(a));
        Self { x: e.mul(f), y: g.mul(h), z: f.mul(g), t: e.mul(h) }
    }

    pub(super) fn add(&self, other: &Cached) -> Self {
        let a = self.y.sub(self.x).mul(other.difference);
        let b = self.y.add(self.x).mul(other.sum);
        Self::complete(a, b, self.t.mul(other.t2d), self.z.mul(other.z2))
    }

    pub(super) fn subtract(&self, other: &Cached) -> Self {
        let a = self.y.sub(self.x).mul(other.sum);
        let b = self.y.add(self.x).mul(other.difference);
        Self::complete(a, b, self.t.mul(other.t2d).neg(), self.z.mul(other.z2))
    }

    #[inline(always)]
    pub(super) fn add_affine(&self, other: &Niels) -> Self {
        let a = self.y.sub(self.x).mul(other.difference);
        let b = self.y.add(self.x).mul(other.sum);
        Self::complete(a, b, self.t.mul(other.t2d), self.z.add(self.z))
    }

    #[inline(always)]
    pub(super) fn subtract_affine(&self, other: &Niels) -> Self {
        let a = self.y.sub(self.x).mul(other.sum);
        let b = self.y.add(self.x).mul(other.difference);
        Self::complete(a, b, self.t.mul(other.t2d).neg(), self.z.add(self.z))
    }

    /// Adds an affine point given as (y + x) / 2, (y - x) / 2 and dxy; for secrets too.
    #[inline(always)]
    pub(super) fn add_halved(&self, [sum, difference, product]: [Fe; 3]) -> Self {
        let a = self.y.sub(self.x).mul(difference);
        let b = self.y.add(self.x).mul(sum);
        Self::complete(a, b, self.t.mul(product), self.z)
    }

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

    /// Doubles `count` times.
    pub(super) fn double_times(&self, count: usize) -> Self {
        (0..count).fold(*self, |point, _| point.double())
    }

    /// Sums the products of points and scalars, in variable time, with one run of doublings.
    pub(super) fn sum_of_products<const N: usize>(pairs: [(Self, Scalar); N]) -> Self {
        let prepared = pairs.map(|(point, scalar)| {
            let mut digits = [0i16; DIGITS];
            scalar.digits(DIGIT_BITS, DIGITS, |i, digit| digits[i] = digit);
            (point.multiples(), digits)
        });
        (0..DIGITS).rev().fold(Self::NEUTRAL, |sum, i| {
            let sum = sum.double_times(DIGIT_BITS);
            prepared.iter().fold(sum, |sum, (table, digits)| {
                match (digits[i], usize::from(digits[i].unsigned_abs())) {
                    (0, _) => sum,
                    (1.., size) => sum.add(&table[size - 1]),
                    (_, size) => sum.subtract(&table[size - 1]),
                }
            })
        })
    }

    /// One to 2^(`DIGIT_BITS` - 1) times the point.
    fn multiples(&self) -> [Cached; 1 << (DIGIT_BITS - 1)] {
        let one = self.cached();
        let mut multiple = *self;
        std::array::from_fn(|_| {
            let cached = multiple.cached();
            multiple = multiple.add(&one);
            cached
        })
    }

    /// Whether eight times the point is the neutral one; false for coordinates that are no point.
    pub(super) fn is_small_order(&self) -> bool {
        let point = self.double_times(3);
        point.x.is_zero() && point.y.equals(point.z) && !point.z.is_zero()
    }
}

#[cfg(test)]
pub(in crate::ed25519) mod tests;
