//! Open and close the envelope of a proof file: text, version, body, seal.

use crate::{
    cbor::{self, Flaw, Item, Writer},
    error::VerifyError,
};
use trine_types::{Digest, Suite, identifiers::tagged_hash, limits::PROOF_BYTES_MAX};

/// Version of the format.
const VERSION: u64 = 1;

/// Which of the two files an envelope is.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    Proof,
    Receipt,
}

impl Form {
    const fn name(self) -> &'static str {
        match self {
            Self::Proof => "proof",
            Self::Receipt => "receipt",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Proof => "trine-proof",
            Self::Receipt => "trine-receipt",
        }
    }

    /// First bytes of every such file.
    fn start(self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.map(4).unsigned(0).text(self.text());
        writer.finish()
    }
}

fn seal(suite: Suite, body: &[u8]) -> Digest {
    tagged_hash(suite, "trine/proof-file", &[body])
}

/// Puts `body` into an envelope.
pub(crate) fn close(suite: Suite, form: Form, body: &[u8]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.map(4).unsigned(0).text(form.text());
    writer.unsigned(1).unsigned(VERSION);
    writer.unsigned(2).bytes(body);
    writer.unsigned(3).bytes(&seal(suite, body).0);
    writer.finish()
}

/// Returns the body of an envelope whose seal matches.
pub(crate) fn open(suite: Suite, form: Form, file: &[u8]) -> Result<&[u8], VerifyError> {
    if file.len() > PROOF_BYTES_MAX {
        return Err(VerifyError::TooLarge { actual: file.len(), limit: PROOF_BYTES_MAX });
    }
    let start = form.start();
    if file.is_empty() || !start.starts_with(&file[..file.len().min(start.len())]) {
        return Err(VerifyError::NotA(form.name()));
    }
    match cbor::check(file) {
        Err(Flaw::EndsEarly) => return Err(VerifyError::Truncated(form.name())),
        Err(flaw) => return Err(flaw.of("file")),
        Ok(()) => {}
    }
    let [_, version, body, found] = Item::new(file, "file")?.fields()?;
    match version.unsigned()? {
        VERSION => {}
        other => return Err(VerifyError::UnknownVersion(other)),
    }
    let body = body.bytes()?;
    if found.array()? != seal(suite, body).0 {
        return Err(VerifyError::Damaged);
    }
    Ok(body)
}
