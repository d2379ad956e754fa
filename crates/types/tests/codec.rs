//! Check that every value has one encoding and that no bytes make a decoder panic.
//!
//! `PROPTEST_CASES=100000 cargo test -p trine-types --test codec` is a longer run.

use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::{TestCaseError, TestRunner};
use trine_testkit::{arbitrary, secret_key, suite};
use trine_types::call::{Action, PublicKey, TransferReference};
use trine_types::record::{
    AccountKey, Asset, Counters, Log, Organisation, Parameters, Proposal, Transfer,
};
use trine_types::transaction::peek_sender;
use trine_types::x509::{CertificateRegistry, MemberCertificate};
use trine_types::{
    Account, Address, Block, Call, ChainId, Decode, DecodeError, Encode, EpochChange, Event,
    Header, Outcome, RawCall, Suite, Transaction, UnsignedTransaction, ValidatorSet,
};

/// What a decoder must do with the encoding of a value, with every cut of it, with a byte after it,
/// and with changed bytes.
fn check<T: PartialEq + std::fmt::Debug>(
    value: &T,
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
    encode: impl Fn(&T) -> Vec<u8>,
    changes: &[(usize, u8)],
) -> Result<(), TestCaseError> {
    let again = decode(bytes);
    prop_assert_eq!(again.as_ref(), Ok(value));
    for length in 0..bytes.len() {
        prop_assert!(decode(&bytes[..length]).is_err(), "the first {} bytes", length);
    }
    let longer = [bytes, &[0]].concat();
    prop_assert!(decode(&longer).is_err(), "a byte follows");
    for (place, mask) in changes {
        let mut changed = bytes.to_vec();
        if changed.is_empty() {
            continue;
        }
        let place = place % changed.len();
        changed[place] ^= mask;
        if let Ok(other) = decode(&changed) {
            prop_assert_eq!(encode(&other), changed, "two encodings of {:?}", other);
        }
    }
    Ok(())
}

fn changes() -> impl Strategy<Value = Vec<(usize, u8)>> {
    proptest::collection::vec((any::<usize>(), 1..=u8::MAX), 0..40)
}

fn run<T: PartialEq + std::fmt::Debug>(
    values: impl Strategy<Value = T>,
    decode: fn(&[u8]) -> Result<T, DecodeError>,
    encode: fn(&T) -> Vec<u8>,
) {
    let mut runner = TestRunner::default();
    let cases = (values, changes());
    let result = runner
        .run(&cases, |(value, changes)| check(&value, &encode(&value), decode, encode, &changes));
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

macro_rules! one_encoding {
    ($($name:ident: $type:ty = $values:expr;)*) => {$(
        /// Goal: one encoding a value. Method: round trip, every cut, a byte more, changed bytes.
        #[test]
        fn $name() {
            run::<$type>($values, <$type>::from_bytes, <$type>::to_bytes);
        }
    )*};
}

one_encoding! {
    public_key: PublicKey = arbitrary::key();
    action: Action = arbitrary::action();
    transfer_reference: TransferReference = arbitrary::reference();
    raw_call: RawCall = arbitrary::raw_call();
    unsigned_transaction: UnsignedTransaction = arbitrary::unsigned();
    event: Event = arbitrary::event();
    outcome: Outcome = arbitrary::outcome();
    account: Account = arbitrary::account();
    counters: Counters = arbitrary::counters();
    parameters: Parameters = arbitrary::parameters();
    organisation: Organisation = arbitrary::organisation();
    account_key: AccountKey = arbitrary::account_key();
    log: Log = arbitrary::log();
    asset: Asset = arbitrary::asset();
    transfer: Transfer = arbitrary::transfer();
    proposal: Proposal = arbitrary::proposal();
    member_certificate: MemberCertificate = arbitrary::member_certificate();
    certificate_registry: CertificateRegistry = arbitrary::certificate_registry();
    validators: ValidatorSet = arbitrary::validators();
    epoch_change: EpochChange = arbitrary::epoch_change();
    header: Header = arbitrary::header();
}

/// Goal: one encoding a transaction, and the bytes are kept. Method: as above.
#[test]
fn transaction() {
    let decode = |bytes: &[u8]| Transaction::from_bytes(Suite::Intl, bytes.to_vec().into());
    run(arbitrary::transaction(), decode, |transaction| transaction.bytes.to_vec());
}

/// Goal: one encoding a block. Method: as above.
#[test]
fn block() {
    run(arbitrary::block(), |bytes| Block::from_shared(&bytes.to_vec().into()), Block::to_bytes);
}

/// Goal: one encoding a call. Method: as above, over the arguments of each method.
#[test]
fn call() {
    let mut runner = TestRunner::default();
    let result = runner.run(&(arbitrary::call(), changes()), |(call, changes)| {
        let raw = call.to_raw();
        let decode = |bytes: &[u8]| {
            Call::from_raw(&RawCall { arguments: bytes.into(), ..raw.clone() })
                .map_err(|_| DecodeError::Malformed("arguments"))
        };
        check(
            &call,
            &raw.arguments,
            decode,
            |call: &Call| call.to_raw().arguments.to_vec(),
            &changes,
        )
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

macro_rules! any_bytes {
    ($bytes:expr; $($type:ty),*) => {$(
        if let Ok(value) = <$type>::from_bytes($bytes) {
            let again = value.to_bytes();
            prop_assert_eq!(again.as_slice(), $bytes);
        }
    )*};
}

proptest! {
    /// Goal: no bytes make a decoder panic or read a second encoding. Method: random bytes, most of
    /// them small so that lengths and counts are often possible.
    #[test]
    fn any_bytes_are_decoded_or_refused(
        noise in proptest::collection::vec(any::<u8>(), 0..300),
        small in proptest::collection::vec(0..4u8, 0..300),
    ) {
        for bytes in [noise.as_slice(), small.as_slice()] {
            any_bytes!(bytes; PublicKey, Action, TransferReference, RawCall, UnsignedTransaction,
                Event, Outcome, Account, Counters, Parameters, Organisation, AccountKey, Log, Asset,
                Transfer, Proposal, MemberCertificate, CertificateRegistry, ValidatorSet,
                EpochChange, Header);
            if let Ok(transaction) = Transaction::from_bytes(Suite::Intl, bytes.to_vec().into()) {
                let body = transaction.body.to_bytes();
                prop_assert!(transaction.bytes.starts_with(&body));
            }
            if let Ok(block) = Block::from_shared(&bytes.to_vec().into()) {
                prop_assert_eq!(block.to_bytes(), bytes);
            }
            for (module, _, method, _) in trine_types::call::METHODS {
                let (module, method) = (*module, *method);
                let raw = RawCall { module, method, arguments: bytes.into() };
                if let Ok(call) = Call::from_raw(&raw) {
                    prop_assert_eq!(call.to_raw(), raw);
                }
            }
        }
    }

    /// Goal: the identifier covers everything but the signature. Method: change one byte of either.
    #[test]
    fn the_id_covers_what_is_signed(
        transaction in arbitrary::transaction(),
        place in any::<usize>(),
        mask in 1..=u8::MAX,
    ) {
        let signature_at = transaction.bytes.len() - transaction.signature.len();
        let place = place % transaction.bytes.len();
        let mut changed = transaction.bytes.to_vec();
        changed[place] ^= mask;
        if let Ok(other) = Transaction::from_bytes(Suite::Intl, changed.into()) {
            prop_assert_eq!(other.id == transaction.id, place >= signature_at);
        }
    }
}

/// Goal: only what was verified counts as verified, and a copy, which can be changed, does not.
/// Method: note one key; ask for it, for another, and on a copy.
#[test]
fn a_copy_of_a_transaction_is_not_verified() {
    let body = UnsignedTransaction {
        chain_id: ChainId([1; 32]),
        sender: Address([2; 20]),
        key_index: 0,
        nonce: 3,
        valid_until_ms: 4,
        calls: [Call::KeyRevoke { key_index: 1 }.to_raw()].into(),
    };
    let transaction = body.sign(suite(), &secret_key("alice"));
    assert_eq!(peek_sender(&transaction.bytes), Some((Address([2; 20]), 3)));
    assert!(!transaction.is_signed());
    transaction.note_verified(b"key");
    assert!(transaction.is_signed() && transaction.is_verified(b"key"));
    assert!(!transaction.is_verified(b"other"));
    let copy = transaction.clone();
    assert_eq!(copy, transaction);
    assert!(!copy.is_signed() && !copy.is_verified(b"key"));
}
