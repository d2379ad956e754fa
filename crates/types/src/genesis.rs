//! Read the genesis document: the one JSON file from which a chain starts.

use crate::account::Roles;
use crate::codec::{DecodeError, parse_hex, to_hex};
use crate::identifiers::{Address, Amount, ChainId, OrganisationId, ValidatorKey, tagged_hash};
use crate::limits::{
    ADDRESS_TEXT_BYTES_MAX, BLOCKS_PER_EPOCH_MAX, BLOCKS_PER_EPOCH_MIN, DECIMALS_MAX,
    GENERATED_ACCOUNTS_MAX, GENESIS_BYTES_MAX, NAME_BYTES_MAX, ORGANISATIONS_MAX, SYMBOL_BYTES_MAX,
};
use crate::record::{PARAMETERS, Parameters};
use crate::validators::{Validator, ValidatorSet};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use trine_crypto::{Algorithm, SecretKey, Suite};

/// Value of `format` in the document.
pub const GENESIS_FORMAT: &str = "trine-genesis-v1";

/// A genesis document was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("genesis: {0}")]
pub struct GenesisError(pub String);

impl From<DecodeError> for GenesisError {
    fn from(error: DecodeError) -> Self {
        Self(error.to_string())
    }
}

/// The genesis document, as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// [`GENESIS_FORMAT`].
    pub format: String,
    /// Name of the chain.
    pub name: String,
    /// Suite of the chain.
    pub suite: String,
    /// Block time of genesis, in Unix milliseconds.
    pub time_ms: u64,
    /// Blocks of an epoch.
    pub blocks_per_epoch: u64,
    /// Names of the organisations; the first has number 0.
    pub organisations: Vec<String>,
    /// First validators.
    pub validators: Vec<GenesisValidator>,
    /// First accounts.
    pub accounts: Vec<GenesisAccount>,
    /// First assets; the first has number 1 and is the primary asset.
    #[serde(default)]
    pub assets: Vec<GenesisAsset>,
    /// Parameters that differ from their defaults.
    #[serde(default, deserialize_with = "each_once")]
    pub parameters: BTreeMap<String, u64>,
    /// Accounts that are generated for load tests; never on a chain that people trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated_accounts: Option<GeneratedAccounts>,
}

/// A validator in the genesis document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisValidator {
    /// Name for people.
    pub name: String,
    /// Organisation that runs it.
    pub organisation: OrganisationId,
    /// Algorithm of the key, where it is not the suite's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// Public key in hexadecimal.
    pub key: String,
    /// Where peers reach it, as `host:port`.
    pub address: String,
}

/// An account in the genesis document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisAccount {
    /// Organisation to which it belongs.
    pub organisation: OrganisationId,
    /// Algorithm of its first key.
    pub algorithm: String,
    /// First key in hexadecimal.
    pub key: String,
    /// Roles: any of `administrator`, `notary`, `issuer`, `reader`.
    pub roles: Vec<String>,
    /// Balance of the primary asset.
    #[serde(default)]
    pub balance: Amount,
}

/// An asset in the genesis document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisAsset {
    /// Organisation that issues it.
    pub organisation: OrganisationId,
    /// Symbol.
    pub symbol: String,
    /// Name for people.
    pub name: String,
    /// Digits after the decimal point.
    pub decimals: u8,
}

/// Accounts whose keys anyone can derive, for load tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratedAccounts {
    /// Organisation to which they belong.
    pub organisation: OrganisationId,
    /// Text from which the keys follow.
    pub seed: String,
    /// Number of accounts.
    pub count: u64,
    /// Balance of the primary asset of each.
    pub balance: Amount,
}

impl GeneratedAccounts {
    /// Secret key of one generated account, in the suite's algorithm:
    /// `tagged_hash("trine/generated-account", seed || index as 8 bytes || attempt)`, the attempt
    /// being no byte at first, then one byte from 1 on, until the number is in range.
    pub fn secret_key(&self, suite: Suite, index: u64) -> SecretKey {
        let index = index.to_be_bytes();
        let attempt = |attempt: &[u8]| {
            let parts: [&[u8]; 3] = [self.seed.as_bytes(), &index, attempt];
            let secret = tagged_hash(suite, "trine/generated-account", &parts);
            SecretKey::from_bytes(suite.algorithm(), &secret.0).ok()
        };
        attempt(&[])
            .or_else(|| (1..=u8::MAX).find_map(|number| attempt(&[number])))
            .expect("one of 256 hashes is in a range that holds all but one in 2^32")
    }

    /// Secret keys of the generated accounts with these indices, each as
    /// [`GeneratedAccounts::secret_key`] gives it, in bulk.
    pub fn secret_keys(&self, suite: Suite, indices: Range<u64>) -> Vec<SecretKey> {
        let secrets: Vec<_> = indices
            .clone()
            .map(|index| {
                let parts: [&[u8]; 2] = [self.seed.as_bytes(), &index.to_be_bytes()];
                tagged_hash(suite, "trine/generated-account", &parts)
            })
            .collect();
        let secrets: Vec<&[u8]> = secrets.iter().map(|secret| &secret.0[..]).collect();
        let keys = SecretKey::from_many(suite.algorithm(), &secrets);
        indices
            .zip(keys)
            .map(|(index, key)| key.unwrap_or_else(|_| self.secret_key(suite, index)))
            .collect()
    }
}

impl Genesis {
    /// Reads and checks a document.
    ///
    /// # Errors
    /// [`GenesisError`] that names the field and what was expected.
    pub fn from_json(text: &[u8]) -> Result<Self, GenesisError> {
        if text.len() > GENESIS_BYTES_MAX {
            let length = text.len();
            return Err(GenesisError(format!("{length} bytes, at most {GENESIS_BYTES_MAX}")));
        }
        let refuse = |error: serde_json::Error| GenesisError(error.to_string());
        let genesis: Self = serde_json::from_slice(text).map_err(refuse)?;
        check_objects(&serde_json::from_slice(text).map_err(refuse)?)?;
        genesis.check()?;
        Ok(genesis)
    }

    /// The canonical form (RFC 8785: keys sorted, no spaces) whose hash is the chain id.
    pub fn canonical_json(&self) -> Vec<u8> {
        let value = serde_json::to_value(self).expect("a genesis has only text keys");
        value.to_string().into_bytes()
    }

    /// Chain id: `tagged_hash("trine/genesis", canonical JSON)`.
    pub fn chain_id(&self) -> ChainId {
        let suite = self.suite().unwrap_or(Suite::Intl);
        ChainId(tagged_hash(suite, "trine/genesis", &[&self.canonical_json()]).0)
    }

    /// Suite of the chain.
    ///
    /// # Errors
    /// [`GenesisError`] for a suite that this build does not know.
    pub fn suite(&self) -> Result<Suite, GenesisError> {
        self.suite
            .parse()
            .map_err(|error: trine_crypto::UnknownSuite| GenesisError(format!("suite: {error}")))
    }

    /// First validators, ordered by key.
    ///
    /// # Errors
    /// [`GenesisError`] for a malformed or repeated key.
    pub fn validator_set(&self) -> Result<ValidatorSet, GenesisError> {
        let suite = self.suite()?;
        let validators = self.validators.iter().map(|validator| {
            Ok(Validator {
                key: validator.validator_key(suite)?,
                organisation: validator.organisation,
                name: validator.name.clone(),
                address: validator.address.clone(),
            })
        });
        Ok(ValidatorSet::new(validators.collect::<Result<_, GenesisError>>()?)?)
    }

    /// Parameters with the document's changes.
    ///
    /// # Errors
    /// [`GenesisError`] for an unknown name or a value outside its range.
    pub fn parameters(&self) -> Result<Parameters, GenesisError> {
        let mut parameters = Parameters::default();
        for (name, value) in &self.parameters {
            let number = PARAMETERS
                .iter()
                .position(|rule| rule.name == name)
                .ok_or_else(|| GenesisError(format!("unknown parameter {name:?}")))?;
            let rule = PARAMETERS[number];
            if !(rule.min..=rule.max).contains(value) {
                let (min, max) = (rule.min, rule.max);
                return Err(GenesisError(format!("{name} is {value}, expected {min} to {max}")));
            }
            parameters.0[number] = *value;
        }
        Ok(parameters)
    }

    /// Checks everything that the document says.
    ///
    /// # Errors
    /// [`GenesisError`] that names the field and what was expected.
    pub fn check(&self) -> Result<(), GenesisError> {
        if self.format != GENESIS_FORMAT {
            let format = &self.format;
            return Err(GenesisError(format!("format {format:?}, expected {GENESIS_FORMAT:?}")));
        }
        self.suite()?;
        check_name("name", &self.name)?;
        let epoch = BLOCKS_PER_EPOCH_MIN..=BLOCKS_PER_EPOCH_MAX;
        if !epoch.contains(&self.blocks_per_epoch) {
            let found = self.blocks_per_epoch;
            return Err(GenesisError(format!("blocks_per_epoch {found}, expected {epoch:?}")));
        }
        let organisations = self.organisations.len();
        if !(1..=ORGANISATIONS_MAX as usize).contains(&organisations) {
            let max = ORGANISATIONS_MAX;
            return Err(GenesisError(format!(
                "{organisations} organisations, expected 1 to {max}"
            )));
        }
        for (place, name) in self.organisations.iter().enumerate() {
            check_name("organisation", name)?;
            if self.organisations[..place].contains(name) {
                return Err(GenesisError(format!("organisation {name:?} stands twice")));
            }
        }
        self.check_members()?;
        self.parameters()?;
        self.validator_set()?;
        Ok(())
    }

    fn check_members(&self) -> Result<(), GenesisError> {
        let organisations = (self.validators.iter().map(|validator| validator.organisation))
            .chain(self.accounts.iter().map(|account| account.organisation))
            .chain(self.assets.iter().map(|asset| asset.organisation))
            .chain(self.generated_accounts.iter().map(|generated| generated.organisation));
        for OrganisationId(number) in organisations {
            if number as usize >= self.organisations.len() {
                return Err(GenesisError(format!("organisation number {number} is not listed")));
            }
        }
        for validator in &self.validators {
            check_name("validator", &validator.name)?;
            let length = validator.address.len();
            if length > ADDRESS_TEXT_BYTES_MAX {
                let (name, max) = (&validator.name, ADDRESS_TEXT_BYTES_MAX);
                return Err(GenesisError(format!(
                    "address of validator {name:?} has {length} bytes, at most {max} allowed"
                )));
            }
        }
        let (suite, mut addresses) = (self.suite()?, BTreeSet::new());
        for account in &self.accounts {
            account.roles()?;
            let algorithm = algorithm_of(&account.algorithm)?;
            if !suite.admits(algorithm) {
                return Err(GenesisError(format!("the suite {suite} admits no {algorithm} keys")));
            }
            let address = account.address(suite)?;
            if !addresses.insert(address) {
                return Err(GenesisError(format!("account {address} stands twice")));
            }
        }
        let generated = self.generated_accounts.as_ref().map_or(0, |generated| generated.count);
        if generated > GENERATED_ACCOUNTS_MAX {
            let limit = GENERATED_ACCOUNTS_MAX;
            return Err(GenesisError(format!("{generated} generated accounts, at most {limit}")));
        }
        self.check_assets()
    }

    fn check_assets(&self) -> Result<(), GenesisError> {
        for (place, asset) in self.assets.iter().enumerate() {
            let GenesisAsset { organisation, symbol, name, decimals } = asset;
            if !is_symbol(symbol) || !is_title(name) || *decimals > DECIMALS_MAX {
                return Err(GenesisError(format!("asset {symbol:?}: symbol, name or decimals")));
            }
            let same = |other: &GenesisAsset| {
                other.organisation == *organisation && other.symbol == *symbol
            };
            if self.assets[..place].iter().any(same) {
                return Err(GenesisError(format!("asset {symbol:?} stands twice")));
            }
        }
        let balances = self.balances()?;
        if self.assets.is_empty() && balances != Amount(0) {
            return Err(GenesisError("accounts have balances, but there is no asset".into()));
        }
        Ok(())
    }

    /// Sum of the balances of all accounts, listed and generated.
    ///
    /// # Errors
    /// [`GenesisError`] where it exceeds 2^64 - 1.
    pub fn balances(&self) -> Result<Amount, GenesisError> {
        let generated = self
            .generated_accounts
            .as_ref()
            .map_or(0, |generated| u128::from(generated.count) * u128::from(generated.balance.0));
        let listed = self.accounts.iter().map(|account| u128::from(account.balance.0));
        let sum = listed.fold(generated, u128::saturating_add);
        sum.try_into().map(Amount).map_err(|_| GenesisError("balances exceed 2^64 - 1".into()))
    }
}

impl GenesisValidator {
    /// Key with its algorithm.
    ///
    /// # Errors
    /// [`GenesisError`] for an algorithm that validators of the suite do not use, or a key that is
    /// not well-formed.
    pub fn validator_key(&self, suite: Suite) -> Result<ValidatorKey, GenesisError> {
        let algorithm = self.algorithm.as_deref().map_or(Ok(suite.algorithm()), algorithm_of)?;
        if !suite.admits_validator(algorithm) {
            let name = &self.name;
            return Err(GenesisError(format!(
                "validator {name:?}: no validator of the suite {suite} signs with {algorithm}"
            )));
        }
        let key = key_of(algorithm, &self.key)?;
        ValidatorKey::new(algorithm, &key).ok_or_else(|| GenesisError("validator key".into()))
    }
}

impl GenesisAccount {
    /// Algorithm and first key.
    ///
    /// # Errors
    /// [`GenesisError`] for an unknown algorithm or a key that is not well-formed.
    pub fn public_key(&self) -> Result<(Algorithm, Vec<u8>), GenesisError> {
        let algorithm = algorithm_of(&self.algorithm)?;
        Ok((algorithm, key_of(algorithm, &self.key)?))
    }

    /// Roles as bits.
    ///
    /// # Errors
    /// [`GenesisError`] for an unknown name.
    pub fn roles(&self) -> Result<Roles, GenesisError> {
        self.roles.iter().try_fold(Roles::default(), |roles, name| {
            let role = match name.as_str() {
                "administrator" => Roles::ADMINISTRATOR,
                "notary" => Roles::NOTARY,
                "issuer" => Roles::ISSUER,
                "reader" => Roles::READER,
                other => return Err(GenesisError(format!("unknown role {other:?}"))),
            };
            Ok(Roles(roles.0 | role.0))
        })
    }

    /// Address of the account.
    ///
    /// # Errors
    /// As [`GenesisAccount::public_key`].
    pub fn address(&self, suite: Suite) -> Result<Address, GenesisError> {
        let (algorithm, key) = self.public_key()?;
        Ok(Address::of_key(suite, algorithm, &key))
    }
}

/// Reads parameters of which none stands twice: two readers could believe different ones.
fn each_once<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, u64>, D::Error> {
    struct EachOnce;

    impl<'de> Visitor<'de> for EachOnce {
        type Value = BTreeMap<String, u64>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut parameters = BTreeMap::new();
            while let Some((name, value)) = entries.next_entry::<String, u64>()? {
                if parameters.contains_key(&name) {
                    return Err(A::Error::custom(format!("parameter {name:?} stands twice")));
                }
                parameters.insert(name, value);
            }
            Ok(parameters)
        }
    }

    from.deserialize_map(EachOnce)
}

/// Refuses a list of values where an object is expected: the JSON reader would take its items as
/// the fields in order.
fn check_objects(document: &Value) -> Result<(), GenesisError> {
    let listed = ["validators", "accounts", "assets"].map(|name| document[name].as_array());
    let generated = &document["generated_accounts"];
    let good = document.is_object()
        && listed.into_iter().flatten().flatten().all(Value::is_object)
        && (generated.is_object() || generated.is_null());
    if good {
        Ok(())
    } else {
        Err(GenesisError("a list stands where an object is expected".into()))
    }
}

fn algorithm_of(name: &str) -> Result<Algorithm, GenesisError> {
    name.parse().map_err(|error: trine_crypto::KeyError| GenesisError(error.to_string()))
}

fn key_of(algorithm: Algorithm, text: &str) -> Result<Vec<u8>, GenesisError> {
    let key = parse_hex(text)?;
    if key.len() != algorithm.public_key_bytes() || !algorithm.is_public_key(&key) {
        return Err(GenesisError(format!("{} is no public key of {algorithm}", to_hex(&key))));
    }
    Ok(key)
}

/// Says whether `name` is 1 to [`NAME_BYTES_MAX`] of `a-z`, `0-9`, `-`, and starts with a letter
/// or digit.
pub fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(allowed)
        && !name.starts_with('-')
}

/// Says whether `symbol` is 1 to [`SYMBOL_BYTES_MAX`] of `A-Z`, `0-9`, and starts with a letter.
pub fn is_symbol(symbol: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    (1..=SYMBOL_BYTES_MAX).contains(&symbol.len())
        && symbol.bytes().all(allowed)
        && symbol.starts_with(|first: char| first.is_ascii_uppercase())
}

/// Says whether `text` is a name for people: 1 to [`NAME_BYTES_MAX`] bytes, no control characters.
pub fn is_title(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn check_name(what: &str, name: &str) -> Result<(), GenesisError> {
    if is_name(name) {
        return Ok(());
    }
    Err(GenesisError(format!("{what} {name:?}, expected 1 to {NAME_BYTES_MAX} of a-z, 0-9, -")))
}
