//! Certify blocks with one signature of each validator: votes, and certificates made of them.
//!
//! Certificates are attributable: a signature names its signer, so that anybody can check it with
//! any library of its algorithm, and two votes that contradict each other are evidence.

use bytes::BufMut;
use commonware_codec::{
    Buf, EncodeSize, Error as CodecError, FixedSize as _, Read, ReadRangeExt as _, Write,
    types::lazy::Lazy,
};
use commonware_consensus::simplex::{scheme::Namespace, types::Subject};
use commonware_cryptography::{
    Digest, Signer as _,
    certificate::{
        AssemblyError, Attestation, Membership, Namespace as _, Scheme as CertificateScheme,
        Signers, Subject as _, Verification, Verifier, verify_then_assemble,
    },
};
use commonware_parallel::Strategy;
use commonware_utils::{
    N3f1, Participant,
    iter::NonEmpty,
    ordered::{Quorum as _, Set},
};
use rand::CryptoRng;
use std::sync::Arc;
use trine_crypto::{
    BatchItem, VoteKey, VoteSignature, VoteSigner, learn_keys, verify_batch, verify_each,
};

/// Bytes by which an encoded bitmap or list may exceed its content.
const FRAME_BYTES_MAX: usize = 16;

/// The signatures of a quorum, in the order of the signers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Certificate {
    /// Who signed.
    pub signers: Signers,
    /// What they signed with; decoded when it is looked at.
    pub signatures: Vec<Lazy<VoteSignature>>,
}

impl Write for Certificate {
    fn write(&self, to: &mut impl BufMut) {
        self.signers.write(to);
        self.signatures.write(to);
    }
}

impl EncodeSize for Certificate {
    fn encode_size(&self) -> usize {
        self.signers.encode_size() + self.signatures.encode_size()
    }
}

impl Read for Certificate {
    /// Validators of the epoch.
    type Cfg = usize;

    fn read_cfg(from: &mut impl Buf, validators: &usize) -> Result<Self, CodecError> {
        let signers = Signers::read_cfg(from, validators)?;
        let signatures = Vec::<Lazy<VoteSignature>>::read_range(from, 1..=*validators)?;
        if signers.count() != signatures.len() {
            return Err(CodecError::Invalid("Certificate", "not as many signatures as signers"));
        }
        Ok(Self { signers, signatures })
    }
}

/// The validators of one epoch, and what this node does among them.
#[derive(Clone, Debug)]
pub struct Scheme {
    validators: Arc<Set<VoteKey>>,
    namespace: Namespace,
    me: Option<Membership>,
    signer: Option<VoteSigner>,
}

impl Scheme {
    /// Verifies, and belongs to nobody. Votes are checked with tables of the validators' keys.
    pub fn verifier(namespace: &[u8], validators: Set<VoteKey>) -> Self {
        learn_keys(validators.iter().map(|key| (key.algorithm(), key.key())));
        let validators = Arc::new(validators);
        Self { validators, namespace: Namespace::derive(namespace), me: None, signer: None }
    }

    /// Belongs to a validator that does not vote; none when the key is nobody's.
    pub fn member(namespace: &[u8], validators: Set<VoteKey>, key: &VoteKey) -> Option<Self> {
        let me = validators.index(key).map(Membership::Member)?;
        Some(Self { me: Some(me), ..Self::verifier(namespace, validators) })
    }

    /// Votes; none when the signer's key is nobody's.
    pub fn signer(namespace: &[u8], validators: Set<VoteKey>, signer: VoteSigner) -> Option<Self> {
        let me = validators.index(&signer.public_key()).map(Membership::Signer)?;
        let verifier = Self::verifier(namespace, validators);
        Some(Self { me: Some(me), signer: Some(signer), ..verifier })
    }

    /// Signatures that a certificate needs.
    fn quorum(&self) -> usize {
        self.validators.quorum::<N3f1>() as usize
    }

    /// Pairs each signature with its signer's key; none when the certificate cannot be right.
    fn pairs<'a>(
        &'a self,
        certificate: &'a Certificate,
    ) -> Option<Vec<(&'a VoteKey, &'a VoteSignature)>> {
        let (signers, signatures) = (&certificate.signers, &certificate.signatures);
        if signers.len() != self.validators.len()
            || signers.count() != signatures.len()
            || signers.count() < self.quorum()
        {
            return None;
        }
        let pair = |(signer, signature): (Participant, &'a Lazy<VoteSignature>)| {
            Some((self.validators.key(signer)?, signature.get()?))
        };
        signers.iter().zip(signatures).map(pair).collect()
    }
}

impl Verifier for Scheme {
    type Subject<'a, D: Digest> = Subject<'a, D>;
    type Faults = N3f1;
    type PublicKey = VoteKey;
    type Certificate = Certificate;

    fn verify_certificate<R: CryptoRng, D: Digest>(
        &self,
        rng: &mut R,
        subject: Subject<'_, D>,
        certificate: &Certificate,
        strategy: &impl Strategy,
    ) -> bool {
        let one = NonEmpty::new((subject, certificate), std::iter::empty());
        self.verify_certificates(rng, one, strategy)
    }

    /// Checks all signatures of all certificates in one batch.
    fn verify_certificates<'a, R, D, I>(
        &self,
        _: &mut R,
        certificates: NonEmpty<I>,
        _: &impl Strategy,
    ) -> bool
    where
        R: CryptoRng,
        D: Digest,
        I: Iterator<Item = (Subject<'a, D>, &'a Certificate)>,
    {
        let mut parts = Vec::new();
        for (subject, certificate) in certificates {
            let Some(pairs) = self.pairs(certificate) else { return false };
            parts.push((subject.namespace(&self.namespace), subject.message(), pairs));
        }
        let items: Vec<BatchItem<'_>> = parts
            .iter()
            .flat_map(|(namespace, message, pairs)| {
                pairs.iter().map(move |(key, signature)| signature.item(key, namespace, message))
            })
            .collect();
        verify_batch(&items)
    }

    fn is_batchable() -> bool {
        true
    }

    fn max_certificate_size(participants: u32) -> usize {
        let validators = participants as usize;
        let signatures = validators * VoteSignature::SIZE;
        validators.div_ceil(8) + signatures + 2 * FRAME_BYTES_MAX
    }

    fn certificate_codec_config(&self) -> usize {
        self.validators.len()
    }

    fn certificate_codec_config_unbounded() -> usize {
        u32::MAX as usize
    }
}

impl CertificateScheme for Scheme {
    type Signature = VoteSignature;

    fn me(&self) -> Option<Membership> {
        self.me
    }

    fn participants(&self) -> &Set<VoteKey> {
        &self.validators
    }

    fn sign<D: Digest>(&self, subject: Subject<'_, D>) -> Option<Attestation<Self>> {
        let (me, signer) = (self.me?, self.signer.as_ref()?);
        // Without a signature there is no vote: a signer whose token is lost is silent.
        let signature = signer.try_sign(subject.namespace(&self.namespace), &subject.message())?;
        Some(Attestation { signer: me.index(), signature: signature.into() })
    }

    fn verify_attestation<R: CryptoRng, D: Digest>(
        &self,
        rng: &mut R,
        subject: Subject<'_, D>,
        attestation: &Attestation<Self>,
        strategy: &impl Strategy,
    ) -> bool {
        let one = [attestation.clone()];
        self.verify_attestations(rng, subject, one, strategy).invalid.is_empty()
    }

    fn verify_attestations<R, D, I>(
        &self,
        _: &mut R,
        subject: Subject<'_, D>,
        attestations: I,
        _: &impl Strategy,
    ) -> Verification<Self>
    where
        R: CryptoRng,
        D: Digest,
        I: IntoIterator<Item = Attestation<Self>>,
        I::IntoIter: Send,
    {
        let (namespace, message) = (subject.namespace(&self.namespace), subject.message());
        let (mut readable, mut invalid) = (Vec::new(), Vec::new());
        for attestation in attestations {
            let known = self.validators.key(attestation.signer).is_some();
            match known && attestation.signature.get().is_some() {
                true => readable.push(attestation),
                false => invalid.push(attestation.signer),
            }
        }
        let items: Vec<BatchItem<'_>> = readable
            .iter()
            .filter_map(|one| {
                let key = self.validators.key(one.signer)?;
                Some(one.signature.get()?.item(key, namespace, &message))
            })
            .collect();
        let verdicts = verify_each(&items);
        let (mut verified, mut verdicts) = (Vec::with_capacity(readable.len()), verdicts.iter());
        for attestation in &readable {
            match verdicts.next() {
                Some(true) => verified.push(attestation.clone()),
                _ => invalid.push(attestation.signer),
            }
        }
        invalid.sort_unstable();
        invalid.dedup();
        Verification::new(verified, invalid)
    }

    fn optimistic_assemble<'a, R, D, I, J>(
        &self,
        rng: &mut R,
        subject: Subject<'_, D>,
        pending: I,
        verified: J,
        strategy: &impl Strategy,
    ) -> Result<Certificate, Verification<Self>>
    where
        R: CryptoRng,
        D: Digest,
        I: IntoIterator<Item = Attestation<Self>>,
        I::IntoIter: ExactSizeIterator + Send,
        J: IntoIterator<Item = &'a Attestation<Self>>,
        J::IntoIter: Send,
    {
        verify_then_assemble::<Self, _, D, _, _>(self, rng, subject, pending, verified, strategy)
    }

    fn assemble<I>(
        &self,
        attestations: NonEmpty<I>,
        _: &impl Strategy,
    ) -> Result<Certificate, AssemblyError>
    where
        I: Iterator<Item = Attestation<Self>> + Send,
    {
        let mut entries = Vec::new();
        for Attestation { signer, signature } in attestations {
            self.validators.key(signer).ok_or(AssemblyError::UnknownSigner(signer))?;
            let signature = signature.get().ok_or(AssemblyError::MalformedSignature(signer))?;
            entries.push((signer, signature.clone()));
        }
        entries.sort_by_key(|(signer, _)| *signer);
        let (signers, signatures): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        let signers = Signers::try_from((&*self.validators, signers))?;
        if signers.count() < self.quorum() {
            let (needed, found) = (self.quorum() as u32, signers.count() as u32);
            return Err(AssemblyError::InsufficientAttestations(needed, found));
        }
        let signatures = signatures.into_iter().map(Lazy::from).collect();
        Ok(Certificate { signers, signatures })
    }

    fn is_attributable() -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
