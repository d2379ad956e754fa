//! Check the nonce window and the view against naive models.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert_eq, prop_oneof, proptest};
use std::collections::{BTreeMap, BTreeSet};
use trine_types::limits::{NONCE_SLIDE_MAX, NONCE_WINDOW};
use trine_types::{
    Account, Address, Algorithm, Amount, Code, Decode as _, Encode as _, OrganisationId, Roles,
    StateKey, Suite, View,
};

fn fresh() -> Account {
    Account::new(Suite::Intl, OrganisationId(0), Roles::default(), Algorithm::Ed25519, &[0; 32])
}

/// The rule in the words of the reference: a base, and every nonce ever used.
#[derive(Default)]
struct Naive {
    base: u64,
    used: BTreeSet<u64>,
}

impl Naive {
    fn take(&mut self, nonce: u64) -> Result<(), Code> {
        if nonce == u64::MAX || nonce >= self.base.saturating_add(NONCE_WINDOW + NONCE_SLIDE_MAX) {
            return Err(Code::NonceTooFar);
        }
        if nonce < self.base {
            return Err(Code::NonceVoided);
        }
        if !self.used.insert(nonce) {
            return Err(Code::NonceUsed);
        }
        self.base = self.base.max((nonce + 1).saturating_sub(NONCE_WINDOW));
        while self.used.contains(&self.base) {
            self.base += 1;
        }
        Ok(())
    }
}

proptest! {
    /// Goal: the window is the rule. Method: nonces near the moving base, both at once.
    #[test]
    fn the_window_equals_the_naive_rule(steps in vec((0..1_500u64, 0..3u8), 0..400)) {
        let (mut account, mut naive) = (fresh(), Naive::default());
        for (step, kind) in steps {
            let nonce = match kind {
                0 => account.nonce_base + step % 140,
                1 => account.nonce_base + step,
                _ => account.nonce_base.saturating_sub(step % 20),
            };
            let before = account.clone();
            let verdict = account.use_nonce(nonce);
            prop_assert_eq!(before.check_nonce(nonce), verdict);
            prop_assert_eq!(verdict, naive.take(nonce));
            prop_assert_eq!(account.nonce_base, naive.base);
            prop_assert_eq!(account.nonce_used & 1, 0);
            if verdict.is_err() {
                prop_assert_eq!(&account, &before);
            } else {
                prop_assert_eq!(account.check_nonce(nonce).is_err(), true);
            }
        }
    }

    /// Goal: the end of the numbers does not panic. Method: a base near 2^64 and any nonce.
    #[test]
    fn the_last_nonces_are_safe(below in 0..300u64, nonce in u64::MAX - 400..=u64::MAX) {
        let mut account = fresh();
        account.nonce_base = u64::MAX - below;
        let _ = account.use_nonce(nonce);
        prop_assert_eq!(account.use_nonce(u64::MAX), Err(Code::NonceTooFar));
    }

    /// Goal: no account that can be read makes the base overflow. Method: any used nonces at a base
    /// near 2^64; those that are no nonces are refused, and every other account takes any nonce.
    #[test]
    fn used_nonces_stay_below_the_end(
        below in 0..200u64,
        bits in any::<u128>(),
        width in 0..=128u32,
        nonce in u64::MAX - 400..=u64::MAX,
    ) {
        let mut account = fresh();
        account.nonce_base = u64::MAX - below;
        account.nonce_used = bits & !1 & u128::MAX.checked_shr(128 - width).unwrap_or(0);
        let last = account.nonce_used.checked_ilog2().map_or(0, u64::from);
        let is_possible = last == 0 || last < below;
        let read = Account::from_bytes(&account.to_bytes());
        prop_assert_eq!(read.is_ok(), is_possible);
        if let Ok(mut account) = read {
            let _ = account.use_nonce(nonce);
            prop_assert_eq!(Account::from_bytes(&account.to_bytes()), Ok(account));
        }
    }
}

/// Goal: exact edges of the window. Method: each edge and one past it.
#[test]
fn the_window_has_exact_edges() {
    let last = NONCE_WINDOW + NONCE_SLIDE_MAX - 1;
    assert_eq!(fresh().check_nonce(last), Ok(()));
    assert_eq!(fresh().check_nonce(last + 1), Err(Code::NonceTooFar));
    let mut account = fresh();
    assert_eq!(account.use_nonce(NONCE_WINDOW - 1), Ok(()));
    assert_eq!(account.nonce_base, 0);
    assert_eq!(account.use_nonce(NONCE_WINDOW), Ok(()));
    assert_eq!(account.nonce_base, 1);
    assert_eq!(account.check_nonce(0), Err(Code::NonceVoided));
    assert_eq!(account.check_nonce(NONCE_WINDOW), Err(Code::NonceUsed));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Account(u8, u64),
    Value(u8, Option<u8>),
    Begin,
    Commit,
    RollBack,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..6u8, any::<u64>()).prop_map(|(key, balance)| Step::Account(key, balance)),
        (0..6u8, any::<Option<u8>>()).prop_map(|(key, value)| Step::Value(key, value)),
        proptest::strategy::Just(Step::Begin),
        proptest::strategy::Just(Step::Commit),
        proptest::strategy::Just(Step::RollBack),
    ]
}

type Plain = (BTreeMap<u8, u64>, BTreeMap<u8, Option<u8>>);

fn account_with(balance: u64) -> Account {
    Account { balance: Amount(balance), ..fresh() }
}

proptest! {
    /// Goal: reads see writes, and a roll-back takes back exactly those since `begin`. Method:
    /// plain maps with a saved copy.
    #[test]
    fn the_view_equals_plain_maps(steps in vec(step(), 0..60)) {
        let mut view = View::default();
        let (mut plain, mut saved): (Plain, Option<Plain>) = Default::default();
        for key in 0..3u8 {
            view.stage_account(Address([key; 20]), Some(account_with(key.into())));
            view.stage_value(StateKey([key; 32]), Some(vec![key]));
            plain.0.insert(key, key.into());
            plain.1.insert(key, Some(key));
        }
        for step in steps {
            match step {
                Step::Account(key, balance) => {
                    view.put_account(Address([key; 20]), account_with(balance));
                    plain.0.insert(key, balance);
                }
                Step::Value(key, value) => {
                    view.put_value(StateKey([key; 32]), value.map(|byte| vec![byte]));
                    plain.1.insert(key, value);
                }
                Step::Begin => {
                    view.begin();
                    saved = Some(plain.clone());
                }
                Step::Commit => {
                    view.commit();
                    saved = None;
                }
                Step::RollBack => {
                    view.roll_back();
                    plain = saved.take().unwrap_or(plain);
                }
            }
            for key in 0..6u8 {
                let account = view.account(&Address([key; 20])).map(|account| account.balance.0);
                prop_assert_eq!(account, plain.0.get(&key).copied());
                let value = view.value(&StateKey([key; 32])).map(|bytes| bytes[0]);
                prop_assert_eq!(value, plain.1.get(&key).copied().flatten());
            }
        }
        prop_assert_eq!(view.staged_accounts().count(), 3);
        let written = view.unstaged_accounts().count() + view.unstaged_values().count();
        prop_assert_eq!(written <= 6, true);
    }
}
