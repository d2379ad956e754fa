"""Define who decides: validators, their set, and the hand-over from epoch to epoch."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Final, Self

from trine.model.codec import (
    U32,
    U64,
    ListOf,
    Nested,
    Optional,
    Reader,
    Structure,
    Text8,
    Value,
    check_limit,
)
from trine.model.identifiers import Epoch, OrganisationId, ValidatorKey
from trine.model.limits import ADDRESS_TEXT_BYTES_MAX, NAME_BYTES_MAX, VALIDATORS_MAX
from trine.model.verdicts import Malformed, NonCanonical


@dataclass(frozen=True)
class Validator(Structure):
    """One validator."""

    key: ValidatorKey
    """Key that signs its votes."""
    organisation: Annotated[OrganisationId, U32]
    """Organisation that runs it."""
    name: Annotated[str, Text8(NAME_BYTES_MAX, "name")]
    """Name for people."""
    address: Annotated[str, Text8(ADDRESS_TEXT_BYTES_MAX, "address")]
    """Where peers reach it, as `host:port`."""


_VALIDATORS: Final = ListOf(Nested(Validator), VALIDATORS_MAX, "validators", least=1)


@dataclass(frozen=True)
class ValidatorSet(Value):
    """The validators of one epoch: 1 to `VALIDATORS_MAX`, ordered by key, no key twice."""

    members: tuple[Validator, ...]
    """The validators in order; a validator's place is its index in certificates."""

    @classmethod
    def of(cls, validators: Iterable[Validator]) -> Self:
        """Put validators in order.

        Raises:
            Undecodable: There are none, too many, or a key stands twice.
        """
        members = tuple(sorted(validators, key=lambda validator: validator.key))
        check_limit(len(members), VALIDATORS_MAX, "validators")
        if not members:
            raise Malformed("a validator set has at least one member")
        return cls._ordered(members)

    @property
    def quorum(self) -> int:
        """Signatures that a certificate needs: more than two thirds, `n - floor((n - 1) / 3)`."""
        return len(self.members) - (len(self.members) - 1) // 3

    def encode(self) -> bytes:
        """Return the list of validators."""
        return _VALIDATORS.write(self.members)

    @classmethod
    def decode(cls, reader: Reader) -> Self:
        """Take a set; any other order is not canonical."""
        return cls._ordered(_VALIDATORS.read(reader))

    @classmethod
    def _ordered(cls, members: tuple[Validator, ...]) -> Self:
        keys = [validator.key for validator in members]
        if keys != sorted(set(keys)):
            raise NonCanonical("validators are ordered by key, each once")
        return cls(members)


@dataclass(frozen=True)
class EpochChange(Structure):
    """What the last block of an epoch commits: who decides the next two epochs."""

    epoch: Annotated[Epoch, U64]
    """The epoch that begins after this block; on genesis, epoch 0."""
    validators: ValidatorSet
    """Validators of that epoch."""
    following: Annotated[ValidatorSet | None, Optional(Nested(ValidatorSet))]
    """Validators of the epoch after it, where they differ."""

    @classmethod
    def decode(cls, reader: Reader) -> Self:
        """Take a hand-over; a following set that does not differ is not canonical."""
        change = super().decode(reader)
        if change.following == change.validators:
            raise NonCanonical("a following set that does not differ")
        return change
