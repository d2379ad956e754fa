//! Check that a header is final: headers up to a certified one, and hand-overs before it.

use crate::{
    cbor::{Item, Writer},
    certificate::{Certificate, Committee},
    error::VerifyError,
    trust::TrustAnchor,
};
use trine_types::{
    Decode as _, Digest, Encode as _, Epoch, Header, Height,
    limits::{HEADER_BYTES_MAX, PROOF_HANDOVERS_MAX, PROOF_HEADERS_MAX},
};

/// A header, the headers after it until one is certified, and that certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertifiedChain {
    /// Headers in ascending order, 1 to [`PROOF_HEADERS_MAX`]; the first is the one to be shown.
    pub headers: Vec<Header>,
    /// Certificate of the last header.
    pub certificate: Certificate,
}

/// What a verified chain of trust shows.
pub(crate) struct Final<'a> {
    /// Header that was shown to be final.
    pub(crate) header: &'a Header,
    /// Its digest.
    pub(crate) digest: Digest,
    /// Names of the validators that certified it.
    pub(crate) signers: Vec<String>,
}

impl CertifiedChain {
    /// Header that is to be shown.
    pub(crate) fn header(&self) -> Result<&Header, VerifyError> {
        self.headers.first().ok_or_else(|| VerifyError::malformed("certified chain", "no header"))
    }

    /// Checks linkage and certificate against the set in force.
    fn verify(&self, trust: &TrustAnchor, committee: &Committee) -> Result<Final<'_>, VerifyError> {
        let shown = self.header()?;
        let mut digests = Vec::with_capacity(self.headers.len());
        let mut last: Option<(Digest, Height)> = None;
        for header in &self.headers {
            if header.chain_id != trust.chain_id() {
                let (found, expected) = (header.chain_id, trust.chain_id());
                return Err(VerifyError::OtherChain { found, expected });
            }
            if last.is_some_and(|(digest, height)| {
                header.parent != digest || Some(header.height.0) != height.0.checked_add(1)
            }) {
                return Err(VerifyError::BrokenChain(header.height));
            }
            let digest = header.digest(trust.suite());
            digests.push(digest);
            last = Some((digest, header.height));
        }
        let certificate = &self.certificate;
        let (digest, expected) = (digests[0], digests[digests.len() - 1]);
        if certificate.digest != expected {
            return Err(VerifyError::OtherBlock { found: certificate.digest, expected });
        }
        let expected = self.headers[self.headers.len() - 1].epoch;
        if certificate.epoch != expected {
            return Err(VerifyError::WrongEpoch { found: certificate.epoch, expected });
        }
        let signers = certificate.verify(trust.suite(), &trust.chain_id(), committee)?;
        Ok(Final { header: shown, digest, signers })
    }

    pub(crate) fn write(&self, to: &mut Writer) {
        to.map(2).unsigned(0).array(self.headers.len() as u64);
        self.headers.iter().for_each(|header| {
            to.bytes(&header.to_bytes());
        });
        to.unsigned(1);
        self.certificate.write(to);
    }

    pub(crate) fn read(item: Item<'_>) -> Result<Self, VerifyError> {
        let [headers, certificate] = item.named("certified chain").fields()?;
        let headers = headers.items(PROOF_HEADERS_MAX)?.into_iter().map(|item| {
            let bytes = item.named("header").bytes()?;
            if bytes.len() > HEADER_BYTES_MAX {
                return Err(VerifyError::malformed("header", "too long"));
            }
            Header::from_bytes(bytes).map_err(VerifyError::decode("header"))
        });
        Ok(Self {
            headers: headers.collect::<Result<_, _>>()?,
            certificate: Certificate::read(certificate)?,
        })
    }
}

/// Follows the hand-overs from the trusted validators and checks `chain` against the last set.
pub(crate) fn verify<'a>(
    chain: &'a CertifiedChain,
    hand_overs: &[CertifiedChain],
    trust: &TrustAnchor,
) -> Result<Final<'a>, VerifyError> {
    let mut committee = Committee::trusted(trust.epoch(), trust.validators());
    let mut followed = false;
    for hand_over in hand_overs {
        // Hand-overs before the trusted epoch lead to the trusted set.
        if hand_over.headers.first().is_some_and(|header| header.epoch < trust.epoch()) {
            continue;
        }
        committee = follow(hand_over, trust, &committee)?;
        followed = true;
    }
    let shown = chain.verify(trust, &committee)?;
    if followed {
        not_before(chain.certificate.epoch, &committee)?;
    }
    Ok(shown)
}

/// Returns the set to which `hand_over` hands over from `committee`.
fn follow(
    hand_over: &CertifiedChain,
    trust: &TrustAnchor,
    committee: &Committee,
) -> Result<Committee, VerifyError> {
    let header = hand_over.verify(trust, committee)?.header;
    let next = header.epoch.0.checked_add(1).map(Epoch);
    let change = (header.epoch_change.as_ref())
        .filter(|change| Some(change.epoch) == next)
        .ok_or(VerifyError::NotAHandOver(header.height))?;
    let (found, expected) = (hand_over.certificate.epoch, header.epoch);
    if found != expected {
        return Err(VerifyError::WrongEpoch { found, expected });
    }
    not_before(found, committee)?;
    Ok(Committee::elected(change.epoch, &change.validators))
}

fn not_before(found: Epoch, committee: &Committee) -> Result<(), VerifyError> {
    let trusted = committee.epoch;
    match found < trusted {
        true => Err(VerifyError::EpochBeforeTrust { found, trusted }),
        false => Ok(()),
    }
}

pub(crate) fn write_hand_overs(hand_overs: &[CertifiedChain], to: &mut Writer) {
    to.array(hand_overs.len() as u64);
    hand_overs.iter().for_each(|one| one.write(to));
}

pub(crate) fn read_hand_overs(item: Item<'_>) -> Result<Vec<CertifiedChain>, VerifyError> {
    let items = item.named("hand-overs").items(PROOF_HANDOVERS_MAX)?;
    items.into_iter().map(CertifiedChain::read).collect()
}
