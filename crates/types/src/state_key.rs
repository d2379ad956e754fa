//! Name the entries of the cold state.

use crate::codec::{Encode, Encoder};
use crate::identifiers::{
    Address, AssetId, LogId, OrganisationId, ProposalId, hashed_head, tagged_hash,
};
use std::fmt;
use trine_crypto::Suite;

/// Key of an entry in the cold state: the table's number, then the first 31 bytes of
/// `tagged_hash("trine/state-key", table number || canonical encoding of the parts)`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct StateKey(pub [u8; 32]);

impl std::hash::Hash for StateKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u64(hashed_head(&self.0));
    }
}

impl fmt::Debug for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn key(suite: Suite, table: u8, parts: impl FnOnce(&mut Encoder)) -> StateKey {
    let mut encoder = Encoder(vec![table]);
    parts(&mut encoder);
    let digest = tagged_hash(suite, "trine/state-key", &[&encoder.0]);
    let mut bytes = [table; 32];
    bytes[1..].copy_from_slice(&digest.0[..31]);
    StateKey(bytes)
}

impl StateKey {
    /// `record::Counters`.
    pub fn counters(suite: Suite) -> Self {
        key(suite, 1, |_| ())
    }

    /// `record::Parameters`.
    pub fn parameters(suite: Suite) -> Self {
        key(suite, 2, |_| ())
    }

    /// `ValidatorSet` of the epochs to come.
    pub fn validators(suite: Suite) -> Self {
        key(suite, 3, |_| ())
    }

    /// `record::Organisation`.
    pub fn organisation(suite: Suite, id: OrganisationId) -> Self {
        key(suite, 4, |to| id.encode(to))
    }

    /// `OrganisationId` by name.
    pub fn organisation_name(suite: Suite, name: &str) -> Self {
        key(suite, 5, |to| to.bytes8(name.as_bytes()))
    }

    /// `record::AccountKey`, of every key but an account's first.
    pub fn account_key(suite: Suite, address: Address, key_index: u8) -> Self {
        key(suite, 6, |to| {
            address.encode(to);
            key_index.encode(to);
        })
    }

    /// `record::Log`.
    pub fn log(suite: Suite, id: LogId) -> Self {
        key(suite, 7, |to| id.encode(to))
    }

    /// `LogId` by organisation and name.
    pub fn log_name(suite: Suite, organisation: OrganisationId, name: &str) -> Self {
        key(suite, 8, |to| {
            organisation.encode(to);
            to.bytes8(name.as_bytes());
        })
    }

    /// `record::Asset`.
    pub fn asset(suite: Suite, id: AssetId) -> Self {
        key(suite, 9, |to| id.encode(to))
    }

    /// `AssetId` by organisation and symbol.
    pub fn asset_symbol(suite: Suite, organisation: OrganisationId, symbol: &str) -> Self {
        key(suite, 10, |to| {
            organisation.encode(to);
            to.bytes8(symbol.as_bytes());
        })
    }

    /// `Amount` of an asset other than the primary.
    pub fn balance(suite: Suite, address: Address, asset: AssetId) -> Self {
        key(suite, 11, |to| {
            address.encode(to);
            asset.encode(to);
        })
    }

    /// `record::Transfer` by sender and reference.
    pub fn transfer(suite: Suite, sender: Address, reference: &[u8]) -> Self {
        key(suite, 12, |to| {
            sender.encode(to);
            to.bytes8(reference);
        })
    }

    /// `record::Proposal`.
    pub fn proposal(suite: Suite, id: ProposalId) -> Self {
        key(suite, 13, |to| id.encode(to))
    }

    /// `x509::CertificateRegistry`.
    pub fn certificate_registry(suite: Suite, organisation: OrganisationId) -> Self {
        key(suite, 14, |to| organisation.encode(to))
    }

    /// `x509::MemberCertificate`.
    pub fn member_certificate(suite: Suite, address: Address) -> Self {
        key(suite, 15, |to| address.encode(to))
    }

    /// `Address` of an organisation's certified members, in the order of their first certificates.
    pub fn certified_member(suite: Suite, organisation: OrganisationId, number: u64) -> Self {
        key(suite, 16, |to| {
            organisation.encode(to);
            number.encode(to);
        })
    }

    /// `record::RemovedOrganisations`; no entry before the first.
    pub fn removed_organisations(suite: Suite) -> Self {
        key(suite, 17, |_| ())
    }
}
