//! Decide which transactions may stand in a block.
//!
//! The sender, its keys and what they may call come from the parent state: an account created or a
//! key changed in a block counts from the next block on. Nonce and time are checked when the
//! transaction's turn comes.

use crate::state::require;
use trine_types::account::is_recorded;
use trine_types::application::{BlockContext, SignerKey};
use trine_types::limits::ACCOUNT_KEYS_MAX;
use trine_types::record::AccountKey;
use trine_types::{Account, Code, Decode, StateKey, Transaction, View};

/// What the parent state says about the key that signs a transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Permission {
    modules: u32,
}

impl Permission {
    /// Whether the key may call the module.
    pub fn allows(self, module: u8) -> bool {
        self.modules.checked_shr(module.into()).is_some_and(|bits| bits & 1 == 1)
    }
}

/// Says whether the parent state admits the transaction's sender and key. `view` holds the parent
/// state.
///
/// # Errors
/// The code, below 100, that makes the transaction invalid.
pub(crate) fn permission(
    context: &BlockContext,
    transaction: &Transaction,
    view: &View,
) -> Result<Permission, Code> {
    let account = admitted_sender(context, transaction, view)?;
    if transaction.body.key_index == 0 {
        require(account.algorithm == transaction.algorithm, Code::AlgorithmNotAdmitted)?;
        return Ok(Permission { modules: u32::MAX });
    }
    Ok(Permission { modules: recorded_key(context, transaction, view)?.modules })
}

/// The public key under which the signature must verify. `view` holds the parent state.
///
/// # Errors
/// As [`permission`].
pub(crate) fn signer_key(
    context: &BlockContext,
    transaction: &Transaction,
    view: &View,
) -> Result<SignerKey, Code> {
    let account = admitted_sender(context, transaction, view)?;
    if transaction.body.key_index == 0 {
        require(account.algorithm == transaction.algorithm, Code::AlgorithmNotAdmitted)?;
        if !is_recorded(account.algorithm) {
            return Ok(SignerKey::from_slice(account.first_key()));
        }
    }
    Ok(SignerKey::from_vec(recorded_key(context, transaction, view)?.key.bytes))
}

fn admitted_sender<'a>(
    context: &BlockContext,
    transaction: &Transaction,
    view: &'a View,
) -> Result<&'a Account, Code> {
    let body = &transaction.body;
    require(body.chain_id == context.chain_id, Code::WrongChain)?;
    let account = view.account(&body.sender).ok_or(Code::UnknownSender)?;
    let index = body.key_index;
    let known = index < account.key_count && usize::from(index) < ACCOUNT_KEYS_MAX;
    require(known, Code::UnknownKey)?;
    require(account.live_keys >> index & 1 == 1, Code::RevokedKey)?;
    Ok(account)
}

fn recorded_key(
    context: &BlockContext,
    transaction: &Transaction,
    view: &View,
) -> Result<AccountKey, Code> {
    let body = &transaction.body;
    let key = StateKey::account_key(context.suite, body.sender, body.key_index);
    let bytes = view.value(&key).ok_or(Code::UnknownKey)?;
    let record =
        AccountKey::from_bytes(bytes).expect("the state holds only values that the rules wrote");
    require(record.key.algorithm == transaction.algorithm, Code::AlgorithmNotAdmitted)?;
    Ok(record)
}

/// Says whether the transaction's time and nonce admit it. `account` is the sender's current
/// record.
///
/// # Errors
/// The code, below 100, that makes the transaction invalid.
pub(crate) fn check_turn(
    context: &BlockContext,
    transaction: &Transaction,
    account: &Account,
) -> Result<(), Code> {
    account.check_nonce(transaction.body.nonce)?;
    require(transaction.body.valid_until_ms >= context.time_ms, Code::Expired)
}
