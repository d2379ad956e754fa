"""Make chains of blocks as leaders do: from the rules and the parent, without a network."""

from dataclasses import replace

from trine.model import Chain
from trine.model.block import Block, Replay, genesis_header
from trine.model.header import Header, StateCommitment
from trine.model.identifiers import Digest, Epoch, Height, Milliseconds
from trine.model.state_keys import validators_key
from trine.model.validators import EpochChange, ValidatorSet

COMMITMENT = StateCommitment(Digest(bytes(32)), Digest(bytes(32)), 0, 1)
"""What headers say about the databases, of which there are none."""


def start(document: bytes) -> tuple[Replay, Header]:
    """Start a replay, and return the header of genesis too."""
    header = genesis_header(Chain.from_genesis(document), accounts=COMMITMENT, values=COMMITMENT)
    return Replay.from_genesis(document, header), header


def propose(replay: Replay, time_ms: Milliseconds, made: list[bytes]) -> Block:
    """Make the next block, as a leader does: from the rules and the parent, field by field."""
    chain = replace(replay.chain)
    following = chain.state.require(validators_key(), ValidatorSet)
    height = Height(replay.parent.height + 1)
    applied = chain.apply(height, time_ms, made)
    epoch = height // chain.document.blocks_per_epoch
    change = None
    if (height + 1) % chain.document.blocks_per_epoch == 0:
        current = replay.epoch_change.following or replay.epoch_change.validators
        change = EpochChange(Epoch(epoch + 1), current, following if following != current else None)
    header = replace(
        replay.parent,
        height=height,
        epoch=Epoch(epoch),
        view=height * 2,
        parent_view=replay.parent.view,
        parent=replay.parent.digest(),
        time_ms=time_ms,
        body_root=applied.body_root,
        outcome_root=applied.outcome_root,
        evidence_root=applied.evidence_root,
        parameters_version=applied.parameters_version,
        epoch_change=change,
    )
    return Block(header, tuple(made))
