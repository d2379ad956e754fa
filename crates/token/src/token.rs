//! Open a token, and find or make keys in it.

use crate::{
    KeyName, NAME_BYTES_MAX, SESSIONS_MAX, TokenConfig, TokenError, TokenKey, WAIT_MS_MAX,
    connection::{Failure, Live},
    mechanism::Names,
    pool::Pool,
};
use cryptoki::{
    error::{Error, RvError},
    mechanism::MechanismType,
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::Session,
};
use std::{fmt, sync::Arc};
use trine_crypto::Algorithm;

/// Bytes of the id of a generated key.
const ID_BYTES: usize = 8;

/// A token with which sessions are open; copies share them.
#[derive(Clone)]
pub struct Token {
    pub(crate) config: Arc<TokenConfig>,
    pub(crate) pool: Arc<Pool>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.config.token)
    }
}

impl Token {
    /// Loads the module, finds the token and logs in.
    ///
    /// A process logs in to a token, not a session: where it is logged in already, the PIN is not
    /// compared again.
    ///
    /// # Errors
    /// [`TokenError`] that says what to change. A wrong PIN was sent to the token once.
    pub fn open(config: TokenConfig) -> Result<Self, TokenError> {
        check_range("sessions", config.sessions as u64, SESSIONS_MAX as u64)?;
        check_range("wait_ms", config.wait_ms, WAIT_MS_MAX)?;
        if config.sm2.is_some() {
            Names::of(Algorithm::Sm2, &config)?;
        }
        let config = Arc::new(config);
        let pool = Arc::new(Pool::new(config.clone()));
        let no_thread = |error: std::io::Error| TokenError::Refused {
            token: config.token.clone(),
            reason: format!("no thread for a session: {error}"),
        };
        pool.add().map_err(no_thread)?;
        let sessions_max = pool.call(|live| live.sessions_max())?;
        for _ in 1..config.sessions.min(sessions_max) {
            pool.add().map_err(no_thread)?;
        }
        Ok(Self { config, pool })
    }

    /// Finds a key pair.
    ///
    /// # Errors
    /// [`TokenError::KeyMissing`], [`TokenError::KeyAmbiguous`], [`TokenError::KeyUnusable`] for a
    /// key that is of no algorithm of the chain.
    pub fn key(&self, name: &KeyName) -> Result<TokenKey, TokenError> {
        check_name(name)?;
        let wanted = name.clone();
        let (names, public_key) = self.pool.call(move |live| {
            let private = live.private_key(&wanted)?;
            check_usable(live, private, &wanted)?;
            let public = live.require(ObjectClass::PUBLIC_KEY, &wanted)?;
            describe(&live.session, public, live, &wanted)
        })?;
        self.check_mechanism(names, names.sign)?;
        Ok(TokenKey::new(self.clone(), name.clone(), names, public_key))
    }

    /// Makes a key pair that cannot leave the token.
    ///
    /// # Errors
    /// [`TokenError::KeyExists`] where the name is taken, [`TokenError::Mechanism`] where the token
    /// has no such keys.
    pub fn generate(&self, algorithm: Algorithm, name: &KeyName) -> Result<TokenKey, TokenError> {
        check_name(name)?;
        let names = Names::of(algorithm, &self.config)?;
        self.check_mechanism(names, names.generate)?;
        self.check_mechanism(names, names.sign)?;
        let wanted = name.clone();
        let id = name.id.clone().map_or_else(|| self.random_id(), Ok)?;
        let made = KeyName { label: name.label.clone(), id: Some(id.clone()) };
        let public_key = self.pool.call(move |live| generate(live, names, &wanted, &id))?;
        Ok(TokenKey::new(self.clone(), made, names, public_key))
    }

    fn random_id(&self) -> Result<Vec<u8>, TokenError> {
        let mut id = vec![0; ID_BYTES];
        getrandom::fill(&mut id).map_err(|error| TokenError::Refused {
            token: self.config.token.clone(),
            reason: format!("no randomness: {error}"),
        })?;
        Ok(id)
    }

    fn check_mechanism(&self, names: Names, mechanism: MechanismType) -> Result<(), TokenError> {
        // The list of mechanisms would not do: the library leaves vendors' numbers out of it.
        let offered = self.pool.call(move |live| {
            match live.module.get_mechanism_info(live.slot, mechanism) {
                Ok(_) => Ok(true),
                Err(Error::Pkcs11(RvError::MechanismInvalid, _)) => Ok(false),
                Err(error) => Err(error.into()),
            }
        })?;
        if offered {
            return Ok(());
        }
        let (token, algorithm) = (self.config.token.clone(), names.algorithm);
        Err(TokenError::Mechanism { token, algorithm, mechanism: mechanism.to_string() })
    }
}

fn check_range(field: &'static str, value: u64, max: u64) -> Result<(), TokenError> {
    if (1..=max).contains(&value) {
        return Ok(());
    }
    let (value, expected) = (value.to_string(), format!("1 to {max}"));
    Err(TokenError::Config { field, value, expected })
}

fn check_name(name: &KeyName) -> Result<(), TokenError> {
    check_range("bytes of the key's label", name.label.len() as u64, NAME_BYTES_MAX as u64)?;
    let id = name.id.as_ref().map_or(1, Vec::len);
    check_range("bytes of the key's id", id as u64, NAME_BYTES_MAX as u64)
}

/// Refuses a key that asks for the PIN at every signature: nobody is there to type it.
fn check_usable(live: &Live, private: ObjectHandle, name: &KeyName) -> Result<(), Failure> {
    // Asked for alone: some tokens do not know it, and leave unanswered what stands behind it.
    let found = live.session.get_attributes(private, &[AttributeType::AlwaysAuthenticate])?;
    if !matches!(found[..], [Attribute::AlwaysAuthenticate(true)]) {
        return Ok(());
    }
    let (token, key) = (live.config.token.clone(), name.clone());
    let reason = "it asks for the PIN at every signature".into();
    Err(TokenError::KeyUnusable { token, key, reason }.into())
}

/// Reads algorithm and public key of a public key object.
fn describe(
    session: &Session,
    object: ObjectHandle,
    live: &Live,
    name: &KeyName,
) -> Result<(Names, Vec<u8>), Failure> {
    let wanted = [AttributeType::KeyType, AttributeType::EcParams, AttributeType::EcPoint];
    let (mut key_type, mut curve, mut point) = (None, Vec::new(), Vec::new());
    for attribute in session.get_attributes(object, &wanted)? {
        match attribute {
            Attribute::KeyType(found) => key_type = Some(found),
            Attribute::EcParams(found) => curve = found,
            Attribute::EcPoint(found) => point = found,
            _ => {}
        }
    }
    let unusable = |reason: String| TokenError::KeyUnusable {
        token: live.config.token.clone(),
        key: name.clone(),
        reason,
    };
    let names = key_type.and_then(|key_type| Names::of_key(key_type, &curve, &live.config));
    let names = names.ok_or_else(|| unusable(kind(key_type, &curve)))?;
    let key = names.public_key(&point);
    let key = key.ok_or_else(|| unusable(format!("no public key of {}", names.algorithm)))?;
    Ok((names, key))
}

fn kind(key_type: Option<KeyType>, curve: &[u8]) -> String {
    let curve: String = curve.iter().map(|byte| format!("{byte:02x}")).collect();
    let key_type = key_type.map_or_else(|| "unknown".into(), |found| found.to_string());
    format!(
        "its type is {key_type}, its curve {curve:?}, expected P-256, Ed25519 or configured SM2"
    )
}

fn generate(live: &Live, names: Names, name: &KeyName, id: &[u8]) -> Result<Vec<u8>, Failure> {
    let exists = live.find(ObjectClass::PRIVATE_KEY, name)?.is_some()
        || live.find(ObjectClass::PUBLIC_KEY, name)?.is_some();
    if exists {
        let (token, key) = (live.config.token.clone(), name.clone());
        return Err(TokenError::KeyExists { token, key }.into());
    }
    let session = live.module.open_rw_session(live.slot)?;
    let label = name.label.clone().into_bytes();
    let private = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
        Attribute::Label(label.clone()),
        Attribute::Id(id.to_vec()),
    ];
    let mut outcome = Err(Failure::Raw(Error::NotSupported));
    for curve in names.curves {
        let public = [
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Verify(true),
            Attribute::Label(label.clone()),
            Attribute::Id(id.to_vec()),
            Attribute::EcParams(curve.to_vec()),
        ];
        match session.generate_key_pair(&names.generating(), &public, &private) {
            Ok((public, _)) => {
                outcome = describe(&session, public, live, name).map(|(_, key)| key);
                break;
            }
            // Another form of the curve's name may be the one that the token knows.
            Err(error) if is_unknown_curve(&error) => outcome = Err(error.into()),
            Err(error) => return Err(error.into()),
        }
    }
    outcome
}

const fn is_unknown_curve(error: &Error) -> bool {
    let Error::Pkcs11(answer, _) = error else { return false };
    matches!(
        answer,
        RvError::AttributeValueInvalid
            | RvError::CurveNotSupported
            | RvError::DomainParamsInvalid
            | RvError::FunctionFailed
            | RvError::GeneralError
            | RvError::TemplateInconsistent
    )
}
