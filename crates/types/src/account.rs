//! Define the hot record of an account: key, roles, nonce window, balance, quota.

use crate::code::Code;
use crate::codec::{Decode, DecodeError, Decoder, Encode, Encoder};
use crate::identifiers::{Amount, OrganisationId, tagged_hash};
use crate::limits::{ACCOUNT_KEYS_MAX, NONCE_SLIDE_MAX, NONCE_WINDOW};
use trine_crypto::{Algorithm, Digest, Suite};

/// Bytes of an encoded account: with a 20-byte key, an operation tag and a position it stays
/// within the 119 bytes that two SHA-256 blocks hold.
pub const ACCOUNT_BYTES: usize = 86;
/// Bytes of the first key's field; a shorter key is padded with zeros.
pub const ACCOUNT_KEY_BYTES: usize = 33;

/// What an account may do in its organisation, as a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Roles(pub u8);

impl Roles {
    /// Creates and freezes accounts, sets roles and quotas, creates logs, votes on proposals.
    pub const ADMINISTRATOR: Self = Self(1);
    /// Appends to the organisation's evidence logs.
    pub const NOTARY: Self = Self(2);
    /// Defines the organisation's assets and issues them.
    pub const ISSUER: Self = Self(4);
    /// Reads a chain that only accounts with a role read.
    pub const READER: Self = Self(8);
    /// Every role that acts; the first administrator of an organisation holds them.
    pub const ACTING: Self = Self(7);
    /// Every role.
    pub const ALL: Self = Self(15);

    /// Whether every role of `other` is held.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl Encode for Roles {
    fn encode(&self, to: &mut Encoder) {
        self.0.encode(to);
    }
}

impl Decode for Roles {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        match u8::decode(from)? {
            bits if bits & !Self::ALL.0 == 0 => Ok(Self(bits)),
            _ => Err(DecodeError::Malformed("unknown role")),
        }
    }
}

/// The hot record of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whether the account may not act.
    pub frozen: bool,
    /// Roles in the organisation.
    pub roles: Roles,
    /// Bit `i` is set while the key with index `i` lives.
    pub live_keys: u8,
    /// Number of key indices ever given; indices are never reused.
    pub key_count: u8,
    /// Algorithm of the first key.
    pub algorithm: Algorithm,
    /// First key as [`key_field`] writes it.
    pub key: [u8; ACCOUNT_KEY_BYTES],
    /// Organisation to which the account belongs.
    pub organisation: OrganisationId,
    /// Lowest nonce of the window.
    pub nonce_base: u64,
    /// Bit `i` is set when nonce `nonce_base + i` is used; bit 0 is never set.
    pub nonce_used: u128,
    /// Balance of the primary asset.
    pub balance: Amount,
    /// Quota in units a window; 0 takes the chain's parameter.
    pub quota: u32,
    /// Window in which `quota_used` counts.
    pub quota_window: u32,
    /// Units used in that window.
    pub quota_used: u32,
}

impl Account {
    /// Creates an account with one key and nothing else.
    pub fn new(
        suite: Suite,
        organisation: OrganisationId,
        roles: Roles,
        algorithm: Algorithm,
        public_key: &[u8],
    ) -> Self {
        Self {
            frozen: false,
            roles,
            live_keys: 1,
            key_count: 1,
            algorithm,
            key: key_field(suite, algorithm, public_key),
            organisation,
            nonce_base: 0,
            nonce_used: 0,
            balance: Amount(0),
            quota: 0,
            quota_window: 0,
            quota_used: 0,
        }
    }

    /// First key without its padding; the hash of one that is [recorded beside](is_recorded).
    pub fn first_key(&self) -> &[u8] {
        let is_hash = is_recorded(self.algorithm);
        &self.key[..if is_hash { Digest::LENGTH } else { self.algorithm.public_key_bytes() }]
    }

    /// Says whether `nonce` may be used.
    ///
    /// # Errors
    /// [`Code::NonceUsed`], [`Code::NonceVoided`] or [`Code::NonceTooFar`].
    pub const fn check_nonce(&self, nonce: u64) -> Result<(), Code> {
        if nonce == u64::MAX {
            return Err(Code::NonceTooFar);
        }
        if nonce < self.nonce_base {
            return Err(Code::NonceVoided);
        }
        let offset = nonce - self.nonce_base;
        if offset < NONCE_WINDOW {
            if self.nonce_used >> offset & 1 == 1 {
                return Err(Code::NonceUsed);
            }
        } else if offset - NONCE_WINDOW >= NONCE_SLIDE_MAX {
            return Err(Code::NonceTooFar);
        }
        Ok(())
    }

    /// Uses `nonce`, sliding the window where needed.
    ///
    /// A nonce beyond the window becomes its last; what falls out below is void. Then the window
    /// moves up past the nonces used from its base on.
    ///
    /// # Errors
    /// As [`Account::check_nonce`].
    pub fn use_nonce(&mut self, nonce: u64) -> Result<(), Code> {
        self.check_nonce(nonce)?;
        let offset = nonce - self.nonce_base;
        if offset >= NONCE_WINDOW {
            let slide = offset - (NONCE_WINDOW - 1);
            self.nonce_used = self.nonce_used.checked_shr(slide as u32).unwrap_or(0);
            self.nonce_base += slide;
        }
        self.nonce_used |= 1 << (nonce - self.nonce_base);
        let done = self.nonce_used.trailing_ones();
        self.nonce_used = self.nonce_used.checked_shr(done).unwrap_or(0);
        self.nonce_base += u64::from(done);
        Ok(())
    }

    /// Refuses records that no sequence of blocks can write.
    fn check(&self) -> Result<(), DecodeError> {
        let count = u32::from(self.key_count);
        if !(1..=ACCOUNT_KEYS_MAX as u32).contains(&count) {
            return Err(DecodeError::Malformed("number of keys"));
        }
        if self.live_keys & 1 == 0 || u32::from(self.live_keys) >> count != 0 {
            return Err(DecodeError::Malformed("live keys"));
        }
        if self.key[self.first_key().len()..].iter().any(|byte| *byte != 0) {
            return Err(DecodeError::NonCanonical("padding of the first key"));
        }
        if self.nonce_used & 1 == 1 {
            return Err(DecodeError::NonCanonical("the lowest nonce of the window is unused"));
        }
        let width = u64::from(u128::BITS - self.nonce_used.leading_zeros());
        if self.nonce_base.checked_add(width).is_none() {
            return Err(DecodeError::Malformed("2^64 - 1 and more are no nonces"));
        }
        Ok(())
    }

    /// Encodes the account in its fixed width.
    pub fn to_array(&self) -> [u8; ACCOUNT_BYTES] {
        let mut encoder = Encoder(Vec::with_capacity(ACCOUNT_BYTES));
        self.encode(&mut encoder);
        encoder.0.try_into().expect("an account has a fixed width")
    }
}

/// Whether the algorithm's keys are too long for the hot record: the first key of an account then
/// lies beside it in the cold state, under [`StateKey::account_key`](crate::StateKey::account_key)
/// with index 0.
pub const fn is_recorded(algorithm: Algorithm) -> bool {
    algorithm.public_key_bytes() > ACCOUNT_KEY_BYTES
}

/// Writes a first key, padded with zeros; of one that is [recorded beside](is_recorded), its hash
/// `tagged_hash("trine/key", algorithm number || key)`.
pub fn key_field(suite: Suite, algorithm: Algorithm, public_key: &[u8]) -> [u8; ACCOUNT_KEY_BYTES] {
    let hash;
    let bytes = if is_recorded(algorithm) {
        hash = tagged_hash(suite, "trine/key", &[&[algorithm.number()], public_key]);
        hash.as_bytes().as_slice()
    } else {
        public_key
    };
    let mut field = [0; ACCOUNT_KEY_BYTES];
    field[..bytes.len()].copy_from_slice(bytes);
    field
}

impl Encode for Account {
    fn encode(&self, to: &mut Encoder) {
        u8::from(self.frozen).encode(to);
        self.roles.encode(to);
        self.live_keys.encode(to);
        self.key_count.encode(to);
        self.algorithm.number().encode(to);
        to.raw(&self.key);
        self.organisation.encode(to);
        self.nonce_base.encode(to);
        self.nonce_used.encode(to);
        self.balance.encode(to);
        self.quota.encode(to);
        self.quota_window.encode(to);
        self.quota_used.encode(to);
    }
}

impl Decode for Account {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let frozen = match u8::decode(from)? {
            0 => false,
            1 => true,
            _ => return Err(DecodeError::NonCanonical("a flag is 0 or 1")),
        };
        let account = Self {
            frozen,
            roles: Roles::decode(from)?,
            live_keys: u8::decode(from)?,
            key_count: u8::decode(from)?,
            algorithm: Algorithm::from_number(u8::decode(from)?)
                .ok_or(DecodeError::Malformed("unknown key algorithm"))?,
            key: from.array()?,
            organisation: OrganisationId::decode(from)?,
            nonce_base: u64::decode(from)?,
            nonce_used: u128::decode(from)?,
            balance: Amount::decode(from)?,
            quota: u32::decode(from)?,
            quota_window: u32::decode(from)?,
            quota_used: u32::decode(from)?,
        };
        account.check()?;
        Ok(account)
    }
}
