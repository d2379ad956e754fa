//! Read and write the deterministic subset of CBOR that proof files use.
//!
//! `check` walks an item once and refuses everything that is not its one encoding; what follows
//! then reads typed values without looking at the encoding again.

use crate::error::VerifyError;
use minicbor::{Decoder, Encoder, data::Type, decode::Error};
use trine_types::limits::PROOF_NESTING_MAX;

/// Why bytes are not one item in deterministic encoding.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The item goes on after the last byte.
    EndsEarly,
    /// Anything else.
    Not(&'static str),
}

impl From<Error> for Flaw {
    fn from(error: Error) -> Self {
        match error.is_end_of_input() {
            true => Self::EndsEarly,
            false => Self::Not("not CBOR of the allowed types"),
        }
    }
}

impl Flaw {
    pub(crate) fn of(self, part: &'static str) -> VerifyError {
        let problem = match self {
            Self::EndsEarly => "ends early",
            Self::Not(problem) => problem,
        };
        VerifyError::malformed(part, problem)
    }
}

/// Refuses bytes that are not exactly one item in deterministic encoding (RFC 8949, 4.2.1).
pub(crate) fn check(bytes: &[u8]) -> Result<(), Flaw> {
    let mut decoder = Decoder::new(bytes);
    walk(&mut decoder, 0)?;
    match decoder.position() == bytes.len() {
        true => Ok(()),
        false => Err(Flaw::Not("bytes follow the item")),
    }
}

fn walk(decoder: &mut Decoder<'_>, depth: usize) -> Result<(), Flaw> {
    let start = decoder.position();
    let (argument, content) = match decoder.datatype()? {
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => (decoder.u64()?, 0),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => {
            let value = i128::from(decoder.int()?);
            (u64::try_from(-1 - value).map_err(|_| Flaw::Not("an impossible integer"))?, 0)
        }
        Type::Bytes => decoder.bytes().map(|bytes| (bytes.len() as u64, bytes.len()))?,
        Type::String => decoder.str().map(|text| (text.len() as u64, text.len()))?,
        Type::Array => (decoder.array()?.ok_or(Flaw::Not("of no definite length"))?, 0),
        Type::Map => (decoder.map()?.ok_or(Flaw::Not("of no definite length"))?, 0),
        _ => return Err(Flaw::Not("a type that proof files do not use")),
    };
    if decoder.position() - start != head_bytes(argument) + content {
        return Err(Flaw::Not("not in the shortest form"));
    }
    match decoder.input().get(start).map(|head| head >> 5) {
        Some(4) => {
            enter(depth).and_then(|depth| (0..argument).try_for_each(|_| walk(decoder, depth)))
        }
        Some(5) => enter(depth).and_then(|depth| walk_entries(decoder, argument, depth)),
        _ => Ok(()),
    }
}

const fn enter(depth: usize) -> Result<usize, Flaw> {
    match depth < PROOF_NESTING_MAX {
        true => Ok(depth + 1),
        false => Err(Flaw::Not("nested too deep")),
    }
}

fn walk_entries(decoder: &mut Decoder<'_>, count: u64, depth: usize) -> Result<(), Flaw> {
    let input = decoder.input();
    let mut last: &[u8] = &[];
    for _ in 0..count {
        let start = decoder.position();
        if input.get(start).is_some_and(|head| head >> 5 > 3) {
            return Err(Flaw::Not("a key is no number and no string"));
        }
        walk(decoder, depth)?;
        let key = &input[start..decoder.position()];
        if key <= last {
            return Err(Flaw::Not("keys are not in ascending order, each once"));
        }
        last = key;
        walk(decoder, depth)?;
    }
    Ok(())
}

/// Bytes of the shortest head with this argument.
const fn head_bytes(argument: u64) -> usize {
    match argument {
        0..=23 => 1,
        24..=0xff => 2,
        0x100..=0xffff => 3,
        0x1_0000..=0xffff_ffff => 5,
        _ => 9,
    }
}

/// A checked item with the name of the part it stands for.
#[derive(Clone, Copy)]
pub(crate) struct Item<'a> {
    bytes: &'a [u8],
    part: &'static str,
}

impl<'a> Item<'a> {
    /// Checks that `bytes` are one item.
    pub(crate) fn new(bytes: &'a [u8], part: &'static str) -> Result<Self, VerifyError> {
        check(bytes).map_err(|flaw| flaw.of(part))?;
        Ok(Self { bytes, part })
    }

    fn wrong(self, expected: &str) -> VerifyError {
        VerifyError::malformed(self.part, format!("expected {expected}"))
    }

    pub(crate) fn unsigned(self) -> Result<u64, VerifyError> {
        Decoder::new(self.bytes).u64().map_err(|_| self.wrong("an unsigned integer"))
    }

    pub(crate) fn bytes(self) -> Result<&'a [u8], VerifyError> {
        Decoder::new(self.bytes).bytes().map_err(|_| self.wrong("a byte string"))
    }

    pub(crate) fn array<const N: usize>(self) -> Result<[u8; N], VerifyError> {
        self.bytes()?.try_into().map_err(|_| self.wrong(&format!("{N} bytes")))
    }

    pub(crate) fn text(self) -> Result<&'a str, VerifyError> {
        Decoder::new(self.bytes).str().map_err(|_| self.wrong("a text"))
    }

    /// Items of an array of at most `limit`.
    pub(crate) fn items(self, limit: usize) -> Result<Vec<Self>, VerifyError> {
        let mut decoder = Decoder::new(self.bytes);
        let count = match decoder.array() {
            Ok(Some(count)) => count,
            _ => return Err(self.wrong("an array")),
        };
        if count > limit as u64 {
            return Err(self.wrong(&format!("at most {limit} items, found {count}")));
        }
        (0..count).map(|_| self.next(&mut decoder)).collect()
    }

    /// Values of the keys 0 to `N - 1` of a map. Ignores negative keys, refuses all others.
    pub(crate) fn fields<const N: usize>(self) -> Result<[Self; N], VerifyError> {
        let mut decoder = Decoder::new(self.bytes);
        let count = match decoder.map() {
            Ok(Some(count)) => count,
            _ => return Err(self.wrong("a map")),
        };
        let mut found = Vec::new();
        for _ in 0..count {
            let key = decoder.int().map_err(|_| self.wrong("integer keys"))?;
            let value = self.next(&mut decoder)?;
            match u64::try_from(i128::from(key)) {
                Err(_) => {}
                Ok(key) if key >= N as u64 => {
                    return Err(VerifyError::UnknownKey { part: self.part, key });
                }
                Ok(_) => found.push(value),
            }
        }
        // Keys are unique and those below N were kept, so N of them are all of them, in order.
        found.try_into().map_err(|_| self.wrong(&format!("the keys 0 to {}", N - 1)))
    }

    fn next(self, decoder: &mut Decoder<'a>) -> Result<Self, VerifyError> {
        let start = decoder.position();
        walk(decoder, 0).map_err(|flaw| flaw.of(self.part))?;
        Ok(Self { bytes: &self.bytes[start..decoder.position()], part: self.part })
    }

    /// Names the part that this item is.
    pub(crate) const fn named(self, part: &'static str) -> Self {
        Self { bytes: self.bytes, part }
    }
}

/// Writes one item in deterministic encoding; the caller writes map keys in ascending order.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

macro_rules! write {
    ($self:ident, $($call:tt)*) => {{
        Encoder::new(&mut $self.0).$($call)*.expect("a vector takes every write");
        $self
    }};
}

impl Writer {
    pub(crate) fn map(&mut self, entries: u64) -> &mut Self {
        write!(self, map(entries))
    }

    pub(crate) fn array(&mut self, items: u64) -> &mut Self {
        write!(self, array(items))
    }

    pub(crate) fn unsigned(&mut self, value: u64) -> &mut Self {
        write!(self, u64(value))
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        write!(self, bytes(value))
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        write!(self, str(value))
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}
