//! Read signed statements of the usual form, alone and in an array.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trine_types::Algorithm;
use trine_verify::signed_statement::{SignedStatement, byte_strings, verify_signed};

const BYTES: u8 = 0x40;
const TEXT: u8 = 0x60;
const COUNT_MAX: usize = 16;

fn head(kind: u8, argument: u64) -> Vec<u8> {
    let bytes = argument.to_be_bytes();
    match argument {
        0..24 => vec![kind | bytes[7]],
        24..0x100 => vec![kind | 24, bytes[7]],
        0x100..0x1_0000 => [&[kind | 25], &bytes[6..]].concat(),
        0x1_0000..0x1_0000_0000 => [&[kind | 26], &bytes[4..]].concat(),
        _ => [&[kind | 27], &bytes[..]].concat(),
    }
}

fn string(kind: u8, content: &[u8]) -> Vec<u8> {
    [head(kind, content.len() as u64), content.to_vec()].concat()
}

/// The protected header that says what was read, with the algorithm as it stands in it.
fn protected(read: &SignedStatement<'_>) -> Vec<u8> {
    let bytes = if read.algorithm == Algorithm::Sm2 { 5 } else { 1 };
    let time = read.issued_at_s.map(|time_s| [vec![6], head(0, time_s)].concat());
    [
        &read.protected[..2 + bytes],
        &[3],
        &string(TEXT, read.content_type.as_bytes()),
        &[4],
        &string(BYTES, read.key_id),
        &[15, if time.is_some() { 0xa3 } else { 0xa2 }, 1],
        &string(TEXT, read.issuer.as_bytes()),
        &[2],
        &string(TEXT, read.subject.as_bytes()),
        &time.unwrap_or_default(),
    ]
    .concat()
}

fn statement(data: &[u8]) {
    let Some(read) = SignedStatement::read(data) else {
        return;
    };
    assert_eq!(read.protected, protected(&read));
    let written = [
        &[0xd2, 0x84],
        &string(BYTES, read.protected)[..],
        &[0xa0],
        &string(BYTES, read.payload),
        &string(BYTES, read.signature),
    ];
    assert_eq!(data, written.concat());
    // Nobody has signed with the point at infinity.
    assert_eq!(verify_signed(read.algorithm, &[&[0; 33]], &[data]), [false]);
}

fuzz_target!(|data: &[u8]| {
    statement(data);
    if let Some(items) = byte_strings(data, COUNT_MAX) {
        let written: Vec<Vec<u8>> = items.iter().map(|item| string(BYTES, item)).collect();
        assert_eq!(data, [head(0x80, items.len() as u64), written.concat()].concat());
        items.into_iter().for_each(statement);
    }
});
