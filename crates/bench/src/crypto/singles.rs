//! Measure one signature at a time, of every algorithm, as a chain signs and verifies.

use super::{About, Sink};
use trine_crypto::{Algorithm, BatchItem, SecretKey, verify};

/// Signatures of one run.
const COUNT: usize = 32;
const NAMESPACE: &[u8] = b"trine/bench";

pub(super) fn measure(sink: &mut Sink<'_>) {
    for algorithm in Algorithm::ALL {
        let key = SecretKey::from_bytes(algorithm, &vec![7; algorithm.secret_key_bytes()])
            .expect("sevens are a key of every algorithm");
        let messages: Vec<_> = (0..COUNT as u64).map(u64::to_be_bytes).collect();
        let about = |operation| About {
            algorithm: algorithm.name(),
            operation,
            case: "one at a time",
            count: COUNT,
            by: "trine",
        };
        let sign = || messages.iter().map(|message| key.sign(NAMESPACE, message));
        sink.measure(about("sign"), || sign().collect::<Vec<_>>());
        let (public_key, signatures) = (key.public_key(), sign().collect::<Vec<_>>());
        sink.measure(about("verify"), || {
            let good = messages.iter().zip(&signatures).filter(|(message, signature)| {
                verify(BatchItem {
                    algorithm,
                    public_key: &public_key,
                    namespace: NAMESPACE,
                    message: message.as_slice(),
                    signature,
                })
            });
            assert_eq!(good.count(), COUNT, "what was signed verifies");
        });
    }
}
