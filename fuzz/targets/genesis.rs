//! Read genesis documents: the canonical form is one, of the same chain.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trine_types::Genesis;

fuzz_target!(|data: &[u8]| {
    let Ok(genesis) = Genesis::from_json(data) else {
        return;
    };
    let canonical = genesis.canonical_json();
    let again = Genesis::from_json(&canonical).expect("the canonical form is a document");
    assert_eq!(again, genesis);
    assert_eq!(again.canonical_json(), canonical);
    assert_eq!(again.chain_id(), genesis.chain_id());
    assert!(genesis.parameters().is_ok() && genesis.validator_set().is_ok());
    assert!(genesis.balances().is_ok());
});
