//! Execute the transactions of a block in order.

use crate::state::{Caller, State, require};
use crate::validity::{Permission, check_turn, permission};
use crate::{accounts, assets, authorities, evidence, organisations, proposals, quotas};
use trine_types::application::{BlockContext, Execution, InvalidBlock};
use trine_types::{Call, Code, Decode, Outcome, StateKey, Transaction, ValidatorSet, View};

/// Executes those of `candidates` that are valid, as many as a block may hold.
pub(crate) fn build(
    context: &BlockContext,
    candidates: &[&Transaction],
    view: &mut View,
) -> (Vec<usize>, Vec<InvalidBlock>, Execution) {
    let mut block = BlockRun::new(context, candidates, view);
    let (mut included, mut refused) = (Vec::with_capacity(candidates.len()), Vec::new());
    for (index, candidate) in candidates.iter().enumerate() {
        if !block.has_room(candidate) {
            break;
        }
        match block.run(index, candidate) {
            Ok(()) => included.push(index),
            Err(code) => refused.push(InvalidBlock { index, code }),
        }
    }
    (included, refused, block.finish())
}

/// Executes a block as it stands.
///
/// # Errors
/// [`InvalidBlock`] for the first transaction that may not stand there.
pub(crate) fn execute(
    context: &BlockContext,
    transactions: &[&Transaction],
    view: &mut View,
) -> Result<Execution, InvalidBlock> {
    let mut block = BlockRun::new(context, transactions, view);
    for (index, transaction) in transactions.iter().enumerate() {
        require(block.has_room(transaction), Code::TooLarge)
            .and_then(|()| block.run(index, transaction))
            .map_err(|code| InvalidBlock { index, code })?;
    }
    Ok(block.finish())
}

struct BlockRun<'a> {
    state: State<'a>,
    /// Verdict of the parent state on each transaction.
    permissions: Vec<Result<Permission, Code>>,
    validators: Option<ValidatorSet>,
    outcomes: Vec<Outcome>,
    bytes: u64,
}

impl<'a> BlockRun<'a> {
    fn new(context: &'a BlockContext, transactions: &[&Transaction], view: &'a mut View) -> Self {
        let permissions = transactions.iter().map(|one| permission(context, one, view)).collect();
        let validators = context.closes_epoch.then(|| {
            let value = view.value(&StateKey::validators(context.suite));
            ValidatorSet::from_bytes(value.expect("genesis writes the validators"))
                .expect("the state holds only values that the rules wrote")
        });
        let state = State::new(context, view);
        Self { state, permissions, validators, outcomes: Vec::new(), bytes: 0 }
    }

    /// Whether the block may hold this transaction too, by the parameters of the moment.
    fn has_room(&mut self, transaction: &Transaction) -> bool {
        let bytes = self.bytes + transaction.bytes.len() as u64;
        let count = self.outcomes.len() as u64 + 1;
        let parameters = self.state.parameters();
        count <= parameters.block_transactions_max() && bytes <= parameters.block_bytes_max()
    }

    /// Executes one transaction. Nothing changes where it is invalid.
    fn run(&mut self, index: usize, transaction: &Transaction) -> Result<(), Code> {
        let permission = self.permissions[index]?;
        let outcome = run_transaction(&mut self.state, transaction, permission)?;
        self.outcomes.push(outcome);
        self.bytes += transaction.bytes.len() as u64;
        Ok(())
    }

    fn finish(mut self) -> Execution {
        let parameters_version = self.state.counters().parameters_version;
        Execution {
            outcomes: self.outcomes,
            log_appends: self.state.finish(),
            parameters_version,
            next_validators: self.validators,
        }
    }
}

const fn failed(code: Code, failed_call: u8, gas_used: u64) -> Outcome {
    Outcome { code, failed_call, gas_used, events: Vec::new() }
}

fn run_transaction(
    state: &mut State,
    transaction: &Transaction,
    permission: Permission,
) -> Result<Outcome, Code> {
    let body = &transaction.body;
    let sender = body.sender;
    let mut account = state.account(&sender).ok_or(Code::UnknownSender)?.clone();
    check_turn(state.context, transaction, &account)?;
    account.use_nonce(body.nonce)?;

    let calls = transaction.calls();
    let units = quotas::units(calls);
    let charged = quotas::charge(state, &mut account, units);
    let (frozen, organisation) = (account.frozen, account.organisation);
    state.put_account(sender, account);
    if let Err(code) = charged {
        return Ok(failed(code, 0, 0));
    }
    if frozen {
        return Ok(failed(Code::AccountFrozen, 0, units));
    }
    if state.is_removed(organisation) {
        return Ok(failed(Code::OrganisationRemoved, 0, units));
    }

    state.begin();
    for (index, call) in (0..).zip(calls) {
        let caller = Caller { sender, transaction: transaction.id, call: index };
        let module = body.calls[usize::from(index)].module;
        let done = call.as_ref().map_err(|code| *code).and_then(|call| {
            require(permission.allows(module), Code::KeyNotPermitted)?;
            run_call(state, &caller, call)
        });
        if let Err(code) = done {
            state.roll_back();
            return Ok(failed(code, index, units));
        }
    }
    Ok(Outcome { code: Code::Ok, failed_call: 0, gas_used: units, events: state.commit() })
}

fn run_call(state: &mut State, caller: &Caller, call: &Call) -> Result<(), Code> {
    match call {
        Call::AccountCreate { key, roles } => accounts::create(state, caller, key, *roles),
        Call::KeyAdd { key, modules } => accounts::add_key(state, caller, key, *modules),
        Call::KeyRevoke { key_index } => accounts::revoke_key(state, caller, *key_index),
        Call::KeyRotate { key_index, key } => accounts::rotate_key(state, caller, *key_index, key),
        Call::AccountFreeze { address } => accounts::freeze(state, caller, *address),
        Call::AccountUnfreeze { address } => accounts::unfreeze(state, caller, *address),
        Call::AccountEnrol { key, roles, certificate } => {
            accounts::enrol(state, caller, key, *roles, certificate)
        }
        Call::CertificateSet { address, certificate } => {
            accounts::set_certificate(state, caller, *address, certificate)
        }
        Call::RolesSet { address, roles } => {
            organisations::set_roles(state, caller, *address, *roles)
        }
        Call::QuotaSet { address, quota } => {
            organisations::set_quota(state, caller, *address, *quota)
        }
        Call::AuthorityRegister { fingerprint, expires_ms } => {
            authorities::register(state, caller, *fingerprint, *expires_ms)
        }
        Call::AuthorityRemove { fingerprint } => authorities::remove(state, caller, *fingerprint),
        Call::ProposalSubmit { action, expires_ms } => {
            proposals::submit(state, caller, action, *expires_ms)
        }
        Call::ProposalApprove { proposal, action } => {
            proposals::approve(state, caller, *proposal, action)
        }
        Call::ProposalReject { proposal } => proposals::reject(state, caller, *proposal),
        Call::LogCreate { name } => evidence::create_log(state, caller, name),
        Call::EvidenceAppend { log, entries, .. } => evidence::append(state, caller, *log, entries),
        Call::AssetDefine { symbol, name, decimals } => {
            assets::define(state, caller, symbol, name, *decimals)
        }
        Call::AssetIssue { asset, to, amount } => {
            assets::issue(state, caller, *asset, *to, *amount)
        }
        Call::AssetTransfer { asset, to, amount, reference } => {
            assets::transfer(state, caller, *asset, *to, *amount, reference.as_ref())
        }
        Call::AssetBurn { asset, amount } => assets::burn(state, caller, *asset, *amount),
    }
}
