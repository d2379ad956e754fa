//! Define the records of the cold state.

use crate::call::{Action, PublicKey, TransferReference};
use crate::codec::{Decode, DecodeError, Decoder, Encode, Encoder};
use crate::identifiers::{Address, Amount, AssetId, Height, OrganisationId, TransactionId};
use crate::limits::{NAME_BYTES_MAX, ORGANISATIONS_MAX, SYMBOL_BYTES_MAX};
use crate::merkle::Frontier;

macro_rules! record {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident : $type:ty
        = $write:expr, $read:expr;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

        impl Encode for $name {
            fn encode(&self, to: &mut Encoder) {
                $(let write: fn(&$type, &mut Encoder) = $write; write(&self.$field, to);)*
            }
        }

        impl Decode for $name {
            fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
                $(let $field = {
                    let read: fn(&mut Decoder<'_>) -> Result<$type, DecodeError> = $read;
                    read(from)?
                };)*
                Ok(Self { $($field,)* })
            }
        }
    };
}

record!(
    /// How many of each thing exist; the next number of each.
    Counters {
        /// Organisations.
        organisations: u32 = u32::encode, u32::decode;
        /// Assets; the next asset has this number plus one.
        assets: u32 = u32::encode, u32::decode;
        /// Evidence logs.
        logs: u32 = u32::encode, u32::decode;
        /// Proposals.
        proposals: u64 = u64::encode, u64::decode;
        /// Times that a parameter was set.
        parameters_version: u64 = u64::encode, u64::decode;
    }
);

record!(
    /// An organisation.
    Organisation {
        /// Name, unique on the chain.
        name: String = |text, to| to.bytes8(text.as_bytes()),
            |from| from.text8(NAME_BYTES_MAX, "name");
        /// Number of accounts that hold the role of administrator.
        administrators: u32 = u32::encode, u32::decode;
        /// Window in which `quota_used` counts.
        quota_window: u32 = u32::encode, u32::decode;
        /// Quota units used in that window by all its accounts.
        quota_used: u64 = u64::encode, u64::decode;
    }
);

/// Organisations that left the chain, in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemovedOrganisations(Vec<OrganisationId>);

impl RemovedOrganisations {
    /// Whether an organisation is among them.
    pub fn contains(&self, id: OrganisationId) -> bool {
        self.0.binary_search(&id).is_ok()
    }

    /// Adds one; it changes nothing where it is among them.
    pub fn insert(&mut self, id: OrganisationId) {
        if let Err(place) = self.0.binary_search(&id) {
            self.0.insert(place, id);
        }
    }

    /// Their number.
    pub const fn count(&self) -> u32 {
        self.0.len() as u32
    }
}

impl Encode for RemovedOrganisations {
    fn encode(&self, to: &mut Encoder) {
        to.list16(&self.0);
    }
}

impl Decode for RemovedOrganisations {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let ids: Vec<OrganisationId> =
            from.list16(ORGANISATIONS_MAX as usize, "removed organisations")?;
        if ids.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(DecodeError::NonCanonical("organisations are ordered, each once"));
        }
        Ok(Self(ids))
    }
}

record!(
    /// A key of an account other than its first, or a first key too long for the hot record.
    AccountKey {
        /// The key.
        key: PublicKey = PublicKey::encode, PublicKey::decode;
        /// Bit `m` set: the key may call module `m`.
        modules: u32 = u32::encode, u32::decode;
    }
);

record!(
    /// An evidence log.
    Log {
        /// Organisation that appends to it.
        organisation: OrganisationId = OrganisationId::encode, OrganisationId::decode;
        /// Name, unique in the organisation.
        name: String = |text, to| to.bytes8(text.as_bytes()),
            |from| from.text8(NAME_BYTES_MAX, "name");
        /// Size and right edge of its tree.
        frontier: Frontier = Frontier::encode, Frontier::decode;
    }
);

record!(
    /// An asset.
    Asset {
        /// Organisation that issues it.
        organisation: OrganisationId = OrganisationId::encode, OrganisationId::decode;
        /// Symbol, unique in the organisation.
        symbol: String = |text, to| to.bytes8(text.as_bytes()),
            |from| from.text8(SYMBOL_BYTES_MAX, "symbol");
        /// Name for people.
        name: String = |text, to| to.bytes8(text.as_bytes()),
            |from| from.text8(NAME_BYTES_MAX, "name");
        /// Digits after the decimal point.
        decimals: u8 = u8::encode, u8::decode;
        /// Units in existence.
        supply: Amount = Amount::encode, Amount::decode;
    }
);

record!(
    /// A transfer that carried a reference.
    Transfer {
        /// Transaction that made it.
        transaction: TransactionId = TransactionId::encode, TransactionId::decode;
        /// Index of the call in the transaction.
        call: u8 = u8::encode, u8::decode;
        /// Block that holds the transaction.
        height: Height = Height::encode, Height::decode;
        /// Asset.
        asset: AssetId = AssetId::encode, AssetId::decode;
        /// Recipient.
        to: Address = Address::encode, Address::decode;
        /// Units.
        amount: Amount = Amount::encode, Amount::decode;
        /// The reference itself.
        reference: TransferReference = TransferReference::encode, TransferReference::decode;
    }
);

/// Whether a proposal can still be voted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ProposalStatus {
    /// Votes are taken until it expires.
    Open = 0,
    /// Enough organisations approved and the action succeeded.
    Executed = 1,
    /// So many organisations rejected it that it cannot be approved any more.
    Rejected = 2,
}

impl Encode for ProposalStatus {
    fn encode(&self, to: &mut Encoder) {
        (*self as u8).encode(to);
    }
}

impl Decode for ProposalStatus {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        match u8::decode(from)? {
            0 => Ok(Self::Open),
            1 => Ok(Self::Executed),
            2 => Ok(Self::Rejected),
            _ => Err(DecodeError::Malformed("unknown proposal status")),
        }
    }
}

record!(
    /// A proposal with its votes; each organisation has one.
    Proposal {
        /// What it does.
        action: Action = Action::encode, Action::decode;
        /// Organisation that submitted it.
        organisation: OrganisationId = OrganisationId::encode, OrganisationId::decode;
        /// Last block time at which votes are taken, in Unix milliseconds.
        expires_ms: u64 = u64::encode, u64::decode;
        /// Whether it is still open.
        status: ProposalStatus = ProposalStatus::encode, ProposalStatus::decode;
        /// Organisations that approve, in the order of their votes.
        approvals: Vec<OrganisationId> = |list, to| to.list16(list),
            |from| from.list16(ORGANISATIONS_MAX as usize, "approvals");
        /// Organisations that reject, in the order of their votes.
        rejections: Vec<OrganisationId> = |list, to| to.list16(list),
            |from| from.list16(ORGANISATIONS_MAX as usize, "rejections");
    }
);

/// What is known of one parameter: name, default, smallest and largest value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParameterRule {
    /// Name in the genesis document and in answers.
    pub name: &'static str,
    /// Value where the genesis document names none.
    pub default: u64,
    /// Smallest value allowed.
    pub min: u64,
    /// Largest value allowed.
    pub max: u64,
}

const fn rule(name: &'static str, default: u64, min: u64, max: u64) -> ParameterRule {
    ParameterRule { name, default, min, max }
}

/// Every parameter; its place is its number. Append only.
pub const PARAMETERS: [ParameterRule; 9] = [
    // Length of a quota window, in milliseconds of block time.
    rule("quota_window_ms", 60_000, 1_000, 86_400_000),
    // Quota of an account, in units a window.
    rule("account_quota", 1_000_000, 1, 0xffff_ffff),
    // Quota of an organisation, in units a window.
    rule("organisation_quota", 100_000_000, 1, 1 << 48),
    // A proposal passes when approvals * 100 > organisations * this.
    rule("approval_percent", 50, 0, 99),
    // Longest life of a proposal, in milliseconds.
    rule("proposal_lifetime_ms_max", 2_592_000_000, 1_000, 31_536_000_000),
    // Transactions in a block.
    rule("block_transactions_max", 8_192, 1, 16_384),
    // Bytes of a block's transactions.
    rule("block_bytes_max", 8_388_608, 65_536, 8_388_608),
    // Who may read the chain from its nodes, see [`ReadAccess`].
    rule("read_access", 0, 0, 2),
    // Shortest time between a block and its parent, in milliseconds.
    rule("block_interval_ms_min", 0, 0, 1_000),
];

/// Parameters that every encoding has. A later one stands in it up to the last that differs from
/// its default, so that chains which never set it have the states that they had without it.
pub const PARAMETERS_ENCODED_MIN: usize = 7;

/// Who may read the chain from its nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadAccess {
    /// Whoever reaches a node.
    Anyone,
    /// Accounts that are not frozen, of organisations that were not removed.
    Members,
    /// Those of them that have a role.
    Roles,
}

impl ReadAccess {
    /// Name in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Members => "members",
            Self::Roles => "roles",
        }
    }
}

/// Values of the chain's parameters, in the order of [`PARAMETERS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters(pub [u64; PARAMETERS.len()]);

impl Default for Parameters {
    fn default() -> Self {
        Self(PARAMETERS.map(|rule| rule.default))
    }
}

macro_rules! parameter {
    ($($name:ident = $number:literal;)*) => {
        impl Parameters {
            $(
                #[doc = concat!("Value of `", stringify!($name), "`.")]
                pub const fn $name(&self) -> u64 {
                    self.0[$number]
                }
            )*
        }
    };
}

parameter! {
    quota_window_ms = 0;
    account_quota = 1;
    organisation_quota = 2;
    approval_percent = 3;
    proposal_lifetime_ms_max = 4;
    block_transactions_max = 5;
    block_bytes_max = 6;
    read_access = 7;
    block_interval_ms_min = 8;
}

impl Parameters {
    /// Value of `read_access` by its meaning.
    pub const fn readers(&self) -> ReadAccess {
        match self.read_access() {
            0 => ReadAccess::Anyone,
            1 => ReadAccess::Members,
            _ => ReadAccess::Roles,
        }
    }
}

impl Encode for Parameters {
    fn encode(&self, to: &mut Encoder) {
        let differs = |number: &usize| self.0[*number] != PARAMETERS[*number].default;
        let last = (PARAMETERS_ENCODED_MIN..PARAMETERS.len()).rev().find(differs);
        to.list16(&self.0[..last.map_or(PARAMETERS_ENCODED_MIN, |last| last + 1)]);
    }
}

impl Decode for Parameters {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let values: Vec<u64> = from.list16(PARAMETERS.len(), "parameters")?;
        let count = values.len();
        if count < PARAMETERS_ENCODED_MIN {
            return Err(DecodeError::Malformed("number of parameters"));
        }
        if count > PARAMETERS_ENCODED_MIN && values[count - 1] == PARAMETERS[count - 1].default {
            return Err(DecodeError::NonCanonical("the last parameter differs from its default"));
        }
        let mut parameters = Self::default();
        parameters.0[..count].copy_from_slice(&values);
        Ok(parameters)
    }
}
