"""Read certificates as the consensus engine stores and sends them.

Source: `docs/reference/archive.md`, section 4. Proof files hold the same certificates as CBOR
(`certified.Certificate`); here they stand in the engine's own encoding, as a node serves them to
its followers and an archive keeps them.

Example:
    >>> from trine.model.proofs.finalization import Finalization
    >>> head = bytes([0, 5, 4]) + bytes(32) + (4).to_bytes(8, "big")
    >>> one = head + bytes([0b0101, 2]) + bytes(128)
    >>> read = Finalization.from_bytes(one)
    >>> read.certificate.view, read.validators, len(read.certificate.signatures)
    (5, 4, 2)
    >>> read.encode() == one
    True
"""

from dataclasses import dataclass
from typing import Final, Self

from trine.model.codec import U64, Reader, Value, check_limit
from trine.model.identifiers import Digest, Epoch
from trine.model.limits import U64_MAX, VALIDATORS_MAX
from trine.model.proofs.certified import SIGNATURE_BYTES, Certificate, varint
from trine.model.verdicts import Malformed, NonCanonical, TooLarge

VARINT_BYTES_MAX: Final = 10
"""Bytes of the longest number: 64 bits, seven in each byte."""

FINALIZATION_BYTES_MAX: Final = (
    3 * VARINT_BYTES_MAX + 32 + 8 + (VALIDATORS_MAX + 7) // 8 + 1 + VALIDATORS_MAX * SIGNATURE_BYTES
)
"""Bytes of the longest certificate."""


def read_varint(reader: Reader) -> int:
    """Take an unsigned LEB128 number of 64 bits; it has one encoding.

    Raises:
        TooLarge: It needs more bits.
        NonCanonical: It has needless bytes.
    """
    number = 0
    for place in range(VARINT_BYTES_MAX):
        byte = reader.integer(1)
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            if byte == 0 and place > 0:
                raise NonCanonical("a number has needless bytes")
            check_limit(number, U64_MAX, "a number of 64 bits")
            return number
    raise TooLarge("a number has more than 64 bits")


@dataclass(frozen=True)
class Finalization(Value):
    """A certificate, with the number of validators that its signers are counted among."""

    certificate: Certificate
    """Certificate; nothing of it is verified yet."""
    validators: int
    """Validators of the epoch, as the certificate says."""

    def encode(self) -> bytes:
        """Return the engine's encoding."""
        made = self.certificate
        signatures = varint(len(made.signatures)) + b"".join(made.signatures)
        return made.message() + U64.write(self.validators) + made.signers + signatures

    @classmethod
    def decode(cls, reader: Reader) -> Self:
        """Take a certificate.

        Raises:
            Undecodable: The bytes are no certificate of at most `VALIDATORS_MAX` validators.
        """
        epoch, view, parent_view = (read_varint(reader) for _ in range(3))
        digest = Digest(reader.take(Digest.LENGTH))
        validators = U64.read(reader)
        check_limit(validators, VALIDATORS_MAX, "validators of a certificate")
        signers = reader.take((validators + 7) // 8)
        bits = int.from_bytes(signers, "little")
        if bits >> validators:
            raise NonCanonical("a signer is none of the validators")
        count = read_varint(reader)
        if count != bits.bit_count():
            raise Malformed(f"{bits.bit_count()} signers have {count} signatures")
        signatures = tuple(reader.take(SIGNATURE_BYTES) for _ in range(count))
        made = Certificate(Epoch(epoch), view, parent_view, digest, signers, signatures)
        return cls(made, validators)
