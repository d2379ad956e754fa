//! Measure what the rules cost a transfer: naming entries, staging, building, executing.
//!
//! `cargo run -p trine-rules --example hot_path`

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use trine_rules::Rules;
use trine_testkit::{MemoryLedger, genesis};
use trine_types::application::Application;
use trine_types::call::TransferReference;
use trine_types::genesis::GeneratedAccounts;
use trine_types::{
    Address, Algorithm, Amount, AssetId, Call, Genesis, Height, OrganisationId, Suite, Transaction,
    UnsignedTransaction,
};

/// Accounts of the chain; each block touches two for each transaction.
const ACCOUNTS: usize = 16_384;
/// Transactions of one block.
const TRANSACTIONS: usize = 8_192;
/// Repetitions; the fastest counts, since other programs only ever slow one down.
const REPEATS: usize = 20;

fn document() -> Genesis {
    let mut genesis = genesis(&["alpha"], &[], 1);
    genesis.generated_accounts = Some(GeneratedAccounts {
        organisation: OrganisationId(0),
        seed: "load".to_owned(),
        count: ACCOUNTS as u64,
        balance: Amount(1_000),
    });
    genesis
}

fn transfers(genesis: &Genesis, reference: bool) -> Vec<Transaction> {
    let generated = genesis.generated_accounts.as_ref().expect("the document generates accounts");
    let keys: Vec<_> =
        (0..ACCOUNTS).map(|place| generated.secret_key(Suite::Intl, place as u64)).collect();
    let address = |place: usize| {
        Address::of_key(Suite::Intl, Algorithm::Ed25519, &keys[place % ACCOUNTS].public_key())
    };
    let chain_id = genesis.chain_id();
    (0..TRANSACTIONS)
        .map(|place| {
            let reference = reference.then(|| TransferReference(place.to_be_bytes().repeat(2)));
            let (asset, to) = (AssetId::PRIMARY, address(2 * place + 1));
            let call = Call::AssetTransfer { asset, to, amount: Amount(1), reference };
            let body = UnsignedTransaction {
                chain_id,
                sender: address(2 * place),
                key_index: 0,
                nonce: 0,
                valid_until_ms: u64::MAX,
                calls: [call.to_raw()].into(),
            };
            body.sign(Suite::Intl, &keys[2 * place % ACCOUNTS])
        })
        .collect()
}

fn fastest(mut run: impl FnMut() -> u128) -> f64 {
    let nanoseconds = (0..REPEATS).map(|_| run()).min().unwrap_or(0);
    nanoseconds as f64 / TRANSACTIONS as f64
}

fn main() {
    let genesis = document();
    let rules = Arc::new(Rules::new(&genesis).expect("the document is consistent"));
    let ledger = MemoryLedger::new(&genesis, rules.clone()).expect("the document is consistent");
    let context = ledger.context(Height(1), genesis.time_ms + 1_000);
    for reference in [false, true] {
        let transactions = transfers(&genesis, reference);
        let block: Vec<&Transaction> = transactions.iter().collect();
        let mut view = ledger.stage(&context, &block);
        let timed = |run: &mut dyn FnMut()| {
            let start = Instant::now();
            run();
            start.elapsed().as_nanos()
        };
        let accounts = fastest(|| timed(&mut || drop(black_box(rules.accounts(&block)))));
        let values =
            fastest(|| timed(&mut || drop(black_box(rules.values(&context, &block, &view)))));
        let keys = fastest(|| {
            timed(&mut || {
                for transaction in &block {
                    let _ = black_box(rules.signer_key(&context, transaction, &view));
                }
            })
        });
        let build = fastest(|| {
            let mut view = ledger.stage(&context, &block);
            timed(&mut || drop(black_box(rules.build(&context, &block, &mut view))))
        });
        let executed = rules.execute(&context, &block, &mut view);
        let good = executed.is_ok_and(|all| all.outcomes.iter().all(|one| one.events.len() == 1));
        assert!(good, "every transfer succeeds");
        println!(
            "reference {reference}: ns a transaction: accounts {accounts:.0}, values {values:.0}, \
             signer keys {keys:.0}, build {build:.0}"
        );
    }
}
