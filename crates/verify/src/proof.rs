//! Read, write and verify a `.proof` file.

use crate::{
    cbor::{Item, Writer},
    chain::{self, CertifiedChain},
    envelope::{self, Form},
    error::VerifyError,
    statement::{Fact, Statement},
    trust::TrustAnchor,
};
use trine_types::{Digest, Header, Suite};

/// A statement about a block with everything that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// What is said about the block.
    pub statement: Statement,
    /// The block, shown to be final.
    pub chain: CertifiedChain,
    /// Hand-overs from one set of validators to the next, oldest first, where sets differ.
    pub hand_overs: Vec<CertifiedChain>,
}

/// What a proof showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedProof {
    /// Name of the chain in the trust file.
    pub chain: String,
    /// Header of the block that the fact is about.
    pub header: Header,
    /// Digest of that header.
    pub digest: Digest,
    /// Names of the validators that certified it.
    pub signers: Vec<String>,
    /// What was shown.
    pub fact: Fact,
}

/// Verifies a `.proof` file.
///
/// # Errors
/// [`VerifyError`]; [`VerifyError::is_bad_input`] tells "not a proof" from "does not match".
pub fn verify_proof(file: &[u8], trust: &TrustAnchor) -> Result<VerifiedProof, VerifyError> {
    Proof::from_bytes(trust.suite(), file)?.verify(trust)
}

impl Proof {
    /// Verifies the proof against what is trusted.
    ///
    /// # Errors
    /// [`VerifyError`] for the first thing that does not match.
    pub fn verify(&self, trust: &TrustAnchor) -> Result<VerifiedProof, VerifyError> {
        // The statement first: hashes cost less than signatures.
        let fact = self.statement.verify(trust.suite(), self.chain.header()?)?;
        let shown = chain::verify(&self.chain, &self.hand_overs, trust)?;
        Ok(VerifiedProof {
            chain: trust.chain().to_owned(),
            header: shown.header.clone(),
            digest: shown.digest,
            signers: shown.signers,
            fact,
        })
    }

    /// Encodes the proof as a file.
    pub fn to_bytes(&self, suite: Suite) -> Vec<u8> {
        envelope::close(suite, Form::Proof, &self.body())
    }

    /// Reads a file; nothing is verified yet but its seal.
    ///
    /// # Errors
    /// [`VerifyError`] for anything that is not the one encoding of a proof.
    pub fn from_bytes(suite: Suite, file: &[u8]) -> Result<Self, VerifyError> {
        Self::from_body(envelope::open(suite, Form::Proof, file)?)
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.map(4).unsigned(0);
        self.statement.write(&mut writer);
        self.chain.write(writer.unsigned(2));
        chain::write_hand_overs(&self.hand_overs, writer.unsigned(3));
        writer.finish()
    }

    pub(crate) fn from_body(body: &[u8]) -> Result<Self, VerifyError> {
        let [kind, statement, chain, hand_overs] = Item::new(body, "proof")?.fields()?;
        Ok(Self {
            statement: Statement::read(kind.unsigned()?, statement)?,
            chain: CertifiedChain::read(chain)?,
            hand_overs: chain::read_hand_overs(hand_overs)?,
        })
    }
}
