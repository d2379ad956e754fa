"""Compare the readable model with the Rust rules on the same blocks."""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.model import generators, people
from trine.model import Chain, InvalidBlock
from trine.model.identifiers import Height, Milliseconds

memory_chain = pytest.importorskip(
    "trine._core.memory_chain", reason="the extension is not built: run `make build`"
)

EXAMPLES = int(os.environ.get("TRINE_MODEL_EXAMPLES", "60"))
"""Chains that each property tries; more in a long run."""

steps = st.sampled_from([1, 400, 1_000, 1_000, 5_000, 100_000])
"""Milliseconds from a block to the next."""


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


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    data=st.data(),
    parameters=generators.parameters(),
    organisations=st.integers(1, 3),
)
def test_model_and_core_agree_on_every_block(
    data: st.DataObject, parameters: dict[str, int], organisations: int
) -> None:
    # Goal: two implementations of the rules say the same about every block, valid or not.
    # Method: grow a chain block by block from the model's state, give each block to both, compare
    # verdict, outcomes, roots and every entry of the state.
    document = people.genesis(people.ORGANISATIONS[:organisations], parameters)
    chain, core = Chain.from_genesis(document), memory_chain.MemoryChain(document)
    assert core.chain_id() == chain.chain_id
    assert_same_state(chain, core)
    time_ms = people.TIME_MS
    for height in range(1, data.draw(st.integers(1, 10), label="blocks") + 1):
        time_ms += data.draw(steps)
        made = generators.block(data.draw, chain, Milliseconds(time_ms))
        expected = core.apply(height, time_ms, made)
        assert apply_model(chain, height, time_ms, made) == expected
        assert_same_state(chain, core)
