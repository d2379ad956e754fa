"""Compare the readable model with the Rust rules on the same blocks."""

import os
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model import generators
from trine.model import Chain, InvalidBlock
from trine.model.identifiers import Height, Milliseconds

memory_chain = pytest.importorskip(
    "trine._core.memory_chain", reason="the extension is not built: run `make build`"
)

EXAMPLES = int(os.environ.get("TRINE_MODEL_EXAMPLES", "60"))
"""Chains that each property tries; more in a long run."""


def apply_model(chain: Chain, height: int, time_ms: int, made: list[bytes]) -> Any:
    """Apply a block to the model, in the form in which the core answers."""
    try:
        applied = chain.apply(Height(height), Milliseconds(time_ms), made)
    except InvalidBlock as invalid:
        return invalid.index, invalid.number
    validators = applied.next_validators
    return {
        "outcomes": [outcome.encode() for outcome in applied.outcomes],
        "log_appends": [
            (append.log, append.first_index, [bytes(entry) for entry in append.entries])
            for append in applied.log_appends
        ],
        "body_root": applied.body_root,
        "outcome_root": applied.outcome_root,
        "evidence_root": applied.evidence_root,
        "parameters_version": applied.parameters_version,
        "next_validators": None if validators is None else validators.encode(),
        "state_digest": applied.state_digest,
    }


def assert_same_state(chain: Chain, core: Any) -> None:
    """Compare every entry, so that a difference is named before the digests differ."""
    accounts = {bytes(key): value.encode() for key, value in chain.state.accounts.items()}
    assert dict(core.accounts()) == accounts
    assert dict(core.values()) == {bytes(key): value for key, value in chain.state.values.items()}
    assert core.state_digest() == chain.state.digest()


def grow(random: Random, document: bytes, blocks: int, *, aged: bool) -> None:
    """Grow a chain block by block, give each block to both, compare everything."""
    chain, core = Chain.from_genesis(document), memory_chain.MemoryChain(document)
    assert core.chain_id() == chain.chain_id
    assert_same_state(chain, core)
    if aged:
        generators.age(random, chain)
        copy_state(chain, core)
    generator = generators.Generator(random, chain)
    for height in range(1, blocks + 1):
        time_ms, made = generator.block()
        expected = core.apply(height, time_ms, made)
        assert apply_model(chain, height, time_ms, made) == expected
        assert_same_state(chain, core)


def copy_state(chain: Chain, core: Any) -> None:
    """Write the state of the model into the core."""
    for address, account in chain.state.accounts.items():
        core.set_account(bytes(address), account.encode())
    for key, value in chain.state.values.items():
        core.set_value(bytes(key), value)


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=st.integers(0, 2**64), blocks=st.integers(1, 12))
def test_model_and_core_agree_on_every_block(seed: int, blocks: int) -> None:
    # Goal: two implementations of the rules say the same about every block, valid or not.
    # Method: generated blocks from genesis on; verdict, outcomes, roots and every entry compared.
    random = Random(seed)
    grow(random, generators.genesis(random), blocks, aged=False)


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=st.integers(0, 2**64), blocks=st.integers(1, 6))
def test_model_and_core_agree_near_the_limits(seed: int, blocks: int) -> None:
    # Goal: the same where numbers end: nonces, keys, balances, quotas, organisations.
    # Method: as above, from a state that is written into both.
    random = Random(seed)
    grow(random, generators.genesis(random), blocks, aged=True)
