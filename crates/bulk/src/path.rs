//! Choose the code that this processor can run.

use std::sync::OnceLock;

/// Code that computes an answer; every path gives the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Path {
    /// Portable 64-bit code.
    Portable,
    /// Eight lanes with AVX-512 IFMA.
    Ifma,
}

impl Path {
    /// Paths that this processor can run, the fastest last.
    pub fn available() -> &'static [Self] {
        if is_ifma() { &[Self::Portable, Self::Ifma] } else { &[Self::Portable] }
    }

    /// The fastest path that this processor can run.
    pub fn best() -> Self {
        if is_ifma() { Self::Ifma } else { Self::Portable }
    }
}

#[cfg(target_arch = "x86_64")]
fn is_ifma() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512ifma")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
    })
}

#[cfg(not(target_arch = "x86_64"))]
fn is_ifma() -> bool {
    false
}
