"""Define what execution says about a transaction that stands in a block."""

from dataclasses import dataclass
from typing import Annotated, Final, Self

from trine.model.codec import U8, U16, U64, Bytes, Format, ListOf, Nested, Raw, Reader, Structure
from trine.model.identifiers import Address, Digest
from trine.model.limits import EVENT_DATA_BYTES_MAX, EVENTS_MAX, TOPICS_MAX
from trine.model.verdicts import Malformed, numbers


@dataclass(frozen=True)
class Event(Structure):
    """Something that happened in a call."""

    emitter: Address
    """What emitted it: for a module, 19 zero bytes and the module's number."""
    topics: Annotated[tuple[Digest, ...], ListOf(Raw(Digest), TOPICS_MAX, "topics", prefix=1)]
    """Up to four values to search by; an address is padded with zeros on the left."""
    data: Annotated[bytes, Bytes(4, EVENT_DATA_BYTES_MAX, "event data")]
    """For a module: the event's number as one byte, then its fields."""

    @classmethod
    def of_module(
        cls, module: int, number: int, fields: bytes, *, topics: tuple[Address, ...] = ()
    ) -> Self:
        """Make an event of a module.

        Args:
            module: Number of the module that emits it.
            number: Number of the event in the module.
            fields: Encoded fields.
            topics: Addresses by which the event can be found.
        """
        return cls(
            emitter=Address(bytes(19) + bytes([module])),
            topics=tuple(Digest(bytes(12) + address) for address in topics),
            data=U8.write(number) + fields,
        )


class VerdictNumber(Format[int]):
    """The number of a verdict, as two bytes."""

    def write(self, value: int) -> bytes:
        """Return the number."""
        return U16.write(value)

    def read(self, reader: Reader) -> int:
        """Take a number; one that no rule has is malformed."""
        number = U16.read(reader)
        if number not in numbers():
            raise Malformed("unknown outcome code")
        return number


VERDICT_NUMBER: Final = VerdictNumber()
"""Format of a verdict."""


@dataclass(frozen=True)
class Outcome(Structure):
    """What execution says about a transaction in a block."""

    code: Annotated[int, VERDICT_NUMBER]
    """Number of the verdict: 0, or one from 100 on (see `verdicts`)."""
    failed_call: Annotated[int, U8]
    """Index of the call that failed; 0 where none did or none ran."""
    gas_used: Annotated[int, U64]
    """Quota units used."""
    events: Annotated[tuple[Event, ...], ListOf(Nested(Event), EVENTS_MAX, "events")]
    """Events in order; none when the transaction failed."""
