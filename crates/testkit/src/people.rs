//! Name keys, and put the people of a small test chain into a genesis document.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use trine_crypto::{SecretKey, Suite};
use trine_types::call::PublicKey;
use trine_types::codec::to_hex;
use trine_types::genesis::{GENESIS_FORMAT, GenesisAccount, GenesisAsset, GenesisValidator};
use trine_types::{Amount, Genesis, OrganisationId, Validator, ValidatorKey};

/// Environment variable that names the suite of test chains; `intl` without it.
pub const SUITE_VARIABLE: &str = "TRINE_TEST_SUITE";

/// Suite of the test chains of this run, so that every test can run on either.
///
/// # Panics
/// When the variable names no suite.
pub fn suite() -> Suite {
    static FOUND: OnceLock<Suite> = OnceLock::new();
    *FOUND.get_or_init(|| match std::env::var(SUITE_VARIABLE) {
        Ok(name) => name.parse().unwrap_or_else(|error| panic!("{SUITE_VARIABLE}: {error}")),
        Err(_) => Suite::Intl,
    })
}

/// The key in the suite's algorithm whose secret is the hash of `name`.
pub fn secret_key(name: &str) -> SecretKey {
    let secret = Suite::Intl.hash(&[b"trine/testkit", name.as_bytes()]);
    SecretKey::from_bytes(suite().algorithm(), &secret.0)
        .expect("all but one in 2^32 hashes are keys of every suite")
}

/// Spoils the signature at the end of an encoded transaction: a bit of `s`, since the last byte is
/// a hint in some algorithms, which decides nothing.
///
/// # Panics
/// When there is no signature.
pub fn spoil(transaction: &mut [u8]) {
    let place = transaction.len().checked_sub(2).expect("a transaction ends with its signature");
    transaction[place] ^= 1;
}

/// Public key of [`secret_key`].
pub fn public_key(name: &str) -> PublicKey {
    PublicKey { algorithm: suite().algorithm(), bytes: secret_key(name).public_key() }
}

/// The validator whose key is [`secret_key`] of `name`.
///
/// # Panics
/// Never: the suite's own algorithm is one of validators.
pub fn validator(name: &str, organisation: u32) -> Validator {
    let key = ValidatorKey::new(suite().algorithm(), &secret_key(name).public_key());
    Validator {
        key: key.expect("validators may sign with the suite's algorithm"),
        organisation: OrganisationId(organisation),
        name: name.to_owned(),
        address: "127.0.0.1:9100".to_owned(),
    }
}

/// A member of an organisation of a test chain.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Name, which is also the name of the key.
    pub name: &'static str,
    /// Number of the organisation.
    pub organisation: u32,
    /// Roles as the genesis document names them.
    pub roles: &'static [&'static str],
    /// Balance of the primary asset.
    pub balance: u64,
}

/// A genesis document with these organisations and members, `validators` validators, and the asset
/// `TOK` of the first organisation.
pub fn genesis(organisations: &[&str], members: &[Member], validators: u32) -> Genesis {
    let accounts = members.iter().map(|member| GenesisAccount {
        organisation: OrganisationId(member.organisation),
        algorithm: suite().algorithm().to_string(),
        key: to_hex(&secret_key(member.name).public_key()),
        roles: member.roles.iter().map(ToString::to_string).collect(),
        balance: Amount(member.balance),
    });
    let validators = (0..validators).map(|number| GenesisValidator {
        algorithm: None,
        name: format!("validator-{number}"),
        organisation: OrganisationId(number % organisations.len() as u32),
        key: to_hex(&secret_key(&format!("validator-{number}")).public_key()),
        address: format!("127.0.0.1:{}", 9_000 + number),
    });
    Genesis {
        format: GENESIS_FORMAT.to_owned(),
        name: "test".to_owned(),
        suite: suite().to_string(),
        time_ms: 1_700_000_000_000,
        blocks_per_epoch: 100,
        organisations: organisations.iter().map(ToString::to_string).collect(),
        validators: validators.collect(),
        accounts: accounts.collect(),
        assets: vec![GenesisAsset {
            organisation: OrganisationId(0),
            symbol: "TOK".to_owned(),
            name: "Token".to_owned(),
            decimals: 2,
        }],
        parameters: BTreeMap::new(),
        generated_accounts: None,
    }
}
