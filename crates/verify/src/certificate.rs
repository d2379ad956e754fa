//! Check that enough validators certified a block.

use crate::{
    cbor::{Item, Writer},
    error::VerifyError,
    trust::TrustedValidator,
};
use trine_crypto::{BatchItem, verify_each};
use trine_types::{
    ChainId, Digest, Epoch, Suite, ValidatorKey, limits::VALIDATORS_MAX, validators::ValidatorSet,
};

/// Bytes of one signature.
pub const SIGNATURE_BYTES: usize = 64;

/// The signatures of validators under one header: a finalization of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Epoch of the validators.
    pub epoch: Epoch,
    /// View in which the block was finalized.
    pub view: u64,
    /// View of the parent that was proposed with it.
    pub parent_view: u64,
    /// Digest of the certified header.
    pub digest: Digest,
    /// Bit `i mod 8` of byte `i / 8` is set where validator `i` signed.
    pub signers: Vec<u8>,
    /// Signatures in the order of the signers.
    pub signatures: Vec<[u8; SIGNATURE_BYTES]>,
}

/// The validators that are in force, ordered by key, with the first epoch in which they are.
#[derive(Clone, Debug)]
pub(crate) struct Committee {
    pub(crate) epoch: Epoch,
    pub(crate) members: Vec<Member>,
}

#[derive(Clone, Debug)]
pub(crate) struct Member {
    name: String,
    key: ValidatorKey,
}

impl Committee {
    pub(crate) fn trusted(epoch: Epoch, validators: &[TrustedValidator]) -> Self {
        let member = |one: &TrustedValidator| Member { name: one.name.clone(), key: one.key };
        Self { epoch, members: validators.iter().map(member).collect() }
    }

    pub(crate) fn elected(epoch: Epoch, validators: &ValidatorSet) -> Self {
        let member = |one: &trine_types::Validator| Member { name: one.name.clone(), key: one.key };
        Self { epoch, members: validators.as_slice().iter().map(member).collect() }
    }

    const fn quorum(&self) -> usize {
        self.members.len() - (self.members.len().saturating_sub(1)) / 3
    }
}

/// Namespace under which validators sign votes; `word` ends it and says which.
pub(crate) fn namespace(chain_id: &ChainId, word: &[u8]) -> Vec<u8> {
    [b"trine/consensus/".as_slice(), &chain_id.0, word].concat()
}

pub(crate) fn push_varint(mut value: u64, to: &mut Vec<u8>) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

impl Certificate {
    /// Bytes that each validator signs, after the namespace.
    fn message(&self) -> Vec<u8> {
        let mut message = Vec::with_capacity(62);
        push_varint(self.epoch.0, &mut message);
        push_varint(self.view, &mut message);
        push_varint(self.parent_view, &mut message);
        message.extend_from_slice(&self.digest.0);
        message
    }

    /// Checks the signatures against a set and returns the names of the signers.
    pub(crate) fn verify(
        &self,
        suite: Suite,
        chain_id: &ChainId,
        committee: &Committee,
    ) -> Result<Vec<String>, VerifyError> {
        let validators = committee.members.len();
        let signed = |index: usize| self.signers[index / 8] >> (index % 8) & 1 == 1;
        if self.signers.len() != validators.div_ceil(8)
            || (validators..8 * self.signers.len()).any(signed)
        {
            return Err(VerifyError::BadSigners(validators));
        }
        let signers: Vec<_> = (0..validators).filter(|index| signed(*index)).collect();
        if signers.len() != self.signatures.len() {
            return Err(VerifyError::BadSigners(validators));
        }
        let (found, needed) = (signers.len(), committee.quorum());
        if found < needed {
            return Err(VerifyError::TooFewSignatures { found, needed, validators });
        }
        let (namespace, message) = (namespace(chain_id, b"_FINALIZE"), self.message());
        let signers: Vec<_> = signers.iter().map(|index| &committee.members[*index]).collect();
        // A key that was handed over may be anything: what is no validator's key signs nothing.
        let key = |member: &&Member| {
            let key = member.key.vote_key().filter(|key| suite.admits_validator(key.algorithm()));
            key.ok_or_else(|| VerifyError::BadSignature(member.name.clone()))
        };
        let keys: Vec<_> =
            signers.iter().copied().map(|one| key(&one)).collect::<Result<_, _>>()?;
        let (namespace, message) = (namespace.as_slice(), message.as_slice());
        let mut items = Vec::with_capacity(keys.len());
        for (key, signature) in keys.iter().zip(&self.signatures) {
            let (algorithm, public_key) = (key.algorithm(), key.key());
            items.push(BatchItem { algorithm, public_key, namespace, message, signature });
        }
        let verdicts = verify_each(&items);
        match signers.iter().zip(verdicts).find(|(_, verdict)| !verdict) {
            Some((member, _)) => Err(VerifyError::BadSignature(member.name.clone())),
            None => Ok(signers.iter().map(|member| member.name.clone()).collect()),
        }
    }

    pub(crate) fn write(&self, to: &mut Writer) {
        to.map(6);
        to.unsigned(0).unsigned(self.epoch.0);
        to.unsigned(1).unsigned(self.view);
        to.unsigned(2).unsigned(self.parent_view);
        to.unsigned(3).bytes(&self.digest.0);
        to.unsigned(4).bytes(&self.signers);
        to.unsigned(5).bytes(&self.signatures.concat());
    }

    pub(crate) fn read(item: Item<'_>) -> Result<Self, VerifyError> {
        let [epoch, view, parent_view, digest, signers, signatures] =
            item.named("certificate").fields()?;
        let signers = signers.bytes()?;
        let (signatures, rest) = signatures.bytes()?.as_chunks();
        let limit = VALIDATORS_MAX;
        if !rest.is_empty() || signatures.len() > limit || signers.len() > limit.div_ceil(8) {
            return Err(VerifyError::malformed("certificate", "signatures of impossible length"));
        }
        Ok(Self {
            epoch: Epoch(epoch.unsigned()?),
            view: view.unsigned()?,
            parent_view: parent_view.unsigned()?,
            digest: Digest(digest.array()?),
            signers: signers.to_vec(),
            signatures: signatures.to_vec(),
        })
    }
}
