//! Sign with one key of a token.

use crate::{KeyName, Token, TokenError, connection::Failure, mechanism::Names};
use cryptoki::error::{Error, RvError};
use std::{
    fmt,
    time::{Duration, Instant},
};
use trine_crypto::{Algorithm, complete_signature, input_to_sign};

/// Namespace of health checks: their signatures can serve for nothing else.
const HEALTH_NAMESPACE: &[u8] = b"trine-token-health";
const CHALLENGE_BYTES: usize = 32;

/// A key that lives in a token.
#[derive(Clone)]
pub struct TokenKey {
    token: Token,
    name: KeyName,
    names: Names,
    public_key: Vec<u8>,
}

/// How a health check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// Time that a signature took, with waiting and verification.
    pub took: Duration,
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKey({} {} in {:?})", self.algorithm(), self.name, self.token)
    }
}

impl TokenKey {
    pub(crate) const fn new(
        token: Token,
        name: KeyName,
        names: Names,
        public_key: Vec<u8>,
    ) -> Self {
        Self { token, name, names, public_key }
    }

    /// Algorithm of the key.
    pub const fn algorithm(&self) -> Algorithm {
        self.names.algorithm
    }

    /// Public key, encoded as its algorithm says.
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// Name of the key in its token.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// Signs `length(namespace) || namespace || message` in the form of the wire. Unlike a key in
    /// memory, a token may sign the same input differently each time.
    ///
    /// # Errors
    /// [`TokenError`]; a signature that does not verify is an error and never given out.
    pub fn sign(&self, namespace: &[u8], message: &[u8]) -> Result<Vec<u8>, TokenError> {
        let algorithm = self.algorithm();
        let token = || self.token.config.token.clone();
        let input = input_to_sign(algorithm, &self.public_key, namespace, message);
        let input = input.ok_or_else(|| TokenError::Mechanism {
            token: token(),
            algorithm,
            mechanism: self.names.sign.to_string(),
        })?;
        let (name, names, refusing) = (self.name.clone(), self.names, token());
        let raw = self.token.pool.call(move |live| {
            let key = live.private_key(&name)?;
            live.session.sign(&names.signing(), key, &input).map_err(|error| match error {
                Error::Pkcs11(RvError::MechanismInvalid, _) => {
                    Failure::Token(TokenError::Mechanism {
                        token: refusing.clone(),
                        algorithm,
                        mechanism: names.sign.to_string(),
                    })
                }
                other => other.into(),
            })
        })?;
        let raw = raw.as_slice().try_into().ok();
        raw.and_then(|raw| complete_signature(algorithm, &self.public_key, namespace, message, raw))
            .ok_or_else(|| TokenError::Signature {
                token: token(),
                key: self.name.clone(),
                algorithm,
            })
    }

    /// Signs a random challenge and verifies the signature.
    ///
    /// # Errors
    /// [`TokenError`] as [`TokenKey::sign`].
    pub fn health(&self) -> Result<Health, TokenError> {
        let start = Instant::now();
        let mut challenge = [0; CHALLENGE_BYTES];
        getrandom::fill(&mut challenge).map_err(|error| TokenError::Refused {
            token: self.token.config.token.clone(),
            reason: format!("no randomness for a challenge: {error}"),
        })?;
        // Every signature is verified before it is given out.
        self.sign(HEALTH_NAMESPACE, &challenge)?;
        Ok(Health { took: start.elapsed() })
    }
}
