//! Read the values of the cold state; the first byte is the number of the table.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trine_fuzz::read;
use trine_types::record::{
    AccountKey, Asset, Counters, Log, Organisation, Parameters, Proposal, Transfer,
};
use trine_types::x509::{CertificateRegistry, MemberCertificate};
use trine_types::{Address, Amount, AssetId, LogId, OrganisationId, ValidatorSet};

fuzz_target!(|data: &[u8]| {
    let Some((table, value)) = data.split_first() else {
        return;
    };
    match table {
        1 => drop(read::<Counters>(value)),
        2 => drop(read::<Parameters>(value)),
        3 => drop(read::<ValidatorSet>(value)),
        4 => drop(read::<Organisation>(value)),
        5 => drop(read::<OrganisationId>(value)),
        6 => drop(read::<AccountKey>(value)),
        7 => drop(read::<Log>(value)),
        8 => drop(read::<LogId>(value)),
        9 => drop(read::<Asset>(value)),
        10 => drop(read::<AssetId>(value)),
        11 => drop(read::<Amount>(value)),
        12 => drop(read::<Transfer>(value)),
        13 => drop(read::<Proposal>(value)),
        14 => drop(read::<CertificateRegistry>(value)),
        15 => drop(read::<MemberCertificate>(value)),
        16 => drop(read::<Address>(value)),
        _ => (),
    }
});
