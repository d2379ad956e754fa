//! Number and name every verdict about a transaction.

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal;)*) => {
        /// The verdict on a transaction. Numbers enter the outcome root: append only, never
        /// renumber. Below 100: the transaction is invalid and enters no block. From 100 on: it
        /// entered a block and failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Code {
            $($(#[$doc])* $variant = $number,)*
        }

        impl Code {
            /// Every code, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Name used by HTTP, SDK and command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Code with this number.
            pub const fn from_number(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

codes! {
    /// Every call succeeded.
    Ok = 0, "ok";

    /// The bytes end early or hold an impossible value.
    Malformed = 1, "malformed";
    /// The bytes are not the one encoding of their value.
    NonCanonical = 2, "non_canonical";
    /// A length or count is over its limit.
    TooLarge = 3, "too_large";
    /// The version of the transaction is not known.
    UnknownVersion = 4, "unknown_version";
    /// The transaction is for another chain.
    WrongChain = 5, "wrong_chain";
    /// The sender has no account in the parent state.
    UnknownSender = 6, "unknown_sender";
    /// The account never had a key with this index.
    UnknownKey = 7, "unknown_key";
    /// The key with this index was revoked.
    RevokedKey = 8, "revoked_key";
    /// The chain does not admit the algorithm, or the key has another one.
    AlgorithmNotAdmitted = 9, "algorithm_not_admitted";
    /// The nonce was used.
    NonceUsed = 10, "nonce_used";
    /// The nonce lies below the window: used long ago, or voided when the window slid.
    NonceVoided = 11, "nonce_voided";
    /// The nonce lies too far beyond the window.
    NonceTooFar = 12, "nonce_too_far";
    /// The time until which the transaction is valid lies before the block's time.
    Expired = 13, "expired";
    /// The signature does not verify.
    BadSignature = 14, "bad_signature";

    /// No module has this number.
    UnknownModule = 100, "unknown_module";
    /// The module has no method with this number.
    UnknownMethod = 101, "unknown_method";
    /// The arguments are not the canonical encoding of the method's arguments.
    BadArguments = 102, "bad_arguments";
    /// The sender is frozen.
    AccountFrozen = 103, "account_frozen";
    /// The key may not call this module.
    KeyNotPermitted = 104, "key_not_permitted";
    /// The sender lacks the role.
    NoRight = 105, "no_right";
    /// The object belongs to another organisation.
    OtherOrganisation = 106, "other_organisation";
    /// The account has used up its quota of this window.
    AccountQuota = 107, "account_quota";
    /// The organisation has used up its quota of this window.
    OrganisationQuota = 108, "organisation_quota";
    /// The organisation was removed from the chain.
    OrganisationRemoved = 109, "organisation_removed";

    /// The address has an account already.
    AccountExists = 110, "account_exists";
    /// The address has no account.
    UnknownAccount = 111, "unknown_account";
    /// The account has as many keys as it may.
    KeyLimit = 112, "key_limit";
    /// The account has no live key with this index.
    NoSuchKey = 113, "no_such_key";
    /// The public key is not well-formed or its algorithm is not admitted.
    BadKey = 114, "bad_key";
    /// The first key can be rotated, never revoked.
    FirstKey = 115, "first_key";
    /// The account is in this state already (frozen, or not frozen).
    NoChange = 116, "no_change";
    /// The certificate's time lies before the block's time.
    ExpiryPassed = 117, "expiry_passed";

    /// Another organisation has this name.
    OrganisationExists = 120, "organisation_exists";
    /// No organisation has this number.
    UnknownOrganisation = 121, "unknown_organisation";
    /// The chain has as many organisations as it may.
    OrganisationLimit = 122, "organisation_limit";
    /// The name is not allowed.
    BadName = 123, "bad_name";
    /// The organisation's last administrator keeps the role.
    LastAdministrator = 124, "last_administrator";
    /// The organisation registered this authority already.
    AuthorityExists = 125, "authority_exists";
    /// The organisation has as many authorities as it may.
    AuthorityLimit = 126, "authority_limit";
    /// The organisation registered no authority with this fingerprint.
    UnknownAuthority = 127, "unknown_authority";
    /// The authority's time lies before the block's time.
    AuthorityExpired = 128, "authority_expired";
    /// A chain keeps its last organisation.
    LastOrganisation = 129, "last_organisation";

    /// No proposal has this number.
    UnknownProposal = 130, "unknown_proposal";
    /// The proposal was executed or rejected.
    ProposalClosed = 131, "proposal_closed";
    /// The proposal's time is over.
    ProposalExpired = 132, "proposal_expired";
    /// The organisation voted already.
    AlreadyVoted = 133, "already_voted";
    /// The action is not the one that the proposal holds.
    ActionMismatch = 134, "action_mismatch";
    /// No parameter has this number.
    UnknownParameter = 135, "unknown_parameter";
    /// The value is outside the parameter's range.
    ParameterOutOfRange = 136, "parameter_out_of_range";
    /// The proposal would live longer than the chain allows, or not at all.
    BadLifetime = 137, "bad_lifetime";

    /// No evidence log has this number.
    UnknownLog = 140, "unknown_log";
    /// The organisation has a log with this name.
    LogExists = 141, "log_exists";
    /// The chain has as many logs as it may.
    LogLimit = 142, "log_limit";

    /// No asset has this number.
    UnknownAsset = 150, "unknown_asset";
    /// The organisation has an asset with this symbol.
    AssetExists = 151, "asset_exists";
    /// The balance is smaller than the amount.
    InsufficientBalance = 152, "insufficient_balance";
    /// The balance or the supply would exceed 2^64 - 1.
    AmountOverflow = 153, "amount_overflow";
    /// The amount is zero.
    ZeroAmount = 154, "zero_amount";
    /// The sender used this reference before.
    DuplicateReference = 155, "duplicate_reference";
    /// Sender and recipient are the same account.
    SelfTransfer = 156, "self_transfer";

    /// No validator has this key.
    UnknownValidator = 160, "unknown_validator";
    /// A validator has this key already.
    ValidatorExists = 161, "validator_exists";
    /// The chain has as many validators as it may.
    ValidatorLimit = 162, "validator_limit";
    /// A chain keeps its last validator.
    LastValidator = 163, "last_validator";
    /// The address is not of the form `host:port`.
    BadAddress = 164, "bad_address";
}

impl Code {
    /// Number on the wire.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// Whether a transaction with this verdict may enter a block.
    pub const fn is_includable(self) -> bool {
        matches!(self, Self::Ok) || self.number() >= 100
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl From<&crate::codec::DecodeError> for Code {
    fn from(error: &crate::codec::DecodeError) -> Self {
        use crate::codec::DecodeError;
        match error {
            DecodeError::Malformed(_) => Self::Malformed,
            DecodeError::NonCanonical(_) => Self::NonCanonical,
            DecodeError::TooLarge { .. } => Self::TooLarge,
            DecodeError::UnknownVersion(_) => Self::UnknownVersion,
        }
    }
}
