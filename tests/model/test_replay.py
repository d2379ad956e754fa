"""Replay chains of blocks, and refuse every header that does not say what it must."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model import generators, people
from tests.model.replays import propose, start
from trine.model import InvalidBlock
from trine.model.block import Block, InvalidHeader, Replay
from trine.model.header import Header
from trine.model.identifiers import (
    ChainId,
    Digest,
    Epoch,
    Milliseconds,
    OrganisationId,
    ValidatorKey,
)
from trine.model.limits import BLOCK_BYTES_MAX, BLOCK_TRANSACTIONS_MAX
from trine.model.state_keys import validators_key
from trine.model.validators import EpochChange, Validator, ValidatorSet
from trine.model.verdicts import TooLarge

NEW_SET = ValidatorSet.of(
    [Validator(ValidatorKey(bytes(34)), OrganisationId(0), "new", "127.0.0.1:1")]
)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**64))
def test_good_blocks_are_accepted_through_epochs(seed: int) -> None:
    # Goal: an honest chain replays. Method: propose and accept blocks through two epochs, each once
    # through its encoding.
    random = Random(seed)
    replay, _ = start(generators.genesis(random))
    generator = generators.Generator(random, replay.chain)
    for _ in range(2 * replay.chain.document.blocks_per_epoch + 2):
        generator.chain = replay.chain
        time_ms, made = generator.block()
        try:
            block = propose(replay, time_ms, made)
        except InvalidBlock:
            continue
        replay.accept(Block.from_bytes(block.encode()))
        assert replay.parent == block.header


def changes_of(header: Header) -> dict[str, Any]:
    """Give every field that is checked another value."""
    other = Digest(b"\x01" * 32)
    return {
        "chain_id": ChainId(other),
        "height": header.height + 1,
        "epoch": header.epoch + 1,
        "parent": other,
        "time_ms": people.TIME_MS,
        "body_root": other,
        "outcome_root": other,
        "evidence_root": other,
        "parameters_version": header.parameters_version + 1,
        "epoch_change": EpochChange(Epoch(1), NEW_SET, None),
        "extension": b"more",
    }


@pytest.mark.parametrize("height", [1, 7])
def test_each_field_is_checked(height: int) -> None:
    # Goal: no field can lie. Method: change one at a time, in an epoch and at its end.
    replay, _ = start(people.genesis())
    for place in range(1, height):
        time_ms = Milliseconds(people.TIME_MS + place)
        replay.accept(propose(replay, time_ms, []))
    block = propose(replay, Milliseconds(people.TIME_MS + height), [])
    assert (block.header.epoch_change is not None) == (height == 7)
    for name, value in changes_of(block.header).items():
        before = replace(replay)
        with pytest.raises(InvalidHeader, match=f"^{name}$"):
            replay.accept(replace(block, header=replace(block.header, **{name: value})))
        assert replay == before
    replay.accept(block)


def test_genesis_header_follows_from_the_document() -> None:
    # Goal: nobody can give another start. Method: change each field that is checked.
    document = people.genesis()
    _, header = start(document)
    for name, value in {**changes_of(header), "time_ms": header.time_ms + 1, "view": 1}.items():
        with pytest.raises(InvalidHeader, match=f"^{name}$"):
            Replay.from_genesis(document, replace(header, **{name: value}))


def test_a_new_set_decides_the_epoch_after_the_next() -> None:
    # Goal: validators change two epochs later. Method: write another set into the state in epoch 0.
    replay, _ = start(people.genesis())
    first = replay.chain.document.validators
    replay.chain.state.write(validators_key(), NEW_SET)
    said = []
    for place in range(1, 3 * 8):
        block = propose(replay, Milliseconds(people.TIME_MS + place), [])
        replay.accept(block)
        if block.header.epoch_change is not None:
            said.append(block.header.epoch_change)
    assert said == [
        EpochChange(Epoch(1), first, NEW_SET),
        EpochChange(Epoch(2), NEW_SET, None),
        EpochChange(Epoch(3), NEW_SET, None),
    ]


def test_limits_of_a_block() -> None:
    # Goal: limits hold, and one past them is refused. Method: numbers and sizes of empty bytes.
    _, header = start(people.genesis())
    for count in (BLOCK_TRANSACTIONS_MAX, BLOCK_TRANSACTIONS_MAX + 1):
        block = Block(header, (b"",) * count)
        if count > BLOCK_TRANSACTIONS_MAX:
            with pytest.raises(TooLarge):
                Block.from_bytes(block.encode())
        else:
            assert Block.from_bytes(block.encode()) == block
    full = Block(header, (bytes(BLOCK_BYTES_MAX - 5), bytes(5)))
    assert Block.from_bytes(full.encode()) == full
    with pytest.raises(TooLarge):
        Block.from_bytes(replace(full, transactions=(*full.transactions, b"x")).encode())
