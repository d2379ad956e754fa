"""Let organisations decide together: submit, approve, reject, and execute what passed.

An organisation has one vote, which any of its administrators casts.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from trine.model.account import Roles
from trine.model.calls import PROPOSALS, ProposalApprove, ProposalReject, ProposalSubmit
from trine.model.codec import U32, U64
from trine.model.context import Caller, Effects
from trine.model.identifiers import OrganisationId, ProposalId
from trine.model.modules.actions import check_action, execute_action
from trine.model.outcome import Event
from trine.model.records import Proposal, ProposalStatus
from trine.model.state_keys import proposal_key
from trine.model.verdicts import (
    ActionMismatch,
    AlreadyVoted,
    BadLifetime,
    ProposalClosed,
    ProposalExpired,
    UnknownProposal,
)

SUBMITTED: Final = 1
"""Event: a proposal was submitted and so approved. Fields: proposal, organisation."""
APPROVED: Final = 2
"""Event: an organisation approved. Fields: proposal, organisation."""
REJECTED_BY_ONE: Final = 3
"""Event: an organisation rejected. Fields: proposal, organisation."""
EXECUTED: Final = 4
"""Event: enough approved and the action was executed. Fields: proposal."""
REJECTED: Final = 5
"""Event: so many rejected that the proposal cannot pass any more. Fields: proposal."""


def submit(call: ProposalSubmit, caller: Caller, effects: Effects) -> None:
    """Submit a proposal and approve it for the sender's organisation.

    Raises:
        NoRight: The sender is no administrator.
        BadLifetime: It would expire at once, or live longer than `proposal_lifetime_ms_max`.
        FailedTransaction: The action can never be executed (see `actions.check_action`), or it
            passes at once and cannot be executed now.
    """
    organisation = caller.require_role(Roles.ADMINISTRATOR, effects).organisation
    now_ms = caller.block.time_ms
    latest_ms = now_ms + effects.state.parameters["proposal_lifetime_ms_max"]
    if not now_ms < call.expires_ms <= latest_ms:
        raise BadLifetime
    check_action(call.action)
    counters = effects.state.counters
    number = ProposalId(counters.proposals)
    effects.state.counters = replace(counters, proposals=number + 1)
    proposal = Proposal(
        action=call.action,
        organisation=organisation,
        expires_ms=call.expires_ms,
        status=ProposalStatus.OPEN,
        approvals=(organisation,),
        rejections=(),
    )
    _emit_vote(SUBMITTED, number, organisation, effects)
    _decide(number, proposal, effects)


def approve(call: ProposalApprove, caller: Caller, effects: Effects) -> None:
    """Approve a proposal for the sender's organisation; the vote that suffices executes it.

    Raises:
        NoRight: The sender is no administrator.
        UnknownProposal: No proposal has the number.
        ProposalClosed: It was executed or rejected.
        ProposalExpired: Its time is over.
        AlreadyVoted: The organisation approved or rejected before.
        ActionMismatch: The action is not the one that the proposal holds.
        FailedTransaction: The proposal passes and its action cannot be executed now; the vote is
            taken back with the rest of the transaction.
    """
    organisation = caller.require_role(Roles.ADMINISTRATOR, effects).organisation
    proposal = _votable(call.proposal, organisation, caller, effects)
    if call.action != proposal.action:
        raise ActionMismatch
    proposal = replace(proposal, approvals=(*proposal.approvals, organisation))
    _emit_vote(APPROVED, call.proposal, organisation, effects)
    _decide(call.proposal, proposal, effects)


def reject(call: ProposalReject, caller: Caller, effects: Effects) -> None:
    """Reject a proposal for the sender's organisation.

    A rejection never executes the action, even where a changed parameter lets the approvals suffice
    now: only a vote that names the action does.

    Raises:
        NoRight: The sender is no administrator.
        UnknownProposal: No proposal has the number.
        ProposalClosed: It was executed or rejected.
        ProposalExpired: Its time is over.
        AlreadyVoted: The organisation approved or rejected before.
    """
    organisation = caller.require_role(Roles.ADMINISTRATOR, effects).organisation
    proposal = _votable(call.proposal, organisation, caller, effects)
    proposal = replace(proposal, rejections=(*proposal.rejections, organisation))
    _emit_vote(REJECTED_BY_ONE, call.proposal, organisation, effects)
    _keep(call.proposal, proposal, effects)


def _votable(
    number: ProposalId, organisation: OrganisationId, caller: Caller, effects: Effects
) -> Proposal:
    """Return a proposal on which the organisation can vote now."""
    proposal = effects.state.read(proposal_key(number), Proposal)
    if proposal is None:
        raise UnknownProposal
    if proposal.status != ProposalStatus.OPEN:
        raise ProposalClosed
    if caller.block.time_ms > proposal.expires_ms:
        raise ProposalExpired
    if organisation in proposal.approvals + proposal.rejections:
        raise AlreadyVoted
    return proposal


def _decide(number: ProposalId, proposal: Proposal, effects: Effects) -> None:
    """Execute a proposal where enough organisations approve it, else keep it.

    Enough are more than `approval_percent` of all organisations, as the parameter and the number of
    organisations are at the time of the vote.
    """
    if _count(proposal.approvals, effects) * 100 <= _threshold(effects):
        _keep(number, proposal, effects)
        return
    execute_action(proposal.action, effects)
    executed = replace(proposal, status=ProposalStatus.EXECUTED)
    effects.state.write(proposal_key(number), executed)
    effects.events.append(Event.of_module(PROPOSALS, EXECUTED, U64.write(number)))


def _keep(number: ProposalId, proposal: Proposal, effects: Effects) -> None:
    """Keep a proposal open, or close it where those that have not rejected it are too few."""
    possible = effects.state.organisations - _count(proposal.rejections, effects)
    if possible * 100 <= _threshold(effects):
        proposal = replace(proposal, status=ProposalStatus.REJECTED)
        effects.events.append(Event.of_module(PROPOSALS, REJECTED, U64.write(number)))
    effects.state.write(proposal_key(number), proposal)


def _threshold(effects: Effects) -> int:
    """Return what a hundred times the approvals must exceed."""
    return effects.state.organisations * effects.state.parameters["approval_percent"]


def _count(votes: Sequence[OrganisationId], effects: Effects) -> int:
    """Count the votes whose organisations are not removed."""
    return sum(not effects.state.is_removed(organisation) for organisation in votes)


def _emit_vote(
    event: int, number: ProposalId, organisation: OrganisationId, effects: Effects
) -> None:
    fields = U64.write(number) + U32.write(organisation)
    effects.events.append(Event.of_module(PROPOSALS, event, fields))
