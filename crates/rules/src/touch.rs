//! Name the accounts and values that transactions may read, before they execute.
//!
//! An entry that is missing here reads as absent, so whatever a module reads, it declares. Entries
//! with a fresh number (a new log, asset, organisation or proposal) are only written: nobody can
//! have written them before.

use crate::accounts::address_of;
use std::collections::BTreeSet;
use trine_types::account::is_recorded;
use trine_types::application::BlockContext;
use trine_types::call::Action;
use trine_types::limits::ACCOUNT_KEYS_MAX;
use trine_types::{
    Account, Address, AssetId, Call, OrganisationId, StateKey, Suite, Transaction, View,
};

/// Addresses of the accounts, ordered, each once.
pub(crate) fn accounts(suite: Suite, transactions: &[&Transaction]) -> Vec<Address> {
    let mut touched = Vec::with_capacity(2 * transactions.len());
    for transaction in transactions {
        touched.push(transaction.body.sender);
        let calls = transaction.calls().iter().flatten();
        touched.extend(calls.filter_map(|call| account_of(suite, call)));
    }
    // Two addresses rarely share their first eight bytes.
    let head = |address: &Address| u64::from_be_bytes(*address.0.first_chunk().expect("20 bytes"));
    touched.sort_unstable_by(|a, b| head(a).cmp(&head(b)).then_with(|| a.cmp(b)));
    touched.dedup();
    touched
}

/// The account, beside the sender's, that a call touches.
fn account_of(suite: Suite, call: &Call) -> Option<Address> {
    match call {
        Call::AccountCreate { key, .. } | Call::AccountEnrol { key, .. } => {
            Some(address_of(suite, key))
        }
        Call::AccountFreeze { address }
        | Call::AccountUnfreeze { address }
        | Call::RolesSet { address, .. }
        | Call::QuotaSet { address, .. }
        | Call::CertificateSet { address, .. } => Some(*address),
        Call::ProposalSubmit { action, .. } | Call::ProposalApprove { action, .. } => {
            match action {
                Action::Freeze(address) | Action::Unfreeze(address) => Some(*address),
                Action::CreateOrganisation { administrator, .. } => {
                    Some(address_of(suite, administrator))
                }
                Action::SetParameter { .. }
                | Action::AdmitValidator(_)
                | Action::RemoveValidator(_)
                | Action::ReplaceValidator { .. }
                | Action::RemoveOrganisation(_) => None,
            }
        }
        Call::AssetIssue { to, .. } | Call::AssetTransfer { to, .. } => Some(*to),
        Call::KeyAdd { .. }
        | Call::KeyRevoke { .. }
        | Call::KeyRotate { .. }
        | Call::AuthorityRegister { .. }
        | Call::AuthorityRemove { .. }
        | Call::ProposalReject { .. }
        | Call::LogCreate { .. }
        | Call::EvidenceAppend { .. }
        | Call::AssetDefine { .. }
        | Call::AssetBurn { .. } => None,
    }
}

/// Keys of the values, ordered, each once. `view` holds the accounts.
pub(crate) fn values(
    context: &BlockContext,
    transactions: &[&Transaction],
    view: &View,
) -> Vec<StateKey> {
    let suite = context.suite;
    let mut touched = Touched::new(suite);
    if context.closes_epoch {
        touched.keys.push(StateKey::validators(suite));
    }
    for transaction in transactions {
        let body = &transaction.body;
        let Some(sender) = view.account(&body.sender) else { continue };
        touched.organisations.insert(sender.organisation);
        let is_beside = body.key_index != 0 || is_recorded(transaction.algorithm);
        if is_beside && usize::from(body.key_index) < ACCOUNT_KEYS_MAX {
            touched.keys.push(StateKey::account_key(suite, body.sender, body.key_index));
        }
        for call in transaction.calls().iter().flatten() {
            touched.call(body.sender, sender, call);
        }
    }
    touched.finish()
}

struct Touched {
    suite: Suite,
    keys: Vec<StateKey>,
    /// Hashed once each, not once a transaction.
    organisations: BTreeSet<OrganisationId>,
    assets: BTreeSet<AssetId>,
}

impl Touched {
    fn new(suite: Suite) -> Self {
        let keys = vec![
            StateKey::counters(suite),
            StateKey::parameters(suite),
            StateKey::removed_organisations(suite),
        ];
        Self { suite, keys, organisations: BTreeSet::new(), assets: BTreeSet::new() }
    }

    fn call(&mut self, address: Address, sender: &Account, call: &Call) {
        let suite = self.suite;
        match call {
            Call::KeyRevoke { key_index } | Call::KeyRotate { key_index, .. } => {
                self.keys.push(StateKey::account_key(suite, address, *key_index));
            }
            Call::AccountEnrol { .. }
            | Call::AuthorityRegister { .. }
            | Call::AuthorityRemove { .. } => self.registry(sender.organisation),
            Call::CertificateSet { address, .. } => {
                self.registry(sender.organisation);
                self.keys.push(StateKey::member_certificate(suite, *address));
            }
            Call::ProposalSubmit { action, .. } => self.action(action),
            Call::ProposalApprove { proposal, action } => {
                self.keys.push(StateKey::proposal(suite, *proposal));
                self.action(action);
            }
            Call::ProposalReject { proposal } => {
                self.keys.push(StateKey::proposal(suite, *proposal));
            }
            Call::LogCreate { name } => {
                self.keys.push(StateKey::log_name(suite, sender.organisation, name));
            }
            Call::EvidenceAppend { log, .. } => self.keys.push(StateKey::log(suite, *log)),
            Call::AssetDefine { symbol, .. } => {
                self.keys.push(StateKey::asset_symbol(suite, sender.organisation, symbol));
            }
            Call::AssetIssue { asset, to, .. } => self.balances(*asset, &[*to]),
            Call::AssetTransfer { asset, to, reference, .. } => {
                self.balances(*asset, &[address, *to]);
                if let Some(reference) = reference {
                    self.keys.push(StateKey::transfer(suite, address, &reference.0));
                }
            }
            Call::AssetBurn { asset, .. } => self.balances(*asset, &[address]),
            Call::AccountCreate { .. }
            | Call::KeyAdd { .. }
            | Call::AccountFreeze { .. }
            | Call::AccountUnfreeze { .. }
            | Call::RolesSet { .. }
            | Call::QuotaSet { .. } => (),
        }
    }

    fn registry(&mut self, organisation: OrganisationId) {
        self.keys.push(StateKey::certificate_registry(self.suite, organisation));
    }

    fn action(&mut self, action: &Action) {
        match action {
            Action::CreateOrganisation { name, .. } => {
                self.keys.push(StateKey::organisation_name(self.suite, name));
            }
            Action::AdmitValidator(validator) => {
                self.organisations.insert(validator.organisation);
                self.keys.push(StateKey::validators(self.suite));
            }
            Action::RemoveOrganisation(id) => {
                self.organisations.insert(*id);
                self.keys.push(StateKey::validators(self.suite));
            }
            Action::RemoveValidator(_) | Action::ReplaceValidator { .. } => {
                self.keys.push(StateKey::validators(self.suite));
            }
            Action::Freeze(_) | Action::Unfreeze(_) | Action::SetParameter { .. } => (),
        }
    }

    fn balances(&mut self, asset: AssetId, of: &[Address]) {
        self.assets.insert(asset);
        if asset != AssetId::PRIMARY {
            let suite = self.suite;
            self.keys.extend(of.iter().map(|address| StateKey::balance(suite, *address, asset)));
        }
    }

    fn finish(mut self) -> Vec<StateKey> {
        let suite = self.suite;
        let organisations = self.organisations.iter();
        self.keys.extend(organisations.map(|id| StateKey::organisation(suite, *id)));
        self.keys.extend(self.assets.iter().map(|id| StateKey::asset(suite, *id)));
        self.keys.sort_unstable();
        self.keys.dedup();
        self.keys
    }
}
