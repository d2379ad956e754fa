//! Test that a state which is written in parts is all there, and the same each time.

use super::{PART_ENTRIES, write_cold, write_hot};
use crate::databases::{self, ColdDb, Config, HotDb, Location};
use crate::execute::{cold_key, decode_account, hot_key};
use commonware_cryptography::Sha256;
use commonware_parallel::Rayon;
use commonware_runtime::{
    Runner as _, Supervisor as _,
    buffer::paged::CacheRef,
    deterministic::{self, Context},
};
use commonware_utils::{NZU16, NZUsize};
use trine_types::{
    Account, Address, Algorithm, Amount, OrganisationId, Roles, StateKey, Suite,
    application::GenesisState,
};

const ENTRIES: u8 = 40;
const SUITE: Suite = Suite::Intl;

fn state() -> GenesisState {
    let account = |number| {
        let (owner, key) = (OrganisationId(0), [number; 32]);
        let mut account = Account::new(SUITE, owner, Roles::default(), Algorithm::Ed25519, &key);
        account.balance = Amount(u64::from(number));
        (Address::of_key(SUITE, Algorithm::Ed25519, &key), account)
    };
    let value = |number| (StateKey([number; size_of::<StateKey>()]), vec![number]);
    let mut accounts: Vec<_> = (0..ENTRIES).map(account).collect();
    accounts.sort_by_key(|(address, _)| *address);
    GenesisState { accounts, values: (0..ENTRIES).map(value).collect() }
}

fn config(prefix: &str) -> Config {
    let strategy = Rayon::new(NZUsize!(1)).unwrap();
    let cache = CacheRef::new(NZU16!(4_096), NZUsize!(64));
    databases::config(SUITE, prefix, &cache, &strategy)
}

/// Commitments to both databases after `state` was written with at most so many entries at once.
async fn write(
    context: &Context,
    prefix: &str,
    state: &GenesisState,
    entries_max: usize,
) -> [trine_types::StateCommitment; 2] {
    let (_, (hot, cold)) = config(prefix);
    [
        write_hot::<_, Sha256>(context, hot, state, entries_max).await.unwrap(),
        write_cold::<_, Sha256>(context, cold, state, entries_max).await.unwrap(),
    ]
}

/// Goal: entries of every part are in the state that the commitments name. Method: forty accounts
/// and values in parts of twelve, so that the last is shorter; open the databases where the
/// commitments say and read all.
#[test]
fn a_state_in_parts_has_every_entry() {
    deterministic::Runner::seeded(1).start(|context| async move {
        let state = state();
        let [accounts, values] = write(&context, "parts", &state, 12).await;
        let (_, (hot, cold)) = config("parts");
        let at = |size| Some(Location::new(size));
        let hot = HotDb::<_, Sha256>::init(context.child("again"), hot, at(accounts.size));
        let (hot, cold) = (
            hot.await.unwrap(),
            ColdDb::<_, Sha256>::init(context.child("again"), cold, at(values.size)).await.unwrap(),
        );
        assert_eq!(hot.root().0, accounts.root.0);
        assert_eq!(cold.root().0, values.root.0);
        for (address, account) in &state.accounts {
            let found = hot.get_many(&[&hot_key(address)]).await.unwrap().remove(0).unwrap();
            assert_eq!(&decode_account(&found).unwrap(), account);
        }
        for (key, value) in &state.values {
            let found = cold.get_many(&[&cold_key(key)]).await.unwrap().remove(0);
            assert_eq!(found.as_ref(), Some(value));
        }
    });
}

/// Goal: the number of entries of a part is a rule of the chain, and one part is what it always
/// was. Method: roots with parts of twelve, of forty and of the chain's number; the last two are
/// the same, the first is not.
#[test]
fn a_state_that_fits_one_part_has_the_root_of_one() {
    deterministic::Runner::seeded(2).start(|context| async move {
        let state = state();
        let whole = write(&context, "whole", &state, usize::from(ENTRIES)).await;
        assert_eq!(write(&context, "chain", &state, PART_ENTRIES).await, whole);
        let parts = write(&context, "parts", &state, 12).await;
        assert_ne!(parts[0].root, whole[0].root);
        assert_ne!(parts[1].root, whole[1].root);
    });
}

/// Goal: a write that a crash ended starts over. Method: write other parts first, whose operations
/// stay behind, then the state; its commitments are those of an empty folder.
#[test]
fn operations_of_an_earlier_start_do_not_count() {
    deterministic::Runner::seeded(3).start(|context| async move {
        let state = state();
        let expected = write(&context, "empty", &state, 12).await;
        write(&context, "used", &state, 7).await;
        assert_eq!(write(&context, "used", &state, 12).await, expected);
    });
}

/// Goal: a state without accounts has a root too. Method: write none; the commitment has a size.
#[test]
fn a_state_without_entries_is_written() {
    deterministic::Runner::seeded(4).start(|context| async move {
        let [accounts, values] = write(&context, "none", &GenesisState::default(), 12).await;
        assert!(accounts.size > 0 && values.size > 0);
    });
}
