//! Run one validator of a test chain as a process that a test can kill.
//!
//! Arguments: folder, number of this validator, blocks of an epoch, addresses of all validators.
//! Standard input takes one transaction a line, as account, nonce and amount, or the word `state`.
//! Standard output tells of every durable block (`block`, height, digest, transactions) and, when
//! asked, of the state (`state`, height, sum of all counters).

#[path = "../tests/support/mod.rs"]
mod support;

use commonware_runtime::Clock as _;
use std::{
    io::BufRead as _,
    num::NonZeroU64,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use support::{
    ACCOUNTS, Counters, EverySignature, NoLogs, Queue, Seen, Witness, add, address, counter_key,
    genesis, secret,
};
use trine_consensus::{Config, Link, NetworkConfig, Parts, ProcessConfig, address_book, run};
use trine_crypto::VoteSigner;
use trine_ledger::state::StateReader;
use trine_types::Genesis;

fn main() {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number: u8 = arguments[1].parse().expect("number of the validator");
    let blocks_per_epoch: u64 = arguments[2].parse().expect("blocks of an epoch");
    let addresses = &arguments[3..];
    let genesis = Arc::new(genesis(blocks_per_epoch, addresses));
    let queue = Arc::new(Queue::default());
    let seen = Arc::new(Mutex::new(Seen::default()));
    let parts = Parts {
        genesis: genesis.clone(),
        application: Arc::new(Counters::default()),
        checker: Arc::new(EverySignature),
        source: queue.clone(),
        observer: Arc::new(Witness { seen: seen.clone(), queue: queue.clone() }),
        log_heads: Arc::new(NoLogs),
        incoming: Arc::new(|_| ()),
    };
    let key = VoteSigner::new(secret(b'v', number));
    let key = key.expect("validators use the suite's algorithm");
    let folder = PathBuf::from(&arguments[0]);
    let length = NonZeroU64::new(blocks_per_epoch).expect("epochs have blocks");
    let mut engine = Config::new(Some(key), length);
    engine.cache_bytes = 16 << 20;
    engine.timing.idle_ms = 100;
    let validators = genesis.validator_set().expect("the test's keys are keys");
    let config = ProcessConfig {
        engine,
        storage: folder.join("data"),
        link: Link::Network(NetworkConfig {
            permit: folder.join("first-start"),
            listen: addresses[usize::from(number)].parse().expect("address of this validator"),
            fixed: address_book(&validators).expect("addresses of the validators"),
            peers_max: 32,
        }),
        workers: 1,
    };
    let asked = Arc::new(AtomicBool::new(false));
    let ask = asked.clone();
    std::thread::spawn(move || read_commands(&genesis, &queue, &ask));
    let result = run(config, parts, |context, running| {
        let state = running.state();
        async move {
            let state = state.await;
            let mut told = 0;
            loop {
                told = tell(&seen, told);
                if asked.swap(false, Ordering::AcqRel) {
                    tell_state(state.as_ref()).await;
                }
                context.sleep(Duration::from_millis(10)).await;
            }
        }
    });
    let Err(error) = result.map(|never: std::convert::Infallible| match never {});
    eprintln!("{error}");
    std::process::exit(1);
}

fn read_commands(genesis: &Genesis, queue: &Queue, ask: &AtomicBool) {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        if line == "state" {
            ask.store(true, Ordering::Release);
            continue;
        }
        let words: Vec<u64> = line.split(' ').map(|word| word.parse().expect("number")).collect();
        queue.add(add(genesis, words[0] as u8, words[1], words[2]));
    }
    std::process::exit(0);
}

/// Prints the height of the state and the sum of all counters.
async fn tell_state(state: &dyn StateReader) {
    let keys = (0..ACCOUNTS).map(|number| counter_key(address(number))).collect();
    let (values, height) = state.values(keys).await.expect("the state can be read");
    let counter = |bytes: &Vec<u8>| u64::from_be_bytes(bytes[..].try_into().expect("8 bytes"));
    let sum: u64 = values.iter().flatten().map(counter).sum();
    println!("state {height} {sum}");
}

/// Prints the blocks that became durable: height, digest, transactions.
fn tell(seen: &Mutex<Seen>, told: u64) -> u64 {
    let seen = seen.lock().expect("nothing panics with this lock");
    assert!(seen.faults.is_empty(), "{:?}", seen.faults);
    let durable = seen.durable.max(told);
    for (height, digest) in seen.blocks.range(told + 1..durable + 1) {
        let ids = seen.transactions.iter().filter(|(_, heights)| heights.contains(height));
        let ids: Vec<String> = ids.map(|(id, _)| id.to_string()).collect();
        println!("block {height} {digest} {}", ids.join(" "));
    }
    durable
}
