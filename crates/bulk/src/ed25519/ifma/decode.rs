//! Decode points, sixteen at a time, by the rule of ZIP 215.

use std::arch::x86_64::*;

use super::super::field::Fe;
use super::super::point::Decoded;
use super::field::{F8, LANES, power_p58};
use super::transpose::{load, store, to_row};

/// Vectors decoded at once.
const VECTORS: usize = 2;

struct Half {
    y: F8,
    u: F8,
    v: F8,
    product: F8,
    /// Lanes whose x is to be odd.
    odd: __mmask8,
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn start(encodings: [&[u64; 4]; LANES]) -> Half {
    let words = load(encodings);
    let odd = _mm512_movepi64_mask(words[3]);
    let y = F8::from_words(words);
    let y2 = y.square();
    let u = y2.sub(F8::one());
    let v = F8::splat(Fe::D).mul(y2).add(F8::one());
    Half { y, u, v, product: u.mul(v), odd }
}

/// Finishes as the portable twin does; `root` is `product^((p - 5)/8)`.
#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
fn finish(half: &Half, root: F8, decoded: &mut Vec<Option<Decoded>>) {
    let Half { y, u, v, product, odd } = *half;
    let check = product.mul(root.square());
    let is_minus = check.add(F8::one()).zero_lanes();
    let is_plus = check.sub(F8::one()).zero_lanes();
    let is_point = is_minus | is_plus | product.zero_lanes();
    let root = root.blend(is_minus, root.mul(F8::splat(Fe::SQRT_M1)));
    let x = u.mul(root);
    let turned = x.odd_lanes() ^ odd;
    let x = x.blend(turned, x.neg());
    let x_inverse = v.mul(root);
    let x_inverse = x_inverse.blend(turned, x_inverse.neg());
    let above = y.add(F8::one());
    let montgomery_u = above.square().mul(v).mul(root.square()).neg();
    let montgomery_v = F8::splat(Fe::MONTGOMERY_SCALE).mul(montgomery_u).mul(x_inverse);
    let montgomery = store(montgomery_u.to_words(), montgomery_v.to_words());
    let edwards = store(x.to_words(), y.to_words());
    for lane in 0..LANES {
        let is_point = is_point >> lane & 1 == 1;
        decoded.push(is_point.then(|| Decoded {
            montgomery: to_row(montgomery[lane]),
            edwards: to_row(edwards[lane]),
        }));
    }
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
#[inline]
pub(super) fn decode(encodings: &[[u64; 4]]) -> Vec<Option<Decoded>> {
    let mut decoded = Vec::with_capacity(encodings.len() + VECTORS * LANES);
    for group in encodings.chunks(VECTORS * LANES) {
        // Lanes without an encoding repeat the first one.
        let pick = |from: usize| -> [&[u64; 4]; LANES] {
            std::array::from_fn(|lane| group.get(from + lane).unwrap_or(&group[0]))
        };
        let (first, second) = (start(pick(0)), start(pick(LANES)));
        let [first_root, second_root] = power_p58(&[first.product, second.product]);
        finish(&first, first_root, &mut decoded);
        finish(&second, second_root, &mut decoded);
    }
    decoded.truncate(encodings.len());
    decoded
}
