//! Measure what history costs: core-microseconds and bytes written a transaction, time a lookup.
//!
//! `cargo run -p trine-ledger --example history_cost -- FOLDER [BLOCKS] [TRANSACTIONS A BLOCK]`

use futures::executor::block_on;
use std::{fs, path::Path, sync::Arc, time::Instant};
use trine_ledger::history::{FinalizedBlock, History};
use trine_types::{
    Address, Algorithm, ChainId, Code, Digest, Encode as _, Epoch, Event, Header, Height, Outcome,
    RawCall, StateCommitment, Suite, Transaction, TransactionId, UnsignedTransaction,
    application::Execution, codec::Encoder,
};

const SUITE: Suite = Suite::Intl;
const ACCOUNTS: u64 = 1_000_000;
const LOOKUPS: usize = 1_000;

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn account(number: u64) -> Address {
    let digest = SUITE.hash(&[b"account", &(number % ACCOUNTS).to_be_bytes()]);
    let mut address = [0; 20];
    address.copy_from_slice(&digest.0[..20]);
    Address(address)
}

/// A transfer between two random accounts, and the outcome the rules give it.
fn transfer(state: &mut u64) -> (Arc<Transaction>, Outcome) {
    let (from, to) = (account(random(state)), account(random(state)));
    let amount = random(state) % 10_000;
    let mut arguments = Encoder::default();
    1u32.encode(&mut arguments);
    to.encode(&mut arguments);
    amount.encode(&mut arguments);
    0u8.encode(&mut arguments);
    let body = UnsignedTransaction {
        chain_id: ChainId([1; 32]),
        sender: from,
        key_index: 0,
        nonce: random(state) % 100,
        valid_until_ms: 1_800_000_000_000,
        calls: [RawCall { module: 5, method: 3, arguments: arguments.0.into() }].into(),
    };
    let signature: Vec<u8> = (0..8).flat_map(|_| random(state).to_be_bytes()).collect();
    let transaction = body.with_signature(SUITE, Algorithm::Ed25519, signature);
    let mut data = Encoder(vec![3]);
    1u32.encode(&mut data);
    amount.encode(&mut data);
    data.bytes8(&[]);
    let topics = vec![Event::address_topic(&from), Event::address_topic(&to)];
    let event = Event { emitter: Event::module_emitter(5), topics, data: data.0 };
    let outcome = Outcome { code: Code::Ok, failed_call: 0, gas_used: 1, events: vec![event] };
    (Arc::new(transaction), outcome)
}

fn block(height: u64, transactions: usize, state: &mut u64) -> Arc<FinalizedBlock> {
    let (transactions, outcomes): (Vec<_>, Vec<_>) =
        (0..transactions).map(|_| transfer(state)).unzip();
    let header = Header {
        chain_id: ChainId([1; 32]),
        height: Height(height),
        epoch: Epoch(0),
        view: height,
        parent_view: height - 1,
        proposer: trine_types::ValidatorKey([1; 34]),
        parent: Digest([2; 32]),
        time_ms: 1_700_000_000_000 + height,
        body_root: Digest([3; 32]),
        outcome_root: Digest([4; 32]),
        evidence_root: Digest([5; 32]),
        accounts: StateCommitment::default(),
        values: StateCommitment::default(),
        parameters_version: 0,
        epoch_change: None,
        extension: Vec::new(),
    };
    let execution = Arc::new(Execution {
        outcomes,
        log_appends: Vec::new(),
        parameters_version: 0,
        next_validators: None,
    });
    let digest = header.digest(SUITE);
    Arc::new(FinalizedBlock { header, digest, transactions: transactions.into(), execution })
}

/// Microseconds of all threads of this process (fields 14 and 15 of `proc_pid_stat(5)`).
fn cpu_us() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux tells the time of a process");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| fields[at].parse::<u64>().unwrap_or_default();
    (ticks(12) + ticks(13)) * 10_000
}

/// Bytes this process caused to be written to storage (`proc_pid_io(5)`).
fn written() -> u64 {
    let io = fs::read_to_string("/proc/self/io").expect("Linux tells what a process writes");
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn time_lookups(name: &str, mut lookup: impl FnMut(usize)) {
    let start = Instant::now();
    (0..LOOKUPS).for_each(&mut lookup);
    println!("{name}: {:.0} us", start.elapsed().as_secs_f64() * 1e6 / LOOKUPS as f64);
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("the first argument is a folder");
    let mut number = |default| arguments.next().map_or(default, |text| text.parse().unwrap());
    let (blocks, size): (usize, usize) = (number(250), number(4_000));
    let history = History::open(Path::new(&folder), SUITE, ChainId([1; 32]), 0).unwrap();
    let mut state = 0x9e37_79b9_7f4a_7c15;
    let mut samples: Vec<(TransactionId, Address)> = Vec::new();
    let (mut cpu, mut wall, io) = (0, 0.0, written());
    let first = history.last_height().map_or(1, |height| height.0 + 1);
    state ^= first;
    for height in first..first + blocks as u64 {
        let block = block(height, size, &mut state);
        let sampled = block.transactions.iter().step_by(size / 4 + 1);
        samples.extend(sampled.map(|one| (one.id, one.body.sender)));
        let (cpu_before, start) = (cpu_us(), Instant::now());
        block_on(history.append(block)).unwrap();
        cpu += cpu_us() - cpu_before;
        wall += start.elapsed().as_secs_f64();
    }
    let total = (blocks * size) as f64;
    println!("append: {:.2} core-us a transaction (ticks of 10 ms)", cpu as f64 / total);
    println!("append: {:.1} ms a block, waiting for the sync", wall * 1e3 / blocks as f64);
    let pick = |at: usize| samples[at * 7_919 % samples.len()];
    time_lookups("transaction by id", |at| {
        assert!(history.transaction(&pick(at).0).unwrap().is_some());
    });
    time_lookups("an id that is not there", |at| {
        assert_eq!(history.transaction(&TransactionId([at as u8; 32])).unwrap(), None);
    });
    time_lookups("ten transactions of an account", |at| {
        assert!(!history.recent_transactions(&pick(at).1, 10).unwrap().is_empty());
    });
    let (segments, index) = history.bytes().unwrap();
    println!("records: {:.0} B a transaction", segments as f64 / total);
    println!("index: {:.0} B a transaction on disk", index as f64 / total);
    drop(history);
    println!("written: {:.0} B a transaction", (written() - io) as f64 / total);
    let start = Instant::now();
    drop(History::open(Path::new(&folder), SUITE, ChainId([1; 32]), 0).unwrap());
    println!("open again: {:.2} s", start.elapsed().as_secs_f64());
}
