//! Write the chain's types as JSON.
//!
//! Integers are JSON numbers of up to 64 bits; bytes, digests and keys are lower-case hexadecimal.

use crate::reader::{StoredBlock, StoredEntry, StoredTransaction};
use serde_json::{Value, json};
use trine_consensus::KeptVotes;
use trine_types::account::Roles;
use trine_types::call::{Action, METHODS, PublicKey};
use trine_types::codec::to_hex;
use trine_types::record::{
    Asset, Log, Organisation, PARAMETERS, Parameters, Proposal, ProposalStatus,
    RemovedOrganisations, Transfer,
};
use trine_types::x509::{Authority, MemberCertificate};
use trine_types::{
    Account, Address, AssetId, Call, Digest, EpochChange, Event, Header, LogId, OrganisationId,
    Outcome, ProposalId, RawCall, StateCommitment, Suite, ValidatorKey, ValidatorSet,
};

/// Name of a module, where it is known.
pub fn module_name(module: u8) -> Option<&'static str> {
    METHODS.iter().find(|known| known.0 == module).map(|known| known.1)
}

fn digest(value: &Digest) -> String {
    value.to_string()
}

fn commitment(state: &StateCommitment) -> Value {
    json!({
        "root": digest(&state.root),
        "operations_root": digest(&state.operations_root),
        "floor": state.floor,
        "size": state.size,
    })
}

/// A validator's public key; nothing where there is no validator.
pub fn key(key: &ValidatorKey) -> Option<String> {
    key.parts().map(|(_, key)| to_hex(key))
}

/// Algorithm of a validator's key.
pub fn algorithm(key: &ValidatorKey) -> Option<&'static str> {
    key.parts().map(|(algorithm, _)| algorithm.name())
}

/// A validator set, in the order of the certificates.
pub fn validators(set: &ValidatorSet) -> Value {
    set.as_slice().iter().map(validator).collect()
}

fn validator(validator: &trine_types::Validator) -> Value {
    json!({
        "name": validator.name,
        "organisation": validator.organisation,
        "algorithm": algorithm(&validator.key),
        "key": key(&validator.key),
        "address": validator.address,
    })
}

fn epoch_change(change: &EpochChange) -> Value {
    json!({
        "epoch": change.epoch,
        "validators": validators(&change.validators),
        "following": change.following.as_ref().map(validators),
    })
}

/// A header with all its fields.
pub fn header(header: &Header, suite: Suite) -> Value {
    json!({
        "chain_id": header.chain_id,
        "height": header.height,
        "epoch": header.epoch,
        "view": header.view,
        "parent_view": header.parent_view,
        "proposer": key(&header.proposer),
        "parent": digest(&header.parent),
        "time_ms": header.time_ms,
        "body_root": digest(&header.body_root),
        "outcome_root": digest(&header.outcome_root),
        "evidence_root": digest(&header.evidence_root),
        "state_root": digest(&header.state_root(suite)),
        "accounts": commitment(&header.accounts),
        "values": commitment(&header.values),
        "parameters_version": header.parameters_version,
        "epoch_change": header.epoch_change.as_ref().map(epoch_change),
        "extension": to_hex(&header.extension),
    })
}

/// A block in a list.
pub fn block_summary(block: &StoredBlock) -> Value {
    json!({
        "height": block.header.height,
        "digest": digest(&block.digest),
        "time_ms": block.header.time_ms,
        "epoch": block.header.epoch,
        "proposer": key(&block.header.proposer),
        "transactions": block.ids.len(),
    })
}

/// A transaction with its outcome.
pub fn transaction(stored: &StoredTransaction) -> Value {
    let transaction = &stored.transaction;
    let body = &transaction.body;
    json!({
        "id": transaction.id,
        "height": stored.height,
        "index": stored.index,
        "time_ms": stored.time_ms,
        "sender": body.sender,
        "nonce": body.nonce,
        "key_index": body.key_index,
        "valid_until_ms": body.valid_until_ms,
        "algorithm": transaction.algorithm.to_string(),
        "signature": to_hex(&transaction.signature),
        "bytes": transaction.bytes.len(),
        "calls": body.calls.iter().map(raw_call).collect::<Value>(),
        "outcome": outcome(&stored.outcome),
    })
}

fn raw_call(raw: &RawCall) -> Value {
    let known = METHODS.iter().find(|known| (known.0, known.2) == (raw.module, raw.method));
    json!({
        "module": raw.module,
        "method": raw.method,
        "name": known.map(|known| format!("{}.{}", known.1, known.3)),
        "arguments": to_hex(&raw.arguments),
        "decoded": Call::from_raw(raw).ok().map(|decoded| call(&decoded)),
    })
}

/// An outcome with its events.
pub fn outcome(outcome: &Outcome) -> Value {
    json!({
        "code": outcome.code.name(),
        "number": outcome.code.number(),
        "failed_call": outcome.failed_call,
        "gas_used": outcome.gas_used,
        "events": outcome.events.iter().map(event).collect::<Value>(),
    })
}

fn event(event: &Event) -> Value {
    let number = event.emitter.0[19];
    let module = (event.emitter == Event::module_emitter(number)).then(|| module_name(number));
    json!({
        "emitter": event.emitter,
        "module": module.flatten(),
        "topics": event.topics.iter().map(|topic| json!(digest(topic))).collect::<Value>(),
        "data": to_hex(&event.data),
    })
}

fn public_key(key: &PublicKey) -> Value {
    json!({"algorithm": key.algorithm.to_string(), "key": to_hex(&key.bytes)})
}

/// Names of the roles held.
pub fn roles(roles: Roles) -> Vec<&'static str> {
    let all = [
        (Roles::ADMINISTRATOR, "administrator"),
        (Roles::NOTARY, "notary"),
        (Roles::ISSUER, "issuer"),
        (Roles::READER, "reader"),
    ];
    all.into_iter().filter(|(role, _)| roles.has(*role)).map(|(_, name)| name).collect()
}

fn action(action: &Action) -> Value {
    match action {
        Action::Freeze(address) => json!({"kind": "freeze", "address": address}),
        Action::Unfreeze(address) => json!({"kind": "unfreeze", "address": address}),
        Action::SetParameter { parameter, value } => json!({
            "kind": "set_parameter",
            "parameter": parameter,
            "name": PARAMETERS.get(usize::from(*parameter)).map(|rule| rule.name),
            "value": value,
        }),
        Action::CreateOrganisation { name, administrator } => json!({
            "kind": "create_organisation",
            "name": name,
            "administrator": public_key(administrator),
        }),
        Action::AdmitValidator(one) => {
            json!({"kind": "admit_validator", "validator": validator(one)})
        }
        Action::RemoveValidator(of) => json!({
            "kind": "remove_validator", "algorithm": algorithm(of), "key": key(of),
        }),
        Action::ReplaceValidator { key: of, validator: one } => json!({
            "kind": "replace_validator",
            "algorithm": algorithm(of),
            "key": key(of),
            "validator": validator(one),
        }),
        Action::RemoveOrganisation(organisation) => {
            json!({"kind": "remove_organisation", "organisation": organisation})
        }
    }
}

/// Arguments of a call by their names.
fn call(call: &Call) -> Value {
    match call {
        Call::AccountCreate { key, roles: held } => {
            json!({"key": public_key(key), "roles": roles(*held)})
        }
        Call::KeyAdd { key, modules } => json!({"key": public_key(key), "modules": modules}),
        Call::KeyRevoke { key_index } => json!({"key_index": key_index}),
        Call::KeyRotate { key_index, key } => {
            json!({"key_index": key_index, "key": public_key(key)})
        }
        Call::AccountFreeze { address } | Call::AccountUnfreeze { address } => {
            json!({"address": address})
        }
        Call::AccountEnrol { key, roles: held, certificate } => json!({
            "key": public_key(key),
            "roles": roles(*held),
            "certificate": member_certificate(certificate),
        }),
        Call::CertificateSet { address, certificate } => {
            json!({"address": address, "certificate": member_certificate(certificate)})
        }
        Call::AuthorityRegister { fingerprint, expires_ms } => {
            json!({"fingerprint": digest(fingerprint), "expires_ms": expires_ms})
        }
        Call::AuthorityRemove { fingerprint } => json!({"fingerprint": digest(fingerprint)}),
        Call::RolesSet { address, roles: held } => {
            json!({"address": address, "roles": roles(*held)})
        }
        Call::QuotaSet { address, quota } => json!({"address": address, "quota": quota}),
        Call::ProposalSubmit { action: what, expires_ms } => {
            json!({"action": action(what), "expires_ms": expires_ms})
        }
        Call::ProposalApprove { proposal, action: what } => {
            json!({"proposal": proposal, "action": action(what)})
        }
        Call::ProposalReject { proposal } => json!({"proposal": proposal}),
        Call::LogCreate { name } => json!({"name": name}),
        Call::EvidenceAppend { log, media_type, reference, entries } => json!({
            "log": log,
            "media_type": media_type,
            "reference": to_hex(reference),
            "entries": entries.iter().map(|entry| json!(digest(entry))).collect::<Value>(),
        }),
        Call::AssetDefine { symbol, name, decimals } => {
            json!({"symbol": symbol, "name": name, "decimals": decimals})
        }
        Call::AssetIssue { asset, to, amount } => {
            json!({"asset": asset, "to": to, "amount": amount})
        }
        Call::AssetTransfer { asset, to, amount, reference } => json!({
            "asset": asset,
            "to": to,
            "amount": amount,
            "reference": reference.as_ref().map(|reference| to_hex(&reference.0)),
        }),
        Call::AssetBurn { asset, amount } => json!({"asset": asset, "amount": amount}),
    }
}

/// The record of a member's certificate.
pub fn member_certificate(certificate: &MemberCertificate) -> Value {
    json!({
        "fingerprint": digest(&certificate.fingerprint),
        "authority": digest(&certificate.authority),
        "expires_ms": certificate.expires_ms,
    })
}

/// An authority of an organisation.
pub fn authority(authority: &Authority) -> Value {
    json!({
        "fingerprint": digest(&authority.fingerprint),
        "expires_ms": authority.expires_ms,
    })
}

/// An account; `organisation` is the name of its organisation.
pub fn account(
    address: &Address,
    account: &Account,
    organisation: Option<&str>,
    certificate: Option<&MemberCertificate>,
) -> Value {
    json!({
        "address": address,
        "organisation": account.organisation,
        "organisation_name": organisation,
        "frozen": account.frozen,
        "roles": roles(account.roles),
        "algorithm": account.algorithm.to_string(),
        "key": to_hex(account.first_key()),
        "key_count": account.key_count,
        "live_keys": (0..8u8).filter(|bit| account.live_keys >> bit & 1 == 1).collect::<Vec<_>>(),
        "nonce_base": account.nonce_base,
        "nonce_used": format!("{:032x}", account.nonce_used),
        "balance": account.balance,
        "quota": account.quota,
        "quota_window": account.quota_window,
        "quota_used": account.quota_used,
        "certificate": certificate.map(member_certificate),
    })
}

/// A key of an account.
pub fn account_key(index: u8, key: &PublicKey, modules: u32, live: bool) -> Value {
    json!({
        "index": index,
        "algorithm": key.algorithm.to_string(),
        "key": to_hex(&key.bytes),
        "modules": modules,
        "live": live,
    })
}

/// An organisation.
pub fn organisation(
    id: OrganisationId,
    organisation: &Organisation,
    removed: &RemovedOrganisations,
) -> Value {
    json!({
        "id": id,
        "name": organisation.name,
        "administrators": organisation.administrators,
        "removed": removed.contains(id),
        "quota_window": organisation.quota_window,
        "quota_used": organisation.quota_used,
    })
}

/// An asset.
pub fn asset(id: AssetId, asset: &Asset) -> Value {
    json!({
        "id": id,
        "organisation": asset.organisation,
        "symbol": asset.symbol,
        "name": asset.name,
        "decimals": asset.decimals,
        "supply": asset.supply,
    })
}

/// An evidence log.
pub fn log(id: LogId, log: &Log, suite: Suite) -> Value {
    json!({
        "id": id,
        "organisation": log.organisation,
        "name": log.name,
        "size": log.frontier.size(),
        "head": digest(&log.frontier.root(suite)),
    })
}

/// A proposal with its votes.
pub fn proposal(id: ProposalId, proposal: &Proposal) -> Value {
    json!({
        "id": id,
        "organisation": proposal.organisation,
        "action": action(&proposal.action),
        "expires_ms": proposal.expires_ms,
        "status": match proposal.status {
            ProposalStatus::Open => "open",
            ProposalStatus::Executed => "executed",
            ProposalStatus::Rejected => "rejected",
        },
        "approvals": proposal.approvals,
        "rejections": proposal.rejections,
    })
}

/// Votes that exclude each other, and whose they are.
pub fn votes(kept: &KeptVotes) -> Value {
    let (algorithm, key) = kept.validator.key.parts().unzip();
    json!({
        "id": kept.id.to_string(),
        "conflict": kept.votes.conflict.to_string(),
        "validator": kept.validator.name,
        "organisation": kept.validator.organisation,
        "algorithm": algorithm.map(|algorithm| algorithm.to_string()),
        "key": key.map(to_hex),
        "epoch": kept.votes.epoch,
        "view": kept.votes.view,
    })
}

/// The chain's parameters by name.
pub fn parameters(parameters: &Parameters) -> Value {
    let one = |(rule, value): (&trine_types::record::ParameterRule, &u64)| {
        let limits = json!({
            "value": value, "default": rule.default, "min": rule.min, "max": rule.max,
        });
        (rule.name.to_owned(), limits)
    };
    Value::Object(PARAMETERS.iter().zip(&parameters.0).map(one).collect())
}

/// A transfer with a reference.
pub fn transfer(sender: &Address, transfer: &Transfer) -> Value {
    json!({
        "sender": sender,
        "reference": to_hex(&transfer.reference.0),
        "transaction": transfer.transaction,
        "call": transfer.call,
        "height": transfer.height,
        "asset": transfer.asset,
        "to": transfer.to,
        "amount": transfer.amount,
    })
}

/// An evidence entry.
pub fn entry(entry: &StoredEntry) -> Value {
    json!({
        "entry": digest(&entry.digest),
        "log": entry.log,
        "index": entry.index,
        "transaction": entry.transaction,
        "height": entry.height,
    })
}
