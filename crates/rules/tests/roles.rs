//! Check, cell by cell, who may call what, and that the reference says the same.

mod common;

use common::{
    AUTHORITY, TOKEN, certificate, chain, create, freeze, must, note, open_proposal, pay, submit,
    trust,
};
use trine_testkit::{TestChain, public_key, validator};
use trine_types::call::Action;
use trine_types::{Amount, Call, OrganisationId, Roles};

/// Calls once as `role`; the name of the code, or of the code that kept the transaction out.
fn verdict(role: &str, call: fn(&mut TestChain) -> Call) -> &'static str {
    let mut chain = chain();
    let call = call(&mut chain);
    let transaction = chain.transaction(role, &[call]);
    match chain.block(&[transaction]) {
        Ok(applied) => applied.execution.outcomes[0].code.name(),
        Err(invalid) => invalid.code.name(),
    }
}

const ROLES: [&str; 7] =
    ["administrator", "notary", "issuer", "member", "foreign", "stranger", "frozen"];

macro_rules! cells {
    ($($row:ident $title:literal $call:expr => $administrator:literal $notary:literal
        $issuer:literal $member:literal $foreign:literal $stranger:literal $frozen:literal;)*) => {
        const ROWS: &[(&str, [&str; 7])] = &[
            $(($title, [
                $administrator, $notary, $issuer, $member, $foreign, $stranger, $frozen,
            ]),)*
        ];

        $(mod $row {
            use super::*;

            cells!(@cell $call; administrator $administrator);
            cells!(@cell $call; notary $notary);
            cells!(@cell $call; issuer $issuer);
            cells!(@cell $call; member $member);
            cells!(@cell $call; foreign $foreign);
            cells!(@cell $call; stranger $stranger);
            cells!(@cell $call; frozen $frozen);
        })*
    };
    (@cell $call:expr; $role:ident $expected:literal) => {
        /// Goal: this cell of the table. Method: call once in a fresh chain.
        #[test]
        fn $role() {
            assert_eq!(verdict(stringify!($role), $call), $expected);
        }
    };
}

cells! {
    accounts_create "accounts.create" |_| create("new", Roles::NOTARY) =>
        "ok" "no_right" "no_right" "no_right" "ok" "unknown_sender" "account_frozen";
    accounts_add_key "accounts.add_key" |_| Call::KeyAdd { key: public_key("new"), modules: 2 } =>
        "ok" "ok" "ok" "ok" "ok" "unknown_sender" "account_frozen";
    accounts_revoke_key "accounts.revoke_key" |chain| {
        for role in ["administrator", "notary", "issuer", "member", "foreign"] {
            must(chain, role, &[Call::KeyAdd { key: public_key("new"), modules: 2 }]);
        }
        Call::KeyRevoke { key_index: 1 }
    } =>
        "ok" "ok" "ok" "ok" "ok" "unknown_sender" "account_frozen";
    accounts_rotate_key "accounts.rotate_key"
        |_| Call::KeyRotate { key_index: 0, key: public_key("new") } =>
        "ok" "ok" "ok" "ok" "ok" "unknown_sender" "account_frozen";
    accounts_freeze "accounts.freeze"
        |chain| Call::AccountFreeze { address: chain.address("target") } =>
        "ok" "no_right" "no_right" "no_right" "other_organisation" "unknown_sender"
        "account_frozen";
    accounts_unfreeze "accounts.unfreeze" |chain| {
        freeze(chain, "target");
        Call::AccountUnfreeze { address: chain.address("target") }
    } =>
        "ok" "no_right" "no_right" "no_right" "other_organisation" "unknown_sender"
        "account_frozen";
    accounts_enrol "accounts.enrol" |chain| {
        trust(chain, "administrator");
        trust(chain, "foreign");
        let (key, roles) = (public_key("new"), Roles::NOTARY);
        Call::AccountEnrol { key, roles, certificate: certificate(u64::MAX) }
    } =>
        "ok" "no_right" "no_right" "no_right" "ok" "unknown_sender" "account_frozen";
    accounts_set_certificate "accounts.set_certificate" |chain| {
        trust(chain, "administrator");
        let address = chain.address("target");
        Call::CertificateSet { address, certificate: certificate(u64::MAX) }
    } =>
        "ok" "no_right" "no_right" "no_right" "other_organisation" "unknown_sender"
        "account_frozen";
    organisations_set_roles "organisations.set_roles"
        |chain| Call::RolesSet { address: chain.address("target"), roles: Roles::ALL } =>
        "ok" "no_right" "no_right" "no_right" "other_organisation" "unknown_sender"
        "account_frozen";
    organisations_set_quota "organisations.set_quota"
        |chain| Call::QuotaSet { address: chain.address("target"), quota: 5 } =>
        "ok" "no_right" "no_right" "no_right" "other_organisation" "unknown_sender"
        "account_frozen";
    organisations_register_authority "organisations.register_authority"
        |_| Call::AuthorityRegister { fingerprint: AUTHORITY, expires_ms: u64::MAX } =>
        "ok" "no_right" "no_right" "no_right" "ok" "unknown_sender" "account_frozen";
    organisations_remove_authority "organisations.remove_authority" |chain| {
        trust(chain, "administrator");
        trust(chain, "foreign");
        Call::AuthorityRemove { fingerprint: AUTHORITY }
    } =>
        "ok" "no_right" "no_right" "no_right" "ok" "unknown_sender" "account_frozen";
    submit_freeze "proposals.submit, freeze"
        |chain| submit(chain, Action::Freeze(chain.address("third"))) =>
        "ok" "no_right" "no_right" "no_right" "ok" "unknown_sender" "account_frozen";
    submit_unfreeze "proposals.submit, unfreeze"
        |chain| submit(chain, Action::Unfreeze(chain.address("frozen"))) =>
        "ok" "no_right" "no_right" "no_right" "ok" "unknown_sender" "account_frozen";
    submit_parameter "proposals.submit, set parameter"
        |chain| submit(chain, Action::SetParameter { parameter: 3, value: 66 }) =>
        "ok" "no_right" "no_right" "no_right" "ok" "unknown_sender" "account_frozen";
    submit_organisation "proposals.submit, create organisation"
        |chain| submit(chain, Action::CreateOrganisation {
            name: "delta".to_owned(),
            administrator: public_key("new"),
        }) =>
        "ok" "no_right" "no_right" "no_right" "ok" "unknown_sender" "account_frozen";
    submit_admission "proposals.submit, admit validator"
        |chain| submit(chain, Action::AdmitValidator(validator("new", 2))) =>
        "ok" "no_right" "no_right" "no_right" "ok" "unknown_sender" "account_frozen";
    submit_removal "proposals.submit, remove validator"
        |chain| submit(chain, Action::RemoveValidator(validator("validator-0", 0).key)) =>
        "ok" "no_right" "no_right" "no_right" "ok" "unknown_sender" "account_frozen";
    submit_replacement "proposals.submit, replace validator"
        |chain| submit(chain, Action::ReplaceValidator {
            key: validator("validator-0", 0).key,
            validator: validator("new", 0),
        }) =>
        "ok" "no_right" "no_right" "no_right" "ok" "unknown_sender" "account_frozen";
    submit_leave "proposals.submit, remove organisation"
        |chain| submit(chain, Action::RemoveOrganisation(OrganisationId(2))) =>
        "ok" "no_right" "no_right" "no_right" "ok" "unknown_sender" "account_frozen";
    proposals_approve "proposals.approve" |chain| {
        let (proposal, action) = open_proposal(chain);
        Call::ProposalApprove { proposal, action }
    } =>
        "ok" "no_right" "no_right" "no_right" "ok" "unknown_sender" "account_frozen";
    proposals_reject "proposals.reject"
        |chain| Call::ProposalReject { proposal: open_proposal(chain).0 } =>
        "ok" "no_right" "no_right" "no_right" "ok" "unknown_sender" "account_frozen";
    evidence_create_log "evidence.create_log"
        |_| Call::LogCreate { name: "deeds".to_owned() } =>
        "ok" "no_right" "no_right" "no_right" "ok" "unknown_sender" "account_frozen";
    evidence_append "evidence.append" |_| note(0) =>
        "no_right" "ok" "no_right" "no_right" "other_organisation" "unknown_sender"
        "account_frozen";
    assets_define "assets.define" |_| Call::AssetDefine {
        symbol: "NEW".to_owned(),
        name: "New".to_owned(),
        decimals: 2,
    } =>
        "no_right" "no_right" "ok" "no_right" "ok" "unknown_sender" "account_frozen";
    assets_issue "assets.issue" |chain| Call::AssetIssue {
        asset: TOKEN,
        to: chain.address("target"),
        amount: Amount(5),
    } =>
        "no_right" "no_right" "ok" "no_right" "other_organisation" "unknown_sender"
        "account_frozen";
    assets_transfer "assets.transfer" |chain| pay(chain, "target", 5) =>
        "ok" "ok" "ok" "ok" "ok" "unknown_sender" "account_frozen";
    assets_burn "assets.burn" |_| Call::AssetBurn { asset: TOKEN, amount: Amount(5) } =>
        "ok" "ok" "ok" "ok" "ok" "unknown_sender" "account_frozen";
}

fn table() -> String {
    let head = format!("| Method | {} |\n|{}\n", ROLES.join(" | "), "---|".repeat(8));
    let rows = ROWS.iter().map(|(title, cells)| {
        let cells: Vec<_> = cells.iter().map(|cell| format!("`{cell}`")).collect();
        format!("| `{title}` | {} |\n", cells.join(" | "))
    });
    head + &rows.collect::<String>()
}

/// Goal: the reference shows the table that the tests check. Method: find it in the page.
#[test]
fn the_reference_has_this_table() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/modules.md");
    let page = std::fs::read_to_string(page).expect("docs/reference/modules.md is readable");
    let table = table();
    assert!(page.contains(&table), "docs/reference/modules.md lacks this table:\n{table}");
}

/// Goal: no method is left out. Method: every method of the codec has a row.
#[test]
fn every_method_has_a_row() {
    for (_, module, _, method) in trine_types::call::METHODS {
        let name = format!("{module}.{method}");
        assert!(ROWS.iter().any(|(title, _)| title.starts_with(&name)), "no row for {name}");
    }
}
