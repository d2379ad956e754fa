"""Define the chain's parameters: what organisations may change by proposals."""

from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from trine.model.codec import U64, ListOf, Reader, Value
from trine.model.verdicts import Malformed, NonCanonical, ParameterOutOfRange, UnknownParameter


class ParameterRule(NamedTuple):
    """What is known of one parameter."""

    name: str
    """Name in the genesis document and in answers; its unit stands last."""
    default: int
    """Value where the genesis document names none."""
    least: int
    """Smallest value allowed."""
    most: int
    """Largest value allowed."""


PARAMETERS: Final = (
    # Length of a quota window, in milliseconds of block time.
    ParameterRule("quota_window_ms", 60_000, 1_000, 86_400_000),
    # Quota of an account, in units a window.
    ParameterRule("account_quota", 1_000_000, 1, 2**32 - 1),
    # Quota of an organisation, in units a window.
    ParameterRule("organisation_quota", 100_000_000, 1, 2**48),
    # A proposal passes when approvals * 100 > organisations * this.
    ParameterRule("approval_percent", 50, 0, 99),
    # Longest life of a proposal, in milliseconds: 30 days by default, a year at most.
    ParameterRule("proposal_lifetime_ms_max", 2_592_000_000, 1_000, 31_536_000_000),
    # Transactions in a block.
    ParameterRule("block_transactions_max", 8_192, 1, 16_384),
    # Bytes of a block's transactions.
    ParameterRule("block_bytes_max", 8_388_608, 65_536, 8_388_608),
    # Who may read the chain from its nodes: 0 anyone, 1 members, 2 accounts with a role.
    ParameterRule("read_access", 0, 0, 2),
    # Shortest time between a block and its parent, in milliseconds; leaders keep it.
    ParameterRule("block_interval_ms_min", 0, 0, 1_000),
)
"""Every parameter; its place is its number. Append only."""

PARAMETER_NUMBERS: Final = {rule.name: number for number, rule in enumerate(PARAMETERS)}
"""Number of each parameter by its name."""

ENCODED_MIN: Final = 7
"""Parameters that every encoding has.

A later one stands in it up to the last that differs from its default, so that chains which never
set it have the states that they had without it."""

_VALUES: Final = ListOf(U64, len(PARAMETERS), "parameters")


def check_parameter(number: int, value: int) -> None:
    """Check that a parameter exists and may have this value.

    Raises:
        UnknownParameter: No parameter has the number.
        ParameterOutOfRange: The value is outside the parameter's range.
    """
    if number >= len(PARAMETERS):
        raise UnknownParameter
    if not PARAMETERS[number].least <= value <= PARAMETERS[number].most:
        raise ParameterOutOfRange


@dataclass(frozen=True)
class Parameters(Value):
    """Values of the chain's parameters."""

    values: tuple[int, ...] = tuple(rule.default for rule in PARAMETERS)
    """One value a parameter, in the order of `PARAMETERS`."""

    def __getitem__(self, name: str) -> int:
        """Return the value of the parameter with this name."""
        return self.values[PARAMETER_NUMBERS[name]]

    def replaced(self, number: int, value: int) -> "Parameters":
        """Return the parameters with one changed."""
        return Parameters((*self.values[:number], value, *self.values[number + 1 :]))

    def encode(self) -> bytes:
        """Return a list of 64-bit numbers, without the defaults at its end."""
        count = len(PARAMETERS)
        while count > ENCODED_MIN and self.values[count - 1] == PARAMETERS[count - 1].default:
            count -= 1
        return _VALUES.write(self.values[:count])

    @classmethod
    def decode(cls, reader: Reader) -> Self:
        """Take the parameters; those that the list leaves out have their defaults."""
        values = _VALUES.read(reader)
        count = len(values)
        if count < ENCODED_MIN:
            raise Malformed("number of parameters")
        if count > ENCODED_MIN and values[-1] == PARAMETERS[count - 1].default:
            raise NonCanonical("the last parameter differs from its default")
        return cls((*values, *(rule.default for rule in PARAMETERS[count:])))
