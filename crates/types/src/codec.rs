//! Encode and decode values canonically.
//!
//! Integers are big-endian and of fixed width. A byte string or text has a length prefix, a list a
//! count prefix; an optional value has a byte 0 or 1 before it. Nothing may follow a value.

/// Why bytes were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end early or a value is impossible.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// The value is possible, but this is not its one encoding.
    #[error("not canonical: {0}")]
    NonCanonical(&'static str),
    /// The version is not one that this build knows.
    #[error("unknown version {0}, expected 1")]
    UnknownVersion(u8),
    /// A length or count is over its limit.
    #[error("too large: {what} is {actual}, at most {limit} allowed")]
    TooLarge {
        /// What was measured.
        what: &'static str,
        /// Value found.
        actual: usize,
        /// Largest value allowed.
        limit: usize,
    },
}

/// Collects encoded bytes.
#[derive(Debug, Default)]
pub struct Encoder(pub Vec<u8>);

impl Encoder {
    /// Appends bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Appends a byte string with a one-byte length. The caller keeps it within 255 bytes.
    pub fn bytes8(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= 0xff, "a byte string over 255 bytes takes a longer prefix");
        self.0.push(bytes.len() as u8);
        self.raw(bytes);
    }

    /// Appends a byte string with a two-byte length. The caller keeps it within 65,535 bytes.
    pub fn bytes16(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= 0xffff, "a byte string over 65,535 bytes takes a longer prefix");
        (bytes.len() as u16).encode(self);
        self.raw(bytes);
    }

    /// Appends a byte string with a four-byte length.
    pub fn bytes32(&mut self, bytes: &[u8]) {
        (bytes.len() as u32).encode(self);
        self.raw(bytes);
    }

    /// Appends an optional value.
    pub fn option<T: Encode>(&mut self, value: &Option<T>) {
        match value {
            None => self.0.push(0),
            Some(value) => {
                self.0.push(1);
                value.encode(self);
            }
        }
    }

    /// Appends a list with a two-byte count. The caller keeps it within 65,535 items.
    pub fn list16<T: Encode>(&mut self, items: &[T]) {
        assert!(items.len() <= 0xffff, "a list over 65,535 items takes a longer prefix");
        (items.len() as u16).encode(self);
        items.iter().for_each(|item| item.encode(self));
    }
}

/// Reads encoded bytes from the front.
#[derive(Clone, Debug)]
pub struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// Starts at the first byte.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Bytes not read yet.
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Takes `length` bytes as they are.
    pub fn raw(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) =
            self.rest.split_at_checked(length).ok_or(DecodeError::Malformed("ends early"))?;
        self.rest = rest;
        Ok(head)
    }

    /// Takes a fixed number of bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.raw(N)?);
        Ok(array)
    }

    fn limited(
        &mut self,
        length: usize,
        limit: usize,
        what: &'static str,
    ) -> Result<&'a [u8], DecodeError> {
        check_limit(length, limit, what)?;
        self.raw(length)
    }

    /// Takes a byte string with a one-byte length of at most `limit`.
    pub fn bytes8(&mut self, limit: usize, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let length = u8::decode(self)?.into();
        self.limited(length, limit, what)
    }

    /// Takes a byte string with a two-byte length of at most `limit`.
    pub fn bytes16(&mut self, limit: usize, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let length = u16::decode(self)?.into();
        self.limited(length, limit, what)
    }

    /// Takes a byte string with a four-byte length of at most `limit`.
    pub fn bytes32(&mut self, limit: usize, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let length = u32::decode(self)? as usize;
        self.limited(length, limit, what)
    }

    /// Takes UTF-8 text with a one-byte length of at most `limit`.
    pub fn text8(&mut self, limit: usize, what: &'static str) -> Result<String, DecodeError> {
        let bytes = self.bytes8(limit, what)?;
        let text = std::str::from_utf8(bytes).map_err(|_| DecodeError::Malformed("not UTF-8"))?;
        Ok(text.to_owned())
    }

    /// Takes an optional value.
    pub fn option<T: Decode>(&mut self) -> Result<Option<T>, DecodeError> {
        match u8::decode(self)? {
            0 => Ok(None),
            1 => T::decode(self).map(Some),
            _ => Err(DecodeError::NonCanonical("an option starts with 0 or 1")),
        }
    }

    /// Takes a count of two bytes and that many items.
    pub fn list16<T: Decode>(
        &mut self,
        limit: usize,
        what: &'static str,
    ) -> Result<Vec<T>, DecodeError> {
        let count = u16::decode(self)?.into();
        check_limit(count, limit, what)?;
        (0..count).map(|_| T::decode(self)).collect()
    }

    /// Refuses bytes after the value.
    pub const fn finish(self) -> Result<(), DecodeError> {
        match self.rest {
            [] => Ok(()),
            _ => Err(DecodeError::NonCanonical("bytes follow the value")),
        }
    }
}

/// Refuses a length or count over its limit.
pub const fn check_limit(
    actual: usize,
    limit: usize,
    what: &'static str,
) -> Result<(), DecodeError> {
    if actual > limit {
        return Err(DecodeError::TooLarge { what, actual, limit });
    }
    Ok(())
}

/// A value with one encoding.
pub trait Encode {
    /// Appends the encoding.
    fn encode(&self, to: &mut Encoder);

    /// Returns the encoding.
    fn to_bytes(&self) -> Vec<u8> {
        let mut encoder = Encoder::default();
        self.encode(&mut encoder);
        encoder.0
    }
}

/// A value that can be read back; never panics on any bytes.
pub trait Decode: Sized {
    /// Takes the value from the front.
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError>;

    /// Reads a value that fills `bytes`.
    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut decoder = Decoder::new(bytes);
        let value = Self::decode(&mut decoder)?;
        decoder.finish()?;
        Ok(value)
    }
}

macro_rules! integer {
    ($($type:ty),*) => {$(
        impl Encode for $type {
            fn encode(&self, to: &mut Encoder) {
                to.raw(&self.to_be_bytes());
            }
        }

        impl Decode for $type {
            fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
                from.array().map(Self::from_be_bytes)
            }
        }
    )*};
}

integer!(u8, u16, u32, u64, u128);

/// Writes bytes as lower-case hexadecimal text.
pub fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(hex_digit(byte >> 4));
        text.push(hex_digit(byte & 0xf));
    }
    text
}

const fn hex_digit(value: u8) -> char {
    b"0123456789abcdef"[value as usize] as char
}

/// Reads hexadecimal text, of either case, without a prefix.
pub fn parse_hex(text: &str) -> Result<Vec<u8>, DecodeError> {
    let error = DecodeError::Malformed("not hexadecimal");
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) || !text.len().is_multiple_of(2) {
        return Err(error);
    }
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| error.clone()))
        .collect()
}
