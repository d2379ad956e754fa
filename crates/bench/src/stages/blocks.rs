//! Make batches of signed transfers between random accounts.

use super::{StagesError, StagesPlan, failed};
use bytes::Bytes;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use trine_crypto::SecretKey;
use trine_node::mempool::batch;
use trine_types::signing::sign_many;
use trine_types::{
    Address, Amount, AssetId, Call, ChainId, Suite, transaction::UnsignedTransaction,
};

/// Any number: the same blocks each time.
const SEED: u64 = 7;

/// Accounts and what they have sent.
pub(super) struct Blocks {
    suite: Suite,
    chain_id: ChainId,
    keys: Vec<SecretKey>,
    addresses: Vec<Address>,
    nonces: Vec<u64>,
    transactions: usize,
    rng: StdRng,
}

impl Blocks {
    /// Derives the accounts that genesis generates.
    pub(super) fn new(plan: &StagesPlan) -> Result<Self, StagesError> {
        let suite = plan.genesis.suite().map_err(failed("genesis"))?;
        let generated = plan.genesis.generated_accounts.as_ref();
        let generated = generated.filter(|generated| generated.count > 1);
        let generated = generated
            .ok_or_else(|| StagesError::Plan("genesis generates fewer than 2 accounts".into()))?;
        let keys: Vec<SecretKey> =
            (0..generated.count).map(|index| generated.secret_key(suite, index)).collect();
        let address = |key: &SecretKey| Address::of_key(suite, key.algorithm(), &key.public_key());
        Ok(Self {
            suite,
            chain_id: plan.genesis.chain_id(),
            addresses: keys.iter().map(address).collect(),
            nonces: vec![0; keys.len()],
            keys,
            transactions: plan.transactions,
            rng: StdRng::seed_from_u64(SEED),
        })
    }

    /// The next batch, as a client sends it.
    pub(super) fn next_batch(&mut self) -> Bytes {
        let senders: Vec<usize> =
            (0..self.transactions).map(|_| self.rng.random_range(0..self.keys.len())).collect();
        let bodies: Vec<_> = senders.into_iter().map(|from| self.transfer(from)).collect();
        let items: Vec<_> =
            bodies.into_iter().map(|(body, from)| (body, &self.keys[from])).collect();
        let signed = sign_many(self.suite, &items);
        let bytes: Vec<Bytes> = signed.into_iter().map(|signed| signed.bytes).collect();
        batch::join(bytes.iter())
    }

    fn transfer(&mut self, from: usize) -> (UnsignedTransaction, usize) {
        let count = self.keys.len();
        let to = (from + self.rng.random_range(1..count)) % count;
        let (asset, to, amount) = (AssetId::PRIMARY, self.addresses[to], Amount(1));
        let call = Call::AssetTransfer { asset, to, amount, reference: None };
        let nonce = self.nonces[from];
        self.nonces[from] += 1;
        let body = UnsignedTransaction {
            chain_id: self.chain_id,
            sender: self.addresses[from],
            key_index: 0,
            nonce,
            valid_until_ms: u64::MAX,
            calls: [call.to_raw()].into(),
        };
        (body, from)
    }
}
