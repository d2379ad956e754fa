//! Verify many signatures at once, spoiled in many ways: each verdict is that of a single check.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trine_crypto::{BatchItem, SecretKey, verify, verify_batch, verify_each};
use trine_types::Algorithm;

const NAMESPACE: &[u8] = b"fuzz";
const KEYS: u8 = 3;
/// Signatures of one input: enough that the kernels for many run.
const ITEMS_MAX: usize = 20;
/// Bytes of the input for each signature: signer, message, what is spoiled, how.
const STEP: usize = 4;

// Algorithm, then `STEP` bytes a signature.
fuzz_target!(|data: &[u8]| {
    let Some((number, plan)) = data.split_first() else {
        return;
    };
    let Some(algorithm) = Algorithm::from_number(*number).filter(|one| *one != Algorithm::MlDsa65)
    else {
        return;
    };
    let keys: Vec<_> = (1..=KEYS)
        .map(|byte| SecretKey::from_bytes(algorithm, &[byte; 32]).expect("small bytes are a key"))
        .collect();
    let public: Vec<_> = keys.iter().map(SecretKey::public_key).collect();
    let owned: Vec<_> = plan
        .chunks_exact(STEP)
        .take(ITEMS_MAX)
        .map(|step| {
            let signer = usize::from(step[0] % KEYS);
            let message = [step[1] % 4];
            let mut signature = keys[signer].sign(NAMESPACE, &message);
            let mut key = public[signer].clone();
            let (place, value) = (usize::from(step[2]), step[3]);
            match step[0] / KEYS % 5 {
                0 => {}
                1 => {
                    let place = place % signature.len();
                    signature[place] ^= value;
                }
                2 => {
                    let place = place % key.len();
                    key[place] ^= value;
                }
                3 => signature.truncate(place),
                // What a passkey would put behind its signature.
                _ => signature.extend_from_slice(&plan[place.min(plan.len())..]),
            }
            (key, message, signature)
        })
        .collect();
    let items: Vec<_> = owned
        .iter()
        .map(|(public_key, message, signature)| BatchItem {
            algorithm,
            public_key,
            namespace: NAMESPACE,
            message,
            signature,
        })
        .collect();
    let single: Vec<_> = items.iter().map(|item| verify(*item)).collect();
    assert_eq!(verify_each(&items), single);
    assert_eq!(verify_batch(&items), single.iter().all(|verdict| *verdict));
});
