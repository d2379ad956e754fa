//! Read, write and verify a `.receipt` file: the evidence of one file.

use crate::{
    cbor::{Item, Writer},
    envelope::{self, Form},
    error::VerifyError,
    proof::{Proof, VerifiedProof},
    statement::{Fact, Statement},
    trust::TrustAnchor,
};
use trine_types::{
    Digest, Height, LogId, Suite,
    identifiers::tagged_hash,
    limits::{FILE_NAME_BYTES_MAX, MEDIA_TYPE_BYTES_MAX},
};

/// Bytes of a salt.
pub const SALT_BYTES: usize = 32;

/// Entry that stands for a file: `tagged_hash("trine/evidence-entry", salt || file digest)`.
pub fn entry_of(suite: Suite, salt: &[u8; SALT_BYTES], file: &Digest) -> Digest {
    tagged_hash(suite, "trine/evidence-entry", &[salt, &file.0])
}

/// What the verifier knows of the file at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// Hash of the contents with the chain's suite.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
}

/// The evidence of one file; see `docs/reference/receipt.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Salt of the entry.
    pub salt: [u8; SALT_BYTES],
    /// Name of the file, without its folder. Not covered by any hash on the chain.
    pub name: String,
    /// Bytes of the file.
    pub size: u64,
    /// Media type, empty where unknown. Not covered by any hash on the chain.
    pub media_type: String,
    /// Proof of the entry.
    pub proof: Proof,
}

/// What a receipt showed: the file was recorded in the block or before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Name of the chain in the trust file.
    pub chain: String,
    /// Height of the block.
    pub height: Height,
    /// Time of the block in Unix milliseconds.
    pub time_ms: u64,
    /// Digest of the block's header.
    pub block: Digest,
    /// Names of the validators that certified the block.
    pub signers: Vec<String>,
    /// Log.
    pub log: LogId,
    /// Index of the entry in the log, from 0.
    pub index: u64,
    /// Entry.
    pub entry: Digest,
    /// Name of the file, as the receipt says.
    pub name: String,
    /// Media type of the file, as the receipt says.
    pub media_type: String,
    /// Bytes of the file.
    pub size: u64,
}

/// Verifies a `.receipt` file for the file at hand.
///
/// # Errors
/// [`VerifyError`]; [`VerifyError::is_bad_input`] tells "not a receipt" from "does not match".
pub fn verify_receipt(
    receipt: &[u8],
    trust: &TrustAnchor,
    file: &FileFacts,
) -> Result<Verified, VerifyError> {
    Receipt::from_bytes(trust.suite(), receipt)?.verify(trust, file)
}

impl Receipt {
    /// Verifies the receipt for the file at hand.
    ///
    /// # Errors
    /// [`VerifyError`] for the first thing that does not match.
    pub fn verify(&self, trust: &TrustAnchor, file: &FileFacts) -> Result<Verified, VerifyError> {
        if file.size != self.size {
            return Err(VerifyError::OtherSize { found: file.size, expected: self.size });
        }
        let Statement::Evidence(evidence) = &self.proof.statement else {
            return Err(VerifyError::NotAnEntry);
        };
        if entry_of(trust.suite(), &self.salt, &file.digest) != evidence.entry {
            return Err(VerifyError::FileAltered);
        }
        let VerifiedProof { chain, header, digest, signers, fact } = self.proof.verify(trust)?;
        let Fact::Evidence { entry, log, index, .. } = fact else {
            return Err(VerifyError::NotAnEntry);
        };
        Ok(Verified {
            chain,
            height: header.height,
            time_ms: header.time_ms,
            block: digest,
            signers,
            log,
            index,
            entry,
            name: self.name.clone(),
            media_type: self.media_type.clone(),
            size: self.size,
        })
    }

    /// Encodes the receipt as a file.
    pub fn to_bytes(&self, suite: Suite) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.map(5);
        writer.unsigned(0).bytes(&self.salt);
        writer.unsigned(1).text(&self.name);
        writer.unsigned(2).unsigned(self.size);
        writer.unsigned(3).text(&self.media_type);
        writer.unsigned(4).bytes(&self.proof.body());
        envelope::close(suite, Form::Receipt, &writer.finish())
    }

    /// Reads a file; nothing is verified yet but its seal.
    ///
    /// # Errors
    /// [`VerifyError`] for anything that is not the one encoding of a receipt.
    pub fn from_bytes(suite: Suite, file: &[u8]) -> Result<Self, VerifyError> {
        let body = envelope::open(suite, Form::Receipt, file)?;
        let [salt, name, size, media_type, proof] = Item::new(body, "receipt")?.fields()?;
        let name = name.text()?;
        if !is_file_name(name) {
            return Err(VerifyError::malformed("file name", "not the name of a file"));
        }
        let media_type = media_type.text()?;
        if media_type.len() > MEDIA_TYPE_BYTES_MAX {
            return Err(VerifyError::malformed("media type", "too long"));
        }
        Ok(Self {
            salt: salt.array()?,
            name: name.to_owned(),
            size: size.unsigned()?,
            media_type: media_type.to_owned(),
            proof: Proof::from_body(proof.bytes()?)?,
        })
    }
}

/// Whether `name` is the name of a file that a receipt may carry: 1 to
/// [`FILE_NAME_BYTES_MAX`] bytes without a separator or control character, neither `.` nor `..`.
pub fn is_file_name(name: &str) -> bool {
    (1..=FILE_NAME_BYTES_MAX).contains(&name.len())
        && !name.contains(['/', '\\'])
        && !name.contains(char::is_control)
        && name != "."
        && name != ".."
}
