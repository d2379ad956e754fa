//! Check two signed votes of one validator that exclude each other: proof of misbehaviour.
//!
//! An honest validator signs one proposal of a view to notarize it and one to finalize it, and
//! finalizes none in a view that it gave up. Epoch and view stand once, so that votes of different
//! views cannot be written down; `docs/reference/proofs.md`, kind 8, specifies the rest.

use crate::{
    cbor::{Item, Writer},
    certificate::{SIGNATURE_BYTES, namespace, push_varint},
    error::VerifyError,
};
use std::fmt;
use trine_crypto::{BatchItem, verify_each};
use trine_types::{
    ChainId, Digest, Epoch, EpochChange, Suite, Validator, ValidatorKey, identifiers::tagged_hash,
};

/// A signature of a validator under a vote.
pub type Signature = [u8; SIGNATURE_BYTES];

/// A vote for a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// View of the parent that was proposed with the block.
    pub parent_view: u64,
    /// Digest of the block's header.
    pub digest: Digest,
    /// Signature.
    pub signature: Signature,
}

/// How two votes of one view exclude each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// Both notarize, and not the same proposal; in ascending order of parent view and digest.
    Notarizations(Ballot, Ballot),
    /// Both finalize, and not the same proposal; in ascending order of parent view and digest.
    Finalizations(Ballot, Ballot),
    /// One gives the view up, and one finalizes a proposal of it.
    NullificationAndFinalization(Signature, Ballot),
}

/// Two votes of one validator that exclude each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictingVotes {
    /// Key of the validator.
    pub validator: ValidatorKey,
    /// Epoch of both votes.
    pub epoch: Epoch,
    /// View of both votes.
    pub view: u64,
    /// The votes.
    pub conflict: Conflict,
}

/// What a vote says, as it stands in the namespace of its signature.
#[derive(Clone, Copy)]
enum Word {
    Notarize,
    Nullify,
    Finalize,
}

impl Word {
    const fn suffix(self) -> &'static [u8] {
        match self {
            Self::Notarize => b"_NOTARIZE",
            Self::Nullify => b"_NULLIFY",
            Self::Finalize => b"_FINALIZE",
        }
    }
}

impl Conflict {
    /// Two notarizations in their one order.
    pub fn notarizations(one: Ballot, other: Ballot) -> Self {
        let (first, second) = ordered(one, other);
        Self::Notarizations(first, second)
    }

    /// Two finalizations in their one order.
    pub fn finalizations(one: Ballot, other: Ballot) -> Self {
        let (first, second) = ordered(one, other);
        Self::Finalizations(first, second)
    }

    /// Number of the conflict in proof files.
    pub const fn number(&self) -> u8 {
        match self {
            Self::Notarizations(..) => 1,
            Self::Finalizations(..) => 2,
            Self::NullificationAndFinalization(..) => 3,
        }
    }

    /// Each vote's word, proposal and signature.
    const fn votes(&self) -> [(Word, Option<&Ballot>, &Signature); 2] {
        match self {
            Self::Notarizations(one, other) => [
                (Word::Notarize, Some(one), &one.signature),
                (Word::Notarize, Some(other), &other.signature),
            ],
            Self::Finalizations(one, other) => [
                (Word::Finalize, Some(one), &one.signature),
                (Word::Finalize, Some(other), &other.signature),
            ],
            Self::NullificationAndFinalization(signature, other) => {
                [(Word::Nullify, None, signature), (Word::Finalize, Some(other), &other.signature)]
            }
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Notarizations(..) => "two_notarizations",
            Self::Finalizations(..) => "two_finalizations",
            Self::NullificationAndFinalization(..) => "nullification_and_finalization",
        })
    }
}

/// Place of a proposal in the one order of two.
const fn place(ballot: &Ballot) -> (u64, Digest) {
    (ballot.parent_view, ballot.digest)
}

fn ordered(one: Ballot, other: Ballot) -> (Ballot, Ballot) {
    match place(&one) <= place(&other) {
        true => (one, other),
        false => (other, one),
    }
}

impl ConflictingVotes {
    /// Checks that a validator of the epoch that `change` names signed both votes, and that they
    /// exclude each other; returns that validator.
    ///
    /// # Errors
    /// [`VerifyError::NotAValidator`], [`VerifyError::NoConflict`] or
    /// [`VerifyError::BadSignature`].
    pub fn verify<'a>(
        &self,
        suite: Suite,
        chain_id: &ChainId,
        change: &'a EpochChange,
    ) -> Result<&'a Validator, VerifyError> {
        let of_epoch = (change.epoch == self.epoch).then_some(&change.validators);
        let mut members = of_epoch.into_iter().flat_map(|set| set.as_slice());
        let validator = members.find(|one| one.key == self.validator);
        let validator = validator.ok_or(VerifyError::NotAValidator(self.epoch))?;
        if let Conflict::Notarizations(one, other) | Conflict::Finalizations(one, other) =
            &self.conflict
            && place(one) >= place(other)
        {
            return Err(VerifyError::NoConflict);
        }
        let key = validator.key.vote_key().filter(|key| suite.admits_validator(key.algorithm()));
        let key = key.ok_or_else(|| VerifyError::BadSignature(validator.name.clone()))?;
        let signed = self.conflict.votes().map(|(word, ballot, signature)| {
            (namespace(chain_id, word.suffix()), self.message(ballot), signature)
        });
        let items: Vec<_> = signed
            .iter()
            .map(|(namespace, message, signature)| BatchItem {
                algorithm: key.algorithm(),
                public_key: key.key(),
                namespace,
                message,
                signature: signature.as_slice(),
            })
            .collect();
        match verify_each(&items).iter().all(|verdict| *verdict) {
            true => Ok(validator),
            false => Err(VerifyError::BadSignature(validator.name.clone())),
        }
    }

    /// Bytes that the validator signs, after the namespace.
    fn message(&self, ballot: Option<&Ballot>) -> Vec<u8> {
        let mut message = Vec::with_capacity(62);
        push_varint(self.epoch.0, &mut message);
        push_varint(self.view, &mut message);
        if let Some(ballot) = ballot {
            push_varint(ballot.parent_view, &mut message);
            message.extend_from_slice(&ballot.digest.0);
        }
        message
    }

    /// Names these votes: a hash of conflict, validator, epoch, view and both signatures.
    pub fn id(&self, suite: Suite) -> Digest {
        let (conflict, validator) = ([self.conflict.number()], &self.validator.0);
        let (epoch, view) = (self.epoch.0.to_be_bytes(), self.view.to_be_bytes());
        let [(.., one), (.., other)] = self.conflict.votes();
        let parts: [&[u8]; 6] = [&conflict, validator, &epoch, &view, one, other];
        tagged_hash(suite, "trine/conflicting-votes", &parts)
    }

    /// Encodes the votes as they stand in a proof file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        self.write(&mut writer);
        writer.finish()
    }

    /// Reads what [`Self::to_bytes`] wrote; nothing is verified yet.
    ///
    /// # Errors
    /// [`VerifyError::Malformed`] for anything that is not the one encoding of two votes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VerifyError> {
        Self::read(Item::new(bytes, "conflicting votes")?)
    }

    pub(crate) fn write(&self, to: &mut Writer) {
        to.map(6);
        to.unsigned(0).unsigned(self.conflict.number().into());
        to.unsigned(1).bytes(&self.validator.0);
        to.unsigned(2).unsigned(self.epoch.0);
        to.unsigned(3).unsigned(self.view);
        for (key, (_, ballot, signature)) in (4..).zip(self.conflict.votes()) {
            match ballot {
                None => to.unsigned(key).map(1).unsigned(0).bytes(signature),
                Some(ballot) => {
                    to.unsigned(key).map(3);
                    to.unsigned(0).bytes(signature);
                    to.unsigned(1).unsigned(ballot.parent_view);
                    to.unsigned(2).bytes(&ballot.digest.0)
                }
            };
        }
    }

    pub(crate) fn read(item: Item<'_>) -> Result<Self, VerifyError> {
        let [conflict, validator, epoch, view, first, second] = item.fields()?;
        let conflict = match conflict.unsigned()? {
            1 => Conflict::Notarizations(Ballot::read(first)?, Ballot::read(second)?),
            2 => Conflict::Finalizations(Ballot::read(first)?, Ballot::read(second)?),
            3 => {
                let [signature] = first.named("vote").fields()?;
                let signature = signature.array()?;
                Conflict::NullificationAndFinalization(signature, Ballot::read(second)?)
            }
            other => {
                let problem = format!("conflict {other}, expected 1 to 3");
                return Err(VerifyError::malformed("statement", problem));
            }
        };
        Ok(Self {
            validator: ValidatorKey(validator.array()?),
            epoch: Epoch(epoch.unsigned()?),
            view: view.unsigned()?,
            conflict,
        })
    }
}

impl Ballot {
    fn read(item: Item<'_>) -> Result<Self, VerifyError> {
        let [signature, parent_view, digest] = item.named("vote").fields()?;
        Ok(Self {
            parent_view: parent_view.unsigned()?,
            digest: Digest(digest.array()?),
            signature: signature.array()?,
        })
    }
}
