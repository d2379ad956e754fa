"""Check what must hold in every state of the chain."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model import generators
from trine.model import Chain, InvalidBlock
from trine.model.account import ACCOUNT_BYTES, Roles
from trine.model.codec import U64, Reader
from trine.model.identifiers import (
    AssetId,
    Height,
    LogId,
    OrganisationId,
    ProposalId,
)
from trine.model.modules.assets import balance_of
from trine.model.outcome import Outcome
from trine.model.records import Asset, Log, Organisation, Proposal, ProposalStatus
from trine.model.state import State
from trine.model.state_keys import (
    asset_key,
    log_key,
    organisation_key,
    proposal_key,
)


def check_state(state: State) -> None:
    """Check supplies, numbers of administrators, sizes, and that numbers have no gaps."""
    counters = state.counters
    for number in range(1, counters.assets + 1):
        asset = state.require(asset_key(AssetId(number)), Asset)
        balances = (balance_of(who, AssetId(number), state) for who in state.accounts)
        assert sum(balances) == asset.supply
    for number in range(counters.organisations):
        organisation = state.require(organisation_key(OrganisationId(number)), Organisation)
        administrators = sum(
            Roles.ADMINISTRATOR in account.roles and account.organisation == number
            for account in state.accounts.values()
        )
        assert administrators == organisation.administrators
    for number in range(counters.logs):
        log = state.require(log_key(LogId(number)), Log)
        assert len(log.frontier.peaks) == log.frontier.size.bit_count()
    for number in range(counters.proposals):
        proposal = state.require(proposal_key(ProposalId(number)), Proposal)
        votes = proposal.approvals + proposal.rejections
        assert len(set(votes)) == len(votes)
    assert all(len(account.encode()) == ACCOUNT_BYTES for account in state.accounts.values())
    assert all(U64.read(Reader(v)) > 0 for key, v in state.values.items() if key[0] == 11)


def check_step(before: State, after: State, outcomes: tuple[Outcome, ...]) -> None:
    """Check what a block may never undo, and that failures leave no trace."""
    assert before.accounts.keys() <= after.accounts.keys()
    for who, account in before.accounts.items():
        assert after.accounts[who].nonce_base >= account.nonce_base
        assert after.accounts[who].organisation == account.organisation
        assert after.accounts[who].key_count >= account.key_count
    for number in range(before.counters.proposals):
        proposal = before.require(proposal_key(ProposalId(number)), Proposal)
        if proposal.status != ProposalStatus.OPEN:
            assert after.read(proposal_key(ProposalId(number)), Proposal) == proposal
    for outcome in outcomes:
        assert outcome.code == 0 or (outcome.code >= 100 and outcome.events == ())


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**64), blocks=st.integers(1, 12))
def test_invariants_hold_after_every_block(seed: int, blocks: int) -> None:
    # Goal: supply = sum of balances, votes once each, no number reused, failures without trace.
    # Method: generated blocks; an invalid one must change nothing.
    random = Random(seed)
    chain = Chain.from_genesis(generators.genesis(random))
    generator = generators.Generator(random, chain)
    check_state(chain.state)
    for height in range(1, blocks + 1):
        time_ms, made = generator.block()
        before, digest = chain.state, chain.state.digest()
        try:
            applied = chain.apply(Height(height), time_ms, made)
        except InvalidBlock:
            assert chain.state is before
        else:
            check_state(chain.state)
            check_step(before, chain.state, applied.outcomes)
        assert before.digest() == digest
