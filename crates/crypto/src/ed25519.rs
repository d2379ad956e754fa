//! Sign and verify Ed25519 with the BFT library's implementation (rule of ZIP 215).

use crate::BatchItem;
use commonware_codec::{Copying, DecodeExt, Encode};
use commonware_cryptography::{
    BatchEntry, BatchVerifier, Signer as _, Verifier as _,
    ed25519::{PrivateKey, PublicKey, Signature},
};
use commonware_parallel::Sequential;
use rand::rngs::StdRng;

pub(crate) struct Signer(PrivateKey);

impl Signer {
    pub(crate) fn new(secret: &[u8]) -> Option<Self> {
        PrivateKey::decode(Copying(secret)).ok().map(Self)
    }

    pub(crate) fn public_key(&self) -> Vec<u8> {
        self.0.public_key().encode().to_vec()
    }

    pub(crate) fn sign(&self, namespace: &[u8], message: &[u8]) -> Vec<u8> {
        self.0.sign(namespace, message).encode().to_vec()
    }
}

pub(crate) fn is_public_key(key: &[u8]) -> bool {
    PublicKey::decode(Copying(key)).is_ok()
}

fn parse(item: &BatchItem<'_>) -> Option<(PublicKey, Signature)> {
    let key = PublicKey::decode(Copying(item.public_key)).ok()?;
    Some((key, Signature::decode(Copying(item.signature)).ok()?))
}

pub(crate) fn verify(item: &BatchItem<'_>) -> bool {
    parse(item).is_some_and(|(key, signature)| key.verify(item.namespace, item.message, &signature))
}

pub(crate) fn verify_batch(items: &[BatchItem<'_>]) -> bool {
    let Some(parsed) = items.iter().map(parse).collect::<Option<Vec<_>>>() else {
        return false;
    };
    // The coefficients must come from the operating system, never from the data.
    let mut rng: StdRng = rand::make_rng();
    PublicKey::verify_batch(
        &mut rng,
        items,
        |index, item| BatchEntry {
            namespace: item.namespace,
            message: item.message,
            public_key: &parsed[index].0,
            signature: &parsed[index].1,
        },
        &Sequential,
    )
}
