"""Compare the readable model with the Rust rules on the same blocks."""

import os
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.model import generators, people
from trine._core.memory_chain import MemoryChain
from trine.errors import TrineError
from trine.model import Chain, InvalidBlock, calls
from trine.model.account import Account
from trine.model.identifiers import Height, LogId, Milliseconds, OrganisationId
from trine.model.limits import LOGS_MAX
from trine.model.merkle import Frontier
from trine.model.outcome import Outcome
from trine.model.records import Log
from trine.model.state_keys import log_key
from trine.model.verdicts import OK_NUMBER, LogLimit, Undecodable

EXAMPLES = int(os.environ.get("TRINE_MODEL_EXAMPLES", "200"))
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


def assert_same_state(chain: Chain, core: MemoryChain) -> None:
    """Compare every entry, so that a difference is named before the digests differ."""
    accounts = {bytes(key): value.encode() for key, value in chain.state.accounts.items()}
    assert dict(core.accounts()) == accounts
    assert dict(core.values()) == {bytes(key): value for key, value in chain.state.values.items()}
    assert core.state_digest() == chain.state.digest()


def grow(random: Random, document: bytes, blocks: int, *, aged: bool) -> None:
    """Grow a chain block by block, give each block to both, compare everything."""
    chain, core = Chain.from_genesis(document), MemoryChain(document)
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


def copy_state(chain: Chain, core: MemoryChain) -> None:
    """Write the state of the model into the core."""
    for address, account in chain.state.accounts.items():
        core.set_account(bytes(address), account.encode())
    for key, value in chain.state.values.items():
        core.set_value(bytes(key), value)


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=st.integers(0, 2**64), blocks=st.integers(1, 12))
@example(seed=46, blocks=7)  # the last block of an epoch replaces a validator
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


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**64), cut=st.booleans())
def test_model_and_core_agree_on_damaged_transactions(seed: int, cut: bool) -> None:
    # Goal: the same verdict on bytes that are no transaction, or another one. Method: change up to
    # three bytes of a transaction at the places where formats differ, or cut it.
    random = Random(seed)
    document = people.genesis()
    chain, core = Chain.from_genesis(document), MemoryChain(document)
    _, made = generators.Generator(random, chain).block()
    data = bytearray(made[0] if made else b"")
    for _ in range(random.randint(1, 3) if data else 0):
        place = random.choice((0, 53, 54, 70, 71, 72, 73, 74, 75, random.randrange(len(data))))
        data[min(place, len(data) - 1)] = random.choice(
            (0, 1, 2, 64, 65, 255, random.randrange(256))
        )
    if cut:
        del data[random.randint(0, len(data)) :]
    time_ms = people.TIME_MS + 1
    expected = core.apply(1, time_ms, [bytes(data)])
    assert apply_model(chain, 1, time_ms, [bytes(data)]) == expected
    assert_same_state(chain, core)


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**64))
def test_model_and_core_agree_on_damaged_accounts(seed: int) -> None:
    # Goal: the same account records are possible. Method: change up to two bytes of one, mostly
    # those of flags, roles, keys and nonces.
    random = Random(seed)
    chain = Chain.from_genesis(people.genesis())
    generators.age(random, chain)
    data = bytearray(random.choice(list(chain.state.accounts.values())).encode())
    for _ in range(random.randint(0, 2)):
        place = random.choice((0, 1, 2, 3, 4, 37, 65, random.randrange(len(data))))
        data[place] = random.choice((0, 1, 7, 8, 9, 255, random.randrange(256)))
    model = core = None
    try:
        Account.from_bytes(bytes(data))
    except Undecodable as verdict:
        model = verdict.code
    try:
        MemoryChain(people.genesis()).set_account(bytes(20), bytes(data))
    except TrineError as error:
        core = error.code
    assert model == core


def test_model_and_core_agree_on_the_limit_of_logs() -> None:
    # Goal: the limit that no generated chain reaches. Method: write all logs but one into both;
    # the first new log is created, the second fails, and so does a new organisation.
    document = people.genesis(parameters={"approval_percent": 0})
    chain, core = Chain.from_genesis(document), MemoryChain(document)
    state = chain.state
    log = Log(OrganisationId(0), "log", Frontier())
    for number in range(state.counters.logs, LOGS_MAX - 1):
        state.write(log_key(LogId(number)), log)
    state.counters = replace(state.counters, logs=LOGS_MAX - 1)
    copy_state(chain, core)
    submit = calls.ProposalSubmit(
        calls.CreateOrganisation("school", people.public_key("stranger-0")),
        Milliseconds(people.TIME_MS + 1_000),
    )
    made = [
        people.transaction("city-all", chain.chain_id, [call], nonce=nonce)
        for nonce, call in enumerate([calls.LogCreate("last"), calls.LogCreate("more"), submit])
    ]
    time_ms = people.TIME_MS + 1
    applied = apply_model(chain, 1, time_ms, made)
    codes = [Outcome.from_bytes(outcome).code for outcome in applied["outcomes"]]
    assert codes == [OK_NUMBER, LogLimit.number, LogLimit.number]
    assert core.apply(1, time_ms, made) == applied
