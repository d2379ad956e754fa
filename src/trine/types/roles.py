"""Say what an account may do in its organisation.

>>> from trine.types import Roles
>>> Roles.parse(["notary", "issuer"]).names()
['notary', 'issuer']
"""

from collections.abc import Iterable
from enum import IntFlag
from typing import Self

from trine.errors import BadArgument


class Roles(IntFlag):
    """Set of roles."""

    NONE = 0
    ADMINISTRATOR = 1
    """Creates and freezes accounts, sets roles and quotas, creates logs, votes on proposals."""
    NOTARY = 2
    """Appends to the organisation's evidence logs."""
    ISSUER = 4
    """Defines the organisation's assets and issues them."""
    READER = 8
    """Reads a chain that only accounts with a role read."""

    @classmethod
    def parse(cls, names: Iterable[str]) -> Self:
        """Read role names.

        Raises:
            BadArgument: A name is unknown.
        """
        roles = cls(0)
        for name in names:
            role = cls.__members__.get(name.upper())
            if not role:
                known = ", ".join(member.lower() for member in cls.__members__ if member != "NONE")
                raise BadArgument(f"role {name!r}, expected any of {known}")
            roles |= role
        return roles

    def names(self) -> list[str]:
        """List the names of the roles in the set."""
        return [str(role.name).lower() for role in type(self) if role and role in self]
