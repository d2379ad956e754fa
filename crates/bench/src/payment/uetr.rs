//! Make references of payments.

use rand::Rng;
use std::fmt;
use trine_types::codec::to_hex;

/// A unique end-to-end transaction reference: a UUID of version 4 (RFC 9562, section 5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Uetr(pub [u8; 16]);

impl Uetr {
    /// Makes one at random.
    pub fn random(rng: &mut impl Rng) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        // Version 4 and the variant of RFC 9562; the other 122 bits are random.
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }
}

impl fmt::Display for Uetr {
    /// Writes the bytes in hexadecimal without hyphens, as the node's API takes references.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;
    use std::collections::HashSet;

    /// Goal: references are UUIDs of version 4 and never the same. Method: look at the fixed bits
    /// of 1,000; every other bit is seen in both states.
    #[test]
    fn references_are_random_uuids() {
        let mut rng = StdRng::seed_from_u64(7);
        let made: HashSet<_> = (0..1_000).map(|_| Uetr::random(&mut rng)).collect();
        assert_eq!(made.len(), 1_000);
        let (mut ones, mut zeros) = (0u128, 0u128);
        for uetr in made {
            let bits = u128::from_be_bytes(uetr.0);
            (ones, zeros) = (ones | bits, zeros | !bits);
            assert_eq!((uetr.0[6] >> 4, uetr.0[8] >> 6), (4, 0b10));
        }
        assert_eq!((ones & zeros).count_ones(), 122);
    }

    /// Goal: a reference is written as the API reads it. Method: one of known bytes.
    #[test]
    fn references_are_written_without_hyphens() {
        let uetr = Uetr([0xab; 16]);
        assert_eq!(uetr.to_string(), "ab".repeat(16));
    }
}
