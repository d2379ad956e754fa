//! Read accounts and use nonces: whatever the state holds, what is written can be read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trine_fuzz::read;
use trine_types::{Account, account::ACCOUNT_BYTES};

fuzz_target!(|data: &[u8]| {
    let Some((data, rest)) = data.split_at_checked(ACCOUNT_BYTES) else {
        read::<Account>(data);
        return;
    };
    let Some(mut account) = read::<Account>(data) else {
        return;
    };
    assert_eq!(account.to_array(), data);
    assert!(account.first_key().len() <= account.key.len());
    for offset in rest.iter().take(8) {
        let nonce = account.nonce_base.saturating_add(u64::from(*offset));
        if account.use_nonce(nonce).is_ok() {
            assert!(account.check_nonce(nonce).is_err(), "nonce {nonce} can be used twice");
            assert_eq!(read::<Account>(&account.to_array()).as_ref(), Some(&account));
        }
    }
});
