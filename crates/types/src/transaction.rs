//! Define a transaction: what a sender signs and what travels.

use crate::call::Call;
use crate::code::Code;
use crate::codec::{Decode, DecodeError, Decoder, Encode, Encoder, check_limit};
use crate::identifiers::{Address, ChainId, TransactionId, tagged_hash};
use crate::limits::{ARGUMENTS_BYTES_MAX, CALLS_MAX, SIGNATURE_BYTES_MAX, TRANSACTION_BYTES_MAX};
use bytes::Bytes;
use smallvec::SmallVec;
use std::sync::OnceLock;
use trine_crypto::{Algorithm, BatchItem, SecretKey, Suite};

/// Version of the transaction format.
pub const TRANSACTION_VERSION: u8 = 1;
/// Namespace of a transaction's signature.
pub const TRANSACTION_NAMESPACE: &[u8] = b"trine/transaction/1";

/// Arguments of a call; those of most calls lie in the transaction itself.
pub type Arguments = SmallVec<[u8; 56]>;
/// Calls of a transaction; mostly one, which lies in the transaction itself.
pub type Calls = SmallVec<[RawCall; 1]>;
/// Bytes of a signature; those of most algorithms lie in the transaction itself.
pub type SignatureBytes = SmallVec<[u8; 68]>;

/// One call of a module's method, with its arguments still encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawCall {
    /// Number of the module.
    pub module: u8,
    /// Number of the method in the module.
    pub method: u8,
    /// Canonical encoding of the arguments.
    pub arguments: Arguments,
}

impl Encode for RawCall {
    fn encode(&self, to: &mut Encoder) {
        self.module.encode(to);
        self.method.encode(to);
        to.bytes16(&self.arguments);
    }
}

impl Decode for RawCall {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            module: u8::decode(from)?,
            method: u8::decode(from)?,
            arguments: from.bytes16(ARGUMENTS_BYTES_MAX, "arguments")?.into(),
        })
    }
}

/// What a sender signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsignedTransaction {
    /// Chain for which the transaction is meant.
    pub chain_id: ChainId,
    /// Account that acts.
    pub sender: Address,
    /// Index of the key, among the sender's keys, that signs.
    pub key_index: u8,
    /// Number that is used once, inside the account's window.
    pub nonce: u64,
    /// Last block time, in Unix milliseconds, at which the transaction may enter a block.
    pub valid_until_ms: u64,
    /// Calls, executed in order, all or nothing; 1 to [`CALLS_MAX`].
    pub calls: Calls,
}

impl UnsignedTransaction {
    /// Identifier: `tagged_hash("trine/transaction", encoding)`. The encoding holds the chain id.
    pub fn id(&self, suite: Suite) -> TransactionId {
        transaction_id(suite, &self.to_bytes())
    }

    /// Signs the identifier under [`TRANSACTION_NAMESPACE`].
    pub fn sign(self, suite: Suite, key: &SecretKey) -> Transaction {
        let signature = key.sign(TRANSACTION_NAMESPACE, &self.id(suite).0);
        self.with_signature(suite, key.algorithm(), signature)
    }

    /// Attaches a signature made elsewhere.
    pub fn with_signature(
        self,
        suite: Suite,
        algorithm: Algorithm,
        signature: impl Into<SignatureBytes>,
    ) -> Transaction {
        let signature = signature.into();
        let mut encoder = Encoder(Vec::with_capacity(ENCODED_BYTES_USUAL));
        self.encode(&mut encoder);
        let id = transaction_id(suite, &encoder.0);
        algorithm.number().encode(&mut encoder);
        encoder.bytes16(&signature);
        let bytes = encoder.0.into();
        Transaction { body: self, algorithm, signature, id, bytes, memo: Memo::default() }
    }
}

fn transaction_id(suite: Suite, payload: &[u8]) -> TransactionId {
    TransactionId(tagged_hash(suite, "trine/transaction", &[payload]).0)
}

impl Encode for UnsignedTransaction {
    fn encode(&self, to: &mut Encoder) {
        TRANSACTION_VERSION.encode(to);
        self.chain_id.encode(to);
        self.sender.encode(to);
        self.key_index.encode(to);
        self.nonce.encode(to);
        self.valid_until_ms.encode(to);
        assert!(self.calls.len() <= CALLS_MAX, "the caller keeps calls within CALLS_MAX");
        (self.calls.len() as u8).encode(to);
        self.calls.iter().for_each(|call| call.encode(to));
    }
}

impl Decode for UnsignedTransaction {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let version = u8::decode(from)?;
        if version != TRANSACTION_VERSION {
            return Err(DecodeError::UnknownVersion(version));
        }
        let chain_id = ChainId::decode(from)?;
        let sender = Address::decode(from)?;
        let key_index = u8::decode(from)?;
        let nonce = u64::decode(from)?;
        let valid_until_ms = u64::decode(from)?;
        let count = u8::decode(from)?.into();
        check_limit(count, CALLS_MAX, "calls")?;
        if count == 0 {
            return Err(DecodeError::Malformed("a transaction has at least one call"));
        }
        let calls = (0..count).map(|_| RawCall::decode(from)).collect::<Result<_, _>>()?;
        Ok(Self { chain_id, sender, key_index, nonce, valid_until_ms, calls })
    }
}

/// Reads sender and nonce of an encoded transaction, to look it up; nothing else is checked.
pub fn peek_sender(bytes: &[u8]) -> Option<(Address, u64)> {
    const SENDER: usize = 1 + ChainId::LENGTH;
    const NONCE: usize = SENDER + Address::LENGTH + 1;
    let sender = bytes.get(SENDER..)?.first_chunk()?;
    let nonce = bytes.get(NONCE..)?.first_chunk()?;
    Some((Address(*sender), u64::from_be_bytes(*nonce)))
}

/// Room for the encoding of most transactions.
const ENCODED_BYTES_USUAL: usize = 256;

/// What this process has found out about a transaction; no part of its value.
#[derive(Debug, Default)]
struct Memo {
    calls: OnceLock<SmallVec<[Result<Call, Code>; 1]>>,
    signer: OnceLock<SmallVec<[u8; 36]>>,
}

/// A copy can be changed, so it starts without a memory.
impl Clone for Memo {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Memo {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Memo {}

/// A signed transaction, with its identifier and its exact bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// What was signed.
    pub body: UnsignedTransaction,
    /// Algorithm of the signature; must be that of the key.
    pub algorithm: Algorithm,
    /// Signature, of a length that its algorithm admits.
    pub signature: SignatureBytes,
    /// Identifier.
    pub id: TransactionId,
    /// The encoding; what blocks carry and the body root commits to.
    pub bytes: Bytes,
    memo: Memo,
}

impl Transaction {
    /// Reads a transaction that fills `bytes`.
    ///
    /// # Errors
    /// [`DecodeError`] for bytes that are malformed, not canonical or over a limit.
    pub fn from_bytes(suite: Suite, bytes: Bytes) -> Result<Self, DecodeError> {
        check_limit(bytes.len(), TRANSACTION_BYTES_MAX, "transaction")?;
        let mut decoder = Decoder::new(&bytes);
        let body = UnsignedTransaction::decode(&mut decoder)?;
        let payload_bytes = bytes.len() - decoder.remaining();
        let algorithm = Algorithm::from_number(u8::decode(&mut decoder)?)
            .ok_or(DecodeError::Malformed("unknown signature algorithm"))?;
        let signature: SignatureBytes = decoder.bytes16(SIGNATURE_BYTES_MAX, "signature")?.into();
        if !algorithm.admits_signature_bytes(signature.len()) {
            return Err(DecodeError::Malformed("signature length is not its algorithm's"));
        }
        decoder.finish()?;
        let id = transaction_id(suite, &bytes[..payload_bytes]);
        Ok(Self { body, algorithm, signature, id, bytes, memo: Memo::default() })
    }

    /// The calls, decoded once: each, or the code with which it fails.
    pub fn calls(&self) -> &[Result<Call, Code>] {
        self.memo.calls.get_or_init(|| self.body.calls.iter().map(Call::from_raw).collect())
    }

    /// Whether this process has verified the signature, under whatever key.
    pub fn is_signed(&self) -> bool {
        self.memo.signer.get().is_some()
    }

    /// Whether this process has verified the signature under `public_key`.
    pub fn is_verified(&self, public_key: &[u8]) -> bool {
        self.memo.signer.get().is_some_and(|signer| **signer == *public_key)
    }

    /// Remembers that the signature verifies under `public_key`. The caller has verified it.
    pub fn note_verified(&self, public_key: &[u8]) {
        // The first key stays: a second one, after a rotation, is verified again each time.
        let _ = self.memo.signer.set(public_key.into());
    }

    /// The signature as one item of a batch, under the key that the state names.
    pub fn batch_item<'a>(&'a self, public_key: &'a [u8]) -> BatchItem<'a> {
        BatchItem {
            algorithm: self.algorithm,
            public_key,
            namespace: TRANSACTION_NAMESPACE,
            message: &self.id.0,
            signature: &self.signature,
        }
    }
}
