//! Read a block behind its certificate as another node sends it: nothing is believed but what the
//! validators signed, to the bit.

#![no_main]

use bytes::Bytes;
use commonware_codec::{Decode as _, Encode as _};
use commonware_consensus::simplex::types::{Finalize, Proposal};
use commonware_consensus::types::{Epoch as EngineEpoch, Round, View};
use commonware_parallel::Sequential;
use commonware_utils::non_empty;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use trine_crypto::SecretKey;
use trine_fuzz::SUITE;
use trine_ledger::Block;
use trine_ledger::committees::members;
use trine_ledger::finality::{namespace, read_final};
use trine_ledger::preset::{BlockDigest, Finalization, PrivateKey, Scheme};
use trine_types::{
    Algorithm, ChainId, Epoch, EpochChange, OrganisationId, Validator, ValidatorKey, ValidatorSet,
};

const CHAIN_ID: ChainId = ChainId([7; 32]);
const EPOCH: Epoch = Epoch(3);
const VALIDATORS: u8 = 4;

/// The validators of the epoch, and what each signs with.
struct Committee {
    change: EpochChange,
    schemes: Vec<Scheme>,
}

static COMMITTEE: LazyLock<Committee> = LazyLock::new(|| {
    let secret = |number: u8| {
        SecretKey::from_bytes(Algorithm::Ed25519, &[number; 32]).expect("32 bytes are a key")
    };
    let validator = |number: u8| Validator {
        key: ValidatorKey::new(Algorithm::Ed25519, &secret(number).public_key()).expect("a key"),
        organisation: OrganisationId(number.into()),
        name: format!("n{number}"),
        address: format!("127.0.0.1:{}", 9_000 + u16::from(number)),
    };
    let validators = ValidatorSet::new((1..=VALIDATORS).map(validator).collect());
    let validators = validators.expect("no key stands twice");
    let scheme = |number: u8| {
        let key = PrivateKey::new(secret(number)).expect("validators sign with such keys");
        let scheme = Scheme::signer(&namespace(CHAIN_ID), members(&validators), key);
        scheme.expect("it is a validator's key")
    };
    let schemes = (1..=VALIDATORS).map(scheme).collect();
    Committee { schemes, change: EpochChange { epoch: EPOCH, validators, following: None } }
});

/// Certifies a block as a quorum does.
fn certify(block: &Block) -> Finalization {
    let Committee { change, schemes } = &*COMMITTEE;
    let round = Round::new(EngineEpoch::new(EPOCH.0), View::new(2));
    let proposal = Proposal::new(round, View::new(1), BlockDigest::from(block.id().0));
    let votes: Vec<_> = schemes
        .iter()
        .take(change.validators.quorum())
        .map(|scheme| Finalize::sign(scheme, proposal.clone()).expect("it may sign"))
        .collect();
    Finalization::from_finalizes(&schemes[0], non_empty![@votes.iter()], &Sequential)
        .expect("they are a quorum")
}

fn read(sent: Bytes) -> Option<Block> {
    let config = (VALIDATORS.into(), SUITE);
    if let Ok(decoded) = <(Finalization, Block)>::decode_cfg(sent.clone(), &config) {
        assert_eq!(decoded.encode(), sent, "a second encoding of a block behind its certificate");
    }
    let (_, block) = read_final(SUITE, CHAIN_ID, sent, &COMMITTEE.change).ok()?;
    Some(block)
}

// The first byte says how many bytes are spoiled of what is sent for the block at the end; each has
// two bytes that say where, and one that says how.
fuzz_target!(|data: &[u8]| {
    let bytes = Bytes::copy_from_slice(data);
    assert!(read(bytes.clone()).is_none(), "nobody signed this");
    let Some(count) = data.first().map(|first| usize::from(first % 4)) else { return };
    let Some((edits, block)) = data[1..].split_at_checked(3 * count) else { return };
    let block = trine_types::Block::from_shared(&Bytes::copy_from_slice(block));
    let Ok(mut block) = block else { return };
    block.header.body_root = block.body_root(SUITE);
    (block.header.chain_id, block.header.epoch) = (CHAIN_ID, EPOCH);
    let Ok(block) = Block::new(SUITE, block) else { return };
    let certified = (certify(&block), block.clone()).encode();
    let mut sent = certified.to_vec();
    for [high, low, mask] in edits.as_chunks::<3>().0 {
        let place = usize::from(u16::from_be_bytes([*high, *low])) % sent.len();
        sent[place] ^= mask;
    }
    match read(sent.clone().into()) {
        Some(read) => {
            assert!(certified == sent, "other bytes were believed");
            assert_eq!(read.header(), block.header());
        }
        None => assert!(certified != sent, "what the validators signed was refused"),
    }
});
