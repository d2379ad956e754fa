"""Set the roles and quotas of an organisation's members."""

from dataclasses import replace
from typing import Final

from trine.model.account import Roles
from trine.model.calls import ORGANISATIONS, QuotaSet, RolesSet
from trine.model.codec import U8, U32
from trine.model.context import Caller, Effects
from trine.model.modules.accounts import count_administrators
from trine.model.outcome import Event
from trine.model.records import Organisation
from trine.model.state_keys import organisation_key
from trine.model.verdicts import LastAdministrator

ROLES_SET: Final = 1
"""Event: a member's roles were set. Fields: address, roles."""
QUOTA_SET: Final = 2
"""Event: a member's quota was set. Fields: address, quota."""
CREATED: Final = 3
"""Event: an organisation was created. Fields: organisation, administrator's address."""
REMOVED: Final = 6
"""Event: an organisation was removed. Fields: organisation."""


def set_roles(call: RolesSet, caller: Caller, effects: Effects) -> None:
    """Set the roles of a member of the sender's organisation.

    Raises:
        NoRight: The sender is no administrator.
        UnknownAccount: The address has no account.
        OtherOrganisation: The account belongs to another organisation.
        LastAdministrator: The organisation would have no administrator left.
    """
    caller.require_role(Roles.ADMINISTRATOR, effects)
    member = caller.require_member(call.address, effects)
    was = Roles.ADMINISTRATOR in member.roles
    becomes = Roles.ADMINISTRATOR in call.roles
    record = effects.state.require(organisation_key(member.organisation), Organisation)
    if was and not becomes and record.administrators == 1:
        raise LastAdministrator
    if was != becomes:
        count_administrators(effects.state, member.organisation, becomes - was)
    effects.state.accounts[call.address] = replace(member, roles=call.roles)
    fields = call.address + U8.write(call.roles)
    effects.events.append(Event.of_module(ORGANISATIONS, ROLES_SET, fields))


def set_quota(call: QuotaSet, caller: Caller, effects: Effects) -> None:
    """Set the quota of a member of the sender's organisation.

    Raises:
        NoRight: The sender is no administrator.
        UnknownAccount: The address has no account.
        OtherOrganisation: The account belongs to another organisation.
    """
    caller.require_role(Roles.ADMINISTRATOR, effects)
    member = caller.require_member(call.address, effects)
    effects.state.accounts[call.address] = replace(member, quota=call.quota)
    fields = call.address + U32.write(call.quota)
    effects.events.append(Event.of_module(ORGANISATIONS, QUOTA_SET, fields))
