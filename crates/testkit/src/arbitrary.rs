//! Generate any value that has an encoding, for property tests.

use crate::people::{public_key, secret_key};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;
use trine_crypto::{Algorithm, Digest, Suite};
use trine_types::call::{Action, PublicKey, TransferReference};
use trine_types::limits::{
    ADDRESS_TEXT_BYTES_MAX, AUTHORITIES_MAX, NAME_BYTES_MAX, NONCE_WINDOW, TOPICS_MAX,
};
use trine_types::merkle::Frontier;
use trine_types::record::{
    AccountKey, Asset, Counters, Log, Organisation, PARAMETERS, Parameters, Proposal,
    ProposalStatus, Transfer,
};
use trine_types::x509::{Authority, CertificateRegistry, MemberCertificate};
use trine_types::{
    Account, Address, Amount, AssetId, Block, Call, ChainId, Code, Epoch, EpochChange, Event,
    Header, Height, LogId, OrganisationId, Outcome, ProposalId, RawCall, Roles, StateCommitment,
    Transaction, TransactionId, UnsignedTransaction, Validator, ValidatorKey, ValidatorSet,
};

/// Any digest.
pub fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest)
}

/// Any address.
pub fn address() -> impl Strategy<Value = Address> {
    any::<[u8; 20]>().prop_map(Address)
}

/// Text of any characters, of at most `bytes_max` bytes.
pub fn text(bytes_max: usize) -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..=bytes_max).prop_map(move |characters| {
        let mut text = String::new();
        for character in characters {
            if text.len() + character.len_utf8() > bytes_max {
                break;
            }
            text.push(character);
        }
        text
    })
}

/// A public key that is well-formed, or bytes that may be none.
pub fn key() -> impl Strategy<Value = PublicKey> {
    prop_oneof![
        4 => (0..8u8).prop_map(|number| public_key(&format!("key-{number}"))),
        1 => vec(any::<u8>(), 0..40)
            .prop_map(|bytes| PublicKey { algorithm: Algorithm::Ed25519, bytes }),
    ]
}

/// Any roles.
pub fn roles() -> impl Strategy<Value = Roles> {
    (0..=Roles::ALL.0).prop_map(Roles)
}

/// Any action of a proposal.
pub fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        address().prop_map(Action::Freeze),
        address().prop_map(Action::Unfreeze),
        (any::<u8>(), any::<u64>())
            .prop_map(|(parameter, value)| Action::SetParameter { parameter, value }),
        (text(NAME_BYTES_MAX), key())
            .prop_map(|(name, administrator)| Action::CreateOrganisation { name, administrator }),
        validator().prop_map(Action::AdmitValidator),
        validator_key().prop_map(Action::RemoveValidator),
        (validator_key(), validator())
            .prop_map(|(key, validator)| Action::ReplaceValidator { key, validator }),
        organisation_id().prop_map(Action::RemoveOrganisation),
    ]
}

/// Any reference of a transfer.
pub fn reference() -> impl Strategy<Value = TransferReference> {
    vec(any::<u8>(), 16..=64).prop_map(TransferReference)
}

fn amount() -> impl Strategy<Value = Amount> {
    any::<u64>().prop_map(Amount)
}

fn organisation_id() -> impl Strategy<Value = OrganisationId> {
    any::<u32>().prop_map(OrganisationId)
}

fn asset_id() -> impl Strategy<Value = AssetId> {
    any::<u32>().prop_map(AssetId)
}

fn log_id() -> impl Strategy<Value = LogId> {
    any::<u32>().prop_map(LogId)
}

fn proposal_id() -> impl Strategy<Value = ProposalId> {
    any::<u64>().prop_map(ProposalId)
}

/// Any call of any method.
pub fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        3 => member_call(),
        1 => certificate_call(),
        3 => proposal_call(),
        3 => evidence_call(),
        3 => asset_call(),
    ]
}

/// Any certificate of a member.
pub fn member_certificate() -> impl Strategy<Value = MemberCertificate> {
    (digest(), digest(), any::<u64>()).prop_map(|(fingerprint, authority, expires_ms)| {
        MemberCertificate { fingerprint, authority, expires_ms }
    })
}

/// Any registry of certificates.
pub fn certificate_registry() -> impl Strategy<Value = CertificateRegistry> {
    let authority = (digest(), any::<u64>())
        .prop_map(|(fingerprint, expires_ms)| Authority { fingerprint, expires_ms });
    (any::<u64>(), vec(authority, 0..=AUTHORITIES_MAX))
        .prop_map(|(members, authorities)| CertificateRegistry { members, authorities })
}

fn certificate_call() -> impl Strategy<Value = Call> {
    prop_oneof![
        (key(), roles(), member_certificate())
            .prop_map(|(key, roles, certificate)| Call::AccountEnrol { key, roles, certificate }),
        (address(), member_certificate())
            .prop_map(|(address, certificate)| Call::CertificateSet { address, certificate }),
        (digest(), any::<u64>()).prop_map(|(fingerprint, expires_ms)| Call::AuthorityRegister {
            fingerprint,
            expires_ms
        }),
        digest().prop_map(|fingerprint| Call::AuthorityRemove { fingerprint }),
    ]
}

fn member_call() -> impl Strategy<Value = Call> {
    prop_oneof![
        (key(), roles()).prop_map(|(key, roles)| Call::AccountCreate { key, roles }),
        (key(), any::<u32>()).prop_map(|(key, modules)| Call::KeyAdd { key, modules }),
        any::<u8>().prop_map(|key_index| Call::KeyRevoke { key_index }),
        (any::<u8>(), key()).prop_map(|(key_index, key)| Call::KeyRotate { key_index, key }),
        address().prop_map(|address| Call::AccountFreeze { address }),
        address().prop_map(|address| Call::AccountUnfreeze { address }),
        (address(), roles()).prop_map(|(address, roles)| Call::RolesSet { address, roles }),
        (address(), any::<u32>()).prop_map(|(address, quota)| Call::QuotaSet { address, quota }),
    ]
}

fn proposal_call() -> impl Strategy<Value = Call> {
    prop_oneof![
        (action(), any::<u64>())
            .prop_map(|(action, expires_ms)| Call::ProposalSubmit { action, expires_ms }),
        (proposal_id(), action())
            .prop_map(|(proposal, action)| Call::ProposalApprove { proposal, action }),
        proposal_id().prop_map(|proposal| Call::ProposalReject { proposal }),
    ]
}

fn evidence_call() -> impl Strategy<Value = Call> {
    prop_oneof![
        text(32).prop_map(|name| Call::LogCreate { name }),
        (log_id(), text(127), vec(any::<u8>(), 0..=64), vec(digest(), 1..20)).prop_map(
            |(log, media_type, reference, entries)| Call::EvidenceAppend {
                log,
                media_type,
                reference,
                entries
            }
        ),
    ]
}

fn asset_call() -> impl Strategy<Value = Call> {
    prop_oneof![
        (text(12), text(32), any::<u8>()).prop_map(|(symbol, name, decimals)| Call::AssetDefine {
            symbol,
            name,
            decimals
        }),
        (asset_id(), address(), amount()).prop_map(|(asset, to, amount)| Call::AssetIssue {
            asset,
            to,
            amount
        }),
        (asset_id(), address(), amount(), option::of(reference())).prop_map(
            |(asset, to, amount, reference)| Call::AssetTransfer { asset, to, amount, reference }
        ),
        (asset_id(), amount()).prop_map(|(asset, amount)| Call::AssetBurn { asset, amount }),
    ]
}

/// A call whose bytes may mean nothing.
pub fn raw_call() -> impl Strategy<Value = RawCall> {
    prop_oneof![
        call().prop_map(|call| call.to_raw()),
        (0..8u8, 0..8u8, vec(any::<u8>(), 0..80)).prop_map(|(module, method, arguments)| RawCall {
            module,
            method,
            arguments: arguments.into()
        }),
    ]
}

/// Any transaction without its signature.
pub fn unsigned() -> impl Strategy<Value = UnsignedTransaction> {
    let place = (any::<[u8; 32]>().prop_map(ChainId), address(), any::<u8>());
    (place, any::<u64>(), any::<u64>(), vec(raw_call(), 1..5)).prop_map(
        |((chain_id, sender, key_index), nonce, valid_until_ms, calls)| UnsignedTransaction {
            chain_id,
            sender,
            key_index,
            nonce,
            valid_until_ms,
            calls: calls.into(),
        },
    )
}

/// Any signed transaction.
pub fn transaction() -> impl Strategy<Value = Transaction> {
    unsigned().prop_map(|body| body.sign(Suite::Intl, &secret_key("any")))
}

/// Any event.
pub fn event() -> impl Strategy<Value = Event> {
    (address(), vec(digest(), 0..=TOPICS_MAX), vec(any::<u8>(), 0..100))
        .prop_map(|(emitter, topics, data)| Event { emitter, topics, data })
}

/// Any outcome.
pub fn outcome() -> impl Strategy<Value = Outcome> {
    let code = (0..Code::ALL.len()).prop_map(|place| Code::ALL[place]);
    (code, any::<u8>(), any::<u64>(), vec(event(), 0..4)).prop_map(
        |(code, failed_call, gas_used, events)| Outcome { code, failed_call, gas_used, events },
    )
}

/// Any account that a chain can hold.
pub fn account() -> impl Strategy<Value = Account> {
    let keys = (1..=8u8, any::<u8>(), any::<[u8; 32]>());
    let nonces = (any::<u64>(), any::<u128>());
    let quota = (any::<u32>(), any::<u32>(), any::<u32>());
    (keys, nonces, quota, any::<bool>(), roles(), organisation_id(), amount()).prop_map(
        |(keys, nonces, quota, frozen, roles, organisation, balance)| {
            let (key_count, live, key) = keys;
            let mut account =
                Account::new(Suite::Intl, organisation, roles, Algorithm::Ed25519, &key);
            account.frozen = frozen;
            account.key_count = key_count;
            account.live_keys = (live | 1) & (u8::MAX >> (8 - key_count));
            account.nonce_base = nonces.0.min(u64::MAX - NONCE_WINDOW);
            account.nonce_used = nonces.1 & !1;
            account.balance = balance;
            (account.quota, account.quota_window, account.quota_used) = quota;
            account
        },
    )
}

/// Any counters.
pub fn counters() -> impl Strategy<Value = Counters> {
    (any::<[u32; 3]>(), any::<[u64; 2]>()).prop_map(|(small, large)| Counters {
        organisations: small[0],
        assets: small[1],
        logs: small[2],
        proposals: large[0],
        parameters_version: large[1],
    })
}

/// Any parameters, also outside their ranges.
pub fn parameters() -> impl Strategy<Value = Parameters> {
    // The last ones are left out of an encoding where they are the defaults.
    (any::<[u64; PARAMETERS.len()]>(), 0..=PARAMETERS.len()).prop_map(|(mut values, given)| {
        for (value, rule) in values.iter_mut().zip(PARAMETERS).skip(given) {
            *value = rule.default;
        }
        Parameters(values)
    })
}

/// Any organisation.
pub fn organisation() -> impl Strategy<Value = Organisation> {
    (text(32), any::<u32>(), any::<u32>(), any::<u64>()).prop_map(
        |(name, administrators, quota_window, quota_used)| Organisation {
            name,
            administrators,
            quota_window,
            quota_used,
        },
    )
}

/// Any key of an account.
pub fn account_key() -> impl Strategy<Value = AccountKey> {
    (key(), any::<u32>()).prop_map(|(key, modules)| AccountKey { key, modules })
}

/// Any log.
pub fn log() -> impl Strategy<Value = Log> {
    (organisation_id(), text(32), vec(digest(), 0..40)).prop_map(
        |(organisation, name, leaf_hashes)| {
            let mut frontier = Frontier::default();
            leaf_hashes.into_iter().for_each(|leaf| frontier.append(Suite::Intl, leaf));
            Log { organisation, name, frontier }
        },
    )
}

/// Any asset.
pub fn asset() -> impl Strategy<Value = Asset> {
    (organisation_id(), text(12), text(32), any::<u8>(), amount()).prop_map(
        |(organisation, symbol, name, decimals, supply)| Asset {
            organisation,
            symbol,
            name,
            decimals,
            supply,
        },
    )
}

/// Any recorded transfer.
pub fn transfer() -> impl Strategy<Value = Transfer> {
    let place = (any::<[u8; 32]>().prop_map(TransactionId), any::<u8>(), any::<u64>());
    (place, asset_id(), address(), amount(), reference()).prop_map(
        |((transaction, call, height), asset, to, amount, reference)| Transfer {
            transaction,
            call,
            height: Height(height),
            asset,
            to,
            amount,
            reference,
        },
    )
}

/// Any proposal.
pub fn proposal() -> impl Strategy<Value = Proposal> {
    let status = prop_oneof![
        Just(ProposalStatus::Open),
        Just(ProposalStatus::Executed),
        Just(ProposalStatus::Rejected)
    ];
    let votes = (vec(organisation_id(), 0..10), vec(organisation_id(), 0..10));
    (action(), organisation_id(), any::<u64>(), status, votes).prop_map(
        |(action, organisation, expires_ms, status, (approvals, rejections))| Proposal {
            action,
            organisation,
            expires_ms,
            status,
            approvals,
            rejections,
        },
    )
}

/// Any bytes in the place of a validator's key.
pub fn validator_key() -> impl Strategy<Value = ValidatorKey> {
    (any::<[u8; 17]>(), any::<[u8; 17]>()).prop_map(|(head, tail)| {
        let mut key = ValidatorKey::default();
        key.0[..17].copy_from_slice(&head);
        key.0[17..].copy_from_slice(&tail);
        key
    })
}

/// Any validator.
pub fn validator() -> impl Strategy<Value = Validator> {
    (validator_key(), organisation_id(), text(NAME_BYTES_MAX), text(ADDRESS_TEXT_BYTES_MAX))
        .prop_map(|(key, organisation, name, address)| Validator {
            key,
            organisation,
            name,
            address,
        })
}

/// Any validator set.
pub fn validators() -> impl Strategy<Value = ValidatorSet> {
    vec(validator(), 1..8)
        .prop_filter_map("no key twice", |validators| ValidatorSet::new(validators).ok())
}

/// Any hand-over.
pub fn epoch_change() -> impl Strategy<Value = EpochChange> {
    (any::<u64>(), validators(), option::of(validators())).prop_map(
        |(epoch, validators, following)| EpochChange {
            epoch: Epoch(epoch),
            following: following.filter(|one| *one != validators),
            validators,
        },
    )
}

fn commitment() -> impl Strategy<Value = StateCommitment> {
    (digest(), digest(), any::<u64>(), any::<u64>()).prop_map(
        |(root, operations_root, floor, size)| StateCommitment {
            root,
            operations_root,
            floor,
            size,
        },
    )
}

/// Any header.
pub fn header() -> impl Strategy<Value = Header> {
    let numbers = any::<[u64; 6]>();
    let digests = (digest(), digest(), digest(), digest());
    let identity = (any::<[u8; 32]>(), validator_key());
    let rest = (option::of(epoch_change()), vec(any::<u8>(), 0..40));
    (numbers, digests, identity, commitment(), commitment(), rest).prop_map(
        |(numbers, digests, (chain_id, proposer), accounts, values, rest)| Header {
            chain_id: ChainId(chain_id),
            height: Height(numbers[0]),
            epoch: Epoch(numbers[1]),
            view: numbers[2],
            parent_view: numbers[3],
            proposer,
            parent: digests.0,
            time_ms: numbers[4],
            body_root: digests.1,
            outcome_root: digests.2,
            evidence_root: digests.3,
            accounts,
            values,
            parameters_version: numbers[5],
            epoch_change: rest.0,
            extension: rest.1,
        },
    )
}

/// Any block.
pub fn block() -> impl Strategy<Value = Block> {
    (header(), vec(transaction(), 0..4)).prop_map(|(header, transactions)| Block {
        header,
        transactions: transactions.into_iter().map(|one| one.bytes).collect(),
    })
}
