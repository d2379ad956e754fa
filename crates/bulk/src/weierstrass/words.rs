//! Add, subtract and multiply numbers of four words, in chains of carries.
//!
//! A compiler that sees a constant operand takes a chain of carries apart, into comparisons that
//! cost three times as much. The processor's own instructions are therefore asked for where they
//! are known; elsewhere the same chains are written in plain code.

/// A number of 256 bits, least word first.
pub(crate) type Words = [u64; 4];

/// `a` + `b` + `carry`, and the carry of the sum.
#[inline(always)]
fn add_word(carry: u8, a: u64, b: u64) -> (u64, u8) {
    #[cfg(target_arch = "x86_64")]
    {
        let mut total = 0;
        let carry = std::arch::x86_64::_addcarry_u64(carry, a, b, &mut total);
        (total, carry)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let (total, carry) = a.carrying_add(b, carry != 0);
        (total, u8::from(carry))
    }
}

/// `a` - `b` - `borrow`, and the borrow of the difference.
#[inline(always)]
fn subtract_word(borrow: u8, a: u64, b: u64) -> (u64, u8) {
    #[cfg(target_arch = "x86_64")]
    {
        let mut difference = 0;
        let borrow = std::arch::x86_64::_subborrow_u64(borrow, a, b, &mut difference);
        (difference, borrow)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let (difference, borrow) = a.borrowing_sub(b, borrow != 0);
        (difference, u8::from(borrow))
    }
}

/// `a` + `b` mod 2^256, and whether it wrapped.
#[inline(always)]
pub(crate) fn sum(a: &Words, b: &Words) -> (Words, bool) {
    let (w0, carry) = add_word(0, a[0], b[0]);
    let (w1, carry) = add_word(carry, a[1], b[1]);
    let (w2, carry) = add_word(carry, a[2], b[2]);
    let (w3, carry) = add_word(carry, a[3], b[3]);
    ([w0, w1, w2, w3], carry != 0)
}

/// `a` - `b` mod 2^256, and whether it wrapped.
#[inline(always)]
pub(crate) fn subtract(a: &Words, b: &Words) -> (Words, bool) {
    let (w0, borrow) = subtract_word(0, a[0], b[0]);
    let (w1, borrow) = subtract_word(borrow, a[1], b[1]);
    let (w2, borrow) = subtract_word(borrow, a[2], b[2]);
    let (w3, borrow) = subtract_word(borrow, a[3], b[3]);
    ([w0, w1, w2, w3], borrow != 0)
}

/// `value` + `top` 2^256, less `m` where that is not negative; no branch.
#[inline(always)]
pub(crate) fn subtract_once(value: &Words, top: bool, m: &Words) -> Words {
    let (w0, borrow) = subtract_word(0, value[0], m[0]);
    let (w1, borrow) = subtract_word(borrow, value[1], m[1]);
    let (w2, borrow) = subtract_word(borrow, value[2], m[2]);
    let (w3, borrow) = subtract_word(borrow, value[3], m[3]);
    let (keep, _) = subtract_word(borrow, u64::from(top), 0);
    choose(keep, value, &[w0, w1, w2, w3])
}

/// `yes` where `mask` is all ones, `no` where it is zero; no branch.
#[inline(always)]
pub(crate) fn choose(mask: u64, yes: &Words, no: &Words) -> Words {
    [
        no[0] ^ (mask & (yes[0] ^ no[0])),
        no[1] ^ (mask & (yes[1] ^ no[1])),
        no[2] ^ (mask & (yes[2] ^ no[2])),
        no[3] ^ (mask & (yes[3] ^ no[3])),
    ]
}

/// `a` times `b`, lower word first.
#[inline(always)]
fn multiply_word(a: u64, b: u64) -> [u64; 2] {
    let product = u128::from(a) * u128::from(b);
    [product as u64, (product >> 64) as u64]
}

/// `a` times `b`, lowest word first.
#[inline(always)]
pub(crate) fn multiply_row(a: &Words, b: u64) -> [u64; 5] {
    let [l0, h0] = multiply_word(a[0], b);
    let [l1, h1] = multiply_word(a[1], b);
    let [l2, h2] = multiply_word(a[2], b);
    let [l3, h3] = multiply_word(a[3], b);
    let (r1, carry) = add_word(0, l1, h0);
    let (r2, carry) = add_word(carry, l2, h1);
    let (r3, carry) = add_word(carry, l3, h2);
    let (r4, _) = add_word(carry, h3, 0);
    [l0, r1, r2, r3, r4]
}

/// `row` + `t`, where that is below 2^320.
#[inline(always)]
pub(crate) fn add_to_row(row: [u64; 5], t: &Words) -> [u64; 5] {
    let (r0, carry) = add_word(0, row[0], t[0]);
    let (r1, carry) = add_word(carry, row[1], t[1]);
    let (r2, carry) = add_word(carry, row[2], t[2]);
    let (r3, carry) = add_word(carry, row[3], t[3]);
    let (r4, _) = add_word(carry, row[4], 0);
    [r0, r1, r2, r3, r4]
}

/// `a` times `b`.
#[inline(always)]
pub(crate) fn product(a: &Words, b: &Words) -> [u64; 8] {
    let [t0, s1, s2, s3, s4] = multiply_row(a, b[0]);
    let [t1, s1, s2, s3, s4] = add_to_row(multiply_row(a, b[1]), &[s1, s2, s3, s4]);
    let [t2, s1, s2, s3, s4] = add_to_row(multiply_row(a, b[2]), &[s1, s2, s3, s4]);
    let [t3, t4, t5, t6, t7] = add_to_row(multiply_row(a, b[3]), &[s1, s2, s3, s4]);
    [t0, t1, t2, t3, t4, t5, t6, t7]
}

/// `a` times itself: products of different words are computed once and doubled.
#[inline(always)]
pub(crate) fn square(a: &Words) -> [u64; 8] {
    let [t1, h1] = multiply_word(a[0], a[1]);
    let [l2, h2] = multiply_word(a[0], a[2]);
    let [l3, h3] = multiply_word(a[0], a[3]);
    let (t2, carry) = add_word(0, l2, h1);
    let (t3, carry) = add_word(carry, l3, h2);
    let (t4, _) = add_word(carry, h3, 0);
    let [l3, h3] = multiply_word(a[1], a[2]);
    let [l4, h4] = multiply_word(a[1], a[3]);
    let [l5, h5] = multiply_word(a[2], a[3]);
    let (m4, carry) = add_word(0, l4, h3);
    let (m5, carry) = add_word(carry, l5, h4);
    let (m6, _) = add_word(carry, h5, 0);
    let (t3, carry) = add_word(0, t3, l3);
    let (t4, carry) = add_word(carry, t4, m4);
    let (t5, carry) = add_word(carry, m5, 0);
    let (t6, _) = add_word(carry, m6, 0);
    let (t1, carry) = add_word(0, t1, t1);
    let (t2, carry) = add_word(carry, t2, t2);
    let (t3, carry) = add_word(carry, t3, t3);
    let (t4, carry) = add_word(carry, t4, t4);
    let (t5, carry) = add_word(carry, t5, t5);
    let (t6, carry) = add_word(carry, t6, t6);
    let (t7, _) = add_word(carry, 0, 0);
    let [l0, h0] = multiply_word(a[0], a[0]);
    let [l1, h1] = multiply_word(a[1], a[1]);
    let [l2, h2] = multiply_word(a[2], a[2]);
    let [l3, h3] = multiply_word(a[3], a[3]);
    let (t1, carry) = add_word(0, t1, h0);
    let (t2, carry) = add_word(carry, t2, l1);
    let (t3, carry) = add_word(carry, t3, h1);
    let (t4, carry) = add_word(carry, t4, l2);
    let (t5, carry) = add_word(carry, t5, h2);
    let (t6, carry) = add_word(carry, t6, l3);
    let (t7, _) = add_word(carry, t7, h3);
    [l0, t1, t2, t3, t4, t5, t6, t7]
}
