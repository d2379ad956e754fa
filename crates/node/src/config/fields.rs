//! Take the fields of a TOML table one by one, and say what is wrong with each.

use super::SetupError;
use std::{collections::BTreeMap, fmt::Display, ops::RangeInclusive, path::Path, str::FromStr};
use toml::{Table, Value};

/// Characters of a value that an error shows.
const SHOWN_MAX: usize = 80;

/// The fields of one table that are not taken yet.
pub struct Fields<'a> {
    file: &'a Path,
    /// Name of the table and a dot; empty for the document itself.
    prefix: String,
    table: Table,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Reads a document.
    ///
    /// # Errors
    /// [`SetupError::Syntax`] for text that is no TOML.
    pub fn read(file: &'a Path, text: &str) -> Result<Self, SetupError> {
        let table = text.parse::<Table>().map_err(|error| {
            let reason = error.to_string().trim_end().to_owned();
            SetupError::Syntax { file: file.to_owned(), reason }
        })?;
        Ok(Self { file, prefix: String::new(), table, known: Vec::new() })
    }

    /// Makes the error of a field.
    pub fn refuse(&self, name: &str, value: impl Display, expected: impl Display) -> SetupError {
        SetupError::Field {
            file: self.file.to_owned(),
            field: format!("{}{name}", self.prefix),
            value: value.to_string(),
            expected: expected.to_string(),
        }
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.table.remove(name)
    }

    /// Makes the error of a field that must be there.
    pub fn required<T>(
        &self,
        name: &str,
        value: Option<T>,
        expected: &str,
    ) -> Result<T, SetupError> {
        value.ok_or_else(|| self.refuse(name, "missing", expected))
    }

    /// Takes a text that is not empty.
    pub fn text(&mut self, name: &'static str) -> Result<Option<String>, SetupError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(other) => Err(self.refuse(name, shown(&other), "a text in quotes")),
        }
    }

    /// Takes a list of 1 to `count_max` texts; `check` says what fits.
    pub fn list(
        &mut self,
        name: &'static str,
        expected: &str,
        count_max: usize,
        check: impl Fn(&str) -> bool,
    ) -> Result<Option<Vec<String>>, SetupError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let texts = value.as_array().map(|items| {
            let texts = items.iter().map(|item| item.as_str().filter(|text| check(text)));
            texts.map(|text| text.map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        let fits = |texts: &Vec<String>| (1..=count_max).contains(&texts.len());
        let texts = texts.flatten().filter(fits);
        texts.map(Some).ok_or_else(|| self.refuse(name, shown(&value), expected))
    }

    /// Takes a text and reads it as a value.
    pub fn parsed<T: FromStr>(
        &mut self,
        name: &'static str,
        expected: &str,
    ) -> Result<Option<T>, SetupError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let parsed = value.as_str().and_then(|text| text.parse().ok());
        parsed.map(Some).ok_or_else(|| self.refuse(name, shown(&value), expected))
    }

    /// Takes `true` or `false`, `false` where it is missing.
    pub fn flag(&mut self, name: &'static str) -> Result<bool, SetupError> {
        match self.take(name) {
            None => Ok(false),
            Some(Value::Boolean(flag)) => Ok(flag),
            Some(other) => Err(self.refuse(name, shown(&other), "true or false")),
        }
    }

    /// Takes a whole number in `range`, or `default`.
    pub fn number(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> Result<u64, SetupError> {
        let Some(value) = self.take(name) else { return Ok(default) };
        let number = value.as_integer().and_then(|number| u64::try_from(number).ok());
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            let expected = format!("a whole number from {} to {}", range.start(), range.end());
            self.refuse(name, shown(&value), expected)
        })
    }

    /// Takes a table of fields; an empty one where it is missing.
    pub fn table(&mut self, name: &'static str) -> Result<Self, SetupError> {
        let table = match self.take(name) {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(other) => return Err(self.refuse(name, shown(&other), "a table")),
        };
        let prefix = format!("{}{name}.", self.prefix);
        Ok(Self { file: self.file, prefix, table, known: Vec::new() })
    }

    /// Takes a table of texts whose names the operator chooses; `check` says what fits.
    pub fn texts(
        &mut self,
        name: &'static str,
        expected: &str,
        check: impl Fn(&str) -> bool,
    ) -> Result<BTreeMap<String, String>, SetupError> {
        let mut table = self.table(name)?;
        let entries = std::mem::take(&mut table.table).into_iter();
        let texts = entries.map(|(key, value)| match value {
            Value::String(text) if check(&text) => Ok((key, text)),
            other => Err(table.refuse(&key, shown(&other), expected)),
        });
        texts.collect()
    }

    /// Whether no field is left.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Refuses fields that nobody took.
    pub fn finish(self) -> Result<(), SetupError> {
        let Some(name) = self.table.keys().next() else { return Ok(()) };
        let expected = format!("only {}", self.known.join(", "));
        Err(self.refuse(name, "unknown", expected))
    }
}

/// A value as it stands in the file, not too long.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_MAX) {
        None => text,
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}
