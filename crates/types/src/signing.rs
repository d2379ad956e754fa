//! Sign many transactions at once: each encoded once, hashes and signatures made in bulk.
//!
//! ```
//! use trine_types::signing::sign_many;
//! use trine_types::{Algorithm, Call, ChainId, LogId, Suite, UnsignedTransaction};
//! use trine_crypto::SecretKey;
//!
//! let key = SecretKey::from_bytes(Algorithm::Ed25519, &[7; 32]).unwrap();
//! let call = Call::LogCreate { name: "contracts".into() }.to_raw();
//! let body = |nonce| UnsignedTransaction {
//!     chain_id: ChainId([1; 32]),
//!     sender: trine_types::Address([2; 20]),
//!     key_index: 0,
//!     nonce,
//!     valid_until_ms: 1_800_000_000_000,
//!     calls: [call.clone()].into(),
//! };
//! let signed = sign_many(Suite::Intl, &[(body(0), &key), (body(1), &key)]);
//! assert_eq!(signed[1].bytes, body(1).sign(Suite::Intl, &key).bytes);
//! ```

use crate::codec::{Encode, Encoder};
use crate::identifiers::TransactionId;
use crate::transaction::{TRANSACTION_NAMESPACE, UnsignedTransaction};
use bytes::Bytes;
use trine_crypto::{SecretKey, SigningItem, Suite, hash_many, sign_batch};

/// Tag of a transaction's identifier (see [`UnsignedTransaction::id`]).
const TAG: &str = "trine/transaction";

/// A signed transaction as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTransaction {
    /// Identifier.
    pub id: TransactionId,
    /// The encoding; what blocks carry.
    pub bytes: Bytes,
}

/// Signs each transaction with its key; bytes and identifiers are those of
/// [`UnsignedTransaction::sign`].
pub fn sign_many(
    suite: Suite,
    items: &[(UnsignedTransaction, &SecretKey)],
) -> Vec<SignedTransaction> {
    let mut tagged: Vec<_> = items.iter().map(|(body, _)| encode_tagged(body)).collect();
    let ids = hash_many(suite, &tagged.iter().map(|bytes| &bytes.0[..]).collect::<Vec<_>>());
    let to_sign: Vec<_> = items
        .iter()
        .zip(&ids)
        .map(|((_, key), id)| SigningItem {
            key,
            namespace: TRANSACTION_NAMESPACE,
            message: id.as_bytes(),
        })
        .collect();
    let signatures = sign_batch(&to_sign);
    for ((encoder, (_, key)), signature) in tagged.iter_mut().zip(items).zip(&signatures) {
        key.algorithm().number().encode(encoder);
        encoder.bytes16(signature);
    }
    tagged
        .into_iter()
        .zip(ids)
        .map(|(encoder, id)| SignedTransaction {
            id: TransactionId(id.0),
            bytes: Bytes::from(encoder.0).slice(1 + TAG.len()..),
        })
        .collect()
}

/// What the identifier is the hash of: the tag with its length, then the encoding.
fn encode_tagged(body: &UnsignedTransaction) -> Encoder {
    let mut encoder = Encoder(Vec::with_capacity(ROOM_BYTES));
    encoder.bytes8(TAG.as_bytes());
    body.encode(&mut encoder);
    encoder
}

/// Room for a transaction with one transfer and its signature, so that its bytes never move.
const ROOM_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identifiers::{Address, ChainId};
    use crate::transaction::RawCall;
    use trine_crypto::Algorithm;

    /// Goal: many at once are those made one by one. Method: all algorithms mixed, calls of
    /// different lengths, on either suite.
    #[test]
    fn many_are_those_made_one_by_one() {
        let keys = Algorithm::ALL.map(|algorithm| {
            let secret = vec![9; algorithm.secret_key_bytes()];
            SecretKey::from_bytes(algorithm, &secret).expect("a key of the algorithm")
        });
        for suite in Suite::ALL {
            let items: Vec<_> = (0..50)
                .map(|place: usize| {
                    let arguments = vec![place as u8; 7 * place].into();
                    let call = RawCall { module: 1, method: 2, arguments };
                    let body = UnsignedTransaction {
                        chain_id: ChainId([1; 32]),
                        sender: Address([place as u8; 20]),
                        key_index: 3,
                        nonce: place as u64,
                        valid_until_ms: 5,
                        calls: vec![call; 1 + place % 3].into(),
                    };
                    (body, &keys[place % keys.len()])
                })
                .collect();
            for ((body, key), signed) in items.iter().zip(sign_many(suite, &items)) {
                let expected = body.clone().sign(suite, key);
                assert_eq!((signed.id, signed.bytes), (expected.id, expected.bytes));
            }
        }
    }
}
