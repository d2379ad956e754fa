"""Execute what organisations decided: freeze, set a parameter, admit an organisation, ..."""

from dataclasses import replace
from typing import Final

from trine.model.account import Account, Roles
from trine.model.calls import (
    ORGANISATIONS,
    PROPOSALS,
    Action,
    AdmitValidator,
    CreateOrganisation,
    Freeze,
    RemoveOrganisation,
    RemoveValidator,
    ReplaceValidator,
    SetParameter,
    Unfreeze,
)
from trine.model.codec import U8, U32, U64
from trine.model.context import Effects
from trine.model.identifiers import OrganisationId
from trine.model.limits import ORGANISATIONS_MAX
from trine.model.modules import evidence, organisations, validators
from trine.model.modules.accounts import check_key, record_first_key, set_frozen
from trine.model.names import is_name
from trine.model.outcome import Event
from trine.model.parameters import check_parameter
from trine.model.records import Organisation
from trine.model.state_keys import organisation_key, organisation_name_key
from trine.model.verdicts import (
    AccountExists,
    BadName,
    LastOrganisation,
    OrganisationExists,
    OrganisationLimit,
    OrganisationRemoved,
    UnknownOrganisation,
)

PARAMETER_SET: Final = 6
"""Event of the proposals: a parameter was set. Fields: parameter, value."""

DEFAULT_LOG: Final = "default"
"""Name of the evidence log with which every organisation starts."""


def check_action(action: Action) -> None:
    """Check what can be known of an action before anybody votes.

    Raises:
        UnknownParameter: No parameter has the number.
        ParameterOutOfRange: The value is outside the parameter's range.
        BadName: The name is not allowed.
        BadKey: The key of the administrator or of a validator is not well-formed.
        BadAddress: A validator's address is not `host:port`.
    """
    match action:
        case SetParameter(parameter, value):
            check_parameter(parameter, value)
        case CreateOrganisation(name, administrator):
            if not is_name(name):
                raise BadName
            check_key(administrator)
        case AdmitValidator(validator):
            validators.check_validator(validator)
        case RemoveValidator(key):
            validators.check_validator_key(key)
        case ReplaceValidator(key, validator):
            validators.check_validator_key(key)
            validators.check_validator(validator)


def execute_action(action: Action, effects: Effects) -> None:
    """Execute an action that passed.

    Raises:
        UnknownAccount: The address has no account.
        NoChange: The account is frozen already, or not frozen.
        FailedTransaction: As `create_organisation`, `remove_organisation`, or as the functions of
            `validators`.
    """
    match action:
        case Freeze(address):
            set_frozen(address, True, effects)
        case Unfreeze(address):
            set_frozen(address, False, effects)
        case SetParameter(parameter, value):
            set_parameter(parameter, value, effects)
        case CreateOrganisation():
            create_organisation(action, effects)
        case AdmitValidator(validator):
            validators.admit(validator, effects)
        case RemoveValidator(key):
            validators.remove(key, effects)
        case ReplaceValidator(key, validator):
            validators.replace(key, validator, effects)
        case RemoveOrganisation(organisation):
            remove_organisation(organisation, effects)


def set_parameter(parameter: int, value: int, effects: Effects) -> None:
    """Set a parameter; it is in force from the next call on."""
    state = effects.state
    state.parameters = state.parameters.replaced(parameter, value)
    counters = state.counters
    state.counters = replace(counters, parameters_version=counters.parameters_version + 1)
    fields = U8.write(parameter) + U64.write(value)
    effects.events.append(Event.of_module(PROPOSALS, PARAMETER_SET, fields))


def create_organisation(action: CreateOrganisation, effects: Effects) -> None:
    """Create an organisation with its log and first administrator, who holds every role that acts.

    Raises:
        OrganisationExists: Another organisation has the name.
        OrganisationLimit: The chain has `ORGANISATIONS_MAX` organisations.
        AccountExists: The administrator's address has an account.
        LogLimit: The chain has as many logs as it may.
    """
    state, counters = effects.state, effects.state.counters
    if state.read_number(organisation_name_key(action.name)) is not None:
        raise OrganisationExists
    if counters.organisations == ORGANISATIONS_MAX:
        raise OrganisationLimit
    address = action.administrator.address()
    if address in state.accounts:
        raise AccountExists
    number = OrganisationId(counters.organisations)
    state.counters = replace(counters, organisations=number + 1)
    state.write(organisation_key(number), Organisation(action.name, 1, 0, 0))
    state.write_number(organisation_name_key(action.name), number)
    state.accounts[address] = Account.new(number, Roles.ACTING, action.administrator)
    record_first_key(address, action.administrator, state)
    fields = U32.write(number) + address
    effects.events.append(Event.of_module(ORGANISATIONS, organisations.CREATED, fields))
    evidence.add_log(number, DEFAULT_LOG, effects)


def remove_organisation(number: OrganisationId, effects: Effects) -> None:
    """Remove an organisation and its validators. What it wrote stays.

    Its accounts act no more, and its votes on open proposals do not count.

    Raises:
        UnknownOrganisation: No organisation has the number.
        OrganisationRemoved: It was removed before.
        LastOrganisation: It is the only one.
        LastValidator: All validators are its own.
    """
    state = effects.state
    if state.read(organisation_key(number), Organisation) is None:
        raise UnknownOrganisation
    if state.is_removed(number):
        raise OrganisationRemoved
    if state.organisations == 1:
        raise LastOrganisation
    validators.remove_of(number, effects)
    state.removed = state.removed | {number}
    fields = U32.write(number)
    effects.events.append(Event.of_module(ORGANISATIONS, organisations.REMOVED, fields))
