//! Decide, against the newest final state, whether a transaction may wait for a block.
//!
//! What makes a transaction invalid is refused here with the same code as in a block. Beyond that
//! only what would fail for sure: a frozen sender, an exhausted quota. Rights are for execution.

use crate::mempool::refusal::Refusal;
use trine_types::account::is_recorded;
use trine_types::application::{Application, BlockContext, SignerKey};
use trine_types::record::Parameters;
use trine_types::{Account, Call, ChainId, Code, StateKey, Transaction, View};

/// What all transactions of one check share.
#[derive(Clone, Copy)]
pub struct Admission<'a> {
    /// Rules of the chain.
    pub application: &'a dyn Application,
    /// The block that could come next.
    pub context: BlockContext,
    /// Parameters of the chain.
    pub parameters: &'a Parameters,
}

/// State that the key of a transaction needs beside the sender's account.
pub fn key_state(context: &BlockContext, transaction: &Transaction) -> Option<StateKey> {
    let body = &transaction.body;
    let is_beside = body.key_index != 0 || is_recorded(transaction.algorithm);
    is_beside.then(|| StateKey::account_key(context.suite, body.sender, body.key_index))
}

impl Admission<'_> {
    /// Returns the key that must have signed `transaction`. `view` holds the sender's account and
    /// the values of [`key_state`].
    ///
    /// # Errors
    /// [`Refusal`] with the code that a block would give.
    pub fn check(&self, transaction: &Transaction, view: &View) -> Result<SignerKey, Refusal> {
        let (context, body) = (&self.context, &transaction.body);
        check_chain(context.chain_id, transaction)?;
        let Some(account) = view.account(&body.sender) else {
            let detail = format!("{} has no account on this chain", body.sender);
            return Err(Refusal::chain(Code::UnknownSender, detail));
        };
        let key = self
            .application
            .signer_key(context, transaction, view)
            .map_err(|code| refuse_key(code, transaction))?;
        check_nonce(account, body.nonce)?;
        if body.valid_until_ms < context.time_ms {
            let (until, now) = (body.valid_until_ms, context.time_ms);
            let detail = format!("valid until {until}, the time is {now}: sign it again");
            return Err(Refusal::chain(Code::Expired, detail));
        }
        if account.frozen {
            let detail = format!("account {} is frozen", body.sender);
            return Err(Refusal::chain(Code::AccountFrozen, detail));
        }
        self.check_quota(transaction, account)?;
        Ok(key)
    }

    /// Refuses what the account's quota does not hold any more in this window.
    fn check_quota(&self, transaction: &Transaction, account: &Account) -> Result<(), Refusal> {
        let window_ms = self.parameters.quota_window_ms();
        let window = (self.context.time_ms / window_ms.max(1)) as u32;
        let used = if account.quota_window == window { u64::from(account.quota_used) } else { 0 };
        let limit = match account.quota {
            0 => self.parameters.account_quota(),
            quota => u64::from(quota),
        };
        let units = units(transaction);
        if used + units <= limit {
            return Ok(());
        }
        let detail = format!(
            "needs {units} units, {used} of {limit} are used in this window of {window_ms} ms: \
             send it in the next"
        );
        Err(Refusal::chain(Code::AccountQuota, detail))
    }
}

/// Refuses what was signed for another chain.
///
/// # Errors
/// [`Refusal`] with the code that a block would give.
pub fn check_chain(expected: ChainId, transaction: &Transaction) -> Result<(), Refusal> {
    let found = transaction.body.chain_id;
    if found == expected {
        return Ok(());
    }
    let detail = format!("made for chain {found}, this is {expected}");
    Err(Refusal::chain(Code::WrongChain, detail))
}

/// Quota units that a transaction costs: one a call, one an entry of evidence.
pub fn units(transaction: &Transaction) -> u64 {
    let cost = |call: &Result<Call, Code>| match call {
        Ok(Call::EvidenceAppend { entries, .. }) => entries.len() as u64,
        _ => 1,
    };
    transaction.calls().iter().map(cost).sum()
}

fn check_nonce(account: &Account, nonce: u64) -> Result<(), Refusal> {
    let Err(code) = account.check_nonce(nonce) else { return Ok(()) };
    let base = account.nonce_base;
    let detail = match code {
        Code::NonceUsed => format!("nonce {nonce} is used: take another from {base} on"),
        Code::NonceVoided => format!("nonce {nonce} is used or void: the lowest usable is {base}"),
        _ => format!("nonce {nonce} lies too far ahead: the lowest usable is {base}"),
    };
    Err(Refusal::chain(code, detail))
}

fn refuse_key(code: Code, transaction: &Transaction) -> Refusal {
    let (index, sender) = (transaction.body.key_index, transaction.body.sender);
    let detail = match code {
        Code::UnknownKey => format!("account {sender} never had a key {index}"),
        Code::RevokedKey => format!("key {index} of account {sender} was revoked"),
        Code::AlgorithmNotAdmitted => {
            format!("key {index} of {sender} is not a key of {}", transaction.algorithm)
        }
        code => format!("the chain refuses it: {code}"),
    };
    Refusal::chain(code, detail)
}
