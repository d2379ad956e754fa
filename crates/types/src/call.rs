//! Define the calls of every module and their canonical arguments.

use crate::account::Roles;
use crate::code::Code;
use crate::codec::{Decode, DecodeError, Decoder, Encode, Encoder};
use crate::identifiers::{
    Address, Amount, AssetId, LogId, OrganisationId, ProposalId, ValidatorKey,
};
use crate::limits::{
    ENTRIES_MAX, EVIDENCE_REFERENCE_BYTES_MAX, MEDIA_TYPE_BYTES_MAX, NAME_BYTES_MAX,
    PUBLIC_KEY_BYTES_MAX, SYMBOL_BYTES_MAX, TRANSFER_REFERENCE_BYTES_MAX,
    TRANSFER_REFERENCE_BYTES_MIN,
};
use crate::transaction::RawCall;
use crate::validators::Validator;
use crate::x509::MemberCertificate;
use trine_crypto::{Algorithm, Digest};

/// A public key with its algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Algorithm of the key.
    pub algorithm: Algorithm,
    /// Encoded key.
    pub bytes: Vec<u8>,
}

impl Encode for PublicKey {
    fn encode(&self, to: &mut Encoder) {
        self.algorithm.number().encode(to);
        to.bytes16(&self.bytes);
    }
}

impl Decode for PublicKey {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let algorithm = Algorithm::from_number(u8::decode(from)?)
            .ok_or(DecodeError::Malformed("unknown key algorithm"))?;
        let bytes = from.bytes16(PUBLIC_KEY_BYTES_MAX, "public key")?.to_vec();
        Ok(Self { algorithm, bytes })
    }
}

/// What a proposal does once enough organisations approve it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Freezes an account of any organisation.
    Freeze(Address),
    /// Unfreezes an account of any organisation.
    Unfreeze(Address),
    /// Sets a parameter of the chain.
    SetParameter {
        /// Number of the parameter (see `record::Parameters`).
        parameter: u8,
        /// New value, in the parameter's own unit.
        value: u64,
    },
    /// Creates an organisation with its first administrator.
    CreateOrganisation {
        /// Name, unique on the chain.
        name: String,
        /// First key of the administrator's account.
        administrator: PublicKey,
    },
    /// Admits a validator.
    AdmitValidator(Validator),
    /// Removes the validator with this key.
    RemoveValidator(ValidatorKey),
    /// Gives a validator another key, name or address.
    ReplaceValidator {
        /// Key that it has.
        key: ValidatorKey,
        /// The validator as it will be, of the same organisation.
        validator: Validator,
    },
    /// Removes an organisation with its validators; its accounts act no more.
    RemoveOrganisation(OrganisationId),
}

impl Encode for Action {
    fn encode(&self, to: &mut Encoder) {
        match self {
            Self::Freeze(address) => {
                1u8.encode(to);
                address.encode(to);
            }
            Self::Unfreeze(address) => {
                2u8.encode(to);
                address.encode(to);
            }
            Self::SetParameter { parameter, value } => {
                3u8.encode(to);
                parameter.encode(to);
                value.encode(to);
            }
            Self::CreateOrganisation { name, administrator } => {
                4u8.encode(to);
                to.bytes8(name.as_bytes());
                administrator.encode(to);
            }
            Self::AdmitValidator(validator) => {
                5u8.encode(to);
                validator.encode(to);
            }
            Self::RemoveValidator(key) => {
                6u8.encode(to);
                key.encode(to);
            }
            Self::ReplaceValidator { key, validator } => {
                7u8.encode(to);
                key.encode(to);
                validator.encode(to);
            }
            Self::RemoveOrganisation(organisation) => {
                8u8.encode(to);
                organisation.encode(to);
            }
        }
    }
}

impl Decode for Action {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(from)? {
            1 => Self::Freeze(Address::decode(from)?),
            2 => Self::Unfreeze(Address::decode(from)?),
            3 => Self::SetParameter { parameter: u8::decode(from)?, value: u64::decode(from)? },
            4 => Self::CreateOrganisation {
                name: from.text8(NAME_BYTES_MAX, "name")?,
                administrator: PublicKey::decode(from)?,
            },
            5 => Self::AdmitValidator(Validator::decode(from)?),
            6 => Self::RemoveValidator(ValidatorKey::decode(from)?),
            7 => Self::ReplaceValidator {
                key: ValidatorKey::decode(from)?,
                validator: Validator::decode(from)?,
            },
            8 => Self::RemoveOrganisation(OrganisationId::decode(from)?),
            _ => return Err(DecodeError::Malformed("unknown action")),
        })
    }
}

/// A transfer's reference: 16 to 64 bytes, chosen by the sender, used once by each sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferReference(pub Vec<u8>);

impl Encode for TransferReference {
    fn encode(&self, to: &mut Encoder) {
        to.bytes8(&self.0);
    }
}

impl Decode for TransferReference {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let bytes = from.bytes8(TRANSFER_REFERENCE_BYTES_MAX, "transfer reference")?;
        if bytes.len() < TRANSFER_REFERENCE_BYTES_MIN {
            return Err(DecodeError::Malformed("a transfer reference has 16 bytes or more"));
        }
        Ok(Self(bytes.to_vec()))
    }
}

macro_rules! calls {
    ($(
        $module_doc:literal $module:literal $module_name:literal {
            $($(#[$doc:meta])* $variant:ident = $method:literal $method_name:literal
                { $($(#[$field_doc:meta])* $field:ident : $type:ty
                    = $write:expr, $read:expr;)* })*
        }
    )*) => {
        /// One call of a module's method.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Call {
            $($($(#[$doc])* $variant { $($(#[$field_doc])* $field: $type,)* },)*)*
        }

        /// Modules and methods: (module, module name, method, method name).
        pub const METHODS: &[(u8, &str, u8, &str)] =
            &[$($(($module, $module_name, $method, $method_name),)*)*];

        impl Call {
            /// Encodes the call.
            pub fn to_raw(&self) -> RawCall {
                #[allow(unused_mut)]
                let mut to = Encoder::default();
                match self {
                    $($(Self::$variant { $($field,)* } => {
                        $(let write: fn(&$type, &mut Encoder) = $write; write($field, &mut to);)*
                        RawCall { module: $module, method: $method, arguments: to.0.into() }
                    })*)*
                }
            }

            /// Reads the call.
            ///
            /// # Errors
            /// [`Code::UnknownModule`], [`Code::UnknownMethod`] or [`Code::BadArguments`].
            pub fn from_raw(raw: &RawCall) -> Result<Self, Code> {
                Self::read(raw).map_err(|fault| match fault {
                    Fault::Code(code) => code,
                    Fault::Arguments => Code::BadArguments,
                })
            }

            fn read(raw: &RawCall) -> Result<Self, Fault> {
                #[allow(unused_mut)]
                let mut from = Decoder::new(&raw.arguments);
                let call = match (raw.module, raw.method) {
                    $($(($module, $method) => Self::$variant {
                        $($field: {
                            let read: fn(&mut Decoder<'_>) -> Result<$type, DecodeError> = $read;
                            read(&mut from)?
                        },)*
                    },)*)*
                    (module, _) if METHODS.iter().any(|known| known.0 == module) => {
                        return Err(Fault::Code(Code::UnknownMethod));
                    }
                    _ => return Err(Fault::Code(Code::UnknownModule)),
                };
                from.finish()?;
                Ok(call)
            }
        }
    };
}

enum Fault {
    Code(Code),
    Arguments,
}

impl From<DecodeError> for Fault {
    fn from(_: DecodeError) -> Self {
        Self::Arguments
    }
}

fn read_entries(from: &mut Decoder<'_>) -> Result<Vec<Digest>, DecodeError> {
    let entries: Vec<Digest> = from.list16(ENTRIES_MAX, "entries")?;
    if entries.is_empty() {
        return Err(DecodeError::Malformed("at least one entry"));
    }
    Ok(entries)
}

calls! {
    "Accounts and their keys." 1 "accounts" {
        /// Creates an account in the sender's organisation.
        AccountCreate = 1 "create" {
            /// First key; the address follows from it.
            key: PublicKey = PublicKey::encode, PublicKey::decode;
            /// Roles in the organisation.
            roles: Roles = Roles::encode, Roles::decode;
        }
        /// Adds a key to the sender's account.
        KeyAdd = 2 "add_key" {
            /// The key.
            key: PublicKey = PublicKey::encode, PublicKey::decode;
            /// Bit `m` set: the key may call module `m`.
            modules: u32 = u32::encode, u32::decode;
        }
        /// Revokes a key of the sender's account, from the next block on.
        KeyRevoke = 3 "revoke_key" {
            /// Index of the key; not 0.
            key_index: u8 = u8::encode, u8::decode;
        }
        /// Replaces a key of the sender's account, from the next block on.
        KeyRotate = 4 "rotate_key" {
            /// Index of the key.
            key_index: u8 = u8::encode, u8::decode;
            /// New key.
            key: PublicKey = PublicKey::encode, PublicKey::decode;
        }
        /// Freezes an account of the sender's organisation.
        AccountFreeze = 5 "freeze" {
            /// Account to freeze.
            address: Address = Address::encode, Address::decode;
        }
        /// Unfreezes an account of the sender's organisation.
        AccountUnfreeze = 6 "unfreeze" {
            /// Account to unfreeze.
            address: Address = Address::encode, Address::decode;
        }
        /// Creates an account in the sender's organisation for the holder of a certificate.
        AccountEnrol = 7 "enrol" {
            /// First key, which the certificate is for; the address follows from it.
            key: PublicKey = PublicKey::encode, PublicKey::decode;
            /// Roles in the organisation.
            roles: Roles = Roles::encode, Roles::decode;
            /// The certificate.
            certificate: MemberCertificate = MemberCertificate::encode, MemberCertificate::decode;
        }
        /// Records a new certificate of a member of the sender's organisation.
        CertificateSet = 8 "set_certificate" {
            /// Member.
            address: Address = Address::encode, Address::decode;
            /// The certificate, in place of one recorded before.
            certificate: MemberCertificate = MemberCertificate::encode, MemberCertificate::decode;
        }
    }
    "Organisations, their members and quotas." 2 "organisations" {
        /// Sets the roles of a member of the sender's organisation.
        RolesSet = 1 "set_roles" {
            /// Member.
            address: Address = Address::encode, Address::decode;
            /// New roles.
            roles: Roles = Roles::encode, Roles::decode;
        }
        /// Sets the quota of a member of the sender's organisation.
        QuotaSet = 2 "set_quota" {
            /// Member.
            address: Address = Address::encode, Address::decode;
            /// Units a window; 0 takes the chain's parameter.
            quota: u32 = u32::encode, u32::decode;
        }
        /// Lets a certification authority name members of the sender's organisation.
        AuthorityRegister = 3 "register_authority" {
            /// Hash of its certificate.
            fingerprint: Digest = Digest::encode, Digest::decode;
            /// Last moment at which its certificate is valid, in Unix milliseconds.
            expires_ms: u64 = u64::encode, u64::decode;
        }
        /// Lets a certification authority name no further members.
        AuthorityRemove = 4 "remove_authority" {
            /// Hash of its certificate.
            fingerprint: Digest = Digest::encode, Digest::decode;
        }
    }
    "What several organisations decide together." 3 "proposals" {
        /// Submits a proposal and approves it for the sender's organisation.
        ProposalSubmit = 1 "submit" {
            /// What to do.
            action: Action = Action::encode, Action::decode;
            /// Last block time at which it can be approved, in Unix milliseconds.
            expires_ms: u64 = u64::encode, u64::decode;
        }
        /// Approves a proposal for the sender's organisation; the vote that suffices executes it.
        ProposalApprove = 2 "approve" {
            /// Proposal.
            proposal: ProposalId = ProposalId::encode, ProposalId::decode;
            /// The proposal's action again, so that an approver signs what happens.
            action: Action = Action::encode, Action::decode;
        }
        /// Rejects a proposal for the sender's organisation.
        ProposalReject = 3 "reject" {
            /// Proposal.
            proposal: ProposalId = ProposalId::encode, ProposalId::decode;
        }
    }
    "Logs of evidence." 4 "evidence" {
        /// Creates a log of the sender's organisation.
        LogCreate = 1 "create_log" {
            /// Name, unique in the organisation.
            name: String = |name, to| to.bytes8(name.as_bytes()),
                |from| from.text8(NAME_BYTES_MAX, "name");
        }
        /// Appends entries to a log of the sender's organisation.
        EvidenceAppend = 2 "append" {
            /// Log.
            log: LogId = LogId::encode, LogId::decode;
            /// Media type of what the entries commit to (RFC 6838), may be empty.
            media_type: String = |text, to| to.bytes8(text.as_bytes()),
                |from| from.text8(MEDIA_TYPE_BYTES_MAX, "media type");
            /// Reference of the submitter, may be empty.
            reference: Vec<u8> = |bytes, to| to.bytes8(bytes),
                |from| from.bytes8(EVIDENCE_REFERENCE_BYTES_MAX, "reference").map(<[u8]>::to_vec);
            /// Entries: 1 to 1,000 salted commitments or digests.
            entries: Vec<Digest> = |entries, to| to.list16(entries), read_entries;
        }
    }
    "Named units that accounts hold." 5 "assets" {
        /// Defines an asset of the sender's organisation.
        AssetDefine = 1 "define" {
            /// Symbol, unique in the organisation.
            symbol: String = |text, to| to.bytes8(text.as_bytes()),
                |from| from.text8(SYMBOL_BYTES_MAX, "symbol");
            /// Name for people.
            name: String = |text, to| to.bytes8(text.as_bytes()),
                |from| from.text8(NAME_BYTES_MAX, "name");
            /// Digits after the decimal point.
            decimals: u8 = u8::encode, u8::decode;
        }
        /// Issues units of an asset of the sender's organisation.
        AssetIssue = 2 "issue" {
            /// Asset.
            asset: AssetId = AssetId::encode, AssetId::decode;
            /// Recipient.
            to: Address = Address::encode, Address::decode;
            /// Units.
            amount: Amount = Amount::encode, Amount::decode;
        }
        /// Transfers units to another account.
        AssetTransfer = 3 "transfer" {
            /// Asset.
            asset: AssetId = AssetId::encode, AssetId::decode;
            /// Recipient.
            to: Address = Address::encode, Address::decode;
            /// Units.
            amount: Amount = Amount::encode, Amount::decode;
            /// Reference under which the transfer can be found and proven.
            reference: Option<TransferReference> = |reference, to| to.option(reference),
                |from| from.option();
        }
        /// Burns units of the sender.
        AssetBurn = 4 "burn" {
            /// Asset.
            asset: AssetId = AssetId::encode, AssetId::decode;
            /// Units.
            amount: Amount = Amount::encode, Amount::decode;
        }
    }
}
