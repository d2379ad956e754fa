//! Measure one signature at a time, of every algorithm, as a chain signs and verifies, and SM4.

use super::{About, Sink};
use trine_crypto::{Algorithm, BatchItem, SecretKey, learn_keys, sm4_gcm, verify};

/// Signatures of one run.
const COUNT: usize = 32;
const NAMESPACE: &[u8] = b"trine/bench";
/// Algorithms whose keys may have tables.
const HAVE_TABLES: [Algorithm; 2] = [Algorithm::Sm2, Algorithm::P256];
/// Bytes of a text that is encrypted.
const TEXT_BYTES: usize = 1_024;

pub(super) fn measure(sink: &mut Sink<'_>) {
    signatures(sink);
    encryption(sink);
}

fn encryption(sink: &mut Sink<'_>) {
    let (key, nonce, text) = ([7; sm4_gcm::KEY_BYTES], [1; sm4_gcm::NONCE_BYTES], [0; TEXT_BYTES]);
    let case = format!("{TEXT_BYTES} bytes");
    let about = |operation| About {
        algorithm: "sm4-gcm",
        operation,
        case: &case,
        count: COUNT,
        by: "trine",
    };
    let seal = || sm4_gcm::seal(&key, &nonce, &[], &text).expect("a short text");
    sink.measure(about("seal"), || (0..COUNT).map(|_| seal()).collect::<Vec<_>>());
    let sealed = seal();
    sink.measure(about("open"), || {
        let opened = (0..COUNT).filter(|_| sm4_gcm::open(&key, &nonce, &[], &sealed).is_ok());
        assert_eq!(opened.count(), COUNT, "what was sealed opens");
    });
}

fn signatures(sink: &mut Sink<'_>) {
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
        let mut verify_all = || {
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
        };
        sink.measure(about("verify"), &mut verify_all);
        if HAVE_TABLES.contains(&algorithm) {
            learn_keys([(algorithm, &public_key[..])]);
            let about = About { case: "one at a time, key known", ..about("verify") };
            sink.measure(about, &mut verify_all);
        }
    }
}
