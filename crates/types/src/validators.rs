//! Define who decides: validators, their set, and the hand-over from epoch to epoch.

use crate::codec::{Decode, DecodeError, Decoder, Encode, Encoder};
use crate::identifiers::{Epoch, OrganisationId, ValidatorKey};
use crate::limits::{ADDRESS_TEXT_BYTES_MAX, NAME_BYTES_MAX, VALIDATORS_MAX};

/// One validator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    /// Key that signs its votes.
    pub key: ValidatorKey,
    /// Organisation that runs it.
    pub organisation: OrganisationId,
    /// Name for people.
    pub name: String,
    /// Where peers reach it, as `host:port`.
    pub address: String,
}

impl Encode for Validator {
    fn encode(&self, to: &mut Encoder) {
        self.key.encode(to);
        self.organisation.encode(to);
        to.bytes8(self.name.as_bytes());
        to.bytes8(self.address.as_bytes());
    }
}

impl Decode for Validator {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            key: ValidatorKey::decode(from)?,
            organisation: OrganisationId::decode(from)?,
            name: from.text8(NAME_BYTES_MAX, "name")?,
            address: from.text8(ADDRESS_TEXT_BYTES_MAX, "address")?,
        })
    }
}

/// Says whether `text` is `host:port`: a host of letters, digits, `.` and `-`, or an IPv6 address
/// in brackets; a port from 1 to 65535 in decimal digits without leading zeros.
pub fn is_peer_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    let of_ipv6 = |byte: u8| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.';
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match inner {
        Some(inner) => !inner.is_empty() && inner.bytes().all(of_ipv6),
        None => !host.is_empty() && host.bytes().all(of_name),
    };
    let is_port = !port.starts_with(['0', '+']) && port.parse::<u16>().is_ok();
    text.len() <= ADDRESS_TEXT_BYTES_MAX && is_host && is_port
}

/// The validators of one epoch: 1 to [`VALIDATORS_MAX`], ordered by key, no key twice.
///
/// A validator's place in this order is its index in certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorSet(Vec<Validator>);

impl ValidatorSet {
    /// Orders `validators` by key.
    ///
    /// # Errors
    /// [`DecodeError`] when there are none, too many, or a key stands twice.
    pub fn new(mut validators: Vec<Validator>) -> Result<Self, DecodeError> {
        validators.sort_by_key(|validator| validator.key);
        Self::check(validators)
    }

    fn check(validators: Vec<Validator>) -> Result<Self, DecodeError> {
        crate::codec::check_limit(validators.len(), VALIDATORS_MAX, "validators")?;
        if validators.is_empty() {
            return Err(DecodeError::Malformed("a validator set has at least one member"));
        }
        if validators.windows(2).any(|pair| pair[0].key >= pair[1].key) {
            return Err(DecodeError::NonCanonical("validators are ordered by key, each once"));
        }
        Ok(Self(validators))
    }

    /// The validators in order.
    pub fn as_slice(&self) -> &[Validator] {
        &self.0
    }

    /// The validators, each of them, to make another set.
    pub fn into_vec(self) -> Vec<Validator> {
        self.0
    }

    /// Signatures that a certificate needs: more than two thirds, `n - (n - 1) / 3`.
    pub const fn quorum(&self) -> usize {
        self.0.len() - (self.0.len() - 1) / 3
    }
}

impl Encode for ValidatorSet {
    fn encode(&self, to: &mut Encoder) {
        to.list16(&self.0);
    }
}

impl Decode for ValidatorSet {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Self::check(from.list16(VALIDATORS_MAX, "validators")?)
    }
}

/// What the last block of an epoch commits: who decides the next two epochs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochChange {
    /// The epoch that begins after this block.
    pub epoch: Epoch,
    /// Validators of that epoch.
    pub validators: ValidatorSet,
    /// Validators of the epoch after it, where they differ.
    pub following: Option<ValidatorSet>,
}

impl EpochChange {
    /// Validators of the epoch after `self.epoch`.
    pub fn following(&self) -> &ValidatorSet {
        self.following.as_ref().unwrap_or(&self.validators)
    }
}

impl Encode for EpochChange {
    fn encode(&self, to: &mut Encoder) {
        self.epoch.encode(to);
        self.validators.encode(to);
        to.option(&self.following);
    }
}

impl Decode for EpochChange {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let epoch = Epoch::decode(from)?;
        let validators = ValidatorSet::decode(from)?;
        let following: Option<ValidatorSet> = from.option()?;
        if following.as_ref() == Some(&validators) {
            return Err(DecodeError::NonCanonical("a following set that does not differ"));
        }
        Ok(Self { epoch, validators, following })
    }
}
