//! Check every limit of the codec: at the limit, one past it, and against each other.

use trine_testkit::secret_key;
use trine_types::call::{PublicKey, TransferReference};
use trine_types::codec::Encoder;
use trine_types::genesis::{is_name, is_symbol, is_title};
use trine_types::limits::*;
use trine_types::record::{Asset, Organisation, PARAMETERS, Parameters};
use trine_types::{
    Address, Algorithm, Amount, Block, Call, ChainId, Code, Decode, DecodeError, Digest, Encode,
    Event, Header, LogId, OrganisationId, Outcome, RawCall, Suite, Transaction,
    UnsignedTransaction, Validator, ValidatorSet,
};

fn too_large<T>(result: Result<T, DecodeError>, limit: usize) -> bool {
    matches!(result, Err(DecodeError::TooLarge { actual, limit: found, .. })
        if found == limit && actual == limit + 1)
}

fn body(calls: Vec<RawCall>) -> UnsignedTransaction {
    UnsignedTransaction {
        chain_id: ChainId([1; 32]),
        sender: Address([2; 20]),
        key_index: 0,
        nonce: 0,
        valid_until_ms: 0,
        calls: calls.into(),
    }
}

fn raw(arguments: usize) -> RawCall {
    RawCall { module: 1, method: 1, arguments: vec![0; arguments].into() }
}

fn decode(bytes: Vec<u8>) -> Result<Transaction, DecodeError> {
    Transaction::from_bytes(Suite::Intl, bytes.into())
}

/// A transaction of exactly `bytes` bytes.
fn sized(bytes: usize) -> Vec<u8> {
    let key = secret_key("any");
    let two = |first: usize| body(vec![raw(first), raw(30_000)]).sign(Suite::Intl, &key);
    let rest = two(0).bytes.len();
    two(bytes - rest).bytes.to_vec()
}

/// Goal: a transaction has its largest size. Method: that size and one byte more.
#[test]
fn transaction_bytes() {
    assert!(decode(sized(TRANSACTION_BYTES_MAX)).is_ok());
    assert!(too_large(decode(sized(TRANSACTION_BYTES_MAX + 1)), TRANSACTION_BYTES_MAX));
}

/// Goal: a transaction has 1 to 64 calls. Method: none, one, 64, and a count of 65.
#[test]
fn calls() {
    let key = secret_key("any");
    for count in [1, CALLS_MAX] {
        let signed = body(vec![raw(0); count]).sign(Suite::Intl, &key);
        assert_eq!(decode(signed.bytes.to_vec()).map(|one| one.body.calls.len()), Ok(count));
    }
    let count_at = 1 + 32 + 20 + 1 + 8 + 8;
    let mut bytes = body(vec![raw(0); CALLS_MAX]).sign(Suite::Intl, &key).bytes.to_vec();
    bytes[count_at] += 1;
    assert!(too_large(decode(bytes), CALLS_MAX));
    let none = body(Vec::new()).sign(Suite::Intl, &key);
    assert!(matches!(decode(none.bytes.to_vec()), Err(DecodeError::Malformed(_))));
}

/// Goal: arguments have their largest size. Method: that size and one byte more.
#[test]
fn arguments_bytes() {
    assert!(RawCall::from_bytes(&raw(ARGUMENTS_BYTES_MAX).to_bytes()).is_ok());
    let longer = raw(ARGUMENTS_BYTES_MAX + 1).to_bytes();
    assert!(too_large(RawCall::from_bytes(&longer), ARGUMENTS_BYTES_MAX));
}

/// Goal: a signature has the length of its algorithm. Method: one byte less, one more, and over the
/// limit of every algorithm.
#[test]
fn signature_bytes() {
    let with = |length: usize| {
        let signature = vec![0; length];
        let signed = body(vec![raw(0)]).with_signature(Suite::Intl, Algorithm::Ed25519, signature);
        decode(signed.bytes.to_vec())
    };
    assert!(with(64).is_ok());
    for length in [0, 63, 65, SIGNATURE_BYTES_MAX] {
        assert!(matches!(with(length), Err(DecodeError::Malformed(_))), "{length} bytes");
    }
    assert!(too_large(with(SIGNATURE_BYTES_MAX + 1), SIGNATURE_BYTES_MAX));
}

/// Goal: a public key is limited. Method: at the limit and one past it.
#[test]
fn public_key_bytes() {
    let with = |length: usize| {
        let key = PublicKey { algorithm: Algorithm::Ed25519, bytes: vec![0; length] };
        PublicKey::from_bytes(&key.to_bytes())
    };
    assert!(with(PUBLIC_KEY_BYTES_MAX).is_ok());
    assert!(too_large(with(PUBLIC_KEY_BYTES_MAX + 1), PUBLIC_KEY_BYTES_MAX));
}

fn append(media_type: usize, reference: usize, entries: usize) -> Result<Call, Code> {
    let call = Call::EvidenceAppend {
        log: LogId(0),
        media_type: "a".repeat(media_type),
        reference: vec![0; reference],
        entries: vec![Digest([0; 32]); entries],
    };
    Call::from_raw(&call.to_raw())
}

/// Goal: what evidence carries is limited. Method: each part at its limit and one past it.
#[test]
fn evidence() {
    let (media, reference) = (MEDIA_TYPE_BYTES_MAX, EVIDENCE_REFERENCE_BYTES_MAX);
    assert!(append(media, reference, ENTRIES_MAX).is_ok());
    assert!(append(0, 0, 1).is_ok());
    for (media_type, reference, entries) in [
        (media + 1, reference, 1),
        (media, reference + 1, 1),
        (media, reference, ENTRIES_MAX + 1),
        (media, reference, 0),
    ] {
        assert_eq!(append(media_type, reference, entries), Err(Code::BadArguments));
    }
}

/// Goal: a transfer's reference has 16 to 64 bytes. Method: both ends and one past each.
#[test]
fn transfer_reference() {
    let with = |length: usize| {
        TransferReference::from_bytes(&TransferReference(vec![0; length]).to_bytes())
    };
    assert!(with(TRANSFER_REFERENCE_BYTES_MIN).is_ok());
    assert!(with(TRANSFER_REFERENCE_BYTES_MAX).is_ok());
    let short = with(TRANSFER_REFERENCE_BYTES_MIN - 1);
    assert!(matches!(short, Err(DecodeError::Malformed(_))));
    assert!(too_large(with(TRANSFER_REFERENCE_BYTES_MAX + 1), TRANSFER_REFERENCE_BYTES_MAX));
}

/// Goal: names and symbols are limited in the codec. Method: at the limit and one past it.
#[test]
fn texts() {
    let organisation = |length: usize| {
        let name = "a".repeat(length);
        let record = Organisation { name, administrators: 0, quota_window: 0, quota_used: 0 };
        Organisation::from_bytes(&record.to_bytes())
    };
    assert!(organisation(NAME_BYTES_MAX).is_ok());
    assert!(too_large(organisation(NAME_BYTES_MAX + 1), NAME_BYTES_MAX));
    let asset = |length: usize| {
        let (organisation, name) = (OrganisationId(0), String::new());
        let symbol = "A".repeat(length);
        let record = Asset { organisation, symbol, name, decimals: 0, supply: Amount(0) };
        Asset::from_bytes(&record.to_bytes())
    };
    assert!(asset(SYMBOL_BYTES_MAX).is_ok());
    assert!(too_large(asset(SYMBOL_BYTES_MAX + 1), SYMBOL_BYTES_MAX));
}

/// Goal: what people may choose as a name is exact. Method: both ends of each rule.
#[test]
fn names() {
    let long = |character: &str, count: usize| character.repeat(count);
    assert!(is_name("a") && is_name("0-") && is_name(&long("z", NAME_BYTES_MAX)));
    for bad in ["", "-a", "A", "a_b", "a b", "é", &long("z", NAME_BYTES_MAX + 1)] {
        assert!(!is_name(bad), "{bad:?}");
    }
    assert!(is_symbol("A") && is_symbol("Z9") && is_symbol(&long("Z", SYMBOL_BYTES_MAX)));
    for bad in ["", "9Z", "a", "A-", "É", &long("Z", SYMBOL_BYTES_MAX + 1)] {
        assert!(!is_symbol(bad), "{bad:?}");
    }
    assert!(is_title("Euro €") && is_title(" ") && is_title(&long("元", 10)));
    for bad in ["", "a\nb", "\u{7f}", "\u{9f}", &long("元", 11)] {
        assert!(!is_title(bad), "{bad:?}");
    }
}

/// Goal: a validator set has 1 to 100 members in order. Method: none, 100, 101, out of order,
/// twice.
#[test]
fn validators() {
    let validator = |number: u8| Validator {
        key: trine_types::ValidatorKey([number; 34]),
        organisation: OrganisationId(0),
        name: String::new(),
        address: String::new(),
    };
    let encoded = |numbers: &[u8]| {
        let mut encoder = Encoder::default();
        encoder.list16(&numbers.iter().map(|number| validator(*number)).collect::<Vec<_>>());
        ValidatorSet::from_bytes(&encoder.0)
    };
    let many: Vec<u8> = (0..=VALIDATORS_MAX as u8).collect();
    assert!(encoded(&many[..VALIDATORS_MAX]).is_ok());
    assert!(too_large(encoded(&many), VALIDATORS_MAX));
    assert!(matches!(encoded(&[]), Err(DecodeError::Malformed(_))));
    assert!(matches!(encoded(&[2, 1]), Err(DecodeError::NonCanonical(_))));
    assert!(matches!(encoded(&[1, 1]), Err(DecodeError::NonCanonical(_))));
    for (size, quorum) in [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (7, 5), (10, 7), (100, 67)] {
        assert_eq!(encoded(&many[..size]).map(|set| set.quorum()), Ok(quorum), "{size}");
    }
}

/// Goal: events and outcomes are limited. Method: topics, data and events at the limit and past it.
#[test]
fn outcomes() {
    let event = |topics: usize, data: usize| {
        let mut encoder = Encoder::default();
        Address([0; 20]).encode(&mut encoder);
        (topics as u8).encode(&mut encoder);
        (0..topics).for_each(|_| Digest([0; 32]).encode(&mut encoder));
        encoder.bytes32(&vec![0; data]);
        Event::from_bytes(&encoder.0)
    };
    assert!(event(TOPICS_MAX, EVENT_DATA_BYTES_MAX).is_ok());
    assert!(too_large(event(TOPICS_MAX + 1, 0), TOPICS_MAX));
    assert!(too_large(event(0, EVENT_DATA_BYTES_MAX + 1), EVENT_DATA_BYTES_MAX));
    let outcome = |events: usize| {
        let one = Event { emitter: Address([0; 20]), topics: Vec::new(), data: Vec::new() };
        let events = vec![one; events];
        let outcome = Outcome { code: Code::Ok, failed_call: 0, gas_used: 0, events };
        Outcome::from_bytes(&outcome.to_bytes())
    };
    assert!(outcome(EVENTS_MAX).is_ok());
    assert!(too_large(outcome(EVENTS_MAX + 1), EVENTS_MAX));
}

fn header(extension: usize) -> Header {
    Header {
        chain_id: ChainId([0; 32]),
        height: Default::default(),
        epoch: Default::default(),
        view: 0,
        parent_view: 0,
        proposer: trine_types::ValidatorKey([0; 34]),
        parent: Digest::default(),
        time_ms: 0,
        body_root: Digest::default(),
        outcome_root: Digest::default(),
        evidence_root: Digest::default(),
        accounts: Default::default(),
        values: Default::default(),
        parameters_version: 0,
        epoch_change: None,
        extension: vec![0; extension],
    }
}

/// Goal: a header's extension is limited. Method: at the limit and one past it.
#[test]
fn extension_bytes() {
    assert!(Header::from_bytes(&header(EXTENSION_BYTES_MAX).to_bytes()).is_ok());
    let longer = Header::from_bytes(&header(EXTENSION_BYTES_MAX + 1).to_bytes());
    assert!(too_large(longer, EXTENSION_BYTES_MAX));
}

/// Goal: a block has its largest count and size. Method: each at the limit and one past it.
#[test]
fn blocks() {
    let block = |transactions: Vec<bytes::Bytes>| {
        let block = Block { header: header(0), transactions };
        Block::from_shared(&block.to_bytes().into())
    };
    let many = |count: usize, bytes: usize| vec![vec![0; bytes].into(); count];
    assert!(block(many(BLOCK_TRANSACTIONS_MAX, 1)).is_ok());
    assert!(too_large(block(many(BLOCK_TRANSACTIONS_MAX + 1, 1)), BLOCK_TRANSACTIONS_MAX));
    assert!(block(many(128, BLOCK_BYTES_MAX / 128)).is_ok());
    assert!(block(many(128, BLOCK_BYTES_MAX / 128 + 1)).is_err());
}

/// Goal: no limit contradicts another. Method: derive each from those that it must fit.
#[test]
fn limits_fit_each_other() {
    let append = 4 + 1 + MEDIA_TYPE_BYTES_MAX + 1 + EVIDENCE_REFERENCE_BYTES_MAX + 2;
    assert!(append + 32 * ENTRIES_MAX <= ARGUMENTS_BYTES_MAX, "the largest call has its arguments");
    let frame = 1 + 32 + 20 + 1 + 8 + 8 + 1 + 4 + 1 + 2;
    let largest = frame + ARGUMENTS_BYTES_MAX + SIGNATURE_BYTES_MAX;
    assert!(largest <= TRANSACTION_BYTES_MAX, "the largest call fits a transaction");
    const { assert!(PUBLIC_KEY_BYTES_MAX + 3 <= ARGUMENTS_BYTES_MAX, "a key fits a call") };
    const { assert!(TRANSACTION_BYTES_MAX <= BLOCK_BYTES_MAX, "a transaction fits a block") };
    const { assert!(TRANSACTION_BYTES_MAX + 8 <= BATCH_BYTES_MAX, "and a batch") };
    const { assert!(BATCH_TRANSACTIONS_MAX <= BLOCK_TRANSACTIONS_MAX) };
    let validator = 32 + 4 + 1 + NAME_BYTES_MAX + 1 + ADDRESS_TEXT_BYTES_MAX;
    let header = 1_024 + EXTENSION_BYTES_MAX + 2 * (2 + VALIDATORS_MAX * validator);
    assert!(header <= HEADER_BYTES_MAX, "a header holds two validator sets");
    assert!(2 + VALIDATORS_MAX * validator <= STATE_VALUE_BYTES_MAX);
    let proposal = PUBLIC_KEY_BYTES_MAX + 100 + 2 * 4 * ORGANISATIONS_MAX as usize;
    assert!(proposal <= STATE_VALUE_BYTES_MAX, "a proposal holds every organisation's vote");
    // Four events a call: vote, organisation, log, execution.
    const { assert!(4 * CALLS_MAX <= EVENTS_MAX) };
    const { assert!(EVENTS_MAX <= 0xffff && ENTRIES_MAX <= 0xffff && VALIDATORS_MAX <= 0xffff) };
    const { assert!(NONCE_WINDOW <= 128 && ACCOUNT_KEYS_MAX <= 8) };
    for rule in PARAMETERS {
        assert!((rule.min..=rule.max).contains(&rule.default), "{}", rule.name);
    }
    let largest = Parameters(PARAMETERS.map(|rule| rule.max));
    assert_eq!(largest.block_bytes_max(), BLOCK_BYTES_MAX as u64);
    assert_eq!(largest.block_transactions_max(), BLOCK_TRANSACTIONS_MAX as u64);
    let smallest = Parameters(PARAMETERS.map(|rule| rule.min));
    assert!(smallest.block_bytes_max() >= TRANSACTION_BYTES_MAX as u64);
    assert!(largest.account_quota() <= u64::from(u32::MAX), "an account counts in 32 bits");
}
