"""Check that a header is final: certificates, certified chains, hand-overs.

Source: `docs/reference/proofs.md`, sections 4 and 5.
"""

from dataclasses import dataclass
from typing import Final, Self

from trine.model import keys
from trine.model.codec import check_limit
from trine.model.hashing import tagged_hash
from trine.model.header import Header
from trine.model.identifiers import ChainId, Digest, Epoch, ValidatorKey
from trine.model.limits import (
    HEADER_BYTES_MAX,
    PROOF_HANDOVERS_MAX,
    PROOF_HEADERS_MAX,
    VALIDATORS_MAX,
)
from trine.model.proofs import cbor
from trine.model.proofs.trust import Trust
from trine.model.proofs.verdicts import (
    BadSignature,
    BadSigners,
    BrokenChain,
    EpochBeforeTrust,
    Malformed,
    NotAHandOver,
    OtherBlock,
    OtherChain,
    TooFewSignatures,
    WrongEpoch,
)
from trine.model.verdicts import Undecodable

SIGNATURE_BYTES: Final = 64
"""Bytes of one signature in a certificate."""


@dataclass(frozen=True)
class Committee:
    """The validators in force, with the epoch from which they are."""

    epoch: Epoch
    """First epoch in which the set decides."""
    members: tuple[tuple[str, ValidatorKey], ...]
    """Name and key of each validator, ordered by key."""

    @property
    def quorum(self) -> int:
        """Signatures that a certificate needs."""
        return len(self.members) - (len(self.members) - 1) // 3


@dataclass(frozen=True)
class Certificate:
    """The signatures of validators under one header."""

    epoch: Epoch
    """Epoch of the validators."""
    view: int
    """View in which the block was finalized."""
    parent_view: int
    """View of the parent that was proposed with it."""
    digest: Digest
    """Digest of the certified header."""
    signers: bytes
    """Bit `i % 8` of byte `i // 8` is set where validator `i` signed."""
    signatures: tuple[bytes, ...]
    """Signatures in the order of the signers."""

    @classmethod
    def read(cls, item: cbor.Item) -> Self:
        """Read a certificate; nothing is verified yet."""
        part = "certificate"
        epoch, view, parent_view, digest, signers, signatures = cbor.fields(item, 6, part)
        return cls(
            epoch=Epoch(cbor.unsigned(epoch, part)),
            view=cbor.unsigned(view, part),
            parent_view=cbor.unsigned(parent_view, part),
            digest=Digest(cbor.string(digest, part, length=32)),
            signers=cbor.string(signers, part, most=(VALIDATORS_MAX + 7) // 8),
            signatures=tuple(cbor.pieces(signatures, part, SIGNATURE_BYTES, VALIDATORS_MAX)),
        )

    def message(self) -> bytes:
        """Return what each validator signs, after the namespace."""
        numbers = (self.epoch, self.view, self.parent_view)
        return b"".join(varint(number) for number in numbers) + self.digest

    def verify(self, chain_id: ChainId, committee: Committee) -> tuple[str, ...]:
        """Check the signatures against a set, and return the names of the signers.

        Raises:
            BadSigners: The signers do not fit the set, or the signatures the signers.
            TooFewSignatures: Fewer signed than the quorum.
            BadSignature: One does not verify.
        """
        count = len(committee.members)
        bits = int.from_bytes(self.signers, "little")
        chosen = [place for place in range(count) if bits >> place & 1]
        if len(self.signers) != (count + 7) // 8 or bits >> count:
            raise BadSigners(f"the certificate's signers do not fit a set of {count} validators")
        if len(self.signatures) != len(chosen):
            raise BadSigners(f"{len(chosen)} signers have {len(self.signatures)} signatures")
        if len(chosen) < committee.quorum:
            raise TooFewSignatures(
                f"{len(chosen)} validators signed, at least {committee.quorum} of {count} must"
            )
        namespace = b"trine/consensus/" + chain_id + b"_FINALIZE"
        for place, signature in zip(chosen, self.signatures, strict=True):
            name, key = committee.members[place]
            public_key = keys.key_of_validator(key)
            if public_key is None or not keys.verify(
                public_key, namespace, self.message(), signature
            ):
                raise BadSignature(f"the signature of validator {name} does not verify")
        return tuple(committee.members[place][0] for place in chosen)


def varint(number: int) -> bytes:
    """Write an unsigned LEB128 number: seven bits a byte, least significant first."""
    parts = bytearray()
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def header_digest(header: Header) -> Digest:
    """Hash a header: what validators certify and the next header names as its parent."""
    return tagged_hash("trine/header", header.encode())


@dataclass(frozen=True)
class FinalBlock:
    """What a verified chain shows."""

    header: Header
    """Header that was shown to be final."""
    digest: Digest
    """Its digest."""
    signers: tuple[str, ...]
    """Names of the validators that certified it."""


@dataclass(frozen=True)
class CertifiedChain:
    """A header, the headers after it until one is certified, and that certificate."""

    headers: tuple[Header, ...]
    """Headers in ascending order; the first is the one to be shown."""
    certificate: Certificate
    """Certificate of the last header."""

    @classmethod
    def read(cls, item: cbor.Item) -> Self:
        """Read a chain; nothing is verified yet."""
        headers, certificate = cbor.fields(item, 2, "certified chain")
        encoded = cbor.items(headers, "certified chain", PROOF_HEADERS_MAX)
        if not encoded:
            raise Malformed("the certified chain is malformed: no header")
        return cls(tuple(map(_header, encoded)), Certificate.read(certificate))

    @property
    def header(self) -> Header:
        """Header that is to be shown."""
        return self.headers[0]

    def verify(self, trust: Trust, committee: Committee) -> FinalBlock:
        """Check linkage and certificate against the set in force."""
        for header in self.headers:
            if header.chain_id != trust.chain_id:
                raise OtherChain(
                    f"the proof is of chain {header.chain_id.hex()}, "
                    f"the trust file of chain {trust.chain_id.hex()}"
                )
        for before, header in zip(self.headers, self.headers[1:], strict=False):
            if header.parent != header_digest(before) or header.height != before.height + 1:
                raise BrokenChain(
                    f"the header of height {header.height} does not follow the one before it"
                )
        last = self.headers[-1]
        if self.certificate.digest != header_digest(last):
            raise OtherBlock("the certificate is of another block")
        if self.certificate.epoch != last.epoch:
            raise WrongEpoch(
                f"the certificate is of epoch {self.certificate.epoch}, expected {last.epoch}"
            )
        signers = self.certificate.verify(trust.chain_id, committee)
        return FinalBlock(self.header, header_digest(self.header), signers)


def _header(item: cbor.Item) -> Header:
    data = cbor.string(item, "header")
    try:
        check_limit(len(data), HEADER_BYTES_MAX, "header")
        return Header.from_bytes(data)
    except Undecodable as error:
        raise Malformed(f"the header is malformed: {error}") from None


def read_hand_overs(item: cbor.Item) -> tuple[CertifiedChain, ...]:
    """Read the hand-overs of a proof, oldest first."""
    return tuple(map(CertifiedChain.read, cbor.items(item, "hand-overs", PROOF_HANDOVERS_MAX)))


def verify_final(
    chain: CertifiedChain, hand_overs: tuple[CertifiedChain, ...], trust: Trust
) -> FinalBlock:
    """Follow the hand-overs from the trusted validators, and check `chain` against the last set.

    Raises:
        Refused: Something does not match.
    """
    trusted = tuple((one.name, one.key) for one in trust.validators)
    committee = Committee(trust.epoch, trusted)
    followed = False
    for hand_over in hand_overs:
        if hand_over.header.epoch < trust.epoch:
            continue  # it leads to the trusted set
        committee = _follow(hand_over, trust, committee)
        followed = True
    shown = chain.verify(trust, committee)
    if followed:
        _not_before(chain.certificate.epoch, committee)
    return shown


def _follow(hand_over: CertifiedChain, trust: Trust, committee: Committee) -> Committee:
    header = hand_over.verify(trust, committee).header
    change = header.epoch_change
    if change is None or change.epoch != header.epoch + 1:
        raise NotAHandOver(f"the header of height {header.height} hands over to no next epoch")
    if hand_over.certificate.epoch != header.epoch:
        raise WrongEpoch(
            f"the certificate is of epoch {hand_over.certificate.epoch}, expected {header.epoch}"
        )
    _not_before(header.epoch, committee)
    members = tuple((one.name, one.key) for one in change.validators.members)
    return Committee(change.epoch, members)


def _not_before(epoch: Epoch, committee: Committee) -> None:
    if epoch < committee.epoch:
        raise EpochBeforeTrust(
            f"epoch {epoch} lies before epoch {committee.epoch}, from which the set is trusted"
        )
