//! Read what a verifier believes without proof: `trust.json`.

use crate::error::VerifyError;
use serde::{Deserialize, Serialize};
use trine_crypto::Algorithm;
use trine_types::{
    ChainId, Epoch, Suite, Validator, ValidatorKey,
    codec::{parse_hex, to_hex},
    limits::{TRUST_BYTES_MAX, VALIDATORS_MAX},
};

/// Value of `format` in the file.
pub const TRUST_FORMAT: &str = "trine-trust-v1";

/// The chain and the validators that a verifier trusts, from one epoch on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustAnchor {
    chain: String,
    chain_id: ChainId,
    suite: Suite,
    epoch: Epoch,
    validators: Vec<TrustedValidator>,
}

/// A validator in the trust file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedValidator {
    /// Name for people.
    pub name: String,
    /// Organisation that runs it.
    pub organisation: Organisation,
    /// Public key.
    pub key: ValidatorKey,
}

/// An organisation, by number or by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Organisation {
    /// Number on the chain.
    Number(u32),
    /// Name on the chain.
    Name(String),
}

#[derive(Serialize, Deserialize)]
struct Document {
    format: String,
    chain: String,
    chain_id: ChainId,
    suite: String,
    epoch: Epoch,
    validators: Vec<Member>,
}

#[derive(Serialize, Deserialize)]
struct Member {
    name: String,
    organisation: Organisation,
    /// Left out where it is the suite's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    algorithm: Option<String>,
    key: String,
}

fn refused(problem: impl ToString) -> VerifyError {
    VerifyError::Trust(problem.to_string())
}

impl TrustAnchor {
    /// Trusts `validators` of the chain from `epoch` on.
    ///
    /// # Errors
    /// [`VerifyError::Trust`] when there are none, too many, a key stands twice or is no key.
    pub fn new(
        chain: String,
        chain_id: ChainId,
        suite: Suite,
        epoch: Epoch,
        mut validators: Vec<TrustedValidator>,
    ) -> Result<Self, VerifyError> {
        if !(1..=VALIDATORS_MAX).contains(&validators.len()) {
            let found = validators.len();
            return Err(refused(format!("{found} validators, expected 1 to {VALIDATORS_MAX}")));
        }
        validators.sort_by_key(|validator| validator.key);
        if validators.windows(2).any(|pair| pair[0].key == pair[1].key) {
            return Err(refused("a validator's key stands twice"));
        }
        for validator in &validators {
            let key = validator.key.vote_key();
            if !key.is_some_and(|key| suite.admits_validator(key.algorithm())) {
                let name = &validator.name;
                return Err(refused(format!("the key of {name:?} is no key of suite {suite}")));
            }
        }
        Ok(Self { chain, chain_id, suite, epoch, validators })
    }

    /// Reads a trust file.
    ///
    /// # Errors
    /// [`VerifyError::Trust`] that names what is wrong.
    pub fn from_json(text: &[u8]) -> Result<Self, VerifyError> {
        if text.len() > TRUST_BYTES_MAX {
            let length = text.len();
            return Err(refused(format!("{length} bytes, at most {TRUST_BYTES_MAX} are read")));
        }
        let document: Document = serde_json::from_slice(text).map_err(refused)?;
        if document.format != TRUST_FORMAT {
            let found = document.format;
            return Err(refused(format!("format {found:?}, expected {TRUST_FORMAT:?}")));
        }
        let suite = document.suite.parse().map_err(refused)?;
        let validators = document.validators.into_iter().map(|member| member.read(suite));
        let validators = validators.collect::<Result<_, _>>()?;
        Self::new(document.chain, document.chain_id, suite, document.epoch, validators)
    }

    /// Writes a trust file.
    pub fn to_json(&self) -> Vec<u8> {
        let document = Document {
            format: TRUST_FORMAT.to_owned(),
            chain: self.chain.clone(),
            chain_id: self.chain_id,
            suite: self.suite.to_string(),
            epoch: self.epoch,
            validators: self.validators.iter().map(|one| Member::of(self.suite, one)).collect(),
        };
        let mut text = serde_json::to_vec_pretty(&document)
            .expect("a trust file has only text keys and numbers");
        text.push(b'\n');
        text
    }

    /// Name of the chain; for people, nothing is verified with it.
    pub fn chain(&self) -> &str {
        &self.chain
    }

    /// Chain.
    pub const fn chain_id(&self) -> ChainId {
        self.chain_id
    }

    /// Suite of the chain.
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// Epoch from which the validators are trusted.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Validators, ordered by key.
    pub fn validators(&self) -> &[TrustedValidator] {
        &self.validators
    }
}

impl Member {
    fn read(self, suite: Suite) -> Result<TrustedValidator, VerifyError> {
        let algorithm = self.algorithm.as_deref().map_or(Ok(suite.algorithm()), str::parse);
        let algorithm: Algorithm = algorithm.map_err(refused)?;
        let key = parse_hex(&self.key).ok();
        let key = key.and_then(|key| ValidatorKey::new(algorithm, &key)).ok_or_else(|| {
            let digits = 2 * algorithm.public_key_bytes();
            let name = &self.name;
            refused(format!("the key of {name:?} is no key of {algorithm} in {digits} digits"))
        })?;
        Ok(TrustedValidator { name: self.name, organisation: self.organisation, key })
    }

    fn of(suite: Suite, validator: &TrustedValidator) -> Self {
        let (algorithm, key) =
            validator.key.parts().expect("the keys of an anchor are checked when it is made");
        Self {
            name: validator.name.clone(),
            organisation: validator.organisation.clone(),
            algorithm: (algorithm != suite.algorithm()).then(|| algorithm.to_string()),
            key: to_hex(key),
        }
    }
}

impl From<&Validator> for TrustedValidator {
    fn from(validator: &Validator) -> Self {
        Self {
            name: validator.name.clone(),
            organisation: Organisation::Number(validator.organisation.0),
            key: validator.key,
        }
    }
}
