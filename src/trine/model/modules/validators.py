"""Keep the registry of validators: who decides the epochs to come.

What organisations decide here takes over with the epoch after the next: the last block of an epoch
names who decides the one after the following, as the registry is before that block.
"""

from typing import Final

from trine.model.calls import PROPOSALS
from trine.model.codec import U32
from trine.model.context import Effects
from trine.model.identifiers import OrganisationId, ValidatorKey
from trine.model.keys import key_of_validator
from trine.model.limits import VALIDATORS_MAX
from trine.model.names import is_name, is_peer_address
from trine.model.outcome import Event
from trine.model.records import Organisation
from trine.model.state_keys import organisation_key, validators_key
from trine.model.validators import Validator, ValidatorSet
from trine.model.verdicts import (
    BadAddress,
    BadKey,
    BadName,
    LastValidator,
    NoChange,
    OrganisationRemoved,
    OtherOrganisation,
    UnknownOrganisation,
    UnknownValidator,
    ValidatorExists,
    ValidatorLimit,
)

ADMITTED: Final = 7
"""Event of the proposals: a validator was admitted. Fields: key, organisation."""
REMOVED: Final = 8
"""Event of the proposals: a validator was removed. Fields: key."""
REPLACED: Final = 9
"""Event of the proposals: a validator was replaced. Fields: key before, key after."""


def check_validator(validator: Validator) -> None:
    """Refuse a validator that can never be one.

    Raises:
        BadKey: As `check_validator_key`.
        BadName: The name is not allowed.
        BadAddress: The address is not `host:port`.
    """
    check_validator_key(validator.key)
    if not is_name(validator.name):
        raise BadName
    if not is_peer_address(validator.address):
        raise BadAddress


def check_validator_key(key: ValidatorKey) -> None:
    """Refuse bytes that are no validator's key on a chain of the suite at hand.

    Raises:
        BadKey: They are not.
    """
    if key_of_validator(key) is None:
        raise BadKey


def admit(validator: Validator, effects: Effects) -> None:
    """Admit a validator that `check_validator` passed.

    Raises:
        UnknownOrganisation: No organisation has the number.
        OrganisationRemoved: It was removed.
        ValidatorExists: A validator has the key.
        ValidatorLimit: The chain has `VALIDATORS_MAX` validators.
    """
    if effects.state.read(organisation_key(validator.organisation), Organisation) is None:
        raise UnknownOrganisation
    if effects.state.is_removed(validator.organisation):
        raise OrganisationRemoved
    members = _members(effects)
    if validator.key in members:
        raise ValidatorExists
    if len(members) == VALIDATORS_MAX:
        raise ValidatorLimit
    _write({**members, validator.key: validator}, effects)
    fields = validator.key + U32.write(validator.organisation)
    effects.events.append(Event.of_module(PROPOSALS, ADMITTED, fields))


def remove(key: ValidatorKey, effects: Effects) -> None:
    """Remove a validator; the last one stays.

    Raises:
        UnknownValidator: No validator has the key.
        LastValidator: It is the only one.
    """
    members = _members(effects)
    if key not in members:
        raise UnknownValidator
    if len(members) == 1:
        raise LastValidator
    del members[key]
    _write(members, effects)
    effects.events.append(Event.of_module(PROPOSALS, REMOVED, bytes(key)))


def remove_of(organisation: OrganisationId, effects: Effects) -> None:
    """Remove every validator of an organisation, in the order of their keys.

    Raises:
        LastValidator: There are no others.
    """
    members = _members(effects)
    gone = [key for key, validator in members.items() if validator.organisation == organisation]
    if len(gone) == len(members):
        raise LastValidator
    if not gone:
        return
    _write({key: one for key, one in members.items() if key not in gone}, effects)
    for key in sorted(gone):
        effects.events.append(Event.of_module(PROPOSALS, REMOVED, bytes(key)))


def replace(key: ValidatorKey, validator: Validator, effects: Effects) -> None:
    """Put a validator that `check_validator` passed in the place of the one with `key`.

    Raises:
        UnknownValidator: No validator has the key.
        OtherOrganisation: It is of another organisation.
        NoChange: Nothing of it would change.
        ValidatorExists: Another validator has the new key.
    """
    members = _members(effects)
    if key not in members:
        raise UnknownValidator
    before = members.pop(key)
    if before.organisation != validator.organisation:
        raise OtherOrganisation
    if before == validator:
        raise NoChange
    if validator.key in members:
        raise ValidatorExists
    _write({**members, validator.key: validator}, effects)
    effects.events.append(Event.of_module(PROPOSALS, REPLACED, key + validator.key))


def _members(effects: Effects) -> dict[ValidatorKey, Validator]:
    registry = effects.state.require(validators_key(), ValidatorSet)
    return {validator.key: validator for validator in registry.members}


def _write(members: dict[ValidatorKey, Validator], effects: Effects) -> None:
    effects.state.write(validators_key(), ValidatorSet.of(members.values()))
