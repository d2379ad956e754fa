"""Keep the logs of evidence: create them, append to them."""

from dataclasses import replace
from typing import Final

from trine.model.account import Roles
from trine.model.calls import EVIDENCE, EvidenceAppend, LogCreate
from trine.model.codec import U16, U32, U64
from trine.model.context import Caller, Effects, LogAppend
from trine.model.identifiers import LogId, OrganisationId
from trine.model.limits import LOGS_MAX
from trine.model.merkle import Frontier
from trine.model.names import is_name
from trine.model.outcome import Event
from trine.model.records import Log
from trine.model.state_keys import log_key, log_name_key
from trine.model.verdicts import BadName, LogExists, LogLimit, OtherOrganisation, UnknownLog

LOG_CREATED: Final = 1
"""Event: a log was created. Fields: log, organisation."""
APPENDED: Final = 2
"""Event: entries were appended. Fields: log, index of the first entry, number of entries."""


def create_log(call: LogCreate, caller: Caller, effects: Effects) -> None:
    """Create an evidence log of the sender's organisation.

    Raises:
        NoRight: The sender is no administrator.
        BadName: The name is not allowed.
        LogExists: The organisation has a log with this name.
        LogLimit: The chain has `LOGS_MAX` logs.
    """
    organisation = caller.require_role(Roles.ADMINISTRATOR, effects).organisation
    if not is_name(call.name):
        raise BadName
    add_log(organisation, call.name, effects)


def add_log(organisation: OrganisationId, name: str, effects: Effects) -> None:
    """Add an empty log to an organisation; who may do so is checked before.

    Raises:
        LogExists: The organisation has a log with this name.
        LogLimit: The chain has `LOGS_MAX` logs.
    """
    state, counters = effects.state, effects.state.counters
    if state.read_number(log_name_key(organisation, name)) is not None:
        raise LogExists
    if counters.logs == LOGS_MAX:
        raise LogLimit
    log = LogId(counters.logs)
    state.counters = replace(counters, logs=log + 1)
    state.write(log_key(log), Log(organisation, name, Frontier()))
    state.write_number(log_name_key(organisation, name), log)
    effects.log_appends.append(LogAppend(log, 0, ()))
    fields = U32.write(log) + U32.write(organisation)
    effects.events.append(Event.of_module(EVIDENCE, LOG_CREATED, fields))


def append(call: EvidenceAppend, caller: Caller, effects: Effects) -> None:
    """Append entries to a log of the sender's organisation; each is one leaf of its tree.

    Raises:
        NoRight: The sender is no notary.
        UnknownLog: No log has the number.
        OtherOrganisation: The log belongs to another organisation.
    """
    organisation = caller.require_role(Roles.NOTARY, effects).organisation
    log = effects.state.read(log_key(call.log), Log)
    if log is None:
        raise UnknownLog
    if log.organisation != organisation:
        raise OtherOrganisation
    frontier = log.frontier
    for entry in call.entries:
        frontier = frontier.append(entry)
    effects.state.write(log_key(call.log), replace(log, frontier=frontier))
    first = log.frontier.size
    effects.log_appends.append(LogAppend(call.log, first, call.entries))
    fields = U32.write(call.log) + U64.write(first) + U16.write(len(call.entries))
    effects.events.append(Event.of_module(EVIDENCE, APPENDED, fields))
